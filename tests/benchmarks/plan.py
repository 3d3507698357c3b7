"""The sizes of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from tests.benchmarks.measure import Sample, exponent
from tests.benchmarks.report import GROWTH, Row, Target
from tests.benchmarks.repositories import Repositories


@attrs.frozen
class Plan:
    """Numbers of tags and of rounds."""

    small: int = 1_000
    large: int = 100_000
    huge: int = 1_000_000
    tables: tuple[tuple[int, int], ...] = ((1_500, 3), (10_000, 1))
    """Numbers of tags at which GTO is measured too, each with its number of rounds."""
    models: int = 20_000
    """Models with one tag each."""
    versions: tuple[int, int] = (5_000, 50_000)
    """Numbers of versions of a single model."""
    quick: int = 51
    """Rounds for operations that take milliseconds."""
    steady: int = 15
    """Rounds for operations that write, or start an interpreter."""
    slow: int = 7
    """Rounds for operations that take seconds."""
    served: int = 10_000
    """Number of tags of the repository at a URL."""
    noise: int = 200_000_000
    """Total size in bytes of its incompressible files."""
    has_targets: bool = True
    """Whether the targets apply to these sizes."""


SMOKE = Plan(
    small=1_000,
    large=2_000,
    huge=3_000,
    tables=((225, 1), (450, 1)),
    models=300,
    versions=(100, 400),
    quick=3,
    steady=2,
    slow=2,
    served=2_000,
    noise=2_000_000,
    has_targets=False,
)


@attrs.frozen
class Bench:
    """The arguments of a scenario."""

    plan: Plan
    repositories: Repositories


Scenario = Callable[[Bench], Iterator[Row]]


def growth(
    scenario: str,
    operation: str,
    small: tuple[int, Sample],
    large: tuple[int, Sample],
    limit: float = 1.05,
) -> Row:
    """Compare the results of modelversions at two sizes."""
    (less, before), (more, after) = small, large
    return Row(
        scenario=scenario,
        operation=f"{operation}, growth",
        tags=f"{more:,}",
        result=after,
        baseline=f"the same at {less:,}",
        baseline_result=before,
        ratio=exponent((less, before.median), (more, after.median)),
        unit=GROWTH,
        target=Target(limit),
    )
