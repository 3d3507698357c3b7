"""Registries for unit tests: in memory, independent of the user's configuration and environment.

>>> from modelversions.testing import memory_registry
>>> registry = memory_registry({"churn": ["v1.0.0", "v1.1.0"]}, {"churn": {"prod": "v1.0.0"}})
>>> registry["churn"].stages["prod"]
<Version churn@v1.0.0>

For fixtures, put ``pytest_plugins = ["modelversions.pytest_plugin"]`` into a ``conftest.py``.
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
"""The default start of a ``FixedClock``."""

_MESSAGE = "a commit"
_ENVIRONMENT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


class FixedClock:
    """A clock that advances by one step with each reading, so that times are reproducible.

    Set ``now`` to move it, as in ``clock.now += timedelta(days=1)``.
    """

    def __init__(self, start: datetime = START, step: timedelta = timedelta(seconds=1)) -> None:
        """Start at an aware time.

        Raises:
            InvalidArgumentError: the start is not an aware datetime, or the step is not a
                timedelta.
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

    Its commits are ``HEAD``, ``HEAD~1`` and so on. One commit is created for each version in
    ``models``, followed by ``commits`` more for later registrations. ``new_commit`` adds a commit.

    Args:
        models: the versions to register, by model.
        stages: the versions to assign, by model and stage.
        commits: the number of commits after those of the versions. Each version of a model that a
            test registers needs its own commit (F12a).
        allowed_stages: the stages that may be assigned. Default: all.
        author: the author of commits and events.
        clock: the clock of commits and events. Default: a new ``FixedClock``.
        rules: rules for later writes; see ``modelversions.rules``.

    Raises:
        InvalidArgumentError: ``models`` or ``stages`` does not have the required form, or
            ``commits`` is not a non-negative integer.
    """
    _check_form(models or {}, stages or {})
    if not is_count(commits):
        raise InvalidArgumentError(
            f"commits must be a non-negative integer, not {commits!r}",
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

    Its time is one second after that of its parent, so that its SHA is the same in each run.

    Raises:
        InvalidArgumentError: the registry is not in memory.
    """
    store = registry._store if isinstance(registry, Registry) else None  # noqa: SLF001  # no public name
    if not is_in_memory(store):
        raise InvalidArgumentError(
            f"new_commit() is for registries in memory; create a commit in {registry!r} with Git",
            argument="registry",
            value=registry,
        )
    return add_commit(store, AUTHOR, time_after_head(store), message)


def _check_form(models: object, stages: object) -> None:
    """Check the form of the arguments: the characters of a text would be read as versions."""
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
    """Return whether a value is an iterable other than text or a mapping, whose values are lost."""
    return isinstance(value, Iterable) and not isinstance(value, (str, Mapping))
