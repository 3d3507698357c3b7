"""``Model`` and ``Version``: one model as it was when its tags were listed."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, overload

import attrs

from modelversions.errors import (
    InvalidArgumentError,
    InvalidVersionError,
    ObjectMissingError,
    StageNotFoundError,
    VersionNotFoundError,
    join_names,
)
from modelversions.gc_pause import gc_paused
from modelversions.git.store import Signature
from modelversions.json_types import record
from modelversions.model.snapshot import ModelSnapshot
from modelversions.model.stage_spans import stage_spans
from modelversions.model.state import VersionOrCommit, VersionState
from modelversions.values.event import Event, Events
from modelversions.values.identity import Identity
from modelversions.values.problem import Problems
from modelversions.values.semver import SemVer
from modelversions.values.sequences import FindPages
from modelversions.values.specifiers import in_range
from modelversions.values.tag_name import EventKind, TagName

if TYPE_CHECKING:
    from pandas import DataFrame


def _identity(snapshot: ModelSnapshot) -> object:
    return snapshot.identity


@functools.total_ordering
@attrs.frozen(repr=False, eq=False)
class Version:
    """A version of a model, or a bare commit that is in a stage (F18).

    Two versions are equal if they are the same registration: model, name, commit and tag are equal.
    They sort by model, then as in F16; bare commits sort before versions.
    """

    model: str
    semver: SemVer | None
    """The name as a comparable value; None for a bare commit."""
    commit: str
    """The full SHA of the commit of the newest registration (F15)."""
    tag: str
    """The tag of the newest registration; for a bare commit that of the newest assignment."""
    _snapshot: ModelSnapshot | None
    _state: VersionState | None = None

    @property
    def name(self) -> str:
        """The version's name, such as ``v3.1.0``; for a bare commit its full SHA."""
        return self.commit if self.semver is None else str(self.semver)

    @property
    def _version_state(self) -> VersionState:
        state = self._state
        if state is None and self._snapshot is not None:
            state = self._snapshot.state.by_key.get(self.semver or self.commit)
        if state is None:
            raise ObjectMissingError(
                f"the object of the tag {self.tag!r} was deleted after the tags were listed, or "
                f"the tag is not an event; look {self.model!r} up in the registry again",
                id=self.tag,
            )
        return state

    @property
    def is_bare_commit(self) -> bool:
        """Whether it is a commit without a version that is in a stage (F18)."""
        return self.semver is None

    @property
    def registered_at(self) -> datetime | None:
        """The time of the newest registration, an aware datetime; None for a bare commit."""
        return self._version_state.origin.time if self.semver else None

    @property
    def author(self) -> Identity | None:
        """The author of the tag; None if the tag has no tagger."""
        return self._version_state.origin.author

    @property
    def message(self) -> str:
        """The tag's message."""
        return self._version_state.origin.message

    @property
    def active(self) -> bool:
        """Whether the newest event is a registration (F15); always True for a bare commit."""
        return self._version_state.active

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that the version is in, sorted (F17)."""
        return self._version_state.stages

    @property
    def history(self) -> Events:
        """The events of the version, oldest first."""
        return Events(self._version_state.history, self._pages)

    @property
    def _pages(self) -> FindPages | None:
        return None if self._snapshot is None else self._snapshot.pages

    @property
    def _signature(self) -> Signature | None:
        """The signature of the tag, if ``Registry.verify`` was called."""
        return None if self._snapshot is None else self._snapshot.signature(self.tag)

    def __eq__(self, other: object) -> bool:
        """Return whether it is the same registration."""
        if not isinstance(other, Version):
            return NotImplemented
        return self._identity == other._identity

    def __lt__(self, other: Version) -> bool:
        """Compare models, then versions as in F16."""
        if not isinstance(other, Version):
            return NotImplemented
        if self._precedence != other._precedence:
            return self._precedence < other._precedence
        return self._appearance < other._appearance

    def __hash__(self) -> int:
        """Return a hash of the registration."""
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[str, str, str, str]:
        return self.model, self.name, self.commit, self.tag

    @property
    def _precedence(self) -> tuple[object, ...]:
        return (self.model, *(() if self.semver is None else self.semver.precedence))

    @property
    def _appearance(self) -> tuple[object, ...]:
        """Order versions of equal precedence by their first registrations (F16)."""
        if self.semver is None:
            return (self.name, self.tag)
        events = self._version_state.history
        first = next(event for event in events if event.kind is EventKind.REGISTRATION)
        return (first.order, self._identity)

    def to_dict(self) -> dict[str, object]:
        """Return the version as JSON types."""
        return record(
            model=self.model,
            version=self.name,
            is_bare_commit=self.is_bare_commit,
            commit=self.commit,
            tag=self.tag,
            registered_at=self.registered_at,
            author=self.author,
            message=self.message,
            active=self.active,
            stages=self.stages,
        )

    def __reduce__(self) -> tuple[type[Version], tuple[object, ...]]:
        """Pickle the data of this version, without the other data of the model."""
        return Version, (self.model, self.semver, self.commit, self.tag, None, self._version_state)

    def __str__(self) -> str:
        """Return ``model@version``, or ``model@SHA`` for a bare commit."""
        return f"{self.model}@{self.name}"

    def __format__(self, spec: str) -> str:
        """Format ``str()``, for columns."""
        return format(str(self), spec)

    def __repr__(self) -> str:
        """Return the model and the version."""
        return f"<Version {self}>"

    def __rich_repr__(self) -> Iterator[object]:
        """Yield the fields for ``rich`` that need no tag object."""
        yield self.model
        yield self.name
        yield "commit", self.commit
        yield "tag", self.tag

    def _repr_html_(self) -> str:
        """Return the version as HTML, for a notebook."""
        from modelversions.display.details import version_html

        return version_html(self, self._pages)


@attrs.frozen(repr=False)
class Span:
    """A span of time during which a version held a stage."""

    stage: str
    version: Version
    start: datetime
    """When the version became the holder of the stage, an aware datetime."""
    end: datetime | None
    """When it was no longer the holder; None if it still is."""

    def to_dict(self) -> dict[str, object]:
        """Return the span as JSON types, with the version's name."""
        return record(
            model=self.version.model,
            stage=self.stage,
            version=self.version.name,
            commit=self.version.commit,
            start=self.start,
            end=self.end,
        )

    def __repr__(self) -> str:
        """Return the version, the stage and the span of time."""
        end = "" if self.end is None else f" to {self.end}"
        return f"<Span {self.version} in {self.stage} from {self.start}{end}>"


@attrs.frozen(repr=False)
class Model(Sequence[Version]):
    """A model at one moment: a sequence of its active versions, greatest first (F16).

    Two models are equal if they have the same tags.
    """

    name: str
    _snapshot: ModelSnapshot = attrs.field(eq=_identity)

    @property
    def latest(self) -> Version | None:
        """The greatest active version, including pre-releases (F16); None if none is active.

        It is not always the newest: a registration of a smaller version does not change it.
        """
        found = self._snapshot.latest
        if found is None:
            return None
        semver, commit, tag = found
        return Version(self.name, semver, commit, tag, self._snapshot)

    @property
    def newest(self) -> Version | None:
        """The active version with the newest registration; None if no version is active."""
        state = self._snapshot.state
        last = {event.tag: index for index, event in enumerate(state.history)}
        return max(self.versions, key=lambda version: last[version.tag], default=None)

    @cached_property
    def versions(self) -> tuple[Version, ...]:
        """The active versions, greatest first."""
        return tuple(version for version in self.all_versions if version.active)

    @cached_property
    @gc_paused
    def all_versions(self) -> tuple[Version, ...]:
        """All versions, including deregistered ones, greatest first."""
        versions = self._snapshot.state.versions
        return tuple(self._make_version(holder.key, holder.origin, holder) for holder in versions)

    @cached_property
    def _by_name(self) -> Mapping[str, Version]:
        return {version.name: version for version in self.all_versions}

    @property
    def stages(self) -> Stages:
        """The holder of each stage, with stages sorted (F17): a read-only mapping.

        Looking up a stage without a holder raises ``StageNotFoundError``, which is a ``KeyError``.
        """
        holders = self._snapshot.state.holders.items()
        return Stages(
            self.name, {stage: self._make_version(key, origin) for stage, (key, origin) in holders}
        )

    def holders(self, stage: str) -> tuple[Version, ...]:
        """Return the versions whose assignments to a stage are in force, the holder first.

        If the first is unassigned or deregistered, the next one is the holder (F17).
        """
        held = self._snapshot.state.stages.get(stage, ()) if isinstance(stage, str) else ()
        return tuple(self._version(key) for key in held)

    @cached_property
    def history(self) -> Events:
        """All events of the model, oldest first (F13)."""
        return Events(self._snapshot.state.history, self._pages)

    @property
    def _pages(self) -> FindPages | None:
        return self._snapshot.pages

    @property
    def deprecated(self) -> bool:
        """Whether the newest event is a deprecation (F19)."""
        return self._snapshot.state.deprecated

    @property
    def problems(self) -> Problems:
        """The problems found in the model's tags."""
        return Problems(self._snapshot.state.problems, self._pages)

    def board(self) -> Mapping[str, tuple[Version, ...]]:
        """Return the versions of each stage, each version in its newest stage only.

        That is the stage of its newest assignment in force (F17). Versions are in the order of
        ``holders()``, stages are sorted.
        """
        in_force = self._snapshot.state.stages
        held = {(key, stage) for stage, keys in in_force.items() for key in keys}
        newest: dict[VersionOrCommit, str | None] = {}
        for event in self.history:
            key = event.version or event.commit
            if event.kind is EventKind.ASSIGNMENT and (key, event.stage) in held:
                newest[key] = event.stage
        board = {
            stage: tuple(self._version(key) for key in keys if newest[key] == stage)
            for stage, keys in in_force.items()
        }
        return {stage: versions for stage, versions in board.items() if versions}

    @gc_paused
    def timeline(self) -> tuple[Span, ...]:
        """Return the spans of time during which versions held stages (F17), sorted by start.

        At each time they agree with ``stages`` after the events of that second, as computed from
        the tags that exist now. So if a stage was assigned to a commit before a version was
        registered there, the bare commit was its holder until then.
        """
        spans = stage_spans(self.history)
        versions = {
            key: self._bare_commit(key) if isinstance(key, str) else self._version(key)
            for key in {span.holder for span in spans}
        }
        return tuple(
            Span(stage, versions[holder], start, end) for start, stage, holder, end in spans
        )

    def _bare_commit(self, commit: str) -> Version:
        """Return a commit that holds or held a stage without a version."""
        events = [one for one in self.history if one.commit == commit and one.stage is not None]
        assigned = [one for one in events if one.kind is EventKind.ASSIGNMENT]
        state = self._snapshot.state.by_key.get(commit)
        state = state or VersionState(
            commit, assigned[-1], active=True, history=tuple(events), stages=()
        )
        return self._make_version(commit, state.origin, state)

    def to_dict(self) -> dict[str, object]:
        """Return the model as JSON types: its latest version, active versions, and stages."""
        return record(
            model=self.name,
            latest=None if self.latest is None else self.latest.name,
            versions=[version.name for version in self],
            stages={stage: version.name for stage, version in self.stages.items()},
            deprecated=self.deprecated,
        )

    def to_records(self, kind: str = "versions") -> list[dict[str, object]]:
        """Return rows of ``"versions"``, ``"history"`` or ``"timeline"``.

        See ``RegistryView.to_records``.

        Raises:
            InvalidArgumentError: ``kind`` is anything else.
        """
        from modelversions.display.records import model_records

        return model_records(self, kind)

    def to_pandas(self, kind: str = "versions") -> DataFrame:
        """Return the rows of ``to_records`` as a data frame.

        Raises:
            InvalidArgumentError: ``kind`` is invalid.
            MissingExtraError: pandas is not installed.
        """
        from modelversions.display.records import data_frame

        return data_frame(self.to_records(kind), kind)

    def matching(self, specifier: str = "", *, prereleases: bool = False) -> tuple[Version, ...]:
        """Return the active versions in a range such as ``">=3,<4"`` or ``"~=3.1"``.

        Args:
            specifier: a version specifier as for Python packages, with final releases.
            prereleases: whether to include pre-releases. A pre-release is in a range if its final
                release is: ``v3.0.0-rc.1`` is in ``>=3``, not in ``<3``.

        Raises:
            InvalidArgumentError: the specifier is invalid, or contains a version other than a final
                release.
        """
        fits = in_range(specifier, prereleases=prereleases)
        return tuple(one for one in self.versions if one.semver is not None and fits(one.semver))

    def greatest(self, specifier: str = "", *, prereleases: bool = False) -> Version | None:
        """Return the first of ``matching(specifier)``, or None.

        Raises:
            InvalidArgumentError: as for ``matching``.
        """
        return next(iter(self.matching(specifier, prereleases=prereleases)), None)

    def of_event(self, event: Event) -> Version:
        """Return the version or bare commit of one of the model's events.

        Raises:
            InvalidArgumentError: this is not an event.
            VersionNotFoundError: the event has no version, or one that was never registered.
        """
        if not isinstance(event, Event):
            raise InvalidArgumentError(
                f"pass one of the model's events, not {event!r}", argument="event", value=event
            )
        key: VersionOrCommit = event.version or event.commit
        if event.kind is EventKind.DEPRECATION or key not in self._snapshot.state.by_key:
            raise VersionNotFoundError(
                f"the tag {event.tag!r} does not belong to a registered version of "
                f"{self.name!r}; see all_versions",
                model=self.name,
                version=str(key),
            )
        return self._version(key)

    @overload
    def __getitem__(self, index: int | str | SemVer | Version) -> Version: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Version, ...]: ...

    def __getitem__(
        self, index: int | str | SemVer | Version | slice
    ) -> Version | tuple[Version, ...]:
        """Return an active version by index (0 is the greatest) or by name; a tuple for a slice.

        Raises:
            IndexError: there is no active version with this index.
            VersionNotFoundError: there is no active version with this name.
        """
        if isinstance(index, Version):
            return self._named(self._own_name(index))
        if isinstance(index, (str, SemVer)):
            return self._named(str(index))
        return self.versions[index]

    def index(self, value: object, start: int = 0, stop: int | None = None) -> int:
        """Return the index of an active version, which may be given by its name.

        Raises:
            ValueError: it is not among the versions from ``start`` to ``stop``.
        """
        name = str(value) if isinstance(value, (str, SemVer)) else None
        versions = self.versions
        for index in range(len(versions))[start:stop]:
            if versions[index] == value or versions[index].name == name:
                return index
        raise ValueError(f"{value!r} is not among the active versions of model {self.name!r}")

    def __contains__(self, item: object) -> bool:
        """Return whether a version is active."""
        if isinstance(item, SemVer):
            item = str(item)
        if isinstance(item, str):
            return item in self._by_name and self._by_name[item].active
        return item in self.versions

    def __len__(self) -> int:
        """Return the number of active versions."""
        return len(self._snapshot.state.active)

    def __str__(self) -> str:
        """Return a table of the active versions."""
        from modelversions.display.tables import model_table

        return model_table(self).text()

    def __repr__(self) -> str:
        """Return the name, the latest version and the number of tags.

        Tag objects are only read if the tag names do not suffice.
        """
        latest = self.latest
        tags = len(self._snapshot.tags)
        return (
            f"<Model {self.name}: {f'latest {latest.name}' if latest else 'no active version'}, "
            f"{tags} tag{'s' * (tags != 1)}>"
        )

    def __rich_repr__(self) -> Iterator[object]:
        """Yield the fields for ``rich``, from tag names if these suffice."""
        latest = self.latest
        yield self.name
        yield "latest", None if latest is None else latest.name
        yield "tags", len(self._snapshot.tags)

    @gc_paused
    def _repr_html_(self) -> str:
        """Return the versions, the history and the timeline as HTML, for a notebook."""
        from modelversions.display.details import model_html

        return model_html(self, self._pages)

    def _version(self, key: VersionOrCommit) -> Version:
        return self._make_version(key, self._snapshot.state.origin(key))

    def _make_version(
        self, key: VersionOrCommit, origin: Event, state: VersionState | None = None
    ) -> Version:
        semver = key if isinstance(key, SemVer) else None
        return Version(self.name, semver, origin.commit, origin.tag, self._snapshot, state)

    def _named(self, name: str) -> Version:
        """Return the active version with this name."""
        found = self._by_name.get(name)
        if found is None or not found.active:
            raise VersionNotFoundError(
                f"model {self.name!r} has no version {name!r}: {self._hint(name, found)}",
                model=self.name,
                version=name,
            )
        return found

    def _own_name(self, version: Version) -> str:
        """Return the name of a version of this model.

        Raises:
            VersionNotFoundError: it is a version of another model.
        """
        if version.model != self.name:
            raise VersionNotFoundError(
                f"{str(version)!r} is not a version of model {self.name!r}; pass one of its "
                "versions",
                model=self.name,
                version=version.name,
            )
        return version.name

    def _hint(self, name: str, known: Version | None) -> str:
        if known is not None:
            return "it was deregistered; see all_versions"
        for problem in self.problems:
            tag = TagName.try_parse(problem.tag)
            if tag is not None and str(tag.version) == name:
                return f"its tag {problem.tag!r} is a problem: {problem.message}"
        if name in ("latest", "greatest"):
            return "use model.latest"
        if name in self.stages:
            return f"it is a stage; its holder is model.stages[{name!r}]"
        reason = _reason(name)
        if reason:
            return reason
        return f"active versions: {join_names([one.name for one in self.versions], 5)}"

    def _ipython_key_completions_(self) -> list[str]:
        """Return the names of the active versions, for Tab completion of ``model["``."""
        return [version.name for version in self.versions]


class Stages(Mapping[str, Version]):
    """The holders of a model's stages, by stage: read-only."""

    __slots__ = ("_holders", "_model")

    def __init__(self, model: str, holders: Mapping[str, Version]) -> None:
        """Initialize with the model's name and the holders by stage."""
        self._model = model
        self._holders = dict(holders)

    def __getitem__(self, stage: str) -> Version:
        """Return the holder of a stage.

        Raises:
            StageNotFoundError: no version is in the stage.
        """
        if isinstance(stage, str) and stage in self._holders:
            return self._holders[stage]
        held = join_names([repr(one) for one in self])
        raise StageNotFoundError(
            f"no version of {self._model!r} is in stage {stage!r}; stages held: {held}",
            model=self._model,
            stage=stage,
        )

    def __iter__(self) -> Iterator[str]:
        """Iterate over the stages, sorted."""
        return iter(self._holders)

    def __len__(self) -> int:
        """Return the number of stages."""
        return len(self._holders)

    def __repr__(self) -> str:
        """Return stages and holders, like a dict."""
        return repr(self._holders)

    def _ipython_key_completions_(self) -> list[str]:
        """Return the stages, for Tab completion of ``stages["``."""
        return list(self)


def _reason(text: str) -> str:
    """Return why a version's name is invalid, or an empty string."""
    try:
        SemVer.parse(text)
    except InvalidVersionError as error:
        return error.reason
    return ""
