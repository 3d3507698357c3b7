"""Registrations: the bytes written, the errors, and that an error leaves all unchanged."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, ClassVar

import pytest
from dulwich.file import GitFile
from dulwich.objects import Tag
from dulwich.refs import Ref
from dulwich.repo import MemoryRepo

from modelversions import (
    ClockSkewWarning,
    Identity,
    IdentityError,
    InvalidArgumentError,
    InvalidNameError,
    InvalidVersionError,
    LockedError,
    ModelVersionsError,
    NoEffectError,
    Registry,
    RevisionNotFoundError,
    SemVer,
    TagExistsError,
    VersionExistsError,
    WriteConflictError,
)
from modelversions.git.local.local_refs import NewRef
from modelversions.git.local.local_store import LocalStore
from modelversions.git.store import NewTag
from modelversions.git.tag_object import format_tag
from tests.builders import Builder, at

ANN = Identity("Ann", "ann@example.com")
WHEN = datetime(2024, 2, 29, 12, 30, 15, 999, timezone(timedelta(hours=5, minutes=30)))


@pytest.fixture(params=["memory", "disk"])
def any_builder(request: pytest.FixtureRequest) -> Builder:
    found = request.getfixturevalue("builder" if request.param == "memory" else "disk")
    assert isinstance(found, Builder)
    return found


def written(builder: Builder, tag: str) -> bytes:
    """Return the bytes of a tag object."""
    raw = builder.repo.object_store[builder.repo.refs[f"refs/tags/{tag}".encode()]]  # type: ignore[index]
    return raw.as_raw_string()


def everything(builder: Builder) -> object:
    """Return all data that a refused write might have changed."""
    repo = builder.repo
    refs = {name: repo.refs[name] for name in repo.refs.allkeys()}
    return refs, set(repo.object_store)


def test_the_bytes_of_the_tag(any_builder: Builder) -> None:
    event = any_builder.registry.register("cv:pool", "v1.0.0", author=ANN, when=WHEN)
    sha = any_builder.commits["c1"]
    assert written(any_builder, "cv=pool@v1.0.0").decode() == (
        f"object {sha}\ntype commit\ntag cv=pool@v1.0.0\n"
        "tagger Ann <ann@example.com> 1709190015 +0530\n\n"
        "Registering artifact cv:pool version v1.0.0\n"
    )
    assert event.time == WHEN.replace(microsecond=0)
    assert event == any_builder.registry.event("cv=pool@v1.0.0")


def test_every_argument(any_builder: Builder) -> None:
    any_builder.commit("c2", 5, "c1")
    registry = any_builder.registry
    zone = timezone(-timedelta(hours=3, minutes=30))
    event = registry.register(
        "m",
        SemVer(1, 2, 0, "rc.1"),
        commit="HEAD~1",
        message="\n\nWhy: é  \n\n\n  indented\n# a comment\n",
        author=ANN,
        when=at(0).astimezone(zone),
    )
    assert event.message == "Why: é\n\n  indented"
    assert event.commit == any_builder.commits["c1"]
    assert written(any_builder, "m@v1.2.0-rc.1").endswith(
        " -0330\n\nWhy: é\n\n  indented\n".encode()
    )
    assert registry["m"].latest is not None
    assert registry["m"].latest.history == (event,)


def test_a_smaller_version_does_not_become_the_latest(any_builder: Builder) -> None:
    any_builder.commit("c2", 5, "c1")
    registry = any_builder.registry
    registry.register("m", "v2.0.0", author=ANN)
    registry.register("m", "v1.0.0", author=ANN, commit="HEAD~1")
    assert str(registry.latest()["m"]) == "m@v2.0.0"


def test_now_is_the_time_with_the_local_offset(any_builder: Builder) -> None:
    before = datetime.now(timezone.utc).replace(microsecond=0)
    event = any_builder.registry.register("m", "v1.0.0", author=ANN)
    assert before <= event.time <= datetime.now(timezone.utc)
    assert event.time.utcoffset() == event.time.astimezone().utcoffset()


class TestRefusals:
    """Each error contains the reason and a remedy; nothing is changed."""

    @pytest.mark.parametrize(
        ("arguments", "error", "hint"),
        [
            (("m", "1.0.0"), InvalidVersionError, "must start with 'v', try 'v1.0.0'"),
            (("m", b"v1.0.0"), InvalidVersionError, "not bytes"),
            (("m m", "v1.0.0"), InvalidNameError, "'m m' is not a model name"),
            (("a..b:m", "v1.0.0"), InvalidNameError, "git check-ref-format"),
            (("-a:m", "v1.0.0"), InvalidNameError, "git check-ref-format"),
            (("a.lock/b:m", "v1.0.0"), InvalidNameError, "git check-ref-format"),
            (("a//b", "v1.0.0"), InvalidNameError, "git check-ref-format"),
            (("a" * 300, "v1.0.0"), InvalidNameError, "at most 250 bytes"),
            (("m", "v3.0.0"), VersionExistsError, "at commit {sha:.7} since 2023-11-14 22:13:30"),
        ],
    )
    def test_names_and_versions(
        self,
        any_builder: Builder,
        arguments: tuple[str, str],
        error: type[ModelVersionsError],
        hint: str,
    ) -> None:
        any_builder.tags("m@v3.0.0")
        before = everything(any_builder)
        with pytest.raises(error) as caught:
            any_builder.registry.register(*arguments, author=ANN)
        assert hint.format(sha=any_builder.commits["c1"]) in str(caught.value)
        assert everything(any_builder) == before

    @pytest.mark.parametrize(
        ("name", "value", "hint"),
        [
            ("message", "", "is empty"),
            ("message", " \n\n# only a comment\n", "is empty after Git's cleanup"),
            ("message", "a\0b", "contains a NUL"),
            ("message", 3, "is not text"),
            ("message", "a\n-----BEGIN PGP SIGNATURE-----\nb", "that begins a signature"),
            ("message", "-----BEGIN SSH SIGNATURE----- b", "that begins a signature"),
            ("when", datetime.max.replace(tzinfo=timezone.utc), "past the year 9999"),
            ("when", datetime.max.replace(tzinfo=timezone(-timedelta(hours=12))), "past the year"),
            ("when", datetime.min.replace(tzinfo=timezone(timedelta(hours=12))), "before 1970"),
            ("message", "a\udcffb", "cannot be encoded"),
            ("when", datetime(2024, 1, 1), "must be a datetime with a time zone"),  # noqa: DTZ001  # naive
            ("when", datetime(1969, 12, 31, tzinfo=timezone.utc), "before 1970"),
        ],
    )
    def test_arguments(self, any_builder: Builder, name: str, value: object, hint: str) -> None:
        before = everything(any_builder)
        with pytest.raises(InvalidArgumentError, match=hint) as caught:
            any_builder.registry.register("m", "v1.0.0", author=ANN, **{name: value})  # type: ignore[arg-type]
        assert caught.value.argument == name
        assert everything(any_builder) == before

    @pytest.mark.parametrize(
        ("author", "hint"),
        [
            (Identity("", "a@b"), "name is empty"),
            (Identity("A <b", "a@b"), "contains '<'"),
            (Identity("A", "a>@b"), "contains '>'"),
            (Identity("A\nB", "a@b"), r"contains '\\n'"),
            (Identity("A", "a\0@b"), r"contains '\\x00'"),
            (Identity("A.", "a@b"), "write 'A'"),
            (Identity("A", " a@b"), "email address ' a@b' begins or ends .*; write 'a@b'"),
            ("Ann <a@b>", "must be an Identity, such as"),
            (Identity("A\udcff", "a@b"), "cannot be encoded"),
        ],
    )
    def test_authors(self, any_builder: Builder, author: Identity, hint: str) -> None:
        before = everything(any_builder)
        with pytest.raises(IdentityError, match=hint):
            any_builder.registry.register("m", "v1.0.0", author=author)
        assert everything(any_builder) == before

    def test_no_identity_is_configured(self, any_builder: Builder) -> None:
        with pytest.raises(IdentityError, match=r"pass author=Identity.*or Git's user.name"):
            any_builder.registry.register("m", "v1.0.0")

    def test_a_commit_that_does_not_exist(self, any_builder: Builder) -> None:
        with pytest.raises(RevisionNotFoundError, match="no commit 'nowhere'"):
            any_builder.registry.register("m", "v1.0.0", commit="nowhere", author=ANN)

    def test_a_time_that_nothing_can_supersede(self, any_builder: Builder) -> None:
        last = datetime(9999, 12, 30, 23, 59, 59, tzinfo=timezone.utc)
        registry = any_builder.registry
        for zone in (timezone(timedelta(hours=23, minutes=59)), timezone(-timedelta(hours=23))):
            model = f"m{zone.utcoffset(None).days}"
            registry.register(model, "v1.0.0", author=ANN, when=last.astimezone(zone), force=True)
            assert registry[model][0].registered_at == last
            with pytest.raises(NoEffectError, match="no later time can be stored; delete its tag"):
                registry.deregister(model, "v1.0.0", author=ANN)
        assert registry.problems(datetime.max.replace(tzinfo=timezone.utc)) == ()
        assert registry.problems(datetime.min.replace(tzinfo=timezone.utc))

    @pytest.mark.parametrize("sign", [1, -1])
    def test_an_offset_with_seconds(self, any_builder: Builder, sign: int) -> None:
        zone = timezone(sign * timedelta(hours=23, minutes=59, seconds=30))
        event = any_builder.registry.register(
            "m", "v1.0.0", author=ANN, when=at(0).astimezone(zone)
        )
        assert event.time == at(0)
        assert event.time.utcoffset() == sign * timedelta(hours=23, minutes=59)
        assert any_builder.registry["m"].history == (event,)

    def test_a_time_that_would_not_supersede(self, any_builder: Builder) -> None:
        any_builder.tags("m@v1.0.0", "m@v1.0.0!")
        with pytest.raises(NoEffectError, match="would change nothing"):
            any_builder.registry.register("m", "v1.0.0", author=ANN, when=at(20))


def test_an_empty_comment_character_is_ignored(disk: Builder) -> None:
    config = disk.repo.get_config()
    config.set((b"core",), b"commentChar", b"")
    config.write_to_path()
    event = disk.registry.register("m", "v1.0.0", author=ANN, message="text\n# gone")
    assert event.message == "text"


class TestReregistration:
    """A deregistered version is registered again: F12 and F14."""

    def test_it_takes_the_next_counter(self, any_builder: Builder) -> None:
        any_builder.tags("m@v1.0.0", "m#prod#6", "m@v1.0.0!")
        any_builder.ref("refs/tags/m#dev#8", any_builder.commits["c1"])
        event = any_builder.registry.register("m", "v1.0.0", author=ANN, when=at(31))
        assert (event.tag, event.counter) == ("m@v1.0.0#9", 9)
        assert any_builder.registry["m"]["v1.0.0"].tag == "m@v1.0.0#9"

    def test_it_is_later_than_what_it_supersedes_on_a_slow_clock(self, builder: Builder) -> None:
        future = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(hours=1)
        seconds = int((future - at(0)).total_seconds())
        builder.tag("m@v1.0.0", at=seconds - 1)
        builder.tag("m@v1.0.0!", at=seconds)
        with pytest.warns(ClockSkewWarning, match="'m@v1.0.0#1' is dated .* ahead of this clock"):
            event = builder.registry.register("m", "v1.0.0", author=ANN)
        assert event.time == future + timedelta(seconds=1)
        assert "v1.0.0" in builder.registry["m"]

    def test_a_lightweight_tag_of_that_name_is_not_overwritten(self, any_builder: Builder) -> None:
        any_builder.ref("refs/tags/m@v1.0.0", any_builder.commits["c1"])
        assert any_builder.registry.register("m", "v1.0.0", author=ANN).tag == "m@v1.0.0#1"


class TestConflicts:
    """A ref and a directory cannot have the same name, and Git locks a ref that it writes."""

    @pytest.mark.parametrize(
        ("existing", "model"), [("m@v1.0.0/x", "m"), ("a", "a/m"), ("a", "a/b/c")]
    )
    def test_a_ref_that_conflicts_with_a_directory(
        self, any_builder: Builder, existing: str, model: str
    ) -> None:
        any_builder.tag(existing)
        any_builder.tag("ab@v1.0.0")
        before = everything(any_builder)
        with pytest.raises(
            WriteConflictError, match=f"conflicts with the tag '{existing}'"
        ) as caught:
            any_builder.registry.register(model, "v1.0.0", author=ANN)
        assert caught.value.tag == f"{model}@v1.0.0"
        assert everything(any_builder) == before

    def test_a_similar_name_is_not_a_conflict(self, any_builder: Builder) -> None:
        any_builder.tags("ab@v1.0.0", "a@v1.0.0")
        assert any_builder.registry.register("a/m", "v1.0.0", author=ANN).tag == "a/m@v1.0.0"

    @pytest.mark.usefixtures("short_lock_timeout")
    def test_a_lock_that_a_dead_writer_left(self, disk: Builder) -> None:
        path = Path(disk.repo.controldir(), "refs", "tags", "m@v1.0.0")  # type: ignore[union-attr]
        lock = GitFile(str(path), "wb")
        with pytest.raises(LockedError, match=r"m@v1.0.0.lock' and try again") as caught:
            disk.registry.register("m", "v1.0.0", author=ANN)
        assert caught.value.lock == f"{path}.lock"
        assert list(disk.registry) == []
        lock.abort()
        tag = NewTag("m@v1.0.0", disk.commits["c1"], "x\n", ANN, at(0))
        id = Tag.from_string(format_tag(tag)).id.decode()
        directory = path.parents[2] / "objects" / id[:2]
        directory.mkdir(exist_ok=True)
        lock = GitFile(str(directory / id[2:]), "wb")
        with pytest.raises(LockedError, match=f"{id[2:]}.lock' and try again"):
            LocalStore(disk.repo, "here").create([tag])
        lock.abort()
        assert disk.registry.register("m", "v1.0.0", author=ANN).tag == "m@v1.0.0"

    def test_an_empty_directory_is_not_a_tag(self, disk: Builder, tmp_path: Path) -> None:
        tags = Path(disk.repo.controldir(), "refs", "tags")  # type: ignore[union-attr]
        (tags / "m@v1.0.0" / "a" / "b").mkdir(parents=True)
        (tags / "m@v2.0.0" / "a").mkdir(parents=True)
        (tags / "m@v2.0.0" / "a" / "x.lock").touch()
        (tmp_path / "elsewhere").mkdir()
        (tags / "m@v3.0.0").symlink_to(tmp_path / "elsewhere")
        registry = disk.registry
        assert registry.register("m", "v1.0.0", author=ANN).tag == "m@v1.0.0"
        for version in ("v2.0.0", "v3.0.0"):
            with pytest.raises(TagExistsError):
                registry.register("m", version, author=ANN, force=True)
        assert (tags / "m@v2.0.0" / "a" / "x.lock").exists()
        assert (tmp_path / "elsewhere").exists()

    def test_a_directory_that_cannot_be_written(self, disk: Builder) -> None:
        tags = Path(disk.repo.controldir(), "refs", "tags")  # type: ignore[union-attr]
        tags.rmdir()
        tags.write_text("not a directory")
        with pytest.raises(WriteConflictError, match="cannot be written"):
            disk.registry.register("m", "v1.0.0", author=ANN)


class RacingStore(LocalStore):
    """A store in which another writer creates a tag first, once."""

    def __init__(self, builder: Builder, other: Callable[[], object]) -> None:
        super().__init__(builder.repo, "memory")
        self._other = other
        self._raced = False

    def create(self, tags: Sequence[NewTag]) -> None:
        if not self._raced:
            self._raced = True
            self._other()
        super().create(tags)


def test_a_concurrent_registration_is_reported(builder: Builder) -> None:
    store = RacingStore(builder, lambda: builder.tag("m@v1.0.0", at=5))
    with pytest.raises(VersionExistsError, match="since 2023-11-14 22:13:25"):
        Registry(store).register("m", "v1.0.0", author=ANN)
    assert builder.registry["m"]["v1.0.0"].registered_at == at(5)


def test_a_counter_is_not_used_twice(builder: Builder) -> None:
    builder.tags("m@v1.0.0", "m@v1.0.0!")
    store = RacingStore(builder, lambda: builder.tag("m@v1.0.0#1", at=15))
    assert Registry(store).register("m", "v1.0.0", author=ANN).tag == "m@v1.0.0#2"


def test_a_ref_that_exists_but_is_not_listed_is_an_error() -> None:
    class UnlistedStore(LocalStore):
        def create(self, tags: Sequence[NewTag]) -> None:
            raise TagExistsError("it exists", tag=tags[0].name)

    builder = Builder(MemoryRepo())
    builder.commit()
    with pytest.raises(TagExistsError):
        Registry(UnlistedStore(builder.repo, "memory")).register("m", "v1.0.0", author=ANN)


def test_create_never_overwrites(any_builder: Builder) -> None:
    any_builder.tags("m@v1.0.0")
    store = LocalStore(any_builder.repo, "here")
    before = any_builder.registry["m"]
    tag = NewTag("m@v1.0.0", any_builder.commits["c1"], "x\n", ANN, at(0))
    with pytest.raises(TagExistsError, match=r"'m@v1.0.0' exists already in 'here'"):
        store.create([tag])
    with pytest.raises(TagExistsError):
        store._refs.create([NewRef("m@v1.0.0", any_builder.repo.head().decode())])
    assert any_builder.registry["m"] == before


class TestIdentity:
    """``Identity.from_git``, the only function that reads the environment."""

    CONFIG: ClassVar = {"user.name": "Ann", "user.email": "ann@example.com"}

    def test_the_configuration_of_the_repository(self, disk: Builder) -> None:
        config = disk.repo.get_config()
        config.set((b"user",), b"name", b"J\xc3\xb6rg.")
        config.set((b"user",), b"email", b"j@example.com")
        config.write_to_path()
        event = disk.registry.register("m", "v1.0.0")
        assert event.author == Identity("Jörg", "j@example.com")

    def test_the_environment_takes_precedence(self) -> None:
        env = {"GIT_COMMITTER_NAME": "Env", "GIT_COMMITTER_EMAIL": "env@example.com"}
        assert Identity.from_git(self.CONFIG.get, env) == Identity("Env", "env@example.com")
        assert Identity.from_git(self.CONFIG.get, {}) == Identity("Ann", "ann@example.com")
        mail = {"EMAIL": "mail@example.com"}
        assert Identity.from_git(self.CONFIG.get, mail).email == "ann@example.com"
        assert Identity.from_git({"user.name": "Ann"}.get, mail).email == "mail@example.com"
        config = {**self.CONFIG, "committer.name": "Com"}
        assert Identity.from_git(config.get, {}) == Identity("Com", "ann@example.com")

    def test_the_default_environment_is_that_of_the_process(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GIT_COMMITTER_NAME", "Env")
        before = dict(os.environ)
        assert Identity.from_git(self.CONFIG.get).name == "Env"
        assert dict(os.environ) == before

    def test_a_part_that_is_missing_is_named(self) -> None:
        with pytest.raises(IdentityError, match=r"GIT_COMMITTER_EMAIL or Git's user.email"):
            Identity.from_git({"user.name": "Ann"}.get, {})

    def test_a_name_must_not_be_empty_but_an_address_may_be(self) -> None:
        assert Identity.from_git(self.CONFIG.get, {"GIT_COMMITTER_EMAIL": ""}).email == ""
        assert Identity.from_git({"user.name": "Ann", "user.email": ""}.get, {}).email == ""
        for config, env in (
            (self.CONFIG, {"GIT_COMMITTER_NAME": ""}),
            ({**self.CONFIG, "user.name": ""}, {}),
        ):
            with pytest.raises(IdentityError, match="name is empty"):
                Identity.from_git(config.get, env)

    def test_bytes_that_are_not_utf8_are_written_unchanged(self, disk: Builder) -> None:
        config = disk.repo.get_config()
        config.set((b"user",), b"name", b"J\xf6rg")
        config.set((b"user",), b"email", b"j@example.com")
        config.write_to_path()
        event = disk.registry.register("m", "v1.0.0")
        assert event.author == Identity("J\ufffdrg", "j@example.com")
        assert disk.registry["m"].history == (event,)
        raw = disk.repo[disk.repo.refs[Ref(b"refs/tags/m@v1.0.0")]].as_raw_string()
        assert b"\ntagger J\xf6rg <j@example.com> " in raw

    @pytest.mark.parametrize("text", ["\ud800 lone", "\udfff"])
    def test_text_that_cannot_be_encoded_is_rejected(self, text: str) -> None:
        with pytest.raises(IdentityError, match="cannot be encoded"):
            Identity(text, "").checked()

    def test_an_empty_author_is_not_the_configured_one(self, builder: Builder) -> None:
        with pytest.raises(IdentityError, match="must be an Identity"):
            builder.registry.register("m", "v1.0.0", author="")  # type: ignore[arg-type]

    @pytest.mark.parametrize("sign", [0, 1, "", b"key"])
    def test_an_invalid_sign(self, builder: Builder, sign: Any) -> None:
        with pytest.raises(InvalidArgumentError, match="sign must be True, False"):
            builder.registry.register("m", "v1.0.0", sign=sign)

    def test_as_text(self) -> None:
        assert str(ANN) == "Ann <ann@example.com>"
        assert repr(ANN) == "Identity(name='Ann', email='ann@example.com')"
