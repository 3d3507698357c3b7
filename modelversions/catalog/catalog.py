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
from modelversions.catalog.reading import ReadLevel, Request, Result, wrap_error
from modelversions.catalog.sequences import CatalogEvents, CatalogProblems
from modelversions.catalog.sources import SourceLike
from modelversions.errors import (
    CatalogFileWarning,
    InvalidArgumentError,
    InvalidNameError,
    InvalidTagNameError,
    ModelVersionsError,
    NotInCatalogError,
    join_names,
    set_message,
)
from modelversions.gc_pause import gc_paused, gc_resumed
from modelversions.git.store import Credentials, Progress
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
    """The keyword arguments of ``from_file``, ``discover`` and ``load``: see ``Catalog``."""

    executor: Executor | None
    timeout: float | None
    progress: Progress | bool | None
    connections: int
    connections_per_host: int


class Catalog(Mapping[str, RegistryView]):
    """The registries of many repositories: a read-only mapping of names to registries.

    Data is read when it is needed. The first query reads the required data of all repositories,
    concurrently; later queries use this data, until ``refresh()`` reads the changes. A query that
    needs more data, such as ``history()`` after ``latest()``, reads the current state of the
    repositories.

    A query does not fail if a repository cannot be read: the repository is in ``errors`` and not in
    the result, until ``refresh()`` can read it. Tags whose objects are missing or broken are in
    ``problems()``, as for a registry.

    A registry of the mapping shows its repository as last read; it reads further data by itself, in
    this process. To write, use ``Registry.open``.
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
        """Create a catalog. No repository is read before the first query.

        Args:
            sources: paths, URLs, registries, or mappings with one of the keys ``url``, ``path`` and
                ``registry``, and optionally ``name``, ``credentials`` and ``commit_url`` (see
                ``Registry.open``). The default name is the last part of the location, preceded by
                as many other parts as are needed to make it unique.
            credentials: for repositories without their own: a function as for ``Registry.open``,
                or the name of a provider: ``"env:VARIABLE"``, ``"netrc"``, ``"netrc:PATH"``, or
                ``"git"`` for Git's credential helpers.
            executor: reads the repositories: any ``concurrent.futures.Executor``, such as
                Dask's ``client.get_executor()`` or a process pool. Locations and names of providers
                are sent to it, but no passwords. Default: threads.
            timeout: the maximum number of seconds to read one repository from a server; None for
                no limit.
            progress: is called with the number of repositories that were read, the total number,
                and a description. If it raises an exception, the query ends with it. True shows a
                progress bar, in notebooks too (extra ``notebook``).
            connections: the maximum number of repositories that are read at the same time.
            connections_per_host: the maximum number of these on one server.

        Raises:
            InvalidArgumentError: an argument is invalid; or a repository needs a password or
                function that cannot be sent to the executor.
        """
        found = reading_sources.read_sources(sources, credentials)
        _check_options(executor, timeout, connections, connections_per_host)
        if executor is not None and not isinstance(executor, ThreadPoolExecutor):
            for source in found:
                source.check_sendable()
        self._members = {source.name: Member(source, timeout) for source in found}
        self._progress = check_progress(progress, "Catalog")
        self._pool = Pool(executor, connections, connections_per_host)
        self._lock = threading.RLock()

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], **options: Unpack[CatalogOptions]) -> Catalog:
        """Return the catalog of a YAML file (extra ``yaml``).

        Its key ``repositories`` has a list as for ``Catalog``. Relative paths start at the file's
        directory, and ``~`` is the user's home directory. The key ``credentials`` may have the name
        of a provider for repositories without their own.

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
        """Return the catalog of the repositories below a directory, named by their relative paths.

        Repositories inside other repositories are not found, and symbolic links to directories are
        not followed. A directory that cannot be searched is an entry with an error.

        Args:
            folder: the directory.
            **options: as for ``from_file``.

        Raises:
            InvalidArgumentError: ``folder`` is not a directory; or as for ``Catalog``.
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
        """Return a catalog with the data that ``save()`` wrote; ``refresh()`` reads the changes.

        Args:
            path: the file. A file that is damaged or does not exist is ignored, with a
                ``CatalogFileWarning``.
            sources: the repositories, as for ``Catalog``, or a catalog that contains them. Default:
                the repositories in the file.
            credentials: as for ``Catalog``, if ``sources`` is passed.
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
        """Write the data that was read to an SQLite file, for ``load()``.

        The file is replaced atomically. ``modelversions.catalog.file`` documents its tables.
        Passwords are not saved; of ``credentials``, only the name of a provider is.

        Raises:
            InvalidArgumentError: ``path`` is neither text nor a path.
            RepositoryError: the file cannot be written. Unlike ``to_html()``, this method does not
                raise ``FileNotWrittenError``.
        """
        from modelversions.catalog.file import save

        file = reading_sources.path_text(path)
        with self._lock:
            save(file, self._members.values())

    def __getitem__(self, name: str) -> RegistryView:
        """Return the registry of a repository; nothing is read yet.

        Raises:
            NotInCatalogError: there is no repository with this name.
        """
        return self._member(name).view

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the repositories, in the order of the sources."""
        return iter(self._members)

    def __len__(self) -> int:
        """Return the number of repositories."""
        return len(self._members)

    def __eq__(self, other: object) -> bool:
        """Return whether it is the same object, as the models may change."""
        return self is other

    def __hash__(self) -> int:
        """Return a hash of the identity."""
        return id(self)

    def _member(self, name: str) -> Member:
        found = self._members.get(name)
        if found is None:
            names = list(self._members)
            close = get_close_matches(str(name), names, n=1)
            known = f"repositories: {join_names(names, 5)}"
            hint = f"did you mean {close[0]!r}?" if close else known
            raise NotInCatalogError(
                f"the catalog has no repository {name!r}; {hint}",
                repository=str(name),
            )
        return found

    def _ipython_key_completions_(self) -> list[str]:
        """Return the names of the repositories, for Tab completion of ``catalog["``."""
        return list(self)

    @property
    def errors(self) -> Mapping[str, ModelVersionsError]:
        """The errors of the repositories that could not be read, by name; nothing is read."""
        found = {name: one.error for name, one in self._members.items() if one.error is not None}
        return MappingProxyType(found)

    def cancel(self) -> None:
        """Cancel the queries that run in other threads: they raise ``ReadCancelledError``.

        The data that they have read is kept. The requests that an executor is running are not
        cancelled.
        """
        self._pool.cancelled.set()
        self._close()

    def refresh(self) -> None:
        """List the tags of all repositories again, and read the new ones.

        This takes one exchange with each server. Tag objects are read only if tags were added, and
        only as far as earlier queries needed them.

        Raises:
            ReadCancelledError: ``cancel()`` was called.
        """
        self._read(ReadLevel.TAGS, again=True)

    @gc_paused
    def latest(self) -> dict[tuple[str, str], Version]:
        """Return the latest version of each model (F16), by repository and model.

        It is determined from tag names and a few tag objects: see ``Registry.latest()``. Only names
        and object ids are kept in memory.
        """
        found = self._each(ReadLevel.LATEST, Member.latest)
        return {(name, one): version for name, own in found for one, version in own.items()}

    def stages(self) -> tuple[str, ...]:
        """Return the stages in use in any repository, sorted."""
        found = self._each(ReadLevel.EVENTS, lambda member: member.view.stages())
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
        found = self._each(ReadLevel.EVENTS, lambda member: member.view.history())
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
            now: the time after which an event is in the future. Default: the present, by the
                clock of each registry.

        Raises:
            InvalidArgumentError: the time is naive.
        """
        times = {
            name: member.view._time(now)  # noqa: SLF001  # no public name
            for name, member in self._members.items()
        }
        found = self._each(
            ReadLevel.EVENTS,
            lambda member: member.view.problems(times[member.source.name]),
            wants_file=True,
        )
        return CatalogProblems((name, problem) for name, own in found for problem in own)

    def find(self, model: str) -> dict[str, Model]:
        """Return the models with this name, by repository.

        Models with the same name in two repositories are different models.
        """
        found = self._each(ReadLevel.TAGS, lambda member: member.view.get(model))
        return {name: one for name, one in found if one is not None}

    def resolve(self, reference: str) -> Version:
        """Return the version that a reference names; only its repository is read.

        Args:
            reference: the name of a repository, ``/``, and a reference as for
                ``RegistryView.resolve``: ``"nlp/ner#prod"``.

        Raises:
            InvalidTagNameError: the reference does not have this form.
            NotInCatalogError: the repository is not in the catalog.
            LookupError: as for ``RegistryView.resolve``.
            RepositoryError: the repository cannot be read.
        """
        text = str(reference)
        name = max((one for one in self if text.startswith(f"{one}/")), key=len, default=None)
        if name is not None:
            try:
                return self[name].resolve(text[len(name) + 1 :])
            except ModelVersionsError as error:
                if isinstance(error, (LookupError, InvalidTagNameError, InvalidNameError)):
                    set_message(error, f"in the repository {name!r}: {error}")
                raise
        if "/" not in text:
            raise InvalidTagNameError(
                f"{text!r} cannot be resolved: it does not begin with the name of a repository; "
                "pass 'repository/model@latest', 'repository/model@v1.2.3' or "
                "'repository/model#stage'; find() returns the repositories that have a model",
                text=text,
                reason="it does not begin with the name of a repository",
            )
        self._member(text.partition("/")[0])  # raises
        raise AssertionError(text)  # pragma: no cover

    @gc_paused
    def to_records(self, kind: str = "models") -> list[dict[str, object]]:
        """Return rows as ``RegistryView.to_records`` does, with a first column ``repository``.

        Raises:
            InvalidArgumentError: ``kind`` is invalid.
        """
        from modelversions.display.records import check_kind

        check_kind(kind)
        found = self._each(
            ReadLevel.EVENTS,
            lambda member: member.view.to_records(kind),
            wants_file=kind == "problems",
        )
        return [{"repository": name, **row} for name, rows in found for row in rows]

    def to_pandas(self, kind: str = "models") -> DataFrame:
        """Return the rows of ``to_records`` as a data frame (extra ``pandas``).

        Raises:
            InvalidArgumentError: ``kind`` is invalid.
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

        See ``RegistryView.to_html``. Links have the form ``#repository/churn@v3.1.0``. Repositories
        that cannot be read are listed with their errors.

        Raises:
            FileNotWrittenError: the file cannot be written.
            InvalidArgumentError: an argument is invalid.
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
            ReadLevel.EVENTS,
            lambda member: member.view._content(member.source.name, now),  # noqa: SLF001  # its base class
            wants_file=True,
        )
        errors = {name: str(error) for name, error in self.errors.items()}
        return PageContent(title, now, [one for _, one in found], errors)

    def _each(
        self,
        level: ReadLevel,
        read: Callable[[Member], Found],
        *,
        wants_file: bool = False,
        only: Collection[str] | None = None,
    ) -> list[tuple[str, Found]]:
        """Read all repositories or some, and return the results of a function, in order.

        Repositories that cannot be read are omitted; their errors are in ``errors``.

        Args:
            level: the data that the function needs.
            read: returns the result for one repository.
            wants_file: whether the function also needs the ``.gto`` file.
            only: the names of the repositories. Default: all.
        """
        with self._lock:
            self._read(level, wants_file=wants_file, only=only)
            found = []
            for name, member in self._members.items():
                if member.error is not None or (only is not None and name not in only):
                    continue
                try:
                    found.append((name, read(member)))
                except ModelVersionsError as error:
                    member.fail(error)
                except Exception as error:  # noqa: BLE001  # one repository must not end the query
                    member.fail(wrap_error(member.source, error))
            return found

    def _read(
        self,
        level: ReadLevel,
        *,
        wants_file: bool = False,
        again: bool = False,
        only: Collection[str] | None = None,
    ) -> None:
        """Send the requests for a level, and store the results.

        Raises:
            ReadCancelledError: ``cancel()`` was called.
        """
        with self._lock:
            self._pool.cancelled.clear()
            pairs = [
                (member, member.request(level, wants_file=wants_file, again=again))
                for name, member in self._members.items()
                if (again or member.error is None) and (only is None or name in only)
            ]
            pairs = [
                (member, request)
                for member, request in pairs
                if request.level is not None or request.wants_file
            ]
            self._send(pairs)

    def _send(self, pairs: list[tuple[Member, Request]]) -> None:
        done = 0

        def on_result(position: int, result: Result) -> None:
            nonlocal done
            done += 1
            member, request = pairs[position]
            member.store_result(request, result)
            if self._progress is not None:
                self._progress(done, len(pairs), "repositories read")

        def in_process(position: int) -> Result:
            member, request = pairs[position]
            return member.execute(request)

        try:
            with gc_resumed():
                self._pool.run_all([request for _, request in pairs], in_process, on_result)
        except BaseException:
            self._close()  # this ends the requests that wait for servers
            raise

    def _close(self) -> None:
        for member in self._members.values():
            member.close()

    @gc_paused
    def __str__(self) -> str:
        """Return a table of the models with their repositories, and a table of the errors."""
        from modelversions.display.tables import catalog_table, error_table

        models = self._models()
        errors = f"\n\n{error_table(self.errors).text()}" if self.errors else ""
        return catalog_table(models).text() + errors

    def __repr__(self) -> str:
        """Return the number of repositories, and the number of those that could not be read."""
        count, failures = len(self), len(self.errors)
        errors = f", {failures} of them not read" if failures else ""
        return f"<Catalog of {count} {'repository' if count == 1 else 'repositories'}{errors}>"

    @gc_paused
    def _repr_html_(self) -> str:
        """Return the dashboard as HTML, for a notebook.

        Tag objects are read in repositories with displayed models or deprecated models; the models
        of other repositories are counted by their tag names.
        """
        from modelversions.display.dashboard import catalog_html, divide
        from modelversions.display.parts import MAX_ROWS

        with self._lock:
            listed = dict(self._each(ReadLevel.LATEST, Member.models))
            chosen = _chosen(listed, MAX_ROWS)
            models = self._models(chosen)
        active, deprecated = divide(models)
        rest = sum(len(own) for name, own in listed.items() if name not in chosen)
        return catalog_html(active, len(active) + rest, deprecated, len(self), self.errors)

    def _models(self, only: Collection[str] | None = None) -> dict[tuple[str, str], Model]:
        """Return all models; or only those of some repositories, and do not read the others."""
        found = self._each(ReadLevel.EVENTS, lambda member: dict(member.view.items()), only=only)
        return {(name, one): model for name, own in found for one, model in own.items()}


def _chosen(listed: Mapping[str, Mapping[str, bool]], most: int) -> set[str]:
    """Return the repositories to read for a table of the first active models.

    Args:
        listed: by repository, its models and whether they may be deprecated.
        most: the maximum number of rows of the table.
    """
    pairs = ((name, may_be) for name, own in listed.items() for may_be in own.values())
    first = islice((name for name, may_be in pairs if not may_be), most)
    return {*first, *(name for name, own in listed.items() if any(own.values()))}


def _check_options(
    executor: object,
    timeout: object,
    connections: object,
    connections_per_host: object,
) -> None:
    """Check the types and the ranges of options.

    Raises:
        InvalidArgumentError: an option is invalid.
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
