from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.measure import exponent, interleave, sample, timed
from tests.benchmarks.plan import growth
from tests.benchmarks.report import FASTER, Row, Target, compare
from tests.benchmarks.repositories import Repositories, Shape, one_model
from tests.benchmarks.scenarios import SCENARIOS


def test_each_scenario_is_listed_with_its_docstring(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--list"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(SCENARIOS)
    assert all(line.endswith(".") for line in lines)


def test_an_unknown_scenario_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "everything"])
    assert "invalid choice: 'everything'" in capsys.readouterr().err


def test_probes_are_interleaved_and_the_first_round_is_discarded() -> None:
    calls: list[str] = []

    def run(name: str) -> str:
        calls.append(name)
        return name

    one, two = partial(run, "a"), partial(run, "b")
    assert interleave(2, one, two, before=lambda: calls.append("-")) == [["a", "a"], ["b", "b"]]
    assert "".join(calls) == "-ba-ab-ba"
    assert interleave(1, one, warm=False) == [["a"]]


def test_the_time_of_a_call_is_not_negative() -> None:
    assert timed(lambda: None)() >= 0


@pytest.mark.parametrize(
    ("values", "shown"),
    [([0.0012, 0.1, 0.001], "1.2 ms"), ([2.5932], "2,593.2 ms"), ([69.04], "69.0 s")],
)
def test_a_sample_is_shown_by_its_median(values: list[float], shown: str) -> None:
    assert str(sample(values)) == shown


def test_a_sample_of_memory_is_shown_in_megabytes() -> None:
    assert str(sample([210_400_000], "bytes")) == "210.4 MB"
    assert str(sample([27_080], "bytes")) == "27.1 KB"


@pytest.mark.parametrize(
    ("before", "after", "power"), [(1.0, 1.0, 0), (1.0, 100.0, 1), (1.0, 1e4, 2)]
)
def test_growth_is_an_exponent(before: float, after: float, power: float) -> None:
    assert exponent((1_000, before), (100_000, after)) == pytest.approx(power)
    row = growth("g", "q", (1_000, sample([before])), (100_000, sample([after])))
    assert row.met is (power <= 1)
    assert row.cells(with_met=True)[-3:-1] == (f"n^{power:.2f}", "≤ n^1.05")


@pytest.mark.parametrize(
    ("target", "ratio", "seconds", "met"),
    [
        (Target(3), 3.0, 1.0, True),
        (Target(3), 3.1, 1.0, False),
        (Target(200, is_minimum=True), 199.0, 1.0, False),
        (Target(200, is_minimum=True), 200.0, 1.0, True),
        (Target(1, or_seconds=0.005), 2.0, 0.005, True),
        (Target(1, or_seconds=0.005), 2.0, 0.006, False),
        (Target(1, or_seconds=0.005), 0.9, 0.006, True),
    ],
)
def test_a_target_is_met_or_not(target: Target, ratio: float, seconds: float, *, met: bool) -> None:
    assert target.is_met(ratio, seconds) is met


def test_a_row_has_the_ratio_of_the_results() -> None:
    row = compare("s", "q", 1_000, sample([0.002]), "C git", sample([0.004]), Target(0.4))
    cells = ("q", "1,000", "2.0 ms", "C git", "4.0 ms", "0.50 x", "≤ 0.4 x")
    assert row.cells(with_met=True) == (*cells, "no")
    assert row.cells(with_met=False) == (*cells, "")
    assert row.record(with_met=True)["result"] == {"values": (0.002,), "unit": "seconds"}
    assert row.record(with_met=True)["met"] is False
    assert row.record(with_met=False)["met"] is None


def test_a_row_can_have_a_speedup() -> None:
    target = Target(200, is_minimum=True)
    row = compare("s", "q", 1, sample([0.002]), "gto", sample([1.0]), target, FASTER)
    assert row.cells(with_met=True)[-3:] == ("500 x faster", "≥ 200 x faster", "yes")


def test_a_tool_that_is_not_installed_is_named() -> None:
    row = compare("s", "q", 1, sample([0.002]), "pygit2", None, Target(3))
    assert row.cells(with_met=True)[3:] == ("pygit2: not installed", "", "", "≤ 3 x", "")


def test_a_row_without_a_target_is_neither_met_nor_missed() -> None:
    assert Row("s", "q", "1", sample([1.0]), ratio=1.0).met is None


def test_directories_are_named_after_shapes(tmp_path: Path) -> None:
    assert str(one_model(50_000)) == "75000-tags-75000-a-model"
    kept = tmp_path / str(Shape(7))
    kept.mkdir()
    assert Repositories(tmp_path).path(Shape(7)) == kept
    with Repositories(tmp_path).copy(Shape(7)) as path:
        (path / "more").touch()
    assert list(tmp_path.iterdir()) == [kept]
    assert not list(kept.iterdir())
