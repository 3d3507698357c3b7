"""Registries for unit tests: in memory, without the user's configuration and environment.

>>> from modelversions.testing import memory_registry
>>> registry = memory_registry({"churn": ["v1.0.0", "v1.1.0"]}, {"churn": {"prod": "v1.0.0"}})
>>> registry["churn"].stages["prod"]
<Version churn@v1.0.0>

``pytest_plugins = ["modelversions.pytest_plugin"]`` in a ``conftest.py`` offers fixtures.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone

from modelversions.errors import InvalidArgumentError
from modelversions.git.local.memory import (
    add_commit,
    is_in_memory,
    new_memory_store,
    time_after_head,
)
from modelversions.registry import Registry
from modelversions.rules import Rule
from modelversions.values.arguments import Clock, is_count
from modelversions.values.event import check_aware, check_time
from modelversions.values.identity import Identity

AUTHOR = Identity("Test Author", "author@example.com")
"""The author of commits and events, unless another one is passed."""

__all__ = ["AUTHOR", "START", "FixedClock", "memory_registry", "new_commit"]

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
"""The first time of a ``FixedClock``."""

_MESSAGE = "a commit"
_ENVIRONMENT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


class FixedClock:
    """A clock that advances by one step each time that it is read."""

    def __init__(self, start: datetime = START, step: timedelta = timedelta(seconds=1)) -> None:
        """Start at an aware time.

        Raises:
            InvalidArgumentError: it is no aware time, or the step is no timedelta.
        """
        check_aware(start, "start")
        if not isinstance(step, timedelta):
            raise InvalidArgumentError(
                f"step must be a timedelta, not {step!r}", argument="step", value=step
            )
        self.now = start
        """The time of the next reading."""
        self.step = step

    def __call__(self) -> datetime:
        """Return the time, and advance."""
        now, self.now = self.now, self.now + self.step
        return now

    def __repr__(self) -> str:
        """Return the time of the next reading, and the step."""
        return f"<FixedClock {self.now}, step {self.step}>"


def memory_registry(
    models: Mapping[str, Iterable[str]] | None = None,
    stages: Mapping[str, Mapping[str, str]] | None = None,
    *,
    commits: int = 1,
    allowed_stages: Iterable[str] | None = None,
    author: Identity = AUTHOR,
    clock: Clock | None = None,
    rules: Iterable[Rule] = (),
) -> Registry:
    """Return a registry in memory, which reads neither files nor the environment.

    Its commits are ``HEAD``, ``HEAD~1`` and so on. Each version has a commit of its own, so that
    there are more of them if they are needed. ``new_commit`` adds one.

    Args:
        models: the versions to register, by model.
        stages: the versions to assign, by model and stage.
        commits: the number of commits after those of the versions. As a model has one version at a
            commit (F12a), each version that is registered needs its own.
        allowed_stages: the stages that may be assigned. Default: all.
        author: the author of commits and events.
        clock: the clock of commits and events. Default: a new one.
        rules: rules for the writes that follow; see ``modelversions.rules``.

    Raises:
        InvalidArgumentError: ``models`` or ``stages`` has another form.
    """
    _check_form(models or {}, stages or {})
    if not is_count(commits):
        raise InvalidArgumentError(
            f"commits must be a number from 0 on, not {commits!r}",
            argument="commits",
            value=commits,
        )
    clock = clock or FixedClock()
    store = new_memory_store(_ENVIRONMENT)
    registry = Registry(store, author=author, clock=clock)

    def commit() -> str:
        return add_commit(store, author, check_time(clock(), "clock"), _MESSAGE)

    for model, versions in (models or {}).items():
        for version in versions:
            registry.register(model, version, commit=commit())
    for model, assigned in (stages or {}).items():
        for stage, version in assigned.items():
            registry.assign(model, version, stage)
    for _ in range(commits):
        commit()
    return Registry(store, stages=allowed_stages, author=author, clock=clock, rules=rules)


def new_commit(registry: Registry, message: str = _MESSAGE) -> str:
    """Add an empty commit to HEAD of a registry in memory; return its full SHA.

    It is dated one second after its parent, so that it is the same in each run.

    Raises:
        InvalidArgumentError: the registry is not in memory.
    """
    store = registry._store if isinstance(registry, Registry) else None  # noqa: SLF001
    if not is_in_memory(store):
        raise InvalidArgumentError(
            f"new_commit() is for registries in memory; make the commit in {registry!r} with Git",
            argument="registry",
            value=registry,
        )
    return add_commit(store, AUTHOR, time_after_head(store), message)


def _check_form(models: object, stages: object) -> None:
    """Check that arguments are mappings, of which texts would be taken apart."""
    for argument, value, example in (
        ("models", models, {"churn": ["v1.0.0"]}),
        ("stages", stages, {"churn": {"prod": "v1.0.0"}}),
    ):
        inner = value.values() if isinstance(value, Mapping) else [None]
        is_form = _is_mapping if argument == "stages" else _is_list
        if not all(map(is_form, inner)):
            raise InvalidArgumentError(
                f"{argument} must have the form {example}, not {value!r}",
                argument=argument,
                value=value,
            )


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_list(value: object) -> bool:
    """Whether a value has items, and is neither text nor a mapping, whose values would be lost."""
    return isinstance(value, Iterable) and not isinstance(value, (str, Mapping))
