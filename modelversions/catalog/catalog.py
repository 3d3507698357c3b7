"""``Catalog``: the models of many repositories."""

from __future__ import annotations

import heapq
import os
import threading
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime, timezone
from difflib import get_close_matches
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, TypedDict, TypeVar, overload

from modelversions.catalog import sources as reading_sources
from modelversions.catalog.member import Member
from modelversions.catalog.pool import Pool
from modelversions.catalog.reading import Answer, Question, Request, failed
from modelversions.catalog.sequences import CatalogEvents, CatalogProblems
from modelversions.catalog.sources import SourceLike
from modelversions.errors import (
    CatalogFileWarning,
    InvalidArgumentError,
    InvalidNameError,
    InvalidTagNameError,
    ModelVersionsError,
    NotInCatalogError,
)
from modelversions.git.store import Credentials, Progress
from modelversions.model.gc_pause import gc_paused
from modelversions.model.model import Model, Version
from modelversions.progress_bar import check_progress
from modelversions.registry_view import RegistryView
from modelversions.values.arguments import is_count, is_seconds
from modelversions.values.event import check_aware

if TYPE_CHECKING:
    from pandas import DataFrame
    from typing_extensions import Unpack

    from modelversions.display.page.content import PageContent

Found = TypeVar("Found")


class CatalogOptions(TypedDict, total=False):
    """The options of a catalog, see ``Catalog``."""

    executor: Executor | None
    timeout: float | None
    progress: Progress | bool | None
    connections: int
    connections_per_host: int


class Catalog(Mapping[str, RegistryView]):
    """The registries of many repositories: a read-only mapping of names to registries.

    Nothing is read before it is asked for. The first question reads what it needs of all
    repositories, concurrently; the next ones use that, until ``refresh()`` reads what has changed.
    A question that needs more, such as ``history()`` after ``latest()``, reads repositories as they
    are then.

    A question never fails as a whole: a repository that cannot be read is in ``errors``, and not in
    the answers, until a ``refresh()`` can read it. Tags whose objects are missing or broken are in
    ``problems()``, as for a registry.

    A registry of the mapping shows its repository as it was when it was last read, and reads
    itself, in this process, what was not read yet. To write, use ``Registry.open``.
    """

    def __init__(
        self,
        sources: Iterable[SourceLike],
        *,
        credentials: Credentials | str | None = None,
        executor: Executor | None = None,
        timeout: float | None = 30.0,
        progress: Progress | bool | None = None,
        connections: int = 16,
        connections_per_host: int = 8,
    ) -> None:
        """Keep the sources; nothing is read.

        Args:
            sources: paths, URLs, registries, or mappings with one of the keys ``url``, ``path`` and
                ``registry``, and perhaps ``name``, ``credentials`` and ``commit_url`` (see
                ``Registry.open``). Default of a name: the last part of the location, and as many
                parts before it as tell it from others.
            credentials: for repositories that have none of their own: a function as for
                ``Registry.open``, or the name of a provider: ``"env:VARIABLE"``, ``"netrc"``,
                ``"netrc:PATH"`` or ``"git"``, for Git's credential helpers.
            executor: reads the repositories: any ``concurrent.futures.Executor``, such as
                Dask's ``client.get_executor()`` or a pool of processes. It is sent locations and
                names of providers, no passwords. Default: threads.
            timeout: the seconds that a server may take for one repository; None for no limit.
            progress: is called with the number of repositories that were read, the number of all,
                and a description. If it raises, the question ends with that error. True shows a
                progress bar, in notebooks too (extra ``notebook``).
            connections: how many repositories are read at the same time.
            connections_per_host: how many of these at one server.

        Raises:
            InvalidArgumentError: an argument has another form; or a repository needs a password
                or function that cannot be sent to the executor.
        """
        found = reading_sources.read_sources(sources, credentials)
        _check_options(executor, timeout, connections, connections_per_host)
        if executor is not None and not isinstance(executor, ThreadPoolExecutor):
            for source in found:
                source.check_sent()
        self._members = {source.name: Member(source, timeout) for source in found}
        self._progress = check_progress(progress, "Catalog")
        self._pool = Pool(executor, connections, connections_per_host)
        self._lock = threading.RLock()

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **options: Unpack[CatalogOptions]) -> Catalog:
        """Return the catalog of a YAML file (extra ``yaml``).

        Its key ``repositories`` has a list as for ``Catalog``. Relative paths start at the file's
        folder, and ``~`` is the user's. ``credentials`` may name a provider for those that have
        none.

        Args:
            path: the file.
            **options: ``executor``, ``timeout``, ``progress``, ``connections`` and
                ``connections_per_host``, as for ``Catalog``.

        Raises:
            ConfigurationError: the file cannot be read, or its content is invalid.
            MissingExtraError: the ``yaml`` extra is not installed.
            InvalidArgumentError: as for ``Catalog``.
        """
        return cls(reading_sources.read_file(path), **options)

    @classmethod
    def discover(cls, folder: str | os.PathLike[str], **options: Unpack[CatalogOptions]) -> Catalog:
        """Return the catalog of the repositories below a folder, named by their paths from there.

        In a repository no others are searched, and symbolic links to folders are not followed. A
        folder that cannot be searched is an entry too, whose error says so.

        Args:
            folder: the folder.
            **options: as for ``from_file``.

        Raises:
            InvalidArgumentError: it is not a folder; or as for ``Catalog``.
        """
        return cls(reading_sources.discover(folder), **options)

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        sources: Iterable[SourceLike] | Catalog | None = None,
        *,
        credentials: Credentials | str | None = None,
        **options: Unpack[CatalogOptions],
    ) -> Catalog:
        """Return a catalog with what ``save()`` has kept; ``refresh()`` reads what is new.

        Args:
            path: the file. One that is damaged or does not exist is ignored, with a
                ``CatalogFileWarning``.
            sources: the repositories, as for ``Catalog``, or another catalog with these. Default:
                those of the file.
            credentials: as for ``Catalog``, if ``sources`` is given.
            **options: as for ``from_file``.

        Raises:
            InvalidArgumentError: as for ``Catalog``.
        """
        file, given = reading_sources.path_text(path), None
        if isinstance(sources, Catalog):
            given = tuple(member.source for member in sources._members.values())  # noqa: SLF001  # its own class
        elif sources is not None:
            given = reading_sources.read_sources(sources, credentials)
        try:
            from modelversions.catalog.file import load

            found = load(file, given)
        except Exception as error:  # noqa: BLE001  # a damaged file causes various errors
            reason = f"the catalog file {file!r} is ignored: {error}"
            warnings.warn(reason, CatalogFileWarning, stacklevel=2)
            found = [(source, None) for source in given or ()]
        self = cls([source for source, _ in found], **options)
        for source, saved in found:
            self._members[source.name].restore(saved)
        return self

    def save(self, path: str | os.PathLike[str]) -> None:
        """Keep what was read in an SQLite file, for ``load()``; it is replaced as a whole.

        ``modelversions.catalog.file`` documents its tables. Passwords are not saved, and of
        ``credentials`` only the name of a provider.

        Raises:
            RepositoryError: the file cannot be written.
        """
        from modelversions.catalog.file import save

        file = reading_sources.path_text(path)
        with self._lock:
            save(file, self._members.values())

    def __getitem__(self, name: str) -> RegistryView:
        """Return the registry of a repository; nothing is read yet.

        Raises:
            NotInCatalogError: there is no repository of this name.
        """
        return self._member(name).view

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the repositories, in the order of the sources."""
        return iter(self._members)

    def __len__(self) -> int:
        """Return the number of repositories."""
        return len(self._members)

    def __eq__(self, other: object) -> bool:
        """Return whether it is the same object: the models may change."""
        return self is other

    def __hash__(self) -> int:
        """Hash the identity."""
        return id(self)

    def _member(self, name: str) -> Member:
        found = self._members.get(name)
        if found is None:
            names = list(self._members)
            shown = ", ".join(names[:5]) + (", …" if len(names) > len(names[:5]) else "")
            close = get_close_matches(str(name), names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"repositories: {shown or 'none'}"
            raise NotInCatalogError(
                f"the catalog has no repository {name!r}; {hint}",
                repository=str(name),
            )
        return found

    def _ipython_key_completions_(self) -> list[str]:
        """Return the names, for Tab completion of ``catalog["``."""
        return list(self)

    @property
    def errors(self) -> Mapping[str, ModelVersionsError]:
        """The errors of the repositories that could not be read, by name; nothing is read."""
        found = {name: one.error for name, one in self._members.items() if one.error is not None}
        return MappingProxyType(found)

    def cancel(self) -> None:
        """End the questions that are being answered in other threads, by ``ReadCancelledError``.

        What they have read is kept. Repositories that an executor is reading are left to it.
        """
        self._pool.cancelled.set()
        self._close()

    def refresh(self) -> None:
        """List the tags of all repositories again, and read those that are new.

        It costs one exchange with each server, and reads tag objects only where tags were added,
        as far as earlier questions needed them.

        Raises:
            ReadCancelledError: ``cancel()`` was called.
        """
        self._read(Question.TAGS, again=True)

    @gc_paused
    def latest(self) -> dict[tuple[str, str], Version]:
        """Return the latest version of each model (F16), by repository and model.

        It is found from tag names and few tag objects: see ``Registry.latest()``. Only names and
        object ids are kept.
        """
        found = self._each(Question.LATEST, Member.latest)
        return {(name, one): version for name, own in found for one, version in own.items()}

    def stages(self) -> tuple[str, ...]:
        """Return the stages that a version is in, in any repository, sorted."""
        found = self._each(Question.EVENTS, lambda member: member.view.stages())
        return tuple(sorted({stage for _, stages in found for stage in stages}))

    @gc_paused
    def history(self, since: datetime | None = None) -> CatalogEvents:
        """Return all events with the names of their repositories, oldest first.

        The result is a tuple of pairs, with a table and ``to_records()``.

        Args:
            since: an aware datetime; earlier events are omitted.

        Raises:
            InvalidArgumentError: the time is naive.
        """
        if since is not None:
            check_aware(since, "since")
        found = self._each(Question.EVENTS, lambda member: member.view.history())
        events = [
            [(event.order, name, event) for event in own if since is None or event.time >= since]
            for name, own in found
        ]
        merged = heapq.merge(*events, key=lambda one: one[:1])
        return CatalogEvents((name, event) for _, name, event in merged)

    def problems(self, now: datetime | None = None) -> CatalogProblems:
        """Return the problems of the tags with the names of their repositories.

        The result is a tuple of pairs, with a table and ``to_records()``.

        Args:
            now: the time after which an event is in the future. Default: the present.

        Raises:
            InvalidArgumentError: the time is naive.
        """
        if now is not None:
            check_aware(now, "now")
        found = self._each(
            Question.EVENTS, lambda member: member.view.problems(now), wants_file=True
        )
        return CatalogProblems((name, problem) for name, own in found for problem in own)

    def find(self, model: str) -> dict[str, Model]:
        """Return the models of a name, by repository.

        Models of the same name in two repositories are two models.
        """
        found = self._each(Question.TAGS, lambda member: member.view.get(model))
        return {name: one for name, one in found if one is not None}

    def resolve(self, reference: str) -> Version:
        """Return the version that a reference names; only its repository is read.

        Args:
            reference: the name of a repository, ``/``, and a reference as for
                ``RegistryView.resolve``: ``"nlp/ner#prod"``.

        Raises:
            InvalidTagNameError: it has no such form.
            NotInCatalogError: it names no repository of the catalog.
            LookupError: as for ``RegistryView.resolve``.
            RepositoryError: the repository cannot be read.
        """
        text = str(reference)
        name = max((one for one in self if text.startswith(f"{one}/")), key=len, default=None)
        if name is not None:
            try:
                return self[name].resolve(text[len(name) + 1 :])
            except (LookupError, InvalidTagNameError, InvalidNameError) as error:
                error.args = (f"in the repository {name!r}: {error}",)
                raise
        if "/" not in text:
            raise InvalidTagNameError(
                f"{text!r} cannot be resolved: it names no repository; write "
                "'repository/model@latest', 'repository/model@v1.2.3' or 'repository/model#stage'; "
                "find() returns the repositories that have a model",
                text=text,
                reason="it names no repository",
            )
        self._member(text.partition("/")[0])  # raises
        raise AssertionError(text)  # pragma: no cover

    @gc_paused
    def to_records(self, kind: str = "models") -> list[dict[str, object]]:
        """Return rows as of ``RegistryView.to_records``, with the column ``repository`` first.

        Raises:
            InvalidArgumentError: there is no such kind.
        """
        from modelversions.display.records import check_kind

        check_kind(kind)
        found = self._each(
            Question.EVENTS,
            lambda member: member.view.to_records(kind),
            wants_file=kind == "problems",
        )
        return [{"repository": name, **row} for name, rows in found for row in rows]

    def to_pandas(self, kind: str = "models") -> DataFrame:
        """Return the rows of ``to_records`` as a data frame (extra ``pandas``).

        Raises:
            InvalidArgumentError: there is no such kind.
            MissingExtraError: pandas is not installed.
        """
        from modelversions.display.records import data_frame

        return data_frame(self.to_records(kind), kind, ("repository",))

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

        See ``RegistryView.to_html``. Links are of the form ``#repository/churn@v3.1.0``.
        Repositories that cannot be read are listed with their errors.

        Raises:
            FileNotWrittenError: the file cannot be written.
            InvalidArgumentError: an argument is of the wrong kind.
        """
        from modelversions.display.page.document import page_text
        from modelversions.display.page.writing import check_title, deliver

        moment = datetime.now(timezone.utc) if now is None else now
        check_aware(moment, "now")
        check_title(title)
        return deliver(lambda: page_text(self._content(title, moment)), path)

    @gc_paused
    def _content(self, title: str, now: datetime) -> PageContent:
        from modelversions.display.page.content import PageContent

        found = self._each(
            Question.EVENTS,
            lambda member: member.view._content(member.source.name, now),  # noqa: SLF001  # its base class
            wants_file=True,
        )
        errors = {name: str(error) for name, error in self.errors.items()}
        return PageContent(title, now, [one for _, one in found], errors)

    def _each(
        self,
        question: Question,
        read: Callable[[Member], Found],
        *,
        wants_file: bool = False,
        only: Collection[str] | None = None,
    ) -> list[tuple[str, Found]]:
        """Ask all repositories, or some; return the results of ``read``, in order.

        One that cannot be read is left out: its error is in ``errors``.
        """
        with self._lock:
            self._read(question, wants_file=wants_file, only=only)
            found = []
            for name, member in self._members.items():
                if member.error is not None or (only is not None and name not in only):
                    continue
                try:
                    found.append((name, read(member)))
                except ModelVersionsError as error:
                    member.fail(error)
                except Exception as error:  # noqa: BLE001  # one must not end the whole
                    member.fail(failed(member.source, error))
            return found

    def _read(
        self,
        question: Question,
        *,
        wants_file: bool = False,
        again: bool = False,
        only: Collection[str] | None = None,
    ) -> None:
        """Send the requests that a question needs, and keep the answers.

        Raises:
            ReadCancelledError: ``cancel()`` was called.
        """
        with self._lock:
            self._pool.cancelled.clear()
            pairs = [
                (member, member.request(question, wants_file=wants_file, again=again))
                for name, member in self._members.items()
                if (again or member.error is None) and (only is None or name in only)
            ]
            pairs = [
                (member, request)
                for member, request in pairs
                if request.question is not None or request.wants_file
            ]
            self._ask(pairs)

    def _ask(self, pairs: list[tuple[Member, Request]]) -> None:
        done = 0

        def take(position: int, answer: Answer) -> None:
            nonlocal done
            done += 1
            member, request = pairs[position]
            member.take(request, answer)
            if self._progress is not None:
                self._progress(done, len(pairs), "repositories read")

        def in_process(position: int) -> Answer:
            member, request = pairs[position]
            return member.answer(request)

        try:
            self._pool.ask([request for _, request in pairs], in_process, take)
        except BaseException:
            self._close()  # it wakes the threads that wait for servers
            raise

    def _close(self) -> None:
        for member in self._members.values():
            member.close()

    @gc_paused
    def __str__(self) -> str:
        """Return a table of the models with their repositories, and one of the errors."""
        from modelversions.display.tables import catalog_table, error_table

        models = self._models()
        errors = f"\n\n{error_table(self.errors).text()}" if self.errors else ""
        return catalog_table(models).text() + errors

    def __repr__(self) -> str:
        """Return the number of repositories, and of those that could not be read."""
        count, failures = len(self), len(self.errors)
        errors = f", {failures} of them not read" if failures else ""
        return f"<Catalog of {count} {'repository' if count == 1 else 'repositories'}{errors}>"

    @gc_paused
    def _repr_html_(self) -> str:
        """Return the dashboard for a notebook.

        Tag objects are read of the repositories of the models that are shown, and of those that
        have deprecated models; the others are counted by names of tags.
        """
        from modelversions.display.dashboard import catalog_html, divide
        from modelversions.display.parts import MAX_ROWS

        with self._lock:
            listed = dict(self._each(Question.LATEST, Member.models))
            chosen = _chosen(listed, MAX_ROWS)
            models = self._models(chosen)
        active, deprecated = divide(models)
        rest = sum(len(own) for name, own in listed.items() if name not in chosen)
        return catalog_html(active, len(active) + rest, deprecated, len(self), self.errors)

    def _models(self, only: Collection[str] | None = None) -> dict[tuple[str, str], Model]:
        """Return all models; or those of some repositories, of which no others are read."""
        found = self._each(Question.EVENTS, lambda member: dict(member.view.items()), only=only)
        return {(name, one): model for name, own in found for one, model in own.items()}


def _chosen(listed: Mapping[str, Mapping[str, bool]], most: int) -> set[str]:
    """Return the repositories to be read for a table of the first active models.

    Args:
        listed: by repository, its models and whether they may be deprecated.
        most: the number of lines of the table.
    """
    active = ((name, doubtful) for name, own in listed.items() for doubtful in own.values())
    first = islice((name for name, doubtful in active if not doubtful), most)
    return {*first, *(name for name, own in listed.items() if any(own.values()))}


def _check_options(
    executor: object,
    timeout: object,
    connections: object,
    connections_per_host: object,
) -> None:
    """Check the types of options.

    Raises:
        InvalidArgumentError: one has another type.
    """
    count = "a number from 1 on"
    checks = {
        "executor": (executor, executor is None or _is_executor(executor), "an Executor"),
        "timeout": (timeout, timeout is None or is_seconds(timeout), "a number of seconds"),
        "connections": (connections, is_count(connections, 1), count),
        "connections_per_host": (connections_per_host, is_count(connections_per_host, 1), count),
    }
    hints = {"executor": " of concurrent.futures", "timeout": " above 0, or None"}
    for name, (value, is_right, wanted) in checks.items():
        if not is_right:
            raise InvalidArgumentError(
                f"{name} must be {wanted}{hints.get(name, '')}, not {value!r}",
                argument=name,
                value=value,
            )


def _is_executor(value: object) -> bool:
    return hasattr(value, "submit") and not isinstance(value, type)
