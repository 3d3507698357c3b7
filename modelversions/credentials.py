"""Credentials for servers: callables that are called when a server requires a login.

The arguments are the server's URL, without secrets, and the user name in the URL or None. The
result is a user name and a password, or None if there is no login. It is kept in memory while the
registry exists, and never displayed. If the callable has methods ``approve`` and ``reject``, one of
them is called with URL, user name and password when the server has accepted or rejected the login.

If a server redirects to another host that requires a login, the callable is only called if its
attribute ``any_host`` is true; such a callable must check the URL. The callable from
``token_from_env`` does not have this attribute.
"""

from __future__ import annotations

import netrc
import os
import subprocess
from typing import ClassVar
from urllib.parse import urlsplit

import attrs

from modelversions.errors import ConfigurationError, InvalidArgumentError
from modelversions.git.store import Credentials

__all__ = ["from_name", "git_credential_fill", "name_of", "netrc_file", "token_from_env"]

_USER = "x-access-token"


def from_name(name: str) -> Credentials:
    """Return the credentials for a name, which contains no secret.

    Args:
        name: ``"env:VARIABLE"`` for ``token_from_env``, perhaps with a user name as in
            ``"env:USER@VARIABLE"``; ``"netrc"`` or ``"netrc:PATH"`` for ``netrc_file``; ``"git"``
            for ``git_credential_fill``.

    Raises:
        InvalidArgumentError: it is not one of these names.
    """
    kind, _, rest = name.partition(":")
    if kind == "env" and rest:
        user, _, variable = rest.rpartition("@")
        return _TokenFromEnv(variable, user or _USER)
    if kind == "netrc":
        return _NetrcFile(rest or None)
    if name == "git":
        return git_credential_fill()
    raise InvalidArgumentError(
        "the name of credentials must be 'env:VARIABLE', 'netrc', 'netrc:PATH' or 'git'; a "
        "password or token itself is not accepted",
        argument="credentials",
        value=None,  # it may be a secret
    )


def name_of(credentials: Credentials) -> str | None:
    """Return the name of credentials for ``from_name``; None if they have no name."""
    if isinstance(credentials, _TokenFromEnv):
        user = "" if credentials.username == _USER else f"{credentials.username}@"
        return f"env:{user}{credentials.variable}"
    if isinstance(credentials, _NetrcFile):
        return "netrc" if credentials.path is None else f"netrc:{credentials.path}"
    return "git" if credentials == git_credential_fill() else None


def token_from_env(variable: str, username: str = "x-access-token") -> Credentials:
    """Return credentials that read a token from an environment variable when they are called.

    Args:
        variable: the variable's name, such as ``"GITHUB_TOKEN"``.
        username: the user name that the server expects with a token, if the URL has none.

    The callable raises ``ConfigurationError`` if the variable is empty or not set.
    """
    return _TokenFromEnv(variable, username)


@attrs.frozen
class _TokenFromEnv:
    variable: str
    username: str

    def __call__(self, _url: str, username_hint: str | None) -> tuple[str, str] | None:
        """Return the token in the variable."""
        variable = self.variable
        token = os.environ.get(variable)
        if not token:
            raise ConfigurationError(
                f"the server requires a token, but the environment variable {variable!r} is "
                f"{'empty' if token == '' else 'not set'}; set it",
                file=variable,
            )
        return username_hint or self.username, token


def netrc_file(path: str | os.PathLike[str] | None = None) -> Credentials:
    """Return credentials that look up the host in a ``.netrc`` file.

    Args:
        path: the file. Default: ``~/.netrc``.
    """
    return _NetrcFile(None if path is None else os.fspath(path))


@attrs.frozen
class _NetrcFile:
    path: str | None
    any_host: ClassVar[bool] = True

    def __call__(self, url: str, username_hint: str | None) -> tuple[str, str] | None:
        """Return the login of the URL's host."""
        try:
            found = netrc.netrc(self.path)
        except FileNotFoundError as error:
            if self.path is None:
                return None
            raise ConfigurationError(
                f"there is no file {self.path!r}; pass the path of a .netrc file", file=self.path
            ) from error
        except (netrc.NetrcParseError, OSError) as error:
            where = getattr(error, "filename", None) or self.path
            raise ConfigurationError(
                f"the file {where!r} cannot be read for a password; check that it is a valid "
                ".netrc file, and that only you can read it",
                file=str(where),
            ) from None  # the parser's message may contain a secret
        entry = found.authenticators(urlsplit(url).hostname or "")
        if entry is None or (username_hint and entry[0] and entry[0] != username_hint):
            return None
        return entry[0] or username_hint or "", entry[2] or ""


def git_credential_fill(
    git: str = "git", timeout: float = 60.0, path: str | os.PathLike[str] | None = None
) -> Credentials:
    """Return credentials from Git's credential helpers, by ``git credential fill``.

    Git does not prompt for a login. The login is approved or rejected with ``git credential`` when
    a server has accepted or rejected it.

    Args:
        git: the program to run.
        timeout: the maximum duration in seconds; if it is exceeded, there is no login.
        path: a directory in the clone whose configuration has the helpers. Default: the current
            directory.
    """
    return _GitCredentials(git, timeout, None if path is None else os.fspath(path))


@attrs.frozen
class _GitCredentials:
    any_host: ClassVar[bool] = True
    git: str
    timeout: float
    path: str | None

    def __call__(self, url: str, username_hint: str | None) -> tuple[str, str] | None:
        """Return the helpers' login."""
        found = self._run("fill", url=url, username=username_hint)
        if found is None or "password" not in found:
            return None
        return found.get("username", ""), found["password"]

    def approve(self, url: str, username: str, password: str) -> None:
        """Report that a login was accepted."""
        self._run("approve", url=url, username=username, password=password)

    def reject(self, url: str, username: str, password: str) -> None:
        """Report that a login was rejected."""
        self._run("reject", url=url, username=username, password=password)

    def _run(self, action: str, **fields: str | None) -> dict[str, str] | None:
        """Run ``git credential`` and return its output; None if it fails."""
        given = {name: value for name, value in fields.items() if value}
        if any(sign in value for value in given.values() for sign in "\n\r\0"):
            return None  # it would inject a line about another host
        lines = "".join(f"{name}={value}\n" for name, value in given.items())
        quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": ""}
        try:
            done = subprocess.run(  # noqa: S603  # it runs the program that the caller names
                [self.git, "credential", action],
                input=f"{lines}\n".encode(errors="surrogatepass"),
                capture_output=True,
                check=False,
                timeout=self.timeout,
                cwd=self.path,
                env={**os.environ, **quiet},
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        if done.returncode:
            return None
        answer = done.stdout.decode(errors="replace").splitlines()
        return dict(line.split("=", 1) for line in answer if "=" in line)
