"""A forked child can read, whatever the threads of its parent were doing."""

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

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork() here")


def in_child(work: Callable[[], bool]) -> bool:
    """Fork, and return what the child returns; a child that hangs is ended after 10 seconds."""
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
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with registry._store._lock:  # type: ignore[attr-defined]
            held.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    try:
        assert in_child(lambda: list(registry) == ["m"])
    finally:
        over.set()
        thread.join()
    assert list(registry) == ["m"]


def test_a_connection_stays_the_parents(tmp_path: Path) -> None:
    with Repo.init_bare(str(tmp_path / "far"), mkdir=True) as repo:
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


def test_what_happens_in_the_child() -> None:
    """The same in this process, where it can be seen."""
    told = []

    class Owner:
        def note(self) -> None:
            told.append(self)

    owner = Owner()
    lock, plain = locks.ForkSafeLock(owner.note), locks.ForkSafeLock()
    with lock, plain:
        lock.renew()
        plain.renew()
        lock.__enter__()
        plain.__enter__()
    assert told == [owner]
    del owner, told[:]
    lock.renew()
    assert told == []
    locks._renew_all()
