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

    def test_a_deregistered_number_is_never_reused(self, example: Builder) -> None:
        registry = example.registry
        do(registry, "deregister", "m", "v2.0.0")
        assert str(do(registry, "register", "m").version) == "v2.0.1"
        example.ref("refs/tags/m@v7.0.0", example.commits["c1"])
        example.commit("c4", 9)
        assert str(do(registry, "register", "m", bump="major").version) == "v8.0.0"

    def test_again_at_another_commit(self, example: Builder) -> None:
        registry = example.registry
        do(registry, "deregister", "m", "v2.0.0")
        event = do(registry, "register", "m", "v2.0.0", commit="HEAD")
        assert event.tag == "m@v2.0.0#3"
        assert registry["m"]["v2.0.0"].commit == example.commits["c3"]
        assert held(registry) == {"prod": "v1.0.0"}

    def test_a_second_active_version_at_one_commit(self, example: Builder) -> None:
        registry = example.registry
        with pytest.raises(CommitTakenError, match="'v2.0.0' .* GTO cannot read two") as caught:
            do(registry, "register", "m", "v3.0.0", commit="HEAD~1")
        assert caught.value.version == "v2.0.0"
        do(registry, "register", "m", "v3.0.0", commit="HEAD~1", force=True)
        assert [version.name for version in registry["m"]] == ["v3.0.0", "v2.0.0", "v1.0.0"]
        do(registry, "register", "other", "v1.0.0", commit="HEAD~1")

    def test_a_commit_is_still_taken_by_a_deregistered_version(self, example: Builder) -> None:
        registry = example.registry
        do(registry, "deregister", "m", "v2.0.0")
        for method, more in (("register", {}), ("assign", {"stage": "dev", "register": True})):
            with pytest.raises(CommitTakenError, match=r"delete_tags\('m@v2.0.0'\)") as caught:
                do(registry, method, "m", "v3.0.0", commit="HEAD~1", **more)
            assert caught.value.version == "v2.0.0"
        assert do(registry, "register", "m", "v2.0.0", commit="HEAD~1").version
        assert do(registry, "register", "m", "v3.0.0", commit="HEAD~1", force=True).version

    @pytest.mark.parametrize("version", ["v0.1.0", "v1.5.0", "v3.0.0"])
    def test_a_commit_is_taken_by_registrations_only(self, example: Builder, version: str) -> None:
        """F12a.1, F15.3: a deregistration may be at any commit."""
        example.commit("c4", 3)
        example.tag("m@v1.1.0", "c4", 50)
        example.tag("m@v2.0.0!", "c3", 60)
        example.tag("m#prod!#3", "c3", 70)
        with pytest.raises(CommitTakenError, match=r"delete_tags\('m@v1.1.0'\)"):
            do(example.registry, "register", "m", version, commit=example.commits["c4"])
        event = do(example.registry, "register", "m", version, commit=example.commits["c3"])
        assert event.tag == f"m@{version}"

    def test_an_assignment_that_registers_respects_the_commit(self, example: Builder) -> None:
        registry = example.registry
        before = registry.history()
        held_at, other = (example.commits[one][:7] for one in ("c2", "c3"))
        with pytest.raises(VersionExistsError, match=f"{held_at}, not at {other}; omit commit="):
            do(registry, "assign", "m", "v2.0.0", "qa", commit="HEAD", register=True)
        for method in ("assign", "unassign"):
            with pytest.raises(InvalidArgumentError, match="commit must be text"):
                do(registry, method, "m", stage="qa", commit="")
        assert registry.history() == before
        event = do(registry, "assign", "m", "v2.0.0", "qa", commit="HEAD~1", register=True)
        assert str(event.version) == "v2.0.0"

    def test_force_does_not_register_a_version_twice(self, example: Builder) -> None:
        with pytest.raises(VersionExistsError):
            do(example.registry, "register", "m", "v2.0.0", force=True)

    def test_contradictory_arguments(self, example: Builder) -> None:
        with pytest.raises(InvalidArgumentError, match="either a version or a bump"):
            do(example.registry, "register", "m", "v3.0.0", bump="minor")
        with pytest.raises(InvalidArgumentError, match="not 'huge'"):
            do(example.registry, "register", "new", bump="huge")

    def test_a_registration_revives_a_deprecated_model(self, example: Builder) -> None:
        registry = example.registry
        do(registry, "deprecate", "m", when=at(100))
        do(registry, "register", "m", "v3.0.0")
        assert not registry["m"].deprecated


class TestDeregister:
    def test_a_version_loses_its_stages(self, example: Builder) -> None:
        registry = example.registry
        event = do(registry, "deregister", "m", "v2.0.0")
        assert (event.tag, event.kind) == ("m@v2.0.0!", EventKind.DEREGISTRATION)
        assert event.commit == example.commits["c2"]
        assert event.message == "Deregistering artifact m version v2.0.0"
        assert registry.latest()["m"].name == "v1.0.0"
        assert held(registry) == {"prod": "v1.0.0"}

    @pytest.mark.parametrize(
        ("version", "hint"), [("v9.0.0", "never"), ("v2.0.0", "deregistered already")]
    )
    def test_a_version_that_is_not_registered(
        self, example: Builder, version: str, hint: str
    ) -> None:
        registry = example.registry
        do(registry, "deregister", "m", "v2.0.0")
        with pytest.raises(VersionNotFoundError, match=f"was {hint}.*an active one: v1.0.0"):
            do(registry, "deregister", "m", version)

    def test_the_version_at_a_commit(self, example: Builder) -> None:
        registry = example.registry
        event = do(registry, "deregister", "m", commit=example.commits["c2"])
        assert (event.tag, event.commit) == ("m@v2.0.0!", example.commits["c2"])
        message = f"no version of model 'm' is registered at commit {event.commit[:7]}; registry"
        with pytest.raises(VersionNotFoundError, match=message):
            do(registry, "deregister", "m", commit=example.commits["c2"])
        with pytest.raises(RevisionNotFoundError):
            do(registry, "deregister", "m", commit="nowhere")

    def test_several_versions_at_a_commit(self, example: Builder) -> None:
        registry = example.registry
        do(registry, "register", "m", "v3.0.0", commit=example.commits["c2"], force=True)
        message = f"commit {example.commits['c2'][:7]}: v2.0.0, v3.0.0; pass one"
        with pytest.raises(InvalidArgumentError, match=message):
            do(registry, "deregister", "m", commit=example.commits["c2"])

    def test_a_version_or_a_commit(self, example: Builder) -> None:
        for options in ({}, {"version": "v2.0.0", "commit": "HEAD"}):
            with pytest.raises(InvalidArgumentError, match="pass either a version or a commit"):
                do(example.registry, "deregister", "m", **options)


class TestDeprecate:
    def test_at_another_commit(self, example: Builder) -> None:
        registry = example.registry
        event = do(registry, "deprecate", "m", commit=example.commits["c1"])
        assert event.commit == example.commits["c1"]
        assert registry["m"].deprecated
        with pytest.raises(RevisionNotFoundError):
            do(registry, "deprecate", "m", commit="nowhere", force=True)

    def test_at_the_commit_of_the_newest_event(self, example: Builder) -> None:
        registry = example.registry
        event = do(registry, "deprecate", "m")
        assert (event.tag, event.commit) == ("m@deprecated", example.commits["c2"])
        assert event.message == "Deprecating artifact 'm'"
        assert registry["m"].deprecated
        with pytest.raises(ModelDeprecatedError, match="is deprecated already, since"):
            do(registry, "deprecate", "m")
        assert do(registry, "deprecate", "m", force=True).tag == "m@deprecated#3"
        with pytest.raises(ModelNotFoundError):
            do(registry, "deprecate", "new")

    @pytest.mark.parametrize(
        ("method", "arguments"),
        [
            ("register", ("m", "v3.0.0")),
            ("deregister", ("m", "v2.0.0")),
            ("assign", ("m", "v2.0.0", "dev")),
            ("unassign", ("m", "v2.0.0", "prod")),
        ],
    )
    def test_any_other_event_revives_the_model(
        self, example: Builder, method: str, arguments: tuple[str, ...]
    ) -> None:
        registry = example.registry
        do(registry, "deprecate", "m")
        do(registry, method, *arguments)
        assert not registry["m"].deprecated
        do(registry, "deprecate", "m")
        assert registry["m"].deprecated


class TestVersionArguments:
    """A ``Version`` or ``SemVer`` is accepted for each argument that is a version."""

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

    def test_a_version_of_another_model_and_a_bare_commit_are_rejected(
        self, builder: Builder
    ) -> None:
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
