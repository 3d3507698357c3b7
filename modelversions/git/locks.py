"""Locks that a forked child can take, and how long to wait for those of refs.

A child of ``fork()`` has only the thread that called it. A lock that another thread held at that
moment would never be released in the child, so each gets a new one there.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from types import TracebackType

TIMEOUT = 1.0
"""The seconds to wait for a lock of a ref that another writer holds, here or at a server."""


class ForkSafeLock:
    """A reentrant lock for ``with``; free again in a forked child."""

    def __init__(self, in_child: Callable[[], None] | None = None) -> None:
        """Make a lock.

        Args:
            in_child: is called in a forked child; a method is not kept alive by it.
        """
        self._lock = threading.RLock()
        self._in_child = None if in_child is None else weakref.WeakMethod(in_child)
        _LOCKS.add(self)

    def __enter__(self) -> None:
        """Wait for the lock."""
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release it."""
        self._lock.release()

    def renew(self) -> None:
        """Make it free, in a child in which no other thread exists."""
        self._lock = threading.RLock()
        in_child = None if self._in_child is None else self._in_child()
        if in_child is not None:
            in_child()


_LOCKS: weakref.WeakSet[ForkSafeLock] = weakref.WeakSet()


def _renew_all() -> None:
    for lock in list(_LOCKS):
        lock.renew()


_register: Callable[..., None] = getattr(os, "register_at_fork", lambda **_: None)
_register(after_in_child=_renew_all)
