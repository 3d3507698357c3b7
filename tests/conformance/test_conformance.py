"""This library meets all cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.building import Built, build
from tests.conformance.case import Case, cases
from tests.conformance.comparison import compare
from tests.conformance.ours import Ours


@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_library_meets_the_case(case: Case, tmp_path: Path) -> None:
    built = build(case.repository, tmp_path / "repo")
    _check(case, built)


PACKABLE = [case for case in cases() if "files" not in case.repository and not case.calls]


@pytest.mark.parametrize("case", PACKABLE, ids=str)
def test_the_library_meets_the_case_with_packed_refs(case: Case, tmp_path: Path) -> None:
    built = build(case.repository, tmp_path / "repo")
    refs = sorted(built.git.glob("refs/tags/**/*"))
    files = [path for path in refs if path.is_file()]
    lines = [f"{path.read_text().strip()} {path.relative_to(built.git)}\n" for path in files]
    built.write(
        built.git / "packed-refs", "".join(["# pack-refs with: sorted \n", *lines]).encode()
    )
    for path in files:
        path.unlink()
    _check(case, built)


def _check(case: Case, built: Built) -> None:
    found = compare(case, Ours().answers(case, built), built)
    assert (found.different, found.unanswered) == ({}, frozenset())
