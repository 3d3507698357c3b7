"""Run GTO 1.10.1 in a process of its own: it reads calls and writes results, one line of JSON each.

GTO is slow to import, changes the environment, and fails on irregular tags.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import gto.api
import gto.constants
import gto.exceptions
from gto.constants import VersionSort
from gto.registry import GitRegistry
from gto.versions import SemVer
from pygit2 import Signature
from scmrepo.git.backend.pygit2 import Pygit2Backend

from tests.compat.gto_api import plain
from tests.conformance.gto_answers import answers

CLOCK = {"now": 0, "offset": 0}
FUNCTIONS: dict[str, Callable[..., Any]]


def state(path: str) -> dict[str, Any]:
    """Return the models and the history of a repository, as ``gto show`` and ``gto history`` do."""
    with GitRegistry.from_url(path) as registry:
        artifacts = registry.get_artifacts()
    models = {}
    for name, artifact in artifacts.items():
        latest = artifact.get_latest_version(registered_only=True)
        holders = artifact.get_vstages(versions_per_stage=1, sort=VersionSort.Timestamp)
        models[name] = {
            "latest": latest.version if latest else None,
            "stages": {stage: found[0].version for stage, found in holders.items()},
            "deprecated": not artifact.is_active,
            "versions": [
                {"version": v.version, "commit": v.commit_hexsha, "active": v.is_active}
                for v in artifact.get_versions(active_only=False)
                if v.is_registered
            ],
        }
    history = [
        {
            "time": int(event["timestamp"].timestamp()),
            "model": event["artifact"],
            "event": event["event"],
            "version": event["version"],
            "stage": event["stage"],
            "commit": event["commit"],
            "tag": event["ref"],
            "message": event["message"],
            "author": event["author"],
        }
        for event in gto.api.history(path, ascending=True)
    ]
    return {"models": models, "history": history}


def write(path: str, calls: list[list[Any]]) -> list[str | None]:
    """Call functions of GTO, each at its time; return the error of each, or None."""
    errors: list[str | None] = []
    for name, when, options in calls:
        CLOCK["now"] = when
        try:
            getattr(gto.api, name)(path, **options)
            errors.append(None)
        except Exception as error:  # noqa: BLE001  # any error is a result
            errors.append(f"{type(error).__name__}: {error}")
    return errors


def call(
    path: str, name: str, when: int, options: dict[str, Any], offset: int = 0
) -> str | list[str]:
    """Call a function of GTO at a time; return its tag, or the name and text of its error."""
    CLOCK.update(now=when, offset=offset)
    try:
        return str(getattr(gto.api, name)(path, **options).ref)
    except Exception as error:  # noqa: BLE001  # any error is a result
        return [type(error).__name__, str(error)]


def api(
    path: str | None, name: str, when: int, arguments: list[Any], options: dict[str, Any]
) -> Any:
    """Call a function of ``gto.api`` at a time; return its result, or the name of its exception."""
    CLOCK["now"] = when
    try:
        first = [] if path is None else [path]
        return plain(getattr(gto.api, name)(*first, *arguments, **options))
    except Exception as error:  # noqa: BLE001  # any error is a result
        return {"error": type(error).__name__}


def signatures() -> dict[str, list[list[str]]]:
    """Return names and defaults of the parameters of all public functions of ``gto.api``."""
    return {
        name: [
            [one.name, repr(one.default)] for one in inspect.signature(found).parameters.values()
        ]
        for name, found in vars(gto.api).items()
        if inspect.isfunction(found) and found.__module__ == "gto.api" and name[0] != "_"
    }


def exceptions() -> list[str]:
    """Return the names of all exceptions of GTO."""
    return sorted(name for name, found in vars(gto.exceptions).items() if inspect.isclass(found))


def show(path: str) -> dict[str, list[str]]:
    """Return the stages that ``gto show`` prints, by model."""
    return {name: sorted(found["stage"]) for name, found in gto.api.show(path).items()}


def valid(version: str) -> bool:
    """Return whether a version's name matches the pattern for tags."""
    return gto.constants.tag_re.search(f"m@{version}") is not None


def order(one: str, two: str) -> list[bool]:
    """Return whether one version is less than, equal to and greater than another."""
    left, right = SemVer(one), SemVer(two)
    return [left < right, left == right, right < left]


def _dated(backend: Pygit2Backend) -> Signature:
    """Return the committer with the time of the call in place of the clock's."""
    committer = backend._get_signature("GIT_COMMITTER")
    return Signature(committer.name, committer.email, CLOCK["now"], CLOCK["offset"])


def main() -> None:
    """Process calls until the end of the input."""
    setattr(Pygit2Backend, "committer", property(_dated))  # noqa: B010  # it is read-only to mypy
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # GTO prints to stdout
    for line in sys.stdin:
        function, *arguments = json.loads(line)
        try:
            answer = FUNCTIONS[function](*arguments)
        except Exception as error:  # noqa: BLE001  # that GTO cannot read a repository is a result
            answer = {"error": f"{type(error).__name__}: {error}"}
        output.write(json.dumps(answer) + "\n")
        output.flush()


FUNCTIONS = {
    "answers": answers,
    "api": api,
    "signatures": signatures,
    "exceptions": exceptions,
    "state": state,
    "call": call,
    "write": write,
    "show": show,
    "valid": valid,
    "order": order,
}

if __name__ == "__main__":
    main()
