"""A fuzz target: what it reads, where it starts from, and what must hold for any bytes."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import attrs

FOLDER = Path(__file__).parent / "targets"


@attrs.frozen
class Target:
    """One fuzzer."""

    name: str
    modules: Sequence[str]
    """The modules of this library whose coverage guides it, and is reported."""
    seeds: Callable[[], Iterable[bytes]]
    """Returns the inputs that it starts from, many of them from the conformance cases."""
    check: Callable[[bytes], None]
    """Reads the bytes, and raises an exception if a property does not hold."""


def names() -> list[str]:
    """Return the names of all targets."""
    return sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))


def load(name: str) -> Target:
    """Import a target."""
    module = importlib.import_module(f"tests.fuzzing.targets.{name}")
    return Target(name, module.MODULES, module.seeds, module.check)
