"""Scenarios that read a repository in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from modelversions import Model, Registry
from tests.benchmarks.baselines import (
    ALL_FIELDS,
    FEW_FIELDS,
    git_latest,
    git_listing,
    installed,
    libgit2_history,
)
from tests.benchmarks.measure import Probe, interleave, sample, timed
from tests.benchmarks.plan import Bench, growth
from tests.benchmarks.report import Row, Target, compare
from tests.benchmarks.repositories import Shape

MODEL = "model-3"
GIT_GREATEST = "C git: greatest name"
GIT_FEW_FIELDS = "C git: type, target, date, subject"
GIT_ALL_FIELDS = "C git: all fields"


def latest(bench: Bench) -> Iterator[Row]:
    """registry["m"].latest of an open registry, of the same model and of another each time."""
    tags, rounds = bench.plan.large, bench.plan.quick
    path = bench.repositories.path(Shape(tags))
    git = timed(git_latest(path, MODEL))
    with Registry.open(path) as registry:
        check_latest(registry, path)
        repeated = map(sample, interleave(rounds, _latest(registry), git))
    with Registry.open(path) as registry:
        names = map("model-{}".format, count())
        first = timed(lambda: registry[next(names)].latest)
        new = map(sample, interleave(rounds, first, git))
    for ending, (ours, theirs) in {"": repeated, ", a model not read before": new}.items():
        operation = f'registry["m"].latest, registry open{ending}'
        yield compare("latest", operation, tags, ours, GIT_GREATEST, theirs, Target(0.5))


def million(bench: Bench) -> Iterator[Row]:
    """registry["m"].latest of an open registry among ten times as many tags."""
    sizes = bench.plan.large, bench.plan.huge
    paths = [bench.repositories.path(Shape(size)) for size in sizes]
    operation, target = 'registry["m"].latest, registry open', Target(2)
    with ExitStack() as stack:
        registries = [stack.enter_context(Registry.open(path)) for path in paths]
        probes = [*map(_latest, registries), timed(git_latest(paths[1], MODEL))]
        large, huge, git = map(sample, interleave(bench.plan.quick, *probes))
    baseline = f"the same at {sizes[0]:,}"
    yield compare("million", operation, sizes[1], huge, baseline, large, target)
    yield compare("million", operation, sizes[1], huge, GIT_GREATEST, git)


def model(bench: Bench) -> Iterator[Row]:
    """registry["m"] with all fields, opened for each read, compared with C git."""
    tags = bench.plan.large
    path = bench.repositories.path(Shape(tags))
    patterns = (f"refs/tags/{MODEL}@*", f"refs/tags/{MODEL}#*")
    probes = _open_and(path, in_full), git_listing(path, ALL_FIELDS, *patterns)
    ours, git = map(sample, interleave(bench.plan.quick, *probes))
    operation = 'registry["m"] in full, 200 tags'
    yield compare("model", operation, tags, ours, GIT_ALL_FIELDS, git, Target(2))


def latest_all(bench: Bench) -> Iterator[Row]:
    """registry.latest() of all models, opened for each read, compared with C git."""
    small, large = bench.plan.small, bench.plan.large
    probes = _two_sizes(bench, Shape(small), Shape(large), Registry.latest)
    git = git_listing(bench.repositories.path(Shape(large)), ALL_FIELDS)
    before, after, listed = map(sample, interleave(bench.plan.slow, *probes, git))
    operation = "registry.latest(), all models"
    yield compare("latest-all", operation, large, after, GIT_ALL_FIELDS, listed, Target(0.7))
    yield growth("latest-all", operation, (small, before), (large, after))


def history(bench: Bench) -> Iterator[Row]:
    """registry.history(), opened for each read, compared with C git and pygit2."""
    small, large = bench.plan.small, bench.plan.large
    path = bench.repositories.path(Shape(large))
    probes = _two_sizes(bench, Shape(small), Shape(large), Registry.history)
    probes += [git_listing(path, FEW_FIELDS), git_listing(path, ALL_FIELDS)]
    if installed("pygit2"):
        assert len(libgit2_history(path)) == large
        probes.append(timed(lambda: libgit2_history(path)))
    before, after, few, all_, *others = map(sample, interleave(bench.plan.slow, *probes))
    operation = "registry.history(), all models"
    yield compare("history", operation, large, after, GIT_ALL_FIELDS, all_, Target(2.5))
    yield compare("history", operation, large, after, GIT_FEW_FIELDS, few)
    libgit2 = others[0] if others else None
    yield compare("history", operation, large, after, "pygit2: all fields", libgit2, Target(2.5))
    yield growth("history", operation, (small, before), (large, after))


def packings(bench: Bench) -> Iterator[Row]:
    """registry.history() of a clone and of a pack without deltas, compared with C git."""
    tags = bench.plan.large
    for packing, name in {"clone": "a clone", "whole": "a pack without deltas"}.items():
        path = bench.repositories.path(Shape(tags, packing=packing))
        probes = _open_and(path, Registry.history), git_listing(path, ALL_FIELDS)
        ours, git = map(sample, interleave(bench.plan.slow, *probes))
        operation = f"registry.history(), {name}"
        yield compare("packings", operation, tags, ours, GIT_ALL_FIELDS, git, Target(2.5))


def many_models(bench: Bench) -> Iterator[Row]:
    """Names, latest versions and history of models with one tag each, compared with C git."""
    tags = bench.plan.models
    path = bench.repositories.path(Shape(tags, each=1))
    reads: dict[str, Callable[[Registry], object]] = {
        "list(registry)": list,
        "registry.latest()": Registry.latest,
        "registry.history()": Registry.history,
    }
    probes = [_open_and(path, read) for read in reads.values()]
    probes.append(git_listing(path, ALL_FIELDS))
    *results, git = map(sample, interleave(bench.plan.slow, *probes))
    for name, ours, limit in zip(reads, results, (1, 2, 4)):
        operation = f"{name}, one tag per model"
        yield compare("many-models", operation, tags, ours, GIT_ALL_FIELDS, git, Target(limit))


def table_growth(bench: Bench) -> Iterator[Row]:
    """str(registry), the table of all models, opened for each read."""
    small, large = bench.plan.small, bench.plan.large
    probes = _two_sizes(bench, Shape(small), Shape(large), str)
    before, after = map(sample, interleave(bench.plan.slow, *probes))
    yield growth(
        "table-growth", "str(registry), the table of models", (small, before), (large, after)
    )


def check_latest(registry: Registry, path: Path, name: str = MODEL) -> None:
    """Check that C git finds the same version: the time of a wrong result is meaningless."""
    version = registry[name].latest
    assert version is not None
    assert git_latest(path, name)().split() == [version.tag, "tag", "commit", version.commit]


def _latest(registry: Registry) -> Probe:
    return timed(lambda: registry[MODEL].latest)


def _open_and(path: Path, read: Callable[[Registry], object]) -> Probe:
    """Return a probe that opens the repository and reads, as a C git process has to.

    The registry is returned too, so that releasing its data is not timed.
    """

    def open_and_read() -> object:
        with Registry.open(path) as registry:
            return registry, read(registry)

    return timed(open_and_read)


def _two_sizes(
    bench: Bench, small: Shape, large: Shape, read: Callable[[Registry], object]
) -> list[Probe]:
    """Return probes for two sizes, to run in the same rounds, so that noise affects both."""
    return [_open_and(bench.repositories.path(shape), read) for shape in (small, large)]


def in_full(registry: Registry, name: str = MODEL) -> tuple[Model, list[tuple[object, ...]]]:
    """Read all fields of a model and its versions."""
    model = registry[name]
    assert model.stages
    return model, [
        (each.name, each.commit, each.registered_at, each.author, each.message, each.stages)
        for each in model.versions
    ]
