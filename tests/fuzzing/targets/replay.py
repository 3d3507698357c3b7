"""The replay: events in any order, compared with a direct implementation of F13 to F20."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

import attrs

from modelversions.model.state import EventRow, ModelState, replay
from modelversions.values.event import RANK
from modelversions.values.semver import SemVer
from modelversions.values.tag_name import EventKind, NameParts, TagName
from tests.fuzzing.scratch import Reader

MODULES = ("modelversions.model.state",)
_KINDS = tuple(EventKind)
_VERSIONS = tuple(
    map(SemVer.parse, ("v1.0.0", "v1.0.0+b", "v2.0.0-rc.1", "v2.0.0", "v10.0.0", "v1.0.0-1"))
)
_STAGES = ("dev", "prod", "latest")
_COMMITS = tuple(digit * 40 for digit in "abcd")
Key = SemVer | str


@attrs.frozen
class _Event:
    """The data of an event in its tag."""

    kind: EventKind
    version: SemVer | None
    stage: str | None
    commit: str
    time: int
    counter: int | None

    @property
    def tag(self) -> str:
        return str(TagName(self.kind, "m", self.version, self.stage, self.counter))

    @property
    def order(self) -> tuple[int, int, int, str]:
        return self.time, -1 if self.counter is None else self.counter, RANK[self.kind], self.tag

    @property
    def row(self) -> EventRow:
        time = datetime.fromtimestamp(self.time, timezone.utc)
        parts = NameParts(self.kind, self.version, self.stage, self.counter, 0)
        return *self.order, parts, self.commit, time, None, ""


class RandomHistory:
    """Random histories of any length."""

    def __init__(self, seed: int) -> None:
        """Initialize with a seed."""
        self._rng = random.Random(seed)  # noqa: S311  # reproducible

    def rows(self, count: int) -> list[EventRow]:
        """Return this number of events, one second apart."""
        draw = self._rng.choice
        found = []
        for number in range(count):
            kind = draw(_KINDS)
            version = draw(_VERSIONS) if kind.is_about_a_version else None
            stage = draw(_STAGES) if kind.is_about_a_stage else None
            found.append(_Event(kind, version, stage, draw(_COMMITS), number, number).row)
        return found


def seeds() -> Iterator[bytes]:
    """Yield some random histories."""
    chance = random.Random(1)  # noqa: S311
    for count in range(1, 40):
        yield chance.randbytes(3 * count)


def check(data: bytes) -> None:
    """Replay events of three bytes each, and compare."""
    events = _events(Reader(data))
    state = replay("m", [event.row for event in events])
    events.sort(key=lambda event: event.order)
    expected = _Naive(events)
    assert [event.tag for event in state.history] == [event.tag for event in events]
    assert {one.key: one.origin.tag for one in state.versions} == expected.registered()
    assert set(state.active) == {one for one in expected.versions if expected.is_active(one)}
    assert [one.key for one in state.versions] == expected.in_order()
    assert {stage: keys[0] for stage, keys in state.stages.items()} == expected.holders()
    assert {stage: list(keys) for stage, keys in state.stages.items()} == expected.in_force()
    assert [event.version for event in state.history] == expected.about
    assert state.deprecated is (bool(events) and events[-1].kind is EventKind.DEPRECATION)
    active = [one for one in expected.in_order() if expected.is_active(one)]
    assert (state.latest.version if state.latest else None) == (active[0] if active else None)
    _check_rest(state)


def _check_rest(state: ModelState) -> None:
    for stage, (key, event) in state.holders.items():
        assert stage in state.by_key[key].stages
        assert event in state.by_key[key].history or isinstance(key, str)
    tags = {event.tag for event in state.history}
    assert all(problem.tag in tags for problem in state.problems)


def _events(reader: Reader) -> list[_Event]:
    found: dict[str, _Event] = {}
    while not reader.is_at_end and len(found) < 64:
        first, second, third = reader.byte(), reader.byte(), reader.byte()
        kind = _KINDS[first % len(_KINDS)]
        subject = first // len(_KINDS)
        event = _Event(
            kind,
            _VERSIONS[subject % len(_VERSIONS)] if kind.is_about_a_version else None,
            _STAGES[subject % len(_STAGES)] if kind.is_about_a_stage else None,
            _COMMITS[second % len(_COMMITS)],
            third % 32,
            None if second & 128 else second // 4,
        )
        found.setdefault(event.tag, event)
    return list(found.values())


class _Naive:
    """The state after a history, computed from all earlier events for each event."""

    def __init__(self, events: Sequence[_Event]) -> None:
        self.events = events
        self.versions = list(
            dict.fromkeys(one.version for one in events if one.version and one.kind is _KINDS[0])
        )
        self.about: list[SemVer | None] = []
        """The version of each event (F18)."""
        self._ended: dict[int, int] = {}
        """The unassignment that ends each assignment."""
        for index, event in enumerate(events):
            self.about.append(self._about(index, event))

    def registered(self) -> dict[SemVer, str]:
        """Return the newest registration of each version (F15.2)."""
        return {
            one.version: one.tag for one in self.events if one.version and one.kind == _KINDS[0]
        }

    def is_active(self, version: SemVer) -> bool:
        """Return whether the newest event of a version is a registration (F15.1)."""
        own = [one for one in self.events if one.version == version]
        return own[-1].kind is EventKind.REGISTRATION

    def in_order(self) -> list[SemVer]:
        """Return the versions, the greatest first (F16)."""
        first = {version: number for number, version in enumerate(self.versions)}
        return sorted(self.versions, key=lambda one: (one.precedence, first[one]), reverse=True)

    def in_force(self) -> dict[str, list[Key]]:
        """Return what each stage is assigned to, the newest first (F17)."""
        found: dict[str, dict[Key, None]] = {}
        for index in range(len(self.events) - 1, -1, -1):
            event = self.events[index]
            if event.kind is EventKind.ASSIGNMENT and self._holds(index, len(self.events)):
                found.setdefault(str(event.stage), {})[self._key(index)] = None
        return {stage: list(found[stage]) for stage in sorted(found)}

    def holders(self) -> dict[str, Key]:
        return {stage: keys[0] for stage, keys in self.in_force().items()}

    def _key(self, index: int) -> Key:
        return self.about[index] or self.events[index].commit

    def _is_at(self, version: SemVer, commit: str, end: int) -> bool:
        """Return whether a version is registered at a commit, before an index (F17.3)."""
        newest = ended = -1
        for index, event in enumerate(self.events[:end]):
            if event.version == version and event.kind is EventKind.DEREGISTRATION:
                ended = index
            elif event.version == version and event.commit == commit:
                newest = index
        return newest > ended

    def _registrations(self, commit: str) -> list[tuple[int, SemVer]]:
        return [
            (index, event.version)
            for index, event in enumerate(self.events)
            if event.kind is EventKind.REGISTRATION and event.commit == commit and event.version
        ]

    def _current(self, commit: str, end: int) -> SemVer | None:
        """Return the version that an assignment at a commit is about (F18.1 to F18.4)."""
        every = self._registrations(commit)
        before = [version for index, version in every if index < end]
        still = [version for version in before if self._is_at(version, commit, end)]
        later = [version for index, version in every if index >= end]
        return next(
            (group[at] for group, at in ((still, -1), (before, -1), (later, 0)) if group), None
        )

    def _holds(self, index: int, end: int) -> bool:
        """Return whether an assignment is in force, before an index (F17.2, F17.3)."""
        if self._ended.get(index, end) < end:
            return False
        version, commit = self.about[index], self.events[index].commit
        return version is None or self._is_at(version, commit, end)

    def _about(self, index: int, event: _Event) -> SemVer | None:
        if event.stage is None:
            return event.version
        current = self._current(event.commit, index)
        if event.kind is EventKind.ASSIGNMENT:
            return current
        same = [
            at
            for at in range(index)
            if self.events[at].kind is EventKind.ASSIGNMENT
            and self.events[at].stage == event.stage
            and self.events[at].commit == event.commit
            and at not in self._ended
        ]
        key = self.about[same[-1]] if same else current
        for at in same:
            if self.about[at] == key:
                self._ended[at] = index
        return key
