"""Events: what one tag says happened to a model, and the order that they happened in (F13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone

import attrs

from modelversions.errors import InvalidArgumentError
from modelversions.identity import Identity
from modelversions.problems import Problem, ProblemKind
from modelversions.semver import SemVer
from modelversions.stores.base import END, TagObject, TagRef
from modelversions.tags import EventKind, TagName

NamedTag = tuple[TagName, TagRef]
"""A tag whose name is an event's: what the name says, and the ref."""

_EPOCH = datetime.fromtimestamp(0, timezone.utc)
_RANK = {kind: rank for rank, kind in enumerate(EventKind)}


@attrs.frozen(repr=False)
class Event:
    """One event in a model's life: one annotated tag."""

    kind: EventKind
    model: str
    version: SemVer | None
    """The version that it is about; None for a deprecation, and for a stage on a bare commit."""
    stage: str | None
    commit: str
    """The full SHA of the commit at the bottom of the tag (F9)."""
    tag: str
    """The tag's name, without ``refs/tags/``."""
    counter: int | None
    time: datetime
    """When the tag was made: aware, in whole seconds, with the tagger's own offset (F10)."""
    author: Identity | None
    """The tagger; None where the tag names none."""
    message: str

    @property
    def order(self) -> tuple[float, int, int, str]:
        """The key of F13: time, counter (none first), kind, name."""
        counter = -1 if self.counter is None else self.counter
        return (self.time.timestamp(), counter, _RANK[self.kind], self.tag)

    def about(self, version: SemVer | None) -> Event:
        """Return the event with the version that it turned out to be about (F18)."""
        return Event(
            self.kind,
            self.model,
            version,
            self.stage,
            self.commit,
            self.tag,
            self.counter,
            self.time,
            self.author,
            self.message,
        )

    def __str__(self) -> str:
        """Return one line: when, what, to what."""
        version = self.version or ("" if self.stage is None else f"commit {self.commit[:7]}")
        about = f"{self.model} {version}".rstrip()
        stage = "" if self.stage is None else f" {self.stage}"
        return f"{self.time:%Y-%m-%d %H:%M:%S%z} {self.kind}{stage} {about}"

    def __repr__(self) -> str:
        """Return the same line."""
        return f"<Event {self}>"

    def __format__(self, spec: str) -> str:
        """Format ``str()``, for columns."""
        return format(str(self), spec)


def named(refs: Iterable[TagRef]) -> list[NamedTag]:
    """Return the tags whose names are an event's, with what the names say."""
    return [(name, ref) for ref in refs if (name := TagName.try_parse(ref.name)) is not None]


def read_events(
    tags: Iterable[NamedTag], objects: Mapping[str, TagObject]
) -> tuple[list[Event], list[Problem]]:
    """Turn named tags and what their objects say into events, and into what is odd about them."""
    events: list[Event] = []
    problems: list[Problem] = []
    for name, ref in tags:
        found = objects[ref.id]
        if found.flaws or found.name != ref.name:
            problems += _problems(name, ref, found)
        if found.commit is None or found.time is None:
            continue
        events.append(
            Event(
                name.kind,
                name.model,
                name.version,
                name.stage,
                found.commit,
                ref.name,
                name.counter,
                found.time,
                found.author,
                found.message,
            )
        )
    return events, problems


def _problems(name: TagName, ref: TagRef, found: TagObject) -> list[Problem]:
    flaws = list(found.flaws)
    if found.commit is not None and found.name != ref.name:
        sentence = f"the tag object bears the name {found.name!r}; the ref's name counts"
        flaws.append((ProblemKind.NAME_MISMATCH, sentence))
    return [Problem(kind, ref.name, name.model, sentence) for kind, sentence in flaws]


def check_time(when: datetime, argument: str = "when") -> datetime:
    """Return a time as Git keeps it: whole seconds, an offset of whole minutes.

    Raises:
        InvalidArgumentError: it is naive, before 1970, or so late that nobody could read it.
    """
    offset = check_aware(when, argument)
    seconds = (when - _EPOCH) // timedelta(seconds=1)
    if not 0 <= seconds < END:
        bound = "before 1970" if seconds < 0 else "past the year 9999"
        raise InvalidArgumentError(
            f"the time {when} is {bound}, which Git's tags do not hold; give another one",
            argument=argument,
            value=when,
        )
    minutes = abs(offset) // timedelta(minutes=1) * (-1 if offset < timedelta() else 1)
    return datetime.fromtimestamp(int(seconds), timezone(timedelta(minutes=minutes)))


def check_aware(when: datetime, argument: str) -> timedelta:
    """Return the offset of a time.

    Raises:
        InvalidArgumentError: it has none.
    """
    offset = when.utcoffset() if isinstance(when, datetime) else None
    if offset is None:
        raise InvalidArgumentError(
            f"the time {when!r} must be a datetime with a time zone, such as when.astimezone()",
            argument=argument,
            value=when,
        )
    return offset
