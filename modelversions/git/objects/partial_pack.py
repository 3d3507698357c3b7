"""Parse a pack from a server, or only its first objects, to end the transfer early.

A server without filters (``uploadpack.allowFilter`` is false by default) sends all files with a
commit. But Git writes commits and tags first into a pack, then trees, each root before its
subtrees, and blobs last: the first bytes contain the commits and the root tree.

dulwich parses packs too, but without a limit: 16 MB can inflate to 16 GB, and through deltas to any
number of bytes. This module counts the sizes before it inflates anything.
"""

from __future__ import annotations

import io
import zlib
from typing import NamedTuple

from dulwich.errors import ApplyDeltaError, GitProtocolError
from dulwich.object_format import ObjectFormat
from dulwich.objects import object_header
from dulwich.pack import apply_delta

from modelversions.git.objects.pack_files import (
    OFS_DELTA,
    REF_DELTA,
    TYPES,
    base_distance,
    delta_size,
    entry_header,
)

_TREE, _BLOB = 2, 3
_HEADER = 12
"""The bytes before the first object: signature, version and number of objects."""
_COUNT = slice(8, 12)
_FIRST_PARSE_SIZE = 1 << 16
"""The number of bytes after which a pack is first parsed; then after four times as many, etc."""
_CHUNK = 1 << 12
MAX_INFLATED = 512 << 20
"""The maximum number of bytes of all objects and deltas of a pack from a server."""

Base = int | bytes
"""The base of a delta: the offset of another entry, or an object's id."""


class PackStart(NamedTuple):
    """The objects in the first bytes of a pack."""

    objects: dict[bytes, tuple[int, bytes]]
    """By id: type number and content."""
    has_all_commits: bool
    """Whether the objects include a tree or a blob, which follow all commits."""
    is_complete: bool = False
    """Whether these are all objects of the pack."""
    is_too_large: bool = False
    """Whether the objects exceed the limit."""


class PackFile(io.BytesIO):
    """Receives a pack up to a limit; ``is_truncated`` is whether the server sent more."""

    def __init__(
        self, limit: int | None, *, format: ObjectFormat, start_only: bool = False
    ) -> None:
        """Receive a pack.

        Args:
            limit: the maximum number of bytes; None for no limit.
            format: the object format.
            start_only: whether to stop after the first tree or blob, if the pack is long.
        """
        super().__init__()
        self.limit = limit
        self._next_parse_size = _FIRST_PARSE_SIZE if start_only else None
        self.format = format
        self.is_truncated = False

    def write(self, data: bytes) -> int:  # type: ignore[override]  # dulwich passes bytes
        """Write bytes.

        Raises:
            GitProtocolError: the limit is exceeded, or no more bytes are needed.
        """
        size = self.tell() + len(data)
        if self.limit is not None and size > self.limit:
            self.is_truncated = True
            raise GitProtocolError(f"it sends more than {self.limit} bytes, having no filter")
        written = super().write(data)
        if self._next_parse_size is not None and size >= self._next_parse_size:
            self._next_parse_size *= 4
            if self.start().has_all_commits:
                self.is_truncated = True
                raise GitProtocolError("it sends files, having no filter for them")
        return written

    def start(self) -> PackStart:
        """Return the objects that were received completely."""
        return read_start(self.getvalue(), self.format)


class _TooLargeError(Exception):
    """The objects exceed the limit."""


class _Objects:
    """Collects objects; a delta is kept until its base is added."""

    def __init__(self, format: ObjectFormat, limit: int | None) -> None:
        self.by_id: dict[bytes, tuple[int, bytes]] = {}
        self.waiting: dict[Base, list[tuple[int, bytes]]] = {}
        """Deltas whose base is not known yet, with their offsets, by base."""
        self._remaining = limit
        self._format = format
        self._by_offset: dict[int, tuple[int, bytes]] = {}

    def count(self, size: int) -> None:
        """Count bytes before they are inflated, and check the limit.

        Raises:
            _TooLargeError: the limit is exceeded.
        """
        if self._remaining is not None:
            self._remaining -= size
            if self._remaining < 0:
                raise _TooLargeError

    def add(self, offset: int, kind: int, base: Base, raw: bytes) -> None:
        """Add an entry, and the deltas that wait for it."""
        if kind in TYPES:
            self._add_object(offset, (kind, raw))
            return
        known = self._by_offset.get(base) if isinstance(base, int) else self.by_id.get(base)
        if known is None:
            self.waiting.setdefault(base, []).append((offset, raw))
        else:
            self._add_object(offset, self._apply(known, raw))

    def _add_object(self, offset: int, found: tuple[int, bytes]) -> None:
        queue = [(offset, found)]
        while queue:
            offset, found = queue.pop()
            id = self._format.hash_object(object_header(found[0], len(found[1])) + found[1])
            self._by_offset[offset] = self.by_id[id] = found
            for base in (offset, id):
                waiting = self.waiting.pop(base, ())
                queue += [(other, self._apply(found, delta)) for other, delta in waiting]

    def _apply(self, base: tuple[int, bytes], delta: bytes) -> tuple[int, bytes]:
        self.count(delta_size(delta))
        return base[0], b"".join(apply_delta(base[1], delta))


def read_start(data: bytes, format: ObjectFormat, limit: int | None = MAX_INFLATED) -> PackStart:
    """Parse the objects at the start of a pack, up to the first incomplete or broken one.

    Args:
        data: the first bytes of a pack.
        format: the object format.
        limit: the maximum number of bytes of its objects and deltas; None for no limit.
    """
    found = _Objects(format, limit)
    offset, parsed, is_too_large = _HEADER, 0, False
    count = int.from_bytes(data[_COUNT], "big") if data[:4] == b"PACK" else 0
    while parsed < count and offset < len(data):
        try:
            kind, size, base, start = _entry(data, offset, format.oid_length)
            found.count(size)
            raw, end = _inflated(data, start, size)
            found.add(offset, kind, base, raw)
        except _TooLargeError:
            is_too_large = True
            break
        except (IndexError, ValueError, zlib.error, ApplyDeltaError):
            break
        offset, parsed = end, parsed + 1
    others = any(kind in (_TREE, _BLOB) for kind, _ in found.by_id.values())
    at_end = parsed == count and offset + format.oid_length == len(data)
    return PackStart(found.by_id, others, at_end and not found.waiting, is_too_large)


def _entry(data: bytes, offset: int, width: int) -> tuple[int, int, Base, int]:
    """Return an entry's type, its size, the base of a delta, and where its content starts.

    Raises:
        IndexError: the entry is incomplete.
        ValueError: the entry is broken.
    """
    start, (size, offset) = offset, entry_header(data, offset)
    kind = data[start] >> 4 & 7
    if kind == REF_DELTA:
        return kind, size, data[offset : offset + width], offset + width
    if kind == OFS_DELTA:
        distance, offset = base_distance(data, offset)
        return kind, size, start - distance, offset
    if kind not in TYPES:
        raise ValueError(f"unknown type {kind}")
    return kind, size, b"", offset


def _inflated(data: bytes, start: int, size: int) -> tuple[bytes, int]:
    """Inflate the content at an offset; return it and the offset after it.

    Raises:
        IndexError: the content is incomplete.
        ValueError: the content does not have this size.
    """
    stream, parts, done = zlib.decompressobj(), [], 0
    while not stream.eof:
        if start >= len(data):
            raise IndexError(start)
        chunk = data[start : start + _CHUNK]
        parts.append(stream.decompress(chunk, size - done + 1))
        done += len(parts[-1])
        if done > size:
            break
        start += len(chunk) - len(stream.unused_data)
    if done != size:
        raise ValueError(f"the content does not have {size} bytes")
    return b"".join(parts), start
