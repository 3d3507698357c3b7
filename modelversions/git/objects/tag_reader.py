"""Read tag objects and peel them to commits (F9).

The declared target type is verified, not trusted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TypeVar

from modelversions.git.objects.object_files import ObjectFiles
from modelversions.git.objects.pack_files import MAX_OBJECT, Oversized
from modelversions.git.store import RemoteOptions, TagIssue, TagObject
from modelversions.git.tag_object import (
    TagParts,
    commit_of_common_tag,
    commit_time,
    parse_common_tag,
)
from modelversions.values.problem import ProblemKind

STEP = 4096
"""The number of tags after which progress is reported; for fewer tags, it is not reported."""

_Item = TypeVar("_Item")

Peeled = tuple["str | None", "TagIssue | None"]
"""The commit that a tag peels to, or None, and the issue with its target, or None."""

_UNREADABLE: TagIssue = (ProblemKind.MALFORMED, "the tag object cannot be read")
_OVERSIZED: TagIssue = (
    ProblemKind.MALFORMED,
    f"the tag object has more than {MAX_OBJECT} bytes and is not read",
)
_CYCLE: TagIssue = (ProblemKind.MALFORMED, "its target is a tag whose targets form a cycle")


def not_an_event(issue: TagIssue) -> TagObject:
    """Return the ``TagObject`` of a tag that is not an event, with the reason."""
    return TagObject(commit=None, issues=(issue,))


LIGHTWEIGHT = not_an_event(
    (ProblemKind.LIGHTWEIGHT, "it is a lightweight tag, which is not an event")
)
"""The ``TagObject`` of a ref that does not name a tag object."""


class TagReader:
    """Reads tags of one repository; each object to which they lead is read once."""

    def __init__(
        self, files: ObjectFiles, commits: Iterable[str] = (), options: RemoteOptions | None = None
    ) -> None:
        """Initialize with the objects of a repository.

        Args:
            files: the repository's objects.
            commits: objects that are known to be commits; their types are not verified.
            options: contains the function to which progress is reported.
        """
        self._files = files
        self._options = options or RemoteOptions()
        self._types: dict[str, str] = dict.fromkeys(commits, "commit")
        self._peeled: dict[str, Peeled] = {}

    def read(self, ids: Sequence[str]) -> list[TagObject]:
        """Read the objects with some ids, of any type, in the order of the ids.

        Raises:
            RepositoryError: a file exists and cannot be opened.
        """
        found = [LIGHTWEIGHT] * len(ids)
        commits: set[str | None] = set()
        others: dict[int, TagParts | TagObject] = {}
        for number, (type, raw) in self._reported(self._files.read_many(ids), len(ids)):
            tag = parse_common_tag(raw) if type == "tag" else None
            if tag is None:
                others[number] = self._uncommon(ids[number], type, raw)
            else:
                found[number] = tag
                commits.add(tag[0])  # takes a third of tag.commit
        for number in self._misdeclared(found, commits):
            others[number] = self._uncommon(ids[number], *self._files.raw(ids[number]))
        for number, other in others.items():
            found[number] = self._built(other)
        return found

    def _misdeclared(self, tags: Sequence[TagObject], commits: Collection[str | None]) -> list[int]:
        """Return the indexes of tags whose targets are not commits; ``commits`` are all targets."""
        unknown = [id for id in commits if id is not None and id not in self._types]
        self._types |= self._files.types(unknown)
        others = {id for id in commits if id is not None and self._types[id] != "commit"}
        if not others:
            return []
        return [number for number, tag in enumerate(tags) if tag.commit in others]

    def _reported(self, items: Iterable[_Item], total: int) -> Iterable[_Item]:
        """Return the items; iterating over them reports progress, if the caller requested it."""
        if self._options.progress is None or total < STEP:
            return items
        return self._counted(items, total)

    def _counted(self, items: Iterable[_Item], total: int) -> Iterator[_Item]:
        for number, item in enumerate(items, 1):
            yield item
            if number % STEP == 0 or number == total:
                self._options.report(number, total, "tags read")

    def peel(self, ids: Sequence[str]) -> list[str | None]:
        """Return the commits of the tags, as ``read`` does; None for objects that are not events.

        Names and messages of tags in the form that Git writes are not parsed, which takes half
        the time.
        """
        found: list[str | None] = [None] * len(ids)
        uncommon: list[int] = []
        for number, (type, raw) in self._files.read_many(ids):
            commit = commit_of_common_tag(raw) if type == "tag" else None
            if commit is None:
                uncommon.append(number)
            else:
                found[number] = commit
        types = self._files.types({commit for commit in found if commit is not None})
        others = {id for id, type in types.items() if type != "commit"}
        if others:
            uncommon += [number for number, commit in enumerate(found) if commit in others]
        for number, tag in zip(uncommon, self.read([ids[number] for number in uncommon])):
            found[number] = tag.commit
        return found

    def _uncommon(self, id: str, type: str, raw: bytes) -> TagParts | TagObject:
        """Parse an object that is not a tag, or a tag that may be irregular.

        No other object is read: tags are peeled after all of them were read.
        """
        if not type and not self._files.fits(id):
            return not_an_event((ProblemKind.MALFORMED, "the ref cannot be read"))
        if not type:
            return not_an_event((ProblemKind.MISSING, f"its object {id} is missing or broken"))
        if type != "tag":
            return LIGHTWEIGHT
        if isinstance(raw, Oversized):
            return not_an_event(_OVERSIZED)
        return self._parsed(raw) or not_an_event(_UNREADABLE)

    def _built(self, tag: TagParts | TagObject) -> TagObject:
        """Peel a tag, unless it is already known not to be an event."""
        if isinstance(tag, TagObject):
            return tag
        commit, issue = self._peel(tag.target, tag.type)
        tag.issues += [] if issue is None else [issue]
        if commit is None:
            return TagObject(commit=None, issues=tuple(tag.issues))
        built = tag.build(commit, None)
        if built is None:
            built = tag.build(commit, commit_time(self._files.raw(commit)[1]))
        if built is None:
            message = f"neither it nor its commit {commit} has a time"
            return not_an_event((ProblemKind.MISSING, message))
        return built

    def _peel(self, target: str, type: str) -> Peeled:
        """Follow the targets of tags, from a target and its declared type."""
        visited: list[str] = []
        peeled: Peeled | None = None
        while peeled is None:
            if type != "tag":
                peeled = self._verify(target, type)
            elif target in self._peeled:
                peeled = self._peeled[target]
            else:
                self._peeled[target] = (None, _CYCLE)  # used if the targets lead back to it
                visited.append(target)
                target, type, peeled = self._step(target)
        self._peeled.update(dict.fromkeys(visited, peeled))
        return peeled

    def _step(self, target: str) -> tuple[str, str, Peeled | None]:
        """Read a tag's target that is declared a tag; return its target and type, or the result."""
        type, raw = self._files.raw(target)
        inner = self._parsed(raw) if type == "tag" else None
        if inner is not None:
            return inner.target, inner.type, None
        if not type:
            message = f"its target, the tag {target}, is missing or broken"
            return "", "", (None, (ProblemKind.MISSING, message))
        return "", "", (None, _UNREADABLE)

    def _verify(self, target: str, type: str) -> Peeled:
        """Verify the type of a target that is not declared a tag."""
        found = self._type(target) if type == "commit" else type
        if not found:
            message = f"its commit {target} is not in the repository"
            return target, (ProblemKind.MISSING, message)
        if found == "commit":
            return target, None
        message = f"it peels to a {found}, not to a commit, so it is not an event"
        return None, (ProblemKind.NOT_A_COMMIT, message)

    def _type(self, id: str) -> str:
        type = self._types.get(id)
        if type is None:
            type = self._types[id] = self._files.type(id)
        return type

    def _parsed(self, raw: bytes) -> TagParts | None:
        """Parse a tag object; return None if it is malformed or its target has an invalid id."""
        try:
            tag = TagParts(raw)
        except ValueError:
            return None
        return tag if self._files.fits(tag.target) else None
