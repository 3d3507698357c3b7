"""Pause Python's garbage collector while many values are created.

The collector repeatedly traverses the values created so far, none of which is garbage: with it,
``history()`` of 100,000 tags takes 36 % longer. Mercurial also disables it to parse its indexes.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def gc_paused(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Return a function that disables the collector during a call, if it is enabled."""

    @functools.wraps(function)
    def paused(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if not gc.isenabled():
            return function(*args, **kwargs)
        gc.disable()
        try:
            return function(*args, **kwargs)
        finally:
            gc.enable()

    return paused
