"""Versions: register, deregister, deprecate."""

from __future__ import annotations

import pytest

from modelversions import (
    CommitTakenError,
    EventKind,
    InvalidArgumentError,
    InvalidNameError,
    ModelDeprecatedError,
    ModelNotFoundError,
    RevisionNotFoundError,
    SemVer,
    VersionExistsError,
    VersionNotFoundError,
)
from tests.builders import Builder, at
from tests.write.helpers import ANN, do, held


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

    @pytest.mark.parametrize("version", ["v0.1.0", "v1.5.0", "v3.0.0"])
    def test_a_commit_is_taken_by_registrations_only(self, life: Builder, version: str) -> None:
        """F12a.1, F15.3: a deregistration may be at any commit."""
        life.commit("c4", 3)
        life.tag("m@v1.1.0", "c4", 50)
        life.tag("m@v2.0.0!", "c3", 60)
        life.tag("m#prod!#3", "c3", 70)
        with pytest.raises(CommitTakenError, match=r"delete_tags\('m@v1.1.0'\)"):
            do(life.registry, "register", "m", version, commit=life.commits["c4"])
        event = do(life.registry, "register", "m", version, commit=life.commits["c3"])
        assert event.tag == f"m@{version}"

    def test_an_assignment_that_registers_keeps_to_the_commit(self, life: Builder) -> None:
        registry = life.registry
        before = registry.history()
        held_at, other = (life.commits[one][:7] for one in ("c2", "c3"))
        with pytest.raises(VersionExistsError, match=f"{held_at}, not at {other}; omit commit="):
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

    def test_the_version_at_a_commit(self, life: Builder) -> None:
        registry = life.registry
        event = do(registry, "deregister", "m", commit=life.commits["c2"])
        assert (event.tag, event.commit) == ("m@v2.0.0!", life.commits["c2"])
        message = f"no version of model 'm' is registered at commit {event.commit[:7]}; registry"
        with pytest.raises(VersionNotFoundError, match=message):
            do(registry, "deregister", "m", commit=life.commits["c2"])
        with pytest.raises(RevisionNotFoundError):
            do(registry, "deregister", "m", commit="nowhere")

    def test_several_versions_at_a_commit(self, life: Builder) -> None:
        registry = life.registry
        do(registry, "register", "m", "v3.0.0", commit=life.commits["c2"], force=True)
        message = f"commit {life.commits['c2'][:7]}: v2.0.0, v3.0.0; pass one"
        with pytest.raises(InvalidArgumentError, match=message):
            do(registry, "deregister", "m", commit=life.commits["c2"])

    def test_a_version_or_a_commit(self, life: Builder) -> None:
        for options in ({}, {"version": "v2.0.0", "commit": "HEAD"}):
            with pytest.raises(InvalidArgumentError, match="give either a version or a commit"):
                do(life.registry, "deregister", "m", **options)


class TestDeprecate:
    def test_at_another_commit(self, life: Builder) -> None:
        registry = life.registry
        event = do(registry, "deprecate", "m", commit=life.commits["c1"])
        assert event.commit == life.commits["c1"]
        assert registry["m"].deprecated
        with pytest.raises(RevisionNotFoundError):
            do(registry, "deprecate", "m", commit="nowhere", force=True)

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
