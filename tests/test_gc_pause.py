"""Python's garbage collector is paused only while values are created."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest

from modelversions import Catalog, Registry
from modelversions.gc_pause import gc_paused, gc_resumed
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
    with gc_resumed():
        assert not gc.isenabled()
    assert not gc.isenabled()
    gc.enable()


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_it_is_enabled_after_an_exception(error: type[BaseException]) -> None:
    @gc_paused
    def fail(*, in_pause: bool) -> None:
        if in_pause:
            raise error
        with gc_resumed():
            raise error

    for in_pause in (False, True):
        with pytest.raises(error):
            fail(in_pause=in_pause)
        assert gc.isenabled()


def test_a_pause_is_interrupted() -> None:
    @gc_paused
    def interrupted() -> list[bool]:
        with gc_resumed():
            inside = gc.isenabled(), paused(), gc.isenabled()
        return [*inside, gc.isenabled()]

    assert interrupted() == [True, True, True, False]
    with gc_resumed():
        assert gc.isenabled()


def test_a_caller_disables_it_while_a_pause_is_interrupted() -> None:
    @gc_paused
    def interrupted() -> None:
        with gc_resumed():
            gc.disable()

    interrupted()
    assert not gc.isenabled()
    gc.enable()


def test_another_thread_pauses_while_a_pause_is_interrupted() -> None:
    entered, leave = threading.Event(), threading.Event()

    @gc_paused
    def wait() -> None:
        entered.set()
        leave.wait()

    @gc_paused
    def interrupted() -> None:
        with gc_resumed():
            thread.start()
            entered.wait()
            assert not gc.isenabled()
        leave.set()
        thread.join()

    thread = threading.Thread(target=wait)
    interrupted()
    assert gc.isenabled()


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
