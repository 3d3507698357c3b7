"""Translate errors of dulwich, urllib3 and the system into those of this library."""

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
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+")
_MAX_LENGTH = 1000
"""The maximum number of characters of a server's message in an error."""


class AtomicPushError(InvalidArgumentError):
    """A server does not support atomic pushes; nothing was pushed."""


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
        timeout: the seconds to wait for data from the server.
        secrets: texts that must not be shown.
        reached: whether the repository has answered before; then a message such as "not found" is
            not about the repository.
    """
    message = sanitize(redact(_message_of(error), secrets))
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
        return denied(location, "the proxy requires credentials; add them to its URL")
    if isinstance(error, NotGitRepository) or (not reached and _NOT_FOUND.search(message)):
        # git daemon sends the same message for a repository that can be read but not pushed to
        what = ", or no access for this" if "access denied" in message else ""
        return RepositoryNotFoundError(
            f"there is no repository at {location!r}{what} ({message or 'not found'}); check the "
            "URL, and that you have access",
            location=location,
        )
    if not reached and _DENIED.search(message):
        return AuthenticationError(
            f"{location!r} cannot be used: {message}; check that you have access, and your "
            "key or password",
            location=location,
        )
    if _NO_ATOMIC in message:
        return AtomicPushError(
            f"{location!r} does not support atomic pushes of several tags; nothing was pushed, "
            "push them one by one",
            argument="atomic",
            value=None,
        )
    if isinstance(error, ObjectFormatException):
        return RemoteError(
            f"an object cannot be parsed by dulwich: {message}; nothing was changed at "
            f"{location!r}, use 'git push' or 'git fetch' for these tags",
            location=location,
        )
    return RemoteError(
        f"cannot reach {location!r}: {message or type(error).__name__}; check that it is a Git "
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


def rejected(name: str, location: str, reason: str, output: str, rest: str) -> PushRejectedError:
    """Return the error for a tag that a server rejected.

    Args:
        name: the tag's name.
        location: the server's location, without secrets.
        reason: the server's reason.
        output: the output of its hooks.
        rest: the result for the other tags, followed by a semicolon.
    """
    detail = f"{reason}; the server's output: {output}" if output else reason
    return PushRejectedError(
        f"{location!r} rejected the tag {name!r}: {detail}; {rest}check the server's rules",
        tag=name,
        location=location,
        reason=detail,
    )


def cannot_push(location: str, reason: str) -> PushRejectedError:
    """Return the error for a push that Git would refuse, or that this library does not support."""
    return PushRejectedError(
        f"cannot push to {location!r}: {reason}; push with 'git push' instead",
        tag="",
        location=location,
        reason=reason,
    )


def cause(error: Exception, secrets: Collection[str]) -> Exception | None:
    """Return the error as a cause to chain; None if it might contain secrets."""
    return None if secrets else error


def redact(text: str, secrets: Collection[str]) -> str:
    """Return a text without secrets, compared case-insensitively."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = re.sub(re.escape(secret), "***", text, flags=re.IGNORECASE)
    return text


def sanitize(message: str) -> str:
    """Return a server's message on one line, shortened, without control characters."""
    line = " ".join(_UNPRINTABLE.sub(" ", message).split())
    return line if len(line) <= _MAX_LENGTH else f"{line[:_MAX_LENGTH]}…"


def _is_timeout(error: BaseException) -> bool:
    """Return whether it is a timeout of urllib3, which is not a ``TimeoutError``."""
    return type(error).__name__ in ("ReadTimeoutError", "ConnectTimeoutError")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, its causes and the reasons of urllib3's errors."""
    while isinstance(error, BaseException):
        yield error
        error = getattr(error, "reason", None) or error.__cause__ or error.__context__


def _message_of(error: Exception) -> str:
    """Return the message of an error, or of the one that urllib3 wraps."""
    if isinstance(error, HangupException) and not error.stderr_lines:
        return "the connection was closed"
    chain = list(_chain(error))
    wrapped = any(type(one).__module__.startswith("urllib3") for one in chain)
    reasons = [one for one in chain if isinstance(one, OSError)]
    return str(reasons[-1] if wrapped and reasons else error)
