"""The arguments that all verbs share, concurrent writers, and the deletion of tags."""

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
from tests.write.helpers import ANN, VERBS, do, held
from tests.write.test_register import everything


class TestClocks:
    """F14: a write always takes effect."""

    @pytest.mark.parametrize("ahead", [0, 3600])
    @pytest.mark.filterwarnings("ignore::modelversions.ClockSkewWarning")
    def test_the_last_call_wins_within_a_second_and_on_a_slow_clock(
        self, life: Builder, ahead: int
    ) -> None:
        registry = life.registry
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
        ("verb", "arguments", "when"),
        [
            ("deregister", ("m", "v2.0.0"), 20),
            ("assign", ("m", "v1.0.0", "prod"), 40),
            ("unassign", ("m", "v2.0.0", "prod"), 35),
            ("deprecate", ("m",), 40),
        ],
    )
    def test_a_time_that_would_not_supersede(
        self, life: Builder, verb: str, arguments: tuple[str, ...], when: int
    ) -> None:
        before = everything(life)
        with pytest.raises(NoEffectError, match="this would change nothing: it must") as caught:
            do(life.registry, verb, *arguments, when=at(when))
        assert isinstance(caught.value, RefusedError)
        assert everything(life) == before
        assert do(life.registry, verb, *arguments, when=at(41)).time == at(41)

    def test_an_assignment_is_not_dated_before_the_registration(self, life: Builder) -> None:
        with pytest.raises(NoEffectError, match="'v2.0.0' was not registered yet: that was at"):
            do(life.registry, "assign", "m", "v2.0.0", "dev", when=at(19))
        assert do(life.registry, "assign", "m", "v2.0.0", "dev", when=at(20)).time == at(20)

    @pytest.mark.filterwarnings("ignore::modelversions.ClockSkewWarning")
    def test_an_assignment_follows_a_registration_in_the_future(self, life: Builder) -> None:
        later = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=1)
        do(life.registry, "register", "m", "v3.0.0", when=later)
        assert do(life.registry, "assign", "m", "v3.0.0", "dev").time == later

    @pytest.mark.parametrize(("version", "other"), [("v1.0.0", "v2.0.0"), ("v2.0.0", "v1.0.0")])
    def test_events_of_other_versions_and_stages_need_not_be_superseded(
        self, life: Builder, version: str, other: str
    ) -> None:
        """F14.2, F14.3."""
        life.tag(f"m@{other}!", "c1", 200)
        life.tag("m#a#7", "c3", 210)
        life.tag("m#z#8", "c3", 220)
        registry = Registry.from_repo(life.repo, clock=lambda: at(100))
        assert do(registry, "assign", "m", version, "prod", force=True).time == at(100)
        assert do(registry, "deregister", "m", version).time == at(100)

    @pytest.mark.parametrize(("commit", "other"), [("c1", "c2"), ("c2", "c1")])
    def test_registrations_at_other_commits_need_not_be_older(
        self, life: Builder, commit: str, other: str
    ) -> None:
        """F14.6."""
        life.tag("m@v3.0.0", other, 200)
        registry = Registry.from_repo(life.repo, clock=lambda: at(100))
        event = do(registry, "assign", "m", stage="dev", commit=life.commits[commit])
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
    @pytest.mark.parametrize(("verb", "arguments", "options"), CALLS)
    def test_a_dry_run_returns_the_event_and_writes_nothing(
        self, life: Builder, verb: str, arguments: tuple[str, ...], options: dict[str, Any]
    ) -> None:
        before = everything(life)
        dry = do(life.registry, verb, *arguments, **options, when=at(90), dry_run=True)
        assert everything(life) == before
        assert do(life.registry, verb, *arguments, **options, when=at(90)) == dry
        assert life.registry.event(dry.tag) == dry

    @pytest.mark.parametrize(("verb", "arguments", "options"), CALLS)
    def test_message_and_author(
        self, life: Builder, verb: str, arguments: tuple[str, ...], options: dict[str, Any]
    ) -> None:
        event = do(life.registry, verb, *arguments, **options, message="  Why \n\n\nso\n")
        assert (event.message, event.author) == ("Why\n\nso", ANN)

    @pytest.mark.parametrize("sign", [None, True, False, "ABCDEF"])
    def test_what_sign_may_be(self, builder: Builder, sign: bool | str | None) -> None:
        event = do(builder.registry, "register", "m", "v1.0.0", sign=sign, dry_run=True)
        assert event.tag == "m@v1.0.0"
        assert builder.registry.problems() == ()

    @pytest.mark.parametrize("sign", ["", 1, b"ABCDEF"])
    def test_what_sign_may_not_be(self, builder: Builder, sign: object) -> None:
        with pytest.raises(InvalidArgumentError, match="sign must be True, False, the name of"):
            do(builder.registry, "register", "m", "v1.0.0", sign=sign, dry_run=True)

    def test_a_dry_run_sees_what_git_could_not_keep(self, builder: Builder) -> None:
        builder.tag("m", "c1")
        with pytest.raises(WriteConflictError):
            do(builder.registry, "register", "m/x", "v1.0.0", dry_run=True)

    def test_all_verbs_share_their_options(self) -> None:
        shared = {"message", "author", "when", "force", "sign", "dry_run"}
        for verb in VERBS:
            assert shared <= set(inspect.signature(getattr(Registry, verb)).parameters)

    def test_a_ref_beside_a_folder(self, life: Builder) -> None:
        life.tag("m#dev", "c1", 50)
        before = everything(life)
        with pytest.raises(WriteConflictError, match="conflicts with the tag 'm#dev'"):
            do(life.registry, "assign", "m", "v2.0.0", "dev/eu")
        assert everything(life) == before

    def test_two_tags_of_one_call_are_written_both_or_not_at_all(self, life: Builder) -> None:
        life.tag("m#dev", "c1", 50)
        before = everything(life)
        with pytest.raises(WriteConflictError):
            do(life.registry, "assign", "m", stage="dev/eu", register=True)
        assert everything(life) == before

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
    def test_it_says_what_it_removed(self, life: Builder) -> None:
        registry = life.registry
        event = registry["m"].history[-1]
        ids = [life.repo.refs[f"refs/tags/{name}".encode()] for name in ("m#prod#2", "m@v2.0.0")]  # type: ignore[index]
        expected = dict(zip(("m#prod#2", "m@v2.0.0"), (id.decode() for id in ids)))
        before = everything(life)
        assert registry.delete_tags(event, registry["m"]["v2.0.0"], dry_run=True) == expected
        assert everything(life) == before
        assert registry.delete_tags(event, "refs/tags/m@v2.0.0") == expected
        assert [version.name for version in registry["m"].all_versions] == ["v1.0.0"]

    def test_a_deletion_that_fails_keeps_all(
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
    def test_one_that_cannot_go_keeps_all(
        self, life: Builder, tag: str, error: type[ModelVersionsError]
    ) -> None:
        life.tag("release-1")
        before = everything(life)
        with pytest.raises(error):
            life.registry.delete_tags("m@v1.0.0", tag)
        assert everything(life) == before

    def test_one_that_changed_meanwhile_keeps_all(
        self, life: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registry = life.registry
        stale = registry._refs(["m@v1.0.0"])[0]
        life.tag("m@v1.0.0", "c3", 99)
        after = everything(life)
        fresh = {"m@v1.0.0": stale, "m@v2.0.0": registry._refs(["m@v2.0.0"])[0]}
        monkeypatch.setattr(registry, "_refs", lambda tags, **_: [fresh[tag] for tag in tags])
        with pytest.raises(WriteConflictError, match="was changed concurrently"):
            registry.delete_tags("m@v2.0.0", "m@v1.0.0")
        assert everything(life) == after

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

    def test_one_registers_a_version(self, life: Builder) -> None:
        registry = life.registry
        results = self.run(lambda _: do(registry, "register", "m", "v3.0.0"))
        assert sum(isinstance(result, Event) for result in results) == 1
        assert sum(isinstance(result, VersionExistsError) for result in results) == 15

    def test_every_assignment_is_recorded(self, life: Builder) -> None:
        registry = life.registry
        results = self.run(lambda n: do(registry, "assign", "m", "v1.0.0", f"s{n % 8}", force=True))
        tags = {result.tag for result in results if isinstance(result, Event)}
        assert len(tags) == 16
        assert tags <= {event.tag for event in registry.history()}

    def test_every_version_is_the_next(self, life: Builder) -> None:
        registry = life.registry
        results = self.run(lambda _: do(registry, "register", "m", force=True))
        versions = sorted(str(r.version) for r in results if isinstance(r, Event))
        assert versions == sorted(f"v2.0.{number}" for number in range(1, 17))


@pytest.mark.parametrize("flag", ["force", "dry_run"])
def test_a_flag_that_is_no_boolean_is_refused(life: Builder, flag: str) -> None:
    before = life.registry.history()
    options: dict[str, Any] = {flag: "no"}
    with pytest.raises(InvalidArgumentError, match=f"{flag} must be True or False, not 'no'"):
        do(life.registry, "register", "m", "v3.0.0", **options)
    if flag == "dry_run":
        with pytest.raises(InvalidArgumentError, match="dry_run must be True or False"):
            life.registry.delete_tags(before[0], **options)
    assert life.registry.history() == before


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("patch", r"call register\('m', bump='patch'\)"),
        ("latest", r"such as registry.resolve\('m@latest'\)"),
    ],
)
def test_a_word_instead_of_a_version(life: Builder, word: str, hint: str) -> None:
    with pytest.raises(InvalidVersionError, match=f"'{word}' is not a version name: .*{hint}"):
        do(life.registry, "register", "m", word)


def test_a_model_instead_of_its_name(life: Builder) -> None:
    model: Any = life.registry["m"]
    with pytest.raises(InvalidNameError, match="is not a model name: pass the name, as text"):
        life.registry.register(model)


@pytest.mark.parametrize("verb", ["assign", "unassign"])
def test_a_stage_without_a_version_is_named(life: Builder, verb: str) -> None:
    with pytest.raises(InvalidVersionError, match="'prod' is not a version name"):
        getattr(life.registry, verb)("m", "prod")
