"""Parse tag and commit objects leniently, and write tag objects as Git does."""

from __future__ import annotations

import functools
import re
import string
from datetime import datetime, timedelta, timezone

from modelversions.errors import IdentityError
from modelversions.git.config import GitConfig
from modelversions.git.programs import Programs
from modelversions.git.signing import sign, split, wanted
from modelversions.git.store import MAX_MESSAGE, Commit, NewTag, TagIssue, TagObject
from modelversions.values.event import MAX_TIMESTAMP
from modelversions.values.identity import Identity
from modelversions.values.problem import ProblemKind

_TAG = re.compile(
    rb"object (?P<target>[0-9a-fA-F]{40}|[0-9a-fA-F]{64})\n"
    rb"type (?P<type>[a-z]+)\n"
    rb"tag (?P<name>[^\n]*)\n"
)
_TAGGER = re.compile(rb"^tagger ([^\n]*)", re.MULTILINE)
"""As in Git, the tagger may be in any line of the headers."""
_COMMON = re.compile(
    r"object ([0-9a-f]{40}|[0-9a-f]{64})\ntype commit\ntag ([^\n]*)\n"
    r"tagger ([^<>\n]*<[^<>\n]*)> ([0-9]{1,11}) ([+-][0-9]{4})\n\n(.*)",
    re.DOTALL,
)
_COMMON_START = re.compile(
    rb"object ([0-9a-f]{40}|[0-9a-f]{64})\ntype commit\ntag [^\n]*\n"
    rb"tagger [^<>\n]*<[^<>\n]*> [0-9]{1,11} [+-][0-9]{4}\n\n"
)
_COMMITTER = re.compile(rb"^committer ([^\n]*)$", re.MULTILINE)
_PARENT = re.compile(rb"^parent ([0-9a-f]+)$", re.MULTILINE)
_AUTHOR = re.compile(rb"^author ([^\n]*)$", re.MULTILINE)
_PERSON = re.compile(
    rb"(?P<name>[^<]*)<(?P<email>[^>]*)>"
    rb"(?:(?:.*?>)?? \s*(?P<time>\+?[0-9]+|\S*)\s*(?P<zone>[+-]?[0-9]+|\S*))?"
)
"""As ``git for-each-ref`` reads it: the time follows the first "> "."""
_SECONDS = re.compile(rb"\+?[0-9]{1,15}")
_ZONE = re.compile(rb"([+-]?)([0-9]{1,8})")
_DAY = 24 * 60
_LAST_TIME = re.compile(rb">[ \t]*0*([0-9]+)[^>]*\Z")
_MAX_ORDER = 2**64 - 1
"""As in Git, which stores the time in 64 bits."""
_ORDER_DIGITS = 21
"""One more than the digits of ``_MAX_ORDER``."""
MAX_HEADER = 1 << 16
"""The maximum number of bytes of the tag name in the object, and of the tagger."""
_SPACE = string.whitespace
"""The characters that ``bytes.strip`` strips; ``str.strip`` also strips some control characters."""


def parse_common_tag(raw: bytes) -> TagObject | None:
    """Parse a tag in the form that Git writes, in half the time of ``TagParts``.

    Returns:
        None for a tag in another form.
    """
    if len(raw) > MAX_HEADER:  # its parts may exceed the limits
        return None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    match = _COMMON.fullmatch(text)
    if match is None or "-----BEGIN " in text:
        return None
    commit, name, person, seconds, zone, message = match.groups()
    author, offset = _tagger(person, zone)
    since = int(seconds)  # at most 11 digits, so less than MAX_TIMESTAMP
    if offset is None:
        return None
    time = datetime.fromtimestamp(since, offset)
    return tuple.__new__(TagObject, (commit, name, time, author, message.strip(), (), since))


def commit_of_common_tag(raw: bytes) -> str | None:
    """Return the target of a tag in the form that Git writes, if its declared type is commit.

    Returns:
        The target; None for a tag in another form, or without a time.
    """
    match = _COMMON_START.match(raw)
    if match is None or match.end() > MAX_HEADER:
        return None
    return match[1].decode()


class TagParts:
    """The parts of a tag object, before it is peeled."""

    __slots__ = ("issues", "message", "name", "person", "target", "type")

    def __init__(self, raw: bytes) -> None:
        """Parse the bytes of a tag object.

        Raises:
            ValueError: the bytes are not a tag object.
        """
        match = _TAG.match(raw)
        if match is None:
            raise ValueError("not a tag object")
        target, kind, name = match.groups()
        headers, message = _parts(raw, match.end())
        tagger = _TAGGER.search(headers)
        if len(name) > MAX_HEADER or (tagger and len(tagger[1]) > MAX_HEADER):
            raise ValueError("the name or the tagger is too long")
        self.issues: list[TagIssue] = []
        self.target: str = target.decode("ascii").lower()
        self.type: str = kind.decode("ascii")
        self.name = self._text(name)
        self.person = None if tagger is None else _PERSON.match(tagger[1])
        self.message = self._text(self._shortened(split(message)[0])).strip()

    def _shortened(self, message: bytes) -> bytes:
        """Return the part of a message that is kept, without an incomplete character at its end."""
        if len(message) <= MAX_MESSAGE:
            return message
        issue = f"its message has {len(message)} bytes; the first {MAX_MESSAGE} are kept"
        self.issues.append((ProblemKind.LONG_MESSAGE, issue))
        end = MAX_MESSAGE
        while end > MAX_MESSAGE - 3 and message[end] & 0xC0 == 0x80:  # noqa: PLR2004  # UTF-8
            end -= 1
        return message[:end]

    def _text(self, raw: bytes) -> str:
        text, issues = _text(raw)
        self.issues += issues
        return text

    def build(self, commit: str, committed: datetime | None) -> TagObject | None:
        """Return the tag with the commit that it peels to.

        Args:
            commit: the id of the commit.
            committed: the time of the commit, used if the tag has no time (F10).

        Returns:
            The tag; None if it has no time and ``committed`` is None.
        """
        time, author, issues = None, None, list(self.issues)
        if self.person is None:
            issues.append((ProblemKind.NO_TAGGER, "it has no tagger; the commit's time is used"))
        else:
            author, more = _author(self.person["name"], self.person["email"])
            time, unread = _time(self.person["time"], self.person["zone"])
            issues += [*more, *unread]
        time = time or committed
        if time is None:
            return None
        seconds = int(time.timestamp())
        return TagObject(commit, self.name, time, author, self.message, tuple(issues), seconds)


def _parts(raw: bytes, start: int) -> tuple[bytes, bytes]:
    """Return the headers from an offset on, and the message, which follows an empty line.

    A regular expression for this needed 70 times the memory of the headers.
    """
    if raw[start : start + 1] == b"\n":
        return b"", raw[start + 1 :]
    end = raw.find(b"\n\n", start)
    return (raw[start:], b"") if end < 0 else (raw[start : end + 1], raw[end + 2 :])


def commit_time(raw: bytes) -> datetime | None:
    """Return the committer's time from the bytes of a commit; None if it has no valid time."""
    committer = _COMMITTER.search(raw)
    person = _PERSON.match(committer[1]) if committer else None
    return _time(person["time"], person["zone"])[0] if person else None


def commit_order(raw: bytes) -> int:
    """Return the committer's time in seconds, by which Git orders commits; of any size."""
    committer = _COMMITTER.search(raw.partition(b"\n\n")[0])
    digits = _LAST_TIME.search(committer[1]) if committer else None
    return min(int(digits[1][:_ORDER_DIGITS]), _MAX_ORDER) if digits else 0


def parents(raw: bytes) -> list[str]:
    """Return the ids of a commit's parents from its bytes."""
    return [id.decode("ascii") for id in _PARENT.findall(raw.partition(b"\n\n")[0])]


def parse_commit(id: str, raw: bytes) -> Commit:
    """Parse a commit object; parts that cannot be read are empty."""
    head, _, message = raw.partition(b"\n\n")
    author = _AUTHOR.search(head)
    person = _PERSON.match(author[1]) if author else None
    return Commit(
        commit=id,
        time=commit_time(head) or datetime.fromtimestamp(0, timezone.utc),
        author=_author(person["name"], person["email"])[0] if person else None,
        message=_text(message)[0].strip(),
    )


def format_tag(tag: NewTag) -> bytes:
    """Return the bytes of the tag object that ``git tag -a`` would write."""
    header = f"object {tag.commit}\ntype commit\ntag {tag.name}\n".encode()
    message = tag.message.encode(errors="surrogateescape")
    return b"%btagger %b\n\n%b" % (header, format_person(tag.author, tag.time), message)


def format_person(person: Identity, time: datetime) -> bytes:
    """Return name, address, time and UTC offset as Git writes them in objects and reflogs."""
    offset = time.utcoffset()
    assert offset is not None
    minutes = int(offset.total_seconds() // 60)
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
    seconds = (time - datetime.fromtimestamp(0, timezone.utc)) // timedelta(seconds=1)
    return f"{person} {seconds} {zone}".encode(errors="surrogateescape")


def reflog_entry(config: GitConfig, message: str) -> bytes:
    """Return identity, time and message in the form of a reflog entry."""
    try:
        person = Identity.from_git(config.get, config.env)
    except IdentityError:  # Git derives one from the system's user
        person = Identity("unknown", "unknown")
    return format_person(person, datetime.now().astimezone()) + b"\t" + message.encode()


def tag_content(tag: NewTag, programs: Programs) -> bytes:
    """Return a tag object's bytes, signed if requested.

    Raises:
        SigningError: the program that signs cannot be run, or failed.
        DubiousOwnershipError: another user owns the repository whose configuration names it.
    """
    content = format_tag(tag)
    if not wanted(programs.config, sign=tag.sign):
        return content
    key = tag.sign if isinstance(tag.sign, str) else None
    return content + sign(programs, content, str(tag.author), key)


def clean_as_configured(message: str, config: GitConfig) -> str:
    """Clean up a message with the comment character of Git's configuration."""
    comment = config.get("core.commentString") or config.get("core.commentChar")
    return clean_message(message, comment if comment and comment != "auto" else "#")


def clean_message(message: str, comment: str) -> str:
    """Remove comment lines and superfluous white space, as ``git tag -a`` does.

    dulwich's ``stripspace`` also strips the indentation of lines, which Git keeps.
    """
    kept: list[str] = []
    for line in message.split("\n"):
        if line.startswith(comment):
            continue
        bare = line.rstrip(" \t\r")
        if bare or (kept and kept[-1]):
            kept.append(bare)
    return "\n".join(kept).rstrip("\n") + "\n" if any(kept) else ""


def _text(raw: bytes) -> tuple[str, list[TagIssue]]:
    try:
        return raw.decode(), []
    except UnicodeDecodeError:
        text = raw.decode(errors="replace")
        return text, [(ProblemKind.UNDECODABLE, f"{text.strip()[:60]!r} is not UTF-8")]


@functools.lru_cache(maxsize=1024)  # few people create many tags
def _author(name: bytes, email: bytes) -> tuple[Identity, list[TagIssue]]:
    (name_text, issues), (email_text, more) = _text(name.strip()), _text(email)
    return Identity(name_text, email_text), [*issues, *more]


def _time(digits: bytes | None, zone: bytes | None) -> tuple[datetime | None, list[TagIssue]]:
    """Parse seconds and UTC offset as in Git objects."""
    if digits is None or not _SECONDS.fullmatch(digits) or int(digits) >= MAX_TIMESTAMP:
        shown = (digits or b"").decode(errors="replace")
        message = f"invalid time {shown!r}; using the commit's time"
        return None, [(ProblemKind.UNREADABLE_TIME, message)]
    offset = _offset(zone)
    time = datetime.fromtimestamp(int(digits), offset or timezone.utc)
    if offset is None:
        shown = (zone or b"").decode(errors="replace")
        message = f"invalid UTC offset {shown!r}; using UTC"
        return time, [(ProblemKind.UNREADABLE_TIME, message)]
    return time, []


@functools.lru_cache(maxsize=1024)
def _tagger(person: str, zone: str) -> tuple[Identity, timezone | None]:
    name, _, email = person.partition("<")
    return Identity(name.strip(_SPACE), email), _offset(zone.encode())


@functools.lru_cache(maxsize=256)
def _offset(zone: bytes | None) -> timezone | None:
    match = _ZONE.fullmatch(zone or b"")
    if match is None:
        return None
    hours, minutes = divmod(int(match[2]), 100)
    total = hours * 60 + minutes
    if total >= _DAY:
        return None
    return timezone(timedelta(minutes=-total if match[1] == b"-" else total))
