"""A forked child can read, whatever locks the threads of its parent held."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions import Registry
from modelversions.git import locks
from tests.builders import Builder
from tests.servers import http_server

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork() is not available")


def in_child(work: Callable[[], bool]) -> bool:
    """Fork, and return what the child returns; a child that hangs is killed after 10 seconds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a process with threads forks
        child = os.fork()
    if child == 0:
        done = False
        try:
            done = work()
        finally:
            os._exit(0 if done else 1)
    timer = threading.Timer(10, os.kill, (child, 9))
    timer.start()
    _, status = os.waitpid(child, 0)
    timer.cancel()
    return status == 0


def test_a_lock_that_another_thread_holds(disk: Builder) -> None:
    disk.tags("m@v1.0.0")
    registry = disk.registry
    held, released = threading.Event(), threading.Event()

    def hold() -> None:
        with registry._store._lock:  # type: ignore[attr-defined]
            held.set()
            released.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        assert in_child(lambda: list(registry) == ["m"])
    finally:
        released.set()
        thread.join()
    assert list(registry) == ["m"]


def test_a_connection_remains_the_parents(tmp_path: Path) -> None:
    with Repo.init_bare(str(tmp_path / "served"), mkdir=True) as repo:
        Builder(repo).tags("m@v1.0.0")
        with http_server(repo) as url, Registry.open(url) as registry:
            assert list(registry) == ["m"]
            session = registry._store.transport._session  # type: ignore[attr-defined]
            client = session._client
            assert in_child(lambda: session._client is None and list(registry) == ["m"])
            assert session._client is client
            session._leave_connection()  # as in the child
            assert (session._client, session._inherited) == (None, client)
            assert list(registry) == ["m"]


def test_the_callback_of_a_lock() -> None:
    """The same in this process, where it can be observed."""
    called = []

    class Owner:
        def note(self) -> None:
            called.append(self)

    owner = Owner()
    lock, other = locks.ForkSafeLock(owner.note), locks.ForkSafeLock()
    with lock, other:
        lock.renew()
        other.renew()
        lock.__enter__()
        other.__enter__()
    assert called == [owner]
    del owner, called[:]
    lock.renew()
    assert called == []
    locks._renew_all()
