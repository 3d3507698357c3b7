"""Scenarios that change a repository: each works on a copy of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import attrs

from modelversions import Identity, Registry
from tests.benchmarks.measure import Probe, Sample, clocked, in_turns, sample
from tests.benchmarks.peers import LISTED, git, git_latest, git_listing
from tests.benchmarks.plan import Bench, growth
from tests.benchmarks.reading import GIT_LISTED, MODEL, check_latest
from tests.benchmarks.report import Row, Target, ratio
from tests.benchmarks.repositories import Shape

ANN = Identity("Ann", "ann@example.com")
SOON = Target(1, or_seconds=0.005)


@attrs.define
class OtherProgram:
    """Adds tags to a repository, each one a greater version of the model that is looked at."""

    path: Path
    _numbers: Iterator[int] = attrs.Factory(lambda: count(1))
    tag: str = ""

    def add(self) -> None:
        self.tag = f"{MODEL}@v100000.0.{next(self._numbers)}"
        git(self.path, "tag", "-a", "-m", "another one", self.tag, "main")


def new_tag(bench: Bench) -> Iterator[Row]:
    """One tag more, by another program: registry["m"].latest where everything had been seen."""
    tags = bench.plan.large
    with bench.repositories.copy(Shape(tags)) as path, Registry.open(path) as registry:
        other = OtherProgram(path)
        assert len(registry.history()) == tags

        def ours() -> str:
            found = registry[MODEL].latest
            return found.tag if found else ""

        probes = _seen(ours, other), clocked(git_latest(path, MODEL))
        taken = in_turns(bench.plan.steady, *probes, before=other.add)
        check_latest(registry, path)
    times, theirs = map(sample, taken)
    question = 'one tag more, in registry["m"].latest'
    yield ratio("new-tag", question, tags, times, "C git: the greatest name", theirs, SOON)


def new_tag_all(bench: Bench) -> Iterator[Row]:
    """One tag more, by another program: registry.latest() where everything had been seen."""
    small, large = bench.plan.small, bench.plan.large
    before, _ = _new_tag_all(bench, small)
    after, git = _new_tag_all(bench, large)
    question = "one tag more, in registry.latest()"
    yield ratio("new-tag-all", question, large, after, GIT_LISTED, git, SOON)
    yield growth("new-tag-all", question, (small, before), (large, after))


def _new_tag_all(bench: Bench, tags: int) -> tuple[Sample, Sample]:
    with bench.repositories.copy(Shape(tags)) as path, Registry.open(path) as registry:
        other = OtherProgram(path)
        assert len(registry.history()) == tags
        probes = _seen(lambda: registry.latest()[MODEL].tag, other), git_listing(path, LISTED)
        ours, theirs = in_turns(bench.plan.steady, *probes, before=other.add)
    return sample(ours), sample(theirs)


def register(bench: Bench) -> Iterator[Row]:
    """Register a version beside ``git tag -a``: each on a new commit, which is not timed."""
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
            return git(path, "commit", "-q", "--allow-empty", "-m", "one more")

        taken = in_turns(bench.plan.steady, clocked(ours), clocked(theirs), before=before)
        check_latest(registry, path)
    times, others = map(sample, taken)
    yield ratio("register", "registry.register", tags, times, "git tag -a", others, Target(2))


def _seen(ask: Callable[[], str], other: OtherProgram) -> Probe:
    """Take the time, and see that the answer is the tag that was added just now."""

    def look() -> None:
        assert ask() == other.tag

    return clocked(look)
