"""Progress bars of tqdm, for ``progress=True``.

This module is private.
"""

from __future__ import annotations

import threading
from typing import Any

from modelversions.errors import InvalidArgumentError, MissingExtraError
from modelversions.git.store import Progress

_KEPT = ("tags read", "repositories read")
"""The bars that remain on the screen when they are complete."""
_BYTES = "bytes received"


def check_progress(
    progress: Progress | bool | None,  # noqa: FBT001  # as the users' argument
    where: str,
) -> Progress | None:
    """Return the callable that reports progress; for True, progress bars.

    Args:
        progress: the argument of the user.
        where: the class that documents it, for the message.

    Raises:
        InvalidArgumentError: it is neither a callable nor a bool.
        MissingExtraError: tqdm is not installed.
    """
    if isinstance(progress, bool):
        return ProgressBars() if progress else None
    if progress is not None and not callable(progress):
        raise InvalidArgumentError(
            f"progress must be True or a callable, not a {type(progress).__name__}; see {where}",
            argument="progress",
            value=progress,
        )
    return progress


class ProgressBars:
    """Shows a bar for each kind of work; it is passed as ``progress``. Threads may share it."""

    def __init__(self) -> None:
        """Import tqdm, which chooses between bars for notebooks and for terminals.

        Raises:
            MissingExtraError: tqdm is not installed.
        """
        try:
            from tqdm.auto import tqdm
        except ImportError as error:
            raise MissingExtraError(
                "progress=True needs the 'notebook' extra: pip install 'modelversions[notebook]', "
                "or pass a callable",
                extra="notebook",
            ) from error
        self._make = tqdm
        self._bars: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, done: int, total: int | None, what: str) -> None:
        """Show the amount of completed work; close the bar if it is the total."""
        with self._lock:
            bar = self._bar(done, total, what)
            bar.total = total
            bar.update(done - bar.n)
            if total is not None and done >= total:
                self._bars.pop(what).close()

    def _bar(self, done: int, total: int | None, what: str) -> Any:  # noqa: ANN401  # tqdm has no types
        """Return the bar of a kind of work; a new one if the work starts again."""
        bar = self._bars.get(what)
        if bar is None or done < bar.n:
            if bar is not None:
                bar.close()
            unit = {"unit": "B", "unit_divisor": 1024} if what == _BYTES else {}
            bar = self._make(
                desc=what,
                total=total,
                leave=what in _KEPT,
                unit_scale=True,
                mininterval=0.2,
                **unit,
            )
            self._bars[what] = bar
        return bar
