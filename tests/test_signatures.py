"""The signatures of the public API, and its types in user code."""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import modelversions
from modelversions import credentials, plot, rules, testing

PINNED = Path(__file__).parent / "data" / "signatures.txt"
MODULES = {
    credentials: ("from_name", "git_credential_fill", "name_of", "netrc_file", "token_from_env"),
    plot: ("timeline",),
    rules: ("increasing_versions", "promotion", "two_people"),
    testing: ("FixedClock", "memory_registry", "new_commit"),
}
"""Public functions and classes that are not names of the package."""
SAMPLE = Path(__file__).parent / "typing_sample.py"


def signatures() -> Iterator[str]:
    """Yield a line for each public function, method and property, in the order of names."""
    for name in sorted(modelversions.__all__):
        owner = getattr(modelversions, name)
        if isinstance(owner, type) and not issubclass(owner, BaseException):
            yield from members(name, owner)
    for module, names in MODULES.items():
        short = module.__name__.rpartition(".")[2]
        for name in names:
            yield f"{short}.{name}{inspect.signature(getattr(module, name))}"


def members(name: str, owner: type) -> Iterator[str]:
    bases = [base for base in owner.__mro__ if base.__module__.startswith("modelversions")]
    for key in sorted({key for base in bases for key in vars(base) if not key.startswith("_")}):
        value = inspect.getattr_static(owner, key)
        function = getattr(value, "__func__", value)
        shown = str(inspect.signature(function)) if inspect.isfunction(function) else ""
        yield f"{name}.{key}{shown}"


def test_the_signatures_are_unchanged() -> None:
    """After an intended change, run this file and add the change to the changelog."""
    assert list(signatures()) == PINNED.read_text(encoding="utf-8").splitlines()


@pytest.mark.compat
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_the_types_of_user_code(checker: str) -> None:
    """The sample marks each expected error; an unused mark is an error too."""
    if importlib.util.find_spec(checker) is None:
        pytest.skip(f"{checker} is not installed")
    command = [sys.executable, "-m", checker, str(SAMPLE)]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=PINNED.parents[2]
    )
    assert done.returncode == 0, done.stdout + done.stderr


if __name__ == "__main__":
    PINNED.write_text("".join(f"{line}\n" for line in signatures()), encoding="utf-8")
