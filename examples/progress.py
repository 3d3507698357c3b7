"""Read a registry at a URL, with a progress bar: ``python examples/progress.py URL``.

It takes ``pip install tqdm``. If the server wants a token, that of ``MODELS_TOKEN`` is taken.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack

from tqdm import tqdm

from modelversions import Registry
from modelversions.credentials import token_from_env


class Bars(ExitStack):
    """A bar for each thing that makes progress; pass ``show`` as ``progress=``."""

    def __init__(self) -> None:
        """Begin with no bars: one comes with the first report about its thing."""
        super().__init__()
        self._bars: dict[str, tqdm] = {}

    def show(self, done: int, total: int | None, what: str) -> None:
        """Move the bar of ``what``; a total of None is one that nobody knows yet."""
        if what not in self._bars:
            self._bars[what] = self.enter_context(tqdm(desc=what, unit_scale=True))
        bar = self._bars[what]
        bar.total = total
        bar.update(done - bar.n)


def main(url: str) -> None:
    """Print the models of a registry, and how many events there were."""
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
