"""The packed-refs file, read by its own order: one model's tags are a binary search away.

Only a file whose header says ``sorted`` and ``fully-peeled``, as Git has written it since 2018, is
read here; any other is dulwich's to read.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Sequence

from modelversions.stores.base import TagRef

_ENTRY = re.compile(
    rb"^([0-9a-f]{40}|[0-9a-f]{64}) refs/tags/([^\n]+)\n(?:\^([0-9a-f]+)\n)?", re.MULTILINE
)
_ROOT = b"refs/tags/"
_TRAITS = {b"sorted", b"fully-peeled"}


def packed_ref(path: bytes, name: bytes) -> bytes | None:
    """Read one ref by its full name: its id, or empty where it is not there.

    None says that the file does not promise what it takes to read it here.
    """
    try:
        with open(path, "rb") as file:
            if not _TRAITS.issubset(file.readline().split()):
                return None if file.tell() else b""
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _Entries(data, file.tell()).id(name)
    except FileNotFoundError:
        return b""


def packed_tags(path: bytes, prefixes: Sequence[bytes]) -> dict[bytes, TagRef] | None:
    """Read the tags whose names begin with one of ``prefixes``, by name.

    None says that the file does not promise what it takes to read it here. A file that is not
    there, or is empty, holds nothing.
    """
    try:
        with open(path, "rb") as file:
            if not _TRAITS.issubset(file.readline().split()):
                return None if file.tell() else {}
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                refs = _Entries(data, file.tell())
                return {name: ref for prefix in prefixes for name, ref in refs.tags(prefix)}
    except FileNotFoundError:
        return {}


class _Entries:
    """The lines of a mapped file, each with the ``^`` line that may belong to it."""

    def __init__(self, data: mmap.mmap, start: int) -> None:
        self._data = data
        self._start = start

    def tags(self, prefix: bytes) -> Iterator[tuple[bytes, TagRef]]:
        start, end = self._find(_ROOT + prefix), self._find(_after(_ROOT + prefix))
        for match in _ENTRY.finditer(self._data, start, end):
            id, name, peeled = match.groups()
            id_text = id.decode("ascii")
            behind = peeled.decode("ascii") if peeled else id_text
            yield name, TagRef(name.decode(errors="replace"), id_text, behind)

    def id(self, name: bytes) -> bytes:
        start = self._find(name)
        id, _, found = self._data[start : self._next(start)].rstrip(b"\n").partition(b" ")
        return id if found == name else b""

    def _find(self, name: bytes) -> int:
        """Return where the first entry at or after ``name`` begins."""
        data, low, high = self._data, self._start, len(self._data)
        while low < high:
            start = self._line(low, (low + high) // 2)
            if data[start : start + 1] == b"^":  # belongs to the line before
                start = self._line(low, start - 1)
            if data[start : self._next(start)].rstrip(b"\n").partition(b" ")[2] < name:
                low = self._next(start)
                if data[low : low + 1] == b"^":
                    low = self._next(low)
            else:
                high = start
        return low

    def _line(self, low: int, at: int) -> int:
        """Return where the line that holds the place ``at`` begins, not before ``low``."""
        return max(low, self._data.rfind(b"\n", low, at) + 1)

    def _next(self, start: int) -> int:
        """Return where the line after the one at ``start`` begins."""
        return self._data.find(b"\n", start) + 1 or len(self._data)


def _after(prefix: bytes) -> bytes:
    """Return the smallest name that is greater than all that begin with ``prefix``."""
    return prefix[:-1] + bytes([prefix[-1] + 1])
