from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.measure import clocked, exponent, in_turns, sample
from tests.benchmarks.plan import growth
from tests.benchmarks.report import FASTER, Row, Target, ratio
from tests.benchmarks.repositories import Repositories, Shape, one_model
from tests.benchmarks.scenarios import SCENARIOS


def test_each_scenario_is_listed_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--list"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(SCENARIOS)
    assert all(line.endswith(".") for line in lines)


def test_a_scenario_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "everything"])
    assert "invalid choice: 'everything'" in capsys.readouterr().err


def test_probes_take_turns_and_the_first_round_does_not_count() -> None:
    asked: list[str] = []

    def ask(name: str) -> str:
        asked.append(name)
        return name

    one, two = partial(ask, "a"), partial(ask, "b")
    assert in_turns(2, one, two, before=lambda: asked.append("-")) == [["a", "a"], ["b", "b"]]
    assert "".join(asked) == "-ba-ab-ba"
    assert in_turns(1, one, warm=False) == [["a"]]


def test_a_probe_takes_time() -> None:
    assert clocked(lambda: None)() >= 0


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
def test_an_exponent_says_how_a_figure_grows(before: float, after: float, power: float) -> None:
    assert exponent((1_000, before), (100_000, after)) == pytest.approx(power)
    row = growth("g", "q", (1_000, sample([before])), (100_000, sample([after])))
    assert row.reached is (power <= 1)
    assert row.cells(judged=True)[-3:-1] == (f"n^{power:.2f}", "≤ n^1.05")


@pytest.mark.parametrize(
    ("target", "figure", "seconds", "reached"),
    [
        (Target(3), 3.0, 1.0, True),
        (Target(3), 3.1, 1.0, False),
        (Target(200, least=True), 199.0, 1.0, False),
        (Target(200, least=True), 200.0, 1.0, True),
        (Target(1, or_seconds=0.005), 2.0, 0.005, True),
        (Target(1, or_seconds=0.005), 2.0, 0.006, False),
        (Target(1, or_seconds=0.005), 0.9, 0.006, True),
    ],
)
def test_a_target_is_reached_or_not(
    target: Target, figure: float, seconds: float, *, reached: bool
) -> None:
    assert target.reached(figure, seconds) is reached


def test_a_row_says_what_it_comes_to() -> None:
    row = ratio("s", "q", 1_000, sample([0.002]), "C git", sample([0.004]), Target(0.4))
    cells = ("q", "1,000", "2.0 ms", "C git", "4.0 ms", "0.50 x", "≤ 0.4 x")
    assert row.cells(judged=True) == (*cells, "no")
    assert row.cells(judged=False) == (*cells, "")
    assert row.record(judged=True)["ours"] == {"values": (0.002,), "unit": "seconds"}
    assert row.record(judged=True)["reached"] is False
    assert row.record(judged=False)["reached"] is None


def test_a_row_can_say_how_much_faster() -> None:
    target = Target(200, least=True)
    row = ratio("s", "q", 1, sample([0.002]), "gto", sample([1.0]), target, FASTER)
    assert row.cells(judged=True)[-3:] == ("500 x faster", "≥ 200 x faster", "yes")


def test_a_peer_that_is_not_installed_is_named() -> None:
    row = ratio("s", "q", 1, sample([0.002]), "pygit2", None, Target(3))
    assert row.cells(judged=True)[3:] == ("pygit2: not installed", "", "", "≤ 3 x", "")


def test_a_row_without_a_target_has_no_verdict() -> None:
    assert Row("s", "q", "1", sample([1.0]), figure=1.0).reached is None


def test_shapes_are_named_as_folders(tmp_path: Path) -> None:
    assert str(one_model(50_000)) == "75000-tags-75000-a-model"
    kept = tmp_path / str(Shape(7))
    kept.mkdir()
    assert Repositories(tmp_path).path(Shape(7)) == kept
    with Repositories(tmp_path).copy(Shape(7)) as path:
        (path / "more").touch()
    assert list(tmp_path.iterdir()) == [kept]
    assert not list(kept.iterdir())
