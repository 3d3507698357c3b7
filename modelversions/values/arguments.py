"""Checks of arguments that several classes share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import TypeGuard

from modelversions.errors import InvalidArgumentError

Clock = Callable[[], datetime]
"""Returns the present time, as an aware datetime."""


def check_flag(name: str, value: object) -> None:
    """Check that an argument is a boolean: ``"no"`` would be true.

    Raises:
        InvalidArgumentError: it is not.
    """
    if not isinstance(value, bool):
        raise InvalidArgumentError(
            f"{name} must be True or False, not {value!r}", argument=name, value=value
        )


def is_seconds(value: object) -> TypeGuard[float]:
    """Return whether a value is a positive number of seconds that a thread can wait."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 < value <= threading.TIMEOUT_MAX  # type: ignore[operator]  # a number


def is_count(value: object, least: int = 0) -> bool:
    """Return whether a value is an integer from ``least`` on; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
