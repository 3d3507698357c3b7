"""The tables of met sentences are current, and modelversions meets all sentences."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.__main__ import IMPLEMENTATIONS
from tests.conformance.comparison import Verdict
from tests.conformance.table import README, RESULTS, Row, rows, short, whole

pytestmark = pytest.mark.compat


@pytest.fixture(scope="module")
def measured() -> Iterator[tuple[list[Row], list[str]]]:
    implementations = [one() for one in IMPLEMENTATIONS.values()]
    yield rows(implementations), [one.name for one in implementations]
    for one in implementations:
        one.close()


def test_the_tables_are_current(measured: tuple[list[Row], list[str]]) -> None:
    results = RESULTS.read_text(encoding="utf-8")
    message = "run python -m tests.conformance --write"
    assert whole(*measured) in results, message
    assert short(*measured) in results, message
    assert short(*measured) in README.read_text(encoding="utf-8"), message


def test_modelversions_meets_all_sentences(measured: tuple[list[Row], list[str]]) -> None:
    found, names = measured
    assert names[0] == "modelversions"
    assert {row.verdicts[0] for row in found} == {Verdict.MET}
