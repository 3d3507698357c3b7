"""The answers of modelversions to the queries of a case."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import attrs

from modelversions import (
    ArtifactNotFoundError,
    ClockSkewWarning,
    ConfigurationError,
    Event,
    Identity,
    Model,
    ModelVersionsError,
    Registry,
    SemVer,
    TagName,
    Version,
    is_model_name,
    is_stage_name,
)
from tests.conformance.building import START, Built
from tests.conformance.case import Case

ANN = Identity("Ann", "ann@example.com")
_ARGUMENTS = ("model", "version", "stage", "commit", "bump", "message", "when", "force")
_VALID: Mapping[str, Callable[[str], bool]] = {
    "version": SemVer.is_valid,
    "model": is_model_name,
    "stage": is_stage_name,
    "tag": lambda text: TagName.try_parse(text) is not None,
}


class Ours:
    """This library."""

    name = "modelversions"

    def answers(self, case: Case, built: Built) -> dict[str, Any]:
        """Make the calls of a case, and answer its queries."""
        now = _time(case.now)
        with Registry.open(self.location(built), author=ANN, clock=lambda: now) as registry:
            calls = []
            for call in case.calls:
                now = _time(call.get("now", 1000), call.get("zone", "+0000"))
                calls.append(_call(registry, call, built))
            found = {"calls": calls, **_names(case.expect)}
            reader = _Reader(registry, case, built)
            for key in case.expect:  # in this order: earlier reads change an answer at a URL
                if key not in found:
                    found[key] = getattr(reader, key)()
        return found

    def location(self, built: Built) -> str | Path:
        """Return the path or URL of the repository."""
        return built.path

    def close(self) -> None:
        """Do nothing: registries are closed already."""


def _names(expect: Mapping[str, Any]) -> dict[str, Any]:
    """Answer queries about names and their order."""
    found: dict[str, Any] = {}
    for key in ("valid", "invalid"):
        if key in expect:
            found[key] = {
                kind: [text for text in texts if _VALID[kind](text) is (key == "valid")]
                for kind, texts in expect[key].items()
            }
    if "ascending" in expect:
        versions = [SemVer.parse(text) for text in expect["ascending"]]
        found["ascending"] = [str(one) for one in sorted(set(versions))]
    return found


@attrs.frozen
class _Reader:
    """Answers the queries of a case; each has a method."""

    registry: Registry
    case: Case
    built: Built

    def names(self) -> list[str]:
        return list(self.registry)

    def models(self) -> dict[str, Any]:
        return {name: self._model(model) for name, model in self.registry.items()}

    def _model(self, model: Model) -> dict[str, Any]:
        holders = {stage: self.built.label(one.name) for stage, one in model.stages.items()}
        return {
            "latest": model.latest.name if model.latest else None,
            "versions": [one.name for one in model.versions],
            "all_versions": [one.name for one in model.all_versions],
            "registered": {one.name: self._version(one) for one in model.versions},
            "stages": holders,
            "deprecated": model.deprecated,
        }

    def _version(self, version: Version) -> dict[str, Any]:
        assert version.registered_at is not None
        return {
            "commit": self.built.label(version.commit),
            "at": int(version.registered_at.timestamp()) - START,
            "author": version.author and str(version.author),
            "message": version.message,
            "tag": version.tag,
        }

    def events(self) -> dict[str, Any]:
        return {event.tag: event_fields(event, self.built) for event in self.registry.history()}

    def history(self) -> list[str]:
        return [event.tag for event in self.registry.history()]

    def problems(self) -> list[list[str]]:
        found = self.registry.problems(_time(self.case.now))
        return [[problem.tag, problem.kind.value] for problem in found]

    def resolve(self) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for reference in self.case.expect["resolve"]:
            try:
                found[reference] = self.built.label(self.registry.resolve(reference).name)
            except ModelVersionsError:
                found[reference] = None
        return found

    def artifacts(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for reference in self.case.expect["artifacts"]:
            with contextlib.suppress(ArtifactNotFoundError, ConfigurationError):
                found[reference] = self.registry.artifact(reference).to_dict()
        return found

    def artifact_problems(self) -> list[list[str | None]]:
        return [[one.tag, one.model] for one in self.registry.artifacts().problems]

    def allowed_stages(self) -> list[str] | None:
        found = self.registry.allowed_stages()
        return None if found is None else list(found)


def event_fields(event: Event, built: Built) -> dict[str, Any]:
    """Return an event in the form of the cases."""
    return {
        "kind": event.kind.value,
        "model": event.model,
        "version": event.version and str(event.version),
        "stage": event.stage,
        "commit": built.label(event.commit),
        "counter": event.counter,
        "at": int(event.time.timestamp()) - START,
        "zone": f"{event.time:%z}",
        "author": event.author and str(event.author),
        "message": event.message,
    }


def _call(registry: Registry, call: Mapping[str, Any], built: Built) -> dict[str, Any]:
    """Make a call that writes; return the written event, or the code of the error."""
    options = {key: call[key] for key in _ARGUMENTS if key in call}
    if "commit" in options:
        options["commit"] = built.ids[options["commit"]]
    if "when" in options:
        options["when"] = _time(options["when"])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ClockSkewWarning)
            event: Event = getattr(registry, call["verb"])(**options)
    except ModelVersionsError as error:
        return {"refused": error.code}
    return {"tag": event.tag, **event_fields(event, built), "object": built.object_at(event.tag)}


def _time(seconds: int, zone: str = "+0000") -> datetime:
    offset = datetime.strptime(zone, "%z").tzinfo
    return datetime.fromtimestamp(START + seconds, offset)
