"""URLs in Git's configuration (``http.<url>.*``, ``credential.<url>.*``), matched as Git does.

See ``git help config``, "http.<url>.*": scheme and port must be equal, a host may contain ``*``
for whole labels, a path matches as a prefix that ends at a slash, and a user must be equal if
given.
"""

from __future__ import annotations

import posixpath
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

import attrs

_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418, "ftp": 21, "ftps": 990}
_UNRESERVED = "!$&'()*+,;=:@/~"


class Match(NamedTuple):
    """How well a pattern matches; the fields are in the order in which Git compares them."""

    host: int
    path: int
    user: bool


NO_PATTERN = Match(0, 0, user=False)
"""A section without a URL: it applies to every URL, with the lowest priority."""


@attrs.frozen
class _Parts:
    scheme: str
    user: str | None
    host: str
    port: int | None
    path: str


def match_url(pattern: str | None, url: str) -> Match | None:
    """Return how well a section's URL matches a URL; None if it does not.

    Args:
        pattern: the subsection; None for a section without one.
        url: the URL that is used.
    """
    if pattern is None:
        return NO_PATTERN
    wanted, given = _parse(pattern), _parse(url)
    if wanted is None or given is None:
        return None
    if (wanted.scheme, wanted.port) != (given.scheme, given.port):
        return None
    if wanted.user is not None and wanted.user != given.user:
        return None
    prefix = wanted.path.rstrip("/")
    if not _host_matches(wanted.host, given.host) or not f"{given.path.rstrip('/')}/".startswith(
        f"{prefix}/"
    ):
        return None
    return Match(len(wanted.host), len(prefix) + 1, wanted.user is not None)


def same_origin(one: str, other: str) -> bool:
    """Return whether two URLs, once normalized, have the same scheme, host and port."""
    first, second = _parse(one), _parse(other)
    return (
        first is not None
        and second is not None
        and (first.scheme, first.host, first.port) == (second.scheme, second.host, second.port)
    )


def _host_matches(pattern: str, host: str) -> bool:
    wanted, given = pattern.split("."), host.split(".")
    return len(wanted) == len(given) and all(
        label in ("*", other) for label, other in zip(wanted, given)
    )


def _parse(url: str) -> _Parts | None:
    """Normalize a URL; return None if it is invalid or has no host."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if not parts.scheme or not parts.hostname:
        return None
    path = quote(unquote(parts.path), safe=_UNRESERVED, errors="surrogatepass") or "/"
    slash = "/" if path.endswith(("/", "/.", "/..")) else ""
    path = f"{posixpath.normpath(path).rstrip('/')}{slash}" or "/"
    user = None if parts.username is None else unquote(parts.username)
    return _Parts(
        parts.scheme.lower(), user, parts.hostname, port or _PORTS.get(parts.scheme.lower()), path
    )
