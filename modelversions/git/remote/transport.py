"""List refs, fetch objects and push refs."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import BinaryIO, Protocol

import attrs
from dulwich.client import GitClient
from dulwich.errors import SendPackError
from dulwich.object_format import DEFAULT_OBJECT_FORMAT, SHA256, ObjectFormat
from dulwich.objects import ZERO_SHA, ObjectID
from dulwich.pack import UnpackedObject
from dulwich.protocol import PEELED_TAG_SUFFIX
from dulwich.refs import HEADREF, Ref, check_ref_format

from modelversions.errors import RemoteError
from modelversions.git.objects.partial_pack import MAX_INFLATED, PackFile
from modelversions.git.objects.received_packs import Fetched
from modelversions.git.programs import Programs
from modelversions.git.remote.error_translation import sanitize
from modelversions.git.remote.http import without_listing
from modelversions.git.remote.session import MAX_ANSWER, Session, without_progress
from modelversions.git.store import TAGS, RemoteOptions, TagRef
from modelversions.git.urls import Url

ComputeUpdates = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Map the server's refs to new ids; an empty id deletes a ref."""


class PackOf(Protocol):
    """Returns the objects to send to a repository."""

    def __call__(
        self, have: set[ObjectID], want: set[ObjectID], shallow: Collection[str] = ()
    ) -> tuple[int, Iterator[UnpackedObject]]:
        """Return the number of objects, and the objects.

        Args:
            have: objects that the repository has.
            want: the objects to send, with all that they refer to.
            shallow: the commits whose parents the repository does not have.
        """


_ID = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")
_FILTER = re.compile("filter", re.IGNORECASE)
MAX_BYTES = 16 * 1024 * 1024
"""The maximum number of bytes of a pack from a server, unless only tags are fetched.

A server without filters sends files too, even if none are wanted.
"""
MAX_TAG_BYTES = 256 * 1024 * 1024
"""The maximum number of bytes of a pack of tag objects from a server."""
VERSION = 2
"""The version of Git's protocol to request."""
HAVES = 250
"""The maximum number of commits sent as "have" lines: dulwich sends no more than 256."""


@attrs.frozen
class Refs:
    """The refs of a server by full name: their ids, and the peeled ids of annotated tags."""

    ids: Mapping[str, str]
    peeled: Mapping[str, str]


@attrs.frozen
class PushResult:
    """The result of a push, as reported by the server."""

    refused: Mapping[str, str]
    """The server's reasons for refusing refs, by ref."""
    unreported: frozenset[str]
    """The refs for which it reported no status."""
    messages: str
    """The output of its hooks."""

    @property
    def cause(self) -> tuple[str, str]:
        """A refused ref and the reason; for an atomic push, the ref that made it fail."""
        causes = [ref for ref, reason in self.refused.items() if "atomic" not in reason]
        ref = next(iter(causes or self.refused))
        return ref, self.refused[ref]


class _Haves:
    """The commits that are sent as "have" lines, so that the server does not send them."""

    def __init__(self, commits: Iterable[str], shallow: Iterable[str]) -> None:
        self._commits = islice(commits, HAVES)
        self.shallow = {ObjectID(id.encode()) for id in shallow}
        """The commits whose parents are missing; dulwich sends them as "shallow" lines."""

    def __next__(self) -> ObjectID | None:
        return next((ObjectID(commit.encode()) for commit in self._commits), None)

    def ack(self, _id: ObjectID) -> None:
        """Do nothing."""

    def nak(self) -> None:
        """Do nothing."""


class _Push:
    """One push: computes the updates once the refs are listed, and collects the output."""

    def __init__(self, session: Session, compute_updates: ComputeUpdates, pack: PackOf) -> None:
        self._session = session
        self._compute_updates = compute_updates
        self._pack = pack
        self._output: list[bytes] = []
        self.updates: dict[Ref, ObjectID] = {}
        self.is_anonymous = False
        """Whether the server sends no ``agent``."""

    def run(self, client: GitClient, *, atomic: bool) -> Mapping[bytes, str | None]:
        """Push; return the status of each ref: None for success, or the reason of the refusal."""
        path = self._session.path
        try:
            sent = client.send_pack(
                path, self._update, self._pack_of, self._on_output, atomic=atomic
            )
        except SendPackError as error:
            return dict.fromkeys(self.updates, _text(error.args[0]))
        self.is_anonymous = sent.agent is None
        return sent.ref_status or {}

    def result(self, statuses: Mapping[bytes, str | None]) -> PushResult:
        """Return the result for the status of each ref."""
        refused = {ref: sanitize(reason) for ref, reason in statuses.items() if reason is not None}
        missing = [ref for ref in self.updates if ref not in statuses]
        return PushResult(
            refused={_text(ref): reason for ref, reason in refused.items() if ref in self.updates},
            unreported=frozenset(map(_text, missing)),
            messages=sanitize(without_progress(b"".join(self._output))),
        )

    def _update(self, old: Mapping[Ref, ObjectID]) -> dict[Ref, ObjectID]:
        self._session.reached = True
        new = self._compute_updates({_text(ref): _text(id) for ref, id in old.items()})
        for ref, id in new.items():
            self.updates[Ref(ref.encode())] = ObjectID(id.encode()) if id else ZERO_SHA
        return self.updates

    def _on_output(self, data: bytes) -> None:
        self._output.append(data)
        self._session.on_progress(data)

    def _pack_of(
        self, have: Iterable[ObjectID], want: Iterable[ObjectID], **_: object
    ) -> tuple[int, Iterator[UnpackedObject]]:
        return self._pack(set(have), set(want))


class Transport:
    """A repository on a server: lists refs, fetches and pushes. Threads may share it."""

    def __init__(self, url: Url, programs: Programs, options: RemoteOptions) -> None:
        """Initialize with a URL; nothing is sent yet."""
        self._session = Session(url, programs, options)
        self.location = self._session.location

    def close(self) -> None:
        """Close the connection; the next request connects again."""
        self._session.close()

    def refs(self, prefixes: Sequence[str]) -> Refs:
        """List the refs whose names begin with one of ``prefixes``, in one request.

        As in Git, refs with invalid names are omitted: they may be malicious.
        """
        wanted = tuple(prefix.encode(errors="replace") for prefix in prefixes)
        found = self._session.send(
            lambda client: client.get_refs(
                self._session.path, protocol_version=VERSION, ref_prefix=wanted
            )
        )
        ids: dict[str, str] = {}
        peeled: dict[str, str] = {}
        for ref, id in sorted(found.refs.items()):
            bare = Ref(ref.removesuffix(PEELED_TAG_SUFFIX))
            if not (id and _ID.fullmatch(id) and ref.startswith(wanted)):  # old servers list all
                continue
            if bare == HEADREF or check_ref_format(bare):
                name = bare.decode(errors="replace")
                (ids if bare == ref else peeled)[name] = id.decode("ascii")
        return Refs(ids, peeled)

    def tags(self, prefixes: Sequence[str]) -> list[TagRef]:
        """List the tags whose names begin with one of ``prefixes``, with their peeled ids.

        If the server lists no peeled ids, they are unknown: either it has only lightweight tags, or
        it never lists them.
        """
        found = self.refs([TAGS + prefix for prefix in prefixes])
        lists_peeled = bool(found.peeled)
        return [
            TagRef(ref.removeprefix(TAGS), id, found.peeled.get(ref, id if lists_peeled else None))
            for ref, id in found.ids.items()
        ]

    def fetch(
        self,
        wants: Sequence[str],
        *,
        haves: Sequence[str] = (),
        depth: int | None = None,
        filter: str | None = None,
        bounded: bool = True,
    ) -> Fetched:
        """Fetch objects into memory.

        At most ``MAX_BYTES`` bytes are accepted; ``MAX_TAG_BYTES`` if ``haves`` is given and
        ``filter`` is not.

        Args:
            wants: the ids of the objects.
            haves: up to 250 commits; neither they nor the objects that they refer to are sent.
            depth: the number of generations of commits; None for all except ``haves``.
            filter: a filter for objects. If the server does not support filters, the transfer ends
                after the commits, tags and the first tree.
            bounded: whether the number of bytes is limited.
        """
        tags_only = haves and filter is None
        max_bytes = None if not bounded else MAX_TAG_BYTES if tags_only else MAX_BYTES
        pack = PackFile(max_bytes, format=_format(wants), start_only=filter is not None)
        try:
            self._filtered(wants, pack, haves, depth, filter)
        except RemoteError:
            if not (pack.is_truncated and filter is not None and pack.start().has_all_commits):
                raise
            return self._session.send(lambda _: _fetched(pack))
        objects = Fetched(pack.format)
        limit = MAX_INFLATED if bounded else None
        self._session.send(lambda _: objects.add_pack_file(pack, limit))
        return objects

    def _filtered(
        self,
        wants: Sequence[str],
        pack: PackFile,
        haves: Sequence[str],
        depth: int | None,
        filter: str | None,
    ) -> None:
        """Fetch a pack with a filter, or without it if the server does not support the filter."""
        try:
            self.fetch_pack(wants, pack, haves=haves, depth=depth, filter=filter, limit=pack.limit)
        except RemoteError as error:
            if filter is None or pack.is_truncated or not _FILTER.search(str(error)):
                raise
            pack.truncate(0)
            pack.seek(0)
            self.fetch_pack(wants, pack, haves=haves, depth=depth, limit=pack.limit)

    def fetch_pack(
        self,
        wants: Sequence[str],
        file: BinaryIO,
        *,
        haves: Iterable[str] = (),
        shallow: Iterable[str] = (),
        depth: int | None = None,
        filter: str | None = None,
        limit: int | None = None,
    ) -> None:
        """Fetch objects as a pack into a file; see ``fetch``.

        ``shallow`` are the commits whose parents are missing locally, ``limit`` is the maximum
        number of bytes of the pack.
        """
        ids = [ObjectID(want.encode()) for want in wants]

        def write(data: bytes) -> int:
            self._session.report(file.tell() + len(data), None, "bytes received")
            return file.write(data)

        def fetch(client: GitClient) -> None:
            with without_listing(client):
                client.fetch_pack(
                    self._session.path,
                    lambda _refs, depth=None: ids,  # noqa: ARG005  # dulwich passes it by name
                    _Haves(haves, shallow),
                    write,
                    progress=self._session.on_progress,
                    depth=depth,
                    ref_prefix=[HEADREF],
                    filter_spec=None if filter is None else filter.encode(),
                    protocol_version=VERSION,
                )

        self._session.send(fetch, None if limit is None else limit + MAX_ANSWER)
        self._session.report(file.tell(), file.tell(), "bytes received")

    def send(
        self,
        compute_updates: ComputeUpdates,
        pack: PackOf,
        *,
        atomic: bool,
    ) -> PushResult:
        """Push: update refs that have not changed since they were listed.

        Args:
            compute_updates: maps the server's refs to new ids; an empty id deletes a ref. It may
                raise.
            pack: returns the objects to send.
            atomic: whether all updates must succeed or none.

        Raises:
            AtomicPushError: the server does not support atomic pushes; nothing changed.
        """
        push = _Push(self._session, compute_updates, pack)
        statuses = self._session.send(lambda client: push.run(client, atomic=atomic))
        accepted = {ref: id for ref, id in push.updates.items() if statuses.get(ref, "") is None}
        if push.is_anonymous and accepted:
            statuses = {**statuses, **self._not_set(accepted)}
        return push.result(statuses)

    def _not_set(self, updates: Mapping[Ref, ObjectID]) -> dict[bytes, str | None]:
        """Return a reason for each ref that the server did not set as requested.

        dulwich's ``ReceivePackHandler`` (1.2.21, also in klaus) reports "ok" for a ref that it did
        not set because the ref had changed: it ignores the results of ``set_if_equals`` and
        ``remove_if_equals``. Unlike C git and JGit, it sends no ``agent``, so only servers without
        one are checked. Upstream, a result of False has to become a refusal.
        """
        ids = self.refs([_text(ref) for ref in updates]).ids
        wanted = {ref: "" if id == ZERO_SHA else _text(id) for ref, id in updates.items()}
        return {
            ref: "the server did not set it: it was changed concurrently"
            for ref, id in wanted.items()
            if ids.get(_text(ref), "") != id
        }


def _format(ids: Sequence[str]) -> ObjectFormat:
    wide = len(ids[0]) > DEFAULT_OBJECT_FORMAT.hex_length
    return SHA256 if wide else DEFAULT_OBJECT_FORMAT


def _fetched(pack: PackFile) -> Fetched:
    """Return the objects at the start of a truncated pack."""
    objects = Fetched(pack.format)
    objects.add_start(pack.start())
    return objects


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
