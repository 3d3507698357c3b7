"""Every case is met by this library."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.building import build
from tests.conformance.case import Case, cases
from tests.conformance.comparison import compare
from tests.conformance.ours import Ours


@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_library_meets_the_case(case: Case, tmp_path: Path) -> None:
    built = build(case.repository, tmp_path / "repo")
    found = compare(case, Ours().answers(case, built), built)
    assert (found.different, found.unanswered) == ({}, frozenset())
