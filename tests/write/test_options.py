"""The arguments of all methods that write, concurrent writers, and the deletion of tags."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from dulwich.objects import ObjectID
from dulwich.refs import Ref
from dulwich.repo import Repo

from modelversions import (
    Event,
    InvalidArgumentError,
    InvalidNameError,
    InvalidTagNameError,
    InvalidVersionError,
    ModelVersionsError,
    NoEffectError,
    RefusedError,
    Registry,
    TagExistsError,
    TagNotFoundError,
    VersionExistsError,
    WriteConflictError,
)
from tests.builders import Builder, at
from tests.write.helpers import ANN, METHODS, do, held
from tests.write.test_register import everything


class TestClocks:
    """F14: a write always takes effect."""

    @pytest.mark.parametrize("ahead", [0, 3600])
    @pytest.mark.filterwarnings("ignore::modelversions.ClockSkewWarning")
    def test_the_last_call_takes_effect_within_a_second_and_on_a_slow_clock(
        self, example: Builder, ahead: int
    ) -> None:
        registry = example.registry
        start = datetime.now(timezone.utc) + timedelta(seconds=ahead)
        do(registry, "register", "m", "v3.0.0", when=start)
        do(registry, "deregister", "m", "v3.0.0")
        assert "v3.0.0" not in registry["m"]
        do(registry, "register", "m", "v3.0.0")
        assert "v3.0.0" in registry["m"]
        do(registry, "assign", "m", "v3.0.0", "prod", when=start + timedelta(seconds=ahead + 2))
        do(registry, "unassign", "m", "v3.0.0", "prod")
        assert held(registry) == {"prod": "v2.0.0"}
        last = do(registry, "assign", "m", "v3.0.0", "prod")
        assert held(registry) == {"prod": "v3.0.0"}
        assert [event for event in registry.history() if event.stage == "prod"][-1] == last

    @pytest.mark.parametrize(
        ("method", "arguments", "when"),
        [
            ("deregister", ("m", "v2.0.0"), 20),
            ("assign", ("m", "v1.0.0", "prod"), 40),
            ("unassign", ("m", "v2.0.0", "prod"), 35),
            ("deprecate", ("m",), 40),
        ],
    )
    def test_a_time_that_would_not_supersede(
        self, example: Builder, method: str, arguments: tuple[str, ...], when: int
    ) -> None:
        before = everything(example)
        with pytest.raises(NoEffectError, match="this would change nothing, as it must") as caught:
            do(example.registry, method, *arguments, when=at(when))
        assert isinstance(caught.value, RefusedError)
        assert everything(example) == before
        assert do(example.registry, method, *arguments, when=at(41)).time == at(41)

    def test_an_assignment_is_not_dated_before_the_registration(self, example: Builder) -> None:
        with pytest.raises(NoEffectError, match="'v2.0.0' was not registered yet: it was"):
            do(example.registry, "assign", "m", "v2.0.0", "dev", when=at(19))
        assert do(example.registry, "assign", "m", "v2.0.0", "dev", when=at(20)).time == at(20)

    @pytest.mark.filterwarnings("ignore::modelversions.ClockSkewWarning")
    def test_an_assignment_follows_a_registration_in_the_future(self, example: Builder) -> None:
        later = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=1)
        do(example.registry, "register", "m", "v3.0.0", when=later)
        assert do(example.registry, "assign", "m", "v3.0.0", "dev").time == later

    @pytest.mark.parametrize(("version", "other"), [("v1.0.0", "v2.0.0"), ("v2.0.0", "v1.0.0")])
    def test_events_of_other_versions_and_stages_need_not_be_superseded(
        self, example: Builder, version: str, other: str
    ) -> None:
        """F14.2, F14.3."""
        example.tag(f"m@{other}!", "c1", 200)
        example.tag("m#a#7", "c3", 210)
        example.tag("m#z#8", "c3", 220)
        registry = Registry.from_repo(example.repo, clock=lambda: at(100))
        assert do(registry, "assign", "m", version, "prod", force=True).time == at(100)
        assert do(registry, "deregister", "m", version).time == at(100)

    @pytest.mark.parametrize(("commit", "other"), [("c1", "c2"), ("c2", "c1")])
    def test_registrations_at_other_commits_need_not_be_older(
        self, example: Builder, commit: str, other: str
    ) -> None:
        """F14.6."""
        example.tag("m@v3.0.0", other, 200)
        registry = Registry.from_repo(example.repo, clock=lambda: at(100))
        event = do(registry, "assign", "m", stage="dev", commit=example.commits[commit])
        assert event.time == at(100)


CALLS: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
    ("register", ("m", "v3.0.0"), {}),
    ("deregister", ("m", "v2.0.0"), {}),
    ("assign", ("m", "v2.0.0", "dev"), {}),
    ("assign", ("m",), {"stage": "dev", "register": True}),
    ("unassign", ("m", "v2.0.0", "prod"), {}),
    ("deprecate", ("m",), {}),
]


class TestOptions:
    @pytest.mark.parametrize(("method", "arguments", "options"), CALLS)
    def test_a_dry_run_returns_the_event_and_writes_nothing(
        self, example: Builder, method: str, arguments: tuple[str, ...], options: dict[str, Any]
    ) -> None:
        before = everything(example)
        dry = do(example.registry, method, *arguments, **options, when=at(90), dry_run=True)
        assert everything(example) == before
        assert do(example.registry, method, *arguments, **options, when=at(90)) == dry
        assert example.registry.event(dry.tag) == dry

    @pytest.mark.parametrize(("method", "arguments", "options"), CALLS)
    def test_message_and_author(
        self, example: Builder, method: str, arguments: tuple[str, ...], options: dict[str, Any]
    ) -> None:
        event = do(example.registry, method, *arguments, **options, message="  Why \n\n\nso\n")
        assert (event.message, event.author) == ("Why\n\nso", ANN)

    @pytest.mark.parametrize("sign", [None, True, False, "ABCDEF"])
    def test_valid_values_of_sign(self, builder: Builder, sign: bool | str | None) -> None:
        event = do(builder.registry, "register", "m", "v1.0.0", sign=sign, dry_run=True)
        assert event.tag == "m@v1.0.0"
        assert builder.registry.problems() == ()

    @pytest.mark.parametrize("sign", ["", 1, b"ABCDEF"])
    def test_invalid_values_of_sign(self, builder: Builder, sign: object) -> None:
        with pytest.raises(InvalidArgumentError, match="sign must be True, False, the name of"):
            do(builder.registry, "register", "m", "v1.0.0", sign=sign, dry_run=True)

    def test_a_dry_run_detects_a_conflict_of_names(self, builder: Builder) -> None:
        builder.tag("m", "c1")
        with pytest.raises(WriteConflictError):
            do(builder.registry, "register", "m/x", "v1.0.0", dry_run=True)

    def test_all_methods_that_write_share_their_options(self) -> None:
        shared = {"message", "author", "when", "force", "sign", "dry_run"}
        for method in METHODS:
            assert shared <= set(inspect.signature(getattr(Registry, method)).parameters)

    def test_a_ref_that_conflicts_with_a_directory(self, example: Builder) -> None:
        example.tag("m#dev", "c1", 50)
        before = everything(example)
        with pytest.raises(WriteConflictError, match="conflicts with the tag 'm#dev'"):
            do(example.registry, "assign", "m", "v2.0.0", "dev/eu")
        assert everything(example) == before

    def test_two_tags_of_one_call_are_written_atomically(self, example: Builder) -> None:
        example.tag("m#dev", "c1", 50)
        before = everything(example)
        with pytest.raises(WriteConflictError):
            do(example.registry, "assign", "m", stage="dev/eu", register=True)
        assert everything(example) == before

    def test_no_tag_is_written_if_the_second_cannot_be(
        self, builder: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        builder.tags("m@v1.0.0")
        builder.commit("c2", 1, "c1")
        add = builder.repo.refs.add_if_new

        def refuse(name: Ref, id: ObjectID) -> bool:
            return b"#" not in bytes(name) and add(name, id)

        monkeypatch.setattr(builder.repo.refs, "add_if_new", refuse)
        with pytest.raises(TagExistsError, match="'m#dev#1' exists already"):
            do(builder.registry, "assign", "m", stage="dev", register=True)
        assert "v1.0.1" not in builder.registry["m"]


class TestDeleteTags:
    def test_it_returns_the_deleted_tags(self, example: Builder) -> None:
        registry = example.registry
        event = registry["m"].history[-1]
        ids = [example.repo.refs[f"refs/tags/{name}".encode()] for name in ("m#prod#2", "m@v2.0.0")]  # type: ignore[index]
        expected = dict(zip(("m#prod#2", "m@v2.0.0"), (id.decode() for id in ids)))
        before = everything(example)
        assert registry.delete_tags(event, registry["m"]["v2.0.0"], dry_run=True) == expected
        assert everything(example) == before
        assert registry.delete_tags(event, "refs/tags/m@v2.0.0") == expected
        assert [version.name for version in registry["m"].all_versions] == ["v1.0.0"]

    def test_a_deletion_that_fails_deletes_nothing(
        self, builder: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        builder.tags("m@v1.0.0", "m@v2.0.0")
        before = everything(builder)
        remove = builder.repo.refs.remove_if_equals

        def refuse(name: Ref, id: ObjectID) -> bool:
            return b"v2" not in bytes(name) and remove(name, id)

        monkeypatch.setattr(builder.repo.refs, "remove_if_equals", refuse)
        with pytest.raises(WriteConflictError, match="was changed concurrently"):
            builder.registry.delete_tags("m@v1.0.0", "m@v2.0.0")
        assert everything(builder) == before

    def test_packed_tags_too(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "m@v2.0.0")
        disk.pack()
        disk.registry.delete_tags("m@v1.0.0")
        assert [version.name for version in disk.registry["m"]] == ["v2.0.0"]

    @pytest.mark.parametrize(
        ("tag", "error"),
        [("m@v9.0.0", TagNotFoundError), ("release-1", InvalidTagNameError)],
    )
    def test_no_tag_is_deleted_if_one_cannot_be(
        self, example: Builder, tag: str, error: type[ModelVersionsError]
    ) -> None:
        example.tag("release-1")
        before = everything(example)
        with pytest.raises(error):
            example.registry.delete_tags("m@v1.0.0", tag)
        assert everything(example) == before

    def test_no_tag_is_deleted_if_one_changed_concurrently(
        self, example: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registry = example.registry
        stale = registry._refs(["m@v1.0.0"])[0]
        example.tag("m@v1.0.0", "c3", 99)
        after = everything(example)
        fresh = {"m@v1.0.0": stale, "m@v2.0.0": registry._refs(["m@v2.0.0"])[0]}
        monkeypatch.setattr(registry, "_refs", lambda tags, **_: [fresh[tag] for tag in tags])
        with pytest.raises(WriteConflictError, match="was changed concurrently"):
            registry.delete_tags("m@v2.0.0", "m@v1.0.0")
        assert everything(example) == after

    @pytest.mark.usefixtures("short_lock_timeout")
    def test_a_lock_is_named(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0")
        assert isinstance(disk.repo, Repo)
        lock = Path(disk.repo.controldir(), "refs", "tags", "m@v1.0.0.lock")
        lock.touch()
        with pytest.raises(WriteConflictError, match=r"m@v1.0.0.lock"):
            disk.registry.delete_tags("m@v1.0.0")
        assert len(disk.registry["m"]) == 1


class TestThreads:
    """Threads that share one registry."""

    def run(self, work: Callable[[int], object], count: int = 16) -> list[object]:
        barrier = threading.Barrier(count)

        def start(number: int) -> object:
            barrier.wait()
            try:
                return work(number)
            except RefusedError as error:
                return error

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(start, range(count)))

    def test_one_thread_registers_a_version(self, example: Builder) -> None:
        registry = example.registry
        results = self.run(lambda _: do(registry, "register", "m", "v3.0.0"))
        assert sum(isinstance(result, Event) for result in results) == 1
        assert sum(isinstance(result, VersionExistsError) for result in results) == 15

    def test_every_assignment_is_recorded(self, example: Builder) -> None:
        registry = example.registry
        results = self.run(lambda n: do(registry, "assign", "m", "v1.0.0", f"s{n % 8}", force=True))
        tags = {result.tag for result in results if isinstance(result, Event)}
        assert len(tags) == 16
        assert tags <= {event.tag for event in registry.history()}

    def test_every_version_is_the_next(self, example: Builder) -> None:
        registry = example.registry
        results = self.run(lambda _: do(registry, "register", "m", force=True))
        versions = sorted(str(r.version) for r in results if isinstance(r, Event))
        assert versions == sorted(f"v2.0.{number}" for number in range(1, 17))


@pytest.mark.parametrize("flag", ["force", "dry_run"])
def test_a_flag_that_is_not_a_boolean_is_rejected(example: Builder, flag: str) -> None:
    before = example.registry.history()
    options: dict[str, Any] = {flag: "no"}
    with pytest.raises(InvalidArgumentError, match=f"{flag} must be True or False, not 'no'"):
        do(example.registry, "register", "m", "v3.0.0", **options)
    if flag == "dry_run":
        with pytest.raises(InvalidArgumentError, match="dry_run must be True or False"):
            example.registry.delete_tags(before[0], **options)
    assert example.registry.history() == before


@pytest.mark.parametrize(
    ("keyword", "hint"),
    [
        ("patch", r"call register\('m', bump='patch'\)"),
        ("latest", r"such as registry.resolve\('m@latest'\)"),
    ],
)
def test_a_keyword_instead_of_a_version(example: Builder, keyword: str, hint: str) -> None:
    with pytest.raises(InvalidVersionError, match=f"'{keyword}' is not a version name: .*{hint}"):
        do(example.registry, "register", "m", keyword)


def test_a_model_instead_of_its_name(example: Builder) -> None:
    model: Any = example.registry["m"]
    with pytest.raises(InvalidNameError, match="is not a model name: pass the name, as text"):
        example.registry.register(model)


@pytest.mark.parametrize("method", ["assign", "unassign"])
def test_a_stage_without_a_version_is_named(example: Builder, method: str) -> None:
    with pytest.raises(InvalidVersionError, match="'prod' is not a version name"):
        getattr(example.registry, method)("m", "prod")
