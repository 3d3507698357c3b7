"""A session with one server: its client, who one is there, and what is told of the progress."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar
from urllib.parse import quote

from dulwich.client import GitClient, HTTPUnauthorized

from modelversions.errors import (
    AuthenticationError,
    ConfigurationError,
    InvalidArgumentError,
    ModelVersionsError,
)
from modelversions.git._dulwich import limit_answer
from modelversions.git.locks import ForkSafeLock
from modelversions.git.programs import Programs
from modelversions.git.remote.clients import connect
from modelversions.git.remote.error_translation import cause, denied, translate_error
from modelversions.git.remote.http import Login, basic, log_in
from modelversions.git.remote.http_settings import read_settings
from modelversions.git.store import RemoteOptions
from modelversions.git.url_match import same_origin
from modelversions.git.urls import Url

Answer = TypeVar("Answer")

_STEPS = re.compile(rb"(?P<what>[A-Z][a-z ]+): +[0-9]+% \((?P<done>[0-9]+)/(?P<total>[0-9]+)\)")
_LOG = logging.getLogger(__name__)
MAX_ANSWER = 128 * 1024 * 1024
"""The bytes that a server may send in answer to a request, a pack not counted: one to two million
refs."""
_ON_SURROGATES = "surrogatepass"
"""How bytes that are not UTF-8 are quoted: without an error."""
_TOKEN = 12
"""The characters from which on a user's name may be a token."""


class Session:
    """Sends requests to one server; connects on the first one. Threads may share it."""

    def __init__(self, url: Url, programs: Programs, options: RemoteOptions) -> None:
        """Keep the URL and the options."""
        self.location = str(url)
        self._url = url
        self._programs = programs
        self._options = options
        self._lock = ForkSafeLock(self._leave_connection)
        self._client: GitClient | None = None
        self._asked: GitClient | None = None
        """The client of the current request, which close() may have left."""
        self._inherited: GitClient | None = None
        """It is kept open: to close it would end the parent's connection."""
        self._login: Login | None = None
        self._login_url = self.location
        """The URL for which ``credentials`` returned the login."""
        if url.password is not None:
            self._login = Login(url.username or "", url.password, url.origin)
        self._told = True
        """Whether ``credentials`` was told that its login was accepted or rejected."""
        self._callback_error: Exception | None = None
        self.reached = False
        """Whether the repository has answered the current request, at least in part."""

    @property
    def path(self) -> bytes:
        """The path for the client's methods; an HTTP client has it in its base URL."""
        return b"" if self._url.scheme.startswith("http") else self._url.path.encode()

    def close(self) -> None:
        """Close the connection. A current request fails; the next one connects again."""
        client, self._client = self._client, None
        for one in {client, self._asked} - {None}:
            assert one is not None
            one.close()

    def ask(
        self, question: Callable[[GitClient], Answer], limit: int | None = MAX_ANSWER
    ) -> Answer:
        """Send a request; again with credentials if the server requires them.

        Args:
            question: sends the request, and reads the answer.
            limit: the maximal number of bytes of the answer; None for no limit.

        Raises:
            RepositoryError: or a subclass, for all errors of the request.
            AuthenticationError: there are no credentials, or they were rejected.
        """
        with self._lock:
            try:
                return self._ask(question, limit)
            finally:
                self._asked = None

    def _ask(self, question: Callable[[GitClient], Answer], limit: int | None) -> Answer:
        self._callback_error, self.reached = None, False
        for attempt in range(2):
            client = self._asked = self._get_client()
            limit_answer(client, limit)
            _LOG.debug("request to %r%s", self.location, ", with a login" * attempt)
            try:
                answer = self._send(client, question)
            except HTTPUnauthorized as error:
                asking = error.url
            else:
                self._tell("approve")
                return answer
            if attempt == 0:
                self._log_in(asking)
                log_in(client, self._login)
        self._tell("reject")
        raise self._denied()

    def _send(self, client: GitClient, question: Callable[[GitClient], Answer]) -> Answer:
        """Send a request once; after an error, close the connection."""
        try:
            return question(client)
        except HTTPUnauthorized:
            raise
        except ModelVersionsError:
            self._drop(client)
            raise
        except Exception as error:  # noqa: BLE001  # dulwich raises various errors
            self._drop(client)
            failure, chained = self._failed(error)
        except BaseException:  # an interrupt: terminate the program
            self._drop(client)
            raise
        raise failure from chained  # here, so that the context does not show secrets

    def report(self, done: int, total: int | None, what: str) -> None:
        """Call ``progress``; an exception that it raises is raised by the request."""
        try:
            self._options.report(done, total, what)
        except Exception as error:
            self._callback_error = error
            raise

    def on_progress(self, data: bytes) -> None:
        """Report the server's messages about its progress."""
        for match in _STEPS.finditer(data):
            what = match["what"].decode().lower()
            self.report(int(match["done"]), int(match["total"]), what)

    def _get_client(self) -> GitClient:
        if self._client is None:
            self._client = connect(self._url, self._programs, self._options.timeout, self._login)
        return self._client

    def _leave_connection(self) -> None:
        """Leave the connection to the parent process, in a forked child."""
        self._inherited, self._client, self._asked = self._asked or self._client, None, None

    def _drop(self, client: GitClient) -> None:
        """Close a client; another thread may have closed the session meanwhile."""
        client.close()
        self._client = None

    def _failed(self, error: Exception) -> tuple[Exception, Exception | None]:
        """Return the error to raise, and the cause to chain."""
        if self._callback_error is not None:
            return self._callback_error, None
        secrets = self._secrets()
        failure = translate_error(
            error, self.location, self._options.timeout, secrets, reached=self.reached
        )
        return failure, cause(error, secrets)

    def _log_in(self, url: str) -> None:
        """Get credentials for the next attempt.

        Args:
            url: the URL that required them; after a redirect, that of another server.

        Raises:
            AuthenticationError: there are none, or only those that were rejected.
        """
        own = same_origin(url, self._url.origin)
        shown = self.location if own else url.partition("/info/refs")[0]
        hint = self._url.username if own else None
        ask = self._options.credentials
        if ask is not None and not own and not getattr(ask, "any_host", False):
            raise AuthenticationError(
                f"{self.location!r} redirects to {shown!r}, which requires credentials; these are "
                "not sent to another host, open that URL if you trust it",
                location=self.location,
            )
        found = None if ask is None else ask(shown, hint)
        if found is not None and not _is_login(found):
            raise InvalidArgumentError(
                "credentials must return a user's name and a password, both text, or None",
                argument="credentials",
                value=None,
            )
        login = None if found is None else Login(*found, url)
        if login is None or self._is_known(login):
            self._tell("reject")
            raise self._denied()
        self._login, self._login_url, self._told = login, shown, False

    def _is_known(self, login: Login) -> bool:
        """Return whether a login is the one that was rejected."""
        known = self._login
        return known is not None and (known.username, known.password) == (
            login.username,
            login.password,
        )

    def _denied(self) -> AuthenticationError:
        """Return the error for a server that requires credentials, or rejected them."""
        if self._login is None:
            return denied(self.location, "it requires credentials")
        source = "the URL" if self._url.password == self._login.password else "credentials="
        return denied(self.location, f"it rejected the login from {source}")

    def _tell(self, what: str) -> None:
        """Call ``approve`` or ``reject`` of the credentials, once for a login."""
        tell = getattr(self._options.credentials, what, None)
        if self._told or self._login is None or tell is None:
            return
        self._told = True
        tell(self._login_url, self._login.username, self._login.password)

    def _secrets(self) -> list[str]:
        """Return the texts that must not be shown, in all their forms."""
        url = self._url
        logins = [(url.username or "", url.password or "")]
        logins += [(self._login.username, self._login.password)] if self._login else []
        known = [url.host, url.path.rpartition("@")[0]] if url.has_split_password else []
        if self._url.scheme.startswith("http"):
            with suppress(ConfigurationError):  # then nothing was sent
                known += read_settings(self._url, self._programs.config).secrets
        for name, password in logins:
            known += [password, name if len(name) >= _TOKEN else ""]
            known += [basic(name, password).partition(" ")[2]] if password else []
        forms = [
            (
                secret,
                quote(secret, safe="", errors=_ON_SURROGATES),
                quote(secret, errors=_ON_SURROGATES),
            )
            for secret in known
            if secret
        ]
        return [form for several in forms for form in several]


def words(said: bytes) -> str:
    """Return a server's messages without those about progress."""
    lines = re.split(rb"[\r\n]+", said)
    return " ".join(line.decode(errors="replace") for line in lines if not _STEPS.search(line))


def _is_login(found: object) -> bool:
    """Return whether it is a user name and a password."""
    return isinstance(found, tuple) and [isinstance(part, str) for part in found] == [True, True]
