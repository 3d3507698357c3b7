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

from dulwich.objects import Tree
from dulwich.repo import MemoryRepo

from modelversions.git.local.local_store import LocalStore
from modelversions.registry import Registry
from modelversions.values.identity import Identity

AUTHOR = Identity("Test Author", "author@example.com")
"""The author of commits and events, unless another one is passed."""

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
"""The first time of a ``FixedClock``."""

_ENVIRONMENT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}


class FixedClock:
    """A clock that advances by one step each time that it is read."""

    def __init__(self, start: datetime = START, step: timedelta = timedelta(seconds=1)) -> None:
        """Start at an aware time."""
        self.now = start
        """The time of the next reading."""
        self.step = step

    def __call__(self) -> datetime:
        """Return the time, and advance."""
        now, self.now = self.now, self.now + self.step
        return now


def memory_registry(
    models: Mapping[str, Iterable[str]] | None = None,
    stages: Mapping[str, Mapping[str, str]] | None = None,
    *,
    commits: int = 1,
    allowed_stages: Iterable[str] | None = None,
    author: Identity = AUTHOR,
    clock: FixedClock | None = None,
) -> Registry:
    """Return a registry in memory, which reads neither files nor the environment.

    Its commits are ``HEAD``, ``HEAD~1`` and so on. Each version has a commit of its own, so that
    there are more of them if they are needed.

    Args:
        models: the versions to register, by model.
        stages: the versions to assign, by model and stage.
        commits: the number of commits after those of the versions.
        allowed_stages: the stages that may be assigned. Default: all.
        author: the author of commits and events.
        clock: the clock of commits and events. Default: a new one.
    """
    clock = clock or FixedClock()
    repo = MemoryRepo()
    repo.object_store.add_object(Tree())
    store = LocalStore(repo, "memory", env=_ENVIRONMENT)
    registry = Registry(store, stages=allowed_stages, author=author, clock=clock)
    for model, versions in (models or {}).items():
        for version in versions:
            registry.register(model, version, commit=_commit(repo, author, clock()))
    for model, assigned in (stages or {}).items():
        for stage, version in assigned.items():
            registry.assign(model, version, stage)
    for _ in range(commits):
        _commit(repo, author, clock())
    return registry


def _commit(repo: MemoryRepo, author: Identity, time: datetime) -> str:
    """Add an empty commit to HEAD; return its id."""
    person, seconds = str(author).encode(), int(time.timestamp())
    id = repo.do_commit(
        b"a commit\n",
        tree=Tree().id,
        author=person,
        committer=person,
        author_timestamp=seconds,
        commit_timestamp=seconds,
        author_timezone=0,
        commit_timezone=0,
    )
    return id.decode("ascii")
