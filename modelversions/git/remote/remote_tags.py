"""Fetch tag objects from a server without their commits, and cache them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from dulwich.repo import MemoryRepo

from modelversions.errors import RemoteError, RemoteTimeoutError
from modelversions.git.objects.object_files import ObjectFiles
from modelversions.git.objects.pack_files import Raw
from modelversions.git.objects.received_packs import Fetched
from modelversions.git.objects.tag_reader import LIGHTWEIGHT, TagReader, not_an_event
from modelversions.git.remote.transport import HAVES, Transport
from modelversions.git.store import RemoteOptions, TagObject, TagRef
from modelversions.values.problem import ProblemKind

NO_TREES = "tree:0"
"""The filter that omits all objects except commits and tags."""


class RemoteTags:
    """Reads the tag objects of one server. They are cached, as they never change."""

    def __init__(self, transport: Transport, options: RemoteOptions) -> None:
        """Initialize with a transport; progress is reported to ``options``."""
        self._transport = transport
        self._options = options
        self._known: dict[str, TagObject] = {}

    def known(self, ref: TagRef) -> TagObject | None:
        """Return the cached tag object of a ref, or None."""
        return self._known.get(ref.id)

    def read(self, refs: Iterable[TagRef]) -> Mapping[str, TagObject]:
        """Return the objects that refs name, by object id; see ``RemoteStore.read``."""
        listed = {ref.id: ref for ref in refs}
        unknown = [ref for ref in listed.values() if ref.id not in self._known]
        found = {ref.id: LIGHTWEIGHT for ref in unknown if ref.peeled == ref.id}
        for batch in _batches([ref for ref in unknown if ref.id not in found], self._options):
            read = self._read(batch)
            found.update(read)
            self._known.update({id: one for id, one in read.items() if not one.is_unreadable})
        return {id: found.get(id) or self._known[id] for id in listed}

    def raw(self, ref: TagRef) -> Raw:
        """Fetch the type and the bytes of one tag object."""
        return ObjectFiles(in_memory(self._fetched([ref])), self._transport.location).raw(ref.id)

    def _read(self, refs: Sequence[TagRef]) -> dict[str, TagObject]:
        """Fetch tags; then fetch those without a time again, with their commits (F10).

        Raises:
            RemoteError: the server fails at all requests.
        """
        fetcher = _BisectingFetch(
            lambda batch: self._parse_fetched(batch, self._fetched(batch)), self._check
        )
        fetcher.add(refs)
        without_time = [
            ref for ref in refs if ref.id in fetcher.found and fetcher.found[ref.id].is_unreadable
        ]
        if without_time:
            fetcher.fetch = lambda batch: self._parse_fetched(batch, self._with_commits(batch))
            fetcher.add(without_time)
        if fetcher.failed:
            self._check()
        return fetcher.found | fetcher.failed

    def _check(self) -> None:
        """Check that the server answers another request.

        Raises:
            RemoteError: it does not.
        """
        self._transport.refs(["HEAD"])

    def _with_commits(self, refs: Sequence[TagRef]) -> Fetched:
        wants = list(dict.fromkeys(ref.id for ref in refs))
        return self._transport.fetch(wants, depth=1, filter=NO_TREES)

    def _fetched(self, refs: Sequence[TagRef]) -> Fetched:
        wants = list(dict.fromkeys(ref.id for ref in refs))
        haves = sorted({ref.peeled for ref in refs if ref.peeled})
        if haves and all(ref.peeled for ref in refs):
            return self._transport.fetch(wants, haves=haves)
        # some commits are unknown, so they are fetched too
        return self._transport.fetch(wants, haves=haves, depth=1, filter=NO_TREES)

    def _parse_fetched(self, refs: Sequence[TagRef], objects: Fetched) -> dict[str, TagObject]:
        """Parse fetched tag objects."""
        # the server has peeled these tags
        commits = [ref.peeled for ref in refs if ref.peeled]
        reader = TagReader(ObjectFiles(in_memory(objects), self._transport.location), commits)
        ids = [ref.id for ref in refs]
        return dict(zip(ids, reader.read(ids)))


class _BisectingFetch:
    """Fetches tags at once; if the server fails, finds by bisection the tags at which it fails."""

    def __init__(
        self,
        fetch: Callable[[Sequence[TagRef]], Mapping[str, TagObject]],
        check: Callable[[], None],
    ) -> None:
        """Initialize with functions.

        Args:
            fetch: fetches tags.
            check: raises an error if the server fails at all requests.
        """
        self.fetch = fetch
        self._check = check
        self.found: dict[str, TagObject] = {}
        self.failed: dict[str, TagObject] = {}
        """The tags at which the server failed, by object id."""

    def add(self, refs: Sequence[TagRef]) -> None:
        """Fetch tags, and add them to ``found`` or ``failed``.

        Raises:
            RemoteError: the server refuses all requests, or does not answer.
        """
        error = self._failure(refs)
        if error is not None:
            if not self.found:
                self._check()
            self._bisect(refs, error)

    def _failure(self, refs: Sequence[TagRef]) -> RemoteError | None:
        try:
            self.found.update(self.fetch(refs))
        except RemoteTimeoutError:
            raise
        except RemoteError as error:
            if error.status is not None:
                raise
            return error
        return None

    def _bisect(self, refs: Sequence[TagRef], error: RemoteError) -> None:
        """Fetch both halves of a list of tags at which the server failed."""
        if len(refs) == 1:
            issue = (ProblemKind.MISSING, f"the server cannot send it: {error}")
            self.failed[refs[0].id] = not_an_event(issue)
            return
        first, second = refs[: len(refs) // 2], refs[len(refs) // 2 :]
        first_error = self._failure(first)
        if first_error is not None:
            self._bisect(first, first_error)
        if first_error is None and len(second) > 1:  # the failure was at one of these
            self._bisect(second, error)
        else:
            self.add(second)


def _batches(refs: Sequence[TagRef], options: RemoteOptions) -> Iterator[list[TagRef]]:
    """Yield the refs in lists with at most ``HAVES`` different commits."""
    batch: list[TagRef] = []
    commits: set[str | None] = set()
    done = 0
    for ref in refs:
        if len(commits) == HAVES and ref.peeled not in commits:
            yield batch
            done += len(batch)
            options.report(done, len(refs), "tags read")
            batch, commits = [], set()
        batch.append(ref)
        commits.add(ref.peeled)
    if batch:
        yield batch
        options.report(len(refs), len(refs), "tags read")


def in_memory(objects: Fetched) -> MemoryRepo:
    """Return a repository in memory that contains fetched objects."""
    repo = MemoryRepo()
    repo.object_store = objects
    repo.object_format = objects.object_format
    return repo
