"""Read a registry at a URL, with a progress bar: ``python examples/progress.py URL``.

``progress=True`` shows such bars without code; this example reports progress by a function. It
needs ``pip install tqdm``. The token in ``MODELS_TOKEN`` is sent if the server requires one.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack

from tqdm import tqdm

from modelversions import Registry
from modelversions.credentials import token_from_env


class Bars(ExitStack):
    """A bar for each kind of progress; pass ``show`` as ``progress=``."""

    def __init__(self) -> None:
        """Start without bars; the first report of a kind creates its bar."""
        super().__init__()
        self._bars: dict[str, tqdm] = {}

    def show(self, done: int, total: int | None, what: str) -> None:
        """Update the bar of ``what``; the total is None if it is unknown."""
        if what not in self._bars:
            self._bars[what] = self.enter_context(tqdm(desc=what, unit_scale=True))
        bar = self._bars[what]
        bar.total = total
        bar.update(done - bar.n)


def main(url: str) -> None:
    """Print the models of a registry, and the number of events."""
    with Bars() as bars:
        registry = Registry.open(
            url, progress=bars.show, credentials=token_from_env("MODELS_TOKEN"), timeout=30
        )
        events = registry.history()
        table = str(registry)
    print(table)
    print(f"{len(events)} events")


if __name__ == "__main__":
    main(*sys.argv[1:])
