"""Show the models of many repositories; read again only what has changed.

    python dashboard.py catalog.yaml snapshots.sqlite

The first file lists the repositories (extra ``yaml``)::

    repositories:
      - https://host/team/churn.git
      - ../vision
      - name: nlp
        url: https://host/team/nlp.git
        credentials: env:NLP_TOKEN

The second one keeps what was read, for the next run. With ``--dask ADDRESS``, the processes of a
Dask cluster read the repositories; ``--dask local`` starts two on this machine.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import Executor
from contextlib import ExitStack
from pathlib import Path

from modelversions import Catalog


def show(file: str, snapshots: str, executor: Executor | None = None) -> int:
    """Print the models and the repositories that cannot be read; return the number of these."""
    catalog = Catalog.from_file(file, executor=executor)
    if Path(snapshots).exists():
        catalog = Catalog.load(snapshots, catalog, executor=executor)
    catalog.refresh()
    print(catalog)
    catalog.save(snapshots)
    return len(catalog.errors)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("catalog")
    parser.add_argument("snapshots")
    parser.add_argument("--dask", help="the address of a scheduler, or 'local'")
    options = parser.parse_args()
    with ExitStack() as stack:
        executor = None
        if options.dask:
            from distributed import Client

            local = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
            client = Client(**local) if options.dask == "local" else Client(options.dask)
            executor = stack.enter_context(client).get_executor()
        return min(show(options.catalog, options.snapshots, executor), 1)


if __name__ == "__main__":
    sys.exit(main())
