"""The table of results: a row for each comparison, with its target."""

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

HEADING = (
    "operation",
    "tags",
    "modelversions",
    "baseline",
    "baseline result",
    "ratio",
    "target",
    "met",
)
FASTER = "x faster"
GROWTH = "n^"
MARK = "<!-- benchmark -->"
RESULTS = Path(__file__).with_name("RESULTS.md")
README = Path(__file__).parents[2] / "README.md"
IN_README = (
    ("latest", "not read before"),
    ("model", ""),
    ("latest-all", "C git"),
    ("history", "C git: all fields"),
    ("table", "without imports"),
)
"""The rows of the README: the scenario, and a part of the operation or the baseline."""
PACKAGES = ("dulwich", "gto", "pygit2")


@attrs.frozen
class Target:
    """A limit for a ratio."""

    limit: float
    is_minimum: bool = False
    """Whether the limit is a minimum, not a maximum."""
    or_seconds: float | None = None
    """A time that meets the target, whatever the ratio."""

    def is_met(self, ratio: float, seconds: float) -> bool:
        if self.or_seconds is not None and seconds <= self.or_seconds:
            return True
        return ratio >= self.limit if self.is_minimum else ratio <= self.limit

    def text(self, unit: str) -> str:
        other = "" if self.or_seconds is None else f", or {self.or_seconds * 1e3:g} ms"
        return f"{'≥' if self.is_minimum else '≤'} {_with_unit(f'{self.limit:g}', unit)}{other}"


@attrs.frozen
class Row:
    """A result of modelversions, compared with another tool or with another size."""

    scenario: str
    operation: str
    tags: str
    result: Sample
    baseline: str = ""
    baseline_result: Sample | None = None
    ratio: float | None = None
    unit: str = "x"
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target or a ratio."""
        if self.target is None or self.ratio is None:
            return None
        return self.target.is_met(self.ratio, self.result.median)

    def cells(self, *, with_met: bool) -> tuple[str, ...]:
        """Return the texts of the row; the last one is empty if targets do not apply."""
        target = self.target.text(self.unit) if self.target else ""
        met = {True: "yes", False: "no", None: ""}[self.met if with_met else None]
        return (
            self.operation,
            self.tags,
            str(self.result),
            self.baseline,
            "" if self.baseline_result is None else str(self.baseline_result),
            "" if self.ratio is None else _with_unit(_digits(self.ratio), self.unit),
            target,
            met,
        )

    def record(self, *, with_met: bool) -> dict[str, Any]:
        """Return the row for JSON, with the results of all rounds."""
        return {
            **attrs.asdict(self),
            "target": self.target.text(self.unit) if self.target else None,
            "met": self.met if with_met else None,
        }


def compare(
    scenario: str,
    operation: str,
    tags: int,
    result: Sample,
    baseline: str,
    baseline_result: Sample | None,
    target: Target | None = None,
    unit: str = "x",
) -> Row:
    """Compare with another tool, or with another size: as a multiple of its time, or a speedup."""
    if baseline_result is None:
        baseline, ratio = f"{baseline}: not installed", None
    else:
        ratio = result.median / baseline_result.median
        ratio = 1 / ratio if unit == FASTER else ratio
    return Row(
        scenario, operation, f"{tags:,}", result, baseline, baseline_result, ratio, unit, target
    )


def line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def heading() -> str:
    return f"{line(HEADING)}\n|{'---|' * len(HEADING)}"


def write_results(rows: Sequence[Row], environment: Mapping[str, str]) -> None:
    """Write all rows into ``RESULTS.md``, and a few of them into the README."""
    text = RESULTS.read_text()
    start = text.index(MARK)
    versions = ", ".join(f"{name} {value}" for name, value in environment.items())
    table = "\n".join([heading(), *(line(row.cells(with_met=True)) for row in rows)])
    RESULTS.write_text(f"{text[:start]}{MARK}\n{versions}\n\n{table}\n")
    readme = README.read_text()
    before, _, rest = readme.partition(f"{MARK}\n")
    after = rest[rest.index("## ") :]
    shown = "\n".join(
        ["| operation | tags | time | compared with |\n|---|---|---|---|", *_readme_lines(rows)]
    )
    README.write_text(f"{before}{MARK}\n{shown}\n\n{after}")


def _readme_lines(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a short line for each row that the README shows."""
    for scenario, part in IN_README:
        for row in rows:
            if row.scenario == scenario and part in f"{row.operation} {row.baseline}":
                cells = row.cells(with_met=True)
                word = "than" if cells[5].endswith(FASTER) else "of"
                yield line((f"`{cells[0]}`", cells[1], cells[2], f"{cells[5]} {word} {cells[3]}"))
                break


def describe_environment() -> dict[str, str]:
    """Return the versions of the programs and packages, and the machine's properties."""
    environment = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        "git": Git(Path(sys.prefix))("version").split()[2],
    }
    for package in PACKAGES:
        try:
            environment[package] = version(package)
        except PackageNotFoundError:
            environment[package] = "not installed"
    return environment


def _digits(ratio: float) -> str:
    return f"{ratio:,.2f}" if ratio < 100 else f"{ratio:,.0f}"


def _with_unit(number: str, unit: str) -> str:
    return f"{unit}{number}" if unit == GROWTH else f"{number} {unit}"
