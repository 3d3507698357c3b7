"""Differences from GTO: each rule that is marked ≠ GTO, with the results of both.

Everything else is equal: tests with random histories check this.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelversions import Identity, Registry, SemVer
from tests.compat.git import Git
from tests.compat.gto import START, Gto, gto, ours, repository

pytestmark = pytest.mark.compat

ANN = Identity("Ann", "ann@example.com")
TAGGER = "tagger Ann <ann@example.com>"


@pytest.fixture(scope="module")
def reference() -> Iterator[Gto]:
    with gto() as process:
        yield process


class Repository:
    """A repository with tags of any kind, and the models as both read them."""

    def __init__(self, path: Path) -> None:
        self.git, self.commits = repository(path, 4)

    def tag(
        self,
        ref: str,
        commit: int = 0,
        at: int = 0,
        *,
        name: str = "",
        tagger: str | None = None,
        target: str = "",
        kind: str = "commit",
    ) -> str:
        """Create a tag with ``git hash-object``, which does not check its format."""
        header = f"{TAGGER} {START + at} +0000" if tagger is None else tagger
        head = f"object {target or self.commits[commit]}\ntype {kind}\ntag {name or ref}\n"
        text = f"{head}{header}{chr(10) if header else ''}\na tag\n"
        arguments = ("-t", "tag", "-w", "--literally", "--stdin")
        id = self.git("hash-object", *arguments, text=text).strip()
        self.git("update-ref", f"refs/tags/{ref}", id)
        return id

    def both(self, reference: Gto) -> tuple[Any, Any]:
        """Return the models of GTO, or its error, and those of this library."""
        answer = reference.state(self.git)
        return answer.get("models", answer.get("error")), ours(self.git)["models"]


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")


@pytest.mark.parametrize("version", ["v1.0.0\n", "v1.0.1\u0663"])
def test_f1_a_final_newline_and_digits_that_are_not_ascii(reference: Gto, version: str) -> None:
    assert reference("valid", version)
    assert not SemVer.is_valid(version)


def test_f2_build_metadata(reference: Gto) -> None:
    one, two = "v1.0.0+a", "v1.0.0+b"
    assert reference("order", one, two) == [False, False, False]
    left, right = SemVer.parse(one), SemVer.parse(two)
    assert [left < right, left == right, left > right] == [True, False, False]


def test_f8_the_name_in_the_object(reference: Gto, repo: Repository) -> None:
    repo.tag("m@v2.0.0", name="m@v1.0.0")
    theirs, own = repo.both(reference)
    assert (theirs["m"]["latest"], own["m"]["latest"]) == ("v1.0.0", "v2.0.0")


def test_f9_a_tag_of_a_tag(reference: Gto, repo: Repository) -> None:
    inner = repo.tag("inner")
    repo.tag("m@v1.0.0", target=inner, kind="tag")
    theirs, own = repo.both(reference)
    assert theirs["m"]["versions"][0]["commit"] == inner
    assert own["m"]["versions"][0]["commit"] == repo.commits[0]


def test_f9_a_tag_of_a_blob(reference: Gto, repo: Repository) -> None:
    blob = repo.git("hash-object", "-w", "--stdin", text="x").strip()
    repo.tag("m@v1.0.0", target=blob, kind="blob")
    theirs, own = repo.both(reference)
    assert "error" in str(theirs).lower() or theirs["m"]["latest"] == "v1.0.0"
    assert own == {}


@pytest.mark.parametrize(
    "tagger",
    ["", f"{TAGGER} 99999999999999999 +0000", f"{TAGGER} {START} +2400", f"{TAGGER} {START} -9999"],
)
def test_f10_f21_a_tag_without_a_valid_time(reference: Gto, repo: Repository, tagger: str) -> None:
    repo.tag("fine@v1.0.0")
    repo.tag("m@v1.0.0", tagger=tagger)
    theirs, own = repo.both(reference)
    assert isinstance(theirs, str), "GTO raises, for the other model too"
    assert {name: model["latest"] for name, model in own.items()} == {
        "fine": "v1.0.0",
        "m": "v1.0.0",
    }


def test_f13_two_assignments_within_one_second(reference: Gto, repo: Repository) -> None:
    repo.tag("m@v1.0.0", 0, 0)
    repo.tag("m@v2.0.0", 1, 1)
    repo.tag("m#prod#9", 0, 5)
    repo.tag("m#prod#10", 1, 5)
    theirs, own = repo.both(reference)
    assert (theirs["m"]["stages"], own["m"]["stages"]) == ({"prod": "v1.0.0"}, {"prod": "v2.0.0"})


def test_f14_a_write_within_one_second(reference: Gto, tmp_path: Path) -> None:
    left, right = Repository(tmp_path / "theirs"), Repository(tmp_path / "ours")
    assign = {"name": "m", "stage": "prod", "version": "v1.0.0"}
    register = {"name": "m", "version": "v1.0.0", "ref": left.commits[0]}
    calls = [
        ("register", register),
        ("assign", assign),
        ("unassign", assign),
        ("assign", assign),
    ]
    errors = reference(
        "write", str(left.git.path), [[name, START, options] for name, options in calls]
    )
    assert errors == [None] * 4
    assert left.both(reference)[0]["m"]["stages"] == {}, "the last assignment has no effect"
    with Registry.open(right.git.path) as registry:
        registry.register("m", "v1.0.0", author=ANN)
        registry.assign("m", "v1.0.0", "prod", author=ANN)
        registry.unassign("m", "v1.0.0", "prod", author=ANN)
        registry.assign("m", "v1.0.0", "prod", author=ANN)
    theirs, own = right.both(reference)
    assert theirs["m"]["stages"] == own["m"]["stages"] == {"prod": "v1.0.0"}


def test_f15_a_deregistration_at_another_commit(reference: Gto, repo: Repository) -> None:
    repo.tag("m@v1.0.0", 0, 0)
    repo.tag("m@v1.0.0!", 1, 1)
    theirs, own = repo.both(reference)
    assert (theirs["m"]["latest"], own["m"]["latest"]) == ("v1.0.0", None)


def test_f18_two_versions_at_one_commit(reference: Gto, repo: Repository) -> None:
    repo.tag("m@v1.0.0", 0, 0)
    repo.tag("m@v2.0.0", 0, 1)
    theirs, own = repo.both(reference)
    assert theirs["m"]["latest"] == own["m"]["latest"] == "v2.0.0"
    repo.tag("m#prod#1", 0, 2)
    theirs, own = repo.both(reference)
    assert "versions" in theirs.lower()
    assert own["m"]["stages"] == {"prod": "v2.0.0"}


def test_f18_unassigning_a_stage_from_a_bare_commit(reference: Gto, repo: Repository) -> None:
    repo.tag("m#prod#1", 0, 0)
    repo.tag("m#prod!#2", 0, 1)
    theirs, own = repo.both(reference)
    assert (theirs["m"]["stages"], own["m"]["stages"]) == ({"prod": repo.commits[0]}, {})


def test_f19_a_commit_that_is_younger_than_the_deprecation(
    reference: Gto, repo: Repository
) -> None:
    (repo.git.path / "artifacts.yaml").write_text("m:\n  type: model\n  path: model.pkl\n")
    repo.git("add", "artifacts.yaml")
    date = {"GIT_AUTHOR_DATE": f"{START + 99} +0000", "GIT_COMMITTER_DATE": f"{START + 99} +0000"}
    repo.git("commit", "-q", "-m", "Annotate the model", env=date)
    repo.commits.append(repo.git("rev-parse", "HEAD").strip())
    repo.tag("m@v1.0.0", -1, 0)
    repo.tag("m@deprecated", -1, 1)
    theirs, own = repo.both(reference)
    assert (theirs["m"]["deprecated"], own["m"]["deprecated"]) == (False, True)


def test_f23_an_assigned_stage_that_is_not_allowed(reference: Gto, repo: Repository) -> None:
    repo.tag("m@v1.0.0", 0, 0)
    repo.tag("m#prod#1", 0, 1)
    repo.tag("m#dev#2", 0, 2)
    (repo.git.path / ".gto").write_text("stages: [dev]\n")
    assert reference("show", str(repo.git.path)) == {"m": ["dev"]}
    assert set(ours(Git(repo.git.path))["models"]["m"]["stages"]) == {"dev", "prod"}
