"""Repositories in memory, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import TypeGuard

from dulwich.objects import Commit, Tree
from dulwich.refs import HEADREF
from dulwich.repo import MemoryRepo

from modelversions.git.local.local_store import LocalStore
from modelversions.values.identity import Identity


def new_memory_store(env: Mapping[str, str]) -> LocalStore:
    """Return the store of a new repository in memory, which has no commit."""
    repo = MemoryRepo()
    repo.object_store.add_object(Tree())
    return LocalStore(repo, "memory", env=env)


def is_in_memory(store: object) -> TypeGuard[LocalStore]:
    """Return whether a store has a repository in memory."""
    return isinstance(store, LocalStore) and isinstance(store.repo, MemoryRepo)


def add_commit(store: LocalStore, author: Identity, time: datetime, message: str) -> str:
    """Add an empty commit to HEAD; return its full SHA.

    ``MemoryRepo.do_commit`` would read the user's configuration, for ``i18n.commitEncoding``.
    """
    repo = store.repo
    head = repo.refs.follow(HEADREF)[1]
    commit = Commit()
    commit.tree = Tree().id
    commit.parents = [] if head is None else [head]
    commit.author = commit.committer = str(author).encode()
    commit.author_time = commit.commit_time = int(time.timestamp())
    commit.author_timezone = commit.commit_timezone = 0
    commit.message = f"{message}\n".encode()
    repo.object_store.add_object(commit)
    repo.refs.set_if_equals(HEADREF, head, commit.id)
    return commit.id.decode("ascii")


def time_after_head(store: LocalStore) -> datetime:
    """Return the time one second after the commit at HEAD."""
    head = store.repo[store.repo.head()]
    assert isinstance(head, Commit)
    return datetime.fromtimestamp(head.commit_time, timezone.utc) + timedelta(seconds=1)
