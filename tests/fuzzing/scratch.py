"""Folders for the files that a target reads, in memory where the system has that."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

_MEMORY = "/dev/shm"  # noqa: S108  # it is only faster; tempfile makes the folder


@functools.cache
def scratch() -> Path:
    """Return a folder for this process, which is removed at its end."""
    folder = tempfile.mkdtemp(prefix="fuzzing-", dir=_MEMORY if Path(_MEMORY).is_dir() else None)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


class Reader:
    """Reads numbers and bytes from an input; zeros and nothing after its end."""

    def __init__(self, data: bytes) -> None:
        """Read from the start."""
        self._data = data
        self._at = 0

    @property
    def is_at_end(self) -> bool:
        """Whether all was read."""
        return self._at >= len(self._data)

    def byte(self) -> int:
        """Read a byte."""
        return next(iter(self.take(1)), 0)

    def number(self) -> int:
        """Read a number of two bytes."""
        return self.byte() << 8 | self.byte()

    def take(self, count: int) -> bytes:
        """Read so many bytes, or those that are left."""
        found = self._data[self._at : self._at + count]
        self._at += count
        return found

    def rest(self) -> bytes:
        """Read what is left."""
        return self.take(len(self._data))
