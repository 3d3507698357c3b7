"""Parse URLs of repositories, and show them without secrets."""

from __future__ import annotations

import os
import re

import attrs
from dulwich.config import StackedConfig, apply_instead_of

from modelversions.errors import ConfigurationError, RepositoryNotFoundError
from modelversions.git.config import GitConfig

SCHEMES = ("https", "http", "ssh", "git", "file")
_ALIASES = {"git+ssh": "ssh", "ssh+git": "ssh"}
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/]*)(?P<path>.*)", re.DOTALL
)
_AUTHORITY = re.compile(
    r"(?:(?P<user>[^:]*)(?::(?P<password>.*))?@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:@?#]*)(?::(?P<port>[0-9]{0,5}))?",
    re.DOTALL,
)
_SCP = re.compile(r"(?:(?P<user>[^/:@\[]+)@)?(?P<host>\[[^\]/]+\]|[^/:@]+):(?P<path>.+)", re.DOTALL)
_PORT_DIGITS = 5
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def is_url(location: object) -> bool:
    """Return whether a location is a URL or ``user@host:path``, not a path."""
    if not isinstance(location, str):
        return False
    is_drive = location[:1].isalpha() and location[1:2] == ":"
    return bool(_URL.match(location) or (_SCP.fullmatch(location) and not is_drive))


def instead_of(text: str, config: StackedConfig | None = None, *, push: bool = False) -> str:
    """Return a URL as the configuration rewrites it (``url.<base>.insteadOf``).

    Args:
        text: the URL.
        config: Git's configuration. Default: the user's.
        push: whether to use ``pushInsteadOf``.

    Raises:
        ConfigurationError: a URL in the configuration is not UTF-8.
    """
    config = GitConfig(None).stack() if config is None else config
    try:
        return apply_instead_of(config, text, push=push)
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"a URL in url.<base>.insteadOf cannot be read: {error}; write it in UTF-8",
            file="git config",
        ) from error


@attrs.frozen(repr=False)
class Url:
    """A parsed URL. ``str()`` and ``repr()`` omit what may be a secret."""

    scheme: str
    host: str
    port: int | None
    path: str
    """As sent to the server; relative to the home directory in ``user@host:path``."""
    username: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, text: str) -> Url:
        """Parse a URL or ``user@host:path``.

        Raises:
            RepositoryNotFoundError: the URL is invalid or not supported.
        """
        url = _of_url(text) if _URL.match(text) else _of_scp(text)
        reason = url.invalid_reason() if url is not None else _UNREADABLE
        if url is None or reason:
            raise _unusable(_shown(text) if url is None else str(url), reason)
        return url

    def invalid_reason(self) -> str:
        """Return why the URL cannot be used; empty if it can."""
        if self.scheme not in SCHEMES:
            return f"unsupported scheme {self.scheme!r}"
        if not self.path.strip("/") or (not self.host and self.scheme != "file"):
            return "it has no host or no path"
        if any(_CONTROL.search(part or "") for part in (self.host, self.path, self.username)):
            return "it contains control characters"
        if self.port is not None and self.port not in range(1, 65536):
            return "its port is not a number from 1 to 65535"
        if any((part or "").startswith("-") for part in (self.host, self.path, self.username)):
            return "a part that begins with '-' would be parsed as an option"
        if self.scheme.startswith("http") and re.search(r"[?#]", self.path):
            return "'?' and '#' in it must be quoted, as %3F and %23"
        if self.password is not None and self.scheme not in ("http", "https"):
            return "a password is supported only for https and http"
        return ""

    @property
    def has_split_password(self) -> bool:
        """Whether host and path may contain a part of the password, because of an ``@``."""
        return self.password is not None and "@" in self.path

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self._host}{'' if self.port is None else f':{self.port}'}"

    @property
    def with_user(self) -> str:
        """The URL with the user name, but without the password, for matching settings."""
        from urllib.parse import quote

        user = (
            ""
            if self.username is None
            else f"{quote(self.username, safe='', errors='surrogatepass')}@"
        )
        return self.origin.replace("://", f"://{user}", 1) + self.path

    @property
    def _host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def __str__(self) -> str:
        """Return the URL without secrets; for HTTP without the user name, which may be a token."""
        from urllib.parse import quote

        if self.has_split_password:
            return f"{self.scheme}://***@{self.path.rpartition('@')[2]}"
        if self.scheme.startswith("http"):
            return self.origin + self.path
        user = (
            ""
            if self.username is None
            else f"{quote(self.username, safe='', errors='surrogatepass')}@"
        )
        if self.scheme == "ssh" and not self.path.startswith("/"):
            host = self._host if self.port is None else f"[{self.host}:{self.port}]"
            return f"{user}{host}:{self.path}"
        path = quote(self.path, safe="/~:@!$&'+,;=", errors="surrogatepass")
        return self.origin.replace("://", f"://{user}", 1) + path

    def __repr__(self) -> str:
        """Return the URL without secrets."""
        return f"<Url {self}>"


def _of_url(text: str) -> Url | None:
    from urllib.parse import unquote

    match = _URL.match(text)
    assert match is not None
    scheme = match["scheme"].lower()
    scheme = _ALIASES.get(scheme, scheme)
    authority = _AUTHORITY.fullmatch(match["authority"])
    if authority is None or int(authority["port"] or 1) not in range(1, 65536):
        return None
    return Url(
        scheme=scheme,
        host=authority["host"].strip("[]"),
        port=int(authority["port"]) if authority["port"] else None,
        path=_path(scheme, match["path"]),
        username=None if authority["user"] is None else unquote(authority["user"]),
        password=None if authority["password"] is None else unquote(authority["password"]),
    )


def _of_scp(text: str) -> Url:
    match = _SCP.fullmatch(text)
    assert match is not None, "is_url() has checked it"
    host, port, user = match["host"].strip("[]"), None, match["user"]
    if user is None and host != match["host"] and "@" in host:  # [user@host:2222]:path
        user, _, host = host.rpartition("@")
    if host.count(":") == 1:  # [host:2222]:path, but not an IPv6 address
        host, _, digits = host.partition(":")
        port = int(digits) if digits.isdecimal() and len(digits) <= _PORT_DIGITS else 0
    return Url("ssh", host, port, match["path"], user)


def _path(scheme: str, path: str) -> str:
    """Return the path as it is sent: quoted for HTTP, unquoted otherwise."""
    if scheme.startswith("http"):
        return path
    if scheme == "file" and os.name == "nt":
        from urllib.request import url2pathname  # it imports http

        return url2pathname(path)
    from urllib.parse import unquote

    return unquote(path)


_UNREADABLE = "its host or port is invalid; in a name or password, quote '/' as %2F and '@' as %40"


def _shown(text: str) -> str:
    """Return the part of an invalid URL that cannot be a secret."""
    return f"{text.partition('://')[0]}://…"


def _unusable(shown: str, reason: str) -> RepositoryNotFoundError:
    return RepositoryNotFoundError(
        f"{_CONTROL.sub('?', shown)!r} cannot be opened: {reason}; write 'https://host/path', "
        "'ssh://host/path', 'user@host:path', 'git://host/path' or 'file:///path'",
        location=shown,
    )
