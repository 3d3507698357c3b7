"""Store predictions with the version of their model: ``python store_predictions.py [directory]``.

The directory is a checkout of the repository, for example in a container. The version is the one
registered at the commit that is checked out.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable

from modelversions import Registry, Version


def checked_out_version(directory: str, model: str) -> Version | None:
    """Return the version of a model that is checked out in a directory."""
    with Registry.open(directory) as registry:
        return next((one for one in registry.at("HEAD") if one.model == model), None)


def store(rows: Iterable[tuple[str, float]], version: Version | None, commit: str) -> None:
    """Write predictions as CSV, with version and commit in each row."""
    writer = csv.writer(sys.stdout)
    writer.writerow(["customer", "score", "model", "commit"])
    for customer, score in rows:
        writer.writerow([customer, score, str(version or "unregistered"), commit])


def main(directory: str = ".") -> None:
    """Store two predictions."""
    with Registry.open(directory) as registry:
        commit = registry.commits(limit=1)[0].commit
    store([("ann", 0.25), ("bob", 0.75)], checked_out_version(directory, "churn"), commit)


if __name__ == "__main__":
    main(*sys.argv[1:])
