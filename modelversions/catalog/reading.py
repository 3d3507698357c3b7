"""Read one repository: what an executor runs. Requests and answers are plain values."""

from __future__ import annotations

import enum
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import cast

import attrs

from modelversions.catalog.listing import Listing
from modelversions.catalog.sources import Source
from modelversions.errors import ModelVersionsError, RemoteTimeoutError, RepositoryError
from modelversions.git.store import ReadStore, RemoteOptions, Store, TagObject, TagRef
from modelversions.model.snapshot import SnapshotCache, find_latest
from modelversions.write.allowed_stages import FILE

_CLOSE_AGAIN = 0.1
"""The seconds between attempts to end the requests of a store whose time is over."""


class Question(enum.IntEnum):
    """What a repository is asked; each includes what the ones before it need."""

    TAGS = 0
    """The names of tags."""
    LATEST = 1
    """What latest versions need: tag names, and few of the tag objects."""
    EVENTS = 2
    """All tag objects."""


@attrs.frozen
class Request:
    """A repository and a question, with what is known already."""

    source: Source
    question: Question | None
    """None: the tags need not be listed."""
    wants_file: bool
    """Whether the ``.gto`` file is read too."""
    timeout: float | None
    digest: bytes | None
    """The digest of the listing for which the question was answered, if it was."""
    known: frozenset[str]
    """The ids of the tag objects that were read."""
    objects: Mapping[str, TagObject] = attrs.field(factory=dict, repr=False)
    """Those of them that latest versions may need."""
    peels: Mapping[str, str | None] = attrs.field(factory=dict, repr=False)
    """The commits of tags that were peeled before, by id."""


@attrs.frozen
class Reading:
    """The answer of a repository."""

    listing: Listing | None
    """None if it is the known one, or was not requested."""
    objects: Mapping[str, TagObject] = attrs.field(factory=dict, repr=False)
    """The tag objects that were read, by id."""
    peels: Mapping[str, str | None] = attrs.field(factory=dict, repr=False)
    """The commits of tags that were peeled, by id; None for tags that are no event's."""
    is_shallow: bool = False
    file: tuple[bytes | None] | None = None
    """The content of the ``.gto`` file, which may not exist; None if it was not requested."""


Answer = Reading | ModelVersionsError


def run(request: Request) -> Answer:
    """Open the repository, answer the request, and close it; never raise."""
    try:
        store = open_source(request.source, request.timeout)
    except ModelVersionsError as error:
        return error
    return answer(store, request)


def answer(store: Store, request: Request) -> Answer:
    """Answer a request with a store that is open, and close its connections; never raise."""
    try:
        with limited(store, request.timeout):
            return _read(store, request)
    except ModelVersionsError as error:
        return error
    except Exception as error:  # noqa: BLE001  # one repository must not end the whole
        return failed(request.source, error)


def failed(source: Source, error: BaseException) -> RepositoryError:
    """Return the error of a repository for one that the library does not define."""
    found = RepositoryError(
        f"{source.shown!r} cannot be read: {type(error).__name__}: {error}", location=source.shown
    )
    found.__cause__ = error
    return found


def open_source(source: Source, timeout: float | None) -> Store:
    """Return the store of a source; no server is contacted yet."""
    from modelversions.git.open import open_store

    return open_store(
        source.location, RemoteOptions(source.credentials, None, timeout, source.commit_url)
    )


@contextmanager
def limited(store: Store, timeout: float | None) -> Iterator[None]:
    """Close a store at the end; and when a server takes too long in all.

    Raises:
        RemoteTimeoutError: it took longer than ``timeout`` seconds.
    """
    done, expired = threading.Event(), threading.Event()

    def expire() -> None:
        if not done.wait(timeout):
            expired.set()
        while not done.is_set():  # the store connects again if it has more to request
            store.close()
            done.wait(_CLOSE_AGAIN)

    if timeout is not None and not store.is_local:
        threading.Thread(target=expire, daemon=True).start()
    try:
        yield
    except RepositoryError as error:
        if not expired.is_set() or isinstance(error, RemoteTimeoutError):
            raise
        raise RemoteTimeoutError(
            f"{store.location!r} took longer than {timeout:g} s in all; pass a greater timeout=",
            location=store.location,
        ) from error
    finally:
        done.set()
        store.close()


def _read(store: Store, request: Request) -> Reading:
    file: tuple[bytes | None] | None = None
    if request.wants_file:
        with suppress(RepositoryError):  # problems() reads it again, and reports the error
            file = (store.read_file(FILE),)
    if request.question is None:
        return Reading(None, file=file)
    refs = store.tags()
    listing = Listing.of(refs)
    if listing.digest == request.digest:
        return Reading(None, file=file)
    recorder = _Recorder(store, refs, request)
    if request.question is Question.LATEST:
        find_latest(SnapshotCache(cast("ReadStore", recorder)).all().values())
    elif request.question is Question.EVENTS:
        recorder.read_new()
    return Reading(listing, recorder.objects, recorder.peels, store.is_shallow, file)


class _Recorder:
    """The tags of a store as they were listed, with a record of what is read of them."""

    def __init__(self, store: Store, refs: Sequence[TagRef], request: Request) -> None:
        self._store = store
        self._refs = refs
        self._request = request
        self.objects: dict[str, TagObject] = {}
        self.peels: dict[str, str | None] = {}
        self.find_pages = store.find_pages
        self.replaced = store.replaced

    def tags(self, prefixes: Sequence[str] = ("",)) -> list[TagRef]:
        wanted = tuple(prefixes)
        return [ref for ref in self._refs if ref.name.startswith(wanted)]

    def read(self, refs: Iterable[TagRef]) -> list[TagObject]:
        known = self._request.objects
        listed = list(refs)
        found = self._read([ref for ref in listed if ref.id not in known])
        return [found.get(ref.id) or known[ref.id] for ref in listed]

    def peel(self, refs: Iterable[TagRef], *, verify: bool = False) -> list[str | None]:
        read = self._request.objects
        known = {**self._request.peels, **{id: tag.commit for id, tag in read.items()}}
        listed = list(refs)
        new = [ref for ref in listed if ref.id not in known]
        peeled = self._store.peel(new, verify=verify)
        self.peels.update((ref.id, commit) for ref, commit in zip(new, peeled))
        return [self.peels.get(ref.id, known.get(ref.id)) for ref in listed]

    def read_new(self) -> None:
        self._read([ref for ref in self._refs if ref.id not in self._request.known])

    def _read(self, refs: Sequence[TagRef]) -> dict[str, TagObject]:
        """Read objects, by id, and keep them for the answer."""
        found = {ref.id: tag for ref, tag in zip(refs, self._store.read(refs))}
        self.objects.update(found)
        return found
