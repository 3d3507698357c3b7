"""A temporary directory for the files of a target, in memory if possible; a reader of inputs."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

_MEMORY = "/dev/shm"  # noqa: S108  # only for speed; tempfile creates the directory


@functools.cache
def scratch() -> Path:
    """Return a directory for this process, which is removed at its end."""
    directory = tempfile.mkdtemp(prefix="fuzzing-", dir=_MEMORY if Path(_MEMORY).is_dir() else None)
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return Path(directory)


class Reader:
    """Reads numbers and bytes from an input; after its end, numbers are 0 and bytes are empty."""

    def __init__(self, data: bytes) -> None:
        """Initialize with an input."""
        self._data = data
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        """Whether all bytes were read."""
        return self._at >= len(self._data)

    def byte(self) -> int:
        """Read a byte."""
        return next(iter(self.take(1)), 0)

    def number(self) -> int:
        """Read a number of two bytes."""
        return self.byte() << 8 | self.byte()

    def take(self, count: int) -> bytes:
        """Read this number of bytes, or the remaining ones."""
        found = self._data[self._at : self._at + count]
        self._at += count
        return found

    def rest(self) -> bytes:
        """Read the remaining bytes."""
        return self.take(len(self._data))
