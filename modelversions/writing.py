"""From an intent to a tag: what a verb writes, and what it refuses (rules F12 and F14)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

import attrs

from modelversions.errors import InvalidArgumentError, VersionExistsError
from modelversions.events import Event
from modelversions.identity import Identity
from modelversions.picture import Picture
from modelversions.semver import SemVer
from modelversions.stores.base import NewTag
from modelversions.tags import EventKind, TagName

_SECOND = timedelta(seconds=1)


@attrs.frozen
class Intent:
    """What somebody wants to record, before the present state has a say."""

    commit: str
    author: Identity
    message: str | None
    """The message, cleaned up; None for GTO's own."""
    now: datetime
    when: datetime | None
    """The time that the caller asks for; None for now, or as soon as takes effect."""


def registration(picture: Picture, model: str, version: SemVer, intent: Intent) -> NewTag:
    """Plan the registration of a version.

    Raises:
        VersionExistsError: it is registered, and was not deregistered.
        InvalidArgumentError: the time asked for is before the version's newest event.
    """
    holder = picture.state.holders.get(version)
    if holder is not None and holder.active:
        origin = holder.origin
        raise VersionExistsError(
            f"version '{version}' of model {model!r} is registered already, at commit "
            f"{origin.commit[:7]} since {origin.time:%Y-%m-%d %H:%M:%S %z}; register another "
            "version, or deregister this one first",
            model=model,
            version=str(version),
            commit=origin.commit,
            time=origin.time,
        )
    name = _free(picture, TagName(EventKind.REGISTRATION, model, version))
    superseded = [event for event in picture.state.history if event.version == version]
    return _new_tag(name, intent, superseded)


def event_of(tag: NewTag, version: SemVer | None) -> Event:
    """Return the event that a written tag stands for."""
    name = TagName.parse(tag.name)
    return Event(
        kind=name.kind,
        model=name.model,
        version=version,
        stage=name.stage,
        commit=tag.commit,
        tag=tag.name,
        counter=name.counter,
        time=tag.time,
        author=tag.author,
        message=tag.message.strip(),
    )


def check_time(when: datetime) -> datetime:
    """Return a caller's time as Git keeps it: whole seconds, an offset of whole minutes.

    Raises:
        InvalidArgumentError: it is naive, or before 1970.
    """
    offset = when.utcoffset()
    if offset is None:
        raise InvalidArgumentError(
            f"the time {when!r} has no time zone; give one, as in when.astimezone()",
            argument="when",
            value=when,
        )
    if when < datetime.fromtimestamp(0, timezone.utc):
        raise InvalidArgumentError(
            f"the time {when} is before 1970, which Git cannot keep; give a later one",
            argument="when",
            value=when,
        )
    zone = timezone(timedelta(minutes=offset // timedelta(minutes=1)))
    return when.astimezone(zone).replace(microsecond=0)


def _new_tag(name: TagName, intent: Intent, superseded: Iterable[Event]) -> NewTag:
    return NewTag(
        name=str(name),
        commit=intent.commit,
        message=intent.message or f"{name.message()}\n",
        author=intent.author,
        time=_effective(intent, superseded),
    )


def _effective(intent: Intent, superseded: Iterable[Event]) -> datetime:
    """Return the first time from now on at which the write takes effect (F14)."""
    newest = max((event.time for event in superseded), default=None)
    if intent.when is None:
        now = check_time(intent.now)
        return now if newest is None else max(now, (newest + _SECOND).astimezone(now.tzinfo))
    if newest is not None and intent.when <= newest:
        raise InvalidArgumentError(
            f"at {intent.when} this would be without effect: what it must supersede happened at "
            f"{newest}; give a later time, or none",
            argument="when",
            value=intent.when,
        )
    return intent.when


def _free(picture: Picture, name: TagName) -> TagName:
    """Give a name that is taken the next counter (F12)."""
    taken = {ref.name for _, ref in picture.tags}
    return attrs.evolve(name, counter=_next_counter(picture)) if str(name) in taken else name


def _next_counter(picture: Picture) -> int:
    """Return one more than the highest counter on any tag of the model (F12)."""
    return max((name.counter or 0 for name, _ in picture.tags), default=0) + 1
