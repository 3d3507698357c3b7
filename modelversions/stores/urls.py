"""URLs of repositories: what is one, what it is made of, and how it is shown without its secret."""

from __future__ import annotations

import re

import attrs

from modelversions.errors import RepositoryNotFoundError

SCHEMES = ("https", "http", "ssh", "git", "file")
_ALIASES = {"git+ssh": "ssh", "ssh+git": "ssh"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP = re.compile(r"(?:(?P<user>[^/:@]+)@)?(?P<host>\[[^\]/]+\]|[^/:@]+):(?P<path>.+)", re.DOTALL)


def is_url(place: object) -> bool:
    """Say whether a place is a URL or ``user@host:path``; anything else is a path."""
    if not isinstance(place, str):
        return False
    drive = (
        place[:1].isalpha() and place[1:2] == ":"
    )  # a host with a name of one letter takes ssh://
    return bool(_SCHEME.match(place) or (_SCP.fullmatch(place) and not drive))


@attrs.frozen
class Url:
    """A URL in its parts. ``str()`` leaves the password out."""

    scheme: str
    host: str
    port: int | None
    path: str
    """As the server takes it; relative to the home directory in ``user@host:path``."""
    username: str | None = None
    password: str | None = attrs.field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> Url:
        """Read a URL or ``user@host:path``.

        Raises:
            RepositoryNotFoundError: there is no such scheme here, or no host or path.
        """
        from urllib.parse import unquote, urlsplit  # a path takes none of it

        match = _SCHEME.match(text)
        if match is None:
            return cls._of_scp(text)
        scheme = _ALIASES.get(match[1].lower(), match[1].lower())
        try:
            parts = urlsplit(text)
            url = cls(
                scheme=scheme,
                host=parts.hostname or "",
                port=parts.port,
                path=_path(scheme, parts.path),
                username=None if parts.username is None else unquote(parts.username),
                password=None if parts.password is None else unquote(parts.password),
            )
        except ValueError as error:
            raise _unusable(_shown(text), str(error)) from None
        if scheme not in SCHEMES:
            raise _unusable(str(url), f"{scheme!r} is none of {', '.join(SCHEMES)}")
        if not url.path.strip("/") or (not url.host and scheme != "file"):
            raise _unusable(str(url), "it names no host or no repository")
        return url

    @classmethod
    def _of_scp(cls, text: str) -> Url:
        match = _SCP.fullmatch(text)
        assert match is not None, "is_url() said that it is one"
        host = match["host"].strip("[]")
        return cls("ssh", host, None, match["path"], match["user"])

    @property
    def origin(self) -> str:
        """Scheme, host and port: what a URL path follows."""
        return f"{self.scheme}://{self._host}{'' if self.port is None else f':{self.port}'}"

    @property
    def _host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def __str__(self) -> str:
        """Return the URL as it may be shown."""
        from urllib.parse import quote

        user = "" if self.username is None else f"{quote(self.username, safe='')}@"
        if self.scheme == "ssh" and not self.path.startswith("/"):
            return f"{user}{self._host}:{self.path}"
        path = (
            self.path if self.scheme.startswith("http") else quote(self.path, safe="/~:@!$&'+,;=")
        )
        return self.origin.replace("://", f"://{user}", 1) + path


def _path(scheme: str, path: str) -> str:
    """Return a path as its server takes it: quoted over HTTP, as it is elsewhere."""
    if scheme == "file":
        from urllib.request import url2pathname  # it brings all of http along

        return url2pathname(path)
    from urllib.parse import unquote

    return path if scheme.startswith("http") else unquote(path)


def _shown(text: str) -> str:
    """Return a text that is no URL after all without what stands before its last ``@``."""
    scheme, _, rest = text.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _unusable(shown: str, reason: str) -> RepositoryNotFoundError:
    return RepositoryNotFoundError(
        f"{shown!r} cannot be opened: {reason}; write 'https://host/path', 'ssh://host/path', "
        "'user@host:path', 'git://host/path' or 'file:///path'",
        location=shown,
    )
