"""Python's garbage collector: paused while values are created, and only then."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator

import pytest

from modelversions import Catalog, Registry
from modelversions.gc_pause import _Pause, gc_paused, gc_resumed
from tests.builders import Builder
from tests.servers import served


@pytest.fixture(autouse=True)
def _enabled() -> Iterator[None]:
    gc.enable()
    yield
    assert gc.isenabled()


@gc_paused
def paused() -> bool:
    return not gc.isenabled()


@gc_paused
def nested() -> tuple[bool, bool]:
    return paused(), not gc.isenabled()


def test_it_is_paused_during_a_call() -> None:
    assert nested() == (True, True)
    assert gc.isenabled()


def test_it_stays_disabled_if_the_caller_disabled_it() -> None:
    gc.disable()
    assert nested() == (True, True)
    assert not gc.isenabled()
    gc.enable()


def test_it_is_enabled_after_an_exception() -> None:
    @gc_paused
    def fail() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        fail()


def test_a_pause_is_interrupted() -> None:
    @gc_paused
    def interrupted() -> list[bool]:
        with gc_resumed():
            inside = gc.isenabled(), paused()
        return [*inside, gc.isenabled()]

    assert interrupted() == [True, True, False]
    with gc_resumed():
        assert gc.isenabled()


def test_it_is_paused_until_the_last_thread_ends() -> None:
    entered, leave = threading.Event(), threading.Event()

    @gc_paused
    def wait() -> None:
        entered.set()
        leave.wait()

    thread = threading.Thread(target=wait)
    thread.start()
    entered.wait()
    assert nested() == (True, True)
    assert not gc.isenabled()
    leave.set()
    thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.filterwarnings("ignore:This process")
@pytest.mark.parametrize("pauses", [False, True])
def test_a_forked_process_has_no_other_threads(*, pauses: bool) -> None:
    """A pause of another thread ends in the child, and one of its own thread continues."""
    entered, leave = threading.Event(), threading.Event()

    @gc_paused
    def wait() -> None:
        entered.set()
        leave.wait()

    def child() -> int:
        id = os.fork()
        if id:
            return os.waitpid(id, 0)[1]
        os._exit(0 if gc.isenabled() is not pauses else 1)

    thread = threading.Thread(target=wait)
    thread.start()
    entered.wait()
    status = gc_paused(child)() if pauses else child()
    leave.set()
    thread.join()
    assert status == 0


def test_it_is_enabled_while_a_server_is_waited_for_and_progress_is_reported(
    served_repo: Builder,
) -> None:
    served_repo.tags("m@v1.0.0", "m#prod#1")
    found = []

    def progress(*_: object) -> None:
        found.append(gc.isenabled())

    with served("http", served_repo.repo) as url:
        with Registry.open(url, progress=progress) as registry:
            assert registry.history()
        assert Catalog([url], progress=progress).history()
    assert len(found) > 1
    assert all(found)


def test_the_threads_of_another_process_are_forgotten() -> None:
    """What a forked process does at its start, in this process."""
    pause = _Pause()
    pause._restart()
    thread = threading.Thread(target=pause.begin)
    thread.start()
    thread.join()
    assert not gc.isenabled()
    pause.begin()
    pause._restart()
    assert not gc.isenabled()
    pause.end()
    assert gc.isenabled()
    thread = threading.Thread(target=pause.begin)
    thread.start()
    thread.join()
    pause._restart()
    assert gc.isenabled()
