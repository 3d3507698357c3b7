# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""User code for type checkers; each ``type: ignore`` marks an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from modelversions import (
    Event,
    Identity,
    Model,
    Problem,
    Registry,
    RegistryView,
    SemVer,
    SyncResult,
    TagName,
    Version,
)


def reading(registry: RegistryView) -> None:
    model: Model = registry["m"]
    optional: Model | None = registry.get("m")
    latest: Version | None = model.latest
    latest.name  # type: ignore[union-attr]
    named: Version = model["v1.0.0"]
    first: Version = model[0]
    several: tuple[Version, ...] = model[:2]
    holders: Mapping[str, Version] = model.stages
    model.stages["prod"] = named  # type: ignore[index]
    all_latest: dict[str, Version] = registry.latest()
    events: tuple[Event, ...] = registry.history()
    problems: tuple[Problem, ...] = registry.problems(datetime.now(timezone.utc))
    newest: Version = max(named, first)
    version: SemVer | None = named.semver
    name: TagName | None = TagName.try_parse("m@v1.0.0")
    page: str = registry.to_html(title="Our models")
    registry.to_html("models.html")
    registry.to_html(3)  # type: ignore[call-overload]
    registry.register("m")  # type: ignore[attr-defined]
    print(page)
    print(optional, several, holders, all_latest, events, problems, newest, version, name)


def writing(registry: Registry, author: Identity, version: Version) -> None:
    event: Event = registry.register("m", "v1.0.0", author=author)
    registry.register("m", SemVer(1, 0, 0), commit=event, sign=True)
    registry.assign("m", version, "prod", author=author)
    registry.assign("m", stage="prod", commit="HEAD", dry_run=True)
    registry.assign("m", stage="prod", register=True)
    registry.assign("m", None, "prod", register=True, commit="HEAD")
    registry.assign("m", "v1.0.0", stage="prod", register=True)
    registry.assign("m", "v1.0.0", "prod", register=bool(author))
    registry.assign("m", stage="prod")  # type: ignore[call-overload]
    registry.assign("m", None, "prod")  # type: ignore[call-overload]
    registry.assign("m", "v1.0.0", "prod", commit="HEAD")  # type: ignore[call-overload]
    registry.assign("m", "v1.0.0")  # type: ignore[call-overload]
    registry.assign("m", "v1.0.0", "prod", author="Ann")  # type: ignore[call-overload]
    registry.unassign("m", "v1.0.0", "prod")
    registry.unassign("m", stage="prod", commit=version)
    registry.unassign("m", stage="prod")  # type: ignore[call-overload]
    registry.deregister("m", version)
    registry.deregister("m", commit="HEAD")
    registry.deregister("m")  # type: ignore[call-overload]
    result: SyncResult = registry.push(event, version, "m@v1.0.0")
    registry.push(None)  # type: ignore[arg-type]
    print(result.transferred)
