"""Compare modelversions with other tools, in one run: ``python -m tests.benchmarks``.

Times depend on the machine. Ratios to the times of another tool, or to those of modelversions at
another size, depend on it less. The other tools are C git and those that
``pip install --group bench`` installs.
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
from tests.benchmarks.report import Row, describe_environment, heading, line, write_results
from tests.benchmarks.repositories import Repositories
from tests.benchmarks.scenarios import SCENARIOS


def main(arguments: list[str] | None = None) -> None:
    """Run the selected scenarios, and print a table."""
    options = _parser().parse_args(arguments)
    if options.list:
        for name, scenario in SCENARIOS.items():
            print(f"{name:13} {(scenario.__doc__ or '').splitlines()[0]}")
        return
    plan = SMOKE if options.smoke else Plan()
    with TemporaryDirectory() as directory:
        bench = Bench(plan, Repositories(options.directory or Path(directory)))
        environment = describe_environment()
        print(", ".join(f"{name} {value}" for name, value in environment.items()), end="\n\n")
        rows = list(_run(bench, options.only or SCENARIOS))
    if options.write:
        write_results(rows, environment)
    if options.json:
        records = [row.record(with_met=plan.has_targets) for row in rows]
        run = {"environment": environment, "smoke": options.smoke, "rows": records}
        options.json.write_text(f"{json.dumps(run, indent=1)}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--smoke", action="store_true", help="use small sizes, to check that it runs"
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", choices=SCENARIOS, help="run these scenarios"
    )
    parser.add_argument("--list", action="store_true", help="list the scenarios")
    parser.add_argument(
        "--directory", type=Path, help="keep the repositories here, for another run"
    )
    parser.add_argument(
        "--write", action="store_true", help="update the tables in RESULTS.md and the README"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the results of all rounds to a file"
    )
    return parser


def _run(bench: Bench, names: Iterable[str]) -> Iterator[Row]:
    """Print each row as soon as it is measured, and the time of each scenario to stderr."""
    print(heading(), flush=True)
    for name in names:
        start = time.monotonic()
        for row in SCENARIOS[name](bench):
            print(line(row.cells(with_met=bench.plan.has_targets)), flush=True)
            yield row
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
