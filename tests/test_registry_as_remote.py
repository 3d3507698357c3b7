"""Another registry as a remote: in memory, on disk or at a URL."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dulwich.repo import MemoryRepo, Repo

from modelversions import (
    ConfigurationError,
    DubiousOwnershipError,
    InvalidArgumentError,
    PushRejectedError,
    Registry,
    RemoteAheadError,
    RemoteError,
    SemVer,
    WriteConflictError,
)
from modelversions.git.local.local_refs import LocalRefs
from modelversions.testing import memory_registry
from tests.builders import Builder
from tests.servers import served
from tests.write.helpers import ANN

CHURN = {"churn": ["v1.0.0", "v1.1.0"]}
TAGS = ("churn#prod#1", "churn@v1.0.0", "churn@v1.1.0")
PROD = {"churn": {"prod": "v1.0.0"}}


def repo_of(registry: Registry) -> Any:
    return registry._store.repo  # type: ignore[attr-defined]


@pytest.fixture(params=["memory", "disk", "git", "http"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    """The registry of an empty repository."""
    if request.param == "memory":
        yield Registry.from_repo(MemoryRepo())
        return
    with Repo.init_bare(str(tmp_path / "other"), mkdir=True) as repo:
        if request.param == "disk":
            yield Registry.from_repo(repo)
        else:
            with served(request.param, repo) as url, Registry.open(url) as registry:
                yield registry


@pytest.fixture(params=["memory", "disk"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    """A registry with three tags."""
    source = memory_registry(CHURN, PROD)
    if request.param == "memory":
        yield source
        return
    with Repo.init(str(tmp_path / "filled"), mkdir=True) as repo:
        registry = Registry.from_repo(repo)
        assert registry.fetch(remote=source).transferred == TAGS
        yield registry


def test_push_and_fetch(filled: Registry, other: Registry) -> None:
    result = filled.push(remote=other)
    assert (result.transferred, result.unchanged, result.conflicts) == (TAGS, (), ())
    assert result.remote == other._store.location
    assert other.history() == filled.history()
    assert other.problems() == ()
    assert other["churn"].stages["prod"].name == "v1.0.0"
    third = memory_registry()
    assert third.fetch(remote=other).transferred == TAGS
    assert third.history() == filled.history()
    assert third.commits(filled["churn"][0].commit) == filled.commits(filled["churn"][0].commit)
    for result in (filled.push(remote=other), third.fetch(remote=other)):
        assert (result.transferred, result.unchanged) == ((), TAGS)
    assert list(other)  # still open


def test_a_write_is_pushed(filled: Registry, other: Registry) -> None:
    """An empty registry is a valid remote although it is falsy."""
    before = filled["churn"].history
    filled.deprecate("churn", author=ANN, push=other, dry_run=True)
    assert list(other) == []
    event = filled.deprecate("churn", author=ANN, push=other)
    assert other.history() == (*before, event)  # with the events before it
    filled.assign("new", stage="dev", register=True, commit=event, author=ANN, push=other)
    assert [one.tag for one in other["new"].history] == ["new@v0.0.1", "new#dev#1"]


def test_a_pushed_stage_includes_the_registration_of_its_version(
    filled: Registry, other: Registry
) -> None:
    filled.register("new", "v1.0.0", commit=filled["churn"][0], author=ANN)
    filled.register("another", "v1.0.0", commit=filled["churn"][0], author=ANN)
    filled.assign("new", "v1.0.0", "prod", author=ANN, push=other)
    assert other["new"].stages["prod"].name == "v1.0.0"
    assert other.problems() == ()
    assert "another" not in other


def test_a_conflict_of_an_older_tag_does_not_prevent_the_push(disk: Builder) -> None:
    """The remote has a lightweight tag with the name of the older tag."""
    other = Builder()
    other.commit()
    other.ref("refs/tags/m@v1.0.0", other.commits["c1"])
    disk.tags("m@v1.0.0")
    disk.commit("c2", 1, "c1")
    event = disk.registry.register(
        "m", "v2.0.0", commit=disk.commits["c2"], author=ANN, push=other.registry
    )
    assert [one.tag for one in other.registry.history()] == [event.tag]


def test_tags_are_deleted_in_both(filled: Registry, other: Registry) -> None:
    filled.push(remote=other)
    filled.delete_tags(*TAGS[1:], push=other)
    assert [one.tag for one in other.history()] == [one.tag for one in filled.history()]
    assert [one.tag for one in other.history()] == list(TAGS[:1])


def test_a_tag_that_differs(filled: Registry) -> None:
    other = memory_registry({"churn": ["v1.0.0"]}, author=ANN)
    before = [registry.history() for registry in (filled, other)]
    result = filled.push("churn@v1.0.0", remote=other)
    assert result.transferred == ()
    assert [conflict.tag for conflict in result.conflicts] == ["churn@v1.0.0"]
    assert len(filled.fetch(remote=other).conflicts) == 1
    with pytest.raises(WriteConflictError, match="is .* at 'memory' and .* locally; nothing was"):
        filled.delete_tags("churn@v1.0.0", push=other)
    assert [registry.history() for registry in (filled, other)] == before
    with pytest.raises(RemoteAheadError, match="has the tag 'churn@v1.1.0', which is not in"):
        other.register("churn", "v1.1.0", push=filled)


def test_a_registry_can_be_its_own_remote(filled: Registry) -> None:
    assert filled.push(remote=filled).unchanged == TAGS
    assert filled.fetch(remote=filled).unchanged == TAGS


def test_memory_registries_use_no_files_and_no_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text("[transfer]\n\tfsckObjects = not a boolean\n[protocol]\n\tallow = never\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "not a number")
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    first, second = memory_registry(CHURN), memory_registry({"other": ["v1.0.0"]})
    assert first.push(remote=second).transferred == TAGS[1:]
    assert first.fetch(remote=second).transferred == ("other@v1.0.0",)
    first.delete_tags("other@v1.0.0", push=second)
    assert first.history() == second.history()


def test_git_s_checks_apply_to_a_repository_on_disk(
    disk: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = memory_registry(CHURN)
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "https")
    with pytest.raises(ConfigurationError, match="the protocol 'file' is not allowed"):
        registry.push(remote=disk.registry)
    monkeypatch.delenv("GIT_ALLOW_PROTOCOL")
    hook = disk.git_dir / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    with pytest.raises(PushRejectedError, match="it has the hook"):
        registry.push(remote=disk.registry)
    monkeypatch.setattr("modelversions.git.programs._owner", lambda _: -1)
    for transfer in (registry.push, registry.fetch):
        with pytest.raises(DubiousOwnershipError, match="another user owns it"):
            transfer(remote=disk.registry)
    assert not list(disk.registry)


def test_objects_are_checked_as_configured_in_memory() -> None:
    registry = memory_registry()
    commit = registry.commits()[0].commit
    Builder(repo_of(registry)).tag("m@v1.0.0", commit, tagger="<no@name>")
    other = Registry.from_repo(MemoryRepo())
    repo_of(other).get_config().set((b"receive",), b"fsckObjects", b"true")
    with pytest.raises(PushRejectedError, match="its receive.fsckObjects or transfer"):
        registry.push(remote=other)
    assert list(other) == []
    other = Registry.from_repo(MemoryRepo())
    repo_of(other).get_config().set((b"fetch",), b"fsckObjects", b"true")
    with pytest.raises(RemoteError, match="sent the object .*, which is invalid"):
        other.fetch(remote=registry)


def test_a_missing_object_in_memory() -> None:
    registry, other = memory_registry(CHURN), memory_registry()
    del repo_of(registry).object_store._data[registry["churn"]["v1.0.0"].commit.encode()]
    with pytest.raises(RemoteError, match="lacks the object"):
        other.fetch(remote=registry)
    assert list(other) == []


def test_a_tag_that_is_written_concurrently(monkeypatch: pytest.MonkeyPatch) -> None:
    registry, other = memory_registry(CHURN, PROD), memory_registry()
    real = LocalRefs.create

    def create(refs: LocalRefs, new: Any) -> None:
        monkeypatch.setattr(LocalRefs, "create", real)
        other.register("churn", "v1.1.0")
        real(refs, new)

    monkeypatch.setattr(LocalRefs, "create", create)
    result = registry.push(remote=other)
    assert [conflict.tag for conflict in result.conflicts] == ["churn@v1.1.0"]
    assert set(result.transferred) == {event.tag for event in registry.history()} - {"churn@v1.1.0"}


def test_invalid_remotes() -> None:
    registry = memory_registry(CHURN)
    view = registry.as_of(registry.history()[0].time)
    for remote in (view, None, registry["churn"]):
        with pytest.raises(InvalidArgumentError, match="a remote is a name such as 'origin', a"):
            registry.push(remote=remote)  # type: ignore[arg-type]


def test_a_registry_at_a_url_cannot_push(served_repo: Builder) -> None:
    assert isinstance(served_repo.repo, Repo)
    with served("git", served_repo.repo) as url, Registry.open(url) as remote:
        for other in (memory_registry(), "origin"):
            with pytest.raises(InvalidArgumentError, match="where changes are made at once"):
                remote.push(remote=other)


def test_the_error_for_a_remote_that_is_ahead() -> None:
    local, remote = memory_registry(), memory_registry()
    remote.register("m")
    with pytest.raises(RemoteAheadError, match=r"call registry.fetch\(remote\) with this remote"):
        local.register("m", push=remote)
    local.fetch(remote)
    assert local.register("m", push=remote, force=True).version == SemVer(0, 0, 2)
