"""Read the commits of a repository: peel tags, walk the history, find files."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from dulwich.objects import parse_tree

from modelversions.errors import NotACommitError, RepositoryError
from modelversions.git.objects.object_files import ObjectFiles
from modelversions.git.objects.pack_files import MAX_OBJECT, Oversized, Raw
from modelversions.git.store import Commit
from modelversions.git.tag_object import TagParts, commit_order, parents, parse_commit

_DIRECTORY = 0o040000
_KINDS = {_DIRECTORY: "directory", 0o100000: "file", 0o120000: "symlink", 0o160000: "submodule"}
_KIND = 0o170000
MAX_DIRECTORIES = 200_000
"""The maximum number of directories of a commit that are searched for files of one name."""


class Entry(NamedTuple):
    """An entry of a tree."""

    mode: int
    id: str

    @property
    def kind(self) -> str:
        """The kind of the entry, as in ``FileAt``."""
        return _KINDS.get(self.mode & _KIND, "file")


class Commits:
    """Reads the commits of one repository."""

    def __init__(self, files: ObjectFiles, width: int, location: str) -> None:
        """Initialize with the objects of a repository.

        Args:
            files: the repository's objects.
            width: the number of bytes of an id.
            location: the path or URL, for messages.
        """
        self._files = files
        self._width = width
        self._location = location

    def peel(self, revision: str, id: str) -> str:
        """Return the commit that an object is or peels to.

        Args:
            revision: how the caller names the object, for messages.
            id: the object's id.

        Raises:
            NotACommitError: the object is or peels to a tree or a blob.
            RepositoryError: an object is missing.
        """
        visited = set()
        kind, raw = self._object(revision, id)
        while kind == "tag" and id not in visited:
            visited.add(id)
            try:
                id = TagParts(raw).target
            except ValueError:
                break
            kind, raw = self._object(revision, id)
        if kind != "commit":
            raise NotACommitError(
                f"{revision!r} names a {kind}, not a commit; pass a commit",
                revision=revision,
                type=kind,
            )
        return id

    def walk(
        self, start: str, boundaries: Mapping[str, Sequence[str]] = MappingProxyType({})
    ) -> Iterator[Commit]:
        """Yield a commit and those of its ancestors that exist in the repository, newest first.

        Args:
            start: the commit's id.
            boundaries: the parents of commits that are replaced by grafts or a shallow clone.
        """
        order = itertools.count()
        seen, heap = {start}, [(0, next(order), start, self._files.raw(start)[1])]
        while heap:
            *_, id, raw = heapq.heappop(heap)
            yield parse_commit(id, raw)
            for parent in self.parents(id, boundaries, raw):
                kind, content = ("", b"") if parent in seen else self._files.raw(parent)
                seen.add(parent)
                if kind == "commit":
                    heapq.heappush(heap, (-commit_order(content), next(order), parent, content))

    def parents(
        self,
        id: str,
        boundaries: Mapping[str, Sequence[str]],
        raw: bytes | None = None,
    ) -> Sequence[str]:
        """Return the parents of a commit; ``raw`` is its content if it was already read."""
        found = boundaries.get(id)
        if found is None:
            found = parents(self._files.raw(id)[1] if raw is None else raw)
        return found

    def entry(self, commit: str, path: str) -> Entry | None:
        """Return the entry at a path in a commit's files; None if there is none.

        Raises:
            RepositoryError: the commit or a tree is missing or broken.
        """
        found: Entry | None = Entry(_DIRECTORY, self._tree(commit))
        for part in path.split("/"):
            if found is None or found.kind != "directory":
                return None
            found = self._entries(commit, found.id).get(part.encode(errors="surrogateescape"))
        return found

    def paths(self, commit: str, name: str) -> Iterator[str]:
        """Yield the paths of all files of one name in a commit's files.

        Raises:
            RepositoryError: the commit or a tree is missing or broken, or there are more than
                ``MAX_DIRECTORIES``: a few nested trees can make billions of directories.
        """
        wanted = name.encode()
        queue = [("", self._tree(commit))]
        visited = 0
        while queue:
            visited += 1
            if visited > MAX_DIRECTORIES:
                raise RepositoryError(
                    f"the commit {commit} of {self._location!r} has more than {MAX_DIRECTORIES} "
                    f"directories; they are not searched for {name!r}",
                    location=self._location,
                )
            prefix, tree = queue.pop()
            entries = self._entries(commit, tree)
            if wanted in entries and entries[wanted].kind == "file":
                yield f"{prefix}{name}"
            queue += [
                (f"{prefix}{part.decode(errors='surrogateescape')}/", entry.id)
                for part, entry in reversed(entries.items())
                if entry.kind == "directory"
            ]

    def content(self, commit: str, entry: Entry, limit: int | None = MAX_OBJECT) -> bytes:
        """Return the content of a file.

        Raises:
            RepositoryError: the file is missing, broken or larger than the limit.
        """
        return self._object(commit, entry.id, limit)[1]

    def file(self, commit: str, path: str) -> bytes | None:
        """Return the content of a file at a commit; None if there is no such file.

        Raises:
            RepositoryError: the commit, a tree or the file is missing or broken.
        """
        entry = self.entry(commit, path)
        if entry is None or entry.kind not in ("file", "symlink"):
            return None
        return self.content(commit, entry)

    def _tree(self, commit: str) -> str:
        """Return the id of a commit's root tree."""
        return self._object(commit, commit)[1][5:].partition(b"\n")[0].decode(errors="replace")

    def _entries(self, commit: str, tree: str) -> dict[bytes, Entry]:
        kind, raw = self._object(commit, tree)
        if kind != "tree":
            return {}
        try:
            return {
                name: Entry(mode, sha.decode("ascii"))
                for name, mode, sha in parse_tree(raw, self._width)
            }
        except Exception as error:  # a broken tree: dulwich raises various errors
            raise self.unreadable(error) from error

    def _object(self, revision: str, id: str, limit: int | None = MAX_OBJECT) -> Raw:
        kind, raw = self._files.raw(id, limit)
        if isinstance(raw, Oversized):
            raise RepositoryError(
                f"{revision!r} leads to the {kind} {id} in {self._location!r}, which has more than "
                f"{limit} bytes and is not read",
                location=self._location,
            )
        if not kind:
            raise RepositoryError(
                f"{revision!r} leads to the object {id}, which is missing or broken in "
                f"{self._location!r}; run 'git fsck' for details, or fetch it again",
                location=self._location,
            )
        return kind, raw

    def unreadable(self, error: Exception) -> RepositoryError:
        """Return the error for files of the repository that cannot be read."""
        return RepositoryError(
            f"the repository at {self._location!r} cannot be read: {error!r}; run 'git fsck' for "
            "details",
            location=self._location,
        )
