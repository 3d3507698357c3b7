"""The conformance cases at a URL, served by ``git daemon``, with the list of differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.conformance.building import Built, build
from tests.conformance.case import Case, cases
from tests.conformance.comparison import compare
from tests.conformance.ours import Ours
from tests.remote.servers import git_daemon

pytestmark = pytest.mark.remote

NAMES = {"valid", "invalid", "ascending"}
"""Answers that need no repository."""
DIFFERENCES: Mapping[str, tuple[str, ...]] = {
    "an object that the server cannot read is listed as a lightweight tag": (
        "gallery/a missing tag object",
        "gallery/a truncated object",
        "gallery/an empty object file",
        "gallery/a corrupt object",
        "gallery/objects that are not tags",
        "gallery/an irregular tag of a stage",
        "gallery/a pack entry of a reserved type",
        "problems/a missing tag object",
        "problems/a tag object of which 0 bytes are left",
        "problems/a tag object of which 1 bytes are left",
        "problems/a tag object of which 20 bytes are left",
        "problems/an empty tag object",
        "problems/text in place of a tag object",
        "problems/a tag object with a short id",
        "problems/a tag object without a type",
    ),
    "a tag whose target the server cannot read is listed without a peeled id": (
        "gallery/a missing target",
        "gallery/a corrupt commit",
        "problems/a missing target",
        "problems/tags of a blob and a tree",
        "tags/a missing commit",
    ),
    "a ref that cannot be read, or with an invalid name, is not listed unchanged": (
        "gallery/a name with a trailing newline",
        "gallery/symbolic refs in a loop",
        "problems/refs that cannot be parsed",
    ),
    "the server sends the objects that are replaced": (
        "gallery/replaced tags",
        "gallery/a tag that is replaced by a blob",
        "tags/a replaced tag",
    ),
    "the file is in the work tree, and not committed": (
        "problems/stages that are not listed",
        "problems/a .gto file that is not YAML",
        "problems/a .gto file with stages that are not a list",
        "problems/a .gto file with a list",
        "problems/a .gto file with an invalid stage name",
        "references/types that are listed",
    ),
}
"""The cases that are answered differently, by reason. See FORMAT.md, "Problems"."""
UNREAD: Mapping[str, str] = {
    "gallery/a model whose only tag is on a blob": "models.m",
    "tags/neither a tagger nor a commit": "names",
}
"""Cases in which a listed tag is treated as an event until its object is read, and the answer that
may differ."""


class AtUrl(Ours):
    """This library, at a URL."""

    def __init__(self, url: str) -> None:
        self._url = url

    def location(self, built: Built) -> str:
        """Return the URL of the repository."""
        return self._url + built.path.name


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    with git_daemon(root) as url:
        yield url


READABLE = [case for case in cases() if not case.calls and set(case.expect) - NAMES]


@pytest.mark.parametrize("case", READABLE, ids=str)
def test_a_case_at_a_url(case: Case, root: Path, url: str) -> None:
    built = build(case.repository, root / f"case{READABLE.index(case)}")
    different = compare(case, AtUrl(url).answers(case, built), built).different
    if str(case) in UNREAD:
        assert set(different) <= {UNREAD[str(case)]}
    else:
        assert bool(different) is any(str(case) in found for found in DIFFERENCES.values())


def test_the_cases_that_are_listed_exist() -> None:
    listed = [name for found in DIFFERENCES.values() for name in found] + list(UNREAD)
    assert len(listed) == len(set(listed))
    assert set(listed) <= {str(case) for case in READABLE}
