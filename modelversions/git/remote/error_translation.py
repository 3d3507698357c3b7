"""What can go wrong between here and a server, in this library's errors and without a secret."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from dulwich.client import HTTPProxyUnauthorized
from dulwich.errors import HangupException, NotGitRepository, ObjectFormatException

from modelversions.errors import (
    AuthenticationError,
    InvalidArgumentError,
    ModelVersionsError,
    PushRejectedError,
    RemoteError,
    RemoteTimeoutError,
    RepositoryNotFoundError,
)

_NOT_FOUND = re.compile(
    r"not (a git repository|exported)|(?<!command )not found|"
    r"does not (exist|appear to be a git)|no such (file|repository)",
    re.IGNORECASE,
)
_DENIED = re.compile(r"permission denied|authentication failed|HTTP 403", re.IGNORECASE)
_NO_ATOMIC = "does not support atomic"
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")
_LONGEST = 1000
"""The characters of what a server says that are worth repeating."""


def translate_error(
    error: Exception,
    location: str,
    timeout: float | None,
    secrets: Collection[str],
    *,
    reached: bool = False,
) -> ModelVersionsError:
    """Return the error that says what went wrong, and what to do.

    Args:
        error: what dulwich, urllib3 or the system raised.
        location: where the server is, without secrets.
        timeout: how many seconds it may be silent.
        secrets: what must not be shown.
        reached: whether the repository has answered already, so that words such as "not found"
            are about something else.
    """
    words = sanitize(redact(_said(error), secrets))
    if isinstance(error, FileNotFoundError):
        return RemoteError(
            f"{location!r} cannot be asked: there is no program {error.filename!r}; install it, or "
            "name another one in GIT_SSH_COMMAND",
            location=location,
        )
    if any(isinstance(one, TimeoutError) or _is_timeout(one) for one in _chain(error)):
        return RemoteTimeoutError(
            f"{location!r} was silent for {timeout} seconds; try again, or give it more time with "
            "timeout=",
            location=location,
        )
    if isinstance(error, HTTPProxyUnauthorized):
        return denied(location, "the proxy wants credentials, which go into the proxy's URL")
    if isinstance(error, NotGitRepository) or (not reached and _NOT_FOUND.search(words)):
        return RepositoryNotFoundError(
            f"there is no repository at {location!r} ({words or 'not found'}); see that the URL is "
            "right, and that you may see what is there",
            location=location,
        )
    if not reached and _DENIED.search(words):
        return AuthenticationError(
            f"{location!r} cannot be used: {words}; see that you may, and that your key or "
            "password is right",
            location=location,
        )
    if _NO_ATOMIC in words:
        return InvalidArgumentError(
            f"{location!r} cannot take several tags at once, all or none, and has taken none; "
            "write them one after the other",
            argument="atomic",
            value=None,
        )
    if isinstance(error, ObjectFormatException):
        return RemoteError(
            f"an object cannot be parsed by dulwich: {words}; nothing was changed at {location!r}, "
            "use 'git push' or 'git fetch' for these tags",
            location=location,
        )
    return RemoteError(
        f"{location!r} cannot be asked: {words or type(error).__name__}; see that the server is "
        "there and speaks Git's protocol, and try again",
        location=location,
        status=getattr(error, "status", None),
    )


def denied(location: str, reason: str) -> AuthenticationError:
    """Return the error for a server that wants credentials, or other ones."""
    return AuthenticationError(
        f"{location!r} cannot be used: {reason}; pass credentials= to Registry.open, such as "
        "modelversions.credentials.token_from_env('TOKEN')",
        location=location,
    )


def rejected(name: str, location: str, reason: str, words: str, rest: str) -> PushRejectedError:
    """Return the error for a tag that a server refused, in its own words.

    Args:
        name: the tag's name.
        location: where the server is, without secrets.
        reason: what it said of the tag.
        words: what it said besides: a hook's output.
        rest: what became of the others, with a mark after it.
    """
    said = f"{reason}; it says: {words}" if words else reason
    return PushRejectedError(
        f"{location!r} refused the tag {name!r}: {said}; {rest}see what its rules allow",
        tag=name,
        location=location,
        reason=said,
    )


def cause(error: Exception, secrets: Collection[str]) -> Exception | None:
    """Return an error to be chained; none where there are secrets that it might tell."""
    return None if secrets else error


def redact(text: str, secrets: Collection[str]) -> str:
    """Return a text without secrets, the longest first, whatever their case."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = re.sub(re.escape(secret), "***", text, flags=re.IGNORECASE)
    return text


def sanitize(words: str) -> str:
    """Return what a server says on one line that is no risk for a terminal, and not too long."""
    line = " ".join(_UNSHOWN.sub(" ", words).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _is_timeout(error: BaseException) -> bool:
    """Say whether it is one of urllib3's, which are no builtin ones."""
    return type(error).__name__ in ("ReadTimeoutError", "ConnectTimeoutError")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Give an error and what led to it, urllib3's reasons too."""
    while isinstance(error, BaseException):
        yield error
        error = getattr(error, "reason", None) or error.__cause__ or error.__context__


def _said(error: Exception) -> str:
    """Return what an error says."""
    if isinstance(error, HangupException) and not error.stderr_lines:
        return "the connection broke off"
    chain = list(_chain(error))
    wrapped = any(type(one).__module__.startswith("urllib3") for one in chain)
    reasons = [one for one in chain if isinstance(one, OSError)]
    return str(reasons[-1] if wrapped and reasons else error)  # urllib3 wraps the reason up
