"""From a model's events to its state: versions, stages, deprecation (rules F13-F21).

One pass over the events in their order, whatever the order in which they are listed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

import attrs

from modelversions.events import Event
from modelversions.problems import Problem, ProblemKind
from modelversions.semver import SemVer
from modelversions.tags import EventKind

Key = SemVer | str
"""What a stage belongs to: a version, or a bare commit by its full SHA (F18)."""


@attrs.frozen
class Holder:
    """All that the events say of one version, or of one bare commit that holds a stage."""

    key: Key
    origin: Event
    """The newest registration; for a bare commit, its newest assignment."""
    active: bool
    history: tuple[Event, ...]
    stages: tuple[str, ...]


@attrs.frozen
class State:
    """What a model's events come to; beyond the history, worked out when somebody looks."""

    history: tuple[Event, ...]
    _life: _Life = attrs.field(eq=False, repr=False)
    odd: tuple[Problem, ...] = attrs.field(default=(), repr=False)
    """What is odd about single tags."""

    @cached_property
    def stages(self) -> Mapping[str, tuple[Key, ...]]:
        """By stage, in the order of names: all that is in force there, the present holder first."""
        return dict(self._life.stages())

    @cached_property
    def versions(self) -> tuple[Holder, ...]:
        """Every version that was ever registered, greatest first (F16)."""
        return tuple(self.holders[key] for key in self._life.listed())

    @cached_property
    def holders(self) -> Mapping[Key, Holder]:
        """The versions, and the bare commits in force in some stage."""
        return {holder.key: holder for holder in _holders(self._life, self.history, self.stages)}

    @property
    def deprecated(self) -> bool:
        """Whether the newest event is a deprecation (F19)."""
        return bool(self.history) and self.history[-1].kind is EventKind.DEPRECATION

    @property
    def lacks(self) -> bool:
        """Whether objects were missing when the tags were read; they may come yet."""
        return any(problem.kind is ProblemKind.MISSING for problem in self.odd)

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """What is odd about the tags, each for itself and then taken together."""
        shared = _shared_commits(self._life, self._life.listed())
        return (*self.odd, *self._life.problems, *shared, *_clocks(self.history))


def fold(events: Iterable[Event], problems: Iterable[Problem] = ()) -> State:
    """Fold one model's events, in any order, into its state.

    Args:
        events: one event for each tag that is one.
        problems: what reading the tags found to be odd.
    """
    history = sorted(events, key=lambda event: event.order)
    life = _Life(history)
    followed = tuple([life.follow(at, event) for at, event in enumerate(history)])
    return State(followed, life, tuple(problems))


def _holders(
    life: _Life, history: Iterable[Event], stages: Mapping[str, tuple[Key, ...]]
) -> Iterator[Holder]:
    """Give each version, and each bare commit in force, all that is said of it."""
    keys = set(life.origin).union(*stages.values())
    told: dict[Key, list[Event]] = {key: [] for key in keys}
    assigned: dict[Key, Event] = {}
    for event in history:
        key = event.version or event.commit
        if key in told and event.kind is not EventKind.DEPRECATION:
            told[key].append(event)
            if event.kind is EventKind.ASSIGNMENT:
                assigned[key] = event
    held = defaultdict(list)
    for stage, in_force in stages.items():
        held[in_force[0]].append(stage)
    for key in keys:
        origin = life.origin[key] if isinstance(key, SemVer) else assigned[key]
        active = not isinstance(key, SemVer) or life.is_active(key)
        yield Holder(key, origin, active, tuple(told[key]), tuple(held[key]))


class _Life:
    """A model's life up to one event: who is registered where, and which stages are in force.

    Events are told apart by their place in the order. A version is registered *at* a commit while
    its newest registration there is younger than its newest deregistration anywhere.
    """

    def __init__(self, history: list[Event]) -> None:
        self.origin: dict[SemVer, Event] = {}
        self.problems: list[Problem] = []
        self._first: dict[SemVer, int] = {}
        self._newest: dict[SemVer, int] = {}
        self._ended: dict[SemVer, int] = {}
        self._placed: dict[tuple[str, SemVer], int] = {}
        self._at_commit: dict[str, list[SemVer]] = defaultdict(list)
        self._last_at: dict[str, SemVer] = {}
        self._in_force: dict[str, dict[Key, Event]] = defaultdict(dict)
        self._assigned_at: dict[tuple[str, str], list[Key]] = defaultdict(list)
        self._first_at: dict[str, SemVer] = {}
        for event in history:
            if event.kind is EventKind.REGISTRATION and event.version is not None:
                self._first_at.setdefault(event.commit, event.version)

    def follow(self, at: int, event: Event) -> Event:
        """Take in the event at place ``at``; give it back with the version that it is about."""
        if event.stage is not None:
            assign = event.kind is EventKind.ASSIGNMENT
            key = (self._assign if assign else self._unassign)(event, event.stage)
            return event.about(key if isinstance(key, SemVer) else None)
        if event.version is not None:
            if event.kind is EventKind.REGISTRATION:
                self._register(at, event, event.version)
            else:
                self._ended[event.version] = at
        return event

    def _register(self, at: int, event: Event, version: SemVer) -> None:
        before = self.origin.get(version)
        if before is not None and before.commit != event.commit and self.is_active(version):
            sentence = f"{version} was already registered, at commit {before.commit[:7]}"
            self._report(ProblemKind.TWO_COMMITS, event, sentence)
        self.origin[version] = event
        self._first.setdefault(version, at)
        self._newest[version] = self._placed[event.commit, version] = at
        self._at_commit[event.commit].append(version)
        self._last_at[event.commit] = version

    def _assign(self, event: Event, stage: str) -> Key:
        key = self._version_at(event.commit) or event.commit
        if isinstance(key, str):
            sentence = f"stage {stage!r} was assigned to a commit that has no version"
            self._report(ProblemKind.STAGED_COMMIT, event, sentence)
        in_force = self._in_force[stage]
        in_force.pop(key, None)  # so that it comes back as the newest
        in_force[key] = event
        self._assigned_at[stage, event.commit].append(key)
        return key

    def _unassign(self, event: Event, stage: str) -> Key:
        """End the assignment that is in force at the commit, the newest if there are several."""
        in_force = self._in_force[stage]
        assigned = self._assigned_at[stage, event.commit]
        while assigned and assigned[-1] not in in_force:
            assigned.pop()
        key = assigned.pop() if assigned else self._version_at(event.commit) or event.commit
        in_force.pop(key, None)
        return key

    def _version_at(self, commit: str) -> SemVer | None:
        """Return the version that a stage's event at this commit, now, is about (F18).

        The last to be registered there of those that still are; if none still is, the last that
        was; if none was yet, the first that will be.
        """
        versions = self._at_commit[commit]
        while versions and not self._is_registered_at(commit, versions[-1]):
            versions.pop()
        if versions:
            return versions[-1]
        return self._last_at.get(commit) or self._first_at.get(commit)

    def _is_registered_at(self, commit: str, version: SemVer) -> bool:
        return self._placed.get((commit, version), -1) > self._ended.get(version, -1)

    def is_active(self, version: SemVer) -> bool:
        """Say whether the version's newest event is a registration (F15)."""
        return self._newest[version] > self._ended.get(version, -1)

    def listed(self) -> list[SemVer]:
        """Return all versions, greatest first; among equals, the last to appear first (F16)."""
        order = lambda version: (version.precedence, self._first[version])  # noqa: E731  # one use
        return sorted(self.origin, key=order, reverse=True)

    def stages(self) -> Iterator[tuple[str, tuple[Key, ...]]]:
        """Give each stage that is held, with all that is in force there, newest first (F17)."""
        for stage in sorted(self._in_force):
            in_force = [
                key
                for key, event in reversed(self._in_force[stage].items())
                if isinstance(key, str) or self._is_registered_at(event.commit, key)
            ]
            if in_force:
                yield stage, tuple(in_force)

    def _report(self, kind: ProblemKind, event: Event, sentence: str) -> None:
        self.problems.append(Problem(kind, event.tag, event.model, sentence))


def _shared_commits(life: _Life, versions: Iterable[SemVer]) -> Iterator[Problem]:
    """Report commits at which two versions are active: GTO cannot read them (F18)."""
    seen: dict[str, SemVer] = {}
    for version in versions:
        event = life.origin[version]
        if life.is_active(version) and seen.setdefault(event.commit, version) != version:
            sentence = (
                f"{seen[event.commit]} is active at the same commit, {event.commit[:7]}: GTO "
                "cannot read that once a stage is assigned there"
            )
            yield Problem(ProblemKind.TWO_VERSIONS, event.tag, event.model, sentence)


def _clocks(history: Iterable[Event]) -> Iterator[Problem]:
    """Report events whose counter says earlier and whose time says later."""
    highest: Event | None = None
    for event in history:
        if event.counter is None:
            continue
        if highest is None or highest.counter is None or event.counter >= highest.counter:
            highest = event
        else:
            sentence = f"it has a smaller counter than {highest.tag!r}, and a later time"
            yield Problem(ProblemKind.CLOCKS, event.tag, event.model, sentence)
