"""List, create and delete the tags of a local repository."""

from __future__ import annotations

import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import TypeVar

import attrs
from dulwich.errors import FileFormatException
from dulwich.file import FileLocked, GitFile
from dulwich.objects import ObjectID
from dulwich.refs import (
    DiskRefsContainer,
    Ref,
    RefsContainer,
    SymrefLoop,
)
from dulwich.refs import (
    check_ref_format as is_valid_ref,
)
from dulwich.reftable import ReftableRefsContainer
from dulwich.repo import MemoryRepo, Repo

from modelversions.errors import (
    LockedError,
    RepositoryError,
    WriteConflictError,
)
from modelversions.git import locks
from modelversions.git.config import GitConfig
from modelversions.git.local.packed_refs import PackedTags, packed_tags
from modelversions.git.local.ref_transaction import (
    HOOK,
    HookDeclinedError,
    RefChangedError,
    RefTransactions,
    RefUpdate,
)
from modelversions.git.local.single_refs import ABSENT, MAX_REF, lookup, loose_id
from modelversions.git.programs import Programs
from modelversions.git.ref_names import (
    check_ref_conflict,
    check_ref_format,
    tag_changed,
    tag_exists,
)
from modelversions.git.store import TagRef

_ROOT = b"refs/tags/"
Written = TypeVar("Written")


@attrs.frozen
class NewRef:
    """The ref of a tag to create."""

    name: str
    """The name without ``refs/tags/``."""
    id: str
    """The id of the object that the ref names."""
    log: bytes = b""
    """The reflog entry: identity, time, a tab and the message."""


class LocalRefs:
    """The refs below ``refs/tags/`` of one repository; each call reads them again."""

    def __init__(
        self, repo: MemoryRepo | Repo, location: str, programs: Programs | None = None
    ) -> None:
        """Initialize with a repository.

        Args:
            repo: the repository.
            location: its path, for messages.
            programs: runs its hooks, and contains its configuration.
        """
        self._repo = repo
        self._refs: RefsContainer = repo.refs
        self._location = location
        self._programs = programs or Programs(repo, GitConfig(repo))
        self._packed = PackedTags()

    def tags(self, prefixes: Sequence[str]) -> tuple[TagRef, ...]:
        """List the tags whose names begin with one of ``prefixes``, by name.

        Raises:
            RepositoryError: the refs cannot be read.
        """
        wanted = [prefix.encode(errors="replace") for prefix in prefixes]
        try:
            return self._on_disk(wanted) if self._is_on_disk else self._not_on_disk(wanted)
        except RepositoryError:
            raise
        except OSError as error:
            raise RepositoryError(
                f"the tags of {self._location!r} cannot be read: {error}", location=self._location
            ) from error

    @property
    def _is_on_disk(self) -> bool:
        return type(self._refs) is DiskRefsContainer

    def _on_disk(self, prefixes: list[bytes]) -> tuple[TagRef, ...]:
        """Read loose refs before packed ones, so that a ref that is packed meanwhile is found."""
        assert isinstance(self._refs, DiskRefsContainer)
        os.stat(os.path.join(self._refs.path, b"HEAD"))  # raises if the repository was deleted
        loose = dict(_loose(self._refs, prefixes))
        path = os.path.join(self._refs.path, b"packed-refs")
        packed = packed_tags(path, prefixes, self._packed)
        if b"" in prefixes:
            self._packed = packed
        refs: Iterable[TagRef] = packed.refs
        if loose:
            by_name = {ref.name: ref for ref in refs} | loose
            refs = sorted(by_name.values(), key=attrgetter("name"))
        elif packed.text.isascii():
            return packed.refs
        return tuple(map(_printable, refs))

    def _not_on_disk(self, prefixes: list[bytes]) -> tuple[TagRef, ...]:
        """Read the refs of a repository in memory, or in reftable files."""
        values = dict(self._refs.get_packed_refs())
        for name in self._refs.allkeys().difference(values):
            with contextlib.suppress(KeyError, ValueError, SymrefLoop):
                values[name] = self._refs[name]
        return _named(values, prefixes)

    def check(self, name: str) -> None:
        """Check that a tag of this name can be created (F4).

        Raises:
            InvalidNameError: Git does not allow the name.
            WriteConflictError: it conflicts with a tag; ``TagExistsError`` if the tag exists.
        """
        check_ref_conflict(name, self.tags, self._location)

    def create(self, tags: Sequence[NewRef]) -> None:
        """Create refs, which must not exist: all or none. Of concurrent writers, only one succeeds.

        Raises:
            InvalidNameError: Git does not allow a name.
            WriteConflictError: a ref exists, or cannot be created; none was.
        """
        for tag in tags:
            check_ref_format(tag.name)
        updates = [
            RefUpdate(Ref(_ROOT + tag.name.encode()), None, ObjectID(tag.id.encode()), tag.log)
            for tag in tags
        ]
        self._change(updates, lambda name: tag_exists(name, self._location))

    def delete(self, refs: Sequence[TagRef]) -> None:
        """Delete refs that still name the objects that were listed: all or none.

        Raises:
            WriteConflictError: one has changed, or is locked; none was deleted.
        """
        updates = [
            RefUpdate(Ref(_ROOT + ref.name.encode()), ObjectID(ref.id.encode()), None)
            for ref in refs
        ]
        self._change(updates, tag_changed)

    def _change(
        self, updates: Sequence[RefUpdate], changed: Callable[[str], WriteConflictError]
    ) -> None:
        first = _short(updates[0].name)
        commit = self._change_not_on_disk
        if self._is_on_disk:
            assert isinstance(self._repo, Repo)
            commit = RefTransactions(self._repo, self._programs).commit
        try:
            retry_while_locked(first, lambda: commit(updates))
        except RefChangedError as error:
            raise changed(_short(error.name)) from error
        except HookDeclinedError as error:
            raise WriteConflictError(
                f"the hook {HOOK!r} of {self._location!r} rejected the tag {first!r}: "
                f"{str(error) or 'it gave no reason'}; nothing was changed, check the hook's "
                "rules",
                tag=first,
            ) from error

    def _change_not_on_disk(self, updates: Sequence[RefUpdate]) -> None:
        """Change the refs of a repository in memory, or in reftable files, one after another."""
        done: list[RefUpdate] = []
        with self._reftable_lock():
            try:
                for update in updates:
                    self._set(update)
                    done.append(update)
            except BaseException:
                for update in done:
                    self._set(RefUpdate(update.name, update.new, update.old))
                raise

    def _set(self, update: RefUpdate) -> None:
        if update.new is None:
            assert update.old is not None
            done = self._refs.remove_if_equals(update.name, update.old)
        else:
            done = self._refs.add_if_new(update.name, update.new)
        if not done:
            raise RefChangedError(update.name)

    def _reftable_lock(self) -> contextlib.AbstractContextManager[object]:
        """Acquire Git's lock of reftable files, as dulwich writes them without one."""
        if not isinstance(self._refs, ReftableRefsContainer):
            return contextlib.nullcontext()
        lock = GitFile(os.path.join(self._refs.reftable_dir, "tables.list"), "wb")
        stack = contextlib.ExitStack()
        stack.callback(lock.abort)
        return stack


def retry_while_locked(tag: str, write: Callable[[], Written]) -> Written:
    """Call ``write``; while a lock is held by another writer, retry, as Git does.

    Raises:
        LockedError: the lock is still held after ``locks.TIMEOUT``.
        WriteConflictError: the files cannot be written.
    """
    deadline = time.monotonic() + locks.TIMEOUT
    while True:
        try:
            return write()
        except FileLocked as error:
            if time.monotonic() < deadline:
                time.sleep(0.005)
                continue
            lock = os.fsdecode(error.lockfilename)
            _, is_ref, name = lock.replace(os.sep, "/").rpartition("/refs/tags/")
            tag = name.removesuffix(".lock") if is_ref else tag
            raise LockedError(
                f"the tag {tag!r} is locked by another writer; if no writer is running, remove "
                f"{lock!r} and try again",
                tag=tag,
                lock=lock,
            ) from error
        except RepositoryError:
            raise
        except (OSError, FileFormatException) as error:
            raise WriteConflictError(
                f"the tag {tag!r} cannot be written: {error}; check the permissions", tag=tag
            ) from error


def _short(name: Ref) -> str:
    return name[len(_ROOT) :].decode(errors="replace")


def _named(values: dict[Ref, ObjectID], prefixes: list[bytes]) -> tuple[TagRef, ...]:
    """Return the tags with one of the prefixes, without peeled ids."""
    full = tuple(_ROOT + prefix for prefix in prefixes)
    names = sorted(name for name in values if name.startswith(full))
    return tuple(
        TagRef(name[len(_ROOT) :].decode(errors="replace"), values[name].decode("ascii"))
        for name in names
    )


def _printable(ref: TagRef) -> TagRef:
    """Return the ref with replacement characters for bytes of its name that are not UTF-8."""
    if ref.name.isascii():
        return ref
    name = ref.name.encode(errors="surrogateescape").decode(errors="replace")
    return ref._replace(name=name)


def _loose(refs: DiskRefsContainer, prefixes: list[bytes]) -> Iterator[tuple[str, TagRef]]:
    """Yield loose tags with one of the prefixes; read only the directories that may have them."""
    by_directory = defaultdict(list)
    for prefix in prefixes:
        directory, slash, start = prefix.rpartition(b"/")
        by_directory[directory + slash].append(start)
    root = os.path.join(refs.path, b"refs", b"tags")
    for directory, starts in by_directory.items():
        for name in _files(root, directory, tuple(starts)):
            id = _value(refs, root, name)
            if id is not None:
                own = name.decode(errors="surrogateescape")
                yield own, TagRef(own, id)


def _files(root: bytes, directory: bytes, starts: tuple[bytes, ...]) -> Iterator[bytes]:
    """Yield the files below a directory whose paths relative to it begin with one of ``starts``."""
    if b"\0" in directory:
        return
    try:
        entries = list(os.scandir(os.path.join(root, *directory.split(b"/"))))
    except OSError as error:
        if error.errno in ABSENT:
            return
        raise
    for entry in entries:
        if not entry.name.startswith(starts):
            continue
        name = directory + entry.name
        if _is_directory(entry):
            yield from _files(root, name + b"/", (b"",))
        elif is_valid_ref(Ref(b"tags/" + name)):  # not the lock of a ref
            yield name


def _is_directory(entry: os.DirEntry[bytes]) -> bool:
    """Return whether an entry is a directory; False for a symbolic link to itself."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _value(refs: DiskRefsContainer, root: bytes, name: bytes) -> str | None:
    """Return the id of a loose ref; empty if it cannot be read, None if it was deleted."""
    try:
        with open(os.path.join(root, *name.split(b"/")), "rb") as file:
            content = file.read(MAX_REF)
        if content.startswith(b"ref:"):
            content = lookup(refs, Ref(_ROOT + name)) or b""
    except OSError as error:
        return None if error.errno in ABSENT else ""
    return loose_id(content).decode("ascii")
