"""``modelversions.gto``: results, exceptions and output, without GTO."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dulwich.refs import HEADREF, Ref
from dulwich.repo import Repo

from modelversions import ModelVersionsError, Registry, RemoteError
from modelversions.gto import api, exceptions
from modelversions.gto.constants import Action, VersionSort
from tests.builders import Builder, at


@pytest.fixture
def work(disk: Builder, monkeypatch: pytest.MonkeyPatch) -> Builder:
    """A repository with three commits."""
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Ann")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "ann@example.com")
    for label, parents in (("c1", ()), ("c2", ("c1",)), ("c3", ("c2",))):
        disk.ref("refs/heads/main", disk.commit(label, 1, *parents))
    disk.repo.refs.set_symbolic_ref(HEADREF, Ref(b"refs/heads/main"))
    return disk


@pytest.fixture
def path(work: Builder) -> Path:
    assert isinstance(work.repo, Repo)
    return Path(work.repo.path)


def test_a_registration(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    event = api.register(path, "m", "HEAD", stdout=True)
    assert (event.event, event.artifact, event.ref) == ("registration", "m", "m@v0.0.1")
    assert (event.author, event.author_email) == ("Ann", "ann@example.com")
    assert event.dict_state(exclude={"message"})["event"] == "registration"
    assert "message" not in event.model_dump(exclude={"message"})
    assert str(event) == 'Version "v0.0.1" of artifact "m" was registered'
    assert capsys.readouterr().out == ""  # only the command line of GTO prints
    with pytest.raises(exceptions.TagExists):
        api.register(path, "m", "HEAD", version="v0.0.1", force=True)


def test_authors(path: Path) -> None:
    first = api.register(path, "m", "HEAD", author="Bob")
    second = api.register(path, "m", "HEAD~1", author_email="x@example.com", bump_major=True)
    third = api.register(path, "m", "HEAD~2", author="Eve", author_email="eve@example.com")
    found = [(one.author, one.author_email) for one in (first, second, third)]
    assert found == [
        ("Bob", "ann@example.com"),
        ("Ann", "x@example.com"),
        ("Eve", "eve@example.com"),
    ]


def test_a_repository_object_of_scmrepo(path: Path) -> None:
    api.register(SimpleNamespace(root_dir=str(path)), "m", "HEAD")
    assert api.check_ref(path, "refs/tags/m@v0.0.1")[0].ref == "m@v0.0.1"
    assert api.check_ref(path, "main") == []


def test_pushes(path: Path, tmp_path: Path) -> None:
    with Repo.init_bare(str(tmp_path / "remote"), mkdir=True) as remote:
        config = path / ".git" / "config"
        config.write_text(f'{config.read_text()}[remote "origin"]\n\turl = {remote.path}\n')
        api.register(path, "m", "HEAD", push=True, stdout=True)
        assert list(api.show(remote.path)) == ["m"]
        api.deprecate(path, "m", delete=True, push=True, stdout=True)
        assert api.show(remote.path) == {}


def test_a_model(path: Path) -> None:
    api.assign(path, "m", "prod", ref="HEAD~2", name_version="v1.0.0")
    api.register(path, "m", "HEAD~1", version="v2.0.0")
    api.assign(path, "m", "prod", version="v2.0.0")
    api.assign(path, "m", "dev", ref="HEAD", skip_registration=True)
    assert api.show(path) == {
        "m": {
            "version": "v2.0.0",
            "stage": {"dev": api.check_ref(path, "m#dev#3")[0].commit_hexsha, "prod": "v2.0.0"},
            "registered": True,
            "active": True,
        }
    }
    (row,), keys = api.show(path, table=True, truncate_hexsha=True)
    assert keys == "keys"
    assert list(row) == ["name", "latest", "#dev", "#prod"]
    assert len(row["#dev"]) == 7
    rows = api.show(path, "m")
    assert [one["version"] for one in rows][:2] == ["v2.0.0", "v1.0.0"]
    assert [len(one["stages"]) for one in rows] == [1, 0, 1]
    assert [one["version"] for one in api.show(path, "m@latest")] == ["v2.0.0"]
    assert [one["version"] for one in api.show(path, "m@v1.0.0")] == ["v1.0.0"]
    assert [one["version"] for one in api.show(path, "m#prod")] == ["v2.0.0"]
    table, _ = api.show(path, "m", table=True)
    assert [one["stage"] for one in table] == ["prod", "", "dev"]
    assert api.get_stages(path) == api.get_stages(path, used=True) == ["dev", "prod"]
    assert api.get_stages(path, allowed=True) is None


def test_versions(path: Path) -> None:
    api.assign(path, "m", "prod", ref="HEAD~1", name_version="v2.0.0")
    api.assign(path, "m", "prod", ref="HEAD", name_version="v1.0.0")
    latest = api.find_latest_version(path, "m")
    assert latest is not None
    assert not isinstance(latest, list)
    assert (latest.version, latest.is_registered, latest.discovered) == ("v2.0.0", True, False)
    assert (latest.author, latest.ref) == ("Ann", "m@v2.0.0")
    every = api.find_latest_version(path, "m", all=True)
    assert isinstance(every, list)
    assert [one.version for one in every] == ["v2.0.0", "v1.0.0"]
    holders = api.find_versions_in_stage(path, "m", "prod", versions_per_stage=-1)
    assert holders is not None
    assert [one.version for one in holders] == ["v2.0.0", "v1.0.0"]
    assert holders[0].activated_at == holders[0].created_at
    assert api.find_versions_in_stage(path, "m", "dev") is None
    newest = api.show(path, "m", sort=VersionSort.Timestamp)
    assert [len(one["stages"]) for one in newest] == [0, 1]
    assert api.show(path, "m", assignments_per_version=0)[0]["stages"] == []
    with pytest.raises(exceptions.WrongArgs, match="'versions_per_stage' must be >= -1"):
        api.show(path, "m", versions_per_stage=-2)
    with pytest.raises(exceptions.WrongArgs, match="'assignments_per_version' must be >= -1"):
        api.show(path, "m", assignments_per_version=-2)
    api.unassign(path, "m", version="v2.0.0", stage="canary", force=True)
    latest = api.find_latest_version(path, "m")
    assert latest is not None
    assert not isinstance(latest, list)
    assert (latest.stages["canary"].author, latest.stages["canary"].activated_at) == ("Ann", None)


def test_the_limit_of_assignments_per_version(path: Path) -> None:
    with Registry.open(path) as registry:
        registry.register("m", "v1.0.0", when=at(10))
        for day, stage in enumerate(["prod", "dev", "canary"]):
            registry.assign("m", "v1.0.0", stage, when=at(20) + timedelta(days=day))
    for limit, expected in ((1, {"prod"}), (2, {"prod", "dev"}), (-1, {"prod", "dev", "canary"})):
        (row,) = api.show(path, "m", assignments_per_version=limit)
        assert {one["stage"] for one in row["stages"]} == expected


def test_a_version_that_is_no_longer_active(path: Path) -> None:
    api.assign(path, "m", "prod", ref="HEAD", name_version="v1.0.0")
    api.unassign(path, "m", version="v1.0.0", stage="prod")
    api.deregister(path, "m", ref="HEAD")
    assert api.find_latest_version(path, "m") is None
    assert api.show(path, "m") == []
    (row,) = api.show(path, "m", deprecated=True)
    assert (row["is_active"], row["activated_at"]) == (False, row["registrations"][0]["created_at"])
    api.deprecate(path, "m", ref="HEAD")
    assert api.show(path) == {}
    assert api.show(path, deprecated=True)["m"]["active"] is False


def test_a_commit_without_its_former_stage(path: Path) -> None:
    api.assign(path, "m", "dev", ref="HEAD", skip_registration=True)
    api.unassign(path, "m", ref="HEAD", stage="dev")
    (row,) = api.show(path, "m")
    assert (row["discovered"], row["stages"], row["registrations"]) == (True, [], [])
    assert row["activated_at"] < row["created_at"]
    assert api.find_latest_version(path, "m") is None


def test_deletions(path: Path) -> None:
    api.assign(path, "m", "prod", ref="HEAD", name_version="v1.0.0")
    api.assign(path, "m", "dev", version="v1.0.0")
    assert api.unassign(path, "m", ref="HEAD", stage="prod", delete=True) is None
    assert [one["ref"] for one in api.history(path, ascending=True)] == ["m@v1.0.0", "m#dev#2"]
    with pytest.raises(exceptions.WrongArgs, match="No version v9.0.0 of 'm' has Git tags"):
        api.deregister(path, "m", version="v9.0.0", delete=True)
    assert api.deregister(path, "m", version="v1.0.0", delete=True) is None
    assert api.history(path) == []
    assert api.history(path, table=True) == ([], "keys")


def test_deletions_of_events_that_are_not_effective(path: Path) -> None:
    api.assign(path, "m", "prod", ref="HEAD", name_version="v1.0.0")
    with pytest.raises(exceptions.WrongArgs, match="Stage 'dev' is not assigned"):
        api.unassign(path, "m", version="v1.0.0", stage="dev", delete=True)
    api.deprecate(path, "m")
    with pytest.raises(exceptions.WrongArgs, match="deprecated already"):
        api.deprecate(path, "m", delete=True)
    api.deregister(path, "m", version="v1.0.0")
    with pytest.raises(exceptions.WrongArgs, match="deregistered already"):
        api.deregister(path, "m", version="v1.0.0", delete=True)
    assert len(api.history(path)) == 4
    api.deregister(path, "m", version="v1.0.0", delete=True, force=True)
    assert [one["ref"] for one in api.history(path)] == ["m@deprecated"]
    api.deprecate(path, "m", delete=True, force=True)
    assert api.history(path) == []


def test_history(path: Path) -> None:
    api.register(path, "n", "HEAD")
    api.assign(path, "m", "dev", ref="HEAD", skip_registration=True)
    api.deprecate(path, "m")  # dated after the assignment, and so after the registration
    kinds = [one["event"] for one in api.history(path)]
    assert kinds[0] == "deprecation"
    assert sorted(kinds) == ["assignment", "deprecation", "registration"]
    table, keys = api.history(path, "m", ascending=True, table=True, truncate_hexsha=True)
    assert keys == "keys"
    assert [one["artifact"] for one in table] == ["m", "m"]
    assert len(table[0]["version"]) == len(table[0]["commit"]) == 7
    assert table[1]["version"] is None


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda path: api.register(path, "m", "nowhere"), exceptions.RefNotFound),
        (lambda path: api.register(path, "no!", "HEAD"), exceptions.ValidationError),
        (lambda path: api.register(path, "m", "HEAD", version="1"), exceptions.InvalidVersion),
        (
            lambda path: api.register(path, "m", "HEAD", version="v1.0.0", bump_patch=True),
            exceptions.WrongArgs,
        ),
        (lambda path: api.register(path, "m", "HEAD"), exceptions.VersionExistsForCommit),
        (
            lambda path: api.register(path, "m", "HEAD~1", version="v1.0.0"),
            exceptions.VersionAlreadyRegistered,
        ),
        (
            lambda path: api.register(path, "m", "HEAD", version="v1.0.0"),
            exceptions.VersionExistsForCommit,
        ),
        (lambda path: api.unassign(path, "m", version="v1.0.0"), exceptions.WrongArgs),
        (lambda path: api.register(path, "m", "HEAD~1", message="#"), exceptions.WrongArgs),
        (
            lambda path: api.register(path, "m", "HEAD~1", author="A<"),
            exceptions.WrongArgs,
        ),
        (lambda path: api.assign(path, "m", "dev"), exceptions.WrongArgs),
        (lambda path: api.assign(path, "m", "dev", version="1"), exceptions.WrongArgs),
        (lambda path: api.assign(path, "m", "dev", version="v9.0.0"), exceptions.WrongArgs),
        (
            lambda path: api.assign(
                path, "m", "dev", ref="HEAD", name_version="v1.0.0", skip_registration=True
            ),
            exceptions.WrongArgs,
        ),
        (lambda path: api.deregister(path, "m", version="v9.0.0"), exceptions.VersionRequired),
        (lambda path: api.unassign(path, "m", version="v1.0.0", stage="x"), exceptions.WrongArgs),
        (lambda path: api.deprecate(path, "n"), exceptions.ArtifactNotFound),
        (lambda path: api.deprecate(path, "m", force=True, simple=True), exceptions.WrongArgs),
        (lambda path: api.show(path, "n"), exceptions.ArtifactNotFound),
        (lambda path: api.show(path, "m@"), exceptions.ArtifactNotFound),
        (lambda path: api.show(path / "nowhere"), exceptions.NoRepo),
        (lambda path: api.describe(path, "m@v1.0.0", "HEAD"), exceptions.WrongArgs),
        (lambda _: api.parse_tag("nothing"), exceptions.InvalidTagName),
    ],
)
def test_exceptions(path: Path, call: Any, error: type[Exception]) -> None:
    api.register(path, "m", "HEAD", version="v1.0.0")
    with pytest.raises(error) as caught:
        call(path)
    assert isinstance(caught.value, exceptions.GTOException)
    assert isinstance(caught.value, ModelVersionsError)
    assert caught.value.msg == str(caught.value)  # type: ignore[attr-defined]


def test_other_errors_are_not_translated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RemoteError("the server is unavailable", location="x")

    monkeypatch.setattr(Registry, "register", fail)
    with pytest.raises(RemoteError, match="the server is unavailable"):
        api.register(path, "m", "HEAD")


def test_events_as_sentences(path: Path) -> None:
    api.register(path, "m", "HEAD")
    events: list[Any] = [
        api.assign(path, "m", "dev", version="v0.0.1"),
        api.unassign(path, "m", version="v0.0.1", stage="dev"),
        api.deregister(path, "m", version="v0.0.1"),
        api.deprecate(path, "m"),
    ]
    assert list(map(str, events)) == [
        'Stage "dev" was assigned to version "v0.0.1" of artifact "m"',
        'Stage "dev" was unassigned from version "v0.0.1" of artifact "m"',
        'Version "v0.0.1" of artifact "m" was deregistered',
        'Artifact "m" was deprecated',
    ]


def test_allowed_stages(path: Path) -> None:
    (path / ".gto").write_text("stages: [dev, prod]\n")
    api.assign(path, "m", "prod", ref="HEAD")
    assert api.get_stages(path) == api.get_stages(path, allowed=True) == ["dev", "prod"]
    assert api.get_stages(path, used=True) == ["prod"]
    assert api.show(path)["m"]["stage"] == {"dev": None, "prod": "v0.0.1"}
    with pytest.raises(exceptions.UnknownStage):
        api.assign(path, "m", "staging", version="v0.0.1", force=True)
    with pytest.raises(exceptions.UnknownStage):
        api.unassign(path, "m", version="v0.0.1", stage="staging", force=True)
    (path / ".gto").write_text("stages: [")
    with pytest.raises(exceptions.WrongConfig):
        api.assign(path, "m", "prod", version="v0.0.1")


def test_annotations(work: Builder, path: Path) -> None:
    text = "artifacts: {m: {path: a, type: model, labels: [x], desc: text, meta: 3}}\n"
    work.commit_file("dvc.yaml", text, "c4", 9)
    api.register(path, "m", "HEAD")
    api.register(path, "other", "HEAD")
    found = api.describe(path, "m")
    assert found == api.describe(path, "m@latest")
    assert found is not None
    assert found.model_dump() == {
        "type": "model",
        "path": "a",
        "virtual": True,
        "labels": ["x"],
        "description": "text",
        "custom": 3,
    }
    assert api.describe(path, "m", work.commits["c3"]) is None
    assert api.describe(path, "other@latest") is None
    assert api.describe(path, "m#prod") is None


def test_names_of_tags() -> None:
    assert api.parse_tag("dir=m#prod!#3") == {
        "name": "dir:m",
        "action": Action.UNASSIGN,
        "stage": "prod",
        "counter": 3,
    }
    assert api.parse_tag("m@v1.0.0") == {
        "name": "m",
        "action": Action.REGISTER,
        "version": "v1.0.0",
    }
