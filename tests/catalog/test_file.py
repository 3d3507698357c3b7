"""The file of a catalog."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions import Catalog, CatalogFileWarning, RepositoryError
from modelversions.testing import memory_registry
from tests.builders import Builder, irregular_tags

COMMIT_URL = "https://pages/{commit}"
CHANGES = {
    "issues": "UPDATE tag SET issues = '{', state = 2",
    "time": "UPDATE tag SET time = '2020-01-01T00:00:00'",
    "name": "UPDATE tag SET name = name || char(10)",
    "message": "UPDATE tag SET message = 'other'",
    "commit": "UPDATE tag SET commit_id = object",
    "deleted": "DELETE FROM tag WHERE name IN (SELECT name FROM tag LIMIT 1)",
    "shallow": "UPDATE repository SET is_shallow = 1",
}
"""Statements that damage a file."""


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.init_bare(str(tmp_path / "vision.git"), mkdir=True) as repo:
        irregular_tags(Builder(repo))
        yield repo


def test_data_that_was_read_is_saved(repo: Repo, tmp_path: Path) -> None:
    catalog = Catalog([repo.path, "/nowhere"])
    history, latest = catalog.history(), catalog.latest()
    catalog.save(tmp_path / "file")
    again = Catalog.load(tmp_path / "file")
    Path(repo.path).rename(tmp_path / "away")
    assert list(again) == ["vision", "nowhere"]
    assert again.history() == history
    assert again.latest() == latest
    models = again["vision"]
    assert [models[name].problems for name in models] == [
        catalog["vision"][name].problems for name in models
    ]
    assert list(again.errors) == ["nowhere"]
    (tmp_path / "away").rename(repo.path)
    again.refresh()
    assert again.history() == history
    assert [path.name for path in tmp_path.glob("file*")] == ["file"]


def test_names_only(repo: Repo, tmp_path: Path) -> None:
    catalog = Catalog([repo.path])
    latest = catalog.latest()
    catalog.save(tmp_path / "file")
    again = Catalog.load(tmp_path / "file")
    assert again.latest() == latest
    assert again.history() == catalog.history()
    with closing(sqlite3.connect(tmp_path / "file")) as database:
        tags = database.execute("SELECT count(*), max(state) FROM tag").fetchone()
    assert tags == (len(list(Path(repo.path, "refs", "tags").iterdir())), 2)


def test_with_other_sources(repo: Repo, tmp_path: Path) -> None:
    file = tmp_path / "file"
    Catalog([repo.path]).save(file)
    catalog = Catalog([repo.path])
    catalog.refresh()
    catalog.save(file)
    other = {"name": "other", "registry": memory_registry({"m": ["v1.0.0"]})}
    again = Catalog.load(file, [other, repo.path])
    assert list(again) == ["other", "vision"]
    assert list(Catalog.load(file, again)) == ["other", "vision"]
    assert again._members["vision"].listing is not None
    assert [key for key in again.latest() if key[0] == "other"] == [("other", "m")]


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    with Repo.init_bare(str(tmp_path / "\udcff"), mkdir=True) as repo:
        builder = Builder(repo)
        commit = builder.commit()
        head = f"object {commit}\ntype commit\ntag m@v1.0.0\n".encode()
        builder.raw("m@v1.0.0", head + b"tagger \xff <a@b> 1700000000 +0000\n\n\xff\n")
        packed = b"%s refs/tags/\xff\n" % builder.commits["c1"].encode()
        Path(repo.path, "packed-refs").write_bytes(packed)
        catalog = Catalog([repo.path])
        history = catalog.history()
        catalog.save(tmp_path / "file")
        again = Catalog.load(tmp_path / "file")
        assert again.history() == history
        again.refresh()
        assert not again.errors


def test_no_secret_is_saved(tmp_path: Path) -> None:
    catalog = Catalog(
        [
            "https://u:s3cret@host/x",
            {"url": "https://host/y", "credentials": "env:TOKEN", "commit_url": COMMIT_URL},
            {"url": "https://host/z", "credentials": lambda *_: ("u", "s3cret")},
        ]
    )
    catalog.save(tmp_path / "file")
    assert b"s3cret" not in (tmp_path / "file").read_bytes()
    again = Catalog.load(tmp_path / "file")
    assert list(again) == ["x", "y", "z"]
    assert again._members["y"].source == catalog._members["y"].source


@pytest.mark.parametrize("damage", ["absent", "text", "version", "cut", *CHANGES])
def test_a_damaged_file_is_ignored(repo: Repo, tmp_path: Path, damage: str) -> None:
    file = tmp_path / "file"
    catalog = Catalog([repo.path])
    history = catalog.history()
    catalog.save(file)
    if damage == "absent":
        file.unlink()
    elif damage == "text":
        file.write_text("no database" * 1000)
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:5000])
    else:
        with closing(sqlite3.connect(file)) as database:
            database.execute(CHANGES.get(damage, "PRAGMA user_version = 9"))
            database.commit()
    with pytest.warns(CatalogFileWarning, match="is ignored"):
        again = Catalog.load(file, [repo.path])
    assert again.history() == history
    with pytest.warns(CatalogFileWarning):
        assert list(Catalog.load(file)) == []
    again.save(file)
    assert Catalog.load(file).history() == history


def test_rows_without_a_digest(repo: Repo, tmp_path: Path) -> None:
    file = tmp_path / "file"
    catalog = Catalog([repo.path])
    history = catalog.history()
    catalog.save(file)
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE tag SET message = 'other'")
        database.execute("UPDATE repository SET digest = NULL")
        database.commit()
    again = Catalog.load(file).history()
    assert len(again) == len(history)
    assert {event.message for _, event in again} == {"other"}


def test_permissions_and_links_are_kept(repo: Repo, tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    catalog = Catalog([repo.path])
    catalog.save(file)
    file.chmod(0o600)
    link.symlink_to(file)
    catalog.refresh()
    catalog.save(link)
    assert (file.stat().st_mode & 0o777, link.is_symlink()) == (0o600, True)
    assert Catalog.load(file)._members["vision"].listing is not None


def test_a_file_that_cannot_be_written(repo: Repo, tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="cannot be written"):
        Catalog([repo.path]).save(tmp_path / "absent" / "file")
    (tmp_path / "directory").mkdir()
    with pytest.raises(RepositoryError, match="cannot be written"):
        Catalog([repo.path]).save(tmp_path / "directory")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["directory", "vision.git"]


@pytest.mark.parametrize("name", ["catalog.yaml", "list"])
def test_a_list_of_repositories_is_not_replaced(tmp_path: Path, name: str) -> None:
    """``load()`` ignores it with a warning, and ``save()`` must not replace it then."""
    path = tmp_path / name
    path.write_text("repositories: [a, b]\n")
    with pytest.warns(CatalogFileWarning):
        catalog = Catalog.load(path)
    with pytest.raises(RepositoryError, match="it is a list of repositories, for from_file"):
        catalog.save(path)
    assert path.read_text() == "repositories: [a, b]\n"
    assert [one.name for one in tmp_path.iterdir()] == [name]
    path.write_text("")
    catalog.save(path)
    assert list(Catalog.load(path)) == []
