"""The seam between the registry and Git: what a store gives, in plain values."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol, overload

import attrs

from modelversions.values.identity import Identity
from modelversions.values.problem import ProblemKind

TAGS = "refs/tags/"
"""What stands before a tag's name in its ref."""

Flaw = tuple[ProblemKind, str]
"""A kind of problem, and the sentence about it."""

_FAMILY = re.compile(r"([^@#]*)[@#]")

SIGNATURES = ("PGP SIGNATURE", "PGP MESSAGE", "SIGNED MESSAGE", "SSH SIGNATURE")
"""What a line ``-----BEGIN …-----`` says where Git takes a signature to begin."""


Credentials = Callable[[str, "str | None"], "tuple[str, str] | None"]
"""Gives for a URL and a hint at the user's name the name and the password."""

Progress = Callable[[int, "int | None", str], None]
"""Is told how much is done, of how much if that is known, and of what."""


@attrs.frozen
class Access:
    """How to get at servers: what the caller of ``Registry.open`` chose."""

    credentials: Credentials | None = attrs.field(default=None, repr=False)
    progress: Progress | None = attrs.field(default=None, repr=False)
    timeout: float | None = 60.0
    """How many seconds a server may be silent; None for as long as it likes."""

    def report(self, done: int, total: int | None, what: str) -> None:
        """Tell the caller of progress, if that is wanted."""
        if self.progress is not None:
            self.progress(done, total, what)


@attrs.frozen
class TagRef:
    """One ref below ``refs/tags/``, as a listing gives it."""

    name: str
    """The name without ``refs/tags/``."""
    id: str
    """The object that the ref names: a tag object, or a commit for a lightweight tag. Empty where
    the ref cannot be read."""
    peeled: str | None = None
    """What the listing says that lies behind the tag object; ``id`` itself for a lightweight
    tag; None where the listing does not say."""


class Listing(Sequence[TagRef]):
    """Refs, by name. Equal to another when both looks found the same."""

    is_at_hand = False
    """Whether two small reads of what the refs name cost less than one of all."""

    def __init__(self, refs: Iterable[TagRef] = ()) -> None:
        """Keep refs that are in order."""
        self._refs = tuple(refs)

    @classmethod
    def of(cls, refs: Sequence[TagRef]) -> Listing:
        """Return refs as a listing, which they may be already."""
        return refs if isinstance(refs, Listing) else cls(refs)

    def __len__(self) -> int:
        """Count the refs."""
        return len(self.refs())

    @overload
    def __getitem__(self, index: int) -> TagRef: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[TagRef]: ...

    def __getitem__(self, index: int | slice) -> TagRef | Sequence[TagRef]:
        """Return a ref by its place."""
        return self.refs()[index]

    def __iter__(self) -> Iterator[TagRef]:
        """Give the refs one by one, for whoever need not see them all."""
        return iter(self.refs())

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._refs)

    def refs(self) -> Sequence[TagRef]:
        """Return all refs at once."""
        return self._refs

    def __eq__(self, other: object) -> bool:
        """Equal when the looks found the same."""
        return isinstance(other, Listing) and self._refs == other._refs

    __hash__ = None  # type: ignore[assignment]  # they are compared one with one

    def families(self) -> Mapping[str, Listing]:
        """Return the refs by what stands in front of the first ``@`` or ``#``; others are left."""
        return {family: Listing(refs) for family, refs in by_family(self).items()}


def by_family(refs: Iterable[TagRef]) -> Mapping[str, list[TagRef]]:
    """Sort refs by what stands in front of the first ``@`` or ``#``."""
    found: dict[str, list[TagRef]] = {}
    for ref in refs:
        match = _FAMILY.match(ref.name)
        if match:
            found.setdefault(match[1], []).append(ref)
    return found


@attrs.frozen
class TagObject:
    """What a tag object says, decoded; also what stands in for one that is no event's."""

    commit: str | None
    """The commit that the tag peels to, through tags of tags; None: this is no event."""
    name: str = ""
    """The name that the object bears, which should be its ref's."""
    time: datetime | None = None
    """When it was made, with its own offset; None exactly where ``commit`` is."""
    author: Identity | None = None
    message: str = ""
    """The message, without signature and without blank lines around it."""
    flaws: tuple[Flaw, ...] = ()

    @property
    def is_lost(self) -> bool:
        """Whether nobody can tell what the tag says, as its object is not there."""
        return self.commit is None and any(kind is ProblemKind.MISSING for kind, _ in self.flaws)


@attrs.frozen
class Commit:
    """A commit to choose from: what ``Registry.commits`` lists."""

    id: str
    """The full SHA."""
    time: datetime
    """The committer's time."""
    author: Identity | None
    message: str

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]

    def __str__(self) -> str:
        """Return a short SHA and the subject."""
        return f"{self.id[:7]} {self.subject}"


@attrs.frozen
class NewTag:
    """An annotated tag to be written."""

    name: str
    commit: str
    message: str
    """The message as Git cleans it up; it ends with a newline."""
    author: Identity
    time: datetime
    """Aware; Git keeps whole seconds and the offset."""
    sign: bool | str | None = False
    """Whether to sign it, or with which key; None for what Git's configuration says."""


def sha_hint(revision: str, digits: int = 40) -> str:
    """Return what is wrong with a revision that was meant as a full SHA; empty if it was not."""
    near = len(revision) in range(digits - 6, digits + 7) and revision.isalnum()
    bad = [char for char in revision if char not in "0123456789abcdefABCDEF"]
    if not near or len(bad) > 3:  # noqa: PLR2004  # a word, not a slip
        return ""
    wrong = f"{bad[0]!r} is none" if bad else f"it has {len(revision)}"
    return f"a full SHA has {digits} hexadecimal digits, and {wrong}"


class SignatureStatus(str, enum.Enum):
    """What can be said of a tag's signature."""

    GOOD = "good"
    """Made by a key that is known and trusted."""
    UNKNOWN = "unknown"
    """Right in itself as far as can be told, but the key is not known, not trusted or expired."""
    BAD = "bad"
    """The tag is not what was signed."""
    UNSIGNED = "unsigned"

    def __str__(self) -> str:
        """Return the word."""
        return self.value


@attrs.frozen
class Signature:
    """Who signed a tag, and whether that holds."""

    status: SignatureStatus
    signer: str = ""
    """The signer as the key has it: ``Name <mail>``, or the principal of an SSH key."""
    key: str = ""
    """The key's id or fingerprint."""
    detail: str = ""
    """What the program that checked it said."""

    def __bool__(self) -> bool:
        """Whether the signature is good."""
        return self.status is SignatureStatus.GOOD


class Exchange(Protocol):
    """What lies between a repository on this machine and another one."""

    @property
    def location(self) -> str:
        """Where the other one is, for messages and without secrets."""

    def theirs(self) -> list[TagRef]:
        """List the tags that can be fetched from the other one, by name."""

    def send(self, refs: Sequence[TagRef]) -> list[TagRef]:
        """Push tags that the other one lacks, with all that they lead to; overwrite none.

        Returns:
            What it had under these names already, the same or something else.

        Raises:
            PushRejectedError: it refused one.
        """

    def bring(self, refs: Sequence[TagRef]) -> tuple[list[TagRef], list[TagRef]]:
        """Fetch tags of the other one's, with all that they lead to; overwrite none.

        Returns:
            Those that were created here, and those for which there was no place.
        """

    def close(self) -> None:
        """Close the connections."""


class Store(Protocol):
    """A repository, seen as a place for tags. Object ids and revisions are text, hexadecimal.

    Reading never raises for what a tag holds: that becomes flaws. What raises is the repository
    itself (``RepositoryError``).
    """

    @property
    def location(self) -> str:
        """The path or URL, for messages."""

    @property
    def is_local(self) -> bool:
        """Whether it is read without a server."""

    def tags(self, prefixes: Sequence[str] = ("",)) -> Sequence[TagRef]:
        """List the tags whose names begin with one of ``prefixes``, as they are now, by name."""

    def read(self, refs: Iterable[TagRef]) -> Mapping[str, TagObject]:
        """Read what the refs name, in bulk, by object id."""

    def commit(self, ref: TagRef) -> str | None:
        """Return the commit of an annotated tag, reading as little as will do; else None.

        It is the one that ``read`` gives.
        """

    def resolve(self, revision: str) -> str:
        """Return the id of the commit that a revision names, as ``git rev-parse`` would.

        Raises:
            RevisionNotFoundError: or one of its kinds.
        """

    def commits(self, revision: str, limit: int | None) -> Iterable[Commit]:
        """List the commits that lead to a revision, newest first."""

    def config(self, key: str) -> str | None:
        """Return the value of a key of Git's configuration, such as ``"user.name"``."""

    def clean(self, message: str) -> str:
        """Return a message as ``git tag -a`` would keep it."""

    def check(self, name: str) -> None:
        """Refuse a tag name that Git could not keep (F4), or not beside what is there.

        Raises:
            InvalidNameError: no repository could.
            WriteConflictError: this one cannot; ``TagExistsError`` where the very tag exists.
        """

    def create(self, tags: Sequence[NewTag]) -> None:
        """Write the tag objects, then each ref if there is none: all of them, or none.

        Raises:
            WriteConflictError: a ref could not be made; those made before are gone again.
            SigningError: a tag could not be signed; nothing was written.
        """

    def delete(self, refs: Sequence[TagRef]) -> None:
        """Delete refs that still name what they did when they were listed: all, or none.

        Raises:
            WriteConflictError: one was changed meanwhile, or is locked.
        """

    def signature(self, ref: TagRef) -> Signature:
        """Check the signature of a tag object.

        Raises:
            SigningError: the program that checks it is not there.
        """

    def file(self, path: str) -> bytes | None:
        """Read a file from the root: of the work tree, or of HEAD's commit where there is none."""

    def close(self) -> None:
        """Let go of files and connections; a second call does nothing."""
