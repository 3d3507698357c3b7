"""Scenarios that read a repository, within this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from modelversions import Model, Registry
from tests.benchmarks.measure import Probe, clocked, in_turns, sample
from tests.benchmarks.peers import (
    EVERY,
    LISTED,
    git_latest,
    git_listing,
    installed,
    libgit2_history,
)
from tests.benchmarks.plan import Bench, growth
from tests.benchmarks.report import Row, Target, ratio
from tests.benchmarks.repositories import Shape

MODEL = "model-3"
GIT_LISTED = "C git: type, target, date, subject"


def latest(bench: Bench) -> Iterator[Row]:
    """registry["m"].latest of an open registry, asked before and not, beside C git."""
    tags, rounds = bench.plan.large, bench.plan.quick
    path = bench.repositories.path(Shape(tags))
    git = clocked(git_latest(path, MODEL))
    with Registry.open(path) as registry:
        check_latest(registry, path)
        known = map(sample, in_turns(rounds, _latest(registry), git))
    with Registry.open(path) as registry:
        names = map("model-{}".format, count())
        new = map(sample, in_turns(rounds, clocked(lambda: registry[next(names)].latest), git))
    question = 'registry["m"].latest, registry open'
    for ending, (ours, theirs) in {"": known, ", a model not seen before": new}.items():
        asked = question + ending
        yield ratio("latest", asked, tags, ours, "C git: the greatest name", theirs, Target(0.5))


def million(bench: Bench) -> Iterator[Row]:
    """registry["m"].latest of an open registry among ten times as many tags."""
    sizes = bench.plan.large, bench.plan.huge
    paths = [bench.repositories.path(Shape(size)) for size in sizes]
    question, target = 'registry["m"].latest, registry open', Target(2)
    with ExitStack() as stack:
        registries = [stack.enter_context(Registry.open(path)) for path in paths]
        probes = [*map(_latest, registries), clocked(git_latest(paths[1], MODEL))]
        large, huge, git = map(sample, in_turns(bench.plan.quick, *probes))
    yield ratio("million", question, sizes[1], huge, f"itself at {sizes[0]:,}", large, target)
    yield ratio("million", question, sizes[1], huge, "C git: the greatest name", git)


def model(bench: Bench) -> Iterator[Row]:
    """registry["m"] in full, opened for each answer, beside C git with the same fields."""
    tags = bench.plan.large
    path = bench.repositories.path(Shape(tags))
    patterns = (f"refs/tags/{MODEL}@*", f"refs/tags/{MODEL}#*")
    ours, git = in_turns(
        bench.plan.quick, _afresh(path, in_full), git_listing(path, EVERY, *patterns)
    )
    question = 'registry["m"] in full, 200 tags'
    peer = "C git: every field"
    yield ratio("model", question, tags, sample(ours), peer, sample(git), Target(2))


def latest_all(bench: Bench) -> Iterator[Row]:
    """registry.latest(), of all models, opened for each answer, beside C git."""
    small, large = bench.plan.small, bench.plan.large
    probes = _two_sizes(bench, Shape(small), Shape(large), Registry.latest)
    git = git_listing(bench.repositories.path(Shape(large)), EVERY)
    before, ours, listed = map(sample, in_turns(bench.plan.slow, *probes, git))
    question = "registry.latest(), all models"
    yield ratio("latest-all", question, large, ours, "C git: every field", listed, Target(0.7))
    yield growth("latest-all", question, (small, before), (large, ours))


def history(bench: Bench) -> Iterator[Row]:
    """registry.history(), opened for each answer, beside C git and pygit2."""
    small, large = bench.plan.small, bench.plan.large
    path = bench.repositories.path(Shape(large))
    probes = _two_sizes(bench, Shape(small), Shape(large), Registry.history)
    probes += [git_listing(path, LISTED), git_listing(path, EVERY)]
    if installed("pygit2"):
        assert len(libgit2_history(path)) == large
        probes.append(clocked(lambda: libgit2_history(path)))
    before, ours, listed, every, *others = map(sample, in_turns(bench.plan.slow, *probes))
    question = "registry.history(), everything"
    yield ratio("history", question, large, ours, "C git: every field", every, Target(2.5))
    yield ratio("history", question, large, ours, GIT_LISTED, listed)
    libgit2 = others[0] if others else None
    yield ratio("history", question, large, ours, "pygit2: the same reads", libgit2, Target(2.5))
    yield growth("history", question, (small, before), (large, ours))


def packings(bench: Bench) -> Iterator[Row]:
    """registry.history() of a clone, and of a pack without deltas, beside C git."""
    tags = bench.plan.large
    for packing, name in {"clone": "a clone", "whole": "a pack without deltas"}.items():
        path = bench.repositories.path(Shape(tags, packing=packing))
        probes = _afresh(path, Registry.history), git_listing(path, EVERY)
        ours, every = map(sample, in_turns(bench.plan.slow, *probes))
        question = f"registry.history(), {name}"
        yield ratio("packings", question, tags, ours, "C git: every field", every, Target(2.5))


def many_models(bench: Bench) -> Iterator[Row]:
    """The names, latest versions and history of models with one tag each, beside C git."""
    tags = bench.plan.models
    path = bench.repositories.path(Shape(tags, each=1))
    asked: dict[str, Callable[[Registry], object]] = {
        "list(registry)": list,
        "registry.latest()": Registry.latest,
    }
    probes = [_afresh(path, ask) for ask in (*asked.values(), Registry.history)]
    *found, every = map(sample, in_turns(bench.plan.slow, *probes, git_listing(path, EVERY)))
    for question, ours, limit in zip((*asked, "registry.history()"), found, (1, 2, 4)):
        whole = f"{question}, one tag a model"
        yield ratio("many-models", whole, tags, ours, "C git: every field", every, Target(limit))


def table_growth(bench: Bench) -> Iterator[Row]:
    """str(registry), the table of all models, opened for each answer."""
    small, large = bench.plan.small, bench.plan.large
    probes = _two_sizes(bench, Shape(small), Shape(large), str)
    before, after = map(sample, in_turns(bench.plan.slow, *probes))
    yield growth(
        "table-growth", "str(registry), the table of models", (small, before), (large, after)
    )


def check_latest(registry: Registry, path: Path, name: str = MODEL) -> None:
    """See that C git means the same version: a wrong answer has no time."""
    found = registry[name].latest
    assert found is not None
    assert git_latest(path, name)().split() == [found.tag, "tag", "commit", found.commit]


def _latest(registry: Registry) -> Probe:
    return clocked(lambda: registry[MODEL].latest)


def _afresh(path: Path, ask: Callable[[Registry], object]) -> Probe:
    """Open the repository for each answer, as a process of C git has to.

    To release what the registry has read is no part of the answer.
    """

    def answer() -> object:
        with Registry.open(path) as registry:
            return registry, ask(registry)

    return clocked(answer)


def _two_sizes(
    bench: Bench, small: Shape, large: Shape, ask: Callable[[Registry], object]
) -> list[Probe]:
    """Ask us at two sizes in the same rounds, for a growth that no slow minute bends."""
    return [_afresh(bench.repositories.path(shape), ask) for shape in (small, large)]


def in_full(registry: Registry, name: str = MODEL) -> tuple[Model, list[tuple[object, ...]]]:
    """Look at everything that one model tells."""
    found = registry[name]
    assert found.stages
    return found, [
        (one.name, one.commit, one.registered_at, one.author, one.message, one.stages)
        for one in found.versions
    ]
