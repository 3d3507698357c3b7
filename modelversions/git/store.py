"""The protocols between the registry and Git, and the values that they use."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

import attrs

from modelversions.gc_pause import gc_resumed
from modelversions.json_types import record
from modelversions.values.identity import Identity
from modelversions.values.problem import ProblemKind
from modelversions.values.sequences import FindPages
from modelversions.values.web_pages import CommitUrl

TAGS = "refs/tags/"
"""The namespace of tags."""

TagIssue = tuple[ProblemKind, str]
"""A kind of problem and its message."""

MAX_MESSAGE = 1 << 20
"""The maximum number of bytes of a message that are kept."""

SIGNATURES = ("PGP SIGNATURE", "PGP MESSAGE", "SIGNED MESSAGE", "SSH SIGNATURE")
"""The words after ``-----BEGIN`` on a line at which Git recognizes a signature."""


Credentials = Callable[[str, "str | None"], "tuple[str, str] | None"]
"""Return user name and password for a URL and, if known, the user name; None if there are none."""

Progress = Callable[[int, "int | None", str], None]
"""Called with the amount done, the total if it is known, and a description."""


@attrs.frozen
class RemoteOptions:
    """Options for remote repositories, as given to ``Registry.open``."""

    credentials: Credentials | None = attrs.field(default=None, repr=False)
    progress: Progress | None = attrs.field(default=None, repr=False)
    timeout: float | None = 60.0
    """The seconds to wait for data from a server; None for no limit."""
    commit_url: CommitUrl | None = None
    """Returns the web page of a commit. Default: by the type of the host."""

    def report(self, done: int, total: int | None, what: str) -> None:
        """Call ``progress``, if there is one."""
        if self.progress is not None:
            with gc_resumed():
                self.progress(done, total, what)


class TagRef(NamedTuple):
    """A listed ref below ``refs/tags/``."""

    name: str
    """The name without ``refs/tags/``."""
    id: str
    """The object that the ref names: a tag object, or a commit for a lightweight tag. Empty if the
    ref cannot be read."""
    peeled: str | None = None
    """The object that the tag peels to, according to the list of refs: ``id`` for a lightweight
    tag, None if the list does not contain it."""


class TagObject(NamedTuple):
    """The content of a tag object, or the reasons why a ref is not an event."""

    commit: str | None
    """The commit that the tag peels to; None if the tag is not an event."""
    name: str = ""
    """The name in the object, which should be that of its ref."""
    time: datetime | None = None
    """The tagger's time, aware; None if and only if ``commit`` is None."""
    author: Identity | None = None
    message: str = ""
    """The message, without a signature and without leading and trailing blank lines."""
    issues: tuple[TagIssue, ...] = ()
    timestamp: int = 0
    """``time`` in seconds since the epoch; computing it again would take 1.2 µs."""

    @property
    def is_unreadable(self) -> bool:
        """Whether the content of the tag is unknown, because an object is missing."""
        return self.commit is None and any(kind is ProblemKind.MISSING for kind, _ in self.issues)


@attrs.frozen(repr=False)
class Commit:
    """A commit, as ``Registry.commits`` lists it."""

    commit: str
    """The full SHA."""
    time: datetime
    """The committer's time."""
    author: Identity | None
    message: str

    @property
    def id(self) -> str:
        """The full SHA, as ``commit``."""
        return self.commit

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]

    def to_dict(self) -> dict[str, object]:
        """Return the commit as JSON types."""
        return record(commit=self.commit, time=self.time, author=self.author, message=self.message)

    def __str__(self) -> str:
        """Return a short SHA and the subject."""
        return f"{self.commit[:7]} {self.subject}"

    def __repr__(self) -> str:
        """Return the same as ``str()``; characters that control a terminal are escaped."""
        return f"<Commit {self.commit[:7]} {self.subject[:200]!r}>"


@attrs.frozen
class NewTag:
    """An annotated tag to be created."""

    name: str
    commit: str
    message: str
    """The message, cleaned up as by Git; it ends with a newline."""
    author: Identity
    time: datetime
    """Aware; Git stores whole seconds and the offset."""
    sign: bool | str | None = False
    """Whether to sign it, or the key to sign with; None for Git's configuration."""


def sha_hint(revision: str, digits: int = 40) -> str:
    """Return what is wrong with a mistyped full SHA; empty for other revisions."""
    near = len(revision) in range(digits - 6, digits + 7) and revision.isalnum()
    bad = [char for char in revision if char not in "0123456789abcdefABCDEF"]
    if not near or len(bad) > 3:  # noqa: PLR2004  # a word, not a mistyped SHA
        return ""
    if not bad and len(revision) == digits:  # its form is right
        return ""
    wrong = f"{bad[0]!r} is not one" if bad else f"this one has {len(revision)}"
    return f"a full SHA has {digits} hexadecimal digits; {wrong}"


class SignatureStatus(str, enum.Enum):
    """The result of verifying a tag's signature."""

    GOOD = "good"
    """Valid, and made with a known and trusted key."""
    UNKNOWN = "unknown"
    """Not verifiable: the key is unknown, untrusted or expired."""
    BAD = "bad"
    """The signature does not match the tag."""
    UNSIGNED = "unsigned"

    def __str__(self) -> str:
        """Return the value."""
        return self.value


@attrs.frozen
class Signature:
    """A tag's signature: the signer, and whether it is valid."""

    status: SignatureStatus
    signer: str = ""
    """The key's user ID, such as ``Name <mail>``, or the principal of an SSH key."""
    key: str = ""
    """The key's id or fingerprint."""
    detail: str = ""
    """The output of the program that verified it."""

    def to_dict(self) -> dict[str, object]:
        """Return the signature as JSON types."""
        return record(status=self.status, signer=self.signer, key=self.key, detail=self.detail)

    def __bool__(self) -> bool:
        """Whether the signature is good."""
        return self.status is SignatureStatus.GOOD


class Remote(Protocol):
    """A remote repository, as seen from a local one: lists, receives and sends tags."""

    @property
    def location(self) -> str:
        """The path or URL, for messages and without secrets."""

    def list_tags(self) -> list[TagRef]:
        """List the remote's tags that can be fetched, by name."""

    def list_targets(self, prefixes: Sequence[str]) -> list[TagRef]:
        """List the tags that begin with a prefix, of each repository to push to."""

    def push(self, refs: Sequence[TagRef]) -> list[TagRef]:
        """Push tags that the remote lacks, with all objects that they need; overwrite none.

        Returns:
            The tags of these names that the remote had already, equal or different.

        Raises:
            PushRejectedError: the remote rejected a tag.
        """

    def delete(self, refs: Sequence[TagRef]) -> list[str]:
        """Delete tags from the remote, where they exist; return the names of those that did.

        Raises:
            WriteConflictError: the remote has a different tag of one name.
            PushRejectedError: the remote rejected a deletion.
            PartlyDeletedError: some were deleted, others were not.
        """

    def fetch(self, refs: Sequence[TagRef]) -> tuple[list[TagRef], list[TagRef]]:
        """Fetch tags of the remote, with all objects that they need; overwrite none.

        Returns:
            The tags that were created, and those whose names conflict with existing refs.
        """

    def close(self) -> None:
        """Close the connections."""


class FileAt(NamedTuple):
    """The entry at a path in the files of a commit."""

    kind: str
    """``"file"``, ``"symlink"``, ``"directory"`` or ``"submodule"``."""
    content: bytes
    """The content of a file, or the target of a symbolic link; else empty."""


class ReadStore(Protocol):
    """The tags of one repository, for reading.

    Object ids and revisions are text, ids in hexadecimal.

    Reading never raises for the content of a tag: that becomes issues. A repository that cannot be
    read raises ``RepositoryError``.
    """

    @property
    def location(self) -> str:
        """The path or URL, for messages."""

    @property
    def is_local(self) -> bool:
        """Whether it is read without a server."""

    @property
    def is_shallow(self) -> bool:
        """Whether it is a shallow clone, which may lack tags that the remote has."""

    @property
    def find_pages(self) -> FindPages:
        """A function that finds the web pages; it keeps no files and no connections open."""

    @property
    def replaced(self) -> Mapping[str, str]:
        """The replaced objects (``git replace``), as of the last list of tags.

        If this changes, the content of the same tags may change.
        """

    def tags(self, prefixes: Sequence[str] = ("",)) -> Sequence[TagRef]:
        """List the tags whose names begin with one of ``prefixes``, as they are now, by name.

        The same sequence may be returned again while nothing has changed.
        """

    def read(self, refs: Iterable[TagRef]) -> Sequence[TagObject]:
        """Read the objects that refs name, in the order of the refs."""

    def peel(self, refs: Iterable[TagRef], *, verify: bool = False) -> Sequence[str | None]:
        """Peel annotated tags to their commits, in the order of the refs; None for other tags.

        Args:
            refs: the tags.
            verify: whether the tag objects are read, so that the commits are those of ``read``.
                Otherwise the peeled ids of the list of refs are used if it has them; then broken
                objects are not detected and, on a server, neither are targets that are not commits.
        """

    def resolve(self, revision: str) -> str:
        """Return the id of the commit that a revision names, as ``git rev-parse`` would.

        Raises:
            RevisionNotFoundError: or one of its subclasses.
        """

    def commits(self, revision: str, limit: int | None) -> Iterable[Commit]:
        """List a commit and its ancestors, newest first."""

    def file_at(self, commit: str, path: str, *, bounded: bool = True) -> FileAt | None:
        """Return the entry at a path in the files of a commit; None if there is none.

        Args:
            commit: the full id of a commit.
            path: relative to the root, with ``/``.
            bounded: whether to limit the bytes of the file and of a server's answer.
        """

    def paths_at(self, commit: str, name: str) -> Sequence[str]:
        """Return the paths of all files of one name in the files of a commit, sorted."""

    def read_file(self, path: str) -> bytes | None:
        """Read a file of the work tree, or of HEAD's commit in a bare repository."""


class Store(ReadStore, Protocol):
    """The tags of one repository, for reading and writing."""

    def config(self, key: str) -> str | None:
        """Return the value of a key of Git's configuration, such as ``"user.name"``."""

    def clean_message(self, message: str) -> str:
        """Return a message as ``git tag -a`` would store it."""

    def check_tag_name(self, name: str) -> None:
        """Check that a tag of this name can be created (F4).

        Raises:
            InvalidNameError: Git does not allow the name.
            WriteConflictError: it conflicts with an existing ref; ``TagExistsError`` if the tag
                exists.
        """

    def create(self, tags: Sequence[NewTag]) -> None:
        """Write the tag objects, then create the refs, which must not exist: all or none.

        Raises:
            WriteConflictError: a ref could not be created; none was.
            SigningError: a tag could not be signed; nothing was written.
        """

    def delete(self, refs: Sequence[TagRef]) -> None:
        """Delete refs that still name the objects that were listed: all or none.

        Raises:
            WriteConflictError: one changed concurrently, or is locked.
        """

    def verify_signature(self, ref: TagRef) -> Signature:
        """Verify the signature of a tag object.

        Raises:
            SigningError: the program that verifies signatures cannot be run.
        """

    def close(self) -> None:
        """Close files and connections; a second call does nothing."""
