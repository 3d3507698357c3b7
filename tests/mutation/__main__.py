"""Change the code of the package, and check that tests fail: ``python -m tests.mutation``.

It writes ``results.json`` and ``RESULTS.md`` in this directory after each module.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import attrs
import pytest

from tests.mutation.mutants import Mutant, mutants
from tests.mutation.processes import Outcome, Runner, in_process, with_tests
from tests.mutation.reach import Selector, measure
from tests.mutation.results import ModuleResult, load, save, summary
from tests.mutation.settings import Settings


def main(arguments: list[str] | None = None) -> None:
    """Run the mutants and write the results."""
    options = _parser().parse_args(arguments)
    settings = Settings.load()
    if options.table:
        save(load())
    else:
        with_runner(settings, options.processes, partial(_run, settings, options))


def with_runner(settings: Settings, processes: int | None, call: Callable[[Runner], None]) -> None:
    """Run the tests once without a mutant, and call a function with a runner for mutants."""
    reach = in_process(lambda: measure(settings.arguments, settings.packages))
    select = Selector(reach, settings)

    def collected(items: dict[str, pytest.Item]) -> None:
        call(Runner(items, select, processes or settings.processes))

    with_tests(settings.arguments, collected)


def _run(settings: Settings, options: argparse.Namespace, runner: Runner) -> None:
    if options.check:
        _check(settings, options.one_in, runner)
        return
    for path in settings.paths(options.modules):
        known = load()
        start = time.monotonic()
        if options.survivors:
            result = _run_again(path, known[path], runner)
        else:
            found = list(_outcomes(runner, mutants(path, options.one_in)))
            result = summary(found, options.one_in, known.get(path))
        save({**known, path: result})
        print(f"{path}: {result}, {time.monotonic() - start:.0f} s", flush=True)


def _outcomes(runner: Runner, chosen: Iterable[Mutant]) -> Iterator[tuple[Mutant, Outcome]]:
    """Yield the outcomes of mutants; survivors are run again with more tests."""
    alive = []
    for mutant, outcome in runner.outcomes(chosen):
        if outcome is Outcome.SURVIVED:
            alive.append(mutant)
        else:
            yield mutant, outcome
    yield from _print_survivors(runner.outcomes(alive, again=True))


def _run_again(path: str, known: ModuleResult, runner: Runner) -> ModuleResult:
    """Run the known survivors of a module again."""
    alive = {one.key for one in known.survivors}
    chosen = [one for one in mutants(path, known.one_in) if one.key[1:] in alive]
    found = list(_print_survivors(runner.outcomes(chosen, again=True)))
    return attrs.evolve(known, survivors=summary(found, known.one_in, known).survivors)


def _check(settings: Settings, one_in: int, runner: Runner) -> None:
    """Check that a sample of the mutants without the known survivors is killed."""
    known = load()
    for name in settings.packages:
        found: list[tuple[Mutant, Outcome]] = []
        for path in settings.paths([name]):
            alive = {one.key for one in known[path].survivors}
            chosen = (one for one in mutants(path, one_in) if one.key[1:] not in alive)
            found += _outcomes(runner, chosen)
        result = summary(found, one_in, None)
        print(f"{name}: {result}", flush=True)
        assert result.percent >= settings.percent, f"too many mutants of {name} survive"


def _print_survivors(
    outcomes: Iterable[tuple[Mutant, Outcome]],
) -> Iterator[tuple[Mutant, Outcome]]:
    for mutant, outcome in outcomes:
        if outcome is not Outcome.KILLED:
            print(f"{outcome.value}: {mutant.path}:{mutant.line} {mutant.operator}", flush=True)
            print(f"    {mutant.before}\n    {mutant.after}", flush=True)
        yield mutant, outcome


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument(
        "modules", nargs="*", help="packages such as values, or paths of modules; default: all"
    )
    parser.add_argument(
        "--survivors", action="store_true", help="run only the known survivors again"
    )
    parser.add_argument("--one-in", type=int, default=1, help="run a sample of the mutants")
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing, and fail if there are too many unknown survivors",
    )
    parser.add_argument("--processes", type=int, help="the number of processes")
    parser.add_argument(
        "--table", action="store_true", help="run no tests, only write RESULTS.md from results.json"
    )
    return parser


if __name__ == "__main__":
    main()
