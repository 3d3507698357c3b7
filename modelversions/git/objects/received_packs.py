"""Store received packs in a repository or in memory.

dulwich's object stores parse each object and refuse a pack with one that dulwich cannot parse, such
as a commit whose author has no UTC offset. Git accepts such a pack. This module uses dulwich's
functions for packs without that step; upstream, ``add_thin_pack`` would have to make it optional.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Sequence
from io import BufferedRandom, BytesIO
from typing import BinaryIO

from dulwich.errors import GitProtocolError
from dulwich.file import adjust_shared_perm
from dulwich.object_format import DEFAULT_OBJECT_FORMAT, ObjectFormat
from dulwich.object_store import PACK_MODE, DiskObjectStore, MemoryObjectStore
from dulwich.objects import ObjectID, RawObjectID, ShaFile, object_header, sha_to_hex
from dulwich.pack import (
    PackData,
    PackIndexEntry,
    PackIndexer,
    extend_pack,
    write_pack_index,
)

from modelversions.git.objects.partial_pack import MAX_INFLATED, PackStart, read_start

_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


class Fetched(MemoryObjectStore):
    """Objects as bytes, by their ids in the server's object format."""

    def __init__(self, object_format: ObjectFormat = DEFAULT_OBJECT_FORMAT) -> None:
        """Create an empty store."""
        super().__init__(object_format=object_format)
        self._raw: dict[ObjectID, tuple[int, bytes]] = {}

    def add(self, number: int, raw: bytes) -> None:
        """Add an object, given the number of its type and its content."""
        digest = self.object_format.hash_object(object_header(number, len(raw)) + raw)
        self._raw[sha_to_hex(RawObjectID(digest))] = (number, raw)

    def add_object(self, obj: ShaFile) -> None:
        """Add an object of dulwich."""
        self.add(obj.type_num, obj.as_raw_string())

    def add_pack_file(self, file: BytesIO, limit: int | None = MAX_INFLATED) -> None:
        """Add the objects of a pack.

        Args:
            file: the pack.
            limit: the maximum number of bytes of its objects; None for no limit.

        Raises:
            GitProtocolError: the pack is broken, or its objects exceed the limit.
        """
        data, width = file.getvalue(), self.object_format.oid_length
        start = read_start(data, self.object_format, limit)
        if start.is_too_large:
            raise GitProtocolError(f"it sends a pack whose objects have more than {limit} bytes")
        checksum = self.object_format.hash_object(memoryview(data)[:-width])  # type: ignore[arg-type]
        if not start.is_complete or checksum != data[-width:]:
            raise GitProtocolError("it sends a broken pack")
        self.add_start(start)

    def add_start(self, start: PackStart) -> None:
        """Add the objects of the start of a pack."""
        found = start.objects.items()
        self._raw |= {sha_to_hex(RawObjectID(id)): numbered for id, numbered in found}

    def contains_loose(self, sha: ObjectID) -> bool:
        """Return whether the store has an object."""
        return sha in self._raw

    def __iter__(self) -> Iterator[ObjectID]:
        """Iterate over the ids."""
        return iter(self._raw)

    def get_raw(self, name: ObjectID | RawObjectID) -> tuple[int, bytes]:
        """Return the number of an object's type and its content."""
        return self._raw[ObjectID(name)]

    def __getitem__(self, name: ObjectID | RawObjectID) -> ShaFile:
        """Return an object as dulwich parses it."""
        return ShaFile.from_raw_string(*self.get_raw(name), object_format=self.object_format)


@contextlib.contextmanager
def new_pack(store: DiskObjectStore) -> Iterator[tuple[BufferedRandom, str]]:
    """Create a temporary file in the directory of packs; yield the file and its path.

    It is removed at the end, unless ``store_pack`` has renamed it.
    """
    os.makedirs(store.pack_dir, exist_ok=True)
    with _new_file(store, "pack") as found:
        yield found


@contextlib.contextmanager
def _new_file(store: DiskObjectStore, kind: str) -> Iterator[tuple[BufferedRandom, str]]:
    """Create a temporary file, as Git names it; remove it at the end, unless it was renamed.

    As no lock is taken, two writers of the same pack do not wait for each other.
    """
    path = os.path.join(store.pack_dir, f"tmp_{kind}_{secrets.token_hex(8)}")
    fd = os.open(path, _CREATE, PACK_MODE)  # the umask applies, as in Git
    try:
        with open(fd, "w+b") as file:
            yield file, path
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def store_pack(store: DiskObjectStore, file: BufferedRandom, path: str) -> list[ObjectID]:
    """Add a pack to a repository; return the ids of its objects.

    Args:
        store: the repository's objects. Bases of deltas are added to a thin pack.
        file: the file from ``new_pack``.
        path: the path of that file.

    Raises:
        Exception: the pack is broken. Nothing was added.
    """
    file.flush()
    with PackData(path, store.object_format, file=file) as data:
        data.check()
        indexer = PackIndexer.for_pack_data(data, resolve_ext_ref=store.get_raw)
        entries = list(indexer)
        bases = set(indexer.ext_refs())
    checksum, added = extend_pack(file, bases, store.get_raw, store.object_format)
    file.flush()
    os.fsync(file.fileno())
    if entries:
        _publish(store, path, sorted([*entries, *added]), checksum)
    return [sha_to_hex(entry[0]) for entry in entries]


def store_in_memory(store: MemoryObjectStore, file: BinaryIO) -> list[ObjectID]:
    """Add a pack to a repository in memory; return the ids of the objects that it did not have.

    Raises:
        Exception: the pack is broken, or dulwich cannot parse one of its objects.
    """
    before = set(store)
    file.seek(0)
    store.add_thin_pack(file.read, None)
    return [id for id in store if id not in before]


def _publish(
    store: DiskObjectStore, path: str, entries: Sequence[PackIndexEntry], checksum: bytes
) -> None:
    """Rename a pack to its checksum, as Git does; readers find it once its index exists."""
    final = os.path.join(store.pack_dir, f"pack-{checksum.hex()}")
    adjust_shared_perm(path, store.shared_perm)
    os.replace(path, f"{final}.pack")
    with _new_file(store, "idx") as (index, temporary):
        write_pack_index(index, entries, checksum, version=2)
        index.flush()
        os.fsync(index.fileno())
        adjust_shared_perm(temporary, store.shared_perm)
        os.replace(temporary, f"{final}.idx")
