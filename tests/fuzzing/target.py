"""A fuzz target: its modules, seeds, and the properties of any bytes that it checks."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import attrs

DIRECTORY = Path(__file__).parent / "targets"


@attrs.frozen
class Target:
    """One fuzzer."""

    name: str
    modules: Sequence[str]
    """The modules of this library whose coverage is reported."""
    seeds: Callable[[], Iterable[bytes]]
    """Return the initial inputs, many of them from the conformance cases."""
    check: Callable[[bytes], None]
    """Read the bytes, and raise an exception if a property is violated."""


def names() -> list[str]:
    """Return the names of all targets."""
    return sorted(path.stem for path in DIRECTORY.glob("[a-z]*.py"))


def load(name: str) -> Target:
    """Import a target."""
    module = importlib.import_module(f"tests.fuzzing.targets.{name}")
    return Target(name, module.MODULES, module.seeds, module.check)
