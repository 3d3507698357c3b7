"""GTO as the reference implementation, and random histories to compare with it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from modelversions import Registry
from tests.compat.git import ENV, Git, init

START = 1_700_000_000


@attrs.frozen
class Gto:
    """Calls functions of ``gto_worker`` in a process of its own."""

    process: subprocess.Popen[str]

    def __call__(self, function: str, *arguments: object) -> Any:
        """Call a function and return its result."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([function, *arguments]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def state(self, git: Git) -> Any:
        """Return the models and the history of a repository as GTO reads them."""
        return self("state", str(git.path))


@contextmanager
def gto() -> Iterator[Gto]:
    """Start a process with GTO."""
    command = [sys.executable, "-m", "tests.compat.gto_worker"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=ENV) as process:
        yield Gto(process)
        assert process.stdin is not None
        process.stdin.close()


def repository(path: Path, commits: int) -> tuple[Git, list[str]]:
    """Create a repository with a number of commits, all older than any event."""
    git = init(path)
    stream = "".join(
        f"commit refs/heads/main\ncommitter Ann <a@b> {START - 1000 + n} +0000\ndata 1\n{n % 10}\n"
        for n in range(commits)
    )
    git("fast-import", "--quiet", text=stream)
    git("checkout", "-q", "main")
    return git, git("rev-list", "--reverse", "main").split()


def ours(git: Git) -> dict[str, Any]:
    """Return the models and the history as this library reads them, in the form of ``state``."""
    with Registry.open(git.path) as registry:
        models = {
            name: {
                "latest": model.latest.name if model.latest else None,
                "stages": {stage: holder.name for stage, holder in model.stages.items()},
                "deprecated": model.deprecated,
                "versions": [
                    {"version": v.name, "commit": v.commit, "active": v.active}
                    for v in model.all_versions
                ],
            }
            for name, model in registry.items()
        }
        history = [
            {
                "time": int(event.time.timestamp()),
                "model": event.model,
                "event": event.kind.value,
                "version": None
                if event.kind.value == "deprecation"
                else str(event.version or event.commit),
                "stage": event.stage,
                "commit": event.commit,
                "tag": event.tag,
                "message": event.message,
                "author": event.author.name if event.author else None,
            }
            for event in registry.history()
        ]
    return {"models": models, "history": history}


def comparable(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without the parts in which the rules differ from GTO.

    F13: the order of events within one second. F15: a version exists once; GTO has one for each
    commit that it was registered at, of which only the newest is kept here.
    """
    history = sorted(answer["history"], key=lambda event: (event["time"], event["tag"]))
    registered = {
        (event["model"], event["version"]): event["commit"]
        for event in sorted(answer["history"], key=lambda event: event["time"])
        if event["event"] == "registration"
    }
    models = {}
    for name, model in answer["models"].items():
        versions = {
            (version["version"], version["commit"], version["active"])
            for version in model["versions"]
            if registered[name, version["version"]] == version["commit"]
        }
        models[name] = {**model, "versions": sorted(versions)}
    return {"models": models, "history": history}


class RandomNames(random.Random):
    """A random number generator for names, reproducible from its seed."""

    def versions(self) -> str:
        """Return a random version name, with small numbers, so that names repeat."""
        tail = self.choice(["", "", "", "-rc.1", "-rc.2", "-alpha"])
        return f"v{self.randint(0, 2)}.{self.randint(0, 2)}.{self.randint(0, 2)}{tail}"

    def models(self, number: int) -> str:
        """Return a random model name, sometimes with a directory."""
        return self.choice(["m{}", "a/m{}", "some.dir:m{}", "x/y:m-{}"]).format(number)
