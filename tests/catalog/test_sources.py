"""The sources of a catalog: names, locations, credentials."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from dulwich.repo import Repo

from modelversions import Catalog, ConfigurationError, InvalidArgumentError
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
        [{"url": "https://host/x", "other": 1, "credentials": "hunter2"}],
        [{"url": "https://host/x", "name": 7}],
        [{"url": "https://host/x", "name": "/"}],
        [{"url": "https://host/x", "credentials": 7}],
        [{"url": "https://host/x", "credentials": "hunter2"}],
        [{"url": "https://host/x", "name": "x"}, {"url": "https://host/y", "name": "x"}],
        ["/srv/x", "/srv/x"],
    ],
)
def test_what_is_no_source(given: Any) -> None:
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
    for refused in (
        Source("x", "https://u:s3cret@host/x"),
        Source("x", "https://host/x", lambda *_: ("u", "s3cret")),
        Source("x", "memory", None, memory_registry()),
    ):
        with pytest.raises(InvalidArgumentError, match="cannot be sent to an executor") as caught:
            pickle.dumps(refused)
        assert "s3cret" not in str(caught.value)


def test_a_file(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text(
        "credentials: netrc\n"
        "repositories:\n"
        "- https://host/team/churn.git\n"
        "- below/vision\n"
        "- {name: nlp, url: 'git@host:team/ner.git', credentials: 'env:NLP_TOKEN'}\n"
    )
    catalog = Catalog.from_file(file)
    found = [member.source for member in catalog._members.values()]
    assert [(one.name, one.location) for one in found] == [
        ("churn", "https://host/team/churn.git"),
        ("vision", str(tmp_path / "below" / "vision")),
        ("nlp", "git@host:team/ner.git"),
    ]
    assert [name_of(one.credentials) for one in found if one.credentials] == [
        *("netrc", "netrc", "env:NLP_TOKEN"),
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


def test_repositories_below_a_folder(tmp_path: Path) -> None:
    for name in ("team/churn.git", "vision.git"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Repo.init_bare(str(tmp_path / name), mkdir=True).close()
    Repo.init(str(tmp_path / "work"), mkdir=True).close()
    Repo.init(str(tmp_path / "work" / "inner"), mkdir=True).close()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / ".git").write_text("gitdir: ../work/.git\n")
    assert list(Catalog.discover(tmp_path)) == ["team/churn", "tree", "vision", "work"]
    assert list(Catalog.discover(tmp_path / "vision.git")) == ["vision"]
    with pytest.raises(InvalidArgumentError):
        Catalog.discover(tmp_path / "absent")


def test_paths_do_not_depend_on_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (source,) = read_sources(["x"])
    assert source.location == os.path.join(tmp_path, "x")  # noqa: PTH118  # it is text
