"""Scenarios that change a repository; each uses its own copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import attrs

from modelversions import Identity, Registry
from tests.benchmarks.baselines import FEW_FIELDS, git, git_latest, git_listing
from tests.benchmarks.measure import Probe, Sample, interleave, sample, timed
from tests.benchmarks.plan import Bench, growth
from tests.benchmarks.reading import GIT_FEW_FIELDS, GIT_GREATEST, MODEL, check_latest
from tests.benchmarks.report import Row, Target, compare
from tests.benchmarks.repositories import Shape

ANN = Identity("Ann", "ann@example.com")
AS_FAST_OR_5_MS = Target(1, or_seconds=0.005)


@attrs.define
class OtherProgram:
    """Add tags to a repository, each a greater version of the model that is read."""

    path: Path
    _numbers: Iterator[int] = attrs.Factory(lambda: count(1))
    tag: str = ""

    def add(self) -> None:
        self.tag = f"{MODEL}@v100000.0.{next(self._numbers)}"
        git(self.path, "tag", "-a", "-m", "another version", self.tag, "main")


def new_tag(bench: Bench) -> Iterator[Row]:
    """registry["m"].latest after another program added a tag to a repository read before."""
    tags = bench.plan.large
    with bench.repositories.copy(Shape(tags)) as path, Registry.open(path) as registry:
        other = OtherProgram(path)
        assert len(registry.history()) == tags

        def ours() -> str:
            version = registry[MODEL].latest
            return version.tag if version else ""

        probes = _timed_and_checked(ours, other), timed(git_latest(path, MODEL))
        results = interleave(bench.plan.steady, *probes, before=other.add)
        check_latest(registry, path)
    times, git_times = map(sample, results)
    operation = 'registry["m"].latest after one new tag'
    yield compare("new-tag", operation, tags, times, GIT_GREATEST, git_times, AS_FAST_OR_5_MS)


def new_tag_all(bench: Bench) -> Iterator[Row]:
    """registry.latest() after another program added a tag to a repository read before."""
    small, large = bench.plan.small, bench.plan.large
    before, _ = _new_tag_all(bench, small)
    after, git = _new_tag_all(bench, large)
    operation = "registry.latest() after one new tag"
    yield compare("new-tag-all", operation, large, after, GIT_FEW_FIELDS, git, AS_FAST_OR_5_MS)
    yield growth("new-tag-all", operation, (small, before), (large, after))


def _new_tag_all(bench: Bench, tags: int) -> tuple[Sample, Sample]:
    with bench.repositories.copy(Shape(tags)) as path, Registry.open(path) as registry:
        other = OtherProgram(path)
        assert len(registry.history()) == tags
        ours = _timed_and_checked(lambda: registry.latest()[MODEL].tag, other)
        probes = ours, git_listing(path, FEW_FIELDS)
        times, git_times = interleave(bench.plan.steady, *probes, before=other.add)
    return sample(times), sample(git_times)


def register(bench: Bench) -> Iterator[Row]:
    """Register a version, compared with ``git tag -a``; the new commit of each is not timed."""
    tags = bench.plan.large
    with bench.repositories.copy(Shape(tags)) as path, Registry.open(path) as registry:
        numbers = count(1)
        message = "Registering artifact"

        def ours() -> object:
            return registry.register(MODEL, f"v100000.0.{next(numbers)}", author=ANN)

        def theirs() -> object:
            tag = f"model-2@v100000.0.{next(numbers)}"
            return git(path, "tag", "-a", "-m", message, tag, "HEAD")

        def before() -> object:
            return git(path, "commit", "-q", "--allow-empty", "-m", "another commit")

        results = interleave(bench.plan.steady, timed(ours), timed(theirs), before=before)
        check_latest(registry, path)
    times, git_times = map(sample, results)
    operation = "registry.register()"
    yield compare("register", operation, tags, times, "git tag -a", git_times, Target(2))


def _timed_and_checked(read: Callable[[], str], other: OtherProgram) -> Probe:
    """Return a probe that times a read, and checks that it returns the tag just added."""

    def check() -> None:
        assert read() == other.tag

    return timed(check)
