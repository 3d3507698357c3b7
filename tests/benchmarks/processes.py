"""Scenarios in new interpreters: imports, whole commands, and memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import attrs

from tests.benchmarks.baselines import installed, python, worker
from tests.benchmarks.measure import interleave, sample, timed
from tests.benchmarks.plan import Bench, growth
from tests.benchmarks.report import FASTER, Row, Target, compare
from tests.benchmarks.repositories import Shape, one_model

CallAndProcess = tuple[float, float]
"""The times of a call and of the whole process that makes it."""

MIN_SPEEDUPS = 150, 150
"""The targets compared with GTO, by size."""


def table(bench: Bench) -> Iterator[Row]:
    """The table of models compared with ``gto show``: the call alone, and the whole process."""
    for (tags, rounds), speedup in zip(bench.plan.tables, MIN_SPEEDUPS):
        path = bench.repositories.path(Shape(tags))
        ours, gto = _tables(path, rounds)
        names = "str(registry), without imports", "str(registry), the whole process"
        targets = Target(speedup, is_minimum=True), None
        for part, (name, target) in enumerate(zip(names, targets)):
            times, gto_times = ([both[part] for both in results] for results in (ours, gto))
            baseline = sample(gto_times) if gto_times else None
            yield compare("table", name, tags, sample(times), "gto show", baseline, target, FASTER)


def _tables(path: Path, rounds: int) -> tuple[list[CallAndProcess], list[CallAndProcess]]:
    """Run modelversions four times for each run of GTO, which is much slower."""
    ours, gto = _timed_worker("table", path), _timed_worker("gto", path)
    if not installed("gto"):
        return interleave(4 * rounds, ours)[0], []
    one, two, gto_results, three, four = interleave(rounds, ours, ours, gto, ours, ours, warm=False)
    return [*one, *two, *three, *four], gto_results


def _timed_worker(task: str, path: Path) -> Callable[[], CallAndProcess]:
    def probe() -> CallAndProcess:
        start = time.perf_counter()
        call = worker(task, path)
        return call, time.perf_counter() - start

    return probe


def versions(bench: Bench) -> Iterator[Row]:
    """One model with 50,000 versions, all of them with their stages, each in a new process.

    In a single process, some version names would be cached from the previous round.
    """
    small, large = map(one_model, bench.plan.versions)
    paths = [bench.repositories.path(shape) for shape in (small, large)]
    probes = [partial(worker, "versions", path) for path in paths]
    before, after = map(sample, interleave(bench.plan.slow, *probes))
    operation = f"{bench.plan.versions[1]:,} versions of one model, in full"
    yield growth("versions", operation, (small.tags, before), (large.tags, after), limit=1.1)


def imports(bench: Bench) -> Iterator[Row]:
    """The time that ``import modelversions`` takes, compared with ``import gto.api``."""
    programs = ["pass", "import modelversions", "from modelversions import Registry"]
    programs += ["import gto.api"] if installed("gto") else []
    probes = [timed(partial(python, "-c", code)) for code in programs]
    bare, *results = interleave(bench.plan.steady, *probes)
    added = [sample([one - none for one, none in zip(times, bare)]) for times in results]
    gto = added[2] if len(added) > 2 else None
    for code, ours, target in zip(programs[1:], added, (Target(0.2), None)):
        row = compare("import", code, 0, ours, "import gto.api", gto, target)
        yield attrs.evolve(row, tags="")


def memory(bench: Bench) -> Iterator[Row]:
    """The peak memory while the whole history is held, without that of the import."""
    tags = bench.plan.large
    path = bench.repositories.path(Shape(tags))
    operations = {
        "resident": "peak memory of registry.history(), resident",
        "allocated": "peak memory of registry.history(), allocated by Python",
    }
    for kind, operation in operations.items():
        rounds = 3 if kind == "resident" else 1  # the other is exact, and slow
        results = interleave(rounds, partial(worker, kind, path), warm=False)[0]
        result = sample(results, "bytes")
        target = Target(2) if kind == "resident" else None
        yield Row(
            scenario="memory",
            operation=operation,
            tags=f"{tags:,}",
            result=result,
            ratio=result.median / tags / 1000,
            unit="KB per tag",
            target=target,
        )
