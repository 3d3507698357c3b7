"""From a model's events to its state: versions, stages, deprecation (rules F13-F21).

One pass over the events in their order, whatever the order in which they are listed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from operator import attrgetter

import attrs

from modelversions.values.event import Event
from modelversions.values.problem import Problem, ProblemKind
from modelversions.values.semver import SemVer
from modelversions.values.tag_name import EventKind

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
        return tuple(self.holders[life.version] for life in self._life.listed())

    @cached_property
    def holders(self) -> Mapping[Key, Holder]:
        """The versions, and the bare commits in force in some stage."""
        return {holder.key: holder for holder in _holders(self._life, self.history, self.stages)}

    @cached_property
    def active(self) -> Mapping[SemVer, Event]:
        """The active versions, each with its newest registration."""
        lives = self._life.versions.values()
        return {life.version: life.origin for life in lives if life.is_active}

    @property
    def latest(self) -> Event | None:
        """The registration of the greatest active version (F16)."""
        lives = [life for life in self._life.versions.values() if life.is_active]
        return max(lives, key=_VersionLife.order).origin if lives else None

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
        shared = _shared_commits(self.history)
        return (*self.odd, *self._life.problems, *shared, *_clocks(self.history))

    def origin(self, key: Key) -> Event:
        """Return a version's newest registration, or the newest assignment of a bare commit."""
        life = self._life.versions.get(key) if isinstance(key, SemVer) else None
        return life.origin if life else self.holders[key].origin


def fold(events: Iterable[Event], problems: Iterable[Problem] = ()) -> State:
    """Fold one model's events, in any order, into its state.

    Args:
        events: one event for each tag that is one.
        problems: what reading the tags found to be odd.
    """
    history = sorted(events, key=attrgetter("order"))
    life = _Life(history)
    followed = tuple([life.follow(at, event) for at, event in enumerate(history)])
    return State(followed, life, tuple(problems))


def _holders(
    life: _Life, history: Iterable[Event], stages: Mapping[str, tuple[Key, ...]]
) -> Iterator[Holder]:
    """Give each version, and each bare commit in force, all that is said of it."""
    keys = set(life.versions).union(*stages.values())
    told: dict[Key, list[Event]] = {key: [] for key in keys}
    assigned: dict[Key, Event] = {}
    for event in history:
        key = event.version or event.commit
        events = told.get(key)
        if events is not None and event.kind is not EventKind.DEPRECATION:
            events.append(event)
            if event.kind is EventKind.ASSIGNMENT:
                assigned[key] = event
    held = defaultdict(list)
    for stage, in_force in stages.items():
        held[in_force[0]].append(stage)
    for key, events in told.items():
        version = life.versions.get(key) if isinstance(key, SemVer) else None
        origin = version.origin if version else assigned[key]
        active = version is None or version.is_active
        yield Holder(key, origin, active, tuple(events), tuple(held.get(key, ())))


class _VersionLife:
    """One version's life up to one event.

    Events are told apart by their place in the order. A version is registered *at* a commit while
    its newest registration there is younger than its newest deregistration anywhere.
    """

    __slots__ = ("_before", "ended", "first", "newest", "origin", "version")

    def __init__(self, version: SemVer) -> None:
        self.version = version
        self.origin: Event
        """The newest registration."""
        self.newest = -1
        """The place of that."""
        self.first = -1
        """The place of the first registration."""
        self.ended = -1
        """The place of the newest deregistration."""
        self._before: dict[str, int] | None = None
        """By commit, the newest registrations at other commits than that of the newest."""

    @property
    def is_active(self) -> bool:
        """Whether the version's newest event is a registration (F15)."""
        return self.newest > self.ended

    def is_at(self, commit: str) -> bool:
        """Say whether it is registered at a commit."""
        if self.origin.commit == commit:
            return self.is_active
        return self._before is not None and self._before.get(commit, -1) > self.ended

    def register(self, at: int, event: Event) -> None:
        """Take in a registration."""
        if self.first < 0:
            self.first = at
        elif self.origin.commit != event.commit:
            if self._before is None:
                self._before = {}
            self._before[self.origin.commit] = self.newest
        self.origin, self.newest = event, at

    def order(self) -> tuple[object, int]:
        """Return the key of F16: precedence; among equals, the last to appear is greatest."""
        return self.version.precedence, self.first


class _Life:
    """A model's life up to one event: who is registered where, and which stages are in force."""

    def __init__(self, history: list[Event]) -> None:
        self.problems: list[Problem] = []
        self.versions: dict[SemVer, _VersionLife] = {}
        self._at_commit: dict[str, list[_VersionLife]] = defaultdict(list)
        self._last_at: dict[str, _VersionLife] = {}
        self._first_at: dict[str, _VersionLife] = {}
        self._in_force: dict[str, dict[tuple[_VersionLife | str, str], None]] = defaultdict(dict)
        """By stage, the assignments in force, oldest first: what holds it and at which commit."""
        self._assigned_at: dict[tuple[str, str], list[_VersionLife | str]] = defaultdict(list)
        for event in history:
            if event.kind is EventKind.REGISTRATION and event.version is not None:
                version = self.versions.get(event.version)
                if version is None:
                    version = self.versions[event.version] = _VersionLife(event.version)
                self._first_at.setdefault(event.commit, version)

    def follow(self, at: int, event: Event) -> Event:
        """Take in the event at place ``at``; give it back with the version that it is about."""
        if event.stage is not None:
            assign = event.kind is EventKind.ASSIGNMENT
            key = (self._assign if assign else self._unassign)(event, event.stage)
            about = key.version if isinstance(key, _VersionLife) else None
            return event if about is event.version else event.about(about)
        if event.version is not None:
            version = self.versions.get(event.version)
            if event.kind is EventKind.REGISTRATION:
                assert version is not None
                self._register(at, event, version)
            elif version is not None:
                version.ended = at
        return event

    def _register(self, at: int, event: Event, version: _VersionLife) -> None:
        if version.is_active and version.origin.commit != event.commit:
            before = version.origin.commit[:7]
            sentence = f"{version.version} was already registered, at commit {before}"
            self._report(ProblemKind.TWO_COMMITS, event, sentence)
        version.register(at, event)
        self._at_commit[event.commit].append(version)
        self._last_at[event.commit] = version

    def _assign(self, event: Event, stage: str) -> _VersionLife | str:
        key = self._version_at(event.commit) or event.commit
        if isinstance(key, str):
            sentence = f"stage {stage!r} was assigned to a commit that has no version"
            self._report(ProblemKind.STAGED_COMMIT, event, sentence)
        in_force = self._in_force[stage]
        in_force.pop((key, event.commit), None)  # so that it comes back as the newest
        in_force[key, event.commit] = None
        self._assigned_at[stage, event.commit].append(key)
        return key

    def _unassign(self, event: Event, stage: str) -> _VersionLife | str:
        """End the assignment that is in force at the commit, the newest if there are several."""
        in_force = self._in_force[stage]
        assigned = self._assigned_at[stage, event.commit]
        while assigned and (assigned[-1], event.commit) not in in_force:
            assigned.pop()
        key = assigned.pop() if assigned else self._version_at(event.commit) or event.commit
        in_force.pop((key, event.commit), None)
        return key

    def _version_at(self, commit: str) -> _VersionLife | None:
        """Return the version that a stage's event at this commit, now, is about (F18).

        The last to be registered there of those that still are; if none still is, the last that
        was; if none was yet, the first that will be.
        """
        versions = self._at_commit[commit]
        while versions and not versions[-1].is_at(commit):
            versions.pop()
        if versions:
            return versions[-1]
        return self._last_at.get(commit) or self._first_at.get(commit)

    def listed(self) -> list[_VersionLife]:
        """Return all versions, greatest first; among equals, the last to appear first (F16)."""
        return sorted(self.versions.values(), key=_VersionLife.order, reverse=True)

    def stages(self) -> Iterator[tuple[str, tuple[Key, ...]]]:
        """Give each stage that is held, with all that is in force there, newest first (F17)."""
        for stage in sorted(self._in_force):
            in_force = [
                key if isinstance(key, str) else key.version
                for key, commit in reversed(self._in_force[stage])
                if isinstance(key, str) or key.is_at(commit)
            ]
            if in_force:
                yield stage, tuple(dict.fromkeys(in_force))

    def _report(self, kind: ProblemKind, event: Event, sentence: str) -> None:
        self.problems.append(Problem(kind, event.tag, event.model, sentence))


def _shared_commits(history: Iterable[Event]) -> Iterator[Problem]:
    """Report versions registered where another one ever was: GTO may not read them (F12a)."""
    seen: dict[str, dict[SemVer | None, None]] = defaultdict(dict)
    for event in history:
        if event.kind is not EventKind.REGISTRATION:
            continue
        versions = seen[event.commit]
        if event.version not in versions and versions:
            message = (
                f"{next(iter(versions))} was registered at the same commit, {event.commit[:7]}: "
                "GTO cannot read that once a stage is assigned there"
            )
            yield Problem(ProblemKind.TWO_VERSIONS, event.tag, event.model, message)
        versions[event.version] = None


def _clocks(history: Iterable[Event]) -> Iterator[Problem]:
    """Report events with a later time and a smaller counter than another of the same subject."""
    highest: dict[SemVer | str | None, Event] = {}
    for event in history:
        if event.counter is None or event.kind is EventKind.DEPRECATION:
            continue
        subject = event.version if event.stage is None else event.stage
        before = highest.setdefault(subject, event)
        if event.counter >= (before.counter or 0):
            highest[subject] = event
        else:
            message = f"it has a smaller counter than {before.tag!r}, and a later time"
            yield Problem(ProblemKind.CLOCKS, event.tag, event.model, message)
