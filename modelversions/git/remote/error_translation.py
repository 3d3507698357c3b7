"""Translate errors of dulwich, urllib3 and the system into this library's, without secrets."""

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
"""The maximal number of characters of a server's message in an error."""


def translate_error(
    error: Exception,
    location: str,
    timeout: float | None,
    secrets: Collection[str],
    *,
    reached: bool = False,
) -> ModelVersionsError:
    """Return the error of this library for an error of dulwich, urllib3 or the system.

    Args:
        error: the error.
        location: the server's location, without secrets.
        timeout: the seconds that the server may send nothing.
        secrets: texts that must not be shown.
        reached: whether the repository has answered before, so that a message such as "not
            found" is about something else.
    """
    words = sanitize(redact(_said(error), secrets))
    if isinstance(error, FileNotFoundError):
        return RemoteError(
            f"cannot reach {location!r}: there is no program {error.filename!r}; install it, or "
            "set GIT_SSH_COMMAND to another one",
            location=location,
        )
    if any(isinstance(one, TimeoutError) or _is_timeout(one) for one in _chain(error)):
        return RemoteTimeoutError(
            f"{location!r} sent nothing for {timeout} seconds; try again, or pass a larger "
            "timeout=",
            location=location,
        )
    if isinstance(error, HTTPProxyUnauthorized):
        return denied(location, "the proxy requires credentials; put them into its URL")
    if isinstance(error, NotGitRepository) or (not reached and _NOT_FOUND.search(words)):
        # git daemon says the same of a repository that may be read and not pushed to
        what = ", or no access for this" if "access denied" in words else ""
        return RepositoryNotFoundError(
            f"there is no repository at {location!r}{what} ({words or 'not found'}); check the "
            "URL, and that you have access",
            location=location,
        )
    if not reached and _DENIED.search(words):
        return AuthenticationError(
            f"{location!r} cannot be used: {words}; check that you have access, and your "
            "key or password",
            location=location,
        )
    if _NO_ATOMIC in words:
        return InvalidArgumentError(
            f"{location!r} does not support atomic pushes of several tags; nothing was pushed, "
            "push them one by one",
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
        f"cannot reach {location!r}: {words or type(error).__name__}; check that it is a Git "
        "server, and try again",
        location=location,
        status=getattr(error, "status", None),
    )


def denied(location: str, reason: str) -> AuthenticationError:
    """Return the error for a server that requires credentials, or rejected them."""
    return AuthenticationError(
        f"{location!r} cannot be used: {reason}; pass credentials= to Registry.open, such as "
        "modelversions.credentials.token_from_env('TOKEN')",
        location=location,
    )


def rejected(name: str, location: str, reason: str, words: str, rest: str) -> PushRejectedError:
    """Return the error for a tag that a server rejected.

    Args:
        name: the tag's name.
        location: the server's location, without secrets.
        reason: the server's reason.
        words: the output of its hooks.
        rest: the result for the other tags, followed by a semicolon.
    """
    said = f"{reason}; the server's output: {words}" if words else reason
    return PushRejectedError(
        f"{location!r} rejected the tag {name!r}: {said}; {rest}check the server's rules",
        tag=name,
        location=location,
        reason=said,
    )


def cannot_push(location: str, reason: str) -> PushRejectedError:
    """Return the error for a push that is not started, for Git's sake or for a lack here."""
    return PushRejectedError(
        f"nothing can be pushed to {location!r} from here: {reason}; push with 'git push' instead",
        tag="",
        location=location,
        reason=reason,
    )


def cause(error: Exception, secrets: Collection[str]) -> Exception | None:
    """Return the error to chain; None if there are secrets, which it might contain."""
    return None if secrets else error


def redact(text: str, secrets: Collection[str]) -> str:
    """Return a text without secrets, in whatever case they are written."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = re.sub(re.escape(secret), "***", text, flags=re.IGNORECASE)
    return text


def sanitize(words: str) -> str:
    """Return a server's message on one line, shortened, without control characters."""
    line = " ".join(_UNSHOWN.sub(" ", words).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _is_timeout(error: BaseException) -> bool:
    """Return whether it is a timeout of urllib3, which is not a builtin one."""
    return type(error).__name__ in ("ReadTimeoutError", "ConnectTimeoutError")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, its causes and urllib3's reasons."""
    while isinstance(error, BaseException):
        yield error
        error = getattr(error, "reason", None) or error.__cause__ or error.__context__


def _said(error: Exception) -> str:
    """Return an error's message."""
    if isinstance(error, HangupException) and not error.stderr_lines:
        return "the connection was closed"
    chain = list(_chain(error))
    wrapped = any(type(one).__module__.startswith("urllib3") for one in chain)
    reasons = [one for one in chain if isinstance(one, OSError)]
    return str(reasons[-1] if wrapped and reasons else error)  # urllib3 wraps the reason
