"""Write events: plan them from the current state, create the tags, retry after conflicts."""

from __future__ import annotations

import logging
import reprlib
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
from modelversions.git.store import MAX_MESSAGE, SIGNATURES, NewTag, Store
from modelversions.json_types import encodable
from modelversions.model.snapshot import SnapshotCache
from modelversions.values.arguments import Clock, check_flag
from modelversions.values.event import Event, check_time
from modelversions.values.identity import Identity
from modelversions.values.tag_name import TagName
from modelversions.write.plan import ModelContext, WriteRequest

Planner = Callable[[ModelContext, WriteRequest], Sequence[Event]]
"""Returns the events to write for a request in a context, or raises a refusal."""

EventCheck = Callable[[Event], None]
"""Raises an error if an event may not be written."""

_SKEW = timedelta(minutes=1)
_LOG = logging.getLogger(__name__)


@attrs.frozen
class WriteOptions:
    """The keyword arguments of one call of a method that writes, as values: see ``Registry``."""

    message: str | None
    author: Identity | None
    when: datetime | None
    force: bool
    sign: bool | str | None
    dry_run: bool
    push: object
    """True, or a remote; the registry pushes."""


class Writer:
    """Writes the events of a store's models."""

    def __init__(
        self,
        store: Store,
        snapshots: SnapshotCache,
        author: Identity | None = None,
        clock: Clock | None = None,
        check: EventCheck = lambda _: None,
    ) -> None:
        """Initialize with a repository and the snapshots of its models.

        Args:
            store: the repository.
            snapshots: the snapshots of its models.
            author: the default author. Default: the identity in Git's configuration.
            clock: returns the present time as an aware datetime. Default: the system's clock.
            check: is called with each event before any is written; it raises to refuse it.
        """
        self._store = store
        self._snapshots = snapshots
        self._author = author
        self._clock = clock or _now
        self._check = check

    def write(self, model: str, options: WriteOptions, plan: Planner) -> Sequence[Event]:
        """Plan and write events and return them; after a concurrent write, plan again.

        Raises:
            RefusedError: the write conflicts with the current state.
            ObjectMissingError: a relevant tag cannot be read.
            WriteConflictError: Git cannot create a tag; nothing was changed.
        """
        request = self._request(options)
        while True:
            snapshot = self._snapshots.one(model)
            names = tuple(TagName.parse(ref.name) for _, ref in snapshot.tags)
            context = ModelContext(model, names, snapshot.state, snapshot.unreadable)
            events = plan(context, request)
            for event in events:
                self._check(event)
            try:
                self._put(events, request, options)
            except TagExistsError as error:
                if any(ref.name == error.tag for ref in self._store.tags([error.tag])):
                    _LOG.debug("the tag %r exists; planning again", error.tag)
                    continue  # it was created concurrently
                raise
            ahead = max(event.time for event in events) - request.now
            if ahead > _SKEW and request.when is None:
                ahead_of = f"{events[-1].tag!r} is dated {ahead} ahead of this clock"
                warnings.warn(
                    f"{ahead_of}, to be after the event that it supersedes; check the clocks",
                    ClockSkewWarning,
                    stacklevel=4,
                )
            return events

    def _put(self, events: Sequence[Event], request: WriteRequest, options: WriteOptions) -> None:
        """Create the tags; for a dry run, check that they can be created."""
        if options.dry_run:
            for event in events:
                self._store.check_tag_name(event.tag)
            return
        self._store.create(
            [
                NewTag(
                    name=event.tag,
                    commit=event.commit,
                    message=request.message or f"{event.message}\n",
                    author=request.author,
                    time=event.time,
                    sign=options.sign,
                )
                for event in events
            ]
        )
        for event in events:
            _LOG.info(
                "created the tag %r at %s in %r", event.tag, event.commit, self._store.location
            )

    def _request(self, options: WriteOptions) -> WriteRequest:
        check_flag("force", options.force)
        check_flag("dry_run", options.dry_run)
        sign = options.sign
        is_key = isinstance(sign, str) and sign and sign == encodable(sign)
        if not (sign is None or isinstance(sign, bool) or is_key):
            raise InvalidArgumentError(
                f"sign must be True, False, the name of a key, or None, not {sign!r}",
                argument="sign",
                value=sign,
            )
        author = self._author if options.author is None else options.author
        if author is None:
            author = Identity.from_git(self._store.config)
        else:
            check_author(author)
        return WriteRequest(
            author=author,
            message=None if options.message is None else self._clean_message(options.message),
            now=check_time(self._clock(), "clock"),
            when=None if options.when is None else check_time(options.when),
            force=options.force,
        )

    def _clean_message(self, message: str) -> str:
        """Clean up a message as Git does.

        Raises:
            InvalidArgumentError: it is not text, is empty then, or cannot be stored or read back.
        """
        cleaned = self._store.clean_message(message) if isinstance(message, str) else ""
        defect = ""
        if not isinstance(message, str):
            defect = "is not text"
        elif not cleaned:
            defect = "is empty after Git's cleanup"
        elif "\0" in cleaned:
            defect = "contains a NUL"
        elif any(f"\n-----BEGIN {kind}-----" in f"\n{cleaned}" for kind in SIGNATURES):
            defect = "contains a line that begins a signature, and would be cut there"
        elif len(cleaned.encode(errors="replace")) > MAX_MESSAGE:
            defect = f"has more than {MAX_MESSAGE} bytes, and the rest would not be read"
        elif cleaned.encode(errors="replace") != cleaned.encode(errors="surrogatepass"):
            defect = "cannot be encoded as UTF-8"
        if defect:
            raise InvalidArgumentError(
                f"the message {reprlib.repr(message)} {defect}; pass another one, or omit it for "
                "the default",
                argument="message",
                value=message,
            )
        return cleaned


def _now() -> datetime:
    return datetime.now().astimezone()


def check_author(author: object) -> None:
    """Check that an argument is an identity that Git can store.

    Raises:
        IdentityError: it is not.
    """
    if not isinstance(author, Identity):  # callers may not use a type checker
        raise IdentityError(
            f"the author must be an Identity, such as Identity('Ann', 'ann@example.com'), not "
            f"{author!r}",
            text=str(author),
        )
    author.checked()
