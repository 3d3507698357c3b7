"""Measure one task in a new interpreter and print the result: ``worker TASK PATH``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path


def table(path: str) -> float:
    """Time the table of models, including opening the repository.

    Modules that the first read would import are imported before, as all of GTO is.
    """
    _import("modelversions.display.tables", "modelversions.git.local.local_store")
    from modelversions import Registry

    start = time.perf_counter()
    with Registry.open(path) as registry:
        assert str(registry)
    return time.perf_counter() - start


def versions(path: str) -> float:
    """Time reading all fields of the versions of a model, including opening the repository."""
    _import("modelversions.git.local.local_store")
    from modelversions import Registry
    from tests.benchmarks.reading import in_full

    start = time.perf_counter()
    with Registry.open(path) as registry:
        result = in_full(registry, "model-0")
        end = time.perf_counter()
    assert result
    return end - start


def gto_table(path: str) -> float:
    """Time the same table of ``gto show``."""
    import gto.api

    start = time.perf_counter()
    assert gto.api.show(path, table=True)
    return time.perf_counter() - start


def resident(path: str) -> float:
    """Return the peak resident memory while the whole history is held, without the import's.

    It includes pages of mapped files, such as packs, and dulwich, which the first read imports.
    """
    from modelversions import Registry

    before = _peak()
    with Registry.open(path) as registry:
        history = registry.history()
        after = _peak()
    assert history
    return after - before


def allocated(path: str) -> float:
    """Return the peak memory that Python allocated in this time, without mapped files."""
    import tracemalloc

    from modelversions import Registry

    tracemalloc.start()
    with Registry.open(path) as registry:
        history = registry.history()
        peak = tracemalloc.get_traced_memory()[1]
    assert history
    return peak


def _import(*names: str) -> None:
    for name in names:
        import_module(name)


def _peak() -> float:
    """Return the peak resident memory of this process in bytes.

    On Linux, processes inherit ``ru_maxrss`` from their parent, so that it would be that of a
    large parent. The value of the status file is not inherited.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return next(int(line.split()[1]) * 1024.0 for line in lines if line.startswith("VmHWM"))
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)


TASKS: dict[str, Callable[[str], float]] = {
    "table": table,
    "gto": gto_table,
    "versions": versions,
    "resident": resident,
    "allocated": allocated,
}

if __name__ == "__main__":
    print(TASKS[sys.argv[1]](sys.argv[2]))
