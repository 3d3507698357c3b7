"""Change the code of the package, and check that tests fail: ``python -m tests.mutation``.

It writes ``results.json`` and ``RESULTS.md`` in this folder, after each module.
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
from tests.mutation.results import Results, load, package, save, summary
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
    """Run the tests once without a mutant, and call a function with what runs them again."""
    reach = in_process(lambda: measure(settings.arguments, settings.packages))
    select = Selector(reach, settings)

    def collected(items: dict[str, pytest.Item]) -> None:
        call(Runner(items, select, processes or settings.processes))

    with_tests(settings.arguments, collected)


def _run(settings: Settings, options: argparse.Namespace, runner: Runner) -> None:
    results: Results = {}
    for path in settings.paths(options.modules):
        known = load()
        start = time.monotonic()
        chosen: Iterable[Mutant] = mutants(path, options.one_in)
        if options.survivors:
            alive = {one.key for one in known[path].survivors}
            chosen = (one for one in chosen if one.key[1:] in alive)
        found = list(_outcomes(runner, chosen, again=options.survivors))
        result = summary(found, options.one_in, known.get(path))
        print(f"{path}: {result}, {time.monotonic() - start:.0f} s", flush=True)
        results[path] = result
        if options.survivors:
            result = attrs.evolve(known[path], survivors=result.survivors)
        if not options.check:
            save({**known, path: result})
    if options.check:
        _check(settings, results)


def _check(settings: Settings, results: Results) -> None:
    for name in settings.packages:
        result = package(results, name)
        print(f"{name}: {result}", flush=True)
        assert result.percent >= settings.percent, f"too many mutants of {name} survive"


def _outcomes(
    runner: Runner, chosen: Iterable[Mutant], *, again: bool
) -> Iterator[tuple[Mutant, Outcome]]:
    """Yield the outcomes of mutants; those that survive at first are run again."""
    alive = list(chosen) if again else []
    for mutant, outcome in [] if again else runner.outcomes(chosen):
        if outcome is Outcome.SURVIVED:
            alive.append(mutant)
        else:
            _show(mutant, outcome)
            yield mutant, outcome
    for mutant, outcome in runner.outcomes(alive, again=True):
        _show(mutant, outcome)
        yield mutant, outcome


def _show(mutant: Mutant, outcome: Outcome) -> None:
    if outcome is not Outcome.KILLED:
        print(f"{outcome.value}: {mutant.path}:{mutant.line} {mutant.operator}", flush=True)
        print(f"    {mutant.before}\n    {mutant.after}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument(
        "modules", nargs="*", help="packages such as values, or paths of modules; default: all"
    )
    parser.add_argument(
        "--survivors", action="store_true", help="run the known survivors only, once more"
    )
    parser.add_argument("--one-in", type=int, default=1, help="run a sample of the mutants")
    parser.add_argument(
        "--check", action="store_true", help="write nothing, and fail if too many survive"
    )
    parser.add_argument("--processes", type=int, help="the number of processes")
    parser.add_argument(
        "--table", action="store_true", help="run nothing, write RESULTS.md from results.json"
    )
    return parser


if __name__ == "__main__":
    main()
