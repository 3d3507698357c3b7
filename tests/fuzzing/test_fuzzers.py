"""Run each fuzzer for some seconds without a finding; needs atheris."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzzing.__main__ import run
from tests.fuzzing.target import names

pytestmark = pytest.mark.fuzz
SECONDS = 10


@pytest.mark.parametrize("name", names())
def test_no_finding(name: str, tmp_path: Path) -> None:
    result = run(name, SECONDS, tmp_path)
    print(result)
    assert result.finding is None, result.finding.read_bytes()
    assert result.executions > 0
    assert result.lines > result.all_lines / 2
