"""Create and delete refs in files, all or none, as Git's files backend does.

dulwich changes one ref at a time: it removes a loose ref before it locks ``packed-refs``, and
rewrites that file once per ref without the traits in its header. This module follows Git's order:
lock every ref, lock ``packed-refs`` for a deletion, compare, run the ``reference-transaction``
hook, and only then rename. While the locks are held, the lock file of each deleted ref has the
ref's content, so that a rename restores it.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Sequence

import attrs
from dulwich.file import (
    PERM_EVERYBODY,
    PERM_GROUP,
    FileLocked,
    SharedPerm,
    adjust_shared_perm,
)
from dulwich.objects import ZERO_SHA, ObjectID
from dulwich.refs import DiskRefsContainer, Ref
from dulwich.repo import Repo

from modelversions.errors import ConfigurationError
from modelversions.git.fsync import REFERENCE, synced_components
from modelversions.git.local.packed_refs import without_refs
from modelversions.git.local.single_refs import lookup
from modelversions.git.programs import Programs

HOOK = "reference-transaction"
_ATTEMPTS = 10
"""How often to create a directory that another process removes, as Git does when packing refs."""
_SHARED = "core.sharedRepository"
_SHARED_NAMES: dict[str, SharedPerm | None] = {
    **dict.fromkeys(("umask", "0")),
    **dict.fromkeys(("group", "1"), PERM_GROUP),
    **dict.fromkeys(("all", "world", "everybody", "2"), PERM_EVERYBODY),
}
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)


class RefChangedError(Exception):
    """A ref does not have the expected value."""

    def __init__(self, name: Ref) -> None:
        """Initialize with the name of the ref."""
        super().__init__(os.fsdecode(name))
        self.name = name


class HookDeclinedError(Exception):
    """The ``reference-transaction`` hook declined the changes; ``str()`` returns its output."""


@attrs.frozen
class RefUpdate:
    """A ref to create or to delete."""

    name: Ref
    old: ObjectID | None
    """The object that the ref must name, empty for an unreadable ref; None to create the ref."""
    new: ObjectID | None
    """The new object of the ref; None to delete the ref."""
    log: bytes = b""
    """The reflog entry: identity, time, a tab and the message. Empty to write none."""


class RefTransactions:
    """Changes the refs of one repository on disk."""

    def __init__(self, repo: Repo, programs: Programs) -> None:
        """Initialize with a repository; ``programs`` runs its hook and has its configuration."""
        assert isinstance(repo.refs, DiskRefsContainer)
        self._repo = repo
        self._refs = repo.refs
        self._config = programs.config
        self._programs = programs

    def commit(self, updates: Sequence[RefUpdate]) -> None:
        """Change all refs, or none.

        Raises:
            FileLocked: another process holds a lock.
            RefChangedError: a ref exists, or has changed.
            HookDeclinedError: the hook declined the changes.
            DubiousOwnershipError: there is a hook, and another user owns the repository.
            OSError: a file cannot be written.
        """
        with self._config.held():
            hook = self._programs.hook(HOOK)
            if hook is not None:
                self._programs.require_trusted(f"running its hook {hook!r}")
            is_synced = REFERENCE in synced_components(self._config)
            transaction = _Transaction(
                self._refs, updates, self._shared(), log_all=self._log_all(), is_synced=is_synced
            )
        prepared = applied = False
        try:
            transaction.prepare()
            prepared = True
            self._run_hook(hook, "prepared", updates)
            transaction.apply()
            applied = True
            transaction.finish()
        except BaseException:
            if applied:
                transaction.finish()
                raise
            transaction.roll_back()
            if prepared:
                self._run_hook(hook, "aborted", updates)
            raise
        self._run_hook(hook, "committed", updates)

    def _run_hook(self, hook: str | None, state: str, updates: Iterable[RefUpdate]) -> None:
        if hook is None:
            return
        zero = ZERO_SHA if self._repo.object_format.hex_length == len(ZERO_SHA) else b"0" * 64
        lines = [b"%b %b %b\n" % (one.old or zero, one.new or zero, one.name) for one in updates]
        done = self._programs.run_hook(hook, state, stdin=b"".join(lines))
        if state == "prepared" and done.returncode:
            raise HookDeclinedError(done.stderr.decode(errors="replace").strip())

    def _shared(self) -> SharedPerm | None:
        """Return the modes of ``core.sharedRepository``: a word, an octal number or a boolean.

        Raises:
            ConfigurationError: the value is invalid, or does not allow the owner to read and write.
        """
        value = self._config.get(_SHARED) or "umask"
        if value in _SHARED_NAMES:
            return _SHARED_NAMES[value]
        if not re.fullmatch("[0-7]+", value):
            return PERM_GROUP if self._config.get_bool(_SHARED) else None
        mode = int(value, 8)
        if mode & 0o600 != 0o600:  # noqa: PLR2004  # read and write, for the owner
            raise ConfigurationError(
                f"{_SHARED} = {value} is not valid: the owner of files must be able to read and "
                "write them; write 'group', 'all' or a mode such as 0660",
                file="git config",
            )
        return SharedPerm(tweak=mode & 0o666, replace=True)

    def _log_all(self) -> bool:
        """Return whether reflogs are created for refs below ``refs/tags/``."""
        value = self._config.get("core.logAllRefUpdates")
        return value is not None and value.lower() == "always"


class _Transaction:
    """The locks and changes of one transaction, which can be rolled back."""

    def __init__(
        self,
        refs: DiskRefsContainer,
        updates: Sequence[RefUpdate],
        shared: SharedPerm | None,
        *,
        log_all: bool,
        is_synced: bool,
    ) -> None:
        self._refs = refs
        self._given = updates
        self._updates = sorted(updates, key=lambda update: update.name)
        self._deleted = [update for update in self._updates if update.new is None]
        self._shared = shared
        self._log_all = log_all
        self._is_synced = is_synced
        self._locks: dict[bytes, tuple[int, int] | None] = {}
        """Lock files of this transaction, in the order of their creation, with their identities.

        After a lock file was renamed, a file of its name belongs to another process.
        """
        self._packed = os.path.realpath(os.path.join(refs.path, b"packed-refs"))
        self._rewritten = False
        """Whether ``packed-refs.new`` contains the packed refs without the deleted ones."""
        self._created: list[bytes] = []
        self._logs: list[tuple[bytes, int | None]] = []
        """Reflogs that were appended to, with their previous size; None for a new one."""
        self._deleting = False

    def prepare(self) -> None:
        """Lock all refs, compare them, and write the lock files."""
        for update in self._updates:
            path = self._path(update)
            self._lock(path)
            if (lookup(self._refs, update.name) or b"") != (update.old or b""):
                raise RefChangedError(update.name)
            if (
                update.old is None
                and os.path.lexists(path)
                and not _is_directory_without_files(path)
            ):
                raise RefChangedError(update.name)
            content = _content(path) if update.new is None else b""
            content = content or b"%b\n" % (update.new or update.old or b"")
            self._write(path + b".lock", content, sync=update.new is not None)
        if self._deleted:
            self._lock(self._packed)
            rest = without_refs(self._packed, [update.name for update in self._deleted])
            if rest is not None:
                self._rewritten = True
                self._write(self._packed + b".new", rest)

    def apply(self) -> None:
        """Rename the lock files."""
        for update in self._updates:
            if update.new is not None:
                self._append_log(update)
        for update in self._given:  # so that readers see a version before its stage
            if update.new is not None:
                path = self._path(update)
                _remove_empty_directories(path)
                self._created.append(path)
                os.replace(path + b".lock", path)
        self._deleting = True
        if self._rewritten:
            os.replace(self._packed + b".new", self._packed)
        for update in self._deleted:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path(update))

    def finish(self) -> None:
        """Remove the locks, and the reflogs and empty directories of deleted refs."""
        try:
            for update in self._deleted:
                log = os.path.join(self._refs.path, b"logs", update.name)
                with contextlib.suppress(OSError):
                    os.unlink(log)
                self._remove_parents(log)
        finally:
            self._unlock()
            for update in self._deleted:
                self._remove_parents(self._path(update))

    def roll_back(self) -> None:
        """Restore the previous state."""
        for path in self._created:
            if _identity(path) == self._locks[path + b".lock"]:  # it was renamed
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
        new = self._packed + b".new"
        if self._deleting and not (self._rewritten and os.path.lexists(new)):
            for path in map(self._path, self._deleted):
                if not os.path.lexists(path):
                    os.replace(path + b".lock", path)
        for log, size in reversed(self._logs):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(log) if size is None else os.truncate(log, size)
        if self._rewritten:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(new)
        self._unlock()

    def _path(self, update: RefUpdate) -> bytes:
        return self._refs.refpath(update.name)

    def _lock(self, path: bytes) -> None:
        """Create a lock file and its directories; retry if another process removes them."""
        attempts = _ATTEMPTS
        while True:
            try:
                self._create_parents(path)
                return self._open_lock(path)
            except FileNotFoundError:
                attempts -= 1
                if not attempts:
                    raise

    def _open_lock(self, path: bytes) -> None:
        lock = path + b".lock"
        self._locks[lock] = None  # before it is created, so that it is removed after an interrupt
        try:
            os.close(os.open(lock, _FLAGS | os.O_EXCL, 0o666))
        except FileExistsError as error:
            del self._locks[lock]
            raise FileLocked(path, lock) from error
        self._locks[lock] = _identity(lock)

    def _write(self, path: bytes, content: bytes, *, sync: bool = True) -> None:
        """Write a file with the modes of a shared repository; sync it if Git would."""
        with open(os.open(path, _FLAGS | os.O_TRUNC, 0o666), "wb") as file:
            file.write(content)
            file.flush()
            if sync and self._is_synced:
                os.fsync(file.fileno())
        adjust_shared_perm(path, self._shared)

    def _create_parents(self, path: bytes) -> None:
        """Create the parent directories of a file, with the modes of a shared repository."""
        missing = []
        directory = os.path.dirname(path)
        while not os.path.isdir(directory):
            missing.append(directory)
            directory = os.path.dirname(directory)
        for directory in reversed(missing):
            with contextlib.suppress(FileExistsError):  # created by another process
                os.mkdir(directory)
                adjust_shared_perm(directory, self._shared)

    def _append_log(self, update: RefUpdate) -> None:
        """Append to the reflog of the ref, if it exists or the configuration requires one."""
        log = os.path.join(self._refs.path, b"logs", update.name)
        size = os.path.getsize(log) if os.path.isfile(log) else None
        if not update.log or (size is None and not self._log_all):
            return
        if size is None:
            self._create_parents(log)
            _remove_empty_directories(log)
        self._logs.append((log, size))
        assert update.new is not None
        with open(log, "ab") as file:
            file.write(b"%b %b %b\n" % (b"0" * len(update.new), update.new, update.log))
        if size is None:
            adjust_shared_perm(log, self._shared)

    def _remove_parents(self, path: bytes) -> None:
        """Remove the empty parent directories of a deleted file, below ``tags``, as Git does."""
        directory = os.path.dirname(path)
        while os.path.basename(os.path.dirname(directory)) != b"refs":
            try:
                os.rmdir(directory)
            except OSError:
                return
            directory = os.path.dirname(directory)

    def _unlock(self) -> None:
        """Remove the lock files; an interrupt is raised after all are removed."""
        failure: BaseException | None = None
        for lock, identity in reversed(self._locks.items()):
            for _ in range(2):
                try:
                    if identity in (None, _identity(lock)):
                        os.unlink(lock)
                except FileNotFoundError:
                    break
                except BaseException as error:  # noqa: BLE001  # it is raised at the end
                    failure = error
        if failure is not None:
            raise failure


def _identity(path: bytes) -> tuple[int, int] | None:
    """Return device and inode of a file; None if it does not exist."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _content(path: bytes) -> bytes:
    """Return the content of a loose ref; empty if there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _is_directory_without_files(path: bytes) -> bool:
    """Return whether a path is a directory that contains only directories without files."""
    if os.path.islink(path) or not os.path.isdir(path):
        return False
    return not any(files for _, _, files in os.walk(path))


def _remove_empty_directories(path: bytes) -> None:
    """Remove a directory without files, as Git does to create a ref of the same name."""
    for directory, _, _ in () if os.path.islink(path) else os.walk(path, topdown=False):
        with contextlib.suppress(OSError):  # it is not empty
            os.rmdir(directory)
