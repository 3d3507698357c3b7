"""The values that the functions of GTO return: events, versions and their stages."""

from __future__ import annotations

import abc
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import attrs

from modelversions.model.model import Model
from modelversions.values.event import Event
from modelversions.values.semver import SemVer
from modelversions.values.tag_name import EventKind


@attrs.define(kw_only=True)
class BaseEvent:
    """One event; see ``Event``."""

    priority: int
    addition: bool
    artifact: str
    created_at: datetime
    author: str
    author_email: str
    message: str
    commit_hexsha: str
    tag: str

    @property
    def event(self) -> str:
        """The kind, such as ``"registration"``."""
        return type(self).__name__.lower()

    @property
    def ref(self) -> str:
        """The tag's name."""
        return self.tag

    def model_dump(self, exclude: Collection[str] | None = None) -> dict[str, Any]:
        """Return the fields."""
        return {name: value for name, value in _fields(self) if name not in (exclude or ())}

    def dict_state(self, exclude: Collection[str] | None = None) -> dict[str, Any]:
        """Return the fields and the kind."""
        return {**self.model_dump(exclude), "event": self.event}


@attrs.define(kw_only=True)
class Deprecation(BaseEvent):
    """A model was deprecated."""

    priority: int = 2
    addition: bool = False

    def __str__(self) -> str:
        """Return the event as a sentence."""
        return f'Artifact "{self.artifact}" was deprecated'


@attrs.define(kw_only=True)
class Registration(BaseEvent):
    """A version was registered."""

    priority: int = 3
    addition: bool = True
    version: str

    def __str__(self) -> str:
        """Return the event as a sentence."""
        return f'Version "{self.version}" of artifact "{self.artifact}" was registered'


@attrs.define(kw_only=True)
class Deregistration(BaseEvent):
    """A version was deregistered."""

    priority: int = 4
    addition: bool = False
    version: str

    def __str__(self) -> str:
        """Return the event as a sentence."""
        return f'Version "{self.version}" of artifact "{self.artifact}" was deregistered'


@attrs.define(kw_only=True)
class Assignment(BaseEvent):
    """A stage was assigned."""

    priority: int = 5
    addition: bool = True
    version: str
    stage: str

    def __str__(self) -> str:
        """Return the event as a sentence."""
        return _stage_sentence(self.stage, "assigned to", self.version, self.artifact)


@attrs.define(kw_only=True)
class Unassignment(BaseEvent):
    """A stage was unassigned."""

    priority: int = 6
    addition: bool = False
    version: str
    stage: str

    def __str__(self) -> str:
        """Return the event as a sentence."""
        return _stage_sentence(self.stage, "unassigned from", self.version, self.artifact)


def _stage_sentence(stage: str, done: str, version: str, artifact: str) -> str:
    return f'Stage "{stage}" was {done} version "{version}" of artifact "{artifact}"'


_CLASSES: dict[EventKind, type[BaseEvent]] = {
    EventKind.DEPRECATION: Deprecation,
    EventKind.REGISTRATION: Registration,
    EventKind.DEREGISTRATION: Deregistration,
    EventKind.ASSIGNMENT: Assignment,
    EventKind.UNASSIGNMENT: Unassignment,
}


def event_of(event: Event) -> BaseEvent:
    """Return the value of GTO for an event."""
    subject: dict[str, Any] = {}
    if event.kind is not EventKind.DEPRECATION:
        subject["version"] = str(event.version or event.commit)
    if event.stage is not None:
        subject["stage"] = event.stage
    return _CLASSES[event.kind](
        artifact=event.model,
        created_at=event.time,
        author=event.author.name if event.author else "",
        author_email=event.author.email if event.author else "",
        message=event.message,
        commit_hexsha=event.commit,
        tag=event.tag,
        **subject,
    )


class _Authored(abc.ABC):
    """The properties that GTO derives from the newest registration or assignment."""

    @abc.abstractmethod
    def _own_events(self) -> Sequence[BaseEvent]:
        """Return the events of the object itself, newest first."""

    def _all_events(self) -> Sequence[BaseEvent]:
        return self._own_events()

    @property
    def authoring_event(self) -> BaseEvent:
        """The newest own registration or assignment; without one, the newest event."""
        added = [event for event in self._own_events() if event.addition]
        return (added or list(self._all_events()))[0]

    @property
    def created_at(self) -> datetime:
        """The time of the authoring event."""
        return self.authoring_event.created_at

    @property
    def author(self) -> str:
        """The author of the authoring event."""
        return self.authoring_event.author

    @property
    def author_email(self) -> str:
        """The email address of the author of the authoring event."""
        return self.authoring_event.author_email

    @property
    def message(self) -> str:
        """The message of the authoring event."""
        return self.authoring_event.message

    @property
    def ref(self) -> str:
        """The tag of the authoring event."""
        return self.authoring_event.ref

    def _derived(self, *, is_active: bool, activated_at: datetime | None) -> dict[str, Any]:
        return {
            "is_active": is_active,
            "activated_at": activated_at,
            "created_at": self.created_at,
            "author": self.author,
            "author_email": self.author_email,
            "message": self.message,
            "ref": self.ref,
        }


@attrs.define(kw_only=True)
class VStage(_Authored):
    """A version in a stage, with its assignments and unassignments."""

    artifact: str
    commit_hexsha: str
    version: str
    stage: str
    assignments: list[BaseEvent] = attrs.Factory(list)
    unassignments: list[BaseEvent] = attrs.Factory(list)

    @property
    def events(self) -> Sequence[BaseEvent]:
        """All events, newest first."""
        return self._own_events()

    def _own_events(self) -> Sequence[BaseEvent]:
        events = [*self.assignments, *self.unassignments]
        return sorted(events, key=lambda event: event.created_at)[::-1]

    @property
    def is_active(self) -> bool:
        """Whether the newest event is an assignment."""
        return isinstance(self._own_events()[0], Assignment)

    @property
    def activated_at(self) -> datetime | None:
        """The time of the newest event, if it is an assignment."""
        return self._own_events()[0].created_at if self.is_active else None

    def model_dump(self) -> dict[str, Any]:
        """Return the fields."""
        return {name: _dumped(value) for name, value in _fields(self)}

    def dict_state(self) -> dict[str, Any]:
        """Return the fields, and the properties derived from the events."""
        derived = self._derived(is_active=self.is_active, activated_at=self.activated_at)
        events = {
            "assignments": [event.dict_state() for event in self.assignments],
            "unassignments": [event.dict_state() for event in self.unassignments],
        }
        return {**self.model_dump(), **derived, **events}


@attrs.define(kw_only=True)
class Version(_Authored):
    """A version, or a commit in a stage, with its events."""

    artifact: str
    commit_hexsha: str
    version: str
    enrichments: list[object] = attrs.Factory(list)
    registrations: list[BaseEvent] = attrs.Factory(list)
    deregistrations: list[BaseEvent] = attrs.Factory(list)
    stages: dict[str, VStage] = attrs.Factory(dict)
    is_active: bool = True

    def _own_events(self) -> Sequence[BaseEvent]:
        events = [*self.registrations, *self.deregistrations]
        return sorted(events, key=lambda event: event.created_at)[::-1]

    def _all_events(self) -> Sequence[BaseEvent]:
        staged = [event for one in self.stages.values() for event in one.events]
        return sorted([*self._own_events(), *staged], key=lambda one: one.created_at)[::-1]

    @property
    def is_registered(self) -> bool:
        """Whether it was ever registered."""
        return bool(self.registrations)

    @property
    def discovered(self) -> bool:
        """Whether it was neither registered nor deregistered."""
        return not self._own_events()

    @property
    def activated_at(self) -> datetime:
        """The time of the first registration, or of the first event."""
        if self.registrations:
            return self.registrations[0].created_at
        return self._all_events()[-1].created_at

    def dict_state(self) -> dict[str, Any]:
        """Return the fields, and the properties derived from the events."""
        fields = {name: _dumped(value) for name, value in _fields(self) if name != "is_active"}
        derived = self._derived(is_active=self.is_active, activated_at=self.activated_at)
        stages = sorted(
            (one for one in self.stages.values() if one.is_active),
            key=lambda one: one.created_at,
        )[::-1]
        return {
            **fields,
            **derived,
            "discovered": self.discovered,
            "stages": [one.dict_state() for one in stages],
        }


@attrs.define(kw_only=True)
class Artifact:
    """The annotation of a model."""

    type: str | None = None
    path: str | None = None
    virtual: bool = True
    labels: list[str] = attrs.Factory(list)
    description: str = ""
    custom: object = None

    def model_dump(self) -> dict[str, Any]:
        """Return the fields."""
        return dict(_fields(self))


def versions_of(model: Model) -> list[Version]:
    """Return the versions of a model, greatest first, and the commits that were ever in a stage."""
    active = {version.name: version for version in model.all_versions}
    found: dict[str, Version] = {}
    for event in model.history:
        if event.kind is EventKind.DEPRECATION:
            continue
        name = str(event.version or event.commit)
        ours = active.get(name)
        version = found.get(name)
        if version is None:
            commit = event.commit if ours is None else ours.commit
            version = found[name] = Version(
                artifact=model.name,
                commit_hexsha=commit,
                version=name,
                is_active=event.version is None if ours is None else ours.active,
            )
        _add(version, event_of(event))
    return _ordered(found.values())


def _add(version: Version, event: BaseEvent) -> None:
    if isinstance(event, Registration):
        version.registrations.append(event)
    elif isinstance(event, Deregistration):
        version.deregistrations.append(event)
    else:
        assert isinstance(event, (Assignment, Unassignment))
        stage = version.stages.setdefault(
            event.stage,
            VStage(
                artifact=version.artifact,
                commit_hexsha=version.commit_hexsha,
                version=version.version,
                stage=event.stage,
            ),
        )
        added = isinstance(event, Assignment)
        (stage.assignments if added else stage.unassignments).append(event)


def _ordered(versions: Collection[Version]) -> list[Version]:
    """Return versions, the greatest first, then commits."""
    named = [one for one in versions if SemVer.is_valid(one.version)]
    commits = [one for one in versions if not SemVer.is_valid(one.version)]
    greatest = sorted(named, key=lambda one: SemVer.parse(one.version), reverse=True)
    return [*greatest, *sorted(commits, key=lambda one: one.version, reverse=True)]


def _fields(value: Any) -> list[tuple[str, Any]]:
    return [(name, getattr(value, name)) for name in attrs.fields_dict(type(value))]


def _dumped(value: Any) -> Any:
    if isinstance(value, list):
        return [_dumped(one) for one in value]
    if isinstance(value, dict):
        return {key: _dumped(one) for key, one in value.items()}
    return value.model_dump() if hasattr(value, "model_dump") else value
