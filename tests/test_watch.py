"""Watches yield the current version and each change, also after failures of a server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from queue import Queue
from typing import Any

import attrs
import pytest
from dulwich.refs import Ref
from dulwich.repo import Repo

from modelversions import (
    AuthenticationError,
    InvalidArgumentError,
    InvalidNameError,
    InvalidTagNameError,
    Registry,
    RemoteError,
    RemoteTimeoutError,
    RepositoryNotFoundError,
    TagName,
    Version,
)
from modelversions.git.local.local_store import LocalStore
from modelversions.git.store import TagObject, TagRef
from modelversions.testing import memory_registry
from tests.builders import Builder, at
from tests.git.remote.test_http_settings import server
from tests.servers import http_server

Step = Callable[[], object]


@attrs.define
class Script:
    """Run one step at each wait, and end the watch after the last step."""

    steps: Iterable[Step]
    waited: list[float] = attrs.Factory(list)
    _remaining: Iterator[Step] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._remaining = iter(self.steps)

    def __call__(self, seconds: float) -> bool:
        self.waited.append(seconds)
        step = next(self._remaining, None)
        if step is not None:
            step()
        return step is None


class Store(LocalStore):
    """A store that records reads and listings, and raises errors."""

    def __init__(self, builder: Builder) -> None:
        super().__init__(builder.repo, "memory")
        self.listed: list[tuple[str, ...]] = []
        self.reads: list[str] = []
        self.errors: list[Exception | None] = []

    def tags(self, prefixes: Iterable[str] = ("",)) -> tuple[TagRef, ...]:
        self.listed.append(tuple(prefixes))
        error = self.errors.pop(0) if self.errors else None
        if error is not None:
            raise error
        return tuple(super().tags(tuple(prefixes)))

    def read(self, refs: Iterable[TagRef]) -> list[TagObject]:
        wanted = list(refs)
        self.reads += [ref.name for ref in wanted]
        return super().read(wanted)


def nothing() -> None:
    """Do nothing."""


def watched(registry: Registry, reference: str, *steps: Step) -> list[str | None]:
    """Return the values of a watch while steps are run."""
    versions = registry.watch(reference, wait=Script(steps))
    return [None if one is None else str(one) for one in versions]


class TestChanges:
    def test_the_current_version_then_each_change(self) -> None:
        registry = memory_registry({"churn": ["v1.0.0", "v2.0.0"]}, {"churn": {"prod": "v1.0.0"}})
        found = watched(
            registry,
            "churn#prod",
            nothing,
            lambda: registry.assign("churn", "v2.0.0", "prod"),
            lambda: registry.assign("churn", "v1.0.0", "dev"),
            lambda: registry.deprecate("churn"),
            lambda: registry.unassign("churn", "v2.0.0", "prod"),
            lambda: registry.deregister("churn", "v1.0.0"),
            lambda: registry.register("churn", "v1.0.0", commit="HEAD~2"),
        )
        assert found == ["churn@v1.0.0", "churn@v2.0.0", "churn@v1.0.0", None, "churn@v1.0.0"]

    @pytest.mark.parametrize(
        ("reference", "expected"),
        [
            ("churn@latest", [None, "churn@v1.0.0", "churn@v2.0.0", "churn@v1.0.0", None]),
            ("churn@v2.0.0", [None, "churn@v2.0.0", None]),
            ("churn#prod", [None, "churn@v2.0.0", None]),
            ("churn#prod#1", [None, "churn@v2.0.0"]),
            ("refs/tags/churn@v1.0.0", [None, "churn@v1.0.0"]),
            ("other@latest", [None]),
        ],
    )
    def test_none_for_references_without_a_version(
        self, reference: str, expected: list[str | None]
    ) -> None:
        registry = memory_registry(commits=2)
        steps: list[Step] = [
            lambda: registry.register("churn", "v1.0.0", commit="HEAD~1"),
            lambda: registry.register("churn", "v2.0.0"),
            lambda: registry.assign("churn", "v2.0.0", "prod"),
            lambda: registry.deregister("churn", "v2.0.0"),
            lambda: registry.deregister("churn", "v1.0.0"),
        ]
        assert watched(registry, reference, *steps) == expected

    def test_a_new_registration_at_another_commit_is_a_change(self, builder: Builder) -> None:
        builder.commit("c2", 1, "c1")
        builder.tags("m@v1.0.0", "m#prod#1")
        move: Step = lambda: builder.tag("m@v1.0.0#2", "c2", 90)  # noqa: E731  # a step
        first, second = builder.registry.watch("m#prod", wait=Script([move]))
        assert first is not None
        assert second is not None
        assert (first.name, first.commit) == ("v1.0.0", builder.commits["c1"])
        assert (second.name, second.commit) == ("v1.0.0", builder.commits["c2"])

    def test_references_of_other_types(self, builder: Builder) -> None:
        registry = builder.tags("m@v1.0.0").registry
        for reference in (registry["m"][0], TagName.parse("m@v1.0.0")):
            assert list(registry.watch(reference, wait=Script([]))) == [registry["m"][0]]

    def test_a_view_of_the_past_cannot_be_watched(self, builder: Builder) -> None:
        past = builder.tags("m@v1.0.0").registry.as_of(at(5))
        with pytest.raises(InvalidArgumentError, match=r"call watch\(\) on the Registry"):
            past.watch("m@latest")


class TestArguments:
    """They are checked when ``watch()`` is called, before the first step."""

    @pytest.mark.parametrize(
        ("reference", "error"),
        [
            ("churn", InvalidTagNameError),
            ("churn@prod", InvalidTagNameError),
            ("churn@deprecated", InvalidTagNameError),
            ("a b@latest", InvalidNameError),
        ],
    )
    def test_references(self, builder: Builder, reference: str, error: type[Exception]) -> None:
        with pytest.raises(error):
            builder.registry.watch(reference)

    @pytest.mark.parametrize(
        "interval", [0, -1, float("nan"), float("inf"), True, "30", None, threading.TIMEOUT_MAX * 2]
    )
    def test_intervals(self, builder: Builder, interval: Any) -> None:
        with pytest.raises(InvalidArgumentError, match="a positive number of seconds") as caught:
            builder.registry.watch("m@latest", interval)
        assert (caught.value.argument, caught.value.value) == ("interval", interval)

    def test_stop_and_wait(self, builder: Builder) -> None:
        stop: Any = "now"
        with pytest.raises(InvalidArgumentError, match=r"stop must be a threading.Event, not 'now"):
            builder.registry.watch("m@latest", stop=stop)
        with pytest.raises(InvalidArgumentError, match="wait must be a function"):
            builder.registry.watch("m@latest", wait=stop)


class TestEnd:
    def test_stop_is_set_before_the_first_read(self, builder: Builder) -> None:
        store, stop = Store(builder.tags("m@v1.0.0")), threading.Event()
        stop.set()
        assert list(Registry(store).watch("m@latest", stop=stop)) == []
        assert store.listed == []

    def test_stop_is_set_while_the_version_is_used(self, builder: Builder) -> None:
        registry, stop = builder.tags("m@v1.0.0").registry, threading.Event()
        found = []
        for version in registry.watch("m@latest", 3600, stop=stop):
            found.append(version)
            stop.set()
        assert len(found) == 1

    def test_stop_ends_a_wait_in_another_thread(self, builder: Builder) -> None:
        registry, stop = builder.tags("m@v1.0.0").registry, threading.Event()
        found: Queue[Version | None] = Queue()

        def work() -> None:
            for version in registry.watch("m@latest", 3600, stop=stop):
                found.put(version)

        thread = threading.Thread(target=work)
        thread.start()
        assert str(found.get(timeout=60)) == "m@v1.0.0"
        stop.set()
        thread.join(60)
        assert not thread.is_alive()
        assert found.empty()

    def test_stop_with_a_wait_function(self, builder: Builder) -> None:
        registry, stop = builder.tags("m@v1.0.0").registry, threading.Event()
        script = Script([nothing, stop.set, nothing])
        assert len(list(registry.watch("m@latest", 5, stop=stop, wait=script))) == 1
        assert script.waited == [5, 5]

    def test_a_watch_can_be_closed(self, builder: Builder) -> None:
        store = Store(builder.tags("m@v1.0.0"))
        with closing(Registry(store).watch("m@latest")) as versions:
            assert str(next(versions)) == "m@v1.0.0"
        assert list(versions) == []
        assert len(store.listed) == 1

    def test_an_interrupt_during_a_wait(
        self, builder: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registry = builder.tags("m@v1.0.0").registry
        waited: list[float] = []

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 2:
                raise KeyboardInterrupt

        monkeypatch.setattr("time.sleep", sleep)
        versions = registry.watch("m@latest")
        assert str(next(versions)) == "m@v1.0.0"
        with pytest.raises(KeyboardInterrupt):
            next(versions)
        assert waited == [30, 30]
        assert list(versions) == []


class TestReads:
    def test_only_the_model_s_tags_are_listed_and_only_new_ones_read(
        self, builder: Builder
    ) -> None:
        builder.tags("m@v1.0.0", "m@v2.0.0", "m#prod#1", "n@v1.0.0")
        for reference in ("m#prod", "m@v1.0.0", "m#prod#1", "m@latest"):
            store = Store(builder)
            versions = Registry(store).watch(reference, wait=Script([nothing] * 5))
            next(versions)
            store.reads.clear()
            assert list(versions) == []
            assert store.listed == [("m@", "m#")] * 6
            assert store.reads == []

    def test_one_new_tag_is_one_more_object_to_read(self, builder: Builder) -> None:
        store = Store(builder.tags("m@v1.0.0", "m@v2.0.0", "m#prod#1"))
        steps: list[Step] = [store.reads.clear, lambda: builder.tag("m#prod#2", at=90), nothing]
        assert len(list(Registry(store).watch("m#prod", wait=Script(steps)))) == 1
        assert store.reads == ["m#prod#2"]

    def test_a_missing_model_does_not_list_other_models(self, builder: Builder) -> None:
        store = Store(builder.tags("n@v1.0.0"))
        assert list(Registry(store).watch("m#prod", wait=Script([nothing]))) == [None]
        assert store.listed == [("m@", "m#")] * 2
        assert store.reads == []

    def test_one_request_at_a_url(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "m#prod#1", *(f"n@v1.0.{number}" for number in range(40)))
        requests: list[str] = []

        def counting(app: Any) -> Any:
            def count(environ: dict[str, Any], start: Any) -> Any:
                requests.append(environ["REQUEST_METHOD"])
                return app(environ, start)

            return count

        assert isinstance(disk.repo, Repo)
        with http_server(disk.repo, counting) as url, Registry.open(url) as registry:
            script = Script([requests.clear, *[nothing] * 3])
            assert [str(one) for one in registry.watch("m#prod", wait=script)] == ["m@v1.0.0"]
            assert requests == ["GET"] * 4  # this server uses version 0 of the protocol


def remote_error(status: int | None = None) -> RemoteError:
    return RemoteError("the server is unavailable", location="here", status=status)


class TestFailures:
    def failing(self, builder: Builder, *errors: Exception | None) -> tuple[Registry, Script]:
        store = Store(builder.tags("m@v1.0.0"))
        store.errors = list(errors)
        return Registry(store), Script([nothing] * (len(errors) + 1))

    def test_it_continues_when_the_server_is_available_again(
        self, builder: Builder, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        error = remote_error()
        registry, script = self.failing(builder, None, error, error, error, None, error)
        found = list(registry.watch("m@latest", 10, wait=script))
        assert [str(one) for one in found] == ["m@v1.0.0"]
        assert script.waited == [10, 10, 20, 40, 10, 10, 10, 10]
        assert {record.name for record in caplog.records} == {"modelversions.watch"}
        watch = "watch of 'm@latest' at 'memory'"
        assert [(record.levelname, record.message) for record in caplog.records] == [
            ("WARNING", f"{watch}: the server is unavailable; next attempt in 10 s"),
            ("INFO", f"{watch}: the server is unavailable; next attempt in 20 s"),
            ("INFO", f"{watch}: the server is unavailable; next attempt in 40 s"),
            ("INFO", f"{watch}: answered again after failures: 3"),
            ("WARNING", f"{watch}: the server is unavailable; next attempt in 10 s"),
            ("INFO", f"{watch}: answered again after failures: 1"),
        ]

    def test_a_server_that_is_unavailable_at_first(self, builder: Builder) -> None:
        timeout = RemoteTimeoutError("it sent nothing", location="here")
        registry, script = self.failing(builder, timeout, timeout)
        assert [str(one) for one in registry.watch("m@latest", wait=script)] == ["m@v1.0.0"]
        assert script.waited == [30, 60, 30, 30]

    @pytest.mark.parametrize(("interval", "greatest"), [(1, 300), (200, 300), (1000, 1000)])
    def test_the_interval_is_bounded(
        self, builder: Builder, interval: float, greatest: float
    ) -> None:
        registry, script = self.failing(builder, *[remote_error()] * 2000)
        assert len(list(registry.watch("m@latest", interval, wait=script))) == 1
        assert script.waited[:2] == [interval, min(2 * interval, greatest)]
        assert max(script.waited) == script.waited[1999] == greatest
        assert script.waited[2000:] == [interval] * 2

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
    def test_a_temporary_status(self, builder: Builder, status: int) -> None:
        registry, script = self.failing(builder, remote_error(status))
        assert len(list(registry.watch("m@latest", wait=script))) == 1

    @pytest.mark.parametrize(
        "error",
        [
            remote_error(400),
            remote_error(410),
            AuthenticationError("no", location="here"),
            RepositoryNotFoundError("no", location="here"),
            ValueError("another error"),
        ],
    )
    def test_other_errors_end_it(self, builder: Builder, error: Exception) -> None:
        registry, script = self.failing(builder, None, error)
        versions = registry.watch("m@latest", wait=script)
        assert str(next(versions)) == "m@v1.0.0"
        with pytest.raises(type(error)) as caught:
            next(versions)
        assert caught.value is error
        assert list(versions) == []

    def test_a_tag_that_is_deleted_before_it_is_read(
        self, disk: Builder, caplog: pytest.LogCaptureFixture
    ) -> None:
        class PrunedStore(Store):
            """A store in which another process deletes a tag before it is read."""

            def read(self, refs: Iterable[TagRef]) -> list[TagObject]:
                wanted = list(refs)
                if any(ref.name == "m#prod#2" for ref in wanted):
                    disk.repo.refs.remove_if_equals(Ref(b"refs/tags/m#prod#2"), None)
                return super().read(wanted)

        disk.tags("m@v1.0.0", "m#prod#1")
        steps: list[Step] = [lambda: disk.ref("refs/tags/m#prod#2", "b" * 40), nothing]
        registry = Registry(PrunedStore(disk))
        assert len(list(registry.watch("m#prod", wait=Script(steps)))) == 1
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "'m#prod#2' was deleted or moved after it was listed" in caplog.text

    def test_a_server_that_fails_temporarily(
        self, served_repo: Builder, caplog: pytest.LogCaptureFixture
    ) -> None:
        served_repo.tags("m@v1.0.0")
        statuses: list[int] = []

        def answer(_path: str, _body: bytes) -> tuple[int, dict[str, str], bytes] | None:
            return (statuses.pop(), {}, b"try again") if statuses else None

        def fail() -> None:
            statuses.extend([503, 502])
            served_repo.tag("m@v2.0.0", "c2", 90)

        with server(served_repo, answer) as traffic:
            url = traffic.url.replace("//", "//ann:s3cret@")
            script = Script([fail, nothing, nothing, nothing])
            with Registry.open(url) as registry:
                found = [str(one) for one in registry.watch("m@latest", wait=script)]
        assert found == ["m@v1.0.0", "m@v2.0.0"]
        assert script.waited == [30, 30, 60, 30, 30]
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "s3cret" not in caplog.text
