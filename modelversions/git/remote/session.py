"""A session with one server: the client, the login, and progress reports."""

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
from modelversions.gc_pause import gc_resumed
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
"""The maximum number of bytes of an answer, without a pack: one to two million refs."""
_ON_SURROGATES = "surrogatepass"
"""The error handler for quoting: surrogates raise no error."""
_MIN_TOKEN = 12
"""The minimum length of a user name that may be a token."""


class Session:
    """Sends requests to one server; connects on the first one. Threads may share it."""

    def __init__(self, url: Url, programs: Programs, options: RemoteOptions) -> None:
        """Initialize a session; nothing is sent yet."""
        self.location = str(url)
        self._url = url
        self._programs = programs
        self._options = options
        self._lock = ForkSafeLock(self._leave_connection)
        self._client: GitClient | None = None
        self._current: GitClient | None = None
        """The client of the current request, also after another thread called ``close``."""
        self._inherited: GitClient | None = None
        """The client of the parent process; closing it would end the parent's connection."""
        self._login: Login | None = None
        self._login_url = self.location
        """The URL for which ``credentials`` returned the login."""
        if url.password is not None:
            self._login = Login(url.username or "", url.password, url.origin)
        self._is_login_reported = True
        """Whether the result of the login was reported to ``credentials``."""
        self._callback_error: Exception | None = None
        self.reached = False
        """Whether the repository has answered the current request, at least in part."""

    @property
    def path(self) -> bytes:
        """The path for the client's methods; empty for HTTP, where the base URL contains it."""
        return b"" if self._url.scheme.startswith("http") else self._url.path.encode()

    def close(self) -> None:
        """Close the connection. A current request fails; the next one connects again."""
        client, self._client = self._client, None
        for one in {client, self._current} - {None}:
            assert one is not None
            one.close()

    def send(
        self, request: Callable[[GitClient], Answer], limit: int | None = MAX_ANSWER
    ) -> Answer:
        """Send a request; send it again with credentials if the server requires them.

        Args:
            request: sends the request with a client, and returns the answer.
            limit: the maximum number of bytes of the answer; None for no limit.

        Raises:
            RepositoryError: or a subclass; the request failed.
            AuthenticationError: there are no credentials, or they were rejected.
        """
        with self._lock:
            try:
                return self._send(request, limit)
            finally:
                self._current = None

    def _send(self, request: Callable[[GitClient], Answer], limit: int | None) -> Answer:
        self._callback_error, self.reached = None, False
        for attempt in range(2):
            client = self._current = self._get_client()
            limit_answer(client, limit)
            _LOG.debug("request to %r%s", self.location, ", with a login" * attempt)
            try:
                answer = self._send_once(client, request)
            except HTTPUnauthorized as error:
                url = error.url
            else:
                self._report_login("approve")
                return answer
            if attempt == 0:
                self._log_in(url)
                log_in(client, self._login)
        self._report_login("reject")
        raise self._denied()

    def _send_once(self, client: GitClient, request: Callable[[GitClient], Answer]) -> Answer:
        """Send a request once; after an error, close the connection."""
        try:
            with gc_resumed():
                return request(client)
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
        raise failure from chained  # outside of the handler, so that the context shows no secrets

    def report(self, done: int, total: int | None, what: str) -> None:
        """Call ``progress``; if it raises an exception, the request raises it too."""
        try:
            self._options.report(done, total, what)
        except Exception as error:
            self._callback_error = error
            raise

    def on_progress(self, data: bytes) -> None:
        """Parse and report the server's progress messages."""
        for match in _STEPS.finditer(data):
            what = match["what"].decode().lower()
            self.report(int(match["done"]), int(match["total"]), what)

    def _get_client(self) -> GitClient:
        if self._client is None:
            self._client = connect(self._url, self._programs, self._options.timeout, self._login)
        return self._client

    def _leave_connection(self) -> None:
        """In a forked child, stop using the connection: it belongs to the parent process."""
        self._inherited, self._client, self._current = self._current or self._client, None, None

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
            url: the URL that requires them; after a redirect, it may be on another server.

        Raises:
            AuthenticationError: there are none, or they were already rejected.
        """
        own = same_origin(url, self._url.origin)
        shown = self.location if own else url.partition("/info/refs")[0]
        hint = self._url.username if own else None
        credentials = self._options.credentials
        if credentials is not None and not own and not getattr(credentials, "any_host", False):
            raise AuthenticationError(
                f"{self.location!r} redirects to {shown!r}, which requires credentials; these are "
                "not sent to another host, open that URL if you trust it",
                location=self.location,
            )
        found = None if credentials is None else credentials(shown, hint)
        if found is not None and not _is_login(found):
            raise InvalidArgumentError(
                "credentials must return a user name and a password, both text, or None",
                argument="credentials",
                value=None,
            )
        login = None if found is None else Login(*found, url)
        if login is None or self._is_known(login):
            self._report_login("reject")
            raise self._denied()
        self._login, self._login_url, self._is_login_reported = login, shown, False

    def _is_known(self, login: Login) -> bool:
        """Return whether a login is the one that was sent before."""
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

    def _report_login(self, method: str) -> None:
        """Call the method ``approve`` or ``reject`` of the credentials, once per login."""
        report = getattr(self._options.credentials, method, None)
        if self._is_login_reported or self._login is None or report is None:
            return
        self._is_login_reported = True
        report(self._login_url, self._login.username, self._login.password)

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
            known += [password, name if len(name) >= _MIN_TOKEN else ""]
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


def without_progress(output: bytes) -> str:
    """Return a server's messages, except those about progress."""
    lines = re.split(rb"[\r\n]+", output)
    return " ".join(line.decode(errors="replace") for line in lines if not _STEPS.search(line))


def _is_login(found: object) -> bool:
    """Return whether it is a user name and a password."""
    return isinstance(found, tuple) and [isinstance(part, str) for part in found] == [True, True]
