"""``RegistryView``: read the models of a registry.

This module is private. Import its public names from ``modelversions``.
"""

from __future__ import annotations

import difflib
import heapq
import itertools
import os
import sys
import threading
import weakref
from collections.abc import (
    Callable,
    Collection,
    Generator,
    ItemsView,
    Iterable,
    Iterator,
    Mapping,
    ValuesView,
)
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from io import BytesIO
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, TypedDict, TypeVar, overload

from modelversions.artifacts.artifact import Artifact, Artifacts
from modelversions.artifacts.commit_files import CommitFiles, checked_path
from modelversions.errors import (
    ConfigurationError,
    InvalidArgumentError,
    InvalidTagNameError,
    MissingExtraError,
    ModelNotFoundError,
    RepositoryError,
    RevisionNotFoundError,
    StageNotFoundError,
    TagNotFoundError,
    VersionNotFoundError,
    join_names,
    set_message,
)
from modelversions.gc_pause import gc_paused
from modelversions.git.store import TAGS, Commit, ReadStore, TagRef
from modelversions.model.commits import Commits
from modelversions.model.diff import Changes, changes
from modelversions.model.model import Model, Version
from modelversions.model.moment import Moment, StoreAsOf
from modelversions.model.snapshot import (
    ModelSnapshot,
    SnapshotCache,
    find_existing,
    find_latest,
    read_snapshots,
)
from modelversions.values.arguments import Clock, check_flag, is_count
from modelversions.values.event import Event, Events, check_aware
from modelversions.values.problem import Problem, ProblemKind, Problems
from modelversions.values.tag_name import (
    EventKind,
    TagName,
    check_model_name,
    diagnose,
    is_model_name,
    is_reserved,
    is_stage_name,
    model_of,
)
from modelversions.watch import Watch, check_interval, check_stop
from modelversions.write.allowed_stages import FILE, read_stages, read_types

if TYPE_CHECKING:
    from pandas import DataFrame

    from modelversions.display.page.content import RepositoryContent

_TOLERANCE = timedelta(minutes=1)
"""How far an event's time may be ahead of this clock before it is a problem."""

_WRITERS = frozenset(
    {
        *("register", "deregister", "assign", "unassign", "deprecate"),
        *("delete_tags", "push", "fetch", "verify", "form", "close"),
    }
)
"""The methods of ``Registry`` that a view lacks, for a hint in an error."""

Default = TypeVar("Default")

Revision = str | Commit | Version | Event
"""What names a commit: a revision as for Git, or a value that has a commit."""


class ViewSettings(TypedDict, total=False):
    """The keyword arguments of ``RegistryView``."""

    stages: tuple[str, ...] | None
    clock: Clock | None
    until: Moment | None


class RegistryView(Mapping[str, Model]):
    """The models of a registry, by name: a read-only mapping.

    Each access lists the current tags and returns snapshots. Threads may share a view.
    """

    def __init__(
        self,
        store: ReadStore,
        *,
        stages: tuple[str, ...] | None = None,
        clock: Clock | None = None,
        until: Moment | None = None,
    ) -> None:
        """Create a view of a store; the tags are listed on access.

        Args:
            store: the repository.
            stages: the stages that may be assigned. Default: those of the ``.gto`` file.
            clock: returns the present time as an aware datetime. Default: the system's clock.
            until: the moment of ``as_of()``, at which the store ends.
        """
        self._store = store
        self._stages = stages
        self._clock = clock
        self._until = until
        self._files = CommitFiles(store)
        self._snapshots = SnapshotCache(store)
        self._pending: weakref.ref[_Pairs] | None = None

    @property
    def _settings(self) -> ViewSettings:
        """The arguments for another view with the same settings."""
        return {"stages": self._stages, "clock": self._clock, "until": self._until}

    def __getitem__(self, name: str) -> Model:
        """Return a model; only its own tags are listed.

        Raises:
            ModelNotFoundError: the model has no event.
        """
        model = self.get(name)
        if model is None:
            raise self._no_model(name)
        return model

    @overload
    def get(self, name: str, /) -> Model | None: ...

    @overload
    def get(self, name: str, /, default: Model | Default) -> Model | Default: ...

    def get(self, name: str, /, default: Model | Default | None = None) -> Model | Default | None:
        """Return a model, or the default if it has no event."""
        snapshot = self._snapshots.one(name) if isinstance(name, str) else None
        return default if snapshot is None or not snapshot.exists else Model(name, snapshot)

    def __eq__(self, other: object) -> bool:
        """Return whether it is the same object: the models may change."""
        return self is other

    def __hash__(self) -> int:
        """Hash the identity."""
        return id(self)

    def __contains__(self, name: object) -> bool:
        """Return whether the model has an event."""
        return isinstance(name, str) and self._snapshots.one(name).exists

    def __iter__(self) -> Iterator[str]:
        """Iterate over the models' names, sorted.

        A broken tag object counts until it was read. So does, at a URL, a tag of a tree or blob,
        as a server lists it like any other tag.
        """
        return (name for name, _ in self._pairs())

    def __len__(self) -> int:
        """Return the number of models."""
        pairs = self._existing()
        pending = None if self._pending is None else self._pending()
        if pending is not None:  # list() asks for the length first: this halves its time
            pending.preset(pairs)
        return len(pairs)

    def _pairs(self) -> _Pairs:
        """Iterate over names and snapshots; the tags are listed at the first step."""
        pairs = _Pairs(self._existing)
        self._pending = weakref.ref(pairs)
        return pairs

    def items(self) -> ItemsView[str, Model]:
        """Return names and models; each iteration lists all tags once.

        ``dict(registry.items())`` is a consistent snapshot; ``dict(registry)`` lists the tags of
        each model again.
        """
        return _Items(self)

    def values(self) -> ValuesView[Model]:
        """Return the models; each iteration lists all tags once."""
        return _Values(self)

    @gc_paused
    def _existing(self) -> list[tuple[str, ModelSnapshot]]:
        """List all tags once; return the snapshots of the models that exist, by name, sorted."""
        return self._existing_among(self._store.tags())

    @gc_paused
    def _existing_among(self, refs: Iterable[TagRef]) -> list[tuple[str, ModelSnapshot]]:
        """Return the snapshots of the models that exist in all tags as they were listed."""
        snapshots = self._snapshots.of(refs)
        find_existing(snapshots.values())
        return [pair for pair in snapshots.items() if pair[1].exists]

    def _no_model(self, name: object) -> ModelNotFoundError:
        if not isinstance(name, str):
            message = f"there is no model {name!r}; pass its name, as text"
            return ModelNotFoundError(message, model=str(name))
        refs = self._store.tags()
        names = [one for one, _ in self._existing_among(refs)]
        close = _closest(name, names)
        hint = f"did you mean {close[0]!r}?" if close else f"models: {join_names(names, 5)}"
        own = next((ref.name for ref in refs if model_of(ref.name) == name), None)
        if own is not None:
            hint = f"its tag {own!r} is not an event: {diagnose(own) or 'see problems()'}"
        elif TagName.try_parse(name) or name.endswith(("@latest", "@greatest")):
            hint = f"use registry.resolve({name!r})"
        message = f"there is no model {name!r}; {hint}{self._fetch_hint}"
        return ModelNotFoundError(message, model=name)

    @property
    def _fetch_hint(self) -> str:
        """The end of a message about a tag that does not exist, if it may have to be fetched."""
        if not self._store.is_shallow:
            return ""
        return "; this clone is shallow and may lack tags: registry.fetch() fetches them"

    @contextmanager
    def _shallow_hint(self) -> Iterator[None]:
        """Add the hint to fetch tags to an error about what does not exist in a shallow clone."""
        try:
            yield
        except (VersionNotFoundError, StageNotFoundError) as error:
            set_message(error, f"{error}{self._fetch_hint}")
            raise

    def _ipython_key_completions_(self) -> list[str]:
        """Return the models' names, for Tab completion of ``registry["``."""
        return list(self)

    @gc_paused
    def latest(self) -> dict[str, Version]:
        """Return each model's latest version (F16), from tag names and few tag objects.

        Models without an active version are omitted. Of a model whose greatest version was
        registered once and never deregistered, only that registration's tag object is read. At a
        URL, these are fetched in one request for each 250 commits, and cached.
        """
        snapshots = self._snapshots.all()
        find_latest(snapshots.values())
        latest = {}
        for name, snapshot in snapshots.items():
            found = snapshot.latest
            if found is not None:
                semver, commit, tag = found
                latest[name] = Version(name, semver, commit, tag, snapshot)
        return latest

    def resolve(self, reference: str | TagName | Version) -> Version:
        """Return the version that a reference names (F22).

        Args:
            reference: ``model@latest``, ``model@v1.2.3``, ``model#stage``, or the name or full ref
                of a tag. ``model@greatest`` is the latest version too, which may be a pre-release;
                ``Model.greatest()`` selects final releases.

        Raises:
            InvalidTagNameError: the reference is malformed.
            ModelNotFoundError, VersionNotFoundError, StageNotFoundError, TagNotFoundError: there
                is no such model, version, stage or tag.
        """
        model, find = self._parse_reference(reference)
        with self._shallow_hint():
            return find(self[model])

    def _parse_reference(
        self, given: str | TagName | Version
    ) -> tuple[str, Callable[[Model], Version]]:
        """Return the model's name, and a function that finds the version in the model."""
        if not isinstance(given, (str, TagName, Version)):
            hint = "; of an event, pass its tag" if isinstance(given, Event) else ""
            raise InvalidArgumentError(
                f"a reference must be text such as 'churn@latest', a TagName or a Version, not "
                f"{given!r}{hint}",
                argument="reference",
                value=given,
            )
        if isinstance(given, Version) and given.semver is None:
            return given.model, lambda model: _bare_commit(model, given)
        reference = str(given)
        tag = reference.removeprefix(TAGS).replace(":", "=")
        model, _, last = tag.rpartition("@")
        if model and last in ("latest", "greatest"):
            return model.replace("=", ":"), _latest
        name = TagName.try_parse(tag)
        if name is None or name.kind is EventKind.DEPRECATION:
            raise _no_reference(reference)
        if tag != reference.replace(":", "=") or name.counter is not None or "!" in tag:
            return name.model, lambda model: self._version_for_tag(model, tag)
        version, stage = name.version, str(name.stage)
        if version is not None:
            return name.model, lambda model: model[version]
        return name.model, lambda model: model.stages[stage]

    def watch(
        self,
        reference: str | TagName | Version,
        interval: float = 30.0,
        *,
        stop: threading.Event | None = None,
        wait: Callable[[float], object] | None = None,
    ) -> Generator[Version | None, None, None]:
        """Yield the version that a reference names now, and again each time that it changes.

        For tools that deploy what is in a stage::

            for version in registry.watch("churn#prod"):
                if version is not None:
                    deploy(version)

        The first value is the current version, which is yielded as soon as the server answers. A
        value is None if there is no such model or version, or the stage is empty. A new
        registration of the same version, which may be at another commit, is a change. A change
        that is reverted before the next poll is not seen.

        A poll lists the names of the model's tags, in one exchange with a server. Tag objects are
        read only when tags were added, and each only once.

        If a server cannot be reached, or fails, the next polls follow at intervals that are
        doubled up to 5 minutes. The logger ``modelversions.watch`` has the first failure as a
        warning, and the next ones as information. All other errors are raised and end the watch.

        To end the watch, leave the loop, call ``close()`` of the iterator, or ``stop.set()``, which
        may be done by another thread or a signal handler. A poll that is in progress is completed;
        ``timeout=`` of ``Registry.open`` limits how long a server may send nothing.

        Args:
            reference: as for ``resolve()``.
            interval: the seconds to wait after a poll, or after the yielded version was used.
            stop: ends the watch when it is set, also during a wait.
            wait: is called with the seconds to wait, instead of waiting for ``stop`` or the time.
                If it returns True, the watch ends.

        Raises:
            InvalidTagNameError, InvalidNameError: the reference is malformed.
            InvalidArgumentError: another argument is of the wrong kind.
            AuthenticationError, RepositoryNotFoundError, RemoteError, RepositoryError: while
                iterating; a ``RemoteError`` only if the server rejects the requests by an HTTP
                status from 400 to 499 (but not 408, 425 or 429).
        """
        if self._until is not None:
            raise InvalidArgumentError(
                "the past does not change, so it cannot be watched; call watch() on the Registry",
                argument="reference",
                value=reference,
            )
        model, find = self._parse_reference(reference)
        check_model_name(model)
        check_stop(stop, wait)
        subject = f"watch of {str(reference)!r} at {self._store.location!r}"
        seconds = check_interval(interval)
        return Watch(lambda: self._find(model, find), subject, seconds, stop, wait).results()

    def _find(self, name: str, find: Callable[[Model], Version]) -> Version | None:
        """Return the version that a reference names; None if there is none."""
        model = self.get(name)
        try:
            return None if model is None else find(model)
        except (VersionNotFoundError, StageNotFoundError, TagNotFoundError):
            return None

    @gc_paused
    def at(self, commit: Revision = "HEAD") -> tuple[Version, ...]:
        """Return the active versions that are registered at a commit.

        Raises:
            RevisionNotFoundError: there is no such commit.
            InvalidArgumentError: it is not the name of a commit.
        """
        return tuple(self._registered_at({self._resolve(commit)}))

    @overload
    def event(self, ref: str | TagName, *, strict: Literal[True]) -> Event: ...

    @overload
    def event(self, ref: str | TagName, *, strict: bool = False) -> Event | None: ...

    def event(self, ref: str | TagName, *, strict: bool = False) -> Event | None:
        """Return the event of a tag, given its name or full ref; None if it has none.

        Args:
            ref: such as ``refs/tags/churn@v1.0.0``, which CI systems pass to jobs.
            strict: raise an error with the reason instead of returning None.

        Raises:
            InvalidArgumentError: it is neither text nor a tag's name.
            InvalidTagNameError: with ``strict``, it is a branch, or not an event's name.
            TagNotFoundError: with ``strict``, the tag does not exist here, or is not an event.
        """
        check_flag("strict", strict)
        if not isinstance(ref, (str, TagName)):
            raise InvalidArgumentError(
                f"ref must be the name or the full ref of a tag, not {ref!r}",
                argument="ref",
                value=ref,
            )
        tag = str(ref).removeprefix(TAGS)
        name = TagName.try_parse(tag)
        if name is None:
            if strict:
                raise _no_event_name(str(ref))
            return None
        state = self._snapshots.one(name.model).state
        found = next((event for event in state.history if event.tag == tag), None)
        if found is None and strict:
            if tag.startswith("refs/"):
                raise _no_event_name(tag)
            raise self._no_event(tag, state.problems)
        return found

    def _no_event(self, tag: str, problems: Iterable[Problem]) -> TagNotFoundError:
        """Return the error for a tag that does not exist, or is not an event."""
        problem = next((one for one in problems if one.tag == tag), None)
        where = f"in {self._store.location!r}"
        reason = f"there is no tag {tag!r} {where}"
        if problem is not None:
            reason = f"the tag {tag!r} {where} is not an event: {problem.message}"
        hint = f"; if the remote has it, run 'git fetch --force origin {TAGS}{tag}:{TAGS}{tag}'"
        if problem is not None and problem.kind is ProblemKind.LIGHTWEIGHT:
            hint += ", as some CI systems fetch annotated tags as lightweight ones"
        elif problem is not None and problem.kind is not ProblemKind.MISSING:
            hint = ""
        elif problem is None and self._until is not None:
            hint = f"; this is the registry as of {self._until.time}, and the tag may be later"
        return TagNotFoundError(f"{reason}{hint}", tag=tag)

    @gc_paused
    def history(self) -> Events:
        """Return all events of all models, oldest first (F13)."""
        snapshots = self._snapshots.all().values()
        read_snapshots(snapshots)
        events = [event for snapshot in snapshots for event in snapshot.state.history]
        return Events(sorted(events, key=attrgetter("order")), self._store.find_pages)

    def as_of(self, when: datetime | Event) -> RegistryView:
        """Return the registry as it was at a time, or right after an event.

        It is computed from the tags that exist now; a tag that was deleted since is not in it.
        Commits, revisions and allowed stages are the current ones.

        Args:
            when: an aware datetime: events up to and including that second are included. Or an
                event: it and all earlier events in the history are included (F13).

        Raises:
            InvalidArgumentError: it is neither, or the time is naive.
        """
        event = when if isinstance(when, Event) else None
        time = when.time if isinstance(when, Event) else when
        check_aware(time, "when", ", or an Event")
        moment = Moment(time, event)
        store = StoreAsOf(self._store, moment)
        settings = self._settings
        settings["until"] = moment
        return RegistryView(store, **settings)

    def diff(
        self,
        before: datetime | Event | RegistryView,
        after: datetime | Event | RegistryView | None = None,
    ) -> Changes:
        """Return the changes between two states, sorted by model.

        Args:
            before: a time or an event, see ``as_of()``; or a view.
            after: the same. Default: the current state.

        Raises:
            InvalidArgumentError: a time is naive, or ``before`` is None, which ``event()`` returns
                for a tag that does not exist.
        """
        old = self._view(before, "before")
        new = self if after is None else self._view(after, "after")
        found = changes(old._read_all(), new._read_all())  # noqa: SLF001  # its own class
        return Changes(found, self._store.find_pages)

    def changes(self, since: datetime | Event) -> Changes:
        """Return the changes since a time, or since an event; see ``diff()``.

        The times are those of the tags. A tag that was created before ``since`` and pushed later
        is not included: for jobs that report each event once, keep the names of the known tags, as
        ``examples/publish_json.py`` does. Nor is an event that was written after ``since`` in the
        same second: of a time, the whole second counts as before it; of an event, those that sort
        before it (F13), such as a registration after an assignment.
        """
        return self.diff(self._view(since, "since"))

    def _view(self, moment: datetime | Event | RegistryView, argument: str) -> RegistryView:
        """Return the registry as of a moment that an argument gives."""
        if isinstance(moment, RegistryView):
            return moment
        if not isinstance(moment, Event):
            check_aware(moment, argument, ", or an Event or a RegistryView")
        return self.as_of(moment)

    @gc_paused
    def to_records(self, kind: str = "models") -> list[dict[str, object]]:
        """Return rows of flat values, for pandas, polars or pyarrow.

        Times are aware and in UTC; a version's stages are one text, separated by commas. polars
        guesses types from the first 100 rows, in which a column may be empty: use
        ``pl.DataFrame(rows, infer_schema_length=None)``.

        Args:
            kind: ``"models"``, ``"versions"``, ``"stages"``, ``"history"``, ``"problems"`` or
                ``"timeline"``: which version held which stage when.

        Raises:
            InvalidArgumentError: it is another word.
        """
        from modelversions.display import records

        records.check_kind(kind)
        if kind == "history":
            return [records.event_record(event) for event in self.history()]
        if kind == "problems":
            return [records.problem_record(problem) for problem in self.problems()]
        return records.registry_records(self._read_all(), kind)

    def to_pandas(self, kind: str = "models") -> DataFrame:
        """Return the rows of ``to_records`` as a data frame.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        from modelversions.display.records import data_frame

        return data_frame(self.to_records(kind), kind)

    @overload
    def to_html(
        self, path: None = None, *, title: str = ..., now: datetime | None = ...
    ) -> str: ...

    @overload
    def to_html(
        self, path: str | os.PathLike[str], *, title: str = ..., now: datetime | None = ...
    ) -> None: ...

    def to_html(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        title: str = "Models",
        now: datetime | None = None,
    ) -> str | None:
        """Write the dashboard and the details of all models as one HTML file.

        The file needs no server and no network. It has a search, filters and a link to each model
        and version: ``#churn``, ``#churn@v3.1.0``, ``#churn#prod``. The data of all tags is in it,
        with the names and addresses of their authors: about 60 bytes for each tag, and at most
        5 MB of messages, for which long ones are cut.

        Args:
            path: the file, which is replaced as a whole. Default: the text is returned.
            title: the heading.
            now: the time that the page shows as the time of reading. Later events are problems.
                Default: the time of the registry's clock.

        Raises:
            FileNotWrittenError: the file cannot be written.
            InvalidArgumentError: an argument is of the wrong kind.
        """
        from modelversions.display.page.document import registry_page
        from modelversions.display.page.writing import check_title, deliver

        now = self._time(now)
        check_title(title)
        return deliver(lambda: registry_page(self._content("", now), title, now), path)

    @gc_paused
    def _content(self, name: str, now: datetime) -> RepositoryContent:
        """Return what a page shows; the tags are listed once."""
        from modelversions.display.page.content import RepositoryContent

        refs = self._store.tags()
        snapshots = self._snapshots.of(refs)
        return RepositoryContent(
            name=name,
            location=self._store.location,
            pages=self._store.find_pages(),
            models=self._read(snapshots),
            problems=self._problems(refs, snapshots.values(), now),
            until=None if self._until is None else self._until.time,
        )

    @gc_paused
    def stages(self) -> tuple[str, ...]:
        """Return the stages that a version is in, sorted."""
        models = self._read_all().values()
        return tuple(sorted({stage for model in models for stage in model.stages}))

    def allowed_stages(self) -> tuple[str, ...] | None:
        """Return the stages that may be assigned; None if any stage may.

        They are those passed to ``open()``, or those that the ``.gto`` file lists (F23).

        Raises:
            ConfigurationError: the file is invalid.
            MissingExtraError: there is a file, and the ``yaml`` extra is not installed.
        """
        return read_stages(self._store.read_file(FILE)) if self._stages is None else self._stages

    def allowed_types(self) -> tuple[str, ...] | None:
        """Return the types that annotations may have; None if any may.

        They are those that the ``.gto`` file lists as ``types`` (F23). Other types are problems of
        ``artifacts()``.

        Raises:
            ConfigurationError, MissingExtraError: as for ``allowed_stages()``.
        """
        return read_types(self._store.read_file(FILE))

    def artifact(self, reference: str | TagName | Version) -> Artifact:
        """Return the annotation of a version, at its commit (F24).

        Args:
            reference: as for ``resolve()``, such as ``"churn@latest"``.

        Raises:
            ArtifactNotFoundError: the version has none.
            ConfigurationError: the file that should have it is invalid.
            MissingExtraError: the ``yaml`` extra is not installed.
            InvalidTagNameError, LookupError: as for ``resolve()``.
            RepositoryError: the files of the commit cannot be read.
        """
        version = reference if isinstance(reference, Version) else self.resolve(reference)
        return self._files.annotation(version.model, version.commit)

    def artifacts(self, commit: Revision = "HEAD") -> Artifacts:
        """Return the annotations of all models at a commit, registered or not (F24).

        The result is a mapping of models' names; its ``problems`` are files and annotations that
        cannot be read, and types that are not allowed.

        Raises:
            RevisionNotFoundError: there is no such commit.
            MissingExtraError: the ``yaml`` extra is not installed.
            RepositoryError: the files of the commit cannot be read.
        """
        id = self._resolve(commit)
        found, problems = self._files.annotations(id)
        return Artifacts(id, found, (*problems, *self._types_not_allowed(found.values())))

    def _types_not_allowed(self, found: Iterable[Artifact]) -> Iterator[Problem]:
        try:
            allowed = self.allowed_types()
        except ConfigurationError as error:
            yield Problem(ProblemKind.CONFIGURATION, FILE, None, str(error))
            return
        for one in found:
            if allowed is not None and one.type not in (None, *allowed):
                sentence = f"type {one.type!r} is not allowed; allowed: {join_names(allowed)}"
                yield Problem(ProblemKind.ANNOTATION, one.file, one.model, sentence)

    def read_bytes(self, reference: str | TagName | Version, path: str | None = None) -> bytes:
        """Return the content of a file at the commit of a version.

        Args:
            reference: as for ``resolve()``.
            path: the file's path from the repository's root, with ``/``. Default: that of the
                version's annotation.

        Raises:
            FileNotInGitError: Git has no such file there; ``reason`` is the kind of reason. For
                a file in DVC or Git LFS, the message explains how to read it.
            InvalidArgumentError: the path is absolute, too long or outside the repository.
            ArtifactNotFoundError, ConfigurationError, MissingExtraError: without a path, as for
                ``artifact()``.
            InvalidTagNameError, LookupError: as for ``resolve()``.
            RepositoryError: the file cannot be read.
        """
        version = reference if isinstance(reference, Version) else self.resolve(reference)
        if path is None:
            return self._files.annotated_content(version.model, version.commit)
        return self._files.content(version.commit, checked_path(path))

    def open_file(self, reference: str | TagName | Version, path: str | None = None) -> BytesIO:
        """Open a file at the commit of a version for reading; it is read into memory at once.

        See ``read_bytes()``.
        """
        return BytesIO(self.read_bytes(reference, path))

    @gc_paused
    def problems(self, now: datetime | None = None) -> Problems:
        """Return the problems found in the tags, sorted by tag name.

        Args:
            now: the time after which an event is in the future. Default: the time of the
                registry's clock.

        Raises:
            InvalidArgumentError: the time is naive.
        """
        refs = self._store.tags()
        snapshots = self._snapshots.of(refs).values()
        return Problems(self._problems(refs, snapshots, self._time(now)), self._store.find_pages)

    def _time(self, now: datetime | None) -> datetime:
        """Return the argument ``now``, or the time of the clock.

        Raises:
            InvalidArgumentError: it is naive.
        """
        found = (self._clock or _utc_now)() if now is None else now
        check_aware(found, "clock" if now is None else "now")
        return found

    def _problems(
        self, refs: Iterable[TagRef], snapshots: Collection[ModelSnapshot], now: datetime
    ) -> list[Problem]:
        """Return the problems of tags that were listed, sorted by tag name."""
        read_snapshots(snapshots)
        states = [snapshot.state for snapshot in snapshots]
        events = [event for state in states for event in state.history]
        tags = {event.tag for event in events}
        found = list(_name_problems(ref for ref in refs if ref.name not in tags))
        found += (problem for state in states for problem in state.problems)
        found += self._not_allowed(events)
        for event in events:
            if event.time - now > _TOLERANCE:
                sentence = f"its time, {event.time}, is more than a minute ahead of {now}"
                found.append(Problem(ProblemKind.FUTURE, event.tag, event.model, sentence))
        return sorted(found, key=lambda problem: (problem.tag, problem.kind.value))

    def commits(self, revision: Revision = "HEAD", limit: int | None = 20) -> Commits:
        """Return a commit and its ancestors, newest first.

        ``versions`` of the result has the versions that are registered at them.

        Args:
            revision: the commit; the result for HEAD is empty in a repository without commits.
            limit: the maximum number of commits; None for all.

        Raises:
            RevisionNotFoundError: there is no such commit.
            InvalidArgumentError: the limit is not a non-negative integer.
        """
        if limit is not None and not is_count(limit):
            raise InvalidArgumentError(
                f"limit must be a non-negative integer, or None for all, not {limit!r}",
                argument="limit",
                value=limit,
            )
        name = revision if isinstance(revision, str) else self._resolve(revision)
        try:
            most = None if limit is None else min(limit + 1, sys.maxsize)
            found = list(self._store.commits(name, most))
            cut = limit is not None and len(found) > limit
            kept = found[:limit]
            return Commits(kept, self._store.find_pages, self._versions_at, has_more=cut)
        except RevisionNotFoundError:
            if revision == "HEAD":
                return Commits()
            raise

    @gc_paused
    def _versions_at(self, commits: Iterable[Commit]) -> dict[str, tuple[Version, ...]]:
        """Return the active versions that are registered at commits, by commit."""
        ids = {one.commit for one in commits}
        found: dict[str, list[Version]] = {}
        for version in self._registered_at(ids):
            found.setdefault(version.commit, []).append(version)
        return {commit: tuple(versions) for commit, versions in found.items()}

    def _registered_at(self, ids: Collection[str]) -> Iterator[Version]:
        """Yield the active versions at commits; only models with tags there are read."""
        possible = {
            name: snapshot
            for name, snapshot in self._snapshots.all().items()
            if any(
                ref.peeled is None or ref.peeled in ids for tag, ref in snapshot.tags if tag.version
            )
        }
        for model in self._read(possible).values():
            yield from (version for version in model.versions if version.commit in ids)

    def _resolve(self, commit: Revision) -> str:
        """Return the full SHA of a commit that an argument names."""
        if isinstance(commit, Commit):
            return commit.id
        if isinstance(commit, (Version, Event)):
            return commit.commit
        if not isinstance(commit, str) or not commit:
            raise InvalidArgumentError(
                f"commit must be text such as a SHA, a branch or 'HEAD~2', not {commit!r}",
                argument="commit",
                value=commit,
            )
        return self._store.resolve(commit)

    @gc_paused
    def __str__(self) -> str:
        """Return a table of the models, with latest versions and holders of stages."""
        from modelversions.display.tables import registry_table

        return registry_table(self._read_all()).text()

    def __repr__(self) -> str:
        """Return the location and, for a local repository, the number of models."""
        until = "" if self._until is None else f" as of {self._until.time}"
        name = f"{'Registry' if self._until is None else 'RegistryView'} {self._store.location!r}"
        if not self._store.is_local:
            return f"<{name}{until}>"
        count = len(self)
        return f"<{name}{until}: {count} model{'s' * (count != 1)}>"

    if not TYPE_CHECKING:  # pragma: no branch

        def __getattr__(self, name: str) -> object:
            """Raise an error, with a hint if a view lacks a method of ``Registry``."""
            message = f"{type(self).__name__!r} object has no attribute {name!r}"
            if name in _WRITERS:
                message += "; a view only reads: call it on the Registry"
            raise AttributeError(message, name=name, obj=self)

    @gc_paused
    def _repr_html_(self) -> str:
        """Return the dashboard for a notebook: a line for each model."""
        from modelversions.display.dashboard import registry_html

        until = None if self._until is None else self._until.time
        pages = self._store.find_pages
        return registry_html(self._read_all(), self._store.location, pages, until)

    def _refs(
        self, tags: Iterable[str | Event | Version], *, event_only: bool = False
    ) -> list[TagRef]:
        """Return the refs of tags, each once; the tags are listed once."""
        names = list(dict.fromkeys(_tag_name(tag, event_only=event_only) for tag in tags))
        listed = {ref.name: ref for ref in self._store.tags(names)} if names else {}
        missing = next((name for name in names if name not in listed), None)
        if missing is not None:
            raise TagNotFoundError(
                f"there is no tag {missing!r} in {self._store.location!r}; see 'event.tag' and "
                f"'version.tag'{self._fetch_hint}",
                tag=missing,
            )
        return [listed[name] for name in names]

    def _not_allowed(self, events: Iterable[Event]) -> Iterator[Problem]:
        """Yield problems for stages that are not allowed, or for an invalid configuration."""
        try:
            allowed = self.allowed_stages()
        except (ConfigurationError, MissingExtraError, RepositoryError) as error:
            yield Problem(ProblemKind.CONFIGURATION, FILE, None, str(error))
            return
        for event in events:
            if allowed is None or event.kind is not EventKind.ASSIGNMENT:
                continue
            if event.stage not in allowed:
                sentence = f"stage {event.stage!r} is not allowed; allowed: {join_names(allowed)}"
                yield Problem(ProblemKind.STAGE_NOT_ALLOWED, event.tag, event.model, sentence)

    def _read_all(self) -> dict[str, Model]:
        """Read all models."""
        return self._read(self._snapshots.all())

    def _read(self, snapshots: Mapping[str, ModelSnapshot]) -> dict[str, Model]:
        """Read snapshots; return the models that exist."""
        read_snapshots(snapshots.values())
        return {name: Model(name, one) for name, one in snapshots.items() if one.exists}

    def _version_for_tag(self, model: Model, tag: str) -> Version:
        """Return the version to which one of a model's tags refers."""
        event = next((event for event in model.history if event.tag == tag), None)
        if event is not None:
            return model.of_event(event)
        problem = next((one.message for one in model.problems if one.tag == tag), None)
        newest = ", ".join(repr(event.tag) for event in reversed(model.history[-5:]))
        reason = "there is no such tag" if problem is None else problem
        raise TagNotFoundError(
            f"{tag!r} cannot be resolved: {reason}; the newest tags of {model.name!r}: {newest}"
            f"{self._fetch_hint}",
            tag=tag,
        )


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


def _latest(model: Model) -> Version:
    """Return the latest version of a model.

    Raises:
        VersionNotFoundError: none is active.
    """
    latest = model.latest
    if latest is None:
        raise VersionNotFoundError(
            f"model {model.name!r} has no active version; all_versions lists the deregistered ones",
            model=model.name,
            version="latest",
        )
    return latest


def _bare_commit(model: Model, version: Version) -> Version:
    """Return a bare commit that is in a stage of a model.

    Raises:
        VersionNotFoundError: it is in none.
    """
    for holder in itertools.chain.from_iterable(map(model.holders, model.stages)):
        if holder.is_bare_commit and holder.commit == version.commit:
            return holder
    raise VersionNotFoundError(
        f"no stage of {model.name!r} is assigned to the bare commit {version.commit!r}; see "
        "model.stages",
        model=model.name,
        version=version.name,
    )


def _tag_name(tag: str | Event | Version, *, event_only: bool) -> str:
    """Return the name of a tag that an argument gives."""
    if not isinstance(tag, (str, Event, Version)):
        remote = isinstance(tag, RegistryView)
        hint = "another repository as remote= of push()" if remote else "one such as 'churn@v1.0.0'"
        raise InvalidArgumentError(
            f"a tag must be given as text, an Event or a Version, not {tag!r}; pass {hint}",
            argument="tag",
            value=tag,
        )
    name = tag.removeprefix(TAGS) if isinstance(tag, str) else tag.tag
    if event_only and TagName.try_parse(name) is None:
        raise InvalidTagNameError(
            f"{name!r} is not the tag of an event; pass one such as 'churn@v1.0.0', and a remote "
            "as remote= of push() or push= of delete_tags(); 'git tag -d' deletes other tags",
            text=name,
            reason="it is not the tag of an event",
        )
    return name


def _closest(name: str, names: Iterable[str]) -> list[str]:
    """Return the name that is most similar to another, if any; difflib alone is slow for many."""
    pairs = set(itertools.pairwise(name))
    near = heapq.nlargest(50, names, lambda one: len(pairs.intersection(itertools.pairwise(one))))
    return difflib.get_close_matches(name, near, n=1)


class _Pairs(Iterator[tuple[str, ModelSnapshot]]):
    """Names and snapshots, listed once: at the first step, or by ``len()`` before it."""

    def __init__(self, find: Callable[[], Iterable[tuple[str, ModelSnapshot]]]) -> None:
        self._find = find
        self._found: Iterator[tuple[str, ModelSnapshot]] | None = None

    def preset(self, pairs: Iterable[tuple[str, ModelSnapshot]]) -> None:
        if self._found is None:
            self._found = iter(pairs)

    def __next__(self) -> tuple[str, ModelSnapshot]:
        if self._found is None:
            self._found = iter(self._find())
        return next(self._found)


class _Items(ItemsView[str, Model]):
    """Names and models of one listing; the inherited view would list each model's tags again."""

    _mapping: RegistryView

    def __iter__(self) -> Iterator[tuple[str, Model]]:
        pairs = self._mapping._pairs()  # noqa: SLF001  # a part of it
        return ((name, Model(name, one)) for name, one in pairs)


class _Values(ValuesView[Model]):
    """Models of one listing."""

    _mapping: RegistryView

    def __iter__(self) -> Iterator[Model]:
        pairs = self._mapping._pairs()  # noqa: SLF001  # a part of it
        return (Model(name, one) for name, one in pairs)

    def __contains__(self, model: object) -> bool:
        return any(model == one for one in self)


def _no_event_name(ref: str) -> InvalidTagNameError:
    """Return the error for a ref that is not the tag of an event."""
    tag = ref.removeprefix(TAGS)
    reason = diagnose(tag) or "it is not a tag of the form model@version or model#stage"
    if ref.startswith("refs/") and tag == ref:
        reason = "it is not a tag"
    return InvalidTagNameError(
        f"{ref!r} is not the tag of an event: {reason}; pass a ref such as "
        "'refs/tags/churn@v1.0.0'",
        text=ref,
        reason=reason,
    )


def _no_reference(reference: str) -> InvalidTagNameError:
    tag = reference.removeprefix(TAGS).replace(":", "=")
    model, _, stage = reference.partition("@")
    reason = diagnose(tag) or "it names no version"
    hint = "write 'model@latest', 'model@v1.2.3', 'model#stage' or the name of an event's tag"
    if is_model_name(reference):
        hint = f"write '{reference}@latest', or name a version or a stage of the model"
    elif diagnose(tag) is None and is_model_name(model) and is_stage_name(stage):
        reason, hint = f"{stage!r} is not a version", f"for a stage, write '{model}#{stage}'"
    return InvalidTagNameError(
        f"{reference!r} cannot be resolved: {reason}; {hint}",
        text=reference,
        reason=reason,
    )


def _name_problems(refs: Iterable[TagRef]) -> Iterator[Problem]:
    """Yield problems for names that resemble an event's; other tags are ignored."""
    for ref in refs:
        reason = diagnose(ref.name)
        if reason is not None:
            kind = ProblemKind.RESERVED if is_reserved(ref.name) else ProblemKind.MALFORMED_NAME
            yield Problem(kind, ref.name, model_of(ref.name), reason)
