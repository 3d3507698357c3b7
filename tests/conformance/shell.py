"""The answers of C git and short shell scripts to the queries of a case.

They list events, compare names as versions and create tags. Queries that need a replay of the
events, such as the holders of stages, are not answered.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.compat.git import ENV
from tests.conformance.building import START, Built
from tests.conformance.case import Case
from tests.conformance.tags import written

_SEMVER = (
    r"v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)
_NAME = "[A-Za-z0-9]([A-Za-z0-9_/-]*[A-Za-z0-9])?"
_EVENT = rf"([A-Za-z0-9_./-]+=)?{_NAME}((@{_SEMVER}|#{_NAME})!?|@deprecated)(#[0-9]+)?"

HISTORY = """
git for-each-ref --sort=creatordate --format='%(objecttype) %(refname:strip=2)' refs/tags |
  LC_ALL=C sed -nE "s/^tag ($EVENT)\\$/\\1/p" |
  while read -r tag; do
    git rev-parse -q --verify "refs/tags/$tag^{commit}" >/dev/null 2>&1 && echo "$tag" || true
  done
"""
"""The events, oldest first: annotated tags with valid names that peel to a commit."""

EVENT = """
git rev-parse "refs/tags/$1^{commit}"
git for-each-ref --format='%(creatordate:raw)%0a%(taggername) %(taggeremail)%0a%(contents)' \
  "refs/tags/$1"
"""
"""An event: its commit, time, author and message."""

SIGNATURE = """git for-each-ref --format='%(contents:signature)' "refs/tags/$1" """

ACTIVE = """
git -c versionsort.suffix=- tag --sort=-v:refname --list "$1@v*" |
  sed -E 's/!?(#[0-9]+)?$//' | awk '!seen[$0]++' |
  while read -r tag; do
    pattern=$(printf %s "$tag" | sed 's/[.+]/\\\\&/g')
    last=$(echo "$HISTORY" | grep -E "^$pattern!?(#[0-9]+)?$" | tail -n 1)
    case $last in '' | *!*) ;; *) echo "${tag#*@}" ;; esac
  done
"""
"""The active versions of a model, greatest first, given the history."""

NEWEST = """
git tag --sort=-creatordate --list "$1@$2" "$1@$2#*" | head -n 1
"""
"""The newest registration of a version."""

COUNTER = """
git tag --list "$1[@#]*" | sed -nE 's/.*#([0-9]+)$/\\1/p' | sort -n | tail -n 1
"""
"""The greatest counter of a model."""

SORTED = """
for name; do git tag "$name"; done
git -c versionsort.suffix=- tag --sort=v:refname
"""

TAG = """git tag -a -m "$3" "$1" "$2" """

_PARTS = re.compile(r"([^@#]*)(?:@(v[^!#]*)|@deprecated|#([^!#]*))(!?)(?:#([0-9]+))?")
_MESSAGES = {
    "register": "Registering artifact {model} version {version}",
    "deregister": "Deregistering artifact {model} version {version}",
    "assign": "Assigning stage {stage} to artifact {model} version {version}",
    "unassign": "Unassigning stage '{stage}' to artifact '{model}' version '{version}'",
    "deprecate": "Deprecating artifact '{model}'",
}


class FailedError(Exception):
    """A script failed."""


class Shell:
    """C git."""

    name = "C git"

    def answers(self, case: Case, built: Built) -> dict[str, Any]:
        """Make the calls of a case, and answer its queries."""
        found: dict[str, Any] = {"calls": [_call(call, built) for call in case.calls]}
        for key, expected in case.expect.items():
            if key in _QUERIES:
                try:
                    found[key] = _QUERIES[key](expected, built)
                except FailedError as error:
                    found[key] = str(error)
        return found

    def close(self) -> None:
        """Do nothing: there is no process."""


def _run(script: str, path: Path, *arguments: str, **env: str) -> str:
    """Run a script.

    Raises:
        FailedError: the script failed, or Git reported a fatal error.
    """
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *arguments],
        cwd=path,
        env={**ENV, "EVENT": _EVENT, **env},
        capture_output=True,
        check=False,
    )
    if done.returncode or b"fatal:" in done.stderr:
        raise FailedError(f"git failed: {done.stderr.decode(errors='replace')[:300]}")
    return done.stdout.decode(errors="replace")


def _history(expected: object, built: Built) -> list[str]:
    del expected
    return _run(HISTORY, built.path).splitlines()


def _events(expected: Any, built: Built) -> dict[str, Any]:
    return {tag: _event(tag, built) for tag in _history(expected, built) if tag in expected}


def _event(tag: str, built: Built) -> dict[str, Any]:
    commit, date, author, message = _run(EVENT, built.path, tag).split("\n", 3)
    message = message.removesuffix("\n")
    signature = _run(SIGNATURE, built.path, tag).removesuffix("\n")
    parts = _PARTS.fullmatch(tag)
    assert parts is not None
    model, version, stage, cancel, counter = parts.groups()
    kind = "assignment" if stage else "registration" if version else "deprecation"
    kind = (
        {"assignment": "unassignment", "registration": "deregistration"}[kind] if cancel else kind
    )
    found = {
        "kind": kind,
        "model": model.replace("=", ":"),
        "stage": stage,
        "commit": built.label(commit),
        "counter": int(counter) if counter else None,
        "zone": date[-5:],
        "at": int(date.split()[0]) - START if date else None,
        "author": author if author.strip() else None,
        "message": message.removesuffix(signature).strip() if signature else message.strip(),
    }
    return found if stage else {**found, "version": version}


def _models(expected: Any, built: Built) -> dict[str, Any]:
    history = _history(expected, built)
    return {
        name: _model(name, history, expected.get(name) or {}, built)
        for name in _names(expected, built)
    }


def _model(
    name: str, history: list[str], expected: Mapping[str, Any], built: Built
) -> dict[str, Any]:
    start = name.replace(":", "=")
    own = [tag for tag in history if re.match(rf"{re.escape(start)}[@#]", tag)]
    found: dict[str, Any] = {"deprecated": "@deprecated" in own[-1]}
    if {"latest", "versions", "registered"}.intersection(expected):
        active = _run(ACTIVE, built.path, start, HISTORY="\n".join(own)).splitlines()
        found |= {"versions": active, "latest": next(iter(active), None)}
        newest = {version: _newest(start, version, own) for version in active}
        found["registered"] = {
            version: _version(newest[version], built) for version in active if newest[version]
        }
    return found


def _newest(model: str, version: str, history: list[str]) -> str:
    names = [tag for tag in history if tag.partition("!")[0] == tag]
    return next(
        (tag for tag in reversed(names) if re.sub("#[0-9]+$", "", tag) == f"{model}@{version}"), ""
    )


def _version(tag: str, built: Built) -> dict[str, Any]:
    event = _event(tag, built)
    return {"tag": tag, **{key: event[key] for key in ("commit", "at", "author", "message")}}


def _names(expected: Any, built: Built) -> list[str]:
    tags = _history(expected, built)
    return sorted({re.split("[@#]", tag, maxsplit=1)[0].replace("=", ":") for tag in tags})


def _ascending(expected: Any, built: Built) -> list[str]:
    return _run(SORTED, built.path, *expected[::-1]).splitlines()


_QUERIES: Mapping[str, Callable[[Any, Built], Any]] = {
    "ascending": _ascending,
    "names": _names,
    "models": _models,
    "events": _events,
    "history": _history,
}


def _call(call: Mapping[str, Any], built: Built) -> dict[str, Any]:
    """Create a tag for a call; do nothing if this needs more than a short script."""
    method, model, version = call["verb"], call["model"].replace(":", "="), call.get("version")
    if version is None and method != "deprecate":
        return {}
    message = call.get("message", _MESSAGES[method].format(**{"stage": "", "version": "", **call}))
    tag = f"{model}@{version or 'deprecated'}" + "!" * (method == "deregister")
    seconds = START + call.get("when", call.get("now", 1000))
    try:
        if "stage" in call:
            counter = int(_run(COUNTER, built.path, model).strip() or 0) + 1
            tag = f"{model}#{call['stage']}{'!' * (method == 'unassign')}#{counter}"
        commit = built.ids.get(call.get("commit", ""), "HEAD")
        if "commit" not in call and version is not None:
            commit = f"refs/tags/{_run(NEWEST, built.path, model, version).strip()}^{{commit}}"
        date = f"@{seconds} {call.get('zone', '+0000')}"
        _run(TAG, built.path, tag, commit, message, GIT_COMMITTER_DATE=date)
    except FailedError:
        return {"refused": True}
    return written(built, tag)
