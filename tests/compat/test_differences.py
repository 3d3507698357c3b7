"""Where we are not GTO: each row of the rules that are marked ≠ GTO, with both answers.

What is not in this table is the same: that is what the generated histories show.
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
def judge() -> Iterator[Gto]:
    with gto() as found:
        yield found


class Repository:
    """A repository with tags of any kind, and what both say of it."""

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
        """Make a tag with ``git hash-object``: no check that it is as it should be."""
        who = f"{TAGGER} {START + at} +0000" if tagger is None else tagger
        head = f"object {target or self.commits[commit]}\ntype {kind}\ntag {name or ref}\n"
        text = f"{head}{who}{chr(10) if who else ''}\na tag\n"
        arguments = ("-t", "tag", "-w", "--literally", "--stdin")
        id = self.git("hash-object", *arguments, text=text).strip()
        self.git("update-ref", f"refs/tags/{ref}", id)
        return id

    def both(self, judge: Gto) -> tuple[Any, Any]:
        """Return GTO's models, or its error, and ours."""
        answer = judge.state(self.git)
        return answer.get("models", answer.get("error")), ours(self.git)["models"]


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")


@pytest.mark.parametrize("version", ["v1.0.0\n", "v1.0.1\u0663"])
def test_f1_a_final_newline_and_digits_that_are_not_ascii(judge: Gto, version: str) -> None:
    assert judge("valid", version)
    assert not SemVer.is_valid(version)


def test_f2_build_metadata(judge: Gto) -> None:
    one, two = "v1.0.0+a", "v1.0.0+b"
    assert judge("order", one, two) == [False, False, False]
    left, right = SemVer.parse(one), SemVer.parse(two)
    assert [left < right, left == right, left > right] == [True, False, False]


def test_f8_the_name_in_the_object(judge: Gto, repo: Repository) -> None:
    repo.tag("m@v2.0.0", name="m@v1.0.0")
    theirs, own = repo.both(judge)
    assert (theirs["m"]["latest"], own["m"]["latest"]) == ("v1.0.0", "v2.0.0")


def test_f9_a_tag_of_a_tag(judge: Gto, repo: Repository) -> None:
    inner = repo.tag("inner")
    repo.tag("m@v1.0.0", target=inner, kind="tag")
    theirs, own = repo.both(judge)
    assert theirs["m"]["versions"][0]["commit"] == inner
    assert own["m"]["versions"][0]["commit"] == repo.commits[0]


def test_f9_a_tag_of_a_blob(judge: Gto, repo: Repository) -> None:
    blob = repo.git("hash-object", "-w", "--stdin", text="x").strip()
    repo.tag("m@v1.0.0", target=blob, kind="blob")
    theirs, own = repo.both(judge)
    assert "error" in str(theirs).lower() or theirs["m"]["latest"] == "v1.0.0"
    assert own == {}


@pytest.mark.parametrize(
    "tagger",
    ["", f"{TAGGER} 99999999999999999 +0000", f"{TAGGER} {START} +2400", f"{TAGGER} {START} -9999"],
)
def test_f10_f21_a_tag_without_a_time_of_this_world(
    judge: Gto, repo: Repository, tagger: str
) -> None:
    repo.tag("fine@v1.0.0")
    repo.tag("m@v1.0.0", tagger=tagger)
    theirs, own = repo.both(judge)
    assert isinstance(theirs, str), "GTO raises, and has no answer for the other model either"
    assert {name: model["latest"] for name, model in own.items()} == {
        "fine": "v1.0.0",
        "m": "v1.0.0",
    }


def test_f13_two_assignments_within_one_second(judge: Gto, repo: Repository) -> None:
    repo.tag("m@v1.0.0", 0, 0)
    repo.tag("m@v2.0.0", 1, 1)
    repo.tag("m#prod#9", 0, 5)
    repo.tag("m#prod#10", 1, 5)
    theirs, own = repo.both(judge)
    assert (theirs["m"]["stages"], own["m"]["stages"]) == ({"prod": "v1.0.0"}, {"prod": "v2.0.0"})


def test_f14_a_write_within_one_second(judge: Gto, tmp_path: Path) -> None:
    left, right = Repository(tmp_path / "theirs"), Repository(tmp_path / "ours")
    options = {"name": "m", "stage": "prod", "version": "v1.0.0"}
    register = {"name": "m", "version": "v1.0.0", "ref": left.commits[0]}
    calls = [
        ("register", register),
        ("assign", options),
        ("unassign", options),
        ("assign", options),
    ]
    refused = judge("write", str(left.git.path), [[verb, START, what] for verb, what in calls])
    assert refused == [None] * 4
    assert left.both(judge)[0]["m"]["stages"] == {}, "the last assignment is without effect"
    with Registry.open(right.git.path) as registry:
        registry.register("m", "v1.0.0", author=ANN)
        registry.assign("m", "v1.0.0", "prod", author=ANN)
        registry.unassign("m", "v1.0.0", "prod", author=ANN)
        registry.assign("m", "v1.0.0", "prod", author=ANN)
    theirs, own = right.both(judge)
    assert theirs["m"]["stages"] == own["m"]["stages"] == {"prod": "v1.0.0"}


def test_f15_a_deregistration_at_another_commit(judge: Gto, repo: Repository) -> None:
    repo.tag("m@v1.0.0", 0, 0)
    repo.tag("m@v1.0.0!", 1, 1)
    theirs, own = repo.both(judge)
    assert (theirs["m"]["latest"], own["m"]["latest"]) == ("v1.0.0", None)


def test_f18_two_versions_at_one_commit(judge: Gto, repo: Repository) -> None:
    repo.tag("m@v1.0.0", 0, 0)
    repo.tag("m@v2.0.0", 0, 1)
    theirs, own = repo.both(judge)
    assert theirs["m"]["latest"] == own["m"]["latest"] == "v2.0.0"
    repo.tag("m#prod#1", 0, 2)
    theirs, own = repo.both(judge)
    assert "versions" in theirs.lower()
    assert own["m"]["stages"] == {"prod": "v2.0.0"}


def test_f18_the_end_of_a_stage_on_a_bare_commit(judge: Gto, repo: Repository) -> None:
    repo.tag("m#prod#1", 0, 0)
    repo.tag("m#prod!#2", 0, 1)
    theirs, own = repo.both(judge)
    assert (theirs["m"]["stages"], own["m"]["stages"]) == ({"prod": repo.commits[0]}, {})


def test_f19_a_commit_that_is_younger_than_the_deprecation(judge: Gto, repo: Repository) -> None:
    (repo.git.path / "artifacts.yaml").write_text("m:\n  type: model\n  path: model.pkl\n")
    repo.git("add", "artifacts.yaml")
    date = {"GIT_AUTHOR_DATE": f"{START + 99} +0000", "GIT_COMMITTER_DATE": f"{START + 99} +0000"}
    repo.git("commit", "-q", "-m", "Annotate the model", env=date)
    repo.commits.append(repo.git("rev-parse", "HEAD").strip())
    repo.tag("m@v1.0.0", -1, 0)
    repo.tag("m@deprecated", -1, 1)
    theirs, own = repo.both(judge)
    assert (theirs["m"]["deprecated"], own["m"]["deprecated"]) == (False, True)


def test_f23_a_stage_that_the_configuration_does_not_list(judge: Gto, repo: Repository) -> None:
    repo.tag("m@v1.0.0", 0, 0)
    repo.tag("m#prod#1", 0, 1)
    repo.tag("m#dev#2", 0, 2)
    (repo.git.path / ".gto").write_text("stages: [dev]\n")
    assert judge("show", str(repo.git.path)) == {"m": ["dev"]}
    assert set(ours(Git(repo.git.path))["models"]["m"]["stages"]) == {"dev", "prod"}
