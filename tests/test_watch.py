"""Watching a reference: each change of its answer, and little else."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from modelversions import (
    AuthenticationError,
    InvalidArgumentError,
    InvalidTagNameError,
    ObjectMissingError,
    Registry,
    RemoteError,
    Version,
)
from modelversions.testing import memory_registry
from tests.builders import Builder
from tests.test_registry import CountingStore


class Steps(threading.Event):
    """An event whose ``wait`` takes the next step instead of time, and is set after the last."""

    def __init__(self, steps: Iterable[Callable[[], object]]) -> None:
        super().__init__()
        self.steps = iter(steps)
        self.waited: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout)
        step = next(self.steps, self.set)
        step()
        return self.is_set()


def names(versions: Iterable[Version | None]) -> list[str | None]:
    return [None if version is None else version.name for version in versions]


@pytest.fixture
def registry() -> Registry:
    return memory_registry({"churn": ["v1.0.0", "v1.1.0"]}, {"churn": {"prod": "v1.0.0"}})


def test_each_change_of_a_stage(registry: Registry) -> None:
    stop = Steps(
        [
            lambda: registry.assign("churn", "v1.1.0", "dev"),
            lambda: registry.assign("churn", "v1.1.0", "prod"),
            lambda: registry.register("churn", "v2.0.0"),
            lambda: registry.unassign("churn", "v1.1.0", "prod"),
            lambda: registry.unassign("churn", "v1.0.0", "prod"),
        ]
    )
    found = names(registry.watch("churn#prod", interval=7, stop=stop))
    assert found == ["v1.0.0", "v1.1.0", "v1.0.0", None]
    assert stop.waited == [7] * 6


@pytest.mark.parametrize("reference", ["new@latest", "new#prod", "new@v0.0.1", "new#prod#1"])
def test_a_model_that_does_not_exist_yet(registry: Registry, reference: str) -> None:
    stop = Steps([lambda: registry.assign("new", stage="prod", register=True), lambda: None])
    assert names(registry.watch(reference, stop=stop)) == [None, "v0.0.1"]
    assert stop.waited == [30.0] * 3


def test_no_active_version_left(registry: Registry) -> None:
    steps = [lambda v=v: registry.deregister("churn", v) for v in ("v1.0.0", "v1.1.0")]
    found = names(registry.watch("churn@latest", stop=Steps(steps)))
    assert found == ["v1.1.0", None]


def test_nothing_is_read_while_nothing_changes(builder: Builder) -> None:
    builder.commit("c2", 1, "c1")
    builder.tag("m@v1.0.0", "c1", 10)
    builder.tag("m#prod#1", "c1", 20)
    store = CountingStore(builder)
    other = [lambda: builder.tag("other@v1.0.0", "c1", 30)]
    counts: list[tuple[int, int]] = []

    def count() -> None:
        counts.append((len(store.reads), len(store.listed)))

    steps = [count, count, *other, count, count]
    assert names(Registry(store).watch("m#prod", stop=Steps(steps))) == ["v1.0.0"]
    assert len({reads for reads, _ in counts}) == 1
    assert [listed for _, listed in counts] == [1, 2, 4, 5]
    assert set(store.listed) == {("m@", "m#")}


@pytest.mark.parametrize("interval", [0, -1, math.inf, math.nan, "30", None])
def test_an_interval_that_is_none(registry: Registry, interval: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="interval must be a number of seconds above 0"):
        registry.watch("churn@latest", interval=interval)


def test_a_malformed_reference_is_an_error_at_once(registry: Registry) -> None:
    with pytest.raises(InvalidTagNameError, match="'churn' cannot be resolved"):
        registry.watch("churn")


def test_it_stops_while_it_waits(registry: Registry) -> None:
    stop = threading.Event()
    found: list[Version | None] = []
    thread = threading.Thread(
        target=lambda: found.extend(registry.watch("churn@latest", interval=3600, stop=stop))
    )
    thread.start()
    stop.set()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert list(registry.watch("churn@latest", stop=stop)) == []


def test_it_can_be_closed(registry: Registry) -> None:
    watched = registry.watch("churn@latest", interval=3600)
    assert next(watched) == registry["churn"].latest
    watched.close()  # type: ignore[attr-defined]
    assert list(watched) == []


class TestFailures:
    """A server that is away, at a poll that is not the first."""

    @staticmethod
    def failing(
        registry: Registry, monkeypatch: pytest.MonkeyPatch, errors: Iterable[Exception | None]
    ) -> Iterator[Version | None]:
        left = iter(errors)
        real = type(registry).get

        def get(self: Registry, name: str) -> object:
            error = next(left)
            if error is not None:
                raise error
            return real(self, name)

        monkeypatch.setattr(Registry, "get", get)
        steps = [lambda: registry.assign("churn", "v1.1.0", "prod"), *[lambda: None] * 2]
        return registry.watch("churn#prod", stop=Steps(steps[:2]))

    @pytest.mark.parametrize(
        "error",
        [
            RemoteError("the server is away", location="https://host"),
            ObjectMissingError("it was pruned", id="abc"),
        ],
    )
    def test_it_goes_on(
        self,
        registry: Registry,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        error: Exception,
    ) -> None:
        caplog.set_level(logging.WARNING, "modelversions")
        watched = self.failing(registry, monkeypatch, [None, None, error, None])
        assert names(watched) == ["v1.0.0", "v1.1.0"]
        assert caplog.messages == [f"{error}; asking again in 30.0 seconds"]

    def test_the_first_poll_raises(
        self, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        error = RemoteError("the server is away", location="https://host")
        watched = self.failing(registry, monkeypatch, [error])
        with pytest.raises(RemoteError):
            next(watched)

    def test_a_rejected_login_raises(
        self, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        error = AuthenticationError("no", location="https://host")
        watched = self.failing(registry, monkeypatch, [None, None, error])
        with pytest.raises(AuthenticationError):
            list(watched)


def test_it_is_used_from_asyncio_in_a_thread(registry: Registry) -> None:
    async def work() -> tuple[Version, list[str | None]]:
        latest = await asyncio.to_thread(registry.resolve, "churn@latest")
        watched = registry.watch("churn#prod", interval=3600)
        first = await asyncio.to_thread(next, watched)
        event = await asyncio.to_thread(registry.register, "churn", bump="minor")
        assert event.tag == "churn@v1.2.0"
        return latest, names([first])

    assert asyncio.run(work()) == (registry["churn"]["v1.1.0"], ["v1.0.0"])
