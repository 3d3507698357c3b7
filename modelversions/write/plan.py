"""Plan the events that a write creates, or refuse the write (F12, F14)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import attrs

from modelversions.errors import (
    CommitTakenError,
    InvalidArgumentError,
    ModelDeprecatedError,
    NoEffectError,
    ObjectMissingError,
    StageHeldError,
    StageNotHeldError,
    VersionExistsError,
    VersionNotFoundError,
    join_names,
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
    """The arguments of a write, validated; they do not depend on the current state."""

    author: Identity
    message: str | None
    """The message, cleaned up; None for GTO's default."""
    now: datetime
    when: datetime | None
    """The time that the caller passes; None for the first at which the event takes effect."""
    force: bool


@attrs.frozen
class ModelContext:
    """The current state of one model, and the tag names that exist."""

    model: str
    names: tuple[TagName, ...]
    """All event names among the model's tags, lightweight tags included."""
    state: ModelState
    unreadable: tuple[NamedTag, ...] = ()
    """The tags whose content is unknown, because an object is missing."""

    def require_readable(self, subject: SemVer | str | None = None) -> None:
        """Check that all tags of a version or stage can be read, by default all of the model.

        Raises:
            ObjectMissingError: one cannot, so that the current state is unknown.
        """
        for name, ref in self.unreadable:
            if subject is None or subject in (name.version, name.stage):
                raise ObjectMissingError(
                    f"cannot determine the state of {str(subject or self.model)!r}: the object "
                    f"{ref.id} of the tag {ref.name!r} is missing; fetch the tag again, or call "
                    "delete_tags()",
                    id=ref.id,
                )

    def after(self, event: Event) -> ModelContext:
        """Return the context after an event is written."""
        names = (*self.names, TagName.parse(event.tag))
        return ModelContext(
            self.model, names, replay_events([*self.state.history, event]), self.unreadable
        )

    def next_version(self, bump: str | None) -> SemVer:
        """Return the version after the greatest one in any tag name (F12b)."""
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
            ObjectMissingError: a tag of the version cannot be read.
        """
        self.require_readable(version)
        found = self.state.active.get(version)
        if found is None:
            versions = self.state.versions
            active = [one.key for one in versions if one.active]
            was = "deregistered already" if version in self.state.by_key else "never registered"
            hint = f"pass an active one: {join_names(active)}" if active else "no version is active"
            raise VersionNotFoundError(
                f"version '{version}' of model {self.model!r} was {was}; {hint}",
                model=self.model,
                version=str(version),
            )
        return found

    def version_at(self, commit: str) -> SemVer:
        """Return the active version that is registered at a commit.

        Raises:
            VersionNotFoundError: there is none.
            InvalidArgumentError: there are several.
        """
        found = [one for one, event in self.state.active.items() if event.commit == commit]
        if len(found) > 1:
            raise InvalidArgumentError(
                f"several versions of model {self.model!r} are registered at commit "
                f"{commit[:7]}: {join_names(found)}; pass one of these versions",
                argument="commit",
                value=commit,
            )
        if not found:
            raise VersionNotFoundError(
                f"no version of model {self.model!r} is registered at commit {commit[:7]}; "
                f"registry.at() lists the versions at a commit",
                model=self.model,
                version=commit,
            )
        return found[0]

    def newest(self, *, version: SemVer | None = None, stage: str | None = None) -> Event | None:
        """Return the newest registration or deregistration of a version, or event of a stage.

        Args:
            version: the version.
            stage: the stage; one of the two is passed.
        """
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
        request: WriteRequest,
        name: TagName,
        commit: str,
        superseded: Iterable[Event | None],
        not_before: Event | None = None,
    ) -> tuple[Event, ModelState]:
        """Return an event with a free tag name and a time at which it takes effect (F12, F14).

        Args:
            request: the request of the caller.
            name: the tag name, without a counter.
            commit: the event's commit.
            superseded: events that must be older than the new one.
            not_before: an event that must not be newer than the new one.

        Returns:
            The event, and the state after an assignment or unassignment, else the current one.
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
                _no_earlier(request, not_before, str(name)), newest, self.model, str(name)
            ),
            author=request.author.decoded(),
            message="",
        )
        event, after = self._resolve_version(event)
        message = request.message or name.message(event.version, commit)
        return attrs.evolve(event, message=message.strip()), after

    def _resolve_version(self, event: Event) -> tuple[Event, ModelState]:
        """Return an event with its version (F18), and the state after it."""
        if not event.kind.is_about_a_stage:
            return event, self.state
        after = self.after(event).state
        return next(one for one in after.history if one.tag == event.tag), after


def register(
    context: ModelContext,
    request: WriteRequest,
    *,
    version: SemVer | None,
    bump: str | None,
    commit: str,
) -> Event:
    """Plan the registration of a version, or of the next one.

    Raises:
        VersionExistsError: it is registered, and was not deregistered.
        CommitTakenError: another version was ever registered at the commit, and ``force`` is not
            set (F12a).
        NoEffectError: ``when`` is not after the events that must be superseded.
    """
    version = version or context.next_version(bump)
    context.require_readable(version)
    origin = context.state.active.get(version)
    if origin is not None:
        raise VersionExistsError(
            f"version '{version}' of model {context.model!r} is registered already, at commit "
            f"{origin.commit[:7]} since {origin.time:%Y-%m-%d %H:%M:%S %z}; register another "
            "version, or deregister this one first",
            model=context.model,
            version=str(version),
            commit=origin.commit,
            time=origin.time,
        )
    other = context.registered_at(commit, version)
    if other is not None and not request.force:
        raise CommitTakenError(
            f"version '{other.version}' of model {context.model!r} was registered at commit "
            f"{commit[:7]}, and GTO cannot read two versions at one commit, deregistered or not; "
            f"register '{version}' at another commit, call delete_tags({other.tag!r}) if that "
            "registration was a mistake and was not fetched by others, or pass force=True",
            model=context.model,
            version=str(other.version),
            commit=commit,
        )
    name = TagName(EventKind.REGISTRATION, context.model, version)
    return context.build_event(
        request, name, commit, [context.newest(version=version), _deprecation(context)]
    )[0]


def deregister(context: ModelContext, request: WriteRequest, version: SemVer) -> Event:
    """Plan the deregistration of a version.

    Raises:
        VersionNotFoundError: it was never registered, or was deregistered already.
        NoEffectError: ``when`` is not after the events that must be superseded.
    """
    origin = context.registered(version)
    name = TagName(EventKind.DEREGISTRATION, context.model, version)
    superseded = [context.newest(version=version), _deprecation(context)]
    return context.build_event(request, name, origin.commit, superseded)[0]


def register_and_assign(
    context: ModelContext,
    request: WriteRequest,
    stage: str,
    *,
    version: SemVer | None,
    commit: str,
    at_commit: bool,
) -> list[Event]:
    """Plan an assignment, and before it the registration of the version if it is not registered.

    Args:
        context: the current state of the model.
        request: the request of the caller.
        stage: the stage.
        version: the version; None for one at the commit, or else for the next version.
        commit: the full SHA of the commit.
        at_commit: whether the caller passed the commit.

    Raises:
        VersionExistsError: the version is registered at another commit than the one passed.
        RefusedError: as for ``register`` and ``assign``.
    """
    active = context.state.active
    if at_commit and version is not None and version in active:
        _require_commit(context, version, commit)
    if version in active if version else any(one.commit == commit for one in active.values()):
        return assign(context, request, stage, version=version, commit=commit)
    first = register(context, request, version=version, bump=None, commit=commit)
    return [
        first,
        *assign(context.after(first), request, stage, version=first.version, commit=commit),
    ]


def _require_commit(context: ModelContext, version: SemVer, commit: str) -> None:
    origin = context.registered(version)
    if origin.commit != commit:
        raise VersionExistsError(
            f"version '{version}' of model {context.model!r} is registered at commit "
            f"{origin.commit[:7]}, not at {commit[:7]}; omit commit=, or pass another version",
            model=context.model,
            version=str(version),
            commit=origin.commit,
            time=origin.time,
        )


def assign(
    context: ModelContext, request: WriteRequest, stage: str, *, version: SemVer | None, commit: str
) -> list[Event]:
    """Plan the assignment of a stage to a version, or to the version or bare commit at a commit.

    Raises:
        VersionNotFoundError: the version is not active.
        StageHeldError: it holds the stage already, and ``force`` is not set.
        NoEffectError: the stage would be assigned to another version at the same commit, or to
            none; or ``when`` is not after the events that must be superseded, or is before the
            registration.
    """
    if version is not None:
        commit = context.registered(version).commit
    event, after = _plan_stage_event(context, request, EventKind.ASSIGNMENT, stage, commit)
    key = event.version or commit
    held = context.state.stages.get(stage, ())
    if held and held[0] == key and not request.force:
        raise StageHeldError(
            f"{_noun(key)} '{key}' of model {context.model!r} is in stage {stage!r} already; there "
            "is nothing to do, unless you pass force=True to record it once more",
            model=context.model,
            version=str(key),
            stage=stage,
        )
    held_after = after.stages.get(stage, ())
    if version not in (None, key) or not held_after or held_after[0] != key:
        raise _no_effect(context, event, version or key)
    return [event]


def _no_effect(context: ModelContext, event: Event, wanted: VersionOrCommit) -> NoEffectError:
    """Return the error for an assignment after which the wanted version would not hold the stage.

    Raises:
        VersionNotFoundError: the version was deregistered.
    """
    commit = event.commit[:7]
    if wanted == event.version and isinstance(wanted, SemVer):
        origin = context.registered(wanted)
        reason = f"it is registered at commit {origin.commit[:7]}, no longer at {commit}"
        remedy = "pass the version instead of the commit"
    else:
        reason = f"an assignment at commit {commit} applies to '{event.version or event.commit}'"
        remedy = "register the version at a commit of its own"
    return NoEffectError(
        f"stage {event.stage!r} cannot be assigned to {_noun(wanted)} '{wanted}' of model "
        f"{context.model!r}: {reason}; {remedy}",
        model=context.model,
        tag=event.tag,
    )


def unassign(
    context: ModelContext, request: WriteRequest, stage: str, *, version: SemVer | None, commit: str
) -> Event:
    """Plan the unassignment of a stage from a version, or from the version or commit at a commit.

    Raises:
        VersionNotFoundError: the version is not active.
        StageNotHeldError: it is not in the stage, and ``force`` is not set.
        NoEffectError: the stage would be unassigned from another version at the same commit; or
            ``when`` is not after the events that must be superseded.
    """
    if version is not None:
        commit = context.registered(version).commit
    event, after = _plan_stage_event(context, request, EventKind.UNASSIGNMENT, stage, commit)
    key: VersionOrCommit = version or event.version or commit
    held = context.state.stages.get(stage, ())
    still_held = after.stages.get(stage, ())
    removed = [one for one in held if one not in still_held]
    if removed != [key] and (removed or key in held):
        other = removed[0] if removed else event.version or commit
        raise NoEffectError(
            f"stage {stage!r} cannot be unassigned from {_noun(key)} '{key}' of model "
            f"{context.model!r}: an unassignment at commit {commit[:7]} applies to '{other}'; "
            f"unassign '{other}' first",
            model=context.model,
            tag=event.tag,
        )
    if not removed and not request.force:
        raise StageNotHeldError(
            f"{_noun(key)} '{key}' of model {context.model!r} is not in stage {stage!r}; versions "
            f"in the stage: {join_names(held)}; unassign one of these, or pass force=True",
            model=context.model,
            version=str(key),
            stage=stage,
        )
    return event


def deprecate(context: ModelContext, request: WriteRequest, commit: str | None = None) -> Event:
    """Plan the deprecation of a model, by default at the commit of its newest event.

    Raises:
        ModelDeprecatedError: it is deprecated already, and ``force`` is not set.
        NoEffectError: ``when`` is not after the model's newest event.
    """
    context.require_readable()
    newest = context.state.history[-1]
    if context.state.deprecated and not request.force:
        raise ModelDeprecatedError(
            f"model {context.model!r} is deprecated already, since "
            f"{newest.time:%Y-%m-%d %H:%M:%S %z}; there is nothing to do, unless you pass "
            "force=True to record it once more",
            model=context.model,
            time=newest.time,
        )
    name = TagName(EventKind.DEPRECATION, context.model)
    return context.build_event(request, name, commit or newest.commit, [newest])[0]


def _plan_stage_event(
    context: ModelContext, request: WriteRequest, kind: EventKind, stage: str, commit: str
) -> tuple[Event, ModelState]:
    """Plan an assignment or unassignment; the state at the commit determines its version (F18)."""
    context.require_readable(stage)
    name = TagName(kind, context.model, stage=stage)
    superseded = [context.newest(stage=stage), _deprecation(context)]
    registration = context.newest_at(commit) if kind is EventKind.ASSIGNMENT else None
    event, after = context.build_event(request, name, commit, superseded, registration)
    if event.version is not None:
        context.require_readable(event.version)
    return event, after


def _noun(key: VersionOrCommit) -> str:
    return "version" if isinstance(key, SemVer) else "commit"


def _deprecation(context: ModelContext) -> Event | None:
    """Return the deprecation in effect, which ends with any other event (F19)."""
    return context.state.history[-1] if context.state.deprecated else None


def _no_earlier(request: WriteRequest, event: Event | None, tag: str) -> WriteRequest:
    """Return the request, with the event's time as ``now`` if that is later.

    Raises:
        NoEffectError: ``when`` is before the event's time.
    """
    if event is None or (request.when or request.now) >= event.time:
        return request
    if request.when is None:
        return attrs.evolve(request, now=event.time.astimezone(request.now.tzinfo))
    raise NoEffectError(
        f"at {request.when} version '{event.version}' was not registered yet: it was registered "
        f"at {event.time}; pass a later time, or omit when=",
        model=event.model,
        tag=tag,
    )


def _effective(request: WriteRequest, newest: datetime | None, model: str, tag: str) -> datetime:
    """Return the first time from now on at which the write takes effect (F14).

    Raises:
        NoEffectError: ``when`` is not after the newest event, or no later time can be stored.
    """
    if request.when is None:
        after = request.now if newest is None else newest + _SECOND
        if after.timestamp() >= MAX_TIMESTAMP:
            raise NoEffectError(
                f"nothing can supersede the event at {newest}, as no later time can be stored; "
                "delete its tag with delete_tags()",
                model=model,
                tag=tag,
            )
        return max(request.now, after.astimezone(request.now.tzinfo))
    if newest is not None and request.when <= newest:
        raise NoEffectError(
            f"at {request.when} this would change nothing, as it must supersede an event at "
            f"{newest}; pass a later time, or omit when=",
            model=model,
            tag=tag,
        )
    return request.when
