"""How large a run is, and where it keeps its repositories."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

from tests.benchmarks.measure import Sample, exponent
from tests.benchmarks.report import GROWTH, Row, Target
from tests.benchmarks.repositories import Repositories


@attrs.frozen
class Plan:
    """Sizes in tags, and how often to ask."""

    small: int = 1_000
    large: int = 100_000
    huge: int = 1_000_000
    tables: tuple[tuple[int, int], ...] = ((1_500, 3), (10_000, 1))
    """Sizes at which GTO is waited for, each with its rounds."""
    models: int = 20_000
    """Models with one tag each."""
    versions: tuple[int, int] = (5_000, 50_000)
    """Of one model alone, in versions."""
    quick: int = 51
    """Rounds of what takes milliseconds."""
    steady: int = 15
    """Rounds of what writes, or starts an interpreter."""
    slow: int = 7
    """Rounds of what takes seconds."""
    served: int = 10_000
    """Tags of the repository at a URL."""
    noise: int = 200_000_000
    """Bytes of its files, which do not compress."""
    judged: bool = True
    """Whether the sizes are those that the targets are meant for."""


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
    judged=False,
)


@attrs.frozen
class Bench:
    """What a scenario works with."""

    plan: Plan
    repositories: Repositories


Scenario = Callable[[Bench], Iterator[Row]]


def growth(
    scenario: str,
    question: str,
    small: tuple[int, Sample],
    large: tuple[int, Sample],
    limit: float = 1.05,
) -> Row:
    """Compare one figure of ours at two sizes."""
    (less, before), (more, after) = small, large
    return Row(
        scenario=scenario,
        question=f"{question}, growth",
        tags=f"{more:,}",
        ours=after,
        peer=f"itself at {less:,}",
        theirs=before,
        figure=exponent((less, before.median), (more, after.median)),
        unit=GROWTH,
        target=Target(limit),
    )
