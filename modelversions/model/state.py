"""The state of a model, computed from its events: versions, stages, deprecation (F13-F21).

The state is computed in one pass over the events in the order of F13; the order in which tags are
listed does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property

import attrs

from modelversions.values.event import Event
from modelversions.values.identity import Identity
from modelversions.values.problem import Problem, ProblemKind
from modelversions.values.semver import SemVer
from modelversions.values.tag_name import EventKind, NameParts

VersionOrCommit = SemVer | str
"""The holder of a stage: a version, or a bare commit as its full SHA (F18)."""

_REGISTRATION, _ASSIGNMENT = EventKind.REGISTRATION, EventKind.ASSIGNMENT


EventRow = tuple[float, int, int, str, NameParts, str, datetime, Identity | None, str]
"""The data in a tag. The version of an assignment or unassignment is determined by the replay.

The fields are the timestamp; the counter, or -1; the rank of the kind; the tag's name, as text and
parsed; commit, time, author and message. Rows sort in the order of F13. They are plain tuples,
which are created, sorted and released faster than named tuples: this saves 2 % of a read.
"""


def event_row(event: Event) -> EventRow:
    """Return the row of an event."""
    time, counter, rank, tag = event.order
    parts = NameParts(event.kind, event.version, event.stage, event.counter, 0)
    key = time.total_seconds(), counter, rank, tag
    return *key, parts, event.commit, event.time, event.author, event.message


@attrs.frozen
class VersionState:
    """The state of one version, or of one bare commit that holds a stage."""

    key: VersionOrCommit
    origin: Event
    """The newest registration; for a bare commit, its newest assignment."""
    active: bool
    history: tuple[Event, ...]
    stages: tuple[str, ...]


@attrs.frozen
class ModelState:
    """The state of a model: its history, and data derived from it, computed on first use."""

    history: tuple[Event, ...]
    _replay: _Replay = attrs.field(eq=False, repr=False)
    tag_problems: tuple[Problem, ...] = attrs.field(default=(), repr=False)
    """The problems of single tags."""

    @cached_property
    def stages(self) -> Mapping[str, tuple[VersionOrCommit, ...]]:
        """By stage, sorted: the versions of the assignments in force, the holder first (F17)."""
        return dict(self._replay.stages())

    @cached_property
    def versions(self) -> tuple[VersionState, ...]:
        """Every version that was ever registered, greatest first (F16)."""
        return tuple(self.by_key[record.version] for record in self._replay.sorted_versions())

    @cached_property
    def by_key(self) -> Mapping[VersionOrCommit, VersionState]:
        """The versions, and the bare commits with an assignment in force."""
        states = _version_states(self._replay, self.history, self.stages)
        return {state.key: state for state in states}

    @cached_property
    def active(self) -> Mapping[SemVer, Event]:
        """The active versions, each with its newest registration."""
        records = self._replay.versions.values()
        return {record.version: record.origin for record in records if record.is_active}

    @property
    def latest(self) -> Event | None:
        """The registration of the greatest active version (F16)."""
        records = [record for record in self._replay.versions.values() if record.is_active]
        return max(records, key=_VersionRecord.order).origin if records else None

    @cached_property
    def holders(self) -> Mapping[str, tuple[VersionOrCommit, Event]]:
        """By stage: the holder, and its newest registration or assignment."""
        return {
            stage: (in_force[0], self.origin(in_force[0]))
            for stage, in_force in self.stages.items()
        }

    @property
    def deprecated(self) -> bool:
        """Whether the newest event is a deprecation (F19)."""
        return bool(self.history) and self.history[-1].kind is EventKind.DEPRECATION

    @property
    def is_incomplete(self) -> bool:
        """Whether objects were missing when the tags were read, which may be fetched later."""
        return any(problem.kind is ProblemKind.MISSING for problem in self.tag_problems)

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of single tags, then those of several tags together."""
        return (
            *self.tag_problems,
            *self._replay.problems,
            *_shared_commits(self.history),
            *_order_conflicts(self.history),
        )

    def origin(self, key: VersionOrCommit) -> Event:
        """Return a version's newest registration, or the newest assignment of a bare commit."""
        record = self._replay.versions.get(key) if isinstance(key, SemVer) else None
        return record.origin if record else self.by_key[key].origin


def replay(model: str, rows: list[EventRow], problems: Iterable[Problem] = ()) -> ModelState:
    """Compute the state of a model from its events, given in any order.

    Args:
        model: the model's name.
        rows: one row for each event; the list is sorted.
        problems: the problems found in single tags.
    """
    rows.sort()
    replayed = _Replay(model, rows)
    history = replayed.apply_all()
    replayed.finish()
    return ModelState(history, replayed, tuple(problems))


def replay_events(events: Sequence[Event]) -> ModelState:
    """Compute the state of a model from events, as ``replay`` does."""
    rows = list(map(event_row, events))
    model = next((event.model for event in events), "")
    return replay(model, rows)


def _version_states(
    replayed: _Replay,
    history: Iterable[Event],
    stages: Mapping[str, tuple[VersionOrCommit, ...]],
) -> Iterator[VersionState]:
    """Yield the state of each version, and of each bare commit with an assignment in force."""
    keys = set(replayed.versions).union(*stages.values())
    by_key: dict[VersionOrCommit, list[Event]] = {key: [] for key in keys}
    assigned: dict[VersionOrCommit, Event] = {}
    for event in history:
        key = event.version or event.commit
        events = by_key.get(key)
        if events is not None and event.kind is not EventKind.DEPRECATION:
            events.append(event)
            if event.kind is _ASSIGNMENT:
                assigned[key] = event
    held: dict[VersionOrCommit, list[str]] = {}
    for stage, in_force in stages.items():
        held.setdefault(in_force[0], []).append(stage)
    for key, events in by_key.items():
        record = replayed.versions.get(key) if isinstance(key, SemVer) else None
        origin = record.origin if record else assigned[key]
        active = record is None or record.is_active
        yield VersionState(key, origin, active, tuple(events), tuple(held.get(key, ())))


class _VersionRecord:
    """The record of one version in the replay. Events are identified by their index in the history.

    A version is registered *at* a commit while its newest registration there is newer than its
    newest deregistration at any commit.
    """

    __slots__ = ("_elsewhere", "ended", "first", "newest", "origin", "version")

    origin: Event
    """The newest registration."""

    def __init__(self, version: SemVer, index: int = -1, origin: Event | None = None) -> None:
        """Initialize with the first registration, or without one."""
        self.version = version
        if origin is not None:
            self.origin = origin
        self.newest = index
        """The index of the newest registration."""
        self.first = index
        """The index of the first registration."""
        self.ended = -1
        """The index of the newest deregistration."""
        self._elsewhere: dict[str, int] | None = None
        """By commit: the index of the newest registration, at commits other than ``origin``'s."""

    @property
    def is_active(self) -> bool:
        """Whether the version's newest event is a registration (F15)."""
        return self.newest > self.ended

    def is_at(self, commit: str) -> bool:
        """Return whether the version is registered at ``commit``."""
        if self.origin.commit == commit:
            return self.is_active
        return self._elsewhere is not None and self._elsewhere.get(commit, -1) > self.ended

    def register(self, index: int, event: Event) -> None:
        """Record a registration."""
        if self.first < 0:
            self.first = index
        elif self.origin.commit != event.commit:
            if self._elsewhere is None:
                self._elsewhere = {}
            self._elsewhere[self.origin.commit] = self.newest
        self.origin, self.newest = event, index

    def order(self) -> tuple[object, int]:
        """Return the sort key of F16: the precedence, then the index of the first registration."""
        return self.version.precedence, self.first


class _CommitRecord:
    """The record of the versions registered at one commit, in the replay."""

    __slots__ = ("_registered", "default")

    def __init__(self, first: _VersionRecord, registered: Iterable[_VersionRecord] = ()) -> None:
        self.default = first
        """The version registered last at this commit; before any is, the first that will be."""
        self._registered = list(registered)
        """The versions that may still be registered at it, in the order of registration."""

    def register(self, record: _VersionRecord) -> None:
        """Record a registration."""
        self.default = record
        self._registered.append(record)

    def current(self, commit: str) -> _VersionRecord:
        """Return the version of an assignment or unassignment at this commit, at present (F18).

        This is the last registered version of those that are still registered here; if none is,
        the last that was; if none was yet, the first that will be.
        """
        registered = self._registered
        while registered and not registered[-1].is_at(commit):
            registered.pop()
        return registered[-1] if registered else self.default


class _StageRecord:
    """The record of the assignments of one stage, in the replay."""

    __slots__ = ("assigned", "in_force")

    def __init__(self) -> None:
        self.in_force: dict[tuple[_VersionRecord | str, str], None] = {}
        """The assignments in force, oldest first: version or bare commit, and event's commit."""
        self.assigned: dict[str, list[_VersionRecord | str]] = {}
        """By commit: the versions that the stage was assigned to there, or the commit, in order."""

    def assign(self, key: _VersionRecord | str, commit: str) -> None:
        """Record an assignment as the newest."""
        pair = key, commit
        self.in_force.pop(pair, None)
        self.in_force[pair] = None
        if commit in self.assigned:
            self.assigned[commit].append(key)
        else:
            self.assigned[commit] = [key]

    def unassign(self, current: _VersionRecord | str, commit: str) -> _VersionRecord | str:
        """End the newest assignment in force at a commit.

        Args:
            current: the version or commit that an assignment at this commit would have.
            commit: the commit of the unassignment.

        Returns:
            The version or commit of the assignment; ``current`` if there is no assignment.
        """
        assigned = self.assigned.get(commit, [])
        while assigned and (assigned[-1], commit) not in self.in_force:
            assigned.pop()
        key = assigned.pop() if assigned else current
        self.in_force.pop((key, commit), None)
        return key


class _Replay:
    """The replay of one model's events: the records of its versions, commits and stages."""

    __slots__ = (
        "_commits",
        "_first_versions",
        "_model",
        "_rows",
        "_stages",
        "problems",
        "versions",
    )

    def __init__(self, model: str, rows: Sequence[EventRow]) -> None:
        """Initialize with the rows in the order of F13."""
        self.problems: list[Problem] = []
        self.versions: dict[SemVer, _VersionRecord] = {}
        self._model = model
        self._rows = rows
        self._commits: dict[str, _CommitRecord | _VersionRecord] = {}
        """By commit: the only version that was registered there, or the record of several."""
        self._stages: dict[str, _StageRecord] = {}
        self._first_versions: dict[str, SemVer] | None = None
        """By commit: the version that is registered there first, for stages assigned earlier."""

    def apply_all(self) -> tuple[Event, ...]:
        """Apply the rows in their order; return the events."""
        model, history = self._model, []
        for index, row in enumerate(self._rows):
            _, _, _, tag, (kind, version, stage, counter, _), commit, time, author, message = row
            if stage is not None:
                key = self._apply_stage(kind, tag, stage, commit)
                version = key.version if isinstance(key, _VersionRecord) else None
            event = Event(kind, model, version, stage, commit, tag, counter, time, author, message)
            history.append(event)
            if stage is not None or version is None:
                continue
            if kind is _REGISTRATION:
                self._register(index, event, version)
            elif version in self.versions:
                self.versions[version].ended = index
        return tuple(history)

    def _register(self, index: int, event: Event, version: SemVer) -> None:
        record = self.versions.get(version)
        if record is None:
            record = self.versions[version] = _VersionRecord(version, index, event)
        else:
            if record.is_active and record.origin.commit != event.commit:
                before = record.origin.commit[:7]
                message = f"{version} was already registered, at commit {before}"
                self._report(ProblemKind.VERSION_MOVED, event.tag, message)
            record.register(index, event)
        if self._commits.setdefault(event.commit, record) is not record:
            self._at_commit(event.commit).register(record)

    def _at_commit(self, commit: str) -> _CommitRecord:
        """Return the record of a commit where a version was registered."""
        found = self._commits[commit]
        if isinstance(found, _VersionRecord):
            found = self._commits[commit] = _CommitRecord(found, [found])
        return found

    def _apply_stage(
        self, kind: EventKind, tag: str, stage: str, commit: str
    ) -> _VersionRecord | str:
        """Apply an assignment or unassignment; return its version or commit."""
        stages = self._stages.get(stage)
        if stages is None:
            stages = self._stages[stage] = _StageRecord()
        current = self._current(commit)
        if kind is not _ASSIGNMENT:
            return stages.unassign(current, commit)
        if isinstance(current, str):
            message = f"stage {stage!r} was assigned to a commit that has no version"
            self._report(ProblemKind.UNVERSIONED_STAGE, tag, message)
        stages.assign(current, commit)
        return current

    def _current(self, commit: str) -> _VersionRecord | str:
        """Return the version of an assignment at a commit, at present; or the commit (F18)."""
        if commit in self._commits:
            return self._at_commit(commit).current(commit)
        version = self._first_version(commit)
        if version is None:
            return commit
        record = self.versions.setdefault(version, _VersionRecord(version))
        self._commits[commit] = _CommitRecord(record)
        return record

    def _first_version(self, commit: str) -> SemVer | None:
        """Return the first version that will be registered at a commit; None without one."""
        if self._first_versions is None:
            self._first_versions = {}
            for _, _, _, _, parts, commit_of_row, *_ in self._rows:
                if parts.kind is _REGISTRATION and parts.version is not None:
                    self._first_versions.setdefault(commit_of_row, parts.version)
        return self._first_versions.get(commit)

    def finish(self) -> None:
        """Release the data that is not needed after all rows were applied."""
        self._rows, self._first_versions, self._commits = (), None, {}
        for stage in self._stages.values():
            stage.assigned = {}

    def sorted_versions(self) -> list[_VersionRecord]:
        """Return all versions, greatest first (F16).

        Of versions of equal precedence, the one whose first registration is newest comes first.
        """
        return sorted(self.versions.values(), key=_VersionRecord.order, reverse=True)

    def stages(self) -> Iterator[tuple[str, tuple[VersionOrCommit, ...]]]:
        """Yield the stages with their assignments in force, newest first (F17)."""
        for stage in sorted(self._stages):
            in_force = [
                key if isinstance(key, str) else key.version
                for key, commit in reversed(self._stages[stage].in_force)
                if isinstance(key, str) or key.is_at(commit)
            ]
            if in_force:
                yield stage, tuple(dict.fromkeys(in_force))

    def _report(self, kind: ProblemKind, tag: str, message: str) -> None:
        self.problems.append(Problem(kind, tag, self._model, message))


def _shared_commits(history: Iterable[Event]) -> Iterator[Problem]:
    """Yield a problem for each version registered at a commit of another one (F12a).

    GTO may not be able to read them.
    """
    seen: dict[str, dict[SemVer | None, None]] = {}
    for event in history:
        if event.kind is not _REGISTRATION:
            continue
        versions = seen.setdefault(event.commit, {})
        if event.version not in versions and versions:
            message = (
                f"{next(iter(versions))} was registered at the same commit, {event.commit[:7]}: "
                "GTO cannot read that once a stage is assigned there"
            )
            yield Problem(ProblemKind.SHARED_COMMIT, event.tag, event.model, message)
        versions[event.version] = None


def _order_conflicts(history: Iterable[Event]) -> Iterator[Problem]:
    """Yield a problem for each event with a later time but a smaller counter than another event.

    Events of the same version, and events of the same stage, are compared.
    """
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
            yield Problem(ProblemKind.ORDER_CONFLICT, event.tag, event.model, message)
