"""Run the code of the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dulwich.refs import HEADREF, Ref
from dulwich.repo import Repo

from modelversions import Catalog, InvalidVersionError, Model, Registry
from modelversions.testing import memory_registry
from tests.builders import Builder

README = Path(__file__).parents[1] / "README.md"
PYTHON = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Run the code of "Usage" in a repository with two commits; return its variables."""
    with Repo.init(str(tmp_path / "path" / "to" / "repository"), mkdir=True) as repo:
        builder = Builder(repo)
        builder.commit("c1")
        builder.ref("refs/heads/main", builder.commit("c2", 1, "c1"))
        repo.refs.set_symbolic_ref(HEADREF, Ref(b"refs/heads/main"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Ann")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "ann@example.com")
    variables: dict[str, object] = {}
    exec(PYTHON[0], variables)  # noqa: S102  # the README's own code
    return variables


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path) -> None:
    (tmp_path / "path" / "to").mkdir(parents=True)


def test_usage(usage: dict[str, object]) -> None:
    registry, churn = usage["registry"], usage["churn"]
    assert isinstance(registry, Registry)
    assert isinstance(churn, Model)
    assert repr(churn.latest) == "<Version churn@v3.1.0>"
    assert churn.greatest(">=3,<4") == churn.latest
    assert repr(churn.stages["prod"]) == "<Version churn@v3.0.0>"
    assert sorted(event.kind.value for event in registry.history()) == [
        "assignment",
        "deprecation",
        "deregistration",
        "registration",
        "registration",
        "unassignment",
    ]
    assert [str(version) for version in registry["churn"]] == ["churn@v3.0.0"]
    assert registry.problems() == ()


def test_the_error_for_an_invalid_version(usage: dict[str, object]) -> None:
    registry = usage["registry"]
    assert isinstance(registry, Registry)
    with pytest.raises(InvalidVersionError) as caught:
        registry.register("churn", "0.0.1")
    assert f"InvalidVersionError: {caught.value}\n" in README.read_text(encoding="utf-8")


def test_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS_TOKEN", "secret")
    variables: dict[str, object] = {}
    exec(PYTHON[1], variables)  # noqa: S102  # the README's own code
    assert repr(variables["registry"]) == "<Registry 'https://host/team/models.git'>"


def test_a_catalog() -> None:
    opening, first, rest = PYTHON[2].partition("catalog.latest()")
    variables: dict[str, object] = {}
    exec(opening, variables)  # noqa: S102  # the README's own code
    assert list(variables["catalog"]) == ["churn", "vision", "nlp"]  # type: ignore[call-overload]
    registries = {
        "churn": memory_registry({"churn-model": ["v1.0.0"]}),
        "nlp": memory_registry({"ner": ["v1.0.0"]}, {"ner": {"prod": "v1.0.0"}}),
    }
    sources = [{"name": name, "registry": one} for name, one in registries.items()]
    variables["catalog"] = Catalog([*sources, {"name": "vision", "path": "/nowhere"}])
    exec(first + rest, variables)  # noqa: S102  # the README's own code
    assert list(variables["catalog"].errors) == ["vision"]  # type: ignore[attr-defined]


def test_a_registry_in_memory() -> None:
    exec(PYTHON[3], {})  # noqa: S102  # the README's own code; it has an assertion
    assert len(PYTHON) == 4
