"""Writing: who and when, the build_event against the present state, and one try after another."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import attrs

from modelversions.errors import (
    ClockSkewWarning,
    IdentityError,
    InvalidArgumentError,
    TagExistsError,
)
from modelversions.git.store import SIGNATURES, NewTag, Store
from modelversions.model.snapshot import SnapshotCache
from modelversions.values.event import Event, check_time
from modelversions.values.identity import Identity
from modelversions.values.tag_name import TagName
from modelversions.write.plan import ModelContext, WriteRequest

Planner = Callable[[ModelContext, WriteRequest], Sequence[Event]]
"""Makes of a situation and an intent the events to write, or refuses."""

_SKEW = timedelta(minutes=1)


@attrs.frozen
class WriteOptions:
    """What all verbs take: see ``Registry``."""

    message: str | None
    author: Identity | None
    when: datetime | None
    force: bool
    sign: bool | str | None
    dry_run: bool
    push: bool | str


class Writer:
    """Writes to a store what is planned for one of its models."""

    def __init__(self, store: Store, snapshots: SnapshotCache) -> None:
        """Planner with the snapshots of models, and write to the store."""
        self._store = store
        self._snapshots = snapshots

    def write(self, model: str, options: WriteOptions, build_event: Planner) -> Sequence[Event]:
        """Planner and write, again where another writer was faster; return the events.

        Raises:
            RefusedError: the build_event is refused, by the state that is there now.
            ObjectMissingError: a tag that matters cannot be read.
            WriteConflictError: Git cannot create a tag; nothing has changed.
        """
        intent = self._intent(options)
        while True:
            snapshot = self._snapshots.one(model)
            names = tuple(TagName.parse(tag.ref.name) for tag in snapshot.tags)
            now = ModelContext(model, names, snapshot.state, snapshot.unreadable)
            events = build_event(now, intent)
            try:
                self._put(events, intent, options)
            except TagExistsError as error:
                if any(ref.name == error.tag for ref in self._store.tags([error.tag])):
                    continue  # somebody was faster: look again, and say what there is now
                raise
            ahead = max(event.time for event in events) - intent.now
            if ahead > _SKEW and intent.when is None:
                sentence = f"{events[-1].tag!r} is dated {ahead} ahead of this clock"
                warnings.warn(
                    f"{sentence}, after what it supersedes: set the clocks right",
                    ClockSkewWarning,
                    stacklevel=4,
                )
            return events

    def _put(self, events: Sequence[Event], intent: WriteRequest, options: WriteOptions) -> None:
        """Create the tags; for a dry run, see whether they could be."""
        if options.dry_run:
            for event in events:
                self._store.check_tag_name(event.tag)
            return
        self._store.create(
            [
                NewTag(
                    name=event.tag,
                    commit=event.commit,
                    message=intent.message or f"{event.message}\n",
                    author=intent.author,
                    time=event.time,
                    sign=options.sign,
                )
                for event in events
            ]
        )

    def _intent(self, options: WriteOptions) -> WriteRequest:
        sign = options.sign
        if not (sign is None or isinstance(sign, bool) or (isinstance(sign, str) and sign)):
            raise InvalidArgumentError(
                f"sign must be True, False, the name of a key, or None, not {sign!r}",
                argument="sign",
                value=sign,
            )
        author = options.author
        if author is None:
            author = Identity.from_git(self._store.config)
        elif not isinstance(author, Identity):  # a caller without a type checker
            raise IdentityError(
                f"the author must be an Identity, such as Identity('Ann', 'ann@example.com'), not "
                f"{author!r}",
                text=str(author),
            )
        else:
            author.checked()
        return WriteRequest(
            author=author,
            message=None if options.message is None else self._cleaned(options.message),
            now=check_time(datetime.now().astimezone()),
            when=None if options.when is None else check_time(options.when),
            force=options.force,
        )

    def _cleaned(self, message: str) -> str:
        """Clean a message up as Git does.

        Raises:
            InvalidArgumentError: nothing is left of it, or Git cannot keep it.
        """
        cleaned = self._store.clean_message(message) if isinstance(message, str) else ""
        what = ""
        if not isinstance(message, str):
            what = "is no text"
        elif not cleaned:
            what = "is empty, once Git has cleaned it up"
        elif "\0" in cleaned:
            what = "holds a NUL"
        elif any(f"\n-----BEGIN {kind}-----" in f"\n{cleaned}" for kind in SIGNATURES):
            what = "holds a line with which a signature begins, and would be cut there"
        elif cleaned.encode(errors="replace") != cleaned.encode(errors="surrogatepass"):
            what = "cannot be encoded as UTF-8"
        if what:
            raise InvalidArgumentError(
                f"the message {message!r} {what}; write one, or leave it out for the usual one",
                argument="message",
                value=message,
            )
        return cleaned
