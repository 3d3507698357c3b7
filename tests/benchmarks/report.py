"""What is shown: a row for each figure, with what it is to reach."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import attrs

from tests.benchmarks.measure import Sample
from tests.compat.git import Git

HEADING = ("question", "tags", "modelversions", "beside", "its figure", "comes to", "to reach")
FASTER = "x faster"
GROWTH = "n^"
MARK = "<!-- benchmark -->"
RESULTS = Path(__file__).with_name("RESULTS.md")
README = Path(__file__).parents[2] / "README.md"
IN_README = (
    ("latest", "not seen before"),
    ("model", ""),
    ("latest-all", "C git"),
    ("history", "every field"),
    ("table", "imports done"),
)
"""Scenario, and a part of question or peer, of the rows that the README shows."""
PACKAGES = ("dulwich", "gto", "pygit2")


@attrs.frozen
class Target:
    """What a figure is to reach."""

    limit: float
    least: bool = False
    """Whether the limit is the least, and not the most, that will do."""
    or_seconds: float | None = None
    """A time that will do, whatever the figure."""

    def reached(self, figure: float, seconds: float) -> bool:
        if self.or_seconds is not None and seconds <= self.or_seconds:
            return True
        return figure >= self.limit if self.least else figure <= self.limit

    def text(self, unit: str) -> str:
        other = "" if self.or_seconds is None else f", or {self.or_seconds * 1e3:g} ms"
        return f"{'≥' if self.least else '≤'} {_with_unit(f'{self.limit:g}', unit)}{other}"


@attrs.frozen
class Row:
    """One figure: our time compared with that of another tool, or of ours at another size."""

    scenario: str
    question: str
    tags: str
    ours: Sample
    peer: str = ""
    theirs: Sample | None = None
    figure: float | None = None
    unit: str = "x"
    target: Target | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is none, or no figure."""
        if self.target is None or self.figure is None:
            return None
        return self.target.reached(self.figure, self.ours.median)

    def cells(self, *, judged: bool) -> tuple[str, ...]:
        """Return the texts of the row; at sizes that no target is meant for, without a verdict."""
        target = self.target.text(self.unit) if self.target else ""
        verdict = {True: "yes", False: "no", None: ""}[self.reached if judged else None]
        return (
            self.question,
            self.tags,
            str(self.ours),
            self.peer,
            "" if self.theirs is None else str(self.theirs),
            "" if self.figure is None else _with_unit(_digits(self.figure), self.unit),
            target,
            verdict,
        )

    def record(self, *, judged: bool) -> dict[str, Any]:
        """Return the row for machines, with what was taken in each round."""
        return {
            **attrs.asdict(self),
            "target": self.target.text(self.unit) if self.target else None,
            "reached": self.reached if judged else None,
        }


def ratio(  # a row is what its columns are
    scenario: str,
    question: str,
    tags: int,
    ours: Sample,
    peer: str,
    theirs: Sample | None,
    target: Target | None = None,
    unit: str = "x",
) -> Row:
    """Set what we took beside what a peer took: how many times as long, or how much faster."""
    if theirs is None:
        peer, figure = f"{peer}: not installed", None
    else:
        figure = ours.median / theirs.median
        figure = 1 / figure if unit == FASTER else figure
    return Row(scenario, question, f"{tags:,}", ours, peer, theirs, figure, unit, target)


def line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def heading() -> str:
    cells = (*HEADING, "reached")
    return f"{line(cells)}\n|{'---|' * len(cells)}"


def write_results(rows: Sequence[Row], found: Mapping[str, str]) -> None:
    """Write all rows into ``RESULTS.md``, and a few of them into the README."""
    text = RESULTS.read_text()
    start = text.index(MARK)
    taken = ", ".join(f"{name} {value}" for name, value in found.items())
    table = "\n".join([heading(), *(line(row.cells(judged=True)) for row in rows)])
    RESULTS.write_text(f"{text[:start]}{MARK}\n{taken}\n\n{table}\n")
    readme = README.read_text()
    before, _, rest = readme.partition(f"{MARK}\n")
    after = rest[rest.index("## ") :]
    shown = "\n".join(
        ["| question | tags | time | compared with |\n|---|---|---|---|", *_few(rows)]
    )
    README.write_text(f"{before}{MARK}\n{shown}\n\n{after}")


def _few(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a short line for each row that the README shows."""
    for scenario, part in IN_README:
        for row in rows:
            if row.scenario == scenario and part in f"{row.question} {row.peer}":
                cells = row.cells(judged=True)
                word = "than" if cells[5].endswith(FASTER) else "of"
                yield line((f"`{cells[0]}`", cells[1], cells[2], f"{cells[5]} {word} {cells[3]}"))
                break


def machine() -> dict[str, str]:
    """Say what took part."""
    found = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        "git": Git(Path(sys.prefix))("version").split()[2],
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _digits(figure: float) -> str:
    return f"{figure:,.2f}" if figure < 100 else f"{figure:,.0f}"


def _with_unit(figure: str, unit: str) -> str:
    return f"{unit}{figure}" if unit == GROWTH else f"{figure} {unit}"
