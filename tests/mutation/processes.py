"""Run the tests against mutants, each in a fork of a process that has collected the tests.

The fork replaces the code of the functions that the mutant changes. For code that is run by the
import, it imports the package and the tests again, with the mutated module from memory. No file is
changed.
"""

from __future__ import annotations

import enum
import gc
import importlib.abc
import importlib.util
import math
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
from types import CodeType
from typing import NoReturn, TypeVar

import attrs
import pytest

from tests.mutation.mutants import Mutant
from tests.mutation.reach import OPTIONS
from tests.mutation.swap import Functions

_MEMORY = 4 * 2**30
"""The limit of a process's address space in bytes: a mutant may use more and more memory."""

_WAIT = 5
"""The limit of a process's real time, as a multiple of its limit of processor time."""

_PAUSE = 0.005
"""The interval in seconds at which ended processes are collected."""

_ERROR = 70
"""The exit code if a mutant could not be tested."""

_PASSED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)

_STOPPED = (-signal.SIGXCPU, -signal.SIGKILL)

Result = TypeVar("Result")

Select = Callable[[Mutant, bool], tuple[list[str], float]]
"""Return the IDs of a mutant's tests, and their limit of processor time in seconds.

The second argument is whether the mutant is run again, with more tests.
"""


class Outcome(str, enum.Enum):
    """The result of a mutant."""

    KILLED = "killed"
    """A test fails, or the package or a test module cannot be imported."""
    TIMEOUT = "timeout"
    """The tests take much longer than without it; counted as killed."""
    SURVIVED = "survived"
    """All tests that run the code pass, or no test runs it."""


class _Loader(SourceFileLoader):
    """Loads the mutated source of a module."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, mutant.path)
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        return compile(self._mutant.source, self._mutant.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the mutated module only."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
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


class _Collected:
    """A plugin that calls a function instead of running the collected tests."""

    def __init__(self, call: Callable[[dict[str, pytest.Item]], None]) -> None:
        self._call = call

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._call({item.nodeid: item for item in session.items})
        return True


def in_process(function: Callable[[], Result]) -> Result:
    """Call a function in a forked process; return its result."""
    with tempfile.TemporaryFile() as file:
        pid = os.fork()
        if not pid:
            _exit_after(lambda: os.write(file.fileno(), pickle.dumps(function())))
        _, status = os.waitpid(pid, 0)
        if status:
            raise SystemExit("the tests cannot be run without a mutant")
        file.seek(0)
        return pickle.load(file)  # type: ignore[no-any-return]


def _exit_after(function: Callable[[], object]) -> NoReturn:
    code = 1
    try:
        function()
        code = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class Runner:
    """Runs tests against mutants, in several processes."""

    def __init__(self, items: dict[str, pytest.Item], select: Select, jobs: int) -> None:
        """Prepare for forks.

        Args:
            items: the collected tests, by id.
            select: chooses the tests of a mutant.
            jobs: the number of processes.
        """
        self._items = items
        self._select = select
        self._jobs = jobs
        self._functions = Functions()
        self._running: dict[int, _Run] = {}
        gc.freeze()  # so that forks share the memory

    def outcomes(
        self, mutants: Iterable[Mutant], *, again: bool = False
    ) -> Iterator[tuple[Mutant, Outcome]]:
        """Yield mutants with their outcomes, as their processes end.

        Args:
            mutants: the mutants.
            again: whether to run more tests.
        """
        for mutant in mutants:
            tests, limit = self._select(mutant, again)
            if not tests:
                yield mutant, Outcome.SURVIVED
                continue
            while len(self._running) >= self._jobs:
                yield from self._ended()
            run = _Run(mutant, tempfile.mkdtemp(prefix="mutant-"), limit)
            pid = os.fork()
            if not pid:
                self._test(run, tests)
            self._running[pid] = run
        while self._running:
            yield from self._ended()

    def _ended(self) -> Iterator[tuple[Mutant, Outcome]]:
        time.sleep(_PAUSE)
        for pid, run in list(self._running.items()):
            late = run.is_late
            if late:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
            done, status = os.waitpid(pid, 0 if late else os.WNOHANG)
            if done:
                del self._running[pid]
                shutil.rmtree(run.directory, ignore_errors=True)
                code = os.waitstatus_to_exitcode(status)
                assert code != _ERROR, f"{run.mutant} cannot be tested"
                yield run.mutant, _outcome(code, late=late)

    def _test(self, run: _Run, tests: list[str]) -> NoReturn:
        """Run the tests of a mutant; exit the process with pytest's exit code."""
        code: int = _ERROR
        try:
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(run.limit),) * 2)
            _silence()
            os.environ["PYTEST_DEBUG_TEMPROOT"] = run.directory
            items = [self._items[one] for one in tests]
            swapped = self._functions.swap(run.mutant)
            code = pytest.ExitCode.INTERNAL_ERROR  # a mutant may break functions that pytest calls
            code = _run_collected(items) if swapped else _import_and_test(run.mutant, tests)
        finally:
            os._exit(code)


@attrs.frozen
class _Run:
    """A process that runs the tests of a mutant."""

    mutant: Mutant
    directory: str
    limit: float
    """The limit of processor time in seconds."""
    start: float = attrs.field(factory=time.monotonic)

    @property
    def is_late(self) -> bool:
        """Whether it must be stopped: it waits, or the machine is busy."""
        return time.monotonic() - self.start > _WAIT * self.limit


def _outcome(code: int, *, late: bool) -> Outcome:
    if late or code in _STOPPED:
        return Outcome.TIMEOUT
    return Outcome.SURVIVED if code in _PASSED else Outcome.KILLED


def _run_collected(items: list[pytest.Item]) -> int:
    """Run tests that were collected before."""
    failed = any(map(_fails, items, [*items[1:], None]))
    return pytest.ExitCode.TESTS_FAILED if failed else pytest.ExitCode.OK


def _fails(item: pytest.Item, following: pytest.Item | None) -> bool:
    item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
    return item.session.testsfailed > 0


def _silence() -> None:
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)


def _import_and_test(mutant: Mutant, tests: list[str]) -> int:
    """Import the package and the tests again, with the mutated module."""
    for name in [one for one in sys.modules if one.split(".")[0] in ("modelversions", "tests")]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Finder(mutant))
    code: int = pytest.ExitCode.OK
    for group in (
        tests[:40],
        tests[40:],
    ):  # the first group kills nearly all mutants, and has few files
        if group and code in _PASSED:
            files = dict.fromkeys(test.partition("::")[0] for test in group)
            code = pytest.main([*OPTIONS, *files], plugins=[_Selection(group)])
    return code


def with_tests(tests: Sequence[str], call: Callable[[dict[str, pytest.Item]], None]) -> None:
    """Collect tests and call a function with them, by id."""
    code = pytest.main([*OPTIONS, "-s", *tests], plugins=[_Collected(call)])
    assert code in _PASSED, code
