"""Run the tests against mutants, each in a forked process that imports the package anew.

A new Python would need a second to import pytest, Hypothesis and dulwich: the parent process has
imported them already. The mutated module is loaded from memory, so that no file is changed.
"""

from __future__ import annotations

import enum
import importlib.abc
import importlib.util
import os
import pickle
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import NoReturn, TypeVar

import attrs
import pytest

from tests.mutation.mutants import Mutant
from tests.mutation.reach import OPTIONS, Reach

_MEMORY = 4 * 2**30
"""The address space of a process, in bytes: a mutant may need more and more memory."""

_PAUSE = 0.005
"""How often it is checked whether processes have ended, in seconds."""

_PASSED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)

Result = TypeVar("Result")

Groups = list[list[str]]
"""Ids of tests, to be collected and run group by group until one fails."""


class Outcome(str, enum.Enum):
    """What happened to a mutant."""

    KILLED = "killed"
    """A test fails, or the package or a test module cannot be imported."""
    TIMEOUT = "timeout"
    """The tests take much longer than without it: it counts as killed."""
    SURVIVED = "survived"
    """All tests that run the code pass, or none does."""


class _Loader(SourceFileLoader):
    """Loads the mutated source of a module."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, mutant.path)
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._mutant.source, self._mutant.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the mutated module only."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != self._mutant.module:
            return None
        return importlib.util.spec_from_loader(name, _Loader(self._mutant))


class _Selection:
    """A plugin that keeps the tests with given ids, in their order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._order = {test: index for index, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        order = self._order
        kept = [item for item in items if item.nodeid in order]
        items[:] = sorted(kept, key=lambda item: order[item.nodeid])


def in_process(function: Callable[[], Result]) -> Result:
    """Return the result of a function that is called in a forked process."""
    with tempfile.TemporaryFile() as file:
        pid = os.fork()
        if not pid:
            _finish(lambda: pickle.dump(function(), file))
        _, status = os.waitpid(pid, 0)
        if status:
            raise SystemExit("the tests cannot be run without a mutant")
        file.seek(0)
        return pickle.load(file)  # type: ignore[no-any-return]


def _finish(function: Callable[[], object]) -> NoReturn:
    """Call a function and leave the process."""
    code = 1
    try:
        function()
        code = 0
    except SystemExit as exit_:
        print(exit_, file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def preload(reach: Reach) -> None:
    """Import what the tests import, except what is of this project."""
    for name in reach.modules:
        with suppress(Exception):
            importlib.import_module(name)


def outcomes(
    mutants: Iterable[Mutant],
    select: Callable[[Mutant], tuple[Groups, float]],
    jobs: int,
) -> Iterator[tuple[Mutant, Outcome]]:
    """Run mutants in several processes; yield them with their outcomes as they end.

    Args:
        mutants: the mutants.
        select: returns the tests of a mutant, and the seconds after which they are stopped.
        jobs: the number of processes.
    """
    running: dict[int, _Run] = {}
    for mutant in mutants:
        groups, limit = select(mutant)
        if not groups:
            yield mutant, Outcome.SURVIVED
            continue
        while len(running) >= jobs:
            yield from _ended(running)
        run = _Run(mutant, tempfile.mkdtemp(prefix="mutant-"), time.monotonic() + limit)
        pid = os.fork()
        if not pid:
            _test(run, groups)
        running[pid] = run
    while running:
        yield from _ended(running)


@attrs.frozen
class _Run:
    """A process that runs the tests."""

    mutant: Mutant
    folder: str
    deadline: float


def _ended(running: dict[int, _Run]) -> Iterator[tuple[Mutant, Outcome]]:
    time.sleep(_PAUSE)
    for pid, run in list(running.items()):
        late = time.monotonic() > run.deadline
        if late:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        done, status = os.waitpid(pid, 0 if late else os.WNOHANG)
        if done:
            del running[pid]
            shutil.rmtree(run.folder, ignore_errors=True)
            yield run.mutant, _outcome(os.waitstatus_to_exitcode(status), late=late)


def _outcome(code: int, *, late: bool) -> Outcome:
    if late:
        return Outcome.TIMEOUT
    return Outcome.SURVIVED if code in _PASSED else Outcome.KILLED


def _test(run: _Run, groups: Groups) -> NoReturn:
    """Run the tests of a mutant, group by group, and leave the process with pytest's exit code."""
    code = 1
    try:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        log = os.open(Path(run.folder, "log"), os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.meta_path.insert(0, _Finder(run.mutant))
        for group in groups:
            files = list(dict.fromkeys(test.partition("::")[0] for test in group))
            arguments = [*OPTIONS, f"--basetemp={run.folder}/tmp", *files]
            code = pytest.main(arguments, plugins=[_Selection(group)])
            if code not in _PASSED:
                break
    finally:
        os._exit(code)
