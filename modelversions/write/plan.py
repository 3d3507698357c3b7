"""From an intent to events: what a verb will write, and what it refuses (rules F12 and F14)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import attrs

from modelversions.errors import (
    CommitTakenError,
    ModelDeprecatedError,
    NoEffectError,
    ObjectMissingError,
    StageHeldError,
    StageNotHeldError,
    VersionExistsError,
    VersionNotFoundError,
)
from modelversions.model.loading import NamedTag
from modelversions.model.state import ModelState, VersionOrCommit, replay_events
from modelversions.values.event import MAX_TIMESTAMP, Event
from modelversions.values.identity import Identity
from modelversions.values.semver import SemVer
from modelversions.values.tag_name import EventKind, TagName

_SECOND = timedelta(seconds=1)


@attrs.frozen
class WriteRequest:
    """What somebody wants to record, before the present state has a say."""

    author: Identity
    message: str | None
    """The message, cleaned up; None for GTO's own."""
    now: datetime
    when: datetime | None
    """The time that the caller asks for; None for now, or as soon as takes effect."""
    force: bool


@attrs.frozen
class ModelContext:
    """One model as it stands: the names that are taken, and the state."""

    model: str
    names: tuple[TagName, ...]
    """Every tag of the model, lightweight ones too."""
    state: ModelState
    lost: tuple[NamedTag, ...] = ()
    """Tags of which nobody can tell what they say, as their objects are missing."""

    def require_readable(self, about: SemVer | str | None = None) -> None:
        """Refuse to go by what is known of a version, of a stage, or else of the model.

        Raises:
            ObjectMissingError: a tag that names it cannot be read, and may say otherwise.
        """
        for name, ref in self.lost:
            if about is None or about in (name.version, name.stage):
                raise ObjectMissingError(
                    f"nobody can tell how {str(about or self.model)!r} stands: the object "
                    f"{ref.id} of the tag {ref.name!r} is missing; fetch that tag anew, or delete "
                    "it with delete_tags",
                    id=ref.id,
                )

    def after(self, event: Event) -> ModelContext:
        """Return the situation once the event is written."""
        names = (*self.names, TagName.parse(event.tag))
        return ModelContext(
            self.model, names, replay_events([*self.state.history, event]), self.lost
        )

    def next_version(self, bump: str | None) -> SemVer:
        """Return the version after the greatest that any tag ever named (F12b)."""
        versions = [name.version for name in self.names if name.version is not None]
        return max(versions, default=SemVer(0, 0, 0)).bump(bump or "patch")

    def registered_at(self, commit: str, version: SemVer) -> Event | None:
        """Return the first registration of another version at a commit, active or not (F12a)."""
        return next(
            (
                event
                for event in self.state.history
                if event.kind is EventKind.REGISTRATION
                and event.commit == commit
                and event.version != version
            ),
            None,
        )

    def registered(self, version: SemVer) -> Event:
        """Return the registration of an active version.

        Raises:
            VersionNotFoundError: it was never registered, or was deregistered.
            ObjectMissingError: a tag that names it cannot be read.
        """
        self.require_readable(version)
        found = self.state.active.get(version)
        if found is None:
            versions = self.state.versions
            active = ", ".join(str(one.key) for one in versions if one.active)
            was = "deregistered already" if version in self.state.by_key else "never registered"
            raise VersionNotFoundError(
                f"version '{version}' of model {self.model!r} was {was}; register it first, or "
                f"name one that is active: {active or 'there is none'}",
                model=self.model,
                version=str(version),
            )
        return found

    def newest(self, *, version: SemVer | None = None, stage: str | None = None) -> Event | None:
        """Return the newest registration or deregistration of a version, or event of a stage."""
        for event in reversed(self.state.history):
            if version is not None and event.kind.is_about_a_version and event.version == version:
                return event
            if stage is not None and event.stage == stage:
                return event
        return None

    def newest_at(self, commit: str) -> Event | None:
        """Return the newest registration at a commit."""
        found = (one for one in reversed(self.state.history) if one.commit == commit)
        return next((one for one in found if one.kind is EventKind.REGISTRATION), None)

    def build_event(
        self,
        intent: WriteRequest,
        name: TagName,
        commit: str,
        superseded: Iterable[Event | None],
        not_before: Event | None = None,
    ) -> tuple[Event, ModelState]:
        """Name and date an event so that it takes effect, whatever the clocks say (F12, F14).

        Args:
            superseded: events that must be older than the new one.
            not_before: an event that may be as old, and not newer.

        Returns:
            The event; and, for a stage's, the state once it is written.
        """
        if name.kind.is_about_a_stage or name in self.names:
            counter = max((one.counter or 0 for one in self.names), default=0) + 1
            name = attrs.evolve(name, counter=counter)
        newest = max((event.time for event in superseded if event is not None), default=None)
        event = Event(
            kind=name.kind,
            model=name.model,
            version=name.version,
            stage=name.stage,
            commit=commit,
            tag=str(name),
            counter=name.counter,
            time=_effective(
                _no_earlier(intent, not_before, str(name)), newest, self.model, str(name)
            ),
            author=intent.author.decoded(),
            message="",
        )
        event, after = self._resolve_version(event)
        message = intent.message or name.message(event.version, commit)
        return attrs.evolve(event, message=message.strip()), after

    def _resolve_version(self, event: Event) -> tuple[Event, ModelState]:
        """Return an event with the version that it turns out to be about, and the state then."""
        if not event.kind.is_about_a_stage:
            return event, self.state
        after = self.after(event).state
        return next(one for one in after.history if one.tag == event.tag), after


def register(
    now: ModelContext,
    intent: WriteRequest,
    *,
    version: SemVer | None,
    bump: str | None,
    commit: str,
) -> Event:
    """Planner the registration of a version, or of the next one.

    Raises:
        VersionExistsError: it is registered, and was not deregistered.
        CommitTakenError: another version was ever registered at the commit, and force is not
            given (F12a).
        NoEffectError: the time asked for is before what it must supersede.
    """
    version = version or now.next_version(bump)
    now.require_readable(version)
    origin = now.state.active.get(version)
    if origin is not None:
        raise VersionExistsError(
            f"version '{version}' of model {now.model!r} is registered already, at commit "
            f"{origin.commit[:7]} since {origin.time:%Y-%m-%d %H:%M:%S %z}; register another "
            "version, or deregister this one first",
            model=now.model,
            version=str(version),
            commit=origin.commit,
            time=origin.time,
        )
    there = now.registered_at(commit, version)
    if there is not None and not intent.force:
        raise CommitTakenError(
            f"version '{there.version}' of model {now.model!r} was registered at commit "
            f"{commit[:7]}, and GTO cannot read two at one commit, deregistered or not; register "
            f"'{version}' at another commit, call delete_tags({there.tag!r}) if that registration "
            "was a mistake that no one has fetched, or pass force=True",
            model=now.model,
            version=str(there.version),
            commit=commit,
        )
    name = TagName(EventKind.REGISTRATION, now.model, version)
    return now.build_event(intent, name, commit, [now.newest(version=version), _deprecation(now)])[
        0
    ]


def deregister(now: ModelContext, intent: WriteRequest, version: SemVer) -> Event:
    """Planner the deregistration of a version.

    Raises:
        VersionNotFoundError: it was never registered, or was deregistered already.
        NoEffectError: the time asked for is before what it must supersede.
    """
    origin = now.registered(version)
    name = TagName(EventKind.DEREGISTRATION, now.model, version)
    superseded = [now.newest(version=version), _deprecation(now)]
    return now.build_event(intent, name, origin.commit, superseded)[0]


def register_and_assign(
    now: ModelContext,
    intent: WriteRequest,
    stage: str,
    *,
    version: SemVer | None,
    commit: str,
    at_commit: bool,
) -> list[Event]:
    """Planner an assignment, after the registration of what is not registered yet.

    Args:
        at_commit: whether the caller named the commit, so that no other one will do.

    Raises:
        VersionExistsError: the version is registered at another commit than the one named.
        RefusedError: as ``register`` and ``assign`` have it.
    """
    active = now.state.active
    if at_commit and version is not None and version in active:
        _require_commit(now, version, commit)
    if version in active if version else any(one.commit == commit for one in active.values()):
        return assign(now, intent, stage, version=version, commit=commit)
    first = register(now, intent, version=version, bump=None, commit=commit)
    return [
        first,
        *assign(now.after(first), intent, stage, version=first.version, commit=commit),
    ]


def _require_commit(now: ModelContext, version: SemVer, commit: str) -> None:
    origin = now.registered(version)
    if origin.commit != commit:
        raise VersionExistsError(
            f"version '{version}' of model {now.model!r} is registered at commit "
            f"{origin.commit[:7]}, not at {commit[:7]}; leave out commit=, or name another version",
            model=now.model,
            version=str(version),
            commit=origin.commit,
            time=origin.time,
        )


def assign(
    now: ModelContext, intent: WriteRequest, stage: str, *, version: SemVer | None, commit: str
) -> list[Event]:
    """Planner the assignment of a stage to a version, or to what stands at a commit.

    Raises:
        VersionNotFoundError: the version is not active.
        StageHeldError: it holds the stage already, and force is not given.
        NoEffectError: the stage would go to another version at the same commit, or to none; or
            the time asked for is before what it must supersede, or before the registration.
    """
    if version is not None:
        commit = now.registered(version).commit
    event, after = _staged(now, intent, EventKind.ASSIGNMENT, stage, commit)
    key = event.version or commit
    held = now.state.stages.get(stage, ())
    if held and held[0] == key and not intent.force:
        raise StageHeldError(
            f"'{key}' of model {now.model!r} is in stage {stage!r} already; there is nothing to "
            "do, unless you pass force=True to record it once more",
            model=now.model,
            version=str(key),
            stage=stage,
        )
    then = after.stages.get(stage, ())
    if version not in (None, key) or not then or then[0] != key:
        raise _no_effect(now, event, version or key)
    return [event]


def _no_effect(now: ModelContext, event: Event, meant: VersionOrCommit) -> NoEffectError:
    """Return why an assignment would not give the stage to the version that is meant.

    Raises:
        VersionNotFoundError: the version was deregistered.
    """
    commit = event.commit[:7]
    if meant == event.version and isinstance(meant, SemVer):
        origin = now.registered(meant)
        reason = f"it is registered at commit {origin.commit[:7]}, no longer at {commit}"
        remedy = "name the version in place of the commit"
    else:
        reason = f"at commit {commit} an assignment means '{event.version or event.commit}'"
        remedy = "register the version at a commit of its own"
    return NoEffectError(
        f"stage {event.stage!r} cannot go to '{meant}' of model {now.model!r}: {reason}; {remedy}",
        model=now.model,
        tag=event.tag,
    )


def unassign(
    now: ModelContext, intent: WriteRequest, stage: str, *, version: SemVer | None, commit: str
) -> Event:
    """Planner to take a stage from a version, or from what holds it at a commit.

    Raises:
        VersionNotFoundError: the version is not active.
        StageNotHeldError: it is not in the stage, and force is not meant.
        NoEffectError: another version at the same commit would lose the stage; or the time asked
            for is before what it must supersede.
    """
    if version is not None:
        commit = now.registered(version).commit
    event, after = _staged(now, intent, EventKind.UNASSIGNMENT, stage, commit)
    key: VersionOrCommit = version or event.version or commit
    held = now.state.stages.get(stage, ())
    gone = set(held).difference(after.stages.get(stage, ()))
    if gone - {key} or (key in held and not gone):
        other = next(iter(gone), event.version or commit)
        raise NoEffectError(
            f"stage {stage!r} cannot be taken from '{key}' of model {now.model!r}: at commit "
            f"{commit[:7]} that means '{other}'; take it from that one first",
            model=now.model,
            tag=event.tag,
        )
    if not gone and not intent.force:
        names = ", ".join(map(str, held)) or "none"
        raise StageNotHeldError(
            f"'{key}' of model {now.model!r} is not in stage {stage!r}; in it: {names}",
            model=now.model,
            version=str(key),
            stage=stage,
        )
    return event


def deprecate(now: ModelContext, intent: WriteRequest) -> Event:
    """Planner the deprecation of a model.

    Raises:
        ModelDeprecatedError: it is deprecated already, and force is not meant.
        NoEffectError: the time asked for is before the model's newest event.
    """
    now.require_readable()
    newest = now.state.history[-1]
    if now.state.deprecated and not intent.force:
        raise ModelDeprecatedError(
            f"model {now.model!r} is deprecated already, since {newest.time:%Y-%m-%d %H:%M:%S %z}; "
            "there is nothing to do, unless you pass force=True to record it once more",
            model=now.model,
            time=newest.time,
        )
    name = TagName(EventKind.DEPRECATION, now.model)
    return now.build_event(intent, name, newest.commit, [newest])[0]


def _staged(
    now: ModelContext, intent: WriteRequest, kind: EventKind, stage: str, commit: str
) -> tuple[Event, ModelState]:
    """Planner a stage's event; what it is about, the state at the commit decides (F18)."""
    now.require_readable(stage)
    name = TagName(kind, now.model, stage=stage)
    superseded = [now.newest(stage=stage), _deprecation(now)]
    registration = now.newest_at(commit) if kind is EventKind.ASSIGNMENT else None
    event, after = now.build_event(intent, name, commit, superseded, registration)
    if event.version is not None:
        now.require_readable(event.version)
    return event, after


def _deprecation(now: ModelContext) -> Event | None:
    """Return the deprecation that any other event revives the model from (F19)."""
    return now.state.history[-1] if now.state.deprecated else None


def _no_earlier(intent: WriteRequest, event: Event | None, tag: str) -> WriteRequest:
    """Return the intent, at the event's time if the present is before that.

    Raises:
        NoEffectError: the time asked for is before the event's.
    """
    if event is None or (intent.when or intent.now) >= event.time:
        return intent
    if intent.when is None:
        return attrs.evolve(intent, now=event.time.astimezone(intent.now.tzinfo))
    raise NoEffectError(
        f"at {intent.when} version '{event.version}' was not registered yet: that was at "
        f"{event.time}; give a later time, or none",
        model=event.model,
        tag=tag,
    )


def _effective(intent: WriteRequest, newest: datetime | None, model: str, tag: str) -> datetime:
    """Return the first time from now on at which the write takes effect (F14)."""
    if intent.when is None:
        after = intent.now if newest is None else newest + _SECOND
        if after.timestamp() >= MAX_TIMESTAMP:
            raise NoEffectError(
                f"nothing can supersede what happened at {newest}: no later time can be read; "
                "delete that tag with delete_tags",
                model=model,
                tag=tag,
            )
        return max(intent.now, after.astimezone(intent.now.tzinfo))
    if newest is not None and intent.when <= newest:
        raise NoEffectError(
            f"at {intent.when} this would change nothing: what it must supersede happened at "
            f"{newest}; give a later time, or none",
            model=model,
            tag=tag,
        )
    return intent.when
