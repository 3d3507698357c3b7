"""The sources of a catalog: names, locations, credentials."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from dulwich.repo import Repo

from modelversions import (
    Catalog,
    ConfigurationError,
    InvalidArgumentError,
    RepositoryNotFoundError,
)
from modelversions.catalog.sources import Source, read_sources
from modelversions.credentials import (
    from_name,
    git_credential_fill,
    name_of,
    netrc_file,
    token_from_env,
)
from modelversions.testing import memory_registry


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["https://host/team/churn.git", "../vision", "u@host:team/nlp.git"], "churn vision nlp"),
        (["https://host/a/churn.git", "https://host/b/churn"], "a/churn b/churn"),
        (["https://host/churn.git", "https://other/churn.git"], "host/churn other/churn"),
        ([{"name": "x", "url": "https://host/churn"}, "https://other/churn"], "x churn"),
        (["/srv/churn/.git", Path("/srv/vision")], "churn vision"),
        (["/"], "/"),
        (["https://u:s3cret@a/x.git", "https://b/x.git"], "a/x b/x"),
        (["https://u:1/s3cret@a:pw@a/x.git", "https://b/x.git"], "a/x b/x"),
        (["https://u:s3c/ret@a/x", "https://u:s3c/ret@a/y"], "x y"),
        (["https://h:8443/x", "https://h:8444/x"], "h:8443/x h:8444/x"),
        (["file:///srv/a/x", "file:///srv/b/x"], "a/x b/x"),
        (["[h:22]:a/x", "u@h:b/x"], "a/x b/x"),
        (["/.git"], ".git"),
        ([], ""),
    ],
)
def test_names(given: list[Any], names: str) -> None:
    assert list(Catalog(given)) == names.split()


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://u:p@host:8080/x", "host:8080"),
        ("git@host:team/x", "host"),
        ("host:x", "host"),
        ("[host:22]:x", "host"),
        ("u@[::1]:x", "::1"),
        ("https://HOST:443/x", "host"),
        ("ssh://u@host/x", "host"),
        ("http://[::1/x", None),
        ("http://host\u2100/x", "host\u2100"),
        ("file:///srv/x", None),
        ("/srv/x", None),
    ],
)
def test_hosts(location: str, host: str | None) -> None:
    (source,) = read_sources([location])
    assert source.host == host
    assert ":p@" not in repr(Catalog([location])["x"])


@pytest.mark.parametrize(
    "given",
    [
        "https://host/x",
        {"url": "https://host/x"},
        7,
        [7],
        [""],
        [{"name": "x"}],
        [{"url": "https://host/x", "path": "x"}],
        [{"url": {}}],
        [{"url": "https://host/x", "commit_url": "https://host/x"}],
        [{"path": "https://host/x"}],
        [{"path": ""}],
        [{"ulr": "https://u:hunter2@host/x"}],
        ["https://u:hunter2@host/x", "https://u:hunter2@host/x"],
        [{"url": "https://host/x", "other": 1, "credentials": "hunter2"}],
        [{"url": "https://host/x", "name": 7}],
        [{"url": "https://host/x", "name": "/"}],
        [{"url": "https://host/x", "credentials": 7}],
        [{"url": "https://host/x", "credentials": "hunter2"}],
        [{"url": "https://host/x", "name": "x"}, {"url": "https://host/y", "name": "x"}],
        ["/srv/x", "/srv/x"],
    ],
)
def test_invalid_sources(given: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        Catalog(given)
    assert "hunter2" not in str(caught.value)


def test_credentials_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NLP_TOKEN", "s3cret")
    assert from_name("env:NLP_TOKEN")("", None) == ("x-access-token", "s3cret")
    assert from_name("env:bot@NLP_TOKEN")("", None) == ("bot", "s3cret")
    for name in ("env:NLP_TOKEN", "env:bot@NLP_TOKEN", "netrc", "netrc:/x", "git"):
        assert name_of(from_name(name)) == name
    assert name_of(netrc_file("/x")) == "netrc:/x"
    assert name_of(git_credential_fill("mygit")) is None
    assert name_of(lambda *_: None) is None
    with pytest.raises(InvalidArgumentError):
        from_name("s3cret")


def test_a_pickled_source_has_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NLP_TOKEN", "s3cret")
    source = Source("x", "https://host/x", token_from_env("NLP_TOKEN"))
    data = pickle.dumps(source)
    assert b"s3cret" not in data
    assert pickle.loads(data) == source
    assert pickle.loads(pickle.dumps(Source("x", "/x"))) == Source("x", "/x")
    for unsendable in (
        Source("x", "https://u:s3cret@host/x"),
        Source("x", "https://host/x", lambda *_: ("u", "s3cret")),
        Source("x", "memory", None, memory_registry()),
    ):
        with pytest.raises(InvalidArgumentError, match="cannot be sent to an executor") as caught:
            pickle.dumps(unsendable)
        assert "s3cret" not in str(caught.value)


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text(
        "credentials: netrc\n"
        "repositories:\n"
        "- https://host/team/churn.git\n"
        "- below/vision\n"
        "- ~/audio\n"
        "- {name: nlp, url: 'git@host:team/ner.git', credentials: 'env:NLP_TOKEN'}\n"
    )
    catalog = Catalog.from_file(file)
    found = [member.source for member in catalog._members.values()]
    assert [(one.name, one.location) for one in found] == [
        ("churn", "https://host/team/churn.git"),
        ("vision", str(tmp_path / "below" / "vision")),
        ("audio", str(Path.home() / "audio")),
        ("nlp", "git@host:team/ner.git"),
    ]
    assert [name_of(one.credentials) for one in found if one.credentials] == [
        *("netrc", "netrc", "netrc", "env:NLP_TOKEN"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "repositories: x",
        "repositories: []\nother: 1",
        "repositories: [7]",
        "repositories: []\ncredentials: 7",
        "{",
    ],
)
def test_a_file_that_is_invalid(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "catalog.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigurationError):
        Catalog.from_file(file)


def test_a_large_file(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    lines = "\n".join(f"- https://host/team/{'x' * 100}{number}" for number in range(1500))
    file.write_text(f"repositories:\n{lines}\n")
    assert len(Catalog.from_file(file)) == 1500


def test_repositories_below_a_directory(tmp_path: Path) -> None:
    for name in ("team/churn.git", "vision.git"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Repo.init_bare(str(tmp_path / name), mkdir=True).close()
    Repo.init(str(tmp_path / "work"), mkdir=True).close()
    Repo.init(str(tmp_path / "work" / "inner"), mkdir=True).close()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / ".git").write_text("gitdir: ../work/.git\n")
    assert list(Catalog.discover(tmp_path)) == ["team/churn", "tree", "vision", "work"]
    assert list(Catalog.discover(tmp_path / "vision.git")) == ["vision"]
    with pytest.raises(InvalidArgumentError, match="there is no such directory"):
        Catalog.discover(tmp_path / "absent")
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", ""):
        with pytest.raises(
            InvalidArgumentError, match="pass a directory that contains repositories"
        ):
            Catalog.discover(path)


def test_repositories_whose_names_differ_by_git_only(tmp_path: Path) -> None:
    for name in ("x.git", "y.git", "y.git.git"):
        Repo.init_bare(str(tmp_path / name), mkdir=True).close()
    Repo.init(str(tmp_path / "x"), mkdir=True).close()
    assert list(Catalog.discover(tmp_path)) == ["x", "x.git", "y", "y.git.git"]


def test_a_deep_directory(tmp_path: Path) -> None:
    directories = [tmp_path]
    for _ in range(sys.getrecursionlimit() + 100):
        directories.append(directories[-1] / "d")
        directories[-1].mkdir()
    (tmp_path / "link").symlink_to(tmp_path)
    assert list(Catalog.discover(tmp_path)) == []
    for directory in reversed(directories[1:]):  # shutil.rmtree is recursive
        directory.rmdir()


def test_directories_that_cannot_be_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("gone", "refused", "work"):
        (tmp_path / name).mkdir()
    Repo.init(str(tmp_path / "work")).close()
    real = os.scandir

    def scandir(path: str) -> Any:
        if Path(path).name == "refused":
            raise PermissionError(13, "Permission denied", path)
        if Path(path).name == "gone":
            raise FileNotFoundError(2, "No such file or directory", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert list(Catalog.discover(tmp_path)) == ["refused", "work"]


@pytest.mark.parametrize("path", [None, 7])
def test_invalid_paths(path: Any) -> None:
    for call in (Catalog.from_file, Catalog.discover, Catalog.load, Catalog([]).save):
        with pytest.raises(InvalidArgumentError, match="path"):
            call(path)


def test_paths_that_resemble_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = read_sources([Path("host:x"), {"path": "host:y"}, {"url": "host:z"}])
    assert [one.location for one in found] == [
        *(str(tmp_path / name) for name in ("host:x", "host:y")),
        "host:z",
    ]


def test_an_invalid_url_is_an_error_of_its_repository_only(tmp_path: Path) -> None:
    Repo.init_bare(str(tmp_path / "x"), mkdir=True).close()
    catalog = Catalog(["http://[::1/y", tmp_path / "x", "http://host:99999/z"])
    assert catalog.latest() == {}
    assert {name: type(error) for name, error in catalog.errors.items()} == {
        "y": RepositoryNotFoundError,
        "z": RepositoryNotFoundError,
    }


def test_paths_do_not_depend_on_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (source,) = read_sources(["x"])
    assert source.location == os.path.join(tmp_path, "x")  # noqa: PTH118  # it is text
