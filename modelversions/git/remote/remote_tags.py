"""Fetch tag objects of a server, without their commits, and cache them: they never change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from dulwich.repo import MemoryRepo

from modelversions.errors import RemoteError, RemoteTimeoutError
from modelversions.git.objects.object_files import ObjectFiles
from modelversions.git.objects.pack_files import Raw
from modelversions.git.objects.received_packs import Fetched
from modelversions.git.objects.tag_reader import LIGHTWEIGHT, TagReader, no_event
from modelversions.git.remote.transport import HAVES, Transport
from modelversions.git.store import RemoteOptions, TagObject, TagRef
from modelversions.values.problem import ProblemKind

NO_TREES = "tree:0"
"""The filter that leaves out all but commits and tags."""


class RemoteTags:
    """Reads the tag objects of one server."""

    def __init__(self, transport: Transport, options: RemoteOptions) -> None:
        """Fetch with ``transport``, and report the progress to ``options``."""
        self._transport = transport
        self._options = options
        self._known: dict[str, TagObject] = {}

    def known(self, ref: TagRef) -> TagObject | None:
        """Return the cached tag object of a ref, or None."""
        return self._known.get(ref.id)

    def read(self, refs: Iterable[TagRef]) -> Mapping[str, TagObject]:
        """Read the objects that refs name, by object id; see ``RemoteStore``."""
        listed = {ref.id: ref for ref in refs}
        unknown = [ref for ref in listed.values() if ref.id not in self._known]
        found = {ref.id: LIGHTWEIGHT for ref in unknown if ref.peeled == ref.id}
        for batch in _batches([ref for ref in unknown if ref.id not in found], self._options):
            read = self._read(batch)
            found.update(read)
            self._known.update({id: one for id, one in read.items() if not one.is_unreadable})
        return {id: found.get(id) or self._known[id] for id in listed}

    def raw(self, ref: TagRef) -> Raw:
        """Fetch one tag object's bytes."""
        return ObjectFiles(in_memory(self._fetched([ref])), self._transport.location).raw(ref.id)

    def _read(self, refs: Sequence[TagRef]) -> dict[str, TagObject]:
        """Fetch tags; then those without a time again, with their commits (F10).

        Raises:
            RemoteError: the server fails at all requests.
        """
        parts = _Parts(lambda part: self._taken(part, self._fetched(part)), self._check)
        parts.add(refs)
        late = [ref for ref in refs if ref.id in parts.found and parts.found[ref.id].is_unreadable]
        if late:
            parts.fetch = lambda part: self._taken(part, self._with_commits(part))
            parts.add(late)
        if parts.lost:
            self._check()
        return parts.found | parts.lost

    def _check(self) -> None:
        """Check that the server answers a request for something else."""
        self._transport.refs(["HEAD"])

    def _with_commits(self, refs: Sequence[TagRef]) -> Fetched:
        wants = list(dict.fromkeys(ref.id for ref in refs))
        return self._transport.fetch(wants, depth=1, filter=NO_TREES)

    def _fetched(self, refs: Sequence[TagRef]) -> Fetched:
        wants = list(dict.fromkeys(ref.id for ref in refs))
        haves = sorted({ref.peeled for ref in refs if ref.peeled})
        if haves and all(ref.peeled for ref in refs):
            return self._transport.fetch(wants, haves=haves)
        # their commits are unknown, so these are fetched too
        return self._transport.fetch(wants, haves=haves, depth=1, filter=NO_TREES)

    def _taken(self, refs: Sequence[TagRef], objects: Fetched) -> dict[str, TagObject]:
        """Parse fetched tag objects."""
        # the server has peeled these tags
        behind = [ref.peeled for ref in refs if ref.peeled]
        reader = TagReader(ObjectFiles(in_memory(objects), self._transport.location), behind)
        ids = [ref.id for ref in refs]
        return dict(zip(ids, reader.read(ids)))


class _Parts:
    """Fetches tags at once; if the server fails at some of them, finds these, by halves."""

    def __init__(
        self,
        fetch: Callable[[Sequence[TagRef]], Mapping[str, TagObject]],
        check: Callable[[], None],
    ) -> None:
        """Fetch by ``fetch``; ``check`` raises if the server fails at all requests."""
        self.fetch = fetch
        self._check = check
        self.found: dict[str, TagObject] = {}
        self.lost: dict[str, TagObject] = {}
        """Those at which the server failed."""

    def add(self, refs: Sequence[TagRef]) -> None:
        """Fetch tags.

        Raises:
            RemoteError: the server refuses all requests, or does not answer.
        """
        error = self._failure(refs)
        if error is not None:
            if not self.found:
                self._check()
            self._split(refs, error)

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

    def _split(self, refs: Sequence[TagRef], error: RemoteError) -> None:
        """Fetch the halves of tags at which the server failed."""
        if len(refs) == 1:
            issue = (ProblemKind.MISSING, f"the server cannot send it: {error}")
            self.lost[refs[0].id] = no_event(issue)
            return
        first, second = refs[: len(refs) // 2], refs[len(refs) // 2 :]
        first_error = self._failure(first)
        if first_error is not None:
            self._split(first, first_error)
        if first_error is None and len(second) > 1:  # the failure was at one of these
            self._split(second, error)
        else:
            self.add(second)


def _batches(refs: Sequence[TagRef], options: RemoteOptions) -> Iterator[list[TagRef]]:
    """Yield refs in lists with at most ``HAVES`` different commits."""
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
    """Return a repository of fetched objects."""
    repo = MemoryRepo()
    repo.object_store = objects
    repo.object_format = objects.object_format
    return repo
