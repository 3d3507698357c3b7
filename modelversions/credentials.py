"""Credentials for servers: callables that are asked when a server wants to know who one is.

Each is called with the server's URL, without secrets, and the user name that the URL holds, if any.
It returns a user name and a password, or None where it knows of none. What it returns is kept in
memory for the life of the registry, and shown nowhere. If it has methods ``approve`` and
``reject``, one of them is called with URL, name and password once the server has accepted or
rejected them.
"""

from __future__ import annotations

import netrc
import os
import subprocess
from urllib.parse import urlsplit

import attrs

from modelversions.errors import ConfigurationError
from modelversions.git.store import Credentials


def token_from_env(variable: str, username: str = "x-access-token") -> Credentials:
    """Take a token from an environment variable, when it is asked for.

    Args:
        variable: the variable's name, such as ``"GITHUB_TOKEN"``.
        username: what the server expects as the name beside a token, where the URL gives none.

    The callable raises ``ConfigurationError`` where the variable is not set, or empty.
    """

    def from_variable(_url: str, username_hint: str | None) -> tuple[str, str] | None:
        token = os.environ.get(variable)
        if not token:
            raise ConfigurationError(
                f"the server wants a token, and the environment variable {variable!r} is "
                f"{'empty' if token == '' else 'not set'}; set it to one",
                file=variable,
            )
        return username_hint or username, token

    return from_variable


def netrc_file(path: str | os.PathLike[str] | None = None) -> Credentials:
    """Look the host up in a ``.netrc`` file.

    Args:
        path: the file; ``~/.netrc`` if left out.
    """

    def from_file(url: str, username_hint: str | None) -> tuple[str, str] | None:
        try:
            found = netrc.netrc(None if path is None else os.fspath(path))
        except FileNotFoundError:
            return None
        except (netrc.NetrcParseError, OSError) as error:
            where = getattr(error, "filename", None) or path
            raise ConfigurationError(
                f"the file {where!r} cannot be read for a password; see that it is in the form of "
                "a .netrc file and yours alone",
                file=str(where),
            ) from None  # the parser quotes what it stumbled over, which may be a secret
        entry = found.authenticators(urlsplit(url).hostname or "")
        if entry is None or (username_hint and entry[0] and entry[0] != username_hint):
            return None
        return entry[0] or username_hint or "", entry[2] or ""

    return from_file


def git_credential_fill(
    git: str = "git", timeout: float = 60.0, path: str | os.PathLike[str] | None = None
) -> Credentials:
    """Ask the helpers that Git is configured with, by ``git credential fill``; never a person.

    What they return is approved or rejected by ``git credential`` once a server has had its say,
    so that helpers can keep it or forget it.

    Args:
        git: the program to run.
        timeout: how many seconds it may take; then it knows nothing.
        path: a folder in the clone whose own configuration names helpers; the current folder if
            left out.
    """
    return _GitCredentials(git, timeout, None if path is None else os.fspath(path))


@attrs.frozen
class _GitCredentials:
    git: str
    timeout: float
    path: str | None

    def __call__(self, url: str, username_hint: str | None) -> tuple[str, str] | None:
        """Return what the helpers know."""
        found = self._run("fill", url=url, username=username_hint)
        if found is None or "password" not in found:
            return None
        return found.get("username", ""), found["password"]

    def approve(self, url: str, username: str, password: str) -> None:
        """Let the helpers keep a login."""
        self._run("approve", url=url, username=username, password=password)

    def reject(self, url: str, username: str, password: str) -> None:
        """Let the helpers forget a login."""
        self._run("reject", url=url, username=username, password=password)

    def _run(self, action: str, **fields: str | None) -> dict[str, str] | None:
        """Run ``git credential``; None where it fails."""
        given = {name: value for name, value in fields.items() if value}
        if any(sign in value for value in given.values() for sign in "\n\r\0"):
            return None  # another line would be taken for a question about another host
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
