"""The store of a local repository, on disk or in memory, opened by dulwich."""

from __future__ import annotations

import contextlib
import os
import stat
import weakref
from collections.abc import Iterable, Mapping, Sequence
from datetime import timezone
from itertools import compress, islice
from pathlib import Path

from dulwich.file import FileLocked
from dulwich.object_store import DiskObjectStore
from dulwich.objects import ShaFile
from dulwich.objects import Tag as GitTag
from dulwich.repo import MemoryRepo, Repo

from modelversions.errors import (
    RepositoryError,
    RevisionNotFoundError,
)
from modelversions.git.fsync import LOOSE_OBJECT, synced_components
from modelversions.git.local.discovery import open_repository
from modelversions.git.local.local_refs import NewRef, retry_while_locked
from modelversions.git.local.open_repository import OpenRepository
from modelversions.git.local.replacements import Replacements
from modelversions.git.local.revisions import Revisions
from modelversions.git.locks import ForkSafeLock
from modelversions.git.objects.pack_files import MAX_OBJECT
from modelversions.git.objects.tag_reader import TagReader
from modelversions.git.store import (
    Commit,
    FileAt,
    NewTag,
    RemoteOptions,
    Signature,
    TagObject,
    TagRef,
)
from modelversions.git.tag_object import (
    clean_as_configured,
    format_person,
    parse_commit,
    tag_content,
)
from modelversions.git.verification import verify
from modelversions.git.web_url import web_url_of_remote
from modelversions.values.sequences import FindPages
from modelversions.values.web_pages import WebPages

_NOT_TAGS = frozenset({"commit", "tree", "blob"})
_TRIES = 20
"""The maximum number of attempts to write an object whose directory is removed meanwhile."""


class LocalStore:
    """The store of a local repository. Threads may share it."""

    is_local = True

    def __init__(
        self,
        repo: MemoryRepo | Repo,
        location: str,
        *,
        owned: bool = False,
        options: RemoteOptions | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Use a repository that dulwich has opened.

        Args:
            repo: the repository.
            location: its path, for messages.
            owned: whether closing the store closes the repository.
            options: options for its remotes.
            env: the environment for Git's configuration. Default: ``os.environ``.
        """
        self.location = location
        self._default_tree: str | None = None
        if isinstance(repo, Repo) and not repo.bare:
            self._default_tree = os.path.abspath(repo.path)
        self._forced_tree: str | None = None
        self.options = options or RemoteOptions()
        self.repo = repo
        self._lock = ForkSafeLock()
        self.opened = OpenRepository(repo, location, env)
        self._files = self.opened.files
        self._config = self.opened.config
        self._programs = self.opened.programs
        self._refs = self.opened.refs
        self._replacements = Replacements(repo, self._config, env)
        self._has_replaced_tags = False
        self._revisions = Revisions(repo, self._files, location, self._replacements)
        self._closers = [self._files.close, *([repo.close] if owned else [])]
        for closer in self._closers:  # dulwich warns about files that are left open
            weakref.finalize(self, closer)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        options: RemoteOptions | None = None,
        *,
        search: bool = True,
    ) -> LocalStore:
        """Open the repository of a directory, as Git finds it.

        Args:
            path: the directory.
            options: options for its remotes.
            search: whether to search its parent directories.

        Raises:
            RepositoryNotFoundError: there is no repository.
            RepositoryError: the repository cannot be read.
        """
        location = os.fspath(path)
        repo = open_repository(location, search=search)
        found = repo.path
        if os.pardir in Path(found).parts:  # dulwich's path of a submodule
            found = os.path.realpath(found)
        store = cls(repo, found, owned=True, options=options)
        if search and location == os.curdir:
            store._set_work_tree(os.environ)
        return store

    def _set_work_tree(self, env: Mapping[str, str]) -> None:
        """Set the work tree from the environment; with ``GIT_DIR`` it is the current directory."""
        if "GIT_DIR" in env:
            self._default_tree = os.getcwd()
        if "GIT_WORK_TREE" in env:
            self._forced_tree = os.path.abspath(env["GIT_WORK_TREE"])

    @property
    def is_shallow(self) -> bool:
        """Whether it is a shallow clone, which may lack tags that the remote has."""
        return bool(self.repo.get_shallow())

    @property
    def find_pages(self) -> FindPages:
        """A function that finds the web pages, from the URL of the remote."""
        config, commit_url = self._config, self.options.commit_url
        return lambda: WebPages(web_url_of_remote(config), commit_url)

    def close(self) -> None:
        """Close the repository's files. The store reopens them on the next use."""
        with self._lock:  # another thread may be reading
            for closer in self._closers:
                closer()

    @property
    def replaced(self) -> Mapping[str, str]:
        """The replaced objects, as of the last list of tags."""
        return self._files.replaced

    def tags(self, prefixes: Sequence[str] = ("",)) -> tuple[TagRef, ...]:
        """List the tags whose names begin with one of ``prefixes``.

        If a tag object is replaced, the peeled ids of packed-refs are not used.
        """
        with self._lock:
            self._begin()
            refs = self._refs.tags(prefixes)
            if self._has_replaced_tags:
                refs = tuple(ref._replace(peeled=None) for ref in refs)
            return refs

    def _begin(self) -> None:
        """Begin an operation: list packs and replacements again."""
        self._files.forget()
        replaced = self._replacements.objects()
        if replaced != self._files.replaced:
            self._files.replaced = replaced
            types = self._files.types(replaced)
            self._has_replaced_tags = any(type not in _NOT_TAGS for type in types.values())

    def read(self, refs: Iterable[TagRef]) -> list[TagObject]:
        """Read the objects that refs name, in the order of the refs."""
        ids = [ref.id for ref in refs]
        with self._lock:
            return TagReader(self._files, options=self.options).read(ids)

    def peel(self, refs: Iterable[TagRef], *, verify: bool = False) -> list[str | None]:
        """Peel annotated tags to their commits, in the order of the refs; None for other tags.

        Without ``verify``, the peeled ids of packed-refs are used, as by C git. Then only the
        existence of the tag objects and the type of the peeled objects are checked.
        """
        listed = list(refs)
        ids = [ref.id for ref in listed]
        with self._lock:
            reader = TagReader(self._files)
            if verify:
                return reader.peel(ids)
            peeled = [ref.peeled for ref in listed]
            types = self._files.types({commit for commit in peeled if commit is not None})
            missing = self._files.missing(compress(ids, peeled))
            others = {id for id, type in types.items() if type != "commit"}
            found = [None if commit == id else commit for id, commit in zip(ids, peeled)]
            unlisted = [
                number
                for number, (id, commit) in enumerate(zip(ids, peeled))
                if commit is None or commit in others or id in missing
            ]
            for number, commit in zip(unlisted, reader.peel([ids[one] for one in unlisted])):
                found[number] = commit
            return found

    def resolve(self, revision: str) -> str:
        """Return the id of the commit that a revision names."""
        with self._lock:
            self._begin()
            return self._revisions.resolve(revision)

    def commits(self, revision: str, limit: int | None) -> list[Commit]:
        """List a commit and those of its ancestors that exist in the repository, newest first."""
        with self._lock:
            self._begin()
            found = self._revisions.walk(self._revisions.resolve(revision))
            return list(islice(found, limit))

    def config(self, key: str) -> str | None:
        """Return the value of a key of Git's configuration."""
        with self._lock:
            return self._config.get(key)

    def clean_message(self, message: str) -> str:
        """Return a message as ``git tag -a`` would store it."""
        return clean_as_configured(message, self._config)

    def check_tag_name(self, name: str) -> None:
        """Check that a tag of this name can be created."""
        with self._lock:
            self._refs.check(name)

    def create(self, tags: Sequence[NewTag]) -> None:
        """Write the tag objects, then create the refs, which must not exist: all or none."""
        with self._lock, self._config.held():
            for tag in tags:
                self.check_tag_name(tag.name)
            contents = [tag_content(tag, self._programs) for tag in tags]
            ids = [self._add(tag.name, content) for tag, content in zip(tags, contents)]
            self._refs.create([NewRef(tag.name, id, self._log(tag)) for tag, id in zip(tags, ids)])

    def delete(self, refs: Sequence[TagRef]) -> None:
        """Delete refs that still name the objects that were listed: all or none."""
        if refs:
            with self._lock:
                self._refs.delete(refs)

    def verify_signature(self, ref: TagRef) -> Signature:
        """Verify the signature of a tag object."""
        with self._lock:
            kind, raw = self._files.raw(ref.id)
        return verify(self._programs, raw if kind == "tag" else b"", ref.name)

    def file_at(self, commit: str, path: str, *, bounded: bool = True) -> FileAt | None:
        """Return the entry at a path in the files of a commit; None if there is none."""
        with self._lock:
            self._begin()
            return self._revisions.file_at(commit, path, bounded=bounded)

    def paths_at(self, commit: str, name: str) -> Sequence[str]:
        """Return the paths of all files of one name in the files of a commit, sorted."""
        with self._lock:
            self._begin()
            return self._revisions.paths_at(commit, name)

    def read_file(self, path: str) -> bytes | None:
        """Read a file of the work tree, or of HEAD's commit in a bare repository."""
        tree = self._work_tree()
        if tree is not None:
            try:
                return _regular_content(os.path.join(tree, path))
            except (FileNotFoundError, IsADirectoryError):
                return None
            except OSError as error:
                raise RepositoryError(
                    f"{path!r} in {self.location!r} cannot be read: {error}", location=self.location
                ) from error
        with self._lock:
            try:
                return self._revisions.file(self._revisions.resolve("HEAD"), path)
            except RevisionNotFoundError:  # the repository has no commits
                return None

    def _work_tree(self) -> str | None:
        """Return the directory of the work tree, as Git finds it; None if there is none."""
        if self._forced_tree is not None or not isinstance(self.repo, Repo):
            return self._forced_tree
        if self.repo.controldir() != self.repo.commondir():  # a linked work tree
            return self._default_tree
        if self._config.get_bool("core.bare"):
            return None
        configured = self._config.get_path("core.worktree")
        if configured is None:
            return self._default_tree
        return os.path.join(self.repo.controldir(), configured)

    def _add(self, name: str, content: bytes) -> str:
        """Write a tag object; return its id."""
        format = self.repo.object_format
        tag = GitTag.from_raw_string(GitTag.type_num, content, object_format=format)
        id = tag.get_id(format).decode("ascii")
        store = self.repo.object_store
        if not isinstance(store, DiskObjectStore):
            store.add_object(tag)
            return id
        if LOOSE_OBJECT in synced_components(self._config):
            store.fsync_object_files = True  # dulwich only reads core.fsyncObjectFiles
        lock = os.path.join(store.path, id[:2], f"{id[2:]}.lock")
        retry_while_locked(name, lambda: _add_object(store, tag, lock))
        return id

    def _log(self, tag: NewTag) -> bytes:
        """Return the reflog entry that ``git tag`` writes for a new tag."""
        commit = parse_commit(tag.commit, self._files.raw(tag.commit)[1])
        date = commit.time.astimezone(timezone.utc).date()
        message = f"tag: tagging {tag.commit[:7]} ({commit.subject}, {date})"
        return format_person(tag.author, tag.time) + b"\t" + message.encode(errors="replace")


def _add_object(store: DiskObjectStore, tag: ShaFile, lock: str) -> None:
    """Write an object; retry if ``git gc`` removes its new, still empty directory."""
    for _ in range(_TRIES - 1):
        try:
            return _add_locked(store, tag, lock)
        except FileNotFoundError:
            continue
    return _add_locked(store, tag, lock)


def _add_locked(store: DiskObjectStore, tag: ShaFile, lock: str) -> None:
    """Write an object; if that is interrupted, remove the lock file, which dulwich leaves."""
    is_locked = os.path.lexists(lock)  # by another writer
    try:
        store.add_object(tag)
    except FileLocked:
        raise
    except BaseException:
        if not is_locked:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(lock)
        raise


def _regular_content(path: str) -> bytes:
    """Return the content of a regular file, which may be a symbolic link.

    Raises:
        OSError: it cannot be read, or is not a regular file; a device file may be endless.
    """
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError("it is not a regular file")
    with open(path, "rb") as file:
        return file.read(MAX_OBJECT)
