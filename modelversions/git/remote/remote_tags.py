"""Fetch tag objects of a server, without their commits, and cache them: they never change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

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
        """Fetch tags; if the server fails at one, find that one, and fetch the others.

        Raises:
            RemoteError: the server fails at all requests.
        """
        try:
            found = self._taken(refs, self._fetched(refs))
        except RemoteTimeoutError:
            raise
        except RemoteError as error:
            if error.status is not None:  # it refuses all requests
                raise
            self._transport.refs(["HEAD"])  # raises if the server fails at this too
            if len(refs) == 1:
                issue = (ProblemKind.MISSING, f"the server cannot send it: {error}")
                return {refs[0].id: no_event(issue)}
            half = len(refs) // 2
            return {**self._read(refs[:half]), **self._read(refs[half:])}
        for ref in refs:
            if found[
                ref.id
            ].is_unreadable:  # perhaps a tag without a time, which needs its commit (F10)
                found |= self._late(ref)
        return found

    def _late(self, ref: TagRef) -> dict[str, TagObject]:
        """Read a tag together with its commit."""
        try:
            objects = self._transport.fetch([ref.id], depth=1, filter=NO_TREES)
        except RemoteError as error:
            if error.status is not None:
                raise
            issue = (ProblemKind.MISSING, f"the server cannot send its commit: {error}")
            return {ref.id: no_event(issue)}
        return self._taken([ref], objects)

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
        return reader.read([ref.id for ref in refs])


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
