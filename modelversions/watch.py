"""Run a query at intervals, and yield the results that differ from the previous one.

This module is private.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

import attrs

from modelversions.errors import InvalidArgumentError, ObjectMissingError, RemoteError
from modelversions.values.arguments import is_seconds

Result = TypeVar("Result")

Wait = Callable[[float], object]
"""Waits for a number of seconds; returns True to end the watch, as ``threading.Event.wait``."""

MAX_DELAY = 300.0
"""The maximum interval in seconds between attempts while a server cannot be reached."""

_RETRIED = (408, 425, 429)
"""The HTTP statuses of client errors (4xx) after which a request may succeed if it is repeated."""

_logger = logging.getLogger(__name__)


def check_interval(interval: object) -> float:
    """Return an interval in seconds.

    Raises:
        InvalidArgumentError: it is not a positive number, or too large to wait for.
    """
    if not is_seconds(interval):
        raise InvalidArgumentError(
            f"interval must be a positive number of seconds, not {interval!r}; pass one such as 30",
            argument="interval",
            value=interval,
        )
    return float(interval)


def check_stop(stop: object, wait: object) -> None:
    """Check the arguments that end a watch.

    Raises:
        InvalidArgumentError: one is of another type.
    """
    if stop is not None and not isinstance(stop, threading.Event):
        raise InvalidArgumentError(
            f"stop must be a threading.Event, not {stop!r}; for another kind of event, pass its "
            "wait method as wait=",
            argument="stop",
            value=stop,
        )
    if wait is not None and not callable(wait):
        raise InvalidArgumentError(
            f"wait must be a function of the seconds to wait, not {wait!r}",
            argument="wait",
            value=wait,
        )


@attrs.define
class Watch(Generic[Result]):
    """Runs a query at intervals, which increase while a server cannot be reached."""

    query: Callable[[], Result]
    subject: str
    """The reference and the location, for log messages."""
    interval: float
    stop: threading.Event | None = None
    wait: Wait | None = None
    _failures: int = 0
    """The number of failures since the last result."""
    _delay: float = 0.0
    """The seconds to wait after the last poll."""

    def results(self) -> Generator[Result, None, None]:
        """Yield the first result, then each that differs from the previous one."""
        previous: tuple[Result, ...] = ()
        while not self._is_stopped():
            result = self._poll()
            if result and result != previous:
                previous = result
                yield result[0]
            if self._pause():
                return

    def _is_stopped(self) -> bool:
        return self.stop is not None and self.stop.is_set()

    def _pause(self) -> object:
        """Wait; return a true value to end the watch."""
        if self.wait is not None:
            return self.wait(self._delay)
        if self.stop is not None:
            return self.stop.wait(self._delay)
        time.sleep(self._delay)  # Ctrl-C interrupts it on Windows, unlike Event.wait
        return False

    def _poll(self) -> tuple[Result, ...]:
        """Return a tuple of the result; an empty tuple if the server cannot be reached now."""
        try:
            result = self.query()
        except (RemoteError, ObjectMissingError) as error:
            if not _is_temporary(error):
                raise
            self._fail(error)
            return ()
        if self._failures:
            _logger.info("%s: answered again after failures: %d", self.subject, self._failures)
        self._failures, self._delay = 0, self.interval
        return (result,)

    def _fail(self, error: Exception) -> None:
        """Log a failure, the first one as a warning, and set the delay until the next attempt."""
        if self._failures:
            self._delay = min(2 * self._delay, max(self.interval, MAX_DELAY))
        else:
            self._delay = self.interval
        level = logging.INFO if self._failures else logging.WARNING
        self._failures += 1
        _logger.log(level, "%s: %s; next attempt in %g s", self.subject, error, self._delay)


def _is_temporary(error: RemoteError | ObjectMissingError) -> bool:
    """Return whether the same request may succeed later.

    A missing object is temporary: if a tag was deleted and pruned while it was read, the next poll
    does not list it.
    """
    status = getattr(error, "status", None)
    return status is None or not 400 <= status < 500 or status in _RETRIED  # noqa: PLR2004  # client errors of HTTP
