"""Credentials for servers: callables that are asked when a server wants to know who one is.

Each is called with the server's URL, without secrets, and the user name that the URL holds, if any.
It returns a user name and a password, or None where it knows of none. What it returns is kept in
memory for the life of the registry, and shown nowhere.
"""

from __future__ import annotations

import netrc
import os
import subprocess
from urllib.parse import urlsplit

from modelversions.errors import ConfigurationError
from modelversions.stores.base import Credentials


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


def git_credential_fill(git: str = "git", timeout: float = 60.0) -> Credentials:
    """Ask the helpers that Git is configured with, by ``git credential fill``; never a person.

    Args:
        git: the program to run.
        timeout: how many seconds it may take; then it knows nothing.
    """

    def from_helpers(url: str, username_hint: str | None) -> tuple[str, str] | None:
        user = f"username={username_hint}\n" if username_hint else ""
        if any(sign in url + (username_hint or "") for sign in "\n\r\0"):
            return None  # another line would be taken for a question about another host
        try:
            done = subprocess.run(  # noqa: S603  # it runs the program that the caller names
                [git, "credential", "fill"],
                input=f"url={url}\n{user}\n".encode(),
                capture_output=True,
                check=False,
                timeout=timeout,
                env={
                    **os.environ,
                    "GIT_TERMINAL_PROMPT": "0",
                    "GIT_ASKPASS": "",
                    "SSH_ASKPASS": "",
                },
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        lines = done.stdout.decode(errors="replace").splitlines()
        found = dict(line.split("=", 1) for line in lines if "=" in line)
        if done.returncode or "password" not in found:
            return None
        return found.get("username", ""), found["password"]

    return from_helpers
