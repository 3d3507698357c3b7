"""The whole life of a version: every verb, each refusal, and that a write takes effect."""

from __future__ import annotations

import builtins
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
    CommitTakenError,
    ConfigurationError,
    Event,
    EventKind,
    Identity,
    InvalidArgumentError,
    InvalidNameError,
    InvalidTagNameError,
    MissingExtraError,
    ModelDeprecatedError,
    ModelNotFoundError,
    ModelVersionsError,
    NoEffectError,
    ProblemKind,
    RefusedError,
    Registry,
    RepositoryError,
    SemVer,
    StageHeldError,
    StageNotAllowedError,
    StageNotHeldError,
    TagExistsError,
    TagNotFoundError,
    VersionExistsError,
    VersionNotFoundError,
    WriteConflictError,
)
from tests.builders import Builder, at
from tests.test_register import everything

ANN = Identity("Ann", "ann@example.com")
VERBS = ["register", "deregister", "assign", "unassign", "deprecate"]


@pytest.fixture(params=["memory", "disk"])
def life(request: pytest.FixtureRequest) -> Builder:
    """Commits c1 <- c2 <- c3; v1.0.0 at c1 was in prod before v2.0.0 at c2 is."""
    builder = request.getfixturevalue("builder" if request.param == "memory" else "disk")
    assert isinstance(builder, Builder)
    builder.commit("c2", 1, "c1")
    builder.commit("c3", 2, "c2")
    builder.tag("m@v1.0.0", "c1", 10)
    builder.tag("m@v2.0.0", "c2", 20)
    builder.tag("m#prod#1", "c1", 30)
    builder.tag("m#prod#2", "c2", 40)
    return builder


def do(registry: Registry, verb: str, *arguments: Any, **options: Any) -> Event:
    event = getattr(registry, verb)(*arguments, author=ANN, **options)
    assert isinstance(event, Event)
    return event


def held(registry: Registry) -> dict[str, str]:
    return {stage: version.name for stage, version in registry["m"].stages.items()}


class TestRegister:
    def test_the_first_version_and_the_next(self, builder: Builder) -> None:
        registry = builder.registry
        assert do(registry, "register", "m").version == SemVer(0, 0, 1)
        builder.commit("c2", 1)
        assert do(registry, "register", "m").version == SemVer(0, 0, 2)
        builder.commit("c3", 2)
        assert do(registry, "register", "m", bump="minor").version == SemVer(0, 1, 0)
        builder.commit("c4", 3)
        for bump, first in (("major", "v1.0.0"), ("minor", "v0.1.0"), ("patch", "v0.0.1")):
            assert do(registry, "register", bump, bump=bump).version == SemVer.parse(first)

    def test_a_deregistered_number_is_never_handed_out_again(self, life: Builder) -> None:
        registry = life.registry
        do(registry, "deregister", "m", "v2.0.0")
        assert str(do(registry, "register", "m").version) == "v2.0.1"
        life.ref("refs/tags/m@v7.0.0", life.commits["c1"])
        life.commit("c4", 9)
        assert str(do(registry, "register", "m", bump="major").version) == "v8.0.0"

    def test_again_at_another_commit(self, life: Builder) -> None:
        registry = life.registry
        do(registry, "deregister", "m", "v2.0.0")
        event = do(registry, "register", "m", "v2.0.0", commit="HEAD")
        assert event.tag == "m@v2.0.0#3"
        assert registry["m"]["v2.0.0"].commit == life.commits["c3"]
        assert held(registry) == {"prod": "v1.0.0"}

    def test_a_second_active_version_at_one_commit(self, life: Builder) -> None:
        registry = life.registry
        with pytest.raises(CommitTakenError, match="'v2.0.0' .* GTO cannot read two") as caught:
            do(registry, "register", "m", "v3.0.0", commit="HEAD~1")
        assert caught.value.version == "v2.0.0"
        do(registry, "register", "m", "v3.0.0", commit="HEAD~1", force=True)
        assert [version.name for version in registry["m"]] == ["v3.0.0", "v2.0.0", "v1.0.0"]
        do(registry, "register", "other", "v1.0.0", commit="HEAD~1")

    def test_a_commit_stays_taken_by_a_deregistered_version(self, life: Builder) -> None:
        registry = life.registry
        do(registry, "deregister", "m", "v2.0.0")
        for verb, more in (("register", {}), ("assign", {"stage": "dev", "register": True})):
            with pytest.raises(CommitTakenError, match=r"delete_tags\('m@v2.0.0'\)") as caught:
                do(registry, verb, "m", "v3.0.0", commit="HEAD~1", **more)
            assert caught.value.version == "v2.0.0"
        assert do(registry, "register", "m", "v2.0.0", commit="HEAD~1").version
        assert do(registry, "register", "m", "v3.0.0", commit="HEAD~1", force=True).version

    def test_an_assignment_that_registers_keeps_to_the_commit(self, life: Builder) -> None:
        registry = life.registry
        before = registry.history()
        with pytest.raises(VersionExistsError, match="not at .*omit commit="):
            do(registry, "assign", "m", "v2.0.0", "qa", commit="HEAD", register=True)
        for verb in ("assign", "unassign"):
            with pytest.raises(InvalidArgumentError, match="commit must be text"):
                do(registry, verb, "m", stage="qa", commit="")
        assert registry.history() == before
        event = do(registry, "assign", "m", "v2.0.0", "qa", commit="HEAD~1", register=True)
        assert str(event.version) == "v2.0.0"

    def test_force_registers_no_version_twice(self, life: Builder) -> None:
        with pytest.raises(VersionExistsError):
            do(life.registry, "register", "m", "v2.0.0", force=True)

    def test_arguments_that_speak_against_each_other(self, life: Builder) -> None:
        with pytest.raises(InvalidArgumentError, match="either a version or a bump"):
            do(life.registry, "register", "m", "v3.0.0", bump="minor")
        with pytest.raises(InvalidArgumentError, match="not 'huge'"):
            do(life.registry, "register", "new", bump="huge")

    def test_a_registration_revives_a_deprecated_model(self, life: Builder) -> None:
        registry = life.registry
        do(registry, "deprecate", "m", when=at(100))
        do(registry, "register", "m", "v3.0.0")
        assert not registry["m"].deprecated


class TestDeregister:
    def test_a_version_loses_its_stages(self, life: Builder) -> None:
        registry = life.registry
        event = do(registry, "deregister", "m", "v2.0.0")
        assert (event.tag, event.kind) == ("m@v2.0.0!", EventKind.DEREGISTRATION)
        assert event.commit == life.commits["c2"]
        assert event.message == "Deregistering artifact m version v2.0.0"
        assert registry.latest()["m"].name == "v1.0.0"
        assert held(registry) == {"prod": "v1.0.0"}

    @pytest.mark.parametrize(
        ("version", "hint"), [("v9.0.0", "never"), ("v2.0.0", "deregistered already")]
    )
    def test_what_is_not_registered(self, life: Builder, version: str, hint: str) -> None:
        registry = life.registry
        do(registry, "deregister", "m", "v2.0.0")
        with pytest.raises(VersionNotFoundError, match=f"was {hint}.*an active one: v1.0.0"):
            do(registry, "deregister", "m", version)


class TestAssign:
    def test_by_version(self, life: Builder) -> None:
        registry = life.registry
        event = do(registry, "assign", "m", "v1.0.0", "prod")
        assert (event.tag, event.version, event.stage) == ("m#prod#3", SemVer(1, 0, 0), "prod")
        assert event.message == "Assigning stage prod to artifact m version v1.0.0"
        assert held(registry) == {"prod": "v1.0.0"}
        assert event == registry.event("m#prod#3")

    def test_by_commit(self, life: Builder) -> None:
        registry = life.registry
        assert do(registry, "assign", "m", stage="dev", commit="HEAD~1").version == SemVer(2, 0, 0)
        event = do(registry, "assign", "m", stage="dev", commit="HEAD")
        sha = life.commits["c3"]
        assert event.message == f"Assigning stage dev to artifact m commit {sha}"
        assert held(registry) == {"dev": sha, "prod": "v2.0.0"}
        with pytest.raises(StageHeldError, match=sha):
            do(registry, "assign", "m", stage="dev", commit="HEAD")

    def test_register_first(self, life: Builder) -> None:
        registry = life.registry
        event = do(registry, "assign", "m", stage="prod", register=True, message="Both")
        assert (str(event.version), event.tag) == ("v2.0.1", "m#prod#3")
        version = registry["m"]["v2.0.1"]
        assert (version.message, version.author, event.message) == ("Both", ANN, "Both")
        assert held(registry) == {"prod": "v2.0.1"}
        again = do(registry, "assign", "m", stage="dev", commit="HEAD", register=True)
        assert again.version == event.version
        assert len(registry["m"]) == 3

    def test_register_first_by_name(self, life: Builder) -> None:
        registry = life.registry
        do(registry, "deregister", "m", "v2.0.0")
        event = do(registry, "assign", "m", "v2.0.0", "dev", commit="HEAD", register=True)
        assert event.counter == 4
        assert registry["m"]["v2.0.0"].tag == "m@v2.0.0#3"
        assert do(registry, "assign", "m", "v1.0.0", "dev", register=True).version == SemVer(
            1, 0, 0
        )
        assert str(do(registry, "assign", "new", stage="dev", register=True).version) == "v0.0.1"

    def test_what_is_held_already(self, life: Builder) -> None:
        registry = life.registry
        with pytest.raises(
            StageHeldError, match="'v2.0.0' of model 'm' is in stage 'prod' already"
        ):
            do(registry, "assign", "m", "v2.0.0", "prod")
        assert do(registry, "assign", "m", "v2.0.0", "prod", force=True).counter == 3

    def test_what_is_not_registered(self, life: Builder) -> None:
        registry = life.registry
        with pytest.raises(VersionNotFoundError, match="never registered"):
            do(registry, "assign", "m", "v9.0.0", "prod")
        with pytest.raises(ModelNotFoundError):
            do(registry, "assign", "new", "v1.0.0", "prod")
        with pytest.raises(ModelNotFoundError):
            do(registry, "assign", "new", stage="prod", commit="HEAD")
        assert (
            do(registry, "assign", "new", stage="prod", commit="HEAD", force=True).version is None
        )

    def test_a_commit_whose_versions_all_ended(self, life: Builder) -> None:
        registry = life.registry
        do(registry, "deregister", "m", "v2.0.0")
        with pytest.raises(VersionNotFoundError, match="'v2.0.0' .* was deregistered already"):
            do(registry, "assign", "m", stage="dev", commit="HEAD~1")
        do(registry, "register", "m", "v2.0.0", commit="HEAD")
        with pytest.raises(NoEffectError, match="is registered at commit .*, no longer at"):
            do(registry, "assign", "m", stage="dev", commit="HEAD~1")

    def test_a_commit_that_two_versions_share(self, life: Builder) -> None:
        registry = life.registry
        do(registry, "register", "m", "v3.0.0", commit="HEAD~1", force=True)
        with pytest.raises(NoEffectError, match="an assignment means 'v3.0.0'; register"):
            do(registry, "assign", "m", "v2.0.0", "dev")
        assert do(registry, "assign", "m", "v3.0.0", "dev").version == SemVer(3, 0, 0)

    @pytest.mark.parametrize(
        ("arguments", "options"),
        [(("m", None, "prod"), {}), (("m", "v1.0.0", "prod"), {"commit": "HEAD"})],
    )
    @pytest.mark.parametrize("verb", ["assign", "unassign"])
    def test_either_a_version_or_a_commit(
        self, life: Builder, verb: str, arguments: tuple[str, ...], options: dict[str, str]
    ) -> None:
        with pytest.raises(InvalidArgumentError, match="either a version or a commit"):
            do(life.registry, verb, *arguments, **options)

    @pytest.mark.parametrize("stage", ["v1.0.0", "latest", "", "a b"])
    @pytest.mark.parametrize("verb", ["assign", "unassign"])
    def test_names_that_no_stage_can_have(self, life: Builder, verb: str, stage: str) -> None:
        with pytest.raises(InvalidNameError, match="cannot name a stage"):
            do(life.registry, verb, "m", "v1.0.0", stage)


class TestUnassign:
    def test_the_stage_falls_back(self, life: Builder) -> None:
        registry = life.registry
        event = do(registry, "unassign", "m", "v2.0.0", "prod")
        assert (event.tag, event.version) == ("m#prod!#3", SemVer(2, 0, 0))
        assert event.message == "Unassigning stage 'prod' to artifact 'm' version 'v2.0.0'"
        assert held(registry) == {"prod": "v1.0.0"}

    def test_by_commit(self, life: Builder) -> None:
        registry = life.registry
        do(registry, "unassign", "m", stage="prod", commit="HEAD~1")
        assert held(registry) == {"prod": "v1.0.0"}
        do(registry, "assign", "m", stage="dev", commit="HEAD")
        event = do(registry, "unassign", "m", stage="dev", commit="HEAD")
        assert event.message.endswith(f"version '{life.commits['c3']}'")
        assert held(registry) == {"prod": "v1.0.0"}

    def test_one_that_waits_behind_the_holder(self, life: Builder) -> None:
        registry = life.registry
        do(registry, "unassign", "m", "v1.0.0", "prod")
        assert [version.name for version in registry["m"].holders("prod")] == ["v2.0.0"]

    def test_what_is_not_held(self, life: Builder) -> None:
        registry = life.registry
        with pytest.raises(StageNotHeldError, match="'v1.0.0' .* not in stage 'dev'; in it: none"):
            do(registry, "unassign", "m", "v1.0.0", "dev")
        with pytest.raises(StageNotHeldError, match="in it: v2.0.0, v1.0.0"):
            do(registry, "unassign", "m", stage="prod", commit="HEAD")
        assert do(registry, "unassign", "m", "v1.0.0", "dev", force=True).tag == "m#dev!#3"
        with pytest.raises(ModelNotFoundError):
            do(registry, "unassign", "new", "v1.0.0", "dev")

    def test_one_that_shares_its_commit_with_another(self, life: Builder) -> None:
        registry = life.registry
        do(registry, "register", "m", "v3.0.0", commit="HEAD~1", force=True)
        do(registry, "assign", "m", "v3.0.0", "prod")
        before = everything(life)
        for force in (False, True):
            with pytest.raises(NoEffectError, match="at commit .* that means 'v3.0.0'; take it"):
                do(registry, "unassign", "m", "v2.0.0", "prod", force=force)
        assert everything(life) == before
        do(registry, "unassign", "m", "v3.0.0", "prod")
        assert held(registry) == {"prod": "v2.0.0"}
        do(registry, "unassign", "m", "v2.0.0", "prod")
        assert held(registry) == {"prod": "v1.0.0"}


class TestDeprecate:
    def test_at_the_commit_of_the_newest_event(self, life: Builder) -> None:
        registry = life.registry
        event = do(registry, "deprecate", "m")
        assert (event.tag, event.commit) == ("m@deprecated", life.commits["c2"])
        assert event.message == "Deprecating artifact 'm'"
        assert registry["m"].deprecated
        with pytest.raises(ModelDeprecatedError, match="is deprecated already, since"):
            do(registry, "deprecate", "m")
        assert do(registry, "deprecate", "m", force=True).tag == "m@deprecated#3"
        with pytest.raises(ModelNotFoundError):
            do(registry, "deprecate", "new")

    @pytest.mark.parametrize(
        ("verb", "arguments"),
        [
            ("register", ("m", "v3.0.0")),
            ("deregister", ("m", "v2.0.0")),
            ("assign", ("m", "v2.0.0", "dev")),
            ("unassign", ("m", "v2.0.0", "prod")),
        ],
    )
    def test_any_other_event_revives_the_model(
        self, life: Builder, verb: str, arguments: tuple[str, ...]
    ) -> None:
        registry = life.registry
        do(registry, "deprecate", "m")
        do(registry, verb, *arguments)
        assert not registry["m"].deprecated
        do(registry, "deprecate", "m")
        assert registry["m"].deprecated


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


class TestStages:
    """F23: which stages may be assigned."""

    @pytest.fixture
    def gto(self, disk: Builder) -> Callable[[str], Registry]:
        disk.tags("m@v1.0.0", "m#old#1")

        def write(content: str) -> Registry:
            assert isinstance(disk.repo, Repo)
            Path(disk.repo.path, ".gto").write_text(content)
            return disk.registry

        return write

    def test_as_the_file_says(self, gto: Callable[[str], Registry]) -> None:
        registry = gto("# the stages\nstages: [dev, on]\n")
        with pytest.raises(StageNotAllowedError, match="allowed: dev, on .see the .gto") as caught:
            do(registry, "assign", "m", "v1.0.0", "prod")
        assert caught.value.allowed == ("dev", "on")
        assert do(registry, "assign", "m", "v1.0.0", "on").stage == "on"
        assert do(registry, "assign", "m", "v1.0.0", "prod", force=True).stage == "prod"
        assert registry.stages() == ("old", "on", "prod")
        kinds = [problem.kind for problem in registry.problems()]
        assert kinds == [ProblemKind.STAGE_NOT_ALLOWED] * 2

    def test_no_stage_at_all(self, gto: Callable[[str], Registry]) -> None:
        with pytest.raises(StageNotAllowedError):
            do(gto("stages: []\n"), "assign", "m", "v1.0.0", "prod")
        assert len(gto("stages: []\n").problems()) == 1

    @pytest.mark.parametrize("content", ["", "# nothing\n", "index: x\n", "stages:\n"])
    def test_any_stage(self, gto: Callable[[str], Registry], content: str) -> None:
        assert do(gto(content), "assign", "m", "v1.0.0", "prod").stage == "prod"

    def test_an_asterisk_in_a_comment(self, gto: Callable[[str], Registry]) -> None:
        registry = gto("stages: [dev]  # *all* of them\n")
        assert do(registry, "assign", "m", "v1.0.0", "dev").stage == "dev"

    @pytest.mark.parametrize(
        ("content", "hint"),
        [
            ("stages: [a", "it is not YAML"),
            ("stages: [a  # *", "it is not YAML"),
            ("\x00", "it is not YAML"),
            ("- a\n", "it must be a mapping"),
            ("stages: prod\n", "'stages' must be a list of names, not 'prod'"),
            ("stages: 3\n", "'stages' must be a list of names, not 3"),
            ("stages: [1]\n", "1 cannot name a stage"),
            ("x: 2024-13-45\n", "ValueError: month must be in 1..12"),
            ("a: !!bool maybe\n", "it is not YAML: KeyError"),
            pytest.param("[" * 3000, "more than 100 opening brackets", id="brackets"),
            pytest.param(
                "#" * (1 << 20) + "\n", "it has 1048577 bytes; at most 1048576", id="size"
            ),
            ("x: &x [1]\ny: *x\n", "it has aliases .* not supported; write the"),
            pytest.param("- " * 3000, "it is not YAML: RecursionError", id="nesting"),
            ("stages: [latest]\n", "'latest' cannot name a stage"),
        ],
    )
    def test_a_file_that_cannot_be_read(
        self, gto: Callable[[str], Registry], content: str, hint: str
    ) -> None:
        registry = gto(content)
        with pytest.raises(ConfigurationError, match=hint) as caught:
            do(registry, "assign", "m", "v1.0.0", "prod")
        assert caught.value.file == ".gto"
        assert [problem.kind for problem in registry.problems()] == [ProblemKind.CONFIGURATION]
        assert do(registry, "assign", "m", "v1.0.0", "prod", force=True).stage == "prod"

    def test_without_the_extra(
        self, gto: Callable[[str], Registry], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = builtins.__import__

        def missing(name: str, *rest: Any) -> Any:
            if name.startswith("ruamel"):
                raise ImportError(name)
            return found(name, *rest)

        monkeypatch.setattr(builtins, "__import__", missing)
        registry = gto("stages: [dev]\n")
        with pytest.raises(
            MissingExtraError, match=r"pip install 'modelversions\[yaml\]'"
        ) as caught:
            do(registry, "assign", "m", "v1.0.0", "dev")
        assert caught.value.extra == "yaml"
        assert isinstance(caught.value, ImportError)

    def test_a_folder_of_that_name_is_no_file(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0")
        assert isinstance(disk.repo, Repo)
        Path(disk.repo.path, ".gto").mkdir()
        assert do(disk.registry, "assign", "m", "v1.0.0", "prod").stage == "prod"

    def test_a_file_that_the_system_keeps_back(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disk.tags("m@v1.0.0")
        opened = open

        def refuse(path: Any, *rest: Any) -> Any:
            if str(path).endswith(".gto"):
                raise PermissionError(13, "Permission denied")
            return opened(path, *rest)

        monkeypatch.setattr("modelversions.git.local.local_store.open", refuse, raising=False)
        with pytest.raises(RepositoryError, match="'.gto' in .* cannot be read: .*denied"):
            do(disk.registry, "assign", "m", "v1.0.0", "prod")

    def test_as_the_caller_says(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0")
        assert isinstance(disk.repo, Repo)
        with Registry.open(disk.repo.path, stages=["dev"]) as registry:
            with pytest.raises(StageNotAllowedError):
                do(registry, "assign", "m", "v1.0.0", "prod")
            assert do(registry, "assign", "m", "v1.0.0", "dev").stage == "dev"
        with pytest.raises(ConfigurationError, match="from stages=: .*must be a list of names"):
            Registry.from_repo(disk.repo, stages="dev")

    def test_a_bare_repository_has_it_in_its_head(self, tmp_path: Path, builder: Builder) -> None:
        builder.tags("m@v1.0.0")
        builder.commit_file(".gto", "stages: [dev]\n")
        with pytest.raises(StageNotAllowedError):
            do(builder.registry, "assign", "m", "v1.0.0", "prod")
        with Repo.init_bare(str(tmp_path)) as repo:
            assert Registry.from_repo(repo).allowed_stages() is None


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
        stale = registry._ref("m@v1.0.0")
        life.tag("m@v1.0.0", "c3", 99)
        after = everything(life)
        fresh = {"m@v1.0.0": stale, "m@v2.0.0": registry._ref("m@v2.0.0")}
        monkeypatch.setattr(registry, "_ref", lambda tag, **_: fresh[tag])
        with pytest.raises(WriteConflictError, match="was changed concurrently"):
            registry.delete_tags("m@v2.0.0", "m@v1.0.0")
        assert everything(life) == after

    @pytest.mark.usefixtures("impatient")
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


class TestVersionArguments:
    """A ``Version`` or ``SemVer`` is accepted wherever a version is named."""

    def test_versions_and_semvers(self, builder: Builder) -> None:
        builder.commit("c2", 1, "c1")
        registry = builder.registry
        registry.register("m", SemVer(1, 0, 0), author=ANN, commit=builder.commits["c1"])
        version = registry["m"]["v1.0.0"]
        registry.assign("m", version, "prod", author=ANN)
        assert registry["m"].stages["prod"] == version
        registry.unassign("m", SemVer(1, 0, 0), "prod", author=ANN)
        registry.deregister("m", version, author=ANN)
        event = registry.register("m", version, author=ANN, commit=version)
        assert (event.version, event.commit) == (version.semver, version.commit)
        registry.assign("m", stage="dev", commit=version, author=ANN)
        assert registry["m"].stages["dev"].name == "v1.0.0"

    def test_another_model_s_version_and_a_bare_commit_are_refused(self, builder: Builder) -> None:
        builder.tags("m@v1.0.0")
        builder.tag("n#dev#1")
        registry = builder.registry
        other, bare = registry["m"]["v1.0.0"], registry["n"].stages["dev"]
        assert bare.is_bare_commit
        with pytest.raises(InvalidArgumentError, match="'m@v1.0.0' is not a version of model 'n'"):
            registry.assign("n", other, "prod", author=ANN)
        with pytest.raises(InvalidArgumentError, match="pass commit='"):
            registry.assign("n", bare, "prod", author=ANN)

    def test_a_stage_is_required(self, builder: Builder) -> None:
        builder.tags("m@v1.0.0")
        with pytest.raises(InvalidNameError, match="it is empty or missing; pass one"):
            builder.registry.assign("m", "v1.0.0", author=ANN)  # type: ignore[call-overload]
