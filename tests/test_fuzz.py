"""Random histories: in any state, a write has its effect or changes nothing."""

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
METHODS = ["register", "register", "deregister", "assign", "assign", "unassign", "deprecate"]


class RandomModel:
    """A model with few commits, versions and stages, so that many writes conflict."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311  # reproducible
        self.builder = Builder()
        self.commits = [self.builder.commit(f"c{number}", number) for number in range(4)]
        self.registry = self.builder.registry

    def refs(self) -> dict[Any, Any]:
        """Return all refs."""
        return dict(self.builder.repo.refs.as_dict())

    def write_by_hand(self) -> None:
        """Create a tag that this library would not create."""
        draw = self.rng.choice
        version, stage = draw(VERSIONS), draw(STAGES)
        name = draw([f"m@{version}", f"m@{version}!", f"m#{stage}", f"m#{stage}!", "m@deprecated"])
        counter = draw(["", f"#{self.rng.randint(0, 30)}"])
        self.builder.tag(name + counter, draw(self.commits), self.rng.randint(0, 50))

    def when(self) -> datetime | None:
        """Return a random time: None, one between the other events, or one far after them."""
        times = [None, None, self.rng.randint(0, 40), self.rng.randint(0, 10**9)]
        seconds = self.rng.choice(times)
        return None if seconds is None else at(seconds)

    def step(self) -> bool:
        """Call a random method and check its effect; return whether it wrote."""
        draw, force = self.rng.choice, self.rng.random() < 0.4
        options: dict[str, Any] = {"author": ANN, "when": self.when(), "force": force}
        method, version, stage = draw(METHODS), draw(VERSIONS), draw(STAGES)
        before = self.refs()
        by_name = self.rng.random() < 0.5
        try:
            event = self.call(method, version if by_name else None, stage, options)
        except (RefusedError, VersionNotFoundError, ModelNotFoundError):
            assert self.refs() == before
            return False
        after = self.refs()
        assert {name: after[name] for name in before} == before
        model = self.registry["m"]
        assert self.registry.event(event.tag) == event
        _check(method, event, model, version if by_name else None)
        if method != "deprecate" and options["when"] is None:
            assert not model.deprecated
        return True

    def call(self, method: str, version: str | None, stage: str, options: dict[str, Any]) -> Event:
        """Call a method with a version or a commit."""
        registry: Registry = self.registry
        commit = self.rng.choice(self.commits)
        if method == "register":
            return registry.register("m", version, commit=commit, **options)
        if method == "deregister":
            return registry.deregister("m", version or VERSIONS[0], **options)
        if method == "deprecate":
            return registry.deprecate("m", **options)
        if method == "assign":
            options["register"] = self.rng.random() < 0.3
        commit_option = {} if version else {"commit": commit}
        event = getattr(registry, method)("m", version, stage, **commit_option, **options)
        assert isinstance(event, Event)
        return event


def _check(method: str, event: Event, model: Model, version: str | None) -> None:
    """Check that the method has had its effect (F14)."""
    if method == "register":
        assert model[str(event.version)].commit == event.commit
    elif method == "deregister":
        assert str(event.version) not in model
    elif method == "deprecate":
        assert model.deprecated
    elif method == "assign":
        holder = model.stages[str(event.stage)]
        assert holder.name == (version or str(event.version or event.commit))
    elif version is not None:
        assert version not in [holder.name for holder in model.holders(str(event.stage))]


def test_a_write_has_its_effect_or_changes_nothing() -> None:
    written = 0
    for seed in range(600):
        model = RandomModel(seed)
        for step in range(30):
            if model.rng.random() < 0.15:
                model.write_by_hand()
                continue
            try:
                written += model.step()
            except AssertionError as error:
                raise AssertionError(f"seed {seed}, step {step}") from error
    assert written > 5000


def test_a_registry_at_a_url_equals_the_local_one() -> None:
    for seed in range(1000, 1060):
        model = RandomModel(seed)
        for _ in range(30):
            model.write_by_hand()
            model.step()
        assert isinstance(model.builder.repo, MemoryRepo)
        with git_server(model.builder.repo) as url, Registry.open(url) as remote_registry:
            assert same(remote_registry, model.registry), f"seed {seed}"
