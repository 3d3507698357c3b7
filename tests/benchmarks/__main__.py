"""Measure modelversions beside C git, in one run: ``python -m tests.benchmarks``.

Absolute times say little about another machine; the ratios and the growth do.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import attrs

from modelversions import Registry
from tests.benchmarks.repositories import Shape, build, many_models, one_model
from tests.compat.git import Git

FIELDS = (
    "%(refname)%00%(objecttype)%00%(*objecttype)%00%(objectname)%00%(*objectname)%00"
    "%(taggername)%00%(taggeremail)%00%(taggerdate:raw)%00%(contents)"
)
NAMES = "%(refname)%00%(objecttype)%00%(*objectname)"


@attrs.frozen
class Question:
    """One thing to ask, of us and of C git."""

    name: str
    shapes: tuple[Shape, ...]
    ours: Callable[[Registry], object]
    theirs: tuple[str, ...]
    fresh: bool
    """Whether we open the repository for each answer, as the C git process has to."""


def _history(registry: Registry) -> object:
    return registry.history()


def _latest(registry: Registry) -> object:
    return registry["model-3"].latest


def questions(sizes: list[int]) -> list[Question]:
    """Return what is asked at the given numbers of tags."""
    many = tuple(map(many_models, sizes))
    single = tuple(one_model(size) for size in sizes if size <= 10_000)
    everything = ("for-each-ref", f"--format={FIELDS}", "refs/tags")
    one = ("for-each-ref", f"--format={NAMES}", "refs/tags/model-3@*")
    return [
        Question("everything, read afresh", many, _history, everything, fresh=True),
        Question("everything of one model, read afresh", single, _history, everything, fresh=True),
        Question("latest of one model, registry open", many, _latest, one, fresh=False),
    ]


def median(run: Callable[[], object], rounds: int) -> float:
    """Return the median time of some rounds, in seconds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def ask(question: Question, path: Path, rounds: int) -> tuple[float, float]:
    """Time one question, ours and C git's, in seconds."""
    git = Git(path)
    if question.fresh:

        def ours() -> object:
            with Registry.open(path) as registry:
                return question.ours(registry)

        return median(ours, rounds), median(lambda: git(*question.theirs), rounds)
    with Registry.open(path) as registry:
        ours_open = median(lambda: question.ours(registry), rounds)
    return ours_open, median(lambda: git(*question.theirs), rounds)


def exponent(points: list[tuple[int, float]]) -> float:
    """Return the power of the size with which the time grows, from the first to the last size."""
    (small, fast), (large, slow) = points[0], points[-1]
    return math.log(slow / fast) / math.log(large / small)


def main() -> None:
    """Ask everything at every size and print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small sizes only: does it still run?")
    parser.add_argument("--folder", type=Path, help="keep the repositories here")
    options = parser.parse_args()
    sizes = [1_000, 3_000] if options.smoke else [1_000, 10_000, 100_000]
    with tempfile.TemporaryDirectory() as folder:
        root = options.folder or Path(folder)
        print("| question | tags | modelversions | C git | ratio | growth |")
        print("|---|---|---|---|---|---|")
        for question in questions(sizes):
            points = []
            for shape in question.shapes:
                ours, theirs = ask(question, build(root, shape), 9 if shape.tags < 100_000 else 3)
                points.append((shape.tags, ours))
                growth = f"{exponent(points):.2f}" if len(points) > 1 else ""
                print(
                    f"| {question.name} | {shape.tags:,} | {ours * 1000:.1f} ms | "
                    f"{theirs * 1000:.1f} ms | {ours / theirs:.2f} | {growth} |"
                )


if __name__ == "__main__":
    main()
