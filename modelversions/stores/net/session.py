"""A session with one server: its client, who one is there, and what is told of the progress."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

import attrs
from dulwich.client import GitClient, HTTPUnauthorized
from dulwich.config import StackedConfig

from modelversions.errors import InvalidArgumentError, ModelVersionsError
from modelversions.stores.base import Access
from modelversions.stores.net.failures import cause, denied, explain
from modelversions.stores.net.urls import Url
from modelversions.stores.net.web import configured_secrets
from modelversions.stores.net.wires import connect

Answer = TypeVar("Answer")

_STEPS = re.compile(rb"(?P<what>[A-Z][a-z ]+): +[0-9]+% \((?P<done>[0-9]+)/(?P<total>[0-9]+)\)")
_TOKEN = 12
"""The characters from which on a user's name may be a token."""


class Session:
    """Asks a server; nothing is sent before the first question. Threads may share it."""

    def __init__(self, url: Url, config: Callable[[], StackedConfig], access: Access) -> None:
        """Take down where it is, and how to get in."""
        self.location = str(url)
        self._url = url
        self._config = config
        self._access = access
        self._lock = threading.RLock()
        self._client: GitClient | None = None
        self._login = None if url.password is None else (url.username or "", url.password)
        self._thrown: Exception | None = None

    @property
    def path(self) -> bytes:
        """The path as the client takes it; an HTTP client has it in its base."""
        return b"" if self._url.scheme.startswith("http") else self._url.path.encode()

    @property
    def version(self) -> int | None:
        """The version of the protocol to ask for."""
        return None if self._url.scheme == "file" else 2

    def close(self) -> None:
        """Hang up; a question that is being asked fails, and the next one calls again."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def ask(self, question: Callable[[GitClient], Answer]) -> Answer:
        """Ask the server; once more, with credentials, if it wants some.

        Raises:
            RepositoryError: or one of its kinds, whatever went wrong on the way.
            AuthenticationError: nobody knows credentials, or they were refused.
        """
        with self._lock:
            self._thrown = None
            for attempt in range(2):
                client = self._line()
                try:
                    return question(client)
                except HTTPUnauthorized:
                    self._drop(client)
                except ModelVersionsError:
                    self._drop(client)
                    raise
                except Exception as error:  # noqa: BLE001  # dulwich raises whatever comes
                    self._drop(client)
                    failure, chained = self._failed(error)
                    break
                if attempt == 0:
                    self._log_in()
            else:
                failure, chained = denied(self.location, "it did not accept the credentials"), None
            raise failure from chained

    def report(self, done: int, total: int | None, what: str) -> None:
        """Tell the caller of progress; what he raises comes out of the question as it is."""
        try:
            self._access.report(done, total, what)
        except Exception as error:
            self._thrown = error
            raise

    def steps(self, data: bytes) -> None:
        """Pass on what the server says of its progress."""
        for match in _STEPS.finditer(data):
            what = match["what"].decode().lower()
            self.report(int(match["done"]), int(match["total"]), what)

    def _line(self) -> GitClient:
        if self._client is None:
            self._client = connect(self._url, self._config(), self._access.timeout, self._login)
        return self._client

    def _drop(self, client: GitClient) -> None:
        """Hang up on a client; somebody else may have closed the session meanwhile."""
        client.close()
        self._client = None

    def _failed(self, error: Exception) -> tuple[Exception, Exception | None]:
        """Return what to raise, and what may be shown as its cause."""
        if self._thrown is not None:
            return self._thrown, None
        secrets = self._secrets()
        failure = explain(error, self.location, self._access.timeout, secrets)
        return failure, cause(error, secrets)

    def _log_in(self) -> None:
        """Ask for credentials, to begin anew with them.

        Raises:
            AuthenticationError: nobody knows any, or no others than those that were refused.
        """
        shown = str(attrs.evolve(self._url, username=None, password=None))
        ask = self._access.credentials
        found = None if ask is None else ask(shown, self._url.username)
        if found is not None and not _is_login(found):
            raise InvalidArgumentError(
                "credentials must return a user's name and a password, both text, or None",
                argument="credentials",
                value=None,
            )
        if found is None or found == self._login:
            tried = self._login is not None
            reason = "it did not accept the credentials" if tried else "it wants credentials"
            raise denied(self.location, reason)
        self._login = found

    def _secrets(self) -> list[str]:
        """Return what must not be shown, in all the forms that it may be found in."""
        logins = [self._login, (self._url.username or "", self._url.password or "")]
        known = configured_secrets(self._url, self._config())
        for name, password in filter(None, logins):
            known += [password, name if len(name) >= _TOKEN else ""]
            known += [base64.b64encode(f"{name}:{password}".encode()).decode()] if password else []
        forms = [(secret, quote(secret, safe=""), quote(secret)) for secret in known if secret]
        return [form for several in forms for form in several]


def words(said: bytes) -> str:
    """Return what a server said beside its progress."""
    lines = re.split(rb"[\r\n]+", said)
    return " ".join(line.decode(errors="replace") for line in lines if not _STEPS.search(line))


def _is_login(found: object) -> bool:
    """Say whether it is a name and a password."""
    return isinstance(found, tuple) and [isinstance(part, str) for part in found] == [True, True]
