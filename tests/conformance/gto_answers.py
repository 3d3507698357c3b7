"""The answers of GTO 1.10.1 to the queries of a case; used in the process of GTO."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import gto.api
import gto.constants
from gto.base import Artifact, Version
from gto.registry import GitRegistry
from gto.versions import SemVer

_VALID: Mapping[str, re.Pattern[str]] = {
    "version": re.compile(f"^v{gto.constants.semver}$"),
    "model": gto.constants.fullname_re,
    "stage": gto.constants.name_re,
    "tag": gto.constants.tag_re,
}


def answers(path: str, expect: dict[str, Any]) -> dict[str, Any]:
    """Answer the queries of a case; an error is an answer too."""
    found: dict[str, Any] = {}
    for key, expected in expect.items():
        if key in _QUERIES:
            try:
                found[key] = _QUERIES[key](path, expected)
            except Exception as error:  # noqa: BLE001  # any error is an answer
                found[key] = f"{type(error).__name__}: {error}"[:1000]
    return found


def _valid(path: str, texts: dict[str, list[str]], *, valid: bool = True) -> dict[str, list[str]]:
    del path
    return {
        kind: [one for one in texts[kind] if bool(_VALID[kind].search(one)) is valid]
        for kind in texts
    }


def _invalid(path: str, texts: dict[str, list[str]]) -> dict[str, list[str]]:
    return _valid(path, texts, valid=False)


def _ascending(path: str, names: list[str]) -> list[str]:
    del path
    return [str(one.version) for one in sorted(map(SemVer, names[::-1]))]


def _models(path: str, expected: object) -> dict[str, Any]:
    del expected
    with GitRegistry.from_url(path) as registry:
        artifacts = registry.get_artifacts()
    shown = gto.api.show(path, deprecated=True)
    return {
        name: _model(one, shown[name]["stage"])
        for name, one in artifacts.items()
        if any(version.get_events() for version in one.versions)
    }


def _model(artifact: Artifact, stages: dict[str, str | None]) -> dict[str, Any]:
    latest = artifact.get_latest_version(registered_only=True)
    versions = artifact.get_versions()
    all_versions = artifact.get_versions(active_only=False)
    return {
        "latest": latest.version if latest else None,
        "versions": [one.version for one in versions],
        "all_versions": [one.version for one in all_versions if one.is_registered],
        "registered": {one.version: _version(one) for one in versions[::-1]},
        "stages": {stage: holder for stage, holder in stages.items() if holder},
        "deprecated": not artifact.is_active,
    }


def _version(version: Version) -> dict[str, Any]:
    return {
        "commit": version.commit_hexsha,
        "at": int(version.created_at.timestamp()),
        "author": f"{version.author} <{version.author_email}>",
        "message": version.message.strip(),
        "tag": version.ref,
    }


def _names(path: str, expected: object) -> list[str]:
    return sorted(_models(path, expected))


def _history(path: str, expected: object) -> list[str]:
    del expected
    return [event["ref"] for event in gto.api.history(path, ascending=True)]


def _events(path: str, expected: object) -> dict[str, Any]:
    del expected
    return {event["ref"]: _event(event) for event in gto.api.history(path)}


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    time: datetime = event["timestamp"]
    is_bare = event["version"] == event["commit"] or event["event"] == "deprecation"
    counter = re.search(r"[@#].*#([0-9]+)$", event["ref"])
    return {
        "kind": event["event"],
        "model": event["artifact"],
        "version": None if is_bare else event["version"],
        "stage": event["stage"],
        "commit": event["commit"],
        "counter": int(counter[1]) if counter else None,
        "at": int(time.timestamp()),
        "zone": f"{time:%z}" or "+0000",
        "author": f"{event['author']} <{event['author_email']}>",
        "message": event["message"].strip(),
    }


def _resolve(path: str, references: dict[str, object]) -> dict[str, str | None]:
    return {reference: _resolved(path, reference) for reference in references}


def _resolved(path: str, reference: str) -> str | None:
    try:
        if not gto.constants.shortcut_re.search(reference):
            return str(gto.api.check_ref(path, reference)[0].version)
        versions = {one["version"] for one in gto.api.show(path, reference)}
        return str(versions.pop()) if len(versions) == 1 else None
    except Exception:  # noqa: BLE001  # the reference has no target
        return None


def _artifacts(path: str, references: dict[str, object]) -> dict[str, Any]:
    return {reference: _artifact(path, reference) for reference in references}


def _artifact(path: str, reference: str) -> dict[str, Any] | None:
    try:
        found = gto.api.describe(path, reference)
    except Exception:  # noqa: BLE001  # there is no readable annotation
        return None
    return found and {
        "path": found.path,
        "type": found.type,
        "description": found.description,
        "labels": list(found.labels),
        "metadata": found.custom,
    }


def _allowed_stages(path: str, expected: object) -> list[str] | None:
    del expected
    found = gto.api.get_stages(path, allowed=True)
    return None if found is None else list(found)


_QUERIES: Mapping[str, Callable[[str, Any], Any]] = {
    "valid": _valid,
    "invalid": _invalid,
    "ascending": _ascending,
    "names": _names,
    "models": _models,
    "events": _events,
    "history": _history,
    "resolve": _resolve,
    "artifacts": _artifacts,
    "allowed_stages": _allowed_stages,
}
