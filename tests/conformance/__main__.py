"""Run the cases with modelversions, GTO and C git: ``python -m tests.conformance``.

It prints the sentences of the specification that each of them meets.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path
from tempfile import gettempdir

from tests.compat.git import Git
from tests.conformance.ours import Ours
from tests.conformance.shell import Shell
from tests.conformance.table import Implementation, differences, rows, short, whole, write
from tests.conformance.theirs import Theirs

IMPLEMENTATIONS: dict[str, type[Implementation]] = {"ours": Ours, "gto": Theirs, "git": Shell}


def main(arguments: list[str] | None = None) -> None:
    """Print or write the tables, or the differences of one implementation."""
    options = _parser().parse_args(arguments)
    names = [options.differences] if options.differences else list(IMPLEMENTATIONS)
    implementations = [IMPLEMENTATIONS[name]() for name in names]
    try:
        if options.differences:
            print(*differences(implementations[0]), sep="\n")
            return
        found, titles = rows(implementations), [one.name for one in implementations]
        if options.write:
            write(found, titles, versions())
        print(short(found, titles), whole(found, titles), sep="\n\n")
    finally:
        for one in implementations:
            one.close()


def versions() -> str:
    """Return the versions of the other implementations."""
    git = Git(Path(gettempdir()))("version").split()[2]
    return f"GTO {version('gto')}, git {git}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument(
        "--write", action="store_true", help="update the tables in RESULTS.md and the README"
    )
    parser.add_argument(
        "--differences",
        choices=IMPLEMENTATIONS,
        help="print the cases that an implementation does not meet",
    )
    return parser


if __name__ == "__main__":
    main()
