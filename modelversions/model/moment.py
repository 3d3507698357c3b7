"""A store as it was at a moment: with the tags that existed then, by their own times."""

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
    """The last event that has happened; without one, all events of that second have."""

    def includes(self, name: str, time: datetime) -> bool:
        """Return whether the tag of this name and time is not after the moment."""
        if time != self.time or self.event is None:
            return time <= self.time
        parsed = TagName.try_parse(name)
        if parsed is None:
            return True
        counter = -1 if parsed.counter is None else parsed.counter
        return (counter, RANK[parsed.kind], name) <= self.event.order[1:]


class StoreAsOf:
    """The tags of a store that are not after a moment.

    They are those that exist now: a tag that was deleted since is not in it. Tags without a time,
    such as lightweight ones, are.
    """

    def __init__(self, store: ReadStore, moment: Moment) -> None:
        """Read from ``store``; the time of ``moment`` is aware."""
        self._store = store
        self._moment = moment
        self._objects: dict[str, TagObject] = {}
        """By object id: tag objects do not change as long as the same ones are replaced."""
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
        """Finds the web pages of the repository."""
        return self._store.find_pages

    @property
    def replaced(self) -> Mapping[str, str]:
        """The objects that are read as others, when the tags were last listed."""
        return self._store.replaced

    def tags(self, prefixes: Sequence[str] = ("",)) -> tuple[TagRef, ...]:
        """List the tags whose names begin with one of ``prefixes``, after reading them."""
        refs = self._store.tags(prefixes)
        if self._replaced != self._store.replaced:
            self._objects, self._replaced = {}, self._store.replaced
        past = self._moment.includes
        times = ((ref, tag.time) for ref, tag in zip(refs, self.read(refs)))
        return tuple(ref for ref, time in times if time is None or past(ref.name, time))

    def read(self, refs: Iterable[TagRef]) -> list[TagObject]:
        """Read the objects that refs name, in the order of the refs."""
        listed = list(refs)
        unknown = [ref for ref in listed if ref.id not in self._objects]
        read = self._store.read(unknown) if unknown else ()
        found = {ref.id: tag for ref, tag in zip(unknown, read)}
        self._objects |= {id: tag for id, tag in found.items() if not tag.is_unreadable}
        return [found.get(ref.id) or self._objects[ref.id] for ref in listed]

    def peel(self, refs: Iterable[TagRef], *, verify: bool = False) -> list[str | None]:
        """Peel annotated tags to their commits, in the order of the refs; None for other tags."""
        del verify  # all tags were read already, to know their times
        return [tag.commit for tag in self.read(refs)]

    def resolve(self, revision: str) -> str:
        """Return the id of the commit that a revision names now."""
        return self._store.resolve(revision)

    def commits(self, revision: str, limit: int | None) -> Iterable[Commit]:
        """List a commit and its ancestors, newest first, as they are now."""
        return self._store.commits(revision, limit)

    def file_at(self, commit: str, path: str, *, bounded: bool = True) -> FileAt | None:
        """Read what is at a path in the files of a commit."""
        return self._store.file_at(commit, path, bounded=bounded)

    def paths_at(self, commit: str, name: str) -> Sequence[str]:
        """Return the paths of all files of one name in the files of a commit."""
        return self._store.paths_at(commit, name)

    def read_file(self, path: str) -> bytes | None:
        """Read a file of the work tree or of HEAD's commit, as it is now."""
        return self._store.read_file(path)
