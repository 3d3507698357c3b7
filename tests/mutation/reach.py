"""Record which tests run which lines of the package, and the times of the tests."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence

import attrs
import pytest

from tests.mutation.code import ROOT, Code
from tests.mutation.mutants import Mutant
from tests.mutation.settings import Settings

OPTIONS = (
    "-q",
    "-x",
    "--hypothesis-profile=mutation",
    "-pno:cacheprovider",
    "-pno:cov",
    "-Wignore::pytest.PytestAssertRewriteWarning",  # the parent imported modules
)


@attrs.frozen
class Reach:
    """The tests that run each line."""

    by_line: dict[str, dict[int, int]]
    """By path and line: a set of tests, as the bits of a number."""
    seconds: dict[str, float]
    """The processor time by the ID of a test, in the order of the bits."""

    def tests(
        self, path: str, lines: range | None, limit: float, near: str | None = None
    ) -> list[str]:
        """Return the tests that run one of the given lines, or any line; the fastest first.

        Args:
            path: the module.
            lines: the lines; None for all.
            limit: the maximum sum of their durations in seconds.
            near: the directory whose tests come first.
        """
        by_line = self.by_line.get(path, {})
        bits = 0
        for line in by_line if lines is None else lines:
            bits |= by_line.get(line, 0)
        found = [one for index, one in enumerate(self.seconds.items()) if bits >> index & 1]
        found.sort(key=lambda one: (near is None or not one[0].startswith(near), one[1]))
        return list(_within(limit, found))


def _within(limit: float, tests: Sequence[tuple[str, float]]) -> Iterator[str]:
    total = 0.0
    for test, seconds in tests:
        total += seconds
        if total > limit:
            return
        yield test


class _Recorder:
    """A plugin that reports the running test to coverage."""

    def __init__(self, coverage: object) -> None:
        self.coverage = coverage
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        clear_caches()
        self.coverage.switch_context(item.nodeid)  # type: ignore[attr-defined]
        start = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - start


def clear_caches() -> None:
    """Clear the caches of functions, so that each test runs the functions that it calls."""
    for name in [one for one in sys.modules if one.startswith("modelversions.")]:
        for value in list(vars(sys.modules[name]).values()):
            clear = getattr(value, "cache_clear", None)
            if clear is not None and not isinstance(value, type):
                clear()


def measure(tests: Sequence[str], packages: Sequence[str]) -> Reach:
    """Run tests and record the lines that each of them runs."""
    from coverage import Coverage

    coverage = Coverage(
        data_file=None, source=[f"modelversions.{one}" for one in packages], config_file=False
    )
    recorder = _Recorder(coverage)
    coverage.start()
    code = pytest.main([*OPTIONS, *tests], plugins=[recorder])
    coverage.stop()
    assert code == pytest.ExitCode.OK, "tests fail without a mutant"
    data = coverage.get_data()
    bits = {test: 1 << index for index, test in enumerate(recorder.seconds)}
    by_line: dict[str, dict[int, int]] = {}
    for file in data.measured_files():
        lines = data.contexts_by_lineno(file).items()
        by_line[file.removeprefix(f"{ROOT}/")] = {
            line: sum(bits.get(one, 0) for one in set(tests)) for line, tests in lines
        }
    return Reach(by_line, recorder.seconds)


class Selector:
    """Chooses the tests of a mutant."""

    def __init__(self, reach: Reach, settings: Settings) -> None:
        """Initialize with the measured tests."""
        self._reach = reach
        self._settings = settings
        self._code: dict[str, Code] = {}

    def __call__(self, mutant: Mutant, again: bool) -> tuple[list[str], float]:
        """Return the tests of a mutant, and their limit of processor time in seconds."""
        code = self._code.get(mutant.path)
        if code is None:
            source = (ROOT / mutant.path).read_text(encoding="utf-8")
            code = self._code[mutant.path] = Code(source)
        lines = code.reached_by(mutant.line)
        if again:
            tests = self._reach.tests(mutant.path, lines, self._settings.seconds_again)
        else:
            near = f"tests/{mutant.path.split('/')[1]}/"
            tests = self._reach.tests(mutant.path, lines, self._settings.seconds, near)
        seconds = sum(self._reach.seconds[one] for one in tests)
        return tests, self._settings.grace + 5 * seconds
