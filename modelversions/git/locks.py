"""Locks that a forked child can acquire, and the timeout for locks of refs.

A child of ``fork()`` has only the thread that called ``fork()``. A lock that another thread held
would never be released in the child, so each lock is replaced there.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from types import TracebackType

TIMEOUT = 1.0
"""The seconds to wait for the lock of a ref that another writer holds, locally or on a server."""


class ForkSafeLock:
    """A reentrant lock for ``with`` that is released in a forked child."""

    def __init__(self, in_child: Callable[[], None] | None = None) -> None:
        """Create a lock.

        Args:
            in_child: a method that is called in a forked child; only a weak reference is held.
        """
        self._lock = threading.RLock()
        self._in_child = None if in_child is None else weakref.WeakMethod(in_child)
        _LOCKS.add(self)

    def __enter__(self) -> None:
        """Acquire the lock."""
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the lock."""
        self._lock.release()

    def renew(self) -> None:
        """Replace the lock with a new one, in a child that has no other thread."""
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
