"""Which tests run which lines of the package, and how long they take."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import attrs
import pytest

from tests.mutation.code import ROOT

OPTIONS = (
    "-q",
    "-x",
    "--hypothesis-profile=mutation",
    "-pno:cacheprovider",
    "-pno:cov",
    "-Wignore::pytest.PytestAssertRewriteWarning",  # of what the parent process has imported
)


@attrs.frozen
class Reach:
    """The tests that run each line."""

    by_line: dict[str, dict[int, set[str]]]
    """By path and line: the ids of tests."""
    seconds: dict[str, float]
    """By id of a test."""
    modules: tuple[str, ...]
    """The modules that the tests import, except those of this project."""

    def tests(self, path: str, lines: range | None, limit: float) -> list[str]:
        """Return the tests that run one of the lines of a module, or any; the fastest first.

        Args:
            path: the module.
            lines: the lines; None for all.
            limit: the sum of their durations, in seconds.
        """
        by_line = self.by_line.get(path, {})
        ids = set[str]().union(*(by_line.get(line, ()) for line in lines or by_line))
        ordered = sorted(ids, key=lambda one: (self.seconds.get(one, 0), one))
        return list(_within(limit, [(one, self.seconds.get(one, 0)) for one in ordered]))


def _within(limit: float, tests: Sequence[tuple[str, float]]) -> Iterator[str]:
    total = 0.0
    for test, seconds in tests:
        total += seconds
        if total > limit:
            return
        yield test


class _Recorder:
    """A plugin that tells coverage which test is running."""

    def __init__(self, coverage: object) -> None:
        self.coverage = coverage
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        clear_caches()
        self.coverage.switch_context(item.nodeid)  # type: ignore[attr-defined]
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        known = self.seconds.get(report.nodeid, 0)
        self.seconds[report.nodeid] = known + report.duration


def clear_caches() -> None:
    """Clear the caches of functions, so that each test runs what it calls."""
    for name in [one for one in sys.modules if one.startswith("modelversions.")]:
        for value in list(vars(sys.modules[name]).values()):
            clear = getattr(value, "cache_clear", None)
            if clear is not None and not isinstance(value, type):
                clear()


def measure(tests: Sequence[str]) -> Reach:
    """Run tests and record the lines that each runs."""
    from coverage import Coverage

    coverage = Coverage(data_file=None, source=["modelversions"], config_file=False)
    recorder = _Recorder(coverage)
    coverage.start()
    code = pytest.main([*OPTIONS, *tests], plugins=[recorder])
    coverage.stop()
    if code != pytest.ExitCode.OK:
        raise SystemExit(f"the tests fail without a mutant: {code!r}")
    data = coverage.get_data()
    by_line: dict[str, dict[int, set[str]]] = {}
    for file in data.measured_files():
        path = file.removeprefix(f"{ROOT}/")
        lines = data.contexts_by_lineno(file).items()
        by_line[path] = {line: {one for one in contexts if one} for line, contexts in lines}
    own = {"modelversions", "tests"}
    modules = tuple(name for name in sys.modules if name.split(".")[0] not in own)
    return Reach(by_line, recorder.seconds, modules)
