"""Read the packed-refs file; it is sorted, so the tags of one model are found by binary search.

Git has written ``sorted`` and ``fully-peeled`` into its header since 2018; a file without them is
read completely. A line that Git rejects is an error here too.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from operator import methodcaller

from dulwich.refs import Ref, check_ref_format

from modelversions.errors import RepositoryError
from modelversions.git.store import TagRef

_ID = rb"[0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?"
_ENTRY = re.compile(rb"(%b)[ \t\r]([^\n]+)\n(?:\^(%b)\n)?|([^\n]*)\n" % (_ID, _ID))
"""An entry with its ``^`` line, if it has one, or an unexpected line."""
_ROOT = b"refs/tags/"
_HEX = "[0-9a-f]{40}(?:[0-9a-f]{24})?"
_TAG_ENTRY = "^({id}){space}refs/tags/([^\\n]*)\\n(?:\\^({id})\\n)?"
_TAG_ENTRIES = re.compile(_TAG_ENTRY.format(id=_HEX, space=" "), re.MULTILINE)
_ANY_TAG_ENTRIES = re.compile(
    _TAG_ENTRY.format(id=_HEX, space=r"[ \t\r]"), re.MULTILINE | re.IGNORECASE | re.ASCII
)
"""Git also accepts ids in upper case, and other white space after them."""
_WIDTHS = (40, 64)
"""The possible numbers of digits of an id."""
_INVALID_SEQUENCES = (b"..", b"//", b".lock", b"/.", b"@{", b".\n", b"/\n")
_INVALID_CHARACTERS = bytes({*range(32), *b" ~^:?*[\\\x7f"}.difference(b"\n"))
"""Sequences and characters that Git does not allow in a ref name.

A text with one name per line that contains none of them has valid names only. Searching the names
of 100,000 tags takes 4 ms; a regular expression takes 60 ms.
"""
_groups = methodcaller("groups")


class PackedTags:
    """The entries of some tags in a packed-refs file, as text and as refs."""

    def __init__(self, text: bytes = b"", *, fully_peeled: bool = True) -> None:
        """Initialize with entries, not parsed yet.

        Args:
            text: the lines of the entries.
            fully_peeled: whether an entry without a ``^`` line cannot be peeled.
        """
        self.text = text
        self._fully_peeled = fully_peeled
        self.refs: tuple[TagRef, ...] = ()

    def has_same_text(self, other: PackedTags) -> bool:
        """Return whether the entries are the same as those of ``other``."""
        return self.text == other.text and self._fully_peeled == other._fully_peeled

    def parse(self) -> bool:
        """Set ``refs``, and return whether all lines are valid.

        Bytes that are not UTF-8 are surrogate-escaped. As in Git, refs with invalid names are
        omitted.
        """
        text = self.text.decode(errors="surrogateescape")
        rows = _TAG_ENTRIES.findall(text)
        if not _are_all(rows, text):
            rows = [
                (id.lower(), name, peeled.lower())
                for id, name, peeled in _ANY_TAG_ENTRIES.findall(text)
            ]
            if not _are_all(rows, text):
                return False
        if not _are_valid_names([row[1] for row in rows]):
            rows = [row for row in rows if _is_valid_name(row[1])]
        shared: dict[str, str] = {}  # many tags peel to the same commit
        new = tuple.__new__  # takes half the time of TagRef(...)
        self.refs = tuple(
            [
                new(TagRef, (name, id, shared.setdefault(peeled, peeled) or self._unpeeled(id)))
                for id, name, peeled in rows
            ]
        )
        return True

    def _unpeeled(self, id: str) -> str | None:
        return id if self._fully_peeled else None


def _are_all(rows: Sequence[tuple[str, str, str]], text: str) -> bool:
    """Return whether the entries account for all lines of a text."""
    unpeeled = [row[2] for row in rows].count("")
    return text.count("\n") == 2 * len(rows) - unpeeled


def _are_valid_names(texts: Sequence[str]) -> bool:
    """Return whether all names are valid below ``refs/tags/``; may be False for valid names."""
    lines = ("/" + "\n/".join(texts) + "\n").encode(errors="surrogateescape")
    if len(lines.translate(None, _INVALID_CHARACTERS)) < len(lines):
        return False
    return not any(part in lines for part in _INVALID_SEQUENCES)


def _is_valid_name(name: str) -> bool:
    return check_ref_format(Ref(b"tags/" + name.encode(errors="surrogateescape")))


def packed_ref(path: bytes, name: bytes) -> bytes:
    """Return the id of a ref, given its full name; empty if there is none.

    Raises:
        RepositoryError: the file has an unexpected line.
    """
    with _opened(path) as entries:
        return entries.id(name) if entries else b""


def packed_below(path: bytes, prefix: bytes) -> list[tuple[bytes, bytes]]:
    """Return names and ids of the refs whose names begin with a prefix.

    Raises:
        RepositoryError: the file has an unexpected line.
    """
    with _opened(path) as entries:
        return [] if entries is None else entries.below(prefix)


def packed_tags(path: bytes, prefixes: Sequence[bytes], known: PackedTags) -> PackedTags:
    """Read the entries of the tags whose names begin with one of ``prefixes``.

    Returns:
        The entries; ``known`` itself if the text has not changed.

    Raises:
        RepositoryError: the file has an unexpected line.
    """
    with _opened(path) as entries:
        return PackedTags() if entries is None else entries.tags(prefixes, known)


def without_refs(path: bytes, names: Sequence[bytes]) -> bytes | None:
    """Return the file's content without some refs.

    Returns:
        The content; None if the file has none of these refs.

    Raises:
        RepositoryError: the file has an unexpected line.
    """
    with _opened(path) as entries:
        spans = [] if entries is None else entries.spans(frozenset(names))
        return entries.without(spans) if entries and spans else None


@contextlib.contextmanager
def _opened(path: bytes) -> Iterator[_Entries | None]:
    """Map the file; yield None if it does not exist or has no entries."""
    try:
        file = open(path, "rb")  # noqa: SIM115  # closed below; only open() may fail here
    except FileNotFoundError:
        yield None
        return
    with file:
        header = file.readline()
        is_header = header.startswith(b"# pack-refs with:") and header.endswith(b"\n")
        start = file.tell() if is_header else 0
        if os.fstat(file.fileno()).st_size == start:
            yield None
            return
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            yield _Entries(path, data, start, set(header.split() if start else ()))
        finally:
            with contextlib.suppress(BufferError):  # after an interrupt, it may still be scanned
                data.close()


class _Entries:
    """The entries of a mapped file."""

    def __init__(self, path: bytes, data: mmap.mmap, start: int, traits: set[bytes]) -> None:
        self._path = path
        self._data = data
        self._start = start
        self._sorted = b"sorted" in traits
        self._peeled = b"fully-peeled" in traits
        if data[-1:] != b"\n":
            raise self._unexpected(data[data.rfind(b"\n") + 1 :])

    def tags(self, prefixes: Sequence[bytes], known: PackedTags) -> PackedTags:
        wanted = [_ROOT + prefix for prefix in _disjoint(prefixes)]
        texts = (
            (self._text(prefix) for prefix in wanted) if self._sorted else self._filtered(wanted)
        )
        found = PackedTags(b"".join(texts), fully_peeled=self._peeled)
        if found.has_same_text(known):
            return known
        if not found.parse():
            lines = (match[4] for match in _ENTRY.finditer(found.text))
            raise self._unexpected(next((line for line in lines if line is not None), found.text))
        return found

    def _text(self, prefix: bytes) -> bytes:
        """Return the entries whose names begin with a prefix, from a sorted file."""
        return self._data[self._find(prefix) : self._find(_after(prefix))]

    def _filtered(self, prefixes: Sequence[bytes]) -> Iterator[bytes]:
        """Return the entries whose names begin with a prefix, sorted, from an unsorted file."""
        found: dict[bytes, bytes] = {}
        for match in _ENTRY.finditer(self._data, self._start):
            if match[4] is not None:
                raise self._unexpected(match[4])
            if match[2].startswith(tuple(prefixes)):
                found[match[2]] = match[0]
        return (found[name] for name in sorted(found))

    def id(self, name: bytes) -> bytes:
        for id, found, _, unexpected in self._between(name, name + b"\0"):
            if unexpected is not None:
                raise self._unexpected(unexpected)
            if found == name:
                return id.lower() if check_ref_format(Ref(name)) else b""
        return b""

    def below(self, prefix: bytes) -> list[tuple[bytes, bytes]]:
        """Return names and ids of the refs whose names begin with a prefix."""
        rows = self._between(prefix, _after(prefix))
        return [
            (name, id.lower())
            for id, name, _, unexpected in rows
            if unexpected is None and name.startswith(prefix)
        ]

    def spans(self, names: frozenset[bytes]) -> list[tuple[int, int]]:
        """Return the ranges of the entries of some refs, in the order of the file."""
        if not self._sorted:
            matches = list(_ENTRY.finditer(self._data, self._start))
        else:
            ranges = [(self._find(name), self._find(name + b"\0")) for name in sorted(names)]
            matches = [one for span in ranges for one in _ENTRY.finditer(self._data, *span)]
        unexpected = next((match[4] for match in matches if match[4] is not None), None)
        if unexpected is not None:
            raise self._unexpected(unexpected)
        return [match.span() for match in matches if match[2] in names]

    def without(self, spans: Sequence[tuple[int, int]]) -> bytes:
        """Return the file's content without some ranges."""
        ends = [0, *(end for _, end in spans)]
        starts = [*(start for start, _ in spans), len(self._data)]
        return b"".join(self._data[end:start] for end, start in zip(ends, starts))

    def _between(self, first: bytes, last: bytes) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
        """Iterate over the entries from one name up to another, or over all of an unsorted file."""
        start, end = self._start, len(self._data)
        if self._sorted:
            start, end = self._find(first), self._find(last)
        return map(_groups, _ENTRY.finditer(self._data, start, end))

    def _find(self, name: bytes) -> int:
        """Return the position of the first entry at or after ``name``."""
        data, low, high = self._data, self._start, len(self._data)
        while low < high:
            start = self._line(low, (low + high) // 2)
            while data[start : start + 1] == b"^" and start > low:  # belongs to the previous line
                start = self._line(low, start - 1)
            if self._name(start) < name:
                low = self._next(start)
                while data[low : low + 1] == b"^":
                    low = self._next(low)
            else:
                high = start
        return low

    def _name(self, start: int) -> bytes:
        """Return the ref name in the line that begins at ``start``."""
        line = self._data[start : self._next(start)].rstrip(b"\n")
        for width in _WIDTHS:
            if line[width : width + 1].isspace():
                return line[width + 1 :]
        return line.partition(b" ")[2]

    def _line(self, low: int, at: int) -> int:
        """Return the start of the line that contains position ``at``, but at least ``low``."""
        return max(low, self._data.rfind(b"\n", low, at) + 1)

    def _next(self, start: int) -> int:
        """Return the start of the line after the one at ``start``."""
        return self._data.find(b"\n", start) + 1

    def _unexpected(self, content: bytes) -> RepositoryError:
        line = content[:80].decode(errors="replace")
        path = os.fsdecode(self._path)
        return RepositoryError(
            f"the refs in {path!r} cannot be read: unexpected line {line!r}; repair the file",
            location=os.path.dirname(path),
        )


def _disjoint(prefixes: Iterable[bytes]) -> list[bytes]:
    """Return the prefixes that do not begin with another prefix, sorted."""
    disjoint: list[bytes] = []
    for prefix in sorted(prefixes):
        if not (disjoint and prefix.startswith(disjoint[-1])):
            disjoint.append(prefix)
    return disjoint


def _after(prefix: bytes) -> bytes:
    """Return the first name after all names that begin with ``prefix``."""
    return prefix[:-1] + bytes([prefix[-1] + 1])
