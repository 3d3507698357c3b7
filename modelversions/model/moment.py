"""A store as it was at a moment: with the tags whose own times are not later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import attrs

from modelversions.git.store import Commit, FileAt, ReadStore, TagObject, TagRef
from modelversions.values.event import RANK, Event
from modelversions.values.sequences import FindPages
from modelversions.values.tag_name import TagName


@attrs.frozen
class Moment:
    """A time, or the position of an event in the history (F13)."""

    time: datetime
    event: Event | None = None
    """The last event that is included; if None, all events of that second are."""

    def includes(self, name: str, time: datetime) -> bool:
        """Return whether the tag with this name and time is not after the moment."""
        if time != self.time or self.event is None:
            return time <= self.time
        parsed = TagName.try_parse(name)
        if parsed is None:
            return True
        counter = -1 if parsed.counter is None else parsed.counter
        return (counter, RANK[parsed.kind], name) <= self.event.order[1:]


class StoreAsOf:
    """The tags of a store that are not after a moment.

    Only tags that exist now are included: a tag that was deleted since is not. Tags without a time,
    such as lightweight ones, are included.
    """

    def __init__(self, store: ReadStore, moment: Moment) -> None:
        """Initialize with a store to read from, and a moment with an aware time."""
        self._store = store
        self._moment = moment
        self._objects: dict[str, TagObject] = {}
        """By object id: tag objects stay valid while the same objects are replaced."""
        self._replaced: Mapping[str, str] = {}

    @property
    def location(self) -> str:
        """The path or URL, for messages."""
        return self._store.location

    @property
    def is_local(self) -> bool:
        """Whether it is read without a server."""
        return self._store.is_local

    @property
    def is_shallow(self) -> bool:
        """Whether it is a shallow clone."""
        return self._store.is_shallow

    @property
    def find_pages(self) -> FindPages:
        """A callable that returns the web pages of the repository."""
        return self._store.find_pages

    @property
    def replaced(self) -> Mapping[str, str]:
        """The replaced objects and their replacements, as of the last listing of tags."""
        return self._store.replaced

    def tags(self, prefixes: Sequence[str] = ("",)) -> tuple[TagRef, ...]:
        """List the tags whose names begin with one of ``prefixes``; all of them are read."""
        refs = self._store.tags(prefixes)
        if self._replaced != self._store.replaced:
            self._objects, self._replaced = {}, self._store.replaced
        includes = self._moment.includes
        times = ((ref, tag.time) for ref, tag in zip(refs, self.read(refs)))
        return tuple(ref for ref, time in times if time is None or includes(ref.name, time))

    def read(self, refs: Iterable[TagRef]) -> list[TagObject]:
        """Read the objects that refs point to, in the order of the refs."""
        listed = list(refs)
        unknown = [ref for ref in listed if ref.id not in self._objects]
        read = self._store.read(unknown) if unknown else ()
        found = {ref.id: tag for ref, tag in zip(unknown, read)}
        self._objects |= {id: tag for id, tag in found.items() if not tag.is_unreadable}
        return [found.get(ref.id) or self._objects[ref.id] for ref in listed]

    def peel(self, refs: Iterable[TagRef], *, verify: bool = False) -> list[str | None]:
        """Peel annotated tags to their commits, in the order of the refs; None for other tags."""
        del verify  # all tags were read already, for their times
        return [tag.commit for tag in self.read(refs)]

    def resolve(self, revision: str) -> str:
        """Return the id of the commit that a revision currently names."""
        return self._store.resolve(revision)

    def commits(self, revision: str, limit: int | None) -> Iterable[Commit]:
        """List a commit and its ancestors, newest first; the revision is the current one."""
        return self._store.commits(revision, limit)

    def file_at(self, commit: str, path: str, *, bounded: bool = True) -> FileAt | None:
        """Return the kind and the content of the entry at a path in a commit."""
        return self._store.file_at(commit, path, bounded=bounded)

    def paths_at(self, commit: str, name: str) -> Sequence[str]:
        """Return the paths of all files with this name in a commit."""
        return self._store.paths_at(commit, name)

    def read_file(self, path: str) -> bytes | None:
        """Read the current content of a file in the work tree or in HEAD's commit."""
        return self._store.read_file(path)
