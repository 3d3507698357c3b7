"""Measure modelversions beside its peers, in one run: ``python -m tests.benchmarks``.

Times say little about another machine; what they come to beside a peer's, or beside our own at
another size, says more. The peers: C git, and what ``pip install --group bench`` brings.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.plan import SMOKE, Bench, Plan
from tests.benchmarks.report import Row, heading, line, machine, write_results
from tests.benchmarks.repositories import Repositories
from tests.benchmarks.scenarios import SCENARIOS


def main(arguments: list[str] | None = None) -> None:
    """Run the scenarios that are asked for, and print a table."""
    options = _parser().parse_args(arguments)
    if options.list:
        for name, scenario in SCENARIOS.items():
            print(f"{name:13} {(scenario.__doc__ or '').splitlines()[0]}")
        return
    plan = SMOKE if options.smoke else Plan()
    with TemporaryDirectory() as folder:
        bench = Bench(plan, Repositories(options.folder or Path(folder)))
        found = machine()
        print(", ".join(f"{name} {value}" for name, value in found.items()), end="\n\n")
        rows = list(_run(bench, options.only or SCENARIOS))
    if options.write:
        write_results(rows, found)
    if options.json:
        records = [row.record(judged=plan.judged) for row in rows]
        text = json.dumps({"machine": found, "smoke": options.smoke, "rows": records}, indent=1)
        options.json.write_text(f"{text}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small sizes: does it still run?")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=SCENARIOS, help="run these scenarios"
    )
    parser.add_argument("--list", action="store_true", help="list the scenarios")
    parser.add_argument("--folder", type=Path, help="keep the repositories here, for another run")
    parser.add_argument(
        "--write", action="store_true", help="write RESULTS.md, and the table of the README"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round to a file")
    return parser


def _run(bench: Bench, names: Iterable[str]) -> Iterator[Row]:
    """Print each row when it is known; how long a scenario took goes to the other stream."""
    print(heading(), flush=True)
    for name in names:
        start = time.monotonic()
        for row in SCENARIOS[name](bench):
            print(line(row.cells(judged=bench.plan.judged)), flush=True)
            yield row
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
