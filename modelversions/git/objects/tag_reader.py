"""Tag objects and what lies behind them, down to the commit at the bottom (F9).

What an object says of the next one is not believed: the kind of each is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelversions.git.objects.object_files import ObjectFiles
from modelversions.git.store import Flaw, TagObject
from modelversions.git.tag_object import ParsedTag, commit_time, usual_tag
from modelversions.values.problem import ProblemKind

End = tuple["str | None", "Flaw | None"]
"""The commit that a chain of tags ends at, and what is wrong with that; without one, why."""

_UNREADABLE: Flaw = (ProblemKind.MALFORMED, "the tag object cannot be read")
_RING: Flaw = (ProblemKind.MALFORMED, "the tags behind it lead round in a ring")


def lost(flaw: Flaw) -> TagObject:
    """Return what stands in for a tag that is no event, with the reason."""
    return TagObject(commit=None, flaws=(flaw,))


LIGHTWEIGHT = lost((ProblemKind.LIGHTWEIGHT, "it is not annotated, so it counts for nothing"))
"""What stands in for a ref that names no tag object."""


class TagReader:
    """Reads any number of tags at one time, and no object behind them twice."""

    def __init__(self, files: ObjectFiles, commits: Iterable[str] = ()) -> None:
        """Read from these files; ``commits`` are known to be some, and need not be looked at."""
        self._files = files
        self._kinds: dict[str, str] = dict.fromkeys(commits, "commit")
        self._ends: dict[str, End] = {}

    def tag(self, id: str) -> TagObject:
        """Read what a ref names, whatever that is.

        Raises:
            RepositoryError: a file is there and cannot be opened.
        """
        kind, raw = self._files.raw(id)
        if not kind and not self._files.fits(id):
            return lost((ProblemKind.MALFORMED, "the ref cannot be read"))
        if not kind:
            return lost((ProblemKind.MISSING, f"its object {id} is missing or broken"))
        if kind != "tag":
            return LIGHTWEIGHT
        usual = usual_tag(raw)
        if usual is not None and usual.commit and self._kind(usual.commit) == "commit":
            return usual
        return self._unusual(raw)

    def _unusual(self, raw: bytes) -> TagObject:
        """Read a tag in which anything may be odd."""
        tag = self._parsed(raw)
        if tag is None:
            return lost(_UNREADABLE)
        commit, flaw = self._end(tag.target, tag.type)
        tag.flaws += [] if flaw is None else [flaw]
        if commit is None:
            return TagObject(commit=None, flaws=tuple(tag.flaws))
        made = tag.made(commit, None)
        if made is None:
            made = tag.made(commit, commit_time(self._files.raw(commit)[1]))
        if made is None:
            sentence = f"it has no time, and neither has its commit {commit}"
            return lost((ProblemKind.MISSING, sentence))
        return made

    def _end(self, target: str, kind: str) -> End:
        """Follow tags of tags from what is said to be the next object."""
        passed: list[str] = []
        end: End | None = None
        while end is None:
            if kind != "tag":
                end = self._bottom(target, kind)
            elif target in self._ends:
                end = self._ends[target]
            else:
                self._ends[target] = (None, _RING)  # for one that comes here again on its way
                passed.append(target)
                target, kind, end = self._step(target)
        self._ends.update(dict.fromkeys(passed, end))
        return end

    def _step(self, target: str) -> tuple[str, str, End | None]:
        """Read what should be a tag behind a tag: the next object and its kind, or the end."""
        kind, raw = self._files.raw(target)
        inner = self._parsed(raw) if kind == "tag" else None
        if inner is not None:
            return inner.target, inner.type, None
        if not kind:
            sentence = f"the tag behind it, {target}, is missing or broken"
            return "", "", (None, (ProblemKind.MISSING, sentence))
        return "", "", (None, _UNREADABLE)

    def _bottom(self, target: str, kind: str) -> End:
        """Look at what is said to be of another kind than a tag."""
        found = self._kind(target) if kind == "commit" else kind
        if not found:
            sentence = f"its commit {target} is not in the repository"
            return target, (ProblemKind.MISSING, sentence)
        if found == "commit":
            return target, None
        sentence = f"it leads to a {found}, not to a commit, so it counts for nothing"
        return None, (ProblemKind.NOT_A_COMMIT, sentence)

    def _kind(self, id: str) -> str:
        kind = self._kinds.get(id)
        if kind is None:
            kind = self._kinds[id] = self._files.kind(id)
        return kind

    def _parsed(self, raw: bytes) -> ParsedTag | None:
        """Take a tag object apart; None if it is none that this repository can hold."""
        try:
            tag = ParsedTag(raw)
        except ValueError:
            return None
        return tag if self._files.fits(tag.target) else None
