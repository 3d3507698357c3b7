"""Events: what a tag records about a model, and their order (F13)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import attrs

from modelversions.errors import InvalidArgumentError
from modelversions.json_types import SCHEMA, record
from modelversions.values.identity import Identity
from modelversions.values.semver import SemVer
from modelversions.values.sequences import ValueTuple
from modelversions.values.tag_name import EventKind, TagName

MAX_TIMESTAMP = 253402214400
"""The last day of the year 9999: earlier times fit into a datetime in any time zone."""

EPOCH = datetime.fromtimestamp(0, timezone.utc)
RANK = {kind: rank for rank, kind in enumerate(EventKind)}
"""The position of each kind in the order of F13."""


@attrs.frozen(repr=False)
class Event:
    """One event of a model, recorded by one annotated tag."""

    kind: EventKind
    model: str
    version: SemVer | None
    """The version; None for a deprecation, and for a stage of a bare commit (F18)."""
    stage: str | None
    commit: str
    """The full SHA of the commit that the tag peels to (F9)."""
    tag: str
    """The tag's name, without ``refs/tags/``."""
    counter: int | None
    time: datetime
    """The tagger's time: aware, in whole seconds, with the tagger's UTC offset (F10)."""
    author: Identity | None
    """The tagger; None if the tag has none."""
    message: str

    @property
    def order(self) -> tuple[timedelta, int, int, str]:
        """The key of F13: time since 1970, counter (none first), kind, name."""
        counter = -1 if self.counter is None else self.counter
        return self.time - EPOCH, counter, RANK[self.kind], self.tag

    def to_dict(self) -> dict[str, object]:
        """Return the event as JSON types; ``from_dict`` is the inverse."""
        fields = attrs.asdict(self, recurse=False)
        return record(**{**fields, "version": self.version and str(self.version)})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Event:
        """Return the event of a dictionary from ``to_dict``.

        Raises:
            InvalidArgumentError: a field is missing or invalid.
        """
        try:
            return _event_of(data)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidArgumentError(
                f"this is not the dictionary of an event: {error!r}; pass one from to_dict()",
                argument="data",
                value=data,
            ) from error

    def __str__(self) -> str:
        """Return one line with time, kind, stage, model and version."""
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

    def __rich_repr__(self) -> Iterator[object]:
        """Yield the fields for ``rich``, as JSON types."""
        fields = self.to_dict()
        yield from ((name, fields[name]) for name in fields if name != "schema")

    def _repr_html_(self) -> str:
        """Return the event as HTML, for a notebook."""
        from modelversions.display.details import event_html

        return event_html(self)


class Events(ValueTuple[Event]):
    """Events, oldest first: a tuple that is displayed as a table."""

    def to_records(self) -> list[dict[str, object]]:
        """Return a row of flat values for each event, as ``to_records("history")``."""
        from modelversions.display.records import event_record

        return [event_record(event) for event in self]

    def __str__(self) -> str:
        """Return a table of the events."""
        from modelversions.display.tables import event_table

        return event_table(self).text()

    def _repr_html_(self) -> str:
        """Return the table as HTML, for a notebook."""
        from modelversions.display.sequences import events_html

        return events_html(self, self._pages)


def _event_of(data: Mapping[str, Any]) -> Event:
    """Return the event of a dictionary; the error for an invalid one contains the reason."""
    if data.get("schema", SCHEMA) != SCHEMA:
        raise ValueError(f"its schema is {data['schema']!r}, not {SCHEMA}")
    name, author = TagName.parse(data["tag"]), data["author"]
    version = None if data["version"] is None else SemVer.parse(data["version"])
    for field in ("kind", "model", "stage", "counter"):
        if data[field] != getattr(name, field):
            raise ValueError(f"{field} is {data[field]!r}, but the tag is {data['tag']!r}")
    is_named = name.kind is EventKind.DEPRECATION or name.version is not None
    if is_named and version != name.version:
        raise ValueError(f"version is {data['version']!r}, but the tag is {data['tag']!r}")
    time = datetime.fromisoformat(data["time"])
    stored = check_time(time, "time")
    if (stored, stored.utcoffset()) != (time, time.utcoffset()):
        raise ValueError(f"a tag cannot have the time {time}; it must be in whole seconds")
    return Event(
        kind=name.kind,
        model=name.model,
        version=version,
        stage=name.stage,
        commit=_matching(_ID, data["commit"]),
        tag=str(name),
        counter=name.counter,
        time=time,
        author=None
        if author is None
        else Identity(_matching(_TEXT, author["name"]), _matching(_TEXT, author["email"])),
        message=_matching(_TEXT, data["message"]),
    )


_ID = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_TEXT = re.compile(".*", re.DOTALL)


def _matching(pattern: re.Pattern[str], text: object) -> str:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ValueError(f"{text!r} does not match {pattern.pattern!r}")
    return text


def check_time(when: datetime, argument: str = "when") -> datetime:
    """Return a time as Git stores it: in whole seconds, with a UTC offset in whole minutes.

    Raises:
        InvalidArgumentError: it is naive, before 1970 or after the year 9999.
    """
    offset = check_aware(when, argument)
    seconds = (when - EPOCH) // timedelta(seconds=1)
    if not 0 <= seconds < MAX_TIMESTAMP:
        bound = "before 1970" if seconds < 0 else "past the year 9999"
        raise InvalidArgumentError(
            f"the time {when} is {bound}, which a Git tag cannot store; pass another time",
            argument=argument,
            value=when,
        )
    minutes = abs(offset) // timedelta(minutes=1) * (-1 if offset < timedelta() else 1)
    return datetime.fromtimestamp(int(seconds), timezone(timedelta(minutes=minutes)))


_EXAMPLE = "datetime(2026, 11, 1, tzinfo=timezone.utc)"


def check_aware(when: datetime, argument: str, others: str = "") -> timedelta:
    """Return the UTC offset of a time.

    Args:
        when: the time.
        argument: the name of the argument, for the message.
        others: the other types that are accepted, for the message: ``", or an Event"``.

    Raises:
        InvalidArgumentError: it is naive, or not a datetime.
    """
    try:
        offset = when.utcoffset() if isinstance(when, datetime) else None
    except Exception as error:  # raised by a custom time zone
        raise InvalidArgumentError(
            f"the time zone of {argument} raises {error!r}; pass a time in UTC",
            argument=argument,
            value=None,
        ) from error
    if offset is None:
        example = f"{argument}.astimezone()" if type(when) is datetime else _EXAMPLE
        raise InvalidArgumentError(
            f"{argument} must be a datetime with a time zone, such as {example}{others}, "
            f"not {when!r}",
            argument=argument,
            value=when,
        )
    return offset
