"""The functions of ``gto.api``; see ``modelversions.gto``."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from modelversions.errors import (
    ArtifactNotFoundError,
    ModelNotFoundError,
    StageNotFoundError,
    VersionExistsError,
    VersionNotFoundError,
)
from modelversions.gto.base import Artifact, BaseEvent, Version, VStage, event_of, versions_of
from modelversions.gto.constants import (
    ACTION,
    ASSIGNMENTS_PER_VERSION,
    COUNTER,
    NAME,
    STAGE,
    VERSION,
    VERSIONS_PER_STAGE,
    Action,
    VersionSort,
)
from modelversions.gto.exceptions import (
    InvalidTagName,
    TagExists,
    VersionExistsForCommit,
    VersionRequired,
    WrongArgs,
    translated,
)
from modelversions.model.model import Model
from modelversions.registry import Registry
from modelversions.values.event import Event
from modelversions.values.identity import Identity
from modelversions.values.semver import SemVer
from modelversions.values.tag_name import EventKind, TagName, is_stage_name
from modelversions.write.allowed_stages import check_allowed

_SHA = re.compile("[0-9a-fA-F]{40}")
_ACTIONS = {
    EventKind.DEPRECATION: Action.DEPRECATE,
    EventKind.REGISTRATION: Action.REGISTER,
    EventKind.DEREGISTRATION: Action.DEREGISTER,
    EventKind.ASSIGNMENT: Action.ASSIGN,
    EventKind.UNASSIGNMENT: Action.UNASSIGN,
}


def _open(repo: Any) -> Registry:
    """Open a path, a URL, or the repository of an object of scmrepo."""
    location = getattr(repo, "root_dir", repo)
    return Registry.open(os.fspath(location))


def _identity(registry: Registry, name: str | None, email: str | None) -> Identity | None:
    """Return the author; a missing name or address is taken from Git's configuration."""
    if not name and not email:
        return None
    if not name or not email:
        default = Identity.from_git(registry._store.config)  # noqa: SLF001  # part of this package
        return Identity(name or default.name, email or default.email)
    return Identity(name, email)


def _delete(registry: Registry, events: Iterable[Event], *, push: bool) -> None:
    registry.delete_tags(*(event.tag for event in events), push=push)


def _exclusive(version: str | None, ref: str | None) -> None:
    if (version is None) == (ref is None):
        raise WrongArgs("One and only one of (version, rev) must be specified.")
    _check_version(version)


def _check_version(version: str | None) -> None:
    if version is not None and not SemVer.is_valid(version):
        raise WrongArgs(f"Version '{version}' is not valid. Example of valid version: 'v1.0.0'")


def get_stages(repo: Any, allowed: bool = False, used: bool = False) -> list[str] | None:
    """Return the allowed or the used stages; by default the allowed ones, if they are listed."""
    with translated(), _open(repo) as registry:
        listed = None if used else registry.allowed_stages()
        if listed is not None or allowed:
            return None if listed is None else list(listed)
        return list(registry.stages())


def register(
    repo: Any,
    name: str,
    ref: str,
    version: str | None = None,
    message: str | None = None,
    simple: bool | None = None,
    force: bool = False,
    bump_major: bool = False,
    bump_minor: bool = False,
    bump_patch: bool = False,
    push: bool = False,
    stdout: bool = False,
    author: str | None = None,
    author_email: str | None = None,
) -> BaseEvent:
    """Register a version; see ``Registry.register``."""
    del simple, stdout
    bumps = {"major": bump_major, "minor": bump_minor, "patch": bump_patch}
    chosen = [level for level, is_chosen in bumps.items() if is_chosen]
    if len(chosen) + bool(version) > 1:
        raise WrongArgs("Need to specify either version or single bump argument")
    with translated(), _open(repo) as registry:
        try:
            event = registry.register(
                name,
                version or None,
                bump=chosen[0] if chosen else None,
                commit=ref,
                message=message or None,
                force=force,
                push=push,
                author=_identity(registry, author, author_email),
            )
        except VersionExistsError as error:
            if force:
                raise TagExists(str(error)) from error
            if error.commit == registry._resolve(ref):  # noqa: SLF001  # part of this package
                raise VersionExistsForCommit(str(error)) from error
            raise
    return event_of(event)


def deregister(
    repo: Any,
    name: str,
    ref: str | None = None,
    version: str | None = None,
    message: str | None = None,
    stdout: bool = False,
    simple: bool | None = None,
    force: bool = False,
    delete: bool = False,
    push: bool = False,
    author: str | None = None,
    author_email: str | None = None,
) -> BaseEvent | None:
    """Deregister a version, or delete its tags; see ``Registry.deregister``."""
    del simple, stdout
    _exclusive(version, ref)
    with translated((ModelNotFoundError, VersionRequired)), _open(repo) as registry:
        if delete:
            found = _version(registry, name, version, ref)
            if not (found.active or force):
                raise WrongArgs(f"The version '{found.name}' was deregistered already")
            _delete(registry, found.history, push=push)
            return None
        options: dict[str, Any] = {"commit": ref} if version is None else {"version": version}
        was = _find(registry, name, version, ref) is not None
        with translated((VersionNotFoundError, WrongArgs if was else VersionRequired)):
            event = registry.deregister(
                name,
                message=message or None,
                push=push,
                author=_identity(registry, author, author_email),
                **options,
            )
    return event_of(event)


def assign(
    repo: Any,
    name: str,
    stage: str,
    version: str | None = None,
    ref: str | None = None,
    name_version: str | None = None,
    message: str | None = None,
    simple: bool | None = False,
    force: bool = False,
    push: bool = False,
    skip_registration: bool = False,
    stdout: bool = False,
    author: str | None = None,
    author_email: str | None = None,
) -> BaseEvent:
    """Assign a stage; see ``Registry.assign``. A version at ``ref`` is registered if necessary."""
    del simple, stdout
    _exclusive(version, ref)
    _check_version(name_version or None)
    if name_version and skip_registration:
        raise WrongArgs("You either need to supply version name or skip registration")
    unknown = (ModelNotFoundError, WrongArgs), (VersionNotFoundError, WrongArgs)
    with translated(*unknown), _open(repo) as registry:
        check_allowed(name, stage, registry.allowed_stages())  # even with force, as in GTO
        identity = _identity(registry, author, author_email)
        options: dict[str, Any] = {"version": version or name_version, "commit": ref}
        options["register"] = ref is not None and not skip_registration
        event = registry.assign(
            name,
            stage=stage,
            message=message or None,
            force=force or (ref is not None and skip_registration),
            push=push,
            author=identity,
            **options,
        )
    return event_of(event)


def unassign(
    repo: Any,
    name: str,
    ref: str | None = None,
    version: str | None = None,
    stage: str | None = None,
    message: str | None = None,
    stdout: bool = False,
    simple: bool | None = None,
    force: bool = False,
    delete: bool = False,
    push: bool = False,
    author: str | None = None,
    author_email: str | None = None,
) -> BaseEvent | None:
    """Unassign a stage, or delete its tags of a version; see ``Registry.unassign``."""
    del simple, stdout
    _exclusive(version, ref)
    if not stage:
        raise WrongArgs("The stage must be specified.")
    with translated(), _open(repo) as registry:
        check_allowed(name, stage, registry.allowed_stages())
        if delete:
            found = _version(registry, name, version, ref)
            if not (stage in found.stages or force):
                raise WrongArgs(f"Stage '{stage}' is not assigned to a version '{found.name}'")
            events = [event for event in found.history if event.stage == stage]
            _delete(registry, events, push=push)
            return None
        options: dict[str, Any] = {"commit": ref} if version is None else {"version": version}
        event = registry.unassign(
            name,
            stage=stage,
            message=message or None,
            force=force,
            push=push,
            author=_identity(registry, author, author_email),
            **options,
        )
    return event_of(event)


def deprecate(
    repo: Any,
    name: str,
    ref: str | None = None,
    message: str | None = None,
    stdout: bool = False,
    simple: bool | None = None,
    force: bool = False,
    delete: bool = False,
    push: bool = False,
    author: str | None = None,
    author_email: str | None = None,
) -> BaseEvent | None:
    """Deprecate a model, or delete its tags; see ``Registry.deprecate``."""
    del stdout
    if force and simple:
        raise WrongArgs("Can't use 'force' with 'simple=True'")
    with translated(), _open(repo) as registry:
        if delete:
            if registry[name].deprecated and not force:
                raise WrongArgs("Artifact was deprecated already")
            _delete(registry, registry[name].history, push=push)
            return None
        event = registry.deprecate(
            name,
            commit=ref,
            message=message or None,
            force=force,
            push=push,
            author=_identity(registry, author, author_email),
        )
    return event_of(event)


def parse_tag(name: str) -> dict[str, Any]:
    """Return the parts of a tag's name: see ``TagName.parse``."""
    tag = TagName.try_parse(name)
    if tag is None:
        raise InvalidTagName(f"Cannot parse tag name '{name}'")
    found: dict[str, Any] = {NAME: tag.model, ACTION: _ACTIONS[tag.kind]}
    if tag.version is not None:
        found[VERSION] = str(tag.version)
    if tag.stage is not None:
        found[STAGE] = tag.stage
    if tag.counter is not None:
        found[COUNTER] = tag.counter
    return found


def find_latest_version(
    repo: Any, name: str, all: bool = False, registered: bool = True
) -> Version | list[Version] | None:
    """Return the latest version, or all active ones, greatest first."""
    with translated(), _open(repo) as registry:
        versions = _active(registry[name], registered_only=registered)
    return versions if all else next(iter(versions), None)


def find_versions_in_stage(
    repo: Any,
    name: str,
    stage: str,
    assignments_per_version: int = ASSIGNMENTS_PER_VERSION,
    versions_per_stage: int = VERSIONS_PER_STAGE,
    registered_only: bool = False,
) -> list[VStage] | None:
    """Return the versions in a stage, greatest first; None if there are none."""
    with translated(), _open(repo) as registry:
        return _stages(
            registry[name],
            registered_only=registered_only,
            assignments_per_version=assignments_per_version,
            versions_per_stage=versions_per_stage,
            sort=VersionSort.SemVer,
        ).get(stage)


def check_ref(repo: Any, ref: str) -> list[BaseEvent]:
    """Return a list of the event of a tag; an empty list for any other ref."""
    with translated(), _open(repo) as registry:
        event = registry.event(ref)
    return [] if event is None else [event_of(event)]


def describe(repo: Any, name: str, rev: str | None = None) -> Artifact | None:
    """Return the annotation of a model at a revision, by default HEAD, or of a version."""
    model, about = _parsed(name)
    if about and rev:
        raise WrongArgs("Either specify revision or use naming shortcut.")
    with translated(), _open(repo) as registry:
        if about:
            try:
                found = registry.artifact(name)
            except (ArtifactNotFoundError, VersionNotFoundError, StageNotFoundError):
                return None
        else:
            at = registry.artifacts(rev or "HEAD").get(model)
            if at is None:
                return None
            found = at
    return Artifact(
        type=found.type,
        path=found.path,
        labels=list(found.labels),
        description=found.description,
        custom=found.metadata,
    )


def history(
    repo: Any,
    artifact: str | None = None,
    ascending: bool = False,
    table: bool = False,
    truncate_hexsha: bool = False,
) -> Any:
    """Return the events as dictionaries, newest first; with ``table``, also ``"keys"``."""
    with translated(), _open(repo) as registry:
        events = [event_of(event) for event in registry.history()]

    def short(text: str) -> str:
        return text[:7] if truncate_hexsha and _SHA.fullmatch(text) else text

    rows = [
        OrderedDict(
            timestamp=event.created_at,
            artifact=event.artifact,
            event=event.event,
            priority=event.priority,
            version=short(event.version) if hasattr(event, "version") else None,
            stage=getattr(event, "stage", None),
            commit=short(event.commit_hexsha),
            author=event.author,
            author_email=event.author_email,
            message=event.message,
            ref=event.ref,
        )
        for event in sorted(events, key=lambda one: (one.created_at, one.priority))
        if not artifact or event.artifact == artifact
    ]
    if not ascending:
        rows.reverse()
    if not table:
        return rows
    keys = ["timestamp", "artifact", "event", "version", "stage", "commit", "ref"] if rows else []
    return [OrderedDict((key, row[key]) for key in keys) for row in rows], "keys"


def show(
    repo: Any,
    name: str | None = None,
    truncate_hexsha: bool = False,
    registered_only: bool = False,
    deprecated: bool = False,
    assignments_per_version: int = ASSIGNMENTS_PER_VERSION,
    versions_per_stage: int = VERSIONS_PER_STAGE,
    sort: VersionSort = VersionSort.Timestamp,
    table: bool = False,
) -> Any:
    """Return all models, or the versions of one; with ``table``, rows and ``"keys"``."""
    limits = {
        "registered_only": registered_only,
        "assignments_per_version": assignments_per_version,
        "versions_per_stage": versions_per_stage,
        "sort": sort,
    }

    def short(text: str) -> str:
        return text[:7] if truncate_hexsha and _SHA.fullmatch(text) else text

    if name:
        return _show_versions(repo, name, short, deprecated=deprecated, table=table, limits=limits)
    return _show_registry(repo, short, deprecated=deprecated, table=table, limits=limits)


def _show_registry(
    repo: Any, short: Any, *, deprecated: bool, table: bool, limits: dict[str, Any]
) -> Any:
    stages = get_stages(repo) or []
    with translated(), _open(repo) as registry:
        models = [one for one in registry.values() if deprecated or not one.deprecated]
    found = {}
    for model in models:
        latest = next(iter(_active(model, registered_only=True)), None)
        held = _stages(model, **limits)
        found[model.name] = {
            "version": None if latest is None else short(latest.version),
            "stage": {
                stage: ", ".join(short(one.version) for one in held.get(stage, ())) or None
                for stage in stages
            },
            "registered": True,
            "active": not model.deprecated,
        }
    if not table:
        return found
    return [
        OrderedDict(
            [
                ("name", name),
                ("latest", row["version"]),
                *((f"#{stage}", row["stage"][stage]) for stage in stages),  # type: ignore[index]  # a dict
            ]
        )
        for name, row in sorted(found.items())
    ], "keys"


def _show_versions(
    repo: Any, name: str, short: Any, *, deprecated: bool, table: bool, limits: dict[str, Any]
) -> Any:
    model_name, about = _parsed(name)
    with translated(), _open(repo) as registry:
        model = registry[model_name]
    rows = _rows(model, deprecated=deprecated, limits=limits)
    if about in ("@latest", "@greatest"):
        rows = rows[:1]
    elif about.startswith("@"):
        rows = [row for row in rows if row["version"] == about[1:]]
    elif about:
        rows = [row for row in rows for one in row["stages"] if one["stage"] == about[1:]]
    if not table:
        return rows
    return [
        OrderedDict(
            artifact=row["artifact"],
            version=short(row["version"]),
            stage=", ".join(dict.fromkeys(one["stage"] for one in row["stages"])),
            created_at=row["created_at"],
            ref=short(row["ref"]),
        )
        for row in rows
    ], "keys"


def _rows(model: Model, *, deprecated: bool, limits: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the dictionaries of a model's versions."""
    held = [one for several in _stages(model, **limits).values() for one in several]
    rows = []
    for version in versions_of(model):
        is_shown = version.is_active and (version.is_registered or version.discovered)
        if not (deprecated or is_shown) or (model.deprecated and not deprecated):
            continue
        state = version.dict_state()
        state["stages"] = [one.dict_state() for one in held if one.version == version.version]
        rows.append(state)
    return rows


def _active(model: Model, *, registered_only: bool) -> list[Version]:
    """Return the active versions, greatest first; commits too if not ``registered_only``."""
    return [
        version
        for version in versions_of(model)
        if version.is_active and (version.is_registered or not registered_only)
    ]


def _stages(
    model: Model,
    *,
    registered_only: bool,
    assignments_per_version: int,
    versions_per_stage: int,
    sort: VersionSort,
) -> dict[str, list[VStage]]:
    """Return the versions in each stage (F17), up to the limits."""
    for argument, limit in (
        ("assignments_per_version", assignments_per_version),
        ("versions_per_stage", versions_per_stage),
    ):
        if limit < -1:
            raise WrongArgs(f"'{argument}' must be >= -1")
    held = {stage: [one.name for one in model.holders(stage)] for stage in model.stages}
    versions = _active(model, registered_only=registered_only)
    if sort is VersionSort.Timestamp:
        versions = sorted(versions, key=lambda one: one.created_at)[::-1]
    assigned = [
        one for version in versions for one in _held(version, held, assignments_per_version)
    ]
    if sort is VersionSort.Timestamp:
        assigned.sort(key=lambda one: (one.created_at, -held[one.stage].index(one.version)))
        assigned.reverse()
    found: dict[str, list[VStage]] = {}
    for one in assigned:
        shown = found.setdefault(one.stage, [])
        if not 0 <= versions_per_stage <= len(shown):
            shown.append(one)
    return found


def _held(version: Version, held: dict[str, list[str]], limit: int) -> list[VStage]:
    """Return the stages of a version in the order of assignment, up to a limit."""
    own = [one for one in version.stages.values() if version.version in held.get(one.stage, ())]
    own.sort(key=lambda one: one.created_at)
    return own if limit < 0 else own[:limit]


def _find(registry: Registry, name: str, version: str | None, ref: str | None) -> Any:
    """Return the version with a name, or one that was registered at a commit; None without one."""
    versions = registry[name].all_versions
    if version is not None:
        return next((one for one in versions if one.name == version), None)
    commit = registry._resolve(str(ref))  # noqa: SLF001  # part of this package
    return next((one for one in versions if one.commit == commit), None)


def _version(registry: Registry, name: str, version: str | None, ref: str | None) -> Any:
    """Return the version with a name, or one that was registered at a commit.

    Raises:
        WrongArgs: there is no such version.
    """
    found = _find(registry, name, version, ref)
    if found is None:
        raise WrongArgs(f"No version {version or ref} of '{name}' has Git tags")
    return found


def _parsed(name: str) -> tuple[str, str]:
    """Return the model's name, and ``@version`` or ``#stage`` if these follow it."""
    mark = next((char for char in name if char in "@#"), "@")
    model, _, about = name.partition(mark)
    is_version = about in ("latest", "greatest") or SemVer.is_valid(about)
    if (mark == "@" and is_version) or (mark == "#" and is_stage_name(about)):
        return model, mark + about
    return name, ""
