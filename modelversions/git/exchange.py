"""Push and fetch tags between a local repository and a remote; overwrite none."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TypeVar

from dulwich.object_store import DiskObjectStore, MemoryObjectStore
from dulwich.objects import ObjectID
from dulwich.pack import UnpackedObject
from dulwich.refs import HEADREF

from modelversions.errors import (
    InvalidArgumentError,
    ModelVersionsError,
    PartlyDeletedError,
    RemoteError,
    RepositoryError,
    WriteConflictError,
    redact,
    set_message,
)
from modelversions.git.deletion import Deletion
from modelversions.git.local.local_refs import NewRef
from modelversions.git.local.local_store import LocalStore
from modelversions.git.local.open_repository import OpenRepository
from modelversions.git.local.single_refs import ids_below, lookup
from modelversions.git.local_remote import LocalRemote
from modelversions.git.objects.object_checks import are_checked, first_invalid
from modelversions.git.objects.outgoing import Outgoing, links, pack_objects
from modelversions.git.objects.received_packs import new_pack, store_in_memory, store_pack
from modelversions.git.objects.tag_reader import TagReader
from modelversions.git.pre_push import PrePushHook
from modelversions.git.remote.error_translation import AtomicPushError, cannot_push, rejected
from modelversions.git.remote.remote_store import RemoteStore
from modelversions.git.remote.transport import HAVES, Transport
from modelversions.git.remotes import RemoteUrls
from modelversions.git.store import TAGS, ReadStore, RemoteOptions, TagRef
from modelversions.git.tag_object import reflog_entry
from modelversions.git.urls import Url

Stored = TypeVar("Stored")

_Endpoint = Transport | LocalRemote


def connect(store: ReadStore, remote: object) -> ConnectedRemote:
    """Connect a local repository with a remote.

    Args:
        store: the local repository.
        remote: the name of a remote, a URL or a path; or the store of another repository.

    Raises:
        RepositoryNotFoundError: there is no such remote.
        InvalidArgumentError: the store is not local.
        DubiousOwnershipError: another user owns the repository; its configuration may name any
            server.
    """
    if not isinstance(store, LocalStore):
        raise InvalidArgumentError(
            f"{store.location!r} is a server, where changes are made at once; push and fetch need "
            "a local repository",
            argument="remote",
            value=remote,
        )
    if isinstance(remote, (LocalStore, RemoteStore)):
        return ConnectedRemote(store.opened, remote, remote.location, store.options)
    store.opened.programs.require_trusted("using its remotes")
    config = store.opened.config.stack()
    urls = RemoteUrls.of(remote, config, getattr(store.repo, "path", "."))
    return ConnectedRemote(store.opened, urls, str(remote), store.options)


class ConnectedRemote:
    """A remote, connected with a local repository.

    It opens the local repository again, so that a slow server does not block its other users.
    """

    def __init__(
        self,
        local: OpenRepository,
        remote: RemoteUrls | LocalStore | RemoteStore,
        name: str,
        options: RemoteOptions,
    ) -> None:
        """Connect a repository with a remote.

        Args:
            local: the local repository.
            remote: the URLs to fetch from and to push to, or another repository.
            name: the remote's name, for the hook.
            options: how to connect.
        """
        self._local = local.reopened()
        self._repo = self._local.repo
        self._programs = self._local.programs
        self._refs = self._local.refs
        self._files = self._local.files
        self._options = options
        self._hook = PrePushHook(self._programs, redact(name))
        self._own: list[_Endpoint] = []
        """The endpoints that ``close`` closes."""
        self._source, self._sinks = self._endpoints(remote)
        self.location = ", ".join(sink.location for sink in self._sinks)

    def _endpoints(
        self, remote: RemoteUrls | LocalStore | RemoteStore
    ) -> tuple[_Endpoint, Sequence[_Endpoint]]:
        """Return the endpoint to fetch from, and the endpoints to push to."""
        if isinstance(remote, RemoteStore):
            return remote.transport, [remote.transport]
        if isinstance(remote, LocalStore):
            self._own = [LocalRemote(remote, self._programs.config, self._options)]
            return self._own[0], self._own
        self._own = [self._endpoint(url) for url in (remote.fetch, *remote.push)]
        return self._own[0], self._own[1:]

    def _endpoint(self, url: Url) -> _Endpoint:
        if url.scheme == "file":
            return LocalRemote(url, self._programs.config, self._options)
        return Transport(url, self._programs, self._options)

    @property
    def _log(self) -> bytes:
        """The reflog entry of a fetched tag."""
        return reflog_entry(self._programs.config, "fetch: storing tag")

    def close(self) -> None:
        """Close the connections."""
        for endpoint in self._own:
            endpoint.close()
        self._local.close()

    def list_tags(self) -> list[TagRef]:
        """List the remote's tags."""
        return self._source.tags([""])

    def list_targets(self, prefixes: Sequence[str]) -> list[TagRef]:
        """List the tags that begin with a prefix, of each URL to push to."""
        return [tag for sink in self._sinks for tag in sink.tags(prefixes)]

    def push(self, refs: Sequence[TagRef]) -> list[TagRef]:
        """Push tags that the remote lacks, atomically if it supports that.

        If the remote has several ``pushurl``, the tags are pushed to each. As in Git, an error at
        one does not stop the others; it is raised at the end.
        """
        existing: list[list[TagRef]] = []
        failure: ModelVersionsError | None = None
        done: list[str] = []
        for sink in self._sinks:
            try:
                existing.append(self._send_to(sink, refs))
                done.append(sink.location)
            except ModelVersionsError as error:
                failure = failure or error
        if failure is not None:
            if done:
                set_message(failure, f"{failure}; the tags were pushed to {', '.join(done)}")
            raise failure
        return _merged(refs, existing)

    def _send_to(self, sink: _Endpoint, refs: Sequence[TagRef]) -> list[TagRef]:
        self._check_sink(sink)
        try:
            return self._send(sink, refs, atomic=len(refs) > 1)
        except AtomicPushError:
            return self._send(sink, refs, atomic=False)

    def delete(self, refs: Sequence[TagRef]) -> list[str]:
        """Delete the tags that the remote has, atomically if it supports that; return their names.

        If the remote has several ``pushurl``, the tags are deleted at each, until an error.
        """
        for sink in self._sinks:
            if isinstance(sink, LocalRemote) and sink.is_in(self._repo):
                raise InvalidArgumentError(
                    f"push= names this repository itself, {sink.location!r}; pass the remote",
                    argument="push",
                    value=sink.location,
                )
        deleted: dict[str, None] = {}
        done: list[str] = []
        for sink in self._sinks:
            try:
                self._check_sink(sink)
                deleted.update(dict.fromkeys(Deletion(sink, refs, self._hook).run()))
            except ModelVersionsError as error:
                if not deleted:
                    raise
                tags = (*deleted, *getattr(error, "tags", ()))
                raise PartlyDeletedError(
                    f"{', '.join(map(repr, deleted))} deleted at {', '.join(done)}, but not at "
                    f"{sink.location!r}: {error}; nothing was deleted locally, fix this, then call "
                    "delete_tags() again",
                    tags=tuple(dict.fromkeys(tags)),
                    location=self.location,
                ) from error
            done.append(sink.location)
        return list(deleted)

    def fetch(self, refs: Sequence[TagRef]) -> tuple[list[TagRef], list[TagRef]]:
        """Fetch the objects, then create the refs that do not exist."""
        new = self._fetch([ref.id for ref in refs])
        self._check_objects(new)
        self._check_complete(new)
        kinds = self._files.types({ref.id for ref in refs})
        missing = next((id for id, kind in kinds.items() if not kind), None)
        if missing is not None:
            raise self._incomplete(missing)
        with self._programs.config.held():
            return self._create([ref for ref in refs if kinds[ref.id] == "tag"])

    def _create(self, refs: Sequence[TagRef]) -> tuple[list[TagRef], list[TagRef]]:
        """Create all refs at once, or one by one if one cannot be created.

        Returns:
            The refs that were created, and those that conflict with existing ones.
        """
        log = self._log
        created: list[TagRef] = []
        conflicting: list[TagRef] = []
        batches = [list(refs)] if refs else []
        while batches:
            batch = batches.pop(0)
            try:
                self._refs.create([NewRef(ref.name, ref.id, log) for ref in batch])
            except WriteConflictError:
                batches += [[ref] for ref in batch] if len(batch) > 1 else []
                conflicting += batch if len(batch) == 1 else []
            else:
                created += batch
        return created, conflicting

    def _fetch(self, wants: Sequence[str]) -> list[ObjectID]:
        """Fetch objects and all that they refer to; return the ids of the new ones.

        Raises:
            RepositoryError: the object formats differ.
        """
        if any(len(want) != self._repo.object_format.hex_length for want in wants):
            raise RepositoryError(
                f"the object format of {self._source.location!r} differs from this repository's, "
                f"which is {self._repo.object_format.name}; fetch from a repository with the same "
                "object format",
                location=self._source.location,
            )
        store = self._repo.object_store
        walker = self._repo.get_graph_walker([ObjectID(id.encode()) for id in self._tips()])
        known = (id.decode("ascii") for id in iter(walker.next, None))
        haves = list(islice(known, HAVES))
        shallow = [id.decode("ascii") for id in self._repo.get_shallow()]
        wanted = list(dict.fromkeys(wants))
        if isinstance(store, DiskObjectStore):
            with self._writing(), new_pack(store) as (file, path):
                self._source.fetch_pack(wanted, file, haves=haves, shallow=shallow)
                return self._stored(lambda: store_pack(store, file, path))
        assert isinstance(store, MemoryObjectStore)
        content = io.BytesIO()
        self._source.fetch_pack(wanted, content, haves=haves, shallow=shallow)
        return self._stored(lambda: store_in_memory(store, content))

    def _stored(self, store: Callable[[], Stored]) -> Stored:
        """Store a fetched pack.

        Raises:
            RemoteError: the pack is broken; or, in memory, dulwich cannot parse one of its objects.
        """
        try:
            return store()
        except OSError:
            raise
        except Exception as error:
            raise RemoteError(
                f"{self._source.location!r} sent objects that cannot be stored: {error}; nothing "
                "was fetched, try again or use 'git fetch'",
                location=self._source.location,
            ) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except ModelVersionsError:  # some of them are OSErrors
            raise
        except OSError as error:
            raise RepositoryError(
                f"the objects that were fetched cannot be stored: {error}; check the permissions "
                "and the free space of the repository",
                location=self._local.location,
            ) from error

    def _check_objects(self, new: Sequence[ObjectID]) -> None:
        """Check new objects, if the configuration requires it.

        Raises:
            RemoteError: one is invalid.
        """
        if not are_checked(self._programs.config, "fetch"):
            return
        found = first_invalid(self._files, list(map(_text, new)), self._repo.object_format)
        if found is not None:
            raise RemoteError(
                f"{self._source.location!r} sent the object {found[0]}, which is invalid: "
                f"{found[1]}; nothing was fetched, as fetch.fsckObjects or transfer.fsckObjects is "
                "set",
                location=self._source.location,
            )

    def _check_complete(self, new: Sequence[ObjectID]) -> None:
        """Check that all objects exist to which new objects refer.

        Raises:
            RemoteError: an object was not sent.
        """
        width = self._repo.object_format.oid_length
        needed: dict[str, None] = {}
        for _, found in self._files.read_many(list(map(_text, new))):
            needed.update(dict.fromkeys(links(found, width)))
        missing = self._files.first_missing(needed)
        if missing is not None:
            raise self._incomplete(missing)

    def _incomplete(self, id: str) -> RemoteError:
        return RemoteError(
            f"{self._source.location!r} did not send {id}, to which its tags lead, so no tag was "
            "fetched; if it is a shallow clone, fetch from the repository that it was cloned from",
            location=self._source.location,
        )

    def _send(self, sink: _Endpoint, refs: Sequence[TagRef], *, atomic: bool) -> list[TagRef]:
        others: list[TagRef] = []

        def compute_updates(remote_refs: Mapping[str, str]) -> Mapping[str, str]:
            wanted = {f"{TAGS}{ref.name}": ref.id for ref in refs}
            others[:] = [
                TagRef(ref.removeprefix(TAGS), remote_refs[ref])
                for ref in wanted
                if ref in remote_refs
            ]
            updates = {ref: id for ref, id in wanted.items() if ref not in remote_refs}
            self._hook.run(sink.location, updates, remote_refs)
            return updates

        result = sink.send(compute_updates, self._pack, atomic=atomic)
        if result.refused:
            accepted = len(refs) - len(others) - len(result.refused)
            ref, reason = result.cause
            rest = f"other tags accepted: {accepted}; " if accepted else ""
            name = ref.removeprefix(TAGS)
            raise rejected(name, sink.location, reason, result.messages, rest)
        if result.unreported:
            raise RemoteError(
                f"{sink.location!r} did not report whether {min(result.unreported)!r} was updated; "
                "push again to find out",
                location=sink.location,
            )
        return others

    def _pack(
        self, have: set[ObjectID], want: set[ObjectID], shallow: Collection[str] = ()
    ) -> tuple[int, Iterator[UnpackedObject]]:
        haves = self._peel(map(_text, have))
        boundaries = dict.fromkeys([*map(_text, self._repo.get_shallow()), *shallow], ())
        outgoing = Outgoing(self._files, self._repo.object_format.oid_length, boundaries)
        ids = outgoing.objects(sorted(map(_text, want)), haves)
        missing = self._files.first_missing(ids)
        if missing is not None:
            path = getattr(self._repo, "path", "memory")
            raise RepositoryError(
                f"{path!r} lacks the object {missing}, which has to be pushed; in a partial clone "
                "use 'git push', which fetches it first",
                location=path,
            )
        return pack_objects(self._files, self._repo.object_store, ids)

    def _peel(self, ids: Iterable[str]) -> list[str]:
        """Return the commits that tag objects peel to; the ids of other objects unchanged."""
        kinds = self._files.types(dict.fromkeys(ids))
        tags = [id for id, kind in kinds.items() if kind == "tag"]
        commits = dict(zip(tags, TagReader(self._files).peel(tags)))
        return [commits.get(id) or id for id in kinds]

    def _tips(self) -> list[str]:
        """Return the commits of HEAD, branches, remote-tracking branches and tags."""
        refs = self._repo.refs
        ids: list[bytes | None] = [lookup(refs, HEADREF)]
        for base in (b"refs/heads/", b"refs/remotes/"):
            ids += ids_below(refs, base).values()
        tips = [id.decode("ascii") for id in ids if id]
        tags = islice(self._refs.tags([""]), HAVES)
        tips += self._peel(ref.peeled or ref.id for ref in tags)
        kinds = self._files.types(dict.fromkeys(tips))
        return [id for id, kind in kinds.items() if kind == "commit"]

    def _check_sink(self, sink: _Endpoint) -> None:
        """Check that a push is supported.

        Raises:
            PushRejectedError: dulwich cannot push objects with SHA-256 to a server.
        """
        if self._repo.object_format.name != "sha1" and isinstance(sink, Transport):
            raise cannot_push(
                sink.location,
                "pushing a SHA-256 repository to a server is not supported",
            )


def _merged(refs: Sequence[TagRef], existing: Sequence[Sequence[TagRef]]) -> list[TagRef]:
    """Return the tags that differ in one of several repositories, or exist in all of them."""
    found = []
    for ref in refs:
        tags = [one for several in existing for one in several if one.name == ref.name]
        other = next((one for one in tags if one.id != ref.id), None)
        if other is not None or len(tags) == len(existing):
            found.append(other or tags[0])
    return found


def _text(id: ObjectID) -> str:
    return id.decode("ascii")
