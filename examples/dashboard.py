"""Show the models of many repositories, and read only those that changed.

    python dashboard.py catalog.yaml snapshots.sqlite

The first file lists the repositories (extra ``yaml``)::

    repositories:
      - https://host/team/churn.git
      - ../vision
      - name: nlp
        url: https://host/team/nlp.git
        credentials: env:NLP_TOKEN

The second file stores the data for the next run. With ``--dask ADDRESS`` or ``--ray ADDRESS``,
the processes of a Dask or Ray cluster read the repositories; ``local`` starts two on this machine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from pathlib import Path

from modelversions import Catalog


def show(file: str, snapshots: str, executor: Executor | None = None) -> int:
    """Print the models and the unreadable repositories; return the number of the latter."""
    catalog = Catalog.from_file(file, executor=executor)
    if Path(snapshots).exists():
        catalog = Catalog.load(snapshots, catalog, executor=executor)
    catalog.refresh()
    print(catalog)
    catalog.save(snapshots)
    return len(catalog.errors)


@contextmanager
def dask(address: str) -> Iterator[Executor]:
    """Connect to a Dask cluster."""
    from distributed import Client

    local = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with Client(**local) if address == "local" else Client(address) as client:
        yield client.get_executor()


class RayExecutor(Executor):
    """Runs functions on Ray, which has futures but no executor."""

    def submit(self, fn, /, *args, **kwargs):  # noqa: ANN001, ANN002, ANN003, ANN201
        """Run a function in one of Ray's processes."""
        import ray

        return ray.remote(fn).remote(*args, **kwargs).future()


@contextmanager
def on_ray(address: str) -> Iterator[Executor]:
    """Connect to a Ray cluster."""
    import ray

    local = {"num_cpus": 2, "include_dashboard": False, "log_to_driver": False}
    ray.init(**local) if address == "local" else ray.init(address)
    try:
        yield RayExecutor()
    finally:
        ray.shutdown()


def main() -> int:
    """Read the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("catalog")
    parser.add_argument("snapshots")
    cluster = parser.add_mutually_exclusive_group()
    cluster.add_argument("--dask", help="the address of a scheduler, or 'local'")
    cluster.add_argument("--ray", help="the address of a cluster, or 'local'")
    options = parser.parse_args()
    connected = dask(options.dask) if options.dask else nullcontext()
    if options.ray:
        connected = on_ray(options.ray)
    with connected as executor:
        return min(show(options.catalog, options.snapshots, executor), 1)


if __name__ == "__main__":
    sys.exit(main())
