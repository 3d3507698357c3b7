"""Scenarios in fresh interpreters: what an import, a whole command and its memory come to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import attrs

from tests.benchmarks.measure import clocked, in_turns, sample
from tests.benchmarks.peers import installed, python, worker
from tests.benchmarks.plan import Bench, growth
from tests.benchmarks.report import FASTER, Row, Target, ratio
from tests.benchmarks.repositories import Shape, one_model

Both = tuple[float, float]
"""What a call took, and the whole process around it."""

LEAST = 150, 150
"""How many times faster than GTO, by size."""


def table(bench: Bench) -> Iterator[Row]:
    """The table of models beside ``gto show``: the call alone, and the whole process."""
    for (tags, rounds), least in zip(bench.plan.tables, LEAST):
        path = bench.repositories.path(Shape(tags))
        ours, theirs = _tables(path, rounds)
        names = "str(registry), imports done", "str(registry), the whole process"
        targets = Target(least, least=True), None
        for part, (name, target) in enumerate(zip(names, targets)):
            took, gto = ([both[part] for both in taken] for taken in (ours, theirs))
            them = sample(gto) if gto else None
            yield ratio("table", name, tags, sample(took), "gto show", them, target, FASTER)


def _tables(path: Path, rounds: int) -> tuple[list[Both], list[Both]]:
    """Ask us four times for each time that GTO is asked: it takes a minute, we do not."""
    ours, gto = _timed_worker("table", path), _timed_worker("gto", path)
    if not installed("gto"):
        return in_turns(4 * rounds, ours)[0], []
    one, two, theirs, three, four = in_turns(rounds, ours, ours, gto, ours, ours, warm=False)
    return [*one, *two, *three, *four], theirs


def _timed_worker(question: str, path: Path) -> Callable[[], Both]:
    def probe() -> Both:
        start = time.perf_counter()
        call = worker(question, path)
        return call, time.perf_counter() - start

    return probe


def versions(bench: Bench) -> Iterator[Row]:
    """One model with 50,000 versions, all of them with their stages, each in a fresh process.

    In one process the names of fewer versions would still be known from the round before.
    """
    small, large = map(one_model, bench.plan.versions)
    paths = [bench.repositories.path(shape) for shape in (small, large)]
    probes = [partial(worker, "versions", path) for path in paths]
    before, after = map(sample, in_turns(bench.plan.slow, *probes))
    question = f"{bench.plan.versions[1]:,} versions of one model, in full"
    yield growth("versions", question, (small.tags, before), (large.tags, after), limit=1.1)


def imports(bench: Bench) -> Iterator[Row]:
    """What ``import modelversions`` adds to a bare interpreter, beside ``import gto.api``."""
    programs = ["pass", "import modelversions", "from modelversions import Registry"]
    programs += ["import gto.api"] if installed("gto") else []
    probes = [clocked(partial(python, "-c", code)) for code in programs]
    bare, *taken = in_turns(bench.plan.steady, *probes)
    added = [sample([one - none for one, none in zip(times, bare)]) for times in taken]
    gto = added[2] if len(added) > 2 else None
    for code, ours, target in zip(programs[1:], added, (Target(0.2), None)):
        question = f"{code}, beyond the bare interpreter"
        row = ratio("import", question, 0, ours, "import gto.api", gto, target)
        yield attrs.evolve(row, tags="")


def memory(bench: Bench) -> Iterator[Row]:
    """The most memory while all history is held, beyond that of the import."""
    tags = bench.plan.large
    path = bench.repositories.path(Shape(tags))
    named = {
        "resident": "peak memory of registry.history(), resident",
        "allocated": "peak memory of registry.history(), Python's own",
    }
    for kind, question in named.items():
        rounds = 3 if kind == "resident" else 1  # the other one is exact, and slow
        taken = in_turns(rounds, partial(worker, kind, path), warm=False)[0]
        ours = sample(taken, "bytes")
        target = Target(2) if kind == "resident" else None
        figure = ours.median / tags / 1000
        yield Row(
            scenario="memory",
            question=question,
            tags=f"{tags:,}",
            ours=ours,
            figure=figure,
            unit="KB a tag",
            target=target,
        )
