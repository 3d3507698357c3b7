"""Read one repository, in an executor if there is one. Requests and results are plain values."""

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
"""The interval in seconds between attempts to end the requests of a store after its timeout."""


class ReadLevel(enum.IntEnum):
    """How much of a repository is read; each level includes the previous ones."""

    TAGS = 0
    """The names of tags."""
    LATEST = 1
    """The data for latest versions: tag names, and a few of the tag objects."""
    EVENTS = 2
    """All tag objects."""


@attrs.frozen
class Request:
    """A request to read a repository, with the data that is already known."""

    source: Source
    level: ReadLevel | None
    """None if the tags need not be listed."""
    wants_file: bool
    """Whether to read the ``.gto`` file too."""
    timeout: float | None
    digest: bytes | None
    """The digest of the listing for which this level was read; None if it was not."""
    known: frozenset[str]
    """The ids of the tag objects that were read."""
    objects: Mapping[str, TagObject] = attrs.field(factory=dict, repr=False)
    """The tag objects that may be needed for latest versions."""
    peels: Mapping[str, str | None] = attrs.field(factory=dict, repr=False)
    """The commits of tags that were peeled before, by id."""


@attrs.frozen
class Reading:
    """The data that was read from a repository."""

    listing: Listing | None
    """None if it did not change, or was not requested."""
    objects: Mapping[str, TagObject] = attrs.field(factory=dict, repr=False)
    """The tag objects that were read, by id."""
    peels: Mapping[str, str | None] = attrs.field(factory=dict, repr=False)
    """The commits of tags that were peeled, by id; None for tags that are not events."""
    is_shallow: bool = False
    file: tuple[bytes | None] | None = None
    """The content of the ``.gto`` file, which may not exist; None if it was not requested."""


Result = Reading | ModelVersionsError


def run(request: Request) -> Result:
    """Open the repository, execute the request, and close it. Errors are returned, not raised."""
    try:
        store = open_source(request.source, request.timeout)
    except ModelVersionsError as error:
        return error
    return execute(store, request)


def execute(store: Store, request: Request) -> Result:
    """Execute a request with an open store, and close its connections.

    Errors are returned, not raised.
    """
    try:
        with limited(store, request.timeout):
            return _read(store, request)
    except ModelVersionsError as error:
        return error
    except Exception as error:  # noqa: BLE001  # one repository must not end the query
        return wrap_error(request.source, error)


def wrap_error(source: Source, error: BaseException) -> RepositoryError:
    """Return the error of a repository for an exception that the library does not define."""
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
    """Close a store at the end, or when the total time of a server exceeds the timeout.

    Raises:
        RemoteTimeoutError: the server took longer than ``timeout`` seconds.
    """
    done, expired = threading.Event(), threading.Event()

    def expire() -> None:
        if not done.wait(timeout):
            expired.set()
        while not done.is_set():  # the store connects again if it has further requests
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
            f"{store.location!r} took longer than {timeout:g} s in total; pass a larger timeout=",
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
    if request.level is None:
        return Reading(None, file=file)
    refs = store.tags()
    listing = Listing.of(refs)
    if listing.digest == request.digest:
        return Reading(None, file=file)
    recorder = _Recorder(store, refs, request)
    if request.level is ReadLevel.LATEST:
        find_latest(SnapshotCache(cast("ReadStore", recorder)).all().values())
    elif request.level is ReadLevel.EVENTS:
        recorder.read_new()
    return Reading(listing, recorder.objects, recorder.peels, store.is_shallow, file)


class _Recorder:
    """The listed tags of a store; it records the objects that are read."""

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
        """Read and record objects, and return them by id."""
        found = {ref.id: tag for ref, tag in zip(refs, self._store.read(refs))}
        self.objects.update(found)
        return found
