"""A fresh interpreter that takes one figure and prints it: ``worker QUESTION PATH``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path


def table(path: str) -> float:
    """Time the table of models, from opening the repository on.

    What is otherwise imported at the first look is there before, as all of GTO is.
    """
    _import("modelversions.display.tables", "modelversions.git.local.local_store")
    from modelversions import Registry

    start = time.perf_counter()
    with Registry.open(path) as registry:
        assert str(registry)
    return time.perf_counter() - start


def versions(path: str) -> float:
    """Time all that the versions of one model tell, from opening the repository on."""
    _import("modelversions.git.local.local_store")
    from modelversions import Registry
    from tests.benchmarks.reading import in_full

    start = time.perf_counter()
    with Registry.open(path) as registry:
        answer = in_full(registry, "model-0")
        end = time.perf_counter()
    assert answer
    return end - start


def gto_table(path: str) -> float:
    """Time the same table, as ``gto show`` makes it."""
    import gto.api

    start = time.perf_counter()
    assert gto.api.show(path, table=True)
    return time.perf_counter() - start


def resident(path: str) -> float:
    """Take the most memory that was resident while all history is held, beyond the import's.

    Pages of mapped files count, such as those of packs, and dulwich, which the first look imports.
    """
    from modelversions import Registry

    before = _peak()
    with Registry.open(path) as registry:
        history = registry.history()
        after = _peak()
    assert history
    return after - before


def allocated(path: str) -> float:
    """Take the most memory that Python itself had given out meanwhile: no mapped file counts."""
    import tracemalloc

    from modelversions import Registry

    tracemalloc.start()
    with Registry.open(path) as registry:
        history = registry.history()
        most = tracemalloc.get_traced_memory()[1]
    assert history
    return most


def _import(*names: str) -> None:
    for name in names:
        import_module(name)


def _peak() -> float:
    """Return the most bytes that were ever resident.

    Linux hands ``ru_maxrss`` down from a process to the programs that it starts, so that a large
    parent would hide what this one takes; its own status file begins anew.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) * 1024.0 for line in lines if line.startswith("VmHWM"))
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(most if sys.platform == "darwin" else most * 1024)


QUESTIONS: dict[str, Callable[[str], float]] = {
    "table": table,
    "gto": gto_table,
    "versions": versions,
    "resident": resident,
    "allocated": allocated,
}

if __name__ == "__main__":
    print(QUESTIONS[sys.argv[1]](sys.argv[2]))
