"""Ask a question at intervals, and yield the answers that differ from the previous one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from typing import Generic, TypeVar

import attrs

from modelversions.errors import InvalidArgumentError, ObjectMissingError, RemoteError
from modelversions.values.arguments import is_seconds

Answer = TypeVar("Answer")

Wait = Callable[[float], object]
"""Waits for a number of seconds; returns True to end the watch, as ``threading.Event.wait``."""

MAX_DELAY = 300.0
"""The seconds up to which the interval increases while a server cannot be reached."""

_RETRIED = (408, 425, 429)
"""The HTTP statuses of the client's errors after which a request may succeed if it is repeated."""

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
            f"stop must be a threading.Event, not {stop!r}; of another kind of event, pass the "
            "method that waits as wait=",
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
class Watch(Generic[Answer]):
    """Asks a question at intervals, which increase while a server cannot be reached."""

    ask: Callable[[], Answer]
    subject: str
    """What is asked, and of whom, for the log."""
    interval: float
    stop: threading.Event | None = None
    wait: Wait | None = None
    _failures: int = 0
    """The number of failures since the last answer."""
    _delay: float = 0.0
    """The seconds to wait after the last poll."""

    def answers(self) -> Generator[Answer, None, None]:
        """Yield the first answer, then each that differs from the previous one."""
        previous: tuple[Answer, ...] = ()
        while not self._is_stopped():
            answer = self._poll()
            if answer and answer != previous:
                previous = answer
                yield answer[0]
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

    def _poll(self) -> tuple[Answer, ...]:
        """Return the answer, alone in a tuple; none if the server cannot be reached now."""
        try:
            answer = self.ask()
        except (RemoteError, ObjectMissingError) as error:
            if not _is_temporary(error):
                raise
            self._fail(error)
            return ()
        if self._failures:
            _logger.info("%s: answered again after failures: %d", self.subject, self._failures)
        self._failures, self._delay = 0, self.interval
        return (answer,)

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

    A tag that was deleted and pruned while it was read is not listed the next time.
    """
    status = getattr(error, "status", None)
    return status is None or not 400 <= status < 500 or status in _RETRIED  # noqa: PLR2004  # HTTP's
