"""The threads of a catalog."""

from __future__ import annotations

import threading

import pytest

from modelversions.catalog.pool import DaemonThreads


def test_work_is_done_in_threads() -> None:
    own = threading.get_ident()
    threads = DaemonThreads(2)

    def add(one: int, *, two: int) -> tuple[int, int]:
        return one + two, threading.get_ident()

    found, thread = threads.submit(add, 1, two=2).result()
    assert found == 3
    assert thread != own
    threads.shutdown()


def test_no_more_threads_than_allowed() -> None:
    wait, names = threading.Event(), set[str]()

    def work() -> None:
        names.add(threading.current_thread().name)
        wait.wait()

    threads = DaemonThreads(2)
    futures = [threads.submit(work) for _ in range(5)]
    wait.set()
    for future in futures:
        future.result()
    assert 1 <= len(names) <= 2
    threads.shutdown()


def test_an_error_is_raised_by_the_future() -> None:
    threads = DaemonThreads(1)
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 // 0).result()
    assert threads.submit(lambda: 1).result() == 1  # the thread continues
    threads.shutdown()


def test_cancelled_work_is_not_done() -> None:
    started, wait = threading.Event(), threading.Event()
    done: list[int] = []

    def first() -> None:
        started.set()
        wait.wait()

    threads = DaemonThreads(1)
    running = threads.submit(first)
    started.wait()
    cancelled, last = threads.submit(done.append, 1), threads.submit(done.append, 2)
    assert cancelled.cancel()
    wait.set()
    last.result()
    assert running.result() is None
    assert done == [2]
    threads.shutdown()
