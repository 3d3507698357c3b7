"""One repository of a catalog: what was read of it, and a view on that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

import attrs

from modelversions.catalog.listing import Listing
from modelversions.catalog.reading import (
    Answer,
    Question,
    Reading,
    Request,
    answer,
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
    """What a file knows of a repository."""

    listing: Listing
    answered: Question
    objects: dict[str, TagObject]
    peels: dict[str, str | None]
    is_shallow: bool


class Member:
    """A repository of a catalog: a store of what was read, which reads what it lacks.

    The tags are those of the last reading. Files, commits and revisions are the current ones.
    """

    def __init__(self, source: Source, timeout: float | None) -> None:
        """Keep the source; nothing is read."""
        self.source = source
        self.location = source.shown
        self.is_local = source.host is None
        """Whether it is read without a server."""
        self.timeout = timeout
        self.listing: Listing | None = None
        self.asked = Question.TAGS
        """The greatest question that was asked; the listing need not answer it yet."""
        self.answered: Question | None = None
        """The greatest question that the listing answers."""
        self.objects: dict[str, TagObject] = {}
        self.unreadable: dict[str, TagObject] = {}
        """Those that could not be read; they are requested again by the next refresh."""
        self.peels: dict[str, str | None] = {}
        self.file: tuple[bytes | None] | None = None
        self.error: ModelVersionsError | None = None
        self.is_shallow = False
        self.view: RegistryView = MemberView(self)
        self.replaced: Mapping[str, str] = {}
        """What was replaced is what was read: see ``ReadStore``."""
        self._lock = threading.RLock()
        self._remote: Store | None = None
        """The store of a server is kept, because it knows the login."""
        self._in_use = threading.RLock()
        """Is held while the store is used: to close it would end a request of another thread."""

    def store(self) -> Store:
        """Return a store that reads the repository; no server is contacted yet.

        Raises:
            ModelVersionsError: it cannot be opened.
        """
        if self.source.registry is not None:
            return _Open(self.source.registry._store)  # type: ignore[return-value]  # noqa: SLF001  # it is only read
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
        """Finds the web pages of the repository; there are none if it cannot be opened."""
        return self._find_pages

    def _find_pages(self) -> WebPages:
        """Find them. An open registry has its own ``commit_url``."""
        try:
            with self._opened() as store:
                return store.find_pages()
        except ModelVersionsError:
            return WebPages()

    def close(self) -> None:
        """Close the connection, in order to end a request."""
        if self._remote is not None:
            self._remote.close()

    def request(self, question: Question, *, wants_file: bool, again: bool) -> Request:
        """Return the request for a question.

        Args:
            question: what is asked.
            wants_file: whether the ``.gto`` file is wanted.
            again: whether the tags are listed though the question is answered.
        """
        self.asked = max(question, self.asked)
        has_answer = self.answered is not None and self.answered >= self.asked
        is_known = has_answer and not again and self.error is None
        has_digest = has_answer and not self.unreadable
        is_latest = self.asked is Question.LATEST
        peels = {id: commit for id, commit in self.peels.items() if commit is not None}
        return Request(
            source=self.source,
            question=None if is_known else self.asked,
            wants_file=wants_file and (again or self.file is None),
            timeout=self.timeout,
            digest=None if self.listing is None or not has_digest else self.listing.digest,
            known=frozenset(self.objects),
            objects=dict(self.objects) if is_latest else {},
            peels=peels if is_latest else {},
        )

    def answer(self, request: Request) -> Answer:
        """Answer a request in this process."""
        try:
            store = self.store()
        except ModelVersionsError as error:
            return error
        with self._in_use:
            return answer(store, request)

    def take(self, request: Request, answer: Answer) -> None:
        """Keep the answer to a request. After an error, what was known stays known."""
        with self._lock:
            if isinstance(answer, ModelVersionsError):
                self.fail(answer)
                return
            self.error = None
            if request.question is not None:
                self.answered = request.question
                self.file = None
            self.file = answer.file or self.file
            if answer.listing is not None:
                self._take_listing(answer.listing, answer)

    def restore(self, saved: Saved | None) -> None:
        """Use what a file knows of the repository, if anything, as if it had been read."""
        if saved is not None:
            self.listing, self.objects, self.peels = saved.listing, saved.objects, saved.peels
            self.asked = self.answered = saved.answered
            self.is_shallow = saved.is_shallow

    def fail(self, error: ModelVersionsError) -> None:
        """Keep an error without tracebacks, whose frames have connections and tag objects."""
        chained: BaseException | None = error
        while chained is not None:
            chained.__traceback__ = None
            chained = chained.__cause__ or chained.__context__
        self.error = error

    def _take_listing(self, listing: Listing, reading: Reading) -> None:
        found = {**self.objects, **reading.objects}
        self.peels |= reading.peels
        if self.listing is not None:  # forget what no tag names any more
            ids = {ref.id for ref in listing.refs()}
            found = {id: one for id, one in found.items() if id in ids}
            self.peels = {id: one for id, one in self.peels.items() if id in ids}
        self.objects = {id: one for id, one in found.items() if not one.is_unreadable}
        self.unreadable = {id: one for id, one in found.items() if one.is_unreadable}
        self.is_shallow = reading.is_shallow
        self.listing = listing

    def refresh(self) -> None:
        """List the tags again, and read what is new.

        Raises:
            ModelVersionsError: the repository cannot be read.
        """
        request = self.request(self.asked, wants_file=False, again=True)
        self.take(request, self.answer(request))
        self.check()

    def check(self) -> None:
        """Check that the last reading succeeded.

        Raises:
            ModelVersionsError: its error.
        """
        if self.error is not None:
            raise self.error.with_traceback(None)

    def listed(self) -> Listing:
        """Return the listing; list the tags first if that was not done.

        Raises:
            ModelVersionsError: the repository cannot be read.
        """
        self.check()
        if self.listing is None:
            self.refresh()
        assert self.listing is not None
        return self.listing

    def tags(self, prefixes: Sequence[str] = ("",)) -> tuple[TagRef, ...]:
        """List the tags whose names begin with one of ``prefixes``, as they were listed."""
        return self.listed().refs(prefixes)

    def read(self, refs: Iterable[TagRef]) -> list[TagObject]:
        """Read the objects that refs name, in the order of the refs; those not known, live."""
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
            elif ref.peeled is not None and not (verify or self.is_local):  # as servers list it
                found[ref.id] = None if ref.peeled == ref.id else ref.peeled
            else:
                unknown.append(ref)
        found.update((ref.id, tag.commit) for ref, tag in zip(unknown, self.read(unknown)))
        return [found[ref.id] for ref in listed]

    def resolve(self, revision: str) -> str:
        """Return the id of the commit that a revision names now."""
        with self._opened() as store:
            return store.resolve(revision)

    def commits(self, revision: str, limit: int | None) -> Iterable[Commit]:
        """List a commit and its ancestors, newest first."""
        with self._opened() as store:
            return list(store.commits(revision, limit))

    def file_at(self, commit: str, path: str, *, bounded: bool = True) -> FileAt | None:
        """Read what is at a path in the files of a commit."""
        with self._opened() as store:
            return store.file_at(commit, path, bounded=bounded)

    def paths_at(self, commit: str, name: str) -> Sequence[str]:
        """Return the paths of all files of one name in the files of a commit."""
        with self._opened() as store:
            return store.paths_at(commit, name)

    def read_file(self, path: str) -> bytes | None:
        """Read a file of the work tree or of HEAD's commit."""
        if path == FILE and self.file is not None:
            return self.file[0]
        with self._opened() as store:
            return store.read_file(path)

    def latest(self) -> dict[str, Version]:
        """Return each model's latest version; keep no tags but those of the listing."""
        listing = self.listed()
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
        """Return the models' names, and whether there is a tag that may deprecate the model.

        Tag objects are read only where the names do not tell that a model exists.
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
    """The registry of a repository of a catalog, as it was when it was last read."""

    def __init__(self, member: Member) -> None:
        """Read what the member knows."""
        registry = member.source.registry
        super().__init__(member, **({} if registry is None else registry._settings))  # noqa: SLF001  # its own class
        self._member = member

    def _find(self, name: str, find: Callable[[Model], Version]) -> Version | None:
        """Poll for ``watch()``: list the tags again."""
        self._member.refresh()
        return super()._find(name, find)

    def __repr__(self) -> str:
        """Return the location; nothing is read."""
        return f"<Registry {self._store.location!r}>"


class BriefSnapshot(ModelSnapshot):
    """A snapshot that takes its refs from a listing when they are needed."""

    __slots__ = ("_listing",)

    def __init__(self, model: str, listing: Listing, unread: Unread) -> None:
        """Initialize with the listing and the content that the models of a repository share."""
        super().__init__(model, (), unread, unread.store.find_pages, _NO_SIGNATURES)
        del self.refs  # until they are needed
        self._listing = listing

    def __getattr__(self, name: str) -> object:
        """Set the refs; it is called while they are not set."""
        if name != "refs":
            raise AttributeError(name)
        self.refs = self._listing.refs(prefixes_of(self.model))
        return self.refs


class _Open:
    """The store of an open registry, which is not closed by the catalog."""

    def __init__(self, store: ReadStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def close(self) -> None:
        """Leave it open."""
