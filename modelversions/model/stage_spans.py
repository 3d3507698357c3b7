"""The spans of time during which versions held the stages of a model (F17)."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from modelversions.model.state import VersionOrCommit
from modelversions.values.event import Event
from modelversions.values.semver import SemVer
from modelversions.values.tag_name import EventKind


class StageSpan(NamedTuple):
    """A span of time during which a version or a bare commit held a stage."""

    start: datetime
    stage: str
    holder: VersionOrCommit
    end: datetime | None
    """None if it still holds the stage."""


def stage_spans(history: Iterable[Event]) -> list[StageSpan]:
    """Return the spans of all stages, sorted by start.

    A stage assigned to a commit is held by the bare commit until a version is registered there.
    Times are those of the events: spans of less than a second are omitted.

    Args:
        history: the events of one model, in their order (F13).
    """
    stages = _Stages()
    current: dict[str, tuple[datetime, VersionOrCommit]] = {}
    spans: list[StageSpan] = []
    for time, events in itertools.groupby(history, key=lambda event: event.time):
        changed = {stage for event in events for stage in stages.apply(event)}
        for stage in changed:
            start, before = current.pop(stage, (time, None))
            holder = stages.holder(stage)
            if holder is not None:
                current[stage] = (start if holder == before else time), holder
            if before is not None and holder != before:
                spans.append(StageSpan(start, stage, before, time))
    spans += [StageSpan(start, stage, holder, None) for stage, (start, holder) in current.items()]
    return sorted(spans, key=lambda span: span[:2])


class _Stages:
    """The assignments in force of all stages, and the registrations that they depend on."""

    def __init__(self) -> None:
        self._stages: dict[str, _Assignments] = {}
        self._registered: dict[SemVer, dict[str, int]] = {}
        """By version and commit: the index of the newest registration."""
        self._ended: dict[SemVer, int] = {}
        """By version: the index of the newest deregistration."""
        self._versioned: set[str] = set()
        """The commits where a version was ever registered."""
        self._index = 0
        self._of: dict[VersionOrCommit, set[str]] = {}
        """The stages that were ever assigned to a version, and at a commit."""

    def apply(self, event: Event) -> Sequence[str]:
        """Apply an event; return the stages whose holders may have changed."""
        self._index += 1
        if event.stage is not None:
            self._apply_stage(event.stage, event)
            return [event.stage]
        if event.version is None:
            return []
        if event.kind is EventKind.REGISTRATION:
            self._registered.setdefault(event.version, {})[event.commit] = self._index
            self._versioned.add(event.commit)
        else:
            self._ended[event.version] = self._index
        affected = self._of.get(event.version, set()) | self._of.get(event.commit, set())
        for stage in affected:
            self._stages[stage].renew(event.version)
        return list(affected)

    def _apply_stage(self, stage: str, event: Event) -> None:
        key = event.version or event.commit, event.commit
        for version_or_commit in key:
            self._of.setdefault(version_or_commit, set()).add(stage)
        assignments = self._stages.setdefault(stage, _Assignments())
        if event.kind is EventKind.ASSIGNMENT:
            assignments.add(key, self._index)
        else:
            assignments.remove(key)

    def holder(self, stage: str) -> VersionOrCommit | None:
        """Return the version or bare commit that holds a stage."""
        for key, commit in self._stages[stage].newest_first():
            if commit not in self._versioned:
                return commit
            if isinstance(key, str) or self._is_at(key, commit):
                return key
        return None

    def _is_at(self, version: SemVer, commit: str) -> bool:
        """Return whether a version is registered at a commit."""
        newest = self._registered.get(version, {}).get(commit, -1)
        return newest > self._ended.get(version, -1)


_Key = tuple[VersionOrCommit, str]
"""The version or commit that a stage is assigned to, and the commit of the assignment."""


class _Assignments:
    """The assignments in force of one stage.

    Those that cannot hold the stage at present, because their version is not registered, are moved
    from the heap to a separate collection.
    """

    def __init__(self) -> None:
        self._indices: dict[_Key, int] = {}
        self._heap: list[tuple[int, _Key]] = []
        self._suspended: dict[VersionOrCommit, list[tuple[int, _Key]]] = {}

    def add(self, key: _Key, index: int) -> None:
        """Add an assignment as the newest."""
        self._indices[key] = index
        heapq.heappush(self._heap, (-index, key))

    def remove(self, key: _Key) -> None:
        """Remove an assignment, if it is in force."""
        self._indices.pop(key, None)

    def renew(self, version: SemVer) -> None:
        """Include the assignments to a version again, because its registration has changed."""
        for entry in self._suspended.pop(version, ()):
            heapq.heappush(self._heap, entry)

    def newest_first(self) -> Iterator[_Key]:
        """Yield the assignments; each one is suspended when the next is requested."""
        while self._heap:
            index, key = self._heap[0]
            if self._indices.get(key) == -index:
                yield key
                self._suspended.setdefault(key[0], []).append((index, key))
            heapq.heappop(self._heap)
