"""The store of a repository on a server, read and written without a clone."""

from __future__ import annotations

import itertools
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import TypeVar

from dulwich.objects import Blob, ObjectID, Tree
from dulwich.objects import Commit as GitCommit
from dulwich.objects import Tag as GitTag
from dulwich.pack import UnpackedObject, pack_objects_to_data

from modelversions.errors import (
    RemoteError,
    RemoteTimeoutError,
    RepositoryError,
    RevisionNotFoundError,
    WriteConflictError,
)
from modelversions.git import locks
from modelversions.git.config import GitConfig
from modelversions.git.objects.commits import Commits
from modelversions.git.objects.object_files import ObjectFiles
from modelversions.git.objects.received_packs import Fetched
from modelversions.git.programs import Programs
from modelversions.git.ref_names import check_ref_conflict, tag_changed, tag_exists
from modelversions.git.remote.error_translation import rejected
from modelversions.git.remote.remote_tags import NO_TREES, RemoteTags, in_memory
from modelversions.git.remote.transport import ComputeUpdates, PushResult, Refs, Transport
from modelversions.git.store import (
    TAGS,
    Commit,
    FileAt,
    NewTag,
    RemoteOptions,
    Signature,
    TagObject,
    TagRef,
    sha_hint,
)
from modelversions.git.tag_object import clean_as_configured, tag_content
from modelversions.git.urls import Url
from modelversions.git.verification import verify
from modelversions.git.web_url import web_url
from modelversions.values.sequences import FindPages
from modelversions.values.web_pages import WebPages

Found = TypeVar("Found")

_FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT = re.compile(r"[0-9a-f]{4,63}")
_ROOT_TREE = "tree:1"
_NO_FILES = "blob:none"
_LOCKED = re.compile(r"\block\b")
"""Matches the reason that servers with JGit report for a ref that another client is writing."""
_LOCK_DELAY = 0.05
_LOG = logging.getLogger(__name__)


class RemoteStore:
    """The store of a repository on a server. Tag objects are cached. Threads may share it."""

    is_local = False
    is_shallow = False
    replaced: Mapping[str, str] = MappingProxyType({})

    def __init__(self, url: Url, options: RemoteOptions) -> None:
        """Initialize with a URL; the server is contacted on first use."""
        self._git_config = GitConfig(None)
        self._programs = Programs(None, self._git_config)
        self.transport = Transport(url, self._programs, options)
        self.location = self.transport.location
        self._tags = RemoteTags(self.transport, options)
        self._pages = WebPages(web_url(url), options.commit_url)
        self._trees: tuple[str, Commits] | None = None
        """The last commit whose trees were fetched, and the reader of its objects."""
        self._file_read: tuple[tuple[str, str], bytes | None] | None = None

    @property
    def find_pages(self) -> FindPages:
        """A function that finds the web pages, from the URL of the repository."""
        pages = self._pages
        return lambda: pages

    def close(self) -> None:
        """Close the connections; the next use connects again."""
        self.transport.close()

    def tags(self, prefixes: Sequence[str] = ("",)) -> list[TagRef]:
        """List the tags whose names begin with one of ``prefixes``, in one request."""
        return self.transport.tags(prefixes)

    def read(self, refs: Iterable[TagRef]) -> list[TagObject]:
        """Read the objects that refs name, in the order of the refs; fetch those not cached.

        The commits are sent as "have" lines, so that the server sends only tag objects. Objects
        that it cannot send are reported as missing, and requested again the next time.
        """
        listed = list(refs)
        objects = self._tags.read(listed)
        return [objects[ref.id] for ref in listed]

    def peel(self, refs: Iterable[TagRef], *, verify: bool = False) -> list[str | None]:
        """Peel annotated tags to their commits, in the order of the refs; None for other tags.

        Without ``verify``, the peeled ids that the server lists are used for tags that were not
        read; they may not be commits. Tag objects are fetched only if the server lists no peeled
        ids.
        """
        listed = list(refs)
        read = self._tags.read([ref for ref in listed if verify or self._is_unlisted(ref)])
        found: list[str | None] = []
        for ref in listed:
            tag = read.get(ref.id) or self._tags.known(ref)
            if tag is not None:
                found.append(tag.commit)
            else:
                found.append(None if ref.peeled == ref.id else ref.peeled)
        return found

    def _is_unlisted(self, ref: TagRef) -> bool:
        return ref.peeled is None and self._tags.known(ref) is None

    def resolve(self, revision: str) -> str:
        """Return the id of the commit that a revision names on the server."""
        name = "HEAD" if revision == "@" else revision
        if _FULL.fullmatch(name.lower()):
            return self._peeled(name.lower())
        rules = (name, f"refs/{name}", f"{TAGS}{name}", f"refs/heads/{name}")
        refs = Refs({}, {}) if _is_expression(name) else self.transport.refs(rules)
        for ref in rules:
            if ref in refs.ids:
                return self._named(ref, refs)
        raise self._no_revision(revision, refs)

    def _named(self, ref: str, refs: Refs) -> str:
        """Return the commit that a listed ref peels to.

        In Git, HEAD and branches name commits. Another ref may peel to a tree or a blob, and
        servers such as JGit and dulwich accept a tag that declares such a target a commit.
        """
        id = refs.ids[ref]
        if ref == "HEAD" or ref.startswith("refs/heads/"):
            return id
        if ref not in refs.peeled:  # a lightweight tag, or the server does not peel
            return self._peeled(id)
        return self._tags.read([TagRef(ref, id, refs.peeled[ref])])[id].commit or self._fetched(id)

    def _peeled(self, id: str) -> str:
        """Return the commit that an object is or peels to.

        Most commits are found in the branches and tags that the server lists. Other objects are
        fetched, without files if the server supports that.

        Raises:
            NotACommitError: the object is or peels to a tree or a blob.
            RevisionNotFoundError: the server does not have it, or does not send it.
        """
        refs = self.transport.refs(["HEAD", "refs/heads/"])
        if id in refs.ids.values():
            return id
        candidates = [ref for ref in self.transport.tags([""]) if _leads_to(ref, id)]
        for tag, read in self._tags.read(candidates).items():
            if read.commit is not None and id in (tag, read.commit):
                return read.commit
        return self._fetched(id)

    def _fetched(self, id: str) -> str:
        """Fetch an object, and return the commit that it is or peels to."""
        try:
            objects = self.transport.fetch([id], depth=1, filter=NO_TREES)
        except RemoteTimeoutError:
            raise
        except RemoteError as error:
            if error.status is not None:
                raise
            raise RevisionNotFoundError(
                f"{self.location!r} does not send the object {id}: {error}; pass a branch, a tag "
                "or a commit in the history of one",
                revision=id,
            ) from error
        return self._commits(objects).peel(id, id)

    def commits(self, revision: str, limit: int | None) -> Iterable[Commit]:
        """List a commit and its ancestors, newest first, fetched without their files."""
        start = self.resolve(revision)
        if limit == 0:
            return ()
        objects = self.transport.fetch([start], depth=limit, filter=NO_TREES)
        return itertools.islice(self._commits(objects).walk(start), limit)

    def config(self, key: str) -> str | None:
        """Return the value of a key of the user's Git configuration."""
        return self._git_config.get(key)

    def clean_message(self, message: str) -> str:
        """Return a message as ``git tag -a`` would store it."""
        return clean_as_configured(message, self._git_config)

    def check_tag_name(self, name: str) -> None:
        """Check that a tag of this name can be created."""
        check_ref_conflict(name, self.tags, self.location)

    def create(self, tags: Sequence[NewTag]) -> None:
        """Push new tags: all or none."""
        objects = [self._object(tag) for tag in tags]
        updates = {f"{TAGS}{tag.name}": _id(content) for tag, content in zip(tags, objects)}

        def compute_updates(remote_refs: Mapping[str, str]) -> Mapping[str, str]:
            listed = [TagRef(ref.removeprefix(TAGS), id) for ref, id in remote_refs.items()]
            for tag in tags:
                check_ref_conflict(
                    tag.name, lambda prefixes: _with_prefix(listed, prefixes), self.location
                )
            return updates

        self._push(updates, compute_updates, objects)

    def delete(self, refs: Sequence[TagRef]) -> None:
        """Delete tags that still name the objects that were listed: all or none."""
        for ref in refs:
            self._check_format(ref.id)

        def compute_updates(remote_refs: Mapping[str, str]) -> Mapping[str, str]:
            for ref in refs:
                if remote_refs.get(f"{TAGS}{ref.name}") != ref.id:
                    raise tag_changed(ref.name)
            return updates

        updates = {f"{TAGS}{ref.name}": "" for ref in refs}
        if updates:
            self._push(updates, compute_updates, [])

    def verify_signature(self, ref: TagRef) -> Signature:
        """Verify the signature of a tag object."""
        if ref.peeled == ref.id:
            return verify(self._programs, b"", ref.name)
        kind, raw = self._tags.raw(ref)
        return verify(self._programs, raw if kind == "tag" else b"", ref.name)

    def file_at(self, commit: str, path: str, *, bounded: bool = True) -> FileAt | None:
        """Return the entry at a path in the files of a commit; None if there is none.

        The commit's trees are fetched, and the file if there is one. A server that supports no
        filters, or sends no single files, sends all files of the commit.
        """
        commits, entry = self._with_trees(
            commit, lambda commits: commits.entry(commit, path), bounded=bounded
        )
        if entry is None or entry.kind not in ("file", "symlink"):
            return None if entry is None else FileAt(entry.kind, b"")
        with suppress(RepositoryError):
            return FileAt(entry.kind, commits.content(commit, entry, None))
        try:
            objects = self.transport.fetch([entry.id], bounded=bounded)
        except RemoteTimeoutError:
            raise
        except RemoteError:
            commits = self._commits(self._files_of(commit, bounded=bounded))
        else:
            commits = self._commits(objects)
        return FileAt(entry.kind, commits.content(commit, entry, None))

    def paths_at(self, commit: str, name: str) -> Sequence[str]:
        """Return the paths of all files of one name in the files of a commit, sorted."""
        return self._with_trees(commit, lambda commits: sorted(commits.paths(commit, name)))[1]

    def _with_trees(
        self, commit: str, read: Callable[[Commits], Found], *, bounded: bool = True
    ) -> tuple[Commits, Found]:
        """Call a function with a commit and its trees, which are fetched if necessary.

        Raises:
            RemoteError: the server sends all files with them, and they exceed the limit.
        """
        trees = self._trees
        if trees is None or trees[0] != commit:
            objects = self._files_of(commit, filter=_NO_FILES)
            trees = self._trees = commit, self._commits(objects)
        try:
            return trees[1], read(trees[1])
        except RepositoryError:  # without filters, the transfer was ended early
            trees = self._trees = commit, self._commits(self._files_of(commit, bounded=bounded))
            return trees[1], read(trees[1])

    def _files_of(self, commit: str, *, filter: str | None = None, bounded: bool = True) -> Fetched:
        """Fetch a commit and its files, by a tag of it if the server does not send it by its id."""
        try:
            return self.transport.fetch([commit], depth=1, filter=filter, bounded=bounded)
        except RemoteTimeoutError:
            raise
        except RemoteError:
            refs = self.transport.tags([""])
            tag = next((ref.id for ref in refs if ref.peeled == commit), None)
            if tag is None:
                raise
        return self.transport.fetch([tag], depth=1, filter=filter, bounded=bounded)

    def read_file(self, path: str) -> bytes | None:
        """Read a file in the root directory of HEAD's commit."""
        refs = self.transport.refs(["HEAD"])
        head = refs.ids.get("HEAD")
        if head is None:
            return None
        read = self._file_read
        if read is None or read[0] != (head, path):
            read = self._file_read = (head, path), self._file(head, path)
        return read[1]

    def _commits(self, objects: Fetched) -> Commits:
        files = ObjectFiles(in_memory(objects), self.location)
        return Commits(files, objects.object_format.oid_length, self.location)

    def _file(self, head: str, path: str) -> bytes | None:
        try:
            objects = self.transport.fetch([head], depth=1, filter=_ROOT_TREE)
            entry = _entry(objects, head, path)
            if entry is not None and entry not in objects:
                objects = self.transport.fetch([entry.decode("ascii")])
            found = None if entry is None else objects[entry]
        except KeyError as error:
            raise RemoteError(
                f"{self.location!r} did not send {path!r} of its HEAD; pass stages= to "
                "Registry.open, so that it need not be read",
                location=self.location,
            ) from error
        return found.as_raw_string() if isinstance(found, Blob) else None

    def _check_format(self, id: str) -> None:
        """Check that the server uses SHA-1, as dulwich cannot push objects with SHA-256.

        Raises:
            RepositoryError: the id is not a SHA-1.
        """
        if not _FULL.fullmatch(id) or len(id) > 40:  # noqa: PLR2004  # SHA-1's
            raise RepositoryError(
                f"{self.location!r} uses SHA-256; pushing to a SHA-256 repository on a server is "
                "not supported, use 'git push' in a clone",
                location=self.location,
            )

    def _object(self, tag: NewTag) -> GitTag:
        self._check_format(tag.commit)
        found = GitTag.from_raw_string(GitTag.type_num, tag_content(tag, self._programs))
        assert isinstance(found, GitTag)
        return found

    def _push(
        self,
        updates: Mapping[str, str],
        compute_updates: ComputeUpdates,
        objects: Sequence[GitTag],
    ) -> None:
        """Push updates, and check that they were made; retry while a ref is locked."""
        deadline = time.monotonic() + locks.TIMEOUT
        while True:
            result = self._push_once(updates, compute_updates, objects)
            is_locked = any(_LOCKED.search(reason) for reason in result.refused.values())
            if not is_locked or time.monotonic() > deadline:
                break
            _LOG.debug("a ref at %r is locked; pushing again", self.location)
            time.sleep(_LOCK_DELAY)
        if result.refused:
            raise self._refused(updates, result)
        if result.unreported and not self._are_set(updates):
            raise self._unknown(updates, f"{self.location!r} did not report the result")

    def _push_once(
        self,
        updates: Mapping[str, str],
        compute_updates: ComputeUpdates,
        objects: Sequence[GitTag],
    ) -> PushResult:
        computed = _Recorded(compute_updates)
        try:
            return self.transport.send(
                computed, lambda *_: _pack_of(objects), atomic=len(updates) > 1
            )
        except RemoteError as error:
            if not computed.has_returned:  # nothing was sent
                raise
            if not self._are_set(updates):
                raise self._unknown(updates, str(error)) from error
            return PushResult({}, frozenset(), "")  # only the answer was lost

    def _refused(self, updates: Mapping[str, str], result: PushResult) -> WriteConflictError:
        """Return the error for a refused push."""
        ref, reason = result.cause
        name = ref.removeprefix(TAGS)
        if updates[ref] and any(tag.name == name for tag in self.tags([name])):
            return tag_exists(name, self.location)
        return rejected(name, self.location, reason, result.messages, "nothing was written, ")

    def _unknown(self, updates: Mapping[str, str], reason: str) -> RemoteError:
        names = ", ".join(repr(ref.removeprefix(TAGS)) for ref in updates)
        return RemoteError(
            f"{reason}. The following tags may or may not have been updated: {names}; check before "
            "you retry",
            location=self.location,
        )

    def _are_set(self, updates: Mapping[str, str]) -> bool:
        """Return whether the server has the refs as requested."""
        try:
            remote_refs = self.transport.refs(list(updates)).ids
        except RepositoryError:
            return False
        return all(remote_refs.get(ref, "") == id for ref, id in updates.items())

    def _no_revision(self, revision: str, refs: Refs) -> RevisionNotFoundError:
        hint = sha_hint(revision)
        if hint:
            sentence = f"there is no commit {revision!r} at {self.location!r}: {hint}"
        elif revision in ("HEAD", "@") and not refs.ids:
            sentence = "HEAD names no commit yet; push one first, or pass another branch"
        elif _is_expression(revision) or _SHORT.fullmatch(revision):
            sentence = (
                f"{revision!r} cannot be resolved at a URL: short SHAs and expressions such as "
                "'HEAD~2' need a clone; pass the full SHA, a branch, a tag or 'HEAD'"
            )
        else:
            sentence = (
                f"there is no branch or tag {revision!r} at {self.location!r}; pass one, a full "
                "SHA or 'HEAD'"
            )
        return RevisionNotFoundError(sentence, revision=revision)


class _Recorded:
    """Calls a function that computes updates, and records whether it returned."""

    def __init__(self, compute_updates: ComputeUpdates) -> None:
        self._compute_updates = compute_updates
        self.has_returned = False

    def __call__(self, refs: Mapping[str, str]) -> Mapping[str, str]:
        found = self._compute_updates(refs)
        self.has_returned = True
        return found


def _pack_of(objects: Sequence[GitTag]) -> tuple[int, Iterator[UnpackedObject]]:
    return pack_objects_to_data([(one, None) for one in objects])


def _leads_to(ref: TagRef, id: str) -> bool:
    """Return whether an annotated tag has the id of an object, or may peel to it."""
    return ref.peeled is None or (ref.peeled != ref.id and id in (ref.id, ref.peeled))


def _with_prefix(refs: Iterable[TagRef], prefixes: Sequence[str]) -> list[TagRef]:
    return [ref for ref in refs if ref.name.startswith(tuple(prefixes))]


def _entry(objects: Fetched, head: str, path: str) -> ObjectID | None:
    """Return the id of a file in the root of a commit; raise KeyError if it was not sent."""
    commit = objects[ObjectID(head.encode())]
    tree = objects[commit.tree] if isinstance(commit, GitCommit) else None
    if not isinstance(tree, Tree):
        return None
    return next((entry.sha for entry in tree.iteritems() if entry.path == path.encode()), None)


def _id(tag: GitTag) -> str:
    return tag.id.decode("ascii")


def _is_expression(revision: str) -> bool:
    """Return whether a revision is an expression such as ``HEAD~2``, not a ref's name."""
    return any(sign in revision for sign in "~^:{\0\n") and revision not in ("HEAD", "@")
