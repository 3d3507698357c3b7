"""Run the tests against mutants of the package: ``python -m tests.mutation``."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections.abc import Iterator

from tests.mutation.code import ROOT, Code
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.processes import Outcome, in_process, outcomes, preload
from tests.mutation.reach import Reach, measure
from tests.mutation.results import load, save, summarize

PACKAGES = ("values", "model", "write")
TESTS = (
    "tests/values",
    "tests/model",
    "tests/write",
    "tests/display",
    "tests/conformance",
    "tests/test_docstrings.py",
    "tests/test_gto_api.py",
    "tests/test_hostile_arguments.py",
    "tests/test_logging.py",
    "tests/test_messages.py",
    "tests/test_problems.py",
    "tests/test_public_face.py",
    "tests/test_records.py",
    "tests/test_redaction.py",
    "tests/test_registry.py",
    "tests/test_registry_as_remote.py",
    "tests/test_rules.py",
    "tests/test_schema.py",
    "tests/test_sequences.py",
    "tests/test_testing.py",
    "tests/test_watch.py",
)


def main(arguments: list[str] | None = None) -> None:
    """Run the mutants and write the results."""
    options = _parser().parse_args(arguments)
    reach = in_process(lambda: measure(TESTS))
    preload(reach)
    gc.collect()
    gc.freeze()
    selector = Selector(reach, options.limit)
    for path in paths(options.modules):
        known = load()
        chosen = [one for one in mutants(path) if one.number % options.one_in == 0]
        if options.survivors:
            old = {one.key for one in known[path].survivors} if path in known else set()
            chosen = [one for one in chosen if (one.function, one.before, one.after) in old]
        start = time.monotonic()
        found = []
        for mutant, outcome in outcomes(chosen, selector, options.jobs):
            found.append((mutant, outcome))
            if outcome is not Outcome.KILLED:
                print(f"{outcome.value}: {mutant.path}:{mutant.line} {mutant.function} "
                      f"{mutant.operator}\n    {mutant.before}\n    {mutant.after}", flush=True)
        print(path, len(found), round(time.monotonic() - start), "s", flush=True)
        save({**known, **summarize(found, known)})


class Selector:
    def __init__(self, reach: Reach, limit: float) -> None:
        self._reach = reach
        self._limit = limit
        self._code: dict[str, Code] = {}

    def __call__(self, mutant: Mutant) -> tuple[list[list[str]], float]:
        code = self._code.get(mutant.path)
        if code is None:
            source = (ROOT / mutant.path).read_text(encoding="utf-8")
            code = self._code[mutant.path] = Code(source)
        lines = code.reached_by(mutant.line)
        tests = self._reach.tests(mutant.path, lines, self._limit)
        seconds = sum(self._reach.seconds.get(one, 0) for one in tests)
        near = f"tests/{mutant.path.split('/')[1]}/"
        own = [one for one in tests if one.startswith(near)]
        cases = [one for one in tests if one.startswith("tests/conformance/")]
        rest = [one for one in tests if one not in {*own, *cases}]
        groups = [one for one in (own[:30], rest[:30], own[30:], rest[30:], cases) if one]
        return groups, 20 + 5 * seconds


def paths(names: list[str]) -> Iterator[str]:
    for name in names:
        folder = ROOT / "modelversions" / name
        for path in sorted(folder.glob("*.py")) if folder.is_dir() else [ROOT / name]:
            yield str(path.relative_to(ROOT))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", default=PACKAGES)
    parser.add_argument("--one-in", type=int, default=1)
    parser.add_argument("--survivors", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit", type=float, default=6)
    return parser


if __name__ == "__main__":
    main()
