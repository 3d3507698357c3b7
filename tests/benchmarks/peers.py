"""Who else can answer: C git and GTO, each a process, and libgit2."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import modelversions
from tests.benchmarks.measure import Probe, clocked
from tests.compat.git import ENV

HERE = Path(modelversions.__file__).parents[1]
"""Where processes of Python start, so that they import the very package that is imported here."""

LISTED = (
    "%(refname)%00%(objecttype)%00%(*objecttype)%00%(*objectname)%00%(taggerdate:raw)%00"
    "%(contents:subject)"
)
EVERY = (
    "%(refname)%00%(objecttype)%00%(*objecttype)%00%(objectname)%00%(*objectname)%00"
    "%(taggername)%00%(taggeremail)%00%(taggerdate:raw)%00%(contents)"
)
"""All that a history tells."""


def installed(name: str) -> bool:
    return find_spec(name) is not None


def git(path: Path, *arguments: str) -> str:
    """Run C git, which may find nothing in the environment but what the tests put there."""
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=path, env=ENV, capture_output=True, check=True
    ).stdout.decode()


def git_listing(path: Path, form: str, *patterns: str) -> Probe:
    """List tags with C git; a process for each answer, whose bytes are taken and not looked at."""
    arguments = ["git", "for-each-ref", f"--format={form}", *(patterns or ("refs/tags",))]
    return clocked(
        lambda: subprocess.run(arguments, cwd=path, env=ENV, capture_output=True, check=True)
    )


def git_latest(path: Path, model: str) -> Callable[[], str]:
    """Find one model's latest version with C git, which orders versions too."""
    form = "%(refname:strip=2) %(objecttype) %(*objecttype) %(*objectname)"
    pattern = f"refs/tags/{model}@*"
    arguments = ("for-each-ref", "--sort=-version:refname", "--count=1", f"--format={form}")
    return lambda: git(path, *arguments, pattern)


def libgit2_history(path: Path) -> list[tuple[object, ...]]:
    """Read all that a history tells with pygit2, in the fastest of the ways that it offers."""
    import pygit2

    repository = pygit2.Repository(str(path))
    rows: list[tuple[object, ...]] = []
    for ref in repository.listall_reference_objects():
        if ref.name.startswith("refs/tags/"):
            tag = repository[ref.target]
            who = tag.tagger
            person = (who.name, who.email, who.time, who.offset)
            rows.append((ref.name, tag.name, str(tag.target), *person, tag.message))
    return rows


def python(*arguments: str) -> str:
    """Run a fresh interpreter, and return what it prints."""
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=HERE, env=ENV, capture_output=True, check=True
    ).stdout.decode()


def worker(question: str, path: Path) -> float:
    """Ask a fresh interpreter, which takes the figure itself."""
    return float(python("-m", "tests.benchmarks.worker", question, str(path)))
