"""The settings in ``pyproject.toml``, in the table ``tool.mutation``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

import attrs

from tests.mutation.code import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@attrs.frozen
class Settings:
    """The mutated packages, their tests and limits."""

    packages: list[str]
    """The packages in ``modelversions`` that are mutated."""
    tests: list[str]
    """The files and directories of their tests."""
    without: list[str]
    """IDs of excluded tests."""
    percent: float
    """The minimum percentage of killed mutants of a package."""
    processes: int
    seconds: float
    """The maximum sum of the durations of the tests for one mutant."""
    seconds_again: float
    """The same for a mutant that survived these tests."""
    grace: float
    """A mutant is stopped after this time and five times the duration of its tests."""

    @classmethod
    def load(cls) -> Settings:
        """Read the settings."""
        data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        return cls(**data["tool"]["mutation"])

    @property
    def arguments(self) -> list[str]:
        """The arguments of pytest that select the tests."""
        return [*self.tests, *(f"--deselect={one}" for one in self.without)]

    def paths(self, chosen: Iterable[str] = ()) -> Iterator[str]:
        """Yield the paths of modules.

        Args:
            chosen: packages such as ``values``, or paths of modules. Default: all packages.
        """
        for one in list(chosen) or self.packages:
            directory = ROOT / "modelversions" / one
            for path in sorted(directory.glob("*.py")) if directory.is_dir() else [ROOT / one]:
                yield str(path.relative_to(ROOT))
