"""A store as it was at a moment: with the tags that existed then, by their own times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from modelversions.git.store import Commit, ReadStore, TagObject, TagRef


class StoreAsOf:
    """The tags of a store whose times are not after a moment.

    They are those that exist now: a tag that was deleted since is not in it. Tags without a time,
    such as lightweight ones, are.
    """

    def __init__(self, store: ReadStore, when: datetime) -> None:
        """Read from ``store``; ``when`` is aware."""
        self._store = store
        self._when = when
        self._objects: dict[str, TagObject] = {}
        """By object id: tag objects never change."""

    @property
    def location(self) -> str:
        """The path or URL, for messages."""
        return self._store.location

    @property
    def is_local(self) -> bool:
        """Whether it is read without a server."""
        return self._store.is_local

    def tags(self, prefixes: Sequence[str] = ("",)) -> tuple[TagRef, ...]:
        """List the tags whose names begin with one of ``prefixes``, after reading them."""
        refs = self._store.tags(prefixes)
        objects = self.read(refs)
        return tuple(ref for ref in refs if self._is_past(objects[ref.id]))

    def _is_past(self, tag: TagObject) -> bool:
        return tag.time is None or tag.time <= self._when

    def read(self, refs: Iterable[TagRef]) -> Mapping[str, TagObject]:
        """Read the objects that refs name, by object id."""
        listed = list(refs)
        unknown = [ref for ref in listed if ref.id not in self._objects]
        found = dict(self._store.read(unknown)) if unknown else {}
        self._objects |= {id: tag for id, tag in found.items() if not tag.is_unreadable}
        return {ref.id: found.get(ref.id) or self._objects[ref.id] for ref in listed}

    def peel(self, refs: Iterable[TagRef]) -> Mapping[str, str | None]:
        """Peel annotated tags to their commits, by object id; None for other tags."""
        return {id: tag.commit for id, tag in self.read(refs).items()}

    def resolve(self, revision: str) -> str:
        """Return the id of the commit that a revision names now."""
        return self._store.resolve(revision)

    def commits(self, revision: str, limit: int | None) -> Iterable[Commit]:
        """List a commit and its ancestors, newest first, as they are now."""
        return self._store.commits(revision, limit)

    def read_file(self, path: str) -> bytes | None:
        """Read a file of the work tree or of HEAD's commit, as it is now."""
        return self._store.read_file(path)
