"""Times and sizes: taken in turns, so that a slow minute of the machine is everybody's."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable
from typing import Literal, TypeVar

import attrs

Taken = TypeVar("Taken")

Probe = Callable[[], float]
"""Asks once and says how long that took, or how much."""

Unit = Literal["seconds", "bytes"]


@attrs.frozen
class Sample:
    """What was taken round by round; nothing is left out."""

    values: tuple[float, ...]
    unit: Unit = "seconds"

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        if self.unit == "bytes":
            if self.median < 1e6:
                return f"{self.median / 1e3:,.1f} KB"
            return f"{self.median / 1e6:,.1f} MB"
        return f"{self.median * 1e3:,.1f} ms" if self.median < 10 else f"{self.median:,.1f} s"


def sample(values: list[float], unit: Unit = "seconds") -> Sample:
    return Sample(tuple(values), unit)


def clocked(run: Callable[[], object]) -> Probe:
    """Make a probe of anything; to let go of the answer is not part of the answer."""

    def probe() -> float:
        start = time.perf_counter()
        answer = run()
        end = time.perf_counter()
        del answer
        return end - start

    return probe


def in_turns(
    rounds: int,
    *probes: Callable[[], Taken],
    before: Callable[[], object] = lambda: None,
    warm: bool = True,
) -> list[list[Taken]]:
    """Ask all probes in each round, in turns from the front and from the back.

    Args:
        rounds: how many rounds count.
        probes: who is asked.
        before: what is done before each round, outside of all times.
        warm: whether there is a first round that does not count, for the machine's caches.

    Returns:
        For each probe what it said, round by round.
    """
    taken: list[list[Taken]] = [[] for _ in probes]
    for number in range(-warm, rounds):
        before()
        order = list(enumerate(probes))
        for place, probe in order if number % 2 == 0 else reversed(order):
            gc.collect()  # the garbage of one answer is not a part of the next one
            said = probe()
            if number >= 0:
                taken[place].append(said)
    return taken


def exponent(small: tuple[int, float], large: tuple[int, float]) -> float:
    """Return the power of the size with which a figure grows."""
    return math.log(large[1] / small[1]) / math.log(large[0] / small[0])
