"""The tools to compare with: C git and GTO, each in a process, and pygit2."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import modelversions
from tests.benchmarks.measure import Probe, timed
from tests.compat.git import ENV

ROOT = Path(modelversions.__file__).parents[1]
"""The working directory of Python processes, so that they import the same modelversions."""

FEW_FIELDS = (
    "%(refname)%00%(objecttype)%00%(*objecttype)%00%(*objectname)%00%(taggerdate:raw)%00"
    "%(contents:subject)"
)
ALL_FIELDS = (
    "%(refname)%00%(objecttype)%00%(*objecttype)%00%(objectname)%00%(*objectname)%00"
    "%(taggername)%00%(taggeremail)%00%(taggerdate:raw)%00%(contents)"
)
"""All fields of an event in a history."""


def installed(name: str) -> bool:
    return find_spec(name) is not None


def git(path: Path, *arguments: str) -> str:
    """Run C git in the environment of the tests."""
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=path, env=ENV, capture_output=True, check=True
    ).stdout.decode()


def git_listing(path: Path, format: str, *patterns: str) -> Probe:
    """Return a probe that lists tags with a C git process, whose output is read, not parsed."""
    arguments = ["git", "for-each-ref", f"--format={format}", *(patterns or ("refs/tags",))]
    return timed(
        lambda: subprocess.run(arguments, cwd=path, env=ENV, capture_output=True, check=True)
    )


def git_latest(path: Path, model: str) -> Callable[[], str]:
    """Return a function that finds a model's latest version with C git, which sorts versions."""
    format = "%(refname:strip=2) %(objecttype) %(*objecttype) %(*objectname)"
    pattern = f"refs/tags/{model}@*"
    arguments = ("for-each-ref", "--sort=-version:refname", "--count=1", f"--format={format}")
    return lambda: git(path, *arguments, pattern)


def libgit2_history(path: Path) -> list[tuple[object, ...]]:
    """Read all fields of a history with the fastest calls of pygit2."""
    import pygit2

    repository = pygit2.Repository(str(path))
    rows: list[tuple[object, ...]] = []
    for ref in repository.listall_reference_objects():
        if ref.name.startswith("refs/tags/"):
            tag = repository[ref.target]
            tagger = tag.tagger
            fields = (tagger.name, tagger.email, tagger.time, tagger.offset)
            rows.append((ref.name, tag.name, str(tag.target), *fields, tag.message))
    return rows


def python(*arguments: str) -> str:
    """Run a new interpreter, and return its output."""
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=ENV, capture_output=True, check=True
    ).stdout.decode()


def worker(task: str, path: Path) -> float:
    """Measure a task in a new interpreter, and return the result."""
    return float(python("-m", "tests.benchmarks.worker", task, str(path)))
