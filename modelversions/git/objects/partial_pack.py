"""Parse the first objects of a pack, to end its transfer early.

A server without filters (``uploadpack.allowFilter`` is false by default) sends all files with a
commit. But Git writes commits and tags first into a pack, then trees, each root before its
subtrees, and blobs last: the first bytes contain the commits and the root tree.
"""

from __future__ import annotations

import io
import zlib
from typing import NamedTuple

from dulwich.errors import GitProtocolError
from dulwich.object_format import ObjectFormat
from dulwich.objects import object_header
from dulwich.pack import apply_delta

from modelversions.git.objects.pack_files import OFS_DELTA, REF_DELTA, TYPES

_TREE, _BLOB = 2, 3
_HEADER = 12
"""The bytes before the first object: signature, version and number of objects."""
_FIRST_LOOK = 1 << 16
_CHUNK = 1 << 12


class PackStart(NamedTuple):
    """The objects in the first bytes of a pack."""

    objects: dict[bytes, tuple[int, bytes]]
    """By id: type number and content."""
    has_all_commits: bool
    """Whether a tree or a blob follows, so that no commit does."""


class PackFile(io.BytesIO):
    """Receives a pack up to a limit; ``is_cut`` tells whether there was more."""

    def __init__(
        self, limit: int | None, *, format: ObjectFormat, start_only: bool = False
    ) -> None:
        """Receive a pack.

        Args:
            limit: the maximal number of bytes; None for no limit.
            format: the format of its objects.
            start_only: whether to stop after the first tree or blob, if the pack is long.
        """
        super().__init__()
        self._limit = limit
        self._next_look = _FIRST_LOOK if start_only else None
        self.format = format
        self.is_cut = False

    def write(self, data: bytes) -> int:  # type: ignore[override]  # dulwich gives bytes
        """Write bytes.

        Raises:
            GitProtocolError: the limit is exceeded, or no more bytes are needed.
        """
        size = self.tell() + len(data)
        if self._limit is not None and size > self._limit:
            self.is_cut = True
            raise GitProtocolError(f"it sends more than {self._limit} bytes, having no filter")
        written = super().write(data)
        if self._next_look is not None and size >= self._next_look:
            self._next_look *= 4
            if self.start().has_all_commits:
                self.is_cut = True
                raise GitProtocolError("it sends files, having no filter for them")
        return written

    def start(self) -> PackStart:
        """Return the objects that were received completely."""
        return read_start(self.getvalue(), self.format)


def read_start(data: bytes, format: ObjectFormat) -> PackStart:
    """Parse the objects at the start of a pack, up to the first incomplete one.

    Args:
        data: the first bytes of a pack.
        format: the format of its objects.
    """
    found: dict[bytes, tuple[int, bytes]] = {}
    by_offset: dict[int, tuple[int, bytes]] = {}
    offset = _HEADER
    while data[:4] == b"PACK" and offset < len(data):
        try:
            kind, base, start = _entry(data, offset, format.oid_length)
            raw, end = _inflated(data, start)
        except (IndexError, zlib.error):
            break
        known = by_offset.get(base) if isinstance(base, int) else found.get(base)
        if kind in TYPES:
            known = kind, raw
        elif known is not None:
            known = known[0], b"".join(apply_delta(known[1], raw))
        if known is not None:
            by_offset[offset] = known
            found[_id(*known, format)] = known
        offset = end
    others = any(kind in (_TREE, _BLOB) for kind, _ in found.values())
    return PackStart(found, has_all_commits=others)


def _entry(data: bytes, offset: int, width: int) -> tuple[int, int | bytes, int]:
    """Return an entry's type, the base of a delta, and where its content starts."""
    byte = data[offset]
    kind, offset = byte >> 4 & 7, offset + 1
    start = offset - 1
    while byte & 0x80:
        byte, offset = data[offset], offset + 1
    if kind == REF_DELTA:
        return kind, data[offset : offset + width], offset + width
    if kind != OFS_DELTA:
        return kind, b"", offset
    byte, offset = data[offset], offset + 1
    back = byte & 0x7F
    while byte & 0x80:
        byte, offset = data[offset], offset + 1
        back = (back + 1 << 7) | (byte & 0x7F)
    return kind, start - back, offset


def _inflated(data: bytes, start: int) -> tuple[bytes, int]:
    """Inflate the content at an offset; return it and its end.

    Raises:
        IndexError: it is incomplete.
    """
    stream, parts = zlib.decompressobj(), []
    while not stream.eof:
        if start >= len(data):
            raise IndexError(start)
        chunk = data[start : start + _CHUNK]
        parts.append(stream.decompress(chunk))
        start += len(chunk) - len(stream.unused_data)
    return b"".join(parts), start


def _id(kind: int, raw: bytes, format: ObjectFormat) -> bytes:
    return format.hash_object(object_header(kind, len(raw)) + raw)
