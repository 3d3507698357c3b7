"""Measure times and sizes, interleaved, so that noise affects all tools equally."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable
from typing import Literal, TypeVar

import attrs

Result = TypeVar("Result")

Probe = Callable[[], float]
"""Run something once and return its time or its size."""

Unit = Literal["seconds", "bytes"]


@attrs.frozen
class Sample:
    """The results of all rounds."""

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


def timed(run: Callable[[], object]) -> Probe:
    """Return a probe that times a call. Releasing the result is not timed."""

    def probe() -> float:
        start = time.perf_counter()
        result = run()
        end = time.perf_counter()
        del result
        return end - start

    return probe


def interleave(
    rounds: int,
    *probes: Callable[[], Result],
    before: Callable[[], object] = lambda: None,
    warm: bool = True,
) -> list[list[Result]]:
    """Run all probes in each round, alternately in forward and in reverse order.

    Args:
        rounds: the number of rounds that are returned.
        probes: what is run.
        before: is called before each round; not timed.
        warm: whether there is a first round that is discarded, to fill caches.

    Returns:
        The results of each probe, in the order of the rounds.
    """
    results: list[list[Result]] = [[] for _ in probes]
    for number in range(-warm, rounds):
        before()
        order = list(enumerate(probes))
        for index, probe in order if number % 2 == 0 else reversed(order):
            gc.collect()  # so that no probe collects the garbage of another
            result = probe()
            if number >= 0:
                results[index].append(result)
    return results


def exponent(small: tuple[int, float], large: tuple[int, float]) -> float:
    """Return the exponent of the size with which a result grows."""
    return math.log(large[1] / small[1]) / math.log(large[0] / small[0])
