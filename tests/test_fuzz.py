"""Random histories: in any state, a verb has its effect or changes nothing."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any

import pytest
from dulwich.repo import MemoryRepo

from modelversions import (
    Event,
    Identity,
    Model,
    ModelNotFoundError,
    RefusedError,
    Registry,
    VersionNotFoundError,
)
from tests.builders import Builder, at, same
from tests.servers import git_server

pytestmark = [
    pytest.mark.fuzz,
    pytest.mark.filterwarnings("ignore::modelversions.ClockSkewWarning"),
]

ANN = Identity("Ann", "ann@example.com")
VERSIONS = ["v1.0.0", "v1.0.0+x", "v2.0.0-rc.1", "v2.0.0"]
STAGES = ["dev", "prod"]
VERBS = ["register", "register", "deregister", "assign", "assign", "unassign", "deprecate"]


class Life:
    """One model among few commits, versions and stages, so that everything collides."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311  # chance that can be repeated
        self.builder = Builder()
        self.commits = [self.builder.commit(f"c{number}", number) for number in range(4)]
        self.registry = self.builder.registry

    def refs(self) -> dict[Any, Any]:
        """Return all refs."""
        return dict(self.builder.repo.refs.as_dict())

    def write_by_hand(self) -> None:
        """Make a tag that no verb of ours would make."""
        draw = self.chance.choice
        version, stage = draw(VERSIONS), draw(STAGES)
        name = draw([f"m@{version}", f"m@{version}!", f"m#{stage}", f"m#{stage}!", "m@deprecated"])
        counter = draw(["", f"#{self.chance.randint(0, 30)}"])
        self.builder.tag(name + counter, draw(self.commits), self.chance.randint(0, 50))

    def when(self) -> datetime | None:
        """Draw a time: none, one in the thick of things, or one far from them."""
        times = [None, None, self.chance.randint(0, 40), self.chance.randint(0, 10**9)]
        seconds = self.chance.choice(times)
        return None if seconds is None else at(seconds)

    def step(self) -> bool:
        """Call a verb and check what it did; say whether it wrote."""
        draw, force = self.chance.choice, self.chance.random() < 0.4
        options: dict[str, Any] = {"author": ANN, "when": self.when(), "force": force}
        verb, version, stage = draw(VERBS), draw(VERSIONS), draw(STAGES)
        before = self.refs()
        by_name = self.chance.random() < 0.5
        try:
            event = self.call(verb, version if by_name else None, stage, options)
        except (RefusedError, VersionNotFoundError, ModelNotFoundError):
            assert self.refs() == before
            return False
        after = self.refs()
        assert {name: after[name] for name in before} == before
        model = self.registry["m"]
        assert self.registry.event(event.tag) == event
        _check(verb, event, model, version if by_name else None)
        if verb != "deprecate" and options["when"] is None:
            assert not model.deprecated
        return True

    def call(self, verb: str, version: str | None, stage: str, options: dict[str, Any]) -> Event:
        """Call a verb by version or by commit."""
        registry: Registry = self.registry
        commit = self.chance.choice(self.commits)
        if verb == "register":
            return registry.register("m", version, commit=commit, **options)
        if verb == "deregister":
            return registry.deregister("m", version or VERSIONS[0], **options)
        if verb == "deprecate":
            return registry.deprecate("m", **options)
        if verb == "assign":
            options["register"] = self.chance.random() < 0.3
        where = {} if version else {"commit": commit}
        event = getattr(registry, verb)("m", version, stage, **where, **options)
        assert isinstance(event, Event)
        return event


def _check(verb: str, event: Event, model: Model, version: str | None) -> None:
    """See that the verb has had its effect (F14)."""
    if verb == "register":
        assert model[str(event.version)].commit == event.commit
    elif verb == "deregister":
        assert str(event.version) not in model
    elif verb == "deprecate":
        assert model.deprecated
    elif verb == "assign":
        holder = model.stages[str(event.stage)]
        assert holder.name == (version or str(event.version or event.commit))
    elif version is not None:
        assert version not in [holder.name for holder in model.holders(str(event.stage))]


def test_a_verb_has_its_effect_or_changes_nothing() -> None:
    written = 0
    for seed in range(600):
        life = Life(seed)
        for step in range(30):
            if life.chance.random() < 0.15:
                life.write_by_hand()
                continue
            try:
                written += life.step()
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, step {step}") from error
    assert written > 5000


def test_a_server_tells_of_each_life_what_its_repository_does() -> None:
    for seed in range(1000, 1060):
        life = Life(seed)
        for _ in range(30):
            life.write_by_hand()
            life.step()
        assert isinstance(life.builder.repo, MemoryRepo)
        with git_server(life.builder.repo) as url, Registry.open(url) as remote_registry:
            assert same(remote_registry, life.registry), f"seed {seed}"
