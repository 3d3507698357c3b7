"""The repository at a path, as a remote.

dulwich's client for it (``LocalGitClient``) does not follow Git's rules for refs: it fails at refs
with irregular names, and ignores hidden refs, reflogs, the modes of a shared repository and shallow
boundaries. This module reads and writes the other repository as the local one is read and written.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO

from dulwich.object_store import DiskObjectStore, MemoryObjectStore
from dulwich.objects import ObjectID
from dulwich.pack import UnpackedObject, write_pack_data
from dulwich.repo import MemoryRepo, Repo

from modelversions.errors import ModelVersionsError, RemoteError, TagExistsError
from modelversions.git.config import GitConfig
from modelversions.git.local.discovery import open_repository
from modelversions.git.local.local_refs import NewRef
from modelversions.git.local.local_store import LocalStore
from modelversions.git.local.open_repository import OpenRepository
from modelversions.git.local.single_refs import ids_below
from modelversions.git.objects.object_checks import are_checked, first_invalid
from modelversions.git.objects.object_files import ObjectFiles
from modelversions.git.objects.outgoing import Outgoing, links, pack_objects
from modelversions.git.objects.pack_files import TYPES
from modelversions.git.objects.received_packs import new_pack, store_in_memory, store_pack
from modelversions.git.protocols import check_protocol
from modelversions.git.remote.error_translation import cannot_push
from modelversions.git.remote.transport import ComputeUpdates, PackOf, PushResult
from modelversions.git.store import TAGS, RemoteOptions, TagRef
from modelversions.git.tag_object import reflog_entry
from modelversions.git.urls import Url

_HOOKS = ("pre-receive", "update", "proc-receive", "post-receive", "post-update")


class LocalRemote:
    """Another repository on this machine: lists its tags, copies its objects, pushes to it."""

    def __init__(self, other: Url | LocalStore, config: GitConfig, options: RemoteOptions) -> None:
        """Initialize with a path or a store; the repository is opened on first use.

        Args:
            other: a URL whose scheme is ``file``, or the store of another repository.
            config: the configuration of the repository that connects to it.
            options: options for remotes.
        """
        self.location = str(other) if isinstance(other, Url) else other.location
        self._other = other
        self._config = config
        self._options = options
        self._opened: _Opened | None = None

    def close(self) -> None:
        """Close the repository."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def tags(self, prefixes: Sequence[str]) -> list[TagRef]:
        """List the tags that can be fetched; the peeled id of a lightweight tag is its own id."""
        opened = self._open("fetching from it")
        hidden = opened.hidden("uploadpack")
        refs = [ref for ref in opened.refs.tags(prefixes) if not _hides(hidden, TAGS + ref.name)]
        types = opened.files.types({ref.id for ref in refs})
        return [
            ref if types[ref.id] == "tag" else ref._replace(peeled=ref.id)
            for ref in refs
            if types[ref.id]
        ]

    def fetch_pack(
        self,
        wants: Sequence[str],
        file: BinaryIO,
        *,
        haves: Iterable[str] = (),
        shallow: Iterable[str] = (),
    ) -> None:
        """Write a pack with the objects that ``wants`` need and ``haves`` do not.

        Args:
            wants: the ids of objects.
            file: the file.
            haves: commits that the receiver has.
            shallow: the commits whose parents the receiver does not have.

        Raises:
            RemoteError: an object is missing.
        """
        opened = self._open("fetching from it")
        boundaries = {*shallow, *opened.shallow}
        ids = opened.outgoing(boundaries).objects(wants, haves)
        missing = opened.files.first_missing(ids)
        if missing is not None:
            raise RemoteError(
                f"{self.location!r} lacks the object {missing}, to which its tags lead, so nothing "
                "was fetched; if it is a partial clone, fetch from the repository that it was "
                "cloned from",
                location=self.location,
            )
        count, entries = pack_objects(opened.files, opened.repo.object_store, ids)
        done = self._reported(entries, count)
        write_pack_data(file.write, done, opened.repo.object_format, num_records=count)

    def send(self, compute_updates: ComputeUpdates, pack: PackOf, *, atomic: bool) -> PushResult:
        """Push: create refs, all or none, whatever ``atomic`` is.

        Args:
            compute_updates: maps the current refs to new ids.
            pack: returns the objects to send.
            atomic: not used, as the refs are created in one transaction.

        Raises:
            PushRejectedError: Git would refuse the push, or run a hook.
            WriteConflictError: a ref cannot be created; none was.
            RemoteError: the objects cannot be stored.
        """
        del atomic
        opened = self._open("pushing to it")
        while True:
            known = {ref: id.decode("ascii") for ref, id in opened.all_refs()}
            updates = compute_updates({**known, **opened.tag_ids()})
            try:
                if updates:
                    self._update(opened, updates, known, pack)
            except TagExistsError as error:
                if f"{TAGS}{error.tag}" not in opened.tag_ids():
                    raise  # else another writer was faster
            else:
                return PushResult({}, frozenset(), "")

    def _update(
        self,
        opened: _Opened,
        updates: Mapping[str, str],
        known: Mapping[str, str],
        pack: PackOf,
    ) -> None:
        """Delete refs, or send objects and create refs; see ``send``."""
        self._check(opened, updates)
        if not all(updates.values()):
            opened.delete([TagRef(ref.removeprefix(TAGS), known[ref]) for ref in updates])
            return
        haves = {ObjectID(id.encode()) for id in known.values()}
        wants = {ObjectID(id.encode()) for id in updates.values()}
        count, entries = pack(haves, wants, opened.shallow)
        try:
            missing = opened.add(count, self._reported(entries, count))
        except OSError as error:
            if isinstance(error, ModelVersionsError):
                raise
            raise RemoteError(
                f"the objects cannot be stored in {self.location!r}: {error}; check the "
                "permissions and the free space of that repository",
                location=self.location,
            ) from error
        if missing is not None:
            raise cannot_push(
                self.location,
                f"the object {missing} is in neither repository, as one of them is a shallow or "
                "partial clone",
            )
        opened.create(updates)

    def is_in(self, repo: Repo | MemoryRepo) -> bool:
        """Return whether its tags are those of a repository, or of a work tree of it."""
        own = self._open("deleting tags from it").repo
        if not (isinstance(own, Repo) and isinstance(repo, Repo)):
            return own is repo
        return os.path.samefile(own.commondir(), repo.commondir())

    def _open(self, action: str) -> _Opened:
        """Open the repository, after the checks that Git makes.

        Raises:
            RepositoryNotFoundError: there is no repository.
            ConfigurationError: the protocol ``file`` is not allowed.
            DubiousOwnershipError: another user owns the repository.
        """
        other = self._other
        if isinstance(other, Url) or isinstance(other.repo, Repo):
            check_protocol("file", self._config)
        if self._opened is None:
            self._opened = _Opened(_open_other(other))
        self._opened.programs.require_trusted(action)
        return self._opened

    def _check(self, opened: _Opened, updates: Mapping[str, str]) -> None:
        """Check a push as ``git receive-pack`` does.

        Raises:
            PushRejectedError: Git would refuse it, or run a hook.
        """
        with opened.config.held():
            hook = next(filter(None, map(opened.programs.hook, _HOOKS)), None)
            if hook is not None:
                raise cannot_push(
                    self.location, f"it has the hook {hook!r}, which only Git can run"
                )
            values = opened.hidden("receive")
        hidden = next((ref for ref in updates if _hides(values, ref)), None)
        if hidden is not None:
            raise cannot_push(self.location, f"its configuration hides the ref {hidden!r}")
        if not all(map(opened.files.fits, filter(None, updates.values()))):
            raise cannot_push(
                self.location,
                f"its object format is {opened.repo.object_format.name}, unlike that of this "
                "repository",
            )

    def _reported(self, entries: Iterator[UnpackedObject], count: int) -> Iterator[UnpackedObject]:
        for number, entry in enumerate(entries, 1):
            self._options.report(number, count, "copying objects")
            yield entry


def _open_other(other: Url | LocalStore) -> OpenRepository:
    if isinstance(other, Url):
        return OpenRepository(open_repository(other.path, search=False), other.path)
    return other.opened.reopened()


class _Opened:
    """The other repository, while it is open."""

    def __init__(self, opened: OpenRepository) -> None:
        self._opened = opened
        self.repo = opened.repo
        self.config = opened.config
        self.programs = opened.programs
        self.files = opened.files
        self.refs = opened.refs

    def close(self) -> None:
        self._opened.close()

    @property
    def shallow(self) -> set[str]:
        return {id.decode("ascii") for id in self.repo.get_shallow()}

    def outgoing(self, boundaries: Iterable[str]) -> Outgoing:
        width = self.repo.object_format.oid_length
        return Outgoing(self.files, width, dict.fromkeys(boundaries, ()))

    def all_refs(self) -> Iterator[tuple[str, bytes]]:
        """Yield the readable refs with the ids of their objects."""
        for name, id in ids_below(self.repo.refs, b"refs/").items():
            yield f"refs/{name.decode(errors='replace')}", id

    def tag_ids(self) -> dict[str, str]:
        """Return the ids of all tags by full ref name, also of unreadable ones."""
        return {f"{TAGS}{ref.name}": ref.id for ref in self.refs.tags([""])}

    def hidden(self, section: str) -> list[str]:
        """Return the values of ``hideRefs``: of "transfer", then of "uploadpack" or "receive"."""
        shared = self.config.get_all("transfer.hideRefs")
        return [*shared, *self.config.get_all(f"{section}.hideRefs")]

    def add(self, count: int, entries: Iterator[UnpackedObject]) -> str | None:
        """Add objects, unless one that they need is missing; return the id of a missing one."""
        sent = _Sent(entries, self.repo.object_format.oid_length)
        store, format = self.repo.object_store, self.repo.object_format
        if not isinstance(store, DiskObjectStore):
            return self._add_to_memory(sent, count)
        with new_pack(store) as (file, path):
            write_pack_data(file.write, iter(sent), format, num_records=count)
            missing = sent.first_missing(self.files)
            if missing is None:
                file.seek(0)
                self._check(store_pack(store, file, path))
        return missing

    def _add_to_memory(self, sent: _Sent, count: int) -> str | None:
        store, format = self.repo.object_store, self.repo.object_format
        assert isinstance(store, MemoryObjectStore)
        content = io.BytesIO()
        write_pack_data(content.write, iter(sent), format, num_records=count)
        missing = sent.first_missing(self.files)
        if missing is None:
            self._check(store_in_memory(store, content))
        return missing

    def _check(self, new: Sequence[ObjectID]) -> None:
        """Check new objects, if the configuration requires it.

        Raises:
            PushRejectedError: one is invalid. The objects are kept, but no ref leads to them.
        """
        if not are_checked(self.config, "receive"):
            return
        ids = [id.decode("ascii") for id in new]
        found = first_invalid(self.files, ids, self.repo.object_format)
        if found is not None:
            raise cannot_push(
                self._opened.location,
                f"its receive.fsckObjects or transfer.fsckObjects is set, and the object "
                f"{found[0]} is invalid: {found[1]}",
            )

    def delete(self, refs: Sequence[TagRef]) -> None:
        self.refs.delete(refs)

    def create(self, updates: Mapping[str, str]) -> None:
        log = reflog_entry(self.config, "push")
        self.refs.create([NewRef(ref.removeprefix(TAGS), id, log) for ref, id in updates.items()])


class _Sent:
    """Iterates over the entries of a pack; collects their ids and the ids that they refer to."""

    def __init__(self, entries: Iterator[UnpackedObject], width: int) -> None:
        self._entries = entries
        self._width = width
        self._sent: set[str] = set()
        self._needed: dict[str, None] = {}

    def __iter__(self) -> Iterator[UnpackedObject]:
        for entry in self._entries:
            self._sent.add(entry.sha().hex())
            kind = TYPES.get(entry.pack_type_num, "")
            if kind in ("tag", "commit"):  # a tree is sent with all that it refers to
                raw = b"".join(entry.decomp_chunks)
                self._needed.update(dict.fromkeys(links((kind, raw), self._width)))
            yield entry

    def first_missing(self, files: ObjectFiles) -> str | None:
        """Return an object that the entries refer to, but that neither they nor ``files`` have."""
        return files.first_missing(id for id in self._needed if id not in self._sent)


def _hides(values: Sequence[str], ref: str) -> bool:
    """Return whether values of ``hideRefs`` hide a ref; the last value that matches applies."""
    for value in reversed(values):
        pattern = value.removeprefix("!").removeprefix("^").rstrip("/")
        if ref == pattern or ref.startswith(f"{pattern}/"):
            return not value.startswith("!")
    return False
