"""One repository of a catalog: the data that was read, and a view of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

import attrs

from modelversions.catalog.listing import Listing
from modelversions.catalog.reading import (
    Reading,
    ReadLevel,
    Request,
    Result,
    execute,
    limited,
    open_source,
)
from modelversions.catalog.sources import Source
from modelversions.errors import ModelVersionsError
from modelversions.git.store import Commit, FileAt, ReadStore, Signature, Store, TagObject, TagRef
from modelversions.model.model import Model, Version
from modelversions.model.snapshot import (
    ModelSnapshot,
    SnapshotCache,
    Unread,
    find_existing,
    find_latest,
)
from modelversions.registry_view import RegistryView
from modelversions.values.sequences import FindPages
from modelversions.values.tag_name import prefixes_of
from modelversions.values.web_pages import WebPages
from modelversions.write.allowed_stages import FILE


@attrs.frozen
class Saved:
    """The saved data of a repository."""

    listing: Listing
    level: ReadLevel
    objects: dict[str, TagObject]
    peels: dict[str, str | None]
    is_shallow: bool


class Member:
    """A repository of a catalog: a store of the data that was read, which reads missing data.

    The tags are those of the last reading. Files, commits and revisions are the current ones.
    """

    def __init__(self, source: Source, timeout: float | None) -> None:
        """Initialize with a source; nothing is read."""
        self.source = source
        self.location = source.shown
        self.is_local = source.host is None
        """Whether it is read without a server."""
        self.timeout = timeout
        self.listing: Listing | None = None
        self.wanted_level = ReadLevel.TAGS
        """The greatest level that was requested; it may not have been read yet."""
        self.level: ReadLevel | None = None
        """The level that was read for the listing; None before the first reading."""
        self.objects: dict[str, TagObject] = {}
        self.unreadable: dict[str, TagObject] = {}
        """The tag objects that could not be read; the next refresh requests them again."""
        self.peels: dict[str, str | None] = {}
        self.file: tuple[bytes | None] | None = None
        self.error: ModelVersionsError | None = None
        self.is_shallow = False
        self.view: RegistryView = MemberView(self)
        self.replaced: Mapping[str, str] = {}
        """Empty, as the replacements were applied when the objects were read: see ``ReadStore``."""
        self._lock = threading.RLock()
        self._remote: Store | None = None
        """The store of a server, which is kept because it has the login."""
        self._in_use = threading.RLock()
        """Held while the store is used, as closing it would end a request of another thread."""

    def store(self) -> Store:
        """Return a store that reads the repository; no server is contacted yet.

        Raises:
            ModelVersionsError: it cannot be opened.
        """
        if self.source.registry is not None:
            return _SharedStore(self.source.registry._store)  # type: ignore[return-value]  # noqa: SLF001  # it is only read
        if self.is_local:
            return open_source(self.source, self.timeout)
        if self._remote is None:
            self._remote = open_source(self.source, self.timeout)
        return self._remote

    @contextmanager
    def _opened(self) -> Iterator[Store]:
        """Open the store, and close its connections at the end.

        Raises:
            ModelVersionsError: it cannot be opened.
        """
        store = self.store()
        with self._in_use, limited(store, self.timeout):
            yield store

    @property
    def find_pages(self) -> FindPages:
        """A callable that returns the web pages of the repository; none if it cannot be opened."""
        return self._find_pages

    def _find_pages(self) -> WebPages:
        """Return the web pages. For an open registry, its ``commit_url`` is used."""
        try:
            with self._opened() as store:
                return store.find_pages()
        except ModelVersionsError:
            return WebPages()

    def close(self) -> None:
        """Close the connection, which ends a request."""
        if self._remote is not None:
            self._remote.close()

    def request(self, level: ReadLevel, *, wants_file: bool, again: bool) -> Request:
        """Return the request for a level.

        Args:
            level: the data to read.
            wants_file: whether to read the ``.gto`` file.
            again: whether to list the tags even if this level was read.
        """
        self.wanted_level = max(level, self.wanted_level)
        was_read = self.level is not None and self.level >= self.wanted_level
        is_known = was_read and not again and self.error is None
        has_digest = was_read and not self.unreadable
        is_latest = self.wanted_level is ReadLevel.LATEST
        peels = {id: commit for id, commit in self.peels.items() if commit is not None}
        return Request(
            source=self.source,
            level=None if is_known else self.wanted_level,
            wants_file=wants_file and (again or self.file is None),
            timeout=self.timeout,
            digest=None if self.listing is None or not has_digest else self.listing.digest,
            known=frozenset(self.objects),
            objects=dict(self.objects) if is_latest else {},
            peels=peels if is_latest else {},
        )

    def execute(self, request: Request) -> Result:
        """Execute a request in this process."""
        try:
            store = self.store()
        except ModelVersionsError as error:
            return error
        with self._in_use:
            return execute(store, request)

    def store_result(self, request: Request, result: Result) -> None:
        """Store the result of a request. After an error, the previous data is kept."""
        with self._lock:
            if isinstance(result, ModelVersionsError):
                self.fail(result)
                return
            self.error = None
            if request.level is not None:
                self.level = request.level
                self.file = None
            self.file = result.file or self.file
            if result.listing is not None:
                self._store_listing(result.listing, result)

    def restore(self, saved: Saved | None) -> None:
        """Use the saved data of the repository, if any, as if it had been read."""
        if saved is not None:
            self.listing, self.objects, self.peels = saved.listing, saved.objects, saved.peels
            self.wanted_level = self.level = saved.level
            self.is_shallow = saved.is_shallow

    def fail(self, error: ModelVersionsError) -> None:
        """Store an error without tracebacks, whose frames refer to connections and tag objects."""
        chained: BaseException | None = error
        while chained is not None:
            chained.__traceback__ = None
            chained = chained.__cause__ or chained.__context__
        self.error = error

    def _store_listing(self, listing: Listing, reading: Reading) -> None:
        found = {**self.objects, **reading.objects}
        self.peels |= reading.peels
        if self.listing is not None:  # remove objects to which no tag refers
            ids = {ref.id for ref in listing.refs()}
            found = {id: one for id, one in found.items() if id in ids}
            self.peels = {id: one for id, one in self.peels.items() if id in ids}
        self.objects = {id: one for id, one in found.items() if not one.is_unreadable}
        self.unreadable = {id: one for id, one in found.items() if one.is_unreadable}
        self.is_shallow = reading.is_shallow
        self.listing = listing

    def refresh(self) -> None:
        """List the tags again, and read the new objects.

        Raises:
            ModelVersionsError: the repository cannot be read.
        """
        request = self.request(self.wanted_level, wants_file=False, again=True)
        self.store_result(request, self.execute(request))
        self.check()

    def check(self) -> None:
        """Check that the last reading succeeded.

        Raises:
            ModelVersionsError: it did not.
        """
        if self.error is not None:
            raise self.error.with_traceback(None)

    def get_listing(self) -> Listing:
        """Return the listing; list the tags if they were not listed yet.

        Raises:
            ModelVersionsError: the repository cannot be read.
        """
        self.check()
        if self.listing is None:
            self.refresh()
        assert self.listing is not None
        return self.listing

    def tags(self, prefixes: Sequence[str] = ("",)) -> tuple[TagRef, ...]:
        """Return the listed tags whose names begin with one of ``prefixes``."""
        return self.get_listing().refs(prefixes)

    def read(self, refs: Iterable[TagRef]) -> list[TagObject]:
        """Return the objects that refs point to, in the order of the refs; read unknown ones."""
        listed = list(refs)
        known = {**self.unreadable, **self.objects}
        unknown = [ref for ref in listed if ref.id not in known]
        if unknown:
            with self._opened() as store:
                found = {ref.id: tag for ref, tag in zip(unknown, store.read(unknown))}
            known.update(found)
            self.objects |= {id: one for id, one in found.items() if not one.is_unreadable}
        return [known[ref.id] for ref in listed]

    def peel(self, refs: Iterable[TagRef], *, verify: bool = False) -> list[str | None]:
        """Peel annotated tags to their commits, in the order of the refs; None for other tags."""
        listed = list(refs)
        found: dict[str, str | None] = {}
        unknown: list[TagRef] = []
        for ref in listed:
            if ref.id in self.objects:
                found[ref.id] = self.objects[ref.id].commit
            elif ref.id in self.peels:
                found[ref.id] = self.peels[ref.id]
            elif ref.peeled is not None and not (verify or self.is_local):  # peeled by the server
                found[ref.id] = None if ref.peeled == ref.id else ref.peeled
            else:
                unknown.append(ref)
        found.update((ref.id, tag.commit) for ref, tag in zip(unknown, self.read(unknown)))
        return [found[ref.id] for ref in listed]

    def resolve(self, revision: str) -> str:
        """Return the id of the commit that a revision currently names."""
        with self._opened() as store:
            return store.resolve(revision)

    def commits(self, revision: str, limit: int | None) -> Iterable[Commit]:
        """List a commit and its ancestors, newest first."""
        with self._opened() as store:
            return list(store.commits(revision, limit))

    def file_at(self, commit: str, path: str, *, bounded: bool = True) -> FileAt | None:
        """Return the kind and the content of the entry at a path in a commit."""
        with self._opened() as store:
            return store.file_at(commit, path, bounded=bounded)

    def paths_at(self, commit: str, name: str) -> Sequence[str]:
        """Return the paths of all files with this name in a commit."""
        with self._opened() as store:
            return store.paths_at(commit, name)

    def read_file(self, path: str) -> bytes | None:
        """Read a file of the work tree or of HEAD's commit, as last read if it is ``.gto``."""
        if path == FILE and self.file is not None:
            return self.file[0]
        with self._opened() as store:
            return store.read_file(path)

    def latest(self) -> dict[str, Version]:
        """Return the latest version of each model; keep no tags in memory except the listing."""
        listing = self.get_listing()
        snapshots = SnapshotCache(self).all()
        find_latest(snapshots.values())
        latest = {}
        unread = Unread(self, None)
        for name, snapshot in snapshots.items():
            found = snapshot.latest
            if found is not None:
                semver, commit, tag = found
                brief = BriefSnapshot(name, listing, unread)
                latest[name] = Version(name, semver, commit, tag, brief)
        return latest

    def models(self) -> dict[str, bool]:
        """Return the names of the models, and whether a tag may deprecate the model.

        Tag objects are read only if tag names do not suffice to determine that a model exists.
        """
        snapshots = SnapshotCache(self).all()
        find_existing(snapshots.values())
        return {
            name: any(ref.name.startswith("@deprecated", len(name)) for ref in one.refs)
            for name, one in snapshots.items()
            if one.exists
        }


_NO_SIGNATURES: Mapping[str, Signature] = MappingProxyType({})


class MemberView(RegistryView):
    """The registry of a repository of a catalog, as last read."""

    def __init__(self, member: Member) -> None:
        """Initialize with a member."""
        registry = member.source.registry
        super().__init__(member, **({} if registry is None else registry._settings))  # noqa: SLF001  # its own class
        self._member = member

    def _find(self, name: str, find: Callable[[Model], Version]) -> Version | None:
        """List the tags again, as ``watch()`` calls this method for each poll."""
        self._member.refresh()
        return super()._find(name, find)

    def __repr__(self) -> str:
        """Return the location; nothing is read."""
        return f"<Registry {self._store.location!r}>"


class BriefSnapshot(ModelSnapshot):
    """A snapshot that gets its refs from a listing when they are needed."""

    __slots__ = ("_listing",)

    def __init__(self, model: str, listing: Listing, unread: Unread) -> None:
        """Initialize with the listing and the content that the models of a repository share."""
        super().__init__(model, (), unread, unread.store.find_pages, _NO_SIGNATURES)
        del self.refs  # until they are needed
        self._listing = listing

    def __getattr__(self, name: str) -> object:
        """Set the refs; this is called only while they are not set."""
        if name != "refs":
            raise AttributeError(name)
        self.refs = self._listing.refs(prefixes_of(self.model))
        return self.refs


class _SharedStore:
    """The store of an open registry, which is not closed by the catalog."""

    def __init__(self, store: ReadStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def close(self) -> None:
        """Do nothing, as the store belongs to the registry."""
