"""HTTP requests on urllib3: one persistent connection, credentials for one origin.

dulwich's client opens a connection for each request, sends all headers to the target of a redirect,
encodes credentials as Latin-1, and requests the server's capabilities each time. Therefore, this
module sends the requests; dulwich implements Git's protocol on top of them.
"""

from __future__ import annotations

import base64
import io
import socket
import warnings
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

import attrs
from dulwich.client import (
    GitClient,
    HTTPProxyUnauthorized,
    HTTPUnauthorized,
    default_user_agent_string,
)
from dulwich.errors import GitProtocolError, NotGitRepository

from modelversions.errors import ConfigurationError
from modelversions.git._dulwich import HttpClient
from modelversions.git.remote.http_settings import HttpSettings, Proxy
from modelversions.git.url_match import same_origin
from modelversions.git.urls import Url

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

Connections = list["weakref.ref[Any]"]

_REDIRECTS = 5
_SMART = "application/x-git-"
_MAX_MESSAGE = 1000
"""The maximum number of bytes of a server's message in an error."""
_REST = 1 << 14
"""The maximum number of bytes that are read and ignored to reuse a connection."""
_VERSION_2 = b"000eversion 2\n"
_SERVICE = b"001e# service=git-upload-pack\n0000"
_LISTING = b"0014command=ls-refs\n"


@attrs.frozen(repr=False)
class Login:
    """A user name and a password, for one origin."""

    username: str
    password: str
    origin: str
    """A URL of the server that requires them."""


def http_client(
    url: Url, settings: HttpSettings, timeout: float | None, login: Login | None
) -> GitClient:
    """Return a client for a server; nothing is sent yet.

    Args:
        url: the server's URL.
        settings: see ``read_settings``.
        timeout: the seconds to wait for data from the server.
        login: the login, sent only to its own origin.
    """
    return _Http(url.origin + url.path, _pool(settings, timeout), settings, login)


def log_in(client: GitClient, login: Login | None) -> None:
    """Send credentials with all further requests; the connection is kept open."""
    assert isinstance(client, _Http)
    client.login = login


@contextmanager
def without_listing(client: GitClient) -> Iterator[None]:
    """Fetch without the request for the list of refs that dulwich sends first."""
    if isinstance(client, _Http):
        client.without_listing = True
    try:
        yield
    finally:
        if isinstance(client, _Http):
            client.without_listing = False


class HttpStatusError(GitProtocolError):
    """A server answered a request with an HTTP status other than success."""

    def __init__(self, status: int, message: str) -> None:
        """Initialize with the status and the server's message."""
        known = next((one.phrase for one in HTTPStatus if one == status), "")
        super().__init__(f"HTTP {status} {message or known}".rstrip())
        self.status = status


class _Http(HttpClient):
    """A client that closes its connections when it is closed or garbage-collected."""

    without_listing = False
    """Whether to skip the request for the refs that dulwich sends before a fetch."""

    def __init__(
        self, base: str, manager: PoolManager, settings: HttpSettings, login: Login | None
    ) -> None:
        super().__init__(base, pool_manager=manager)
        self._base = base
        weakref.finalize(self, manager.clear)
        self._manager = manager
        self._settings = settings
        self.login = login
        self._connections = _recorded(manager)
        self._response: BaseHTTPResponse | None = None
        """The last response; only it has the socket if the server closes the connection then."""
        self._is_closed = False
        self._capabilities: dict[str, tuple[str, bytes]] = {}
        """By URL: the redirected URL and the capabilities of a server with protocol version 2."""

    def close(self) -> None:
        self._is_closed = True
        response, self._response = self._response, None
        if response is not None:  # from urllib3 2.3 on
            with suppress(AttributeError, ValueError, OSError, RuntimeError):
                response.shutdown()
        for connection in filter(None, [found() for found in self._connections]):
            sock = getattr(connection.sock, "socket", connection.sock)
            with suppress(OSError, TypeError):  # wakes another thread that reads
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for key in self._manager.pools.keys():  # noqa: SIM118  # pools cannot be iterated over
            # clear() leaves connections open while a response exists
            self._manager.pools[key].close()
        self._manager.clear()

    def send(
        self,
        url: str,
        headers: Mapping[str, str],
        data: bytes | Iterator[bytes] | None,
        *,
        raise_for_status: bool,
    ) -> tuple[Any, Callable[[int], bytes]]:
        """Send a request; errors contain the server's message."""
        if self.without_listing and isinstance(data, bytes) and data.startswith(_LISTING):
            return _Answer(f"{_SMART}upload-pack-result", "", b"0000").pair()
        if data is None and url in self._capabilities:
            return _Answer(f"{_SMART}upload-pack-advertisement", *self._capabilities[url]).pair()
        found = self._follow_redirects(url, headers, data)
        if raise_for_status and found.status != HTTPStatus.OK:
            body = found.read(_MAX_MESSAGE) if "text/plain" in (found.content_type or "") else b""
            found.close()
            message = body.decode(errors="replace")
            raise _status_error(
                found.status, message, found.headers, found.redirect_location or url
            )
        if "?service=" in url:
            if not (found.content_type or "").startswith(_SMART):
                found.close()  # dulwich would parse it as an empty list of refs
                raise GitProtocolError("the response does not follow Git's protocol")
            return self._cache_capabilities(url, found)
        return found, found.read

    def _cache_capabilities(self, url: str, found: _Response) -> tuple[Any, Callable[[int], bytes]]:
        """Cache the capabilities of a server with protocol version 2."""
        start = found.read(len(_VERSION_2))
        if start.startswith(_SERVICE[: len(start)]):  # some servers send it first
            start += found.read(len(_SERVICE))
        if not start.endswith(_VERSION_2):
            return found, _joined(start, found.read)
        text = start + found.read(_MAX_MESSAGE * 100)
        found.close()
        self._capabilities[url] = found.redirect_location, text
        return _Answer(found.content_type or "", found.redirect_location, text).pair()

    def _follow_redirects(
        self, url: str, headers: Mapping[str, str], data: bytes | Iterator[bytes] | None
    ) -> _Response:
        """Send a request, and follow redirects as Git does."""
        target = url
        for _ in range(_REDIRECTS + 1):
            found = self._request(target, headers, data)
            location = found.get_redirect_location()
            if not location or not self._follows(data):
                return _Response(found, target if target != url else "")
            found.close()
            target = urljoin(target, location)
            if target.partition("://")[0].lower() not in self._settings.redirect_protocols:
                raise GitProtocolError(f"it redirects to {target.partition(':')[0]!r}")
        raise GitProtocolError(f"it redirects more than {_REDIRECTS} times")

    def _follows(self, data: bytes | Iterator[bytes] | None) -> bool:
        """Return whether a redirect of this request is followed; a stream cannot be sent twice."""
        if self._settings.redirects == "initial":
            return data is None
        return self._settings.redirects == "true" and not isinstance(data, Iterator)

    def _request(
        self, url: str, headers: Mapping[str, str], data: bytes | Iterator[bytes] | None
    ) -> BaseHTTPResponse:
        """Send a request; retry if the server had closed the persistent connection.

        A push is not sent again: the server may have executed it.
        """
        import urllib3

        method = "GET" if data is None else "POST"
        options: dict[str, Any] = {"preload_content": False, "redirect": False, "retries": False}
        options |= {"headers": self._headers(url, headers), "body": data}
        can_retry = not url.endswith("git-receive-pack")
        while True:
            if self._is_closed:
                raise GitProtocolError("the connection was closed")
            try:
                self._response = self._manager.request(method, url, **options)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                if not can_retry or not isinstance(error, urllib3.exceptions.ProtocolError):
                    raise GitProtocolError(str(error)) from error
                can_retry = False
            else:
                return self._response

    def _headers(self, url: str, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Return the headers for a URL; configured ones are for the repository's origin only."""
        import urllib3

        agent = self._settings.user_agent or default_user_agent_string()
        found = urllib3.HTTPHeaderDict({"User-Agent": agent, **headers, "Pragma": "no-cache"})
        if same_origin(url, self._base):
            for name, value in self._settings.headers:
                found.add(name, value)
        if self.login is not None and same_origin(url, self.login.origin):
            found["Authorization"] = basic(self.login.username, self.login.password)
        return found


def _recorded(manager: PoolManager) -> Connections:
    """Return a list to which the connections of a manager are added when they are created.

    urllib3 offers no access to connections in use, which wait for the headers of a response.
    """
    connections: Connections = []

    def recording(pool_class: Callable[..., Any]) -> Callable[..., Any]:
        def new_pool(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # urllib3's
            pool = pool_class(*arguments, **options)
            connect = pool.ConnectionCls

            def new_connection(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # urllib3's
                connection = connect(*arguments, **options)
                connections[:] = [one for one in connections if one() is not None]
                connections.append(weakref.ref(connection))
                return connection

            pool.ConnectionCls = new_connection
            return pool

        return new_pool

    classes = manager.pool_classes_by_scheme.items()
    manager.pool_classes_by_scheme = {
        scheme: recording(one)  # type: ignore[misc]  # only called
        for scheme, one in classes
    }
    return connections


class _Response:
    """A response with the interface that dulwich expects; close() releases the connection."""

    def __init__(self, response: BaseHTTPResponse, redirected: str) -> None:
        self._response = response
        self.status = response.status
        self.headers = response.headers
        self.content_type = response.headers.get("Content-Type")
        self.redirect_location = redirected

    def read(self, size: int | None = None) -> bytes:
        import urllib3

        try:
            return self._response.read(size)
        except urllib3.exceptions.HTTPError as error:
            raise GitProtocolError(str(error)) from error

    def close(self) -> None:
        """Read the rest if it is short, so that the connection can be reused."""
        with suppress(GitProtocolError):
            self.read(_REST)
            if not self.read(1):
                return  # complete: urllib3 has released the connection
        self._response.close()


@attrs.frozen
class _Answer:
    """A response from the cache."""

    content_type: str
    redirect_location: str
    text: bytes

    def pair(self) -> tuple[_Answer, Callable[[int], bytes]]:
        """Return the result of ``send()``."""
        return self, io.BytesIO(self.text).read

    def close(self) -> None:
        """Do nothing."""


def basic(username: str, password: str) -> str:
    """Return the value of the header ``Authorization`` for a login, in UTF-8, as in Git."""
    login = f"{username}:{password}".encode(errors="surrogatepass")
    return f"Basic {base64.b64encode(login).decode()}"


def _joined(start: bytes, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """Return a function that reads ``start``, then calls ``read``."""
    buffer = io.BytesIO(start)

    def joined(size: int) -> bytes:
        first = buffer.read(size)
        return first if len(first) == size else first + read(size - len(first))

    return joined


def _status_error(status: int, message: str, headers: Mapping[str, str], url: str) -> Exception:
    """Return the error that dulwich would raise, with the server's message."""
    if status == HTTPStatus.UNAUTHORIZED:
        return HTTPUnauthorized(headers.get("WWW-Authenticate"), url)
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return HTTPProxyUnauthorized(headers.get("Proxy-Authenticate"), url)
    if status == HTTPStatus.NOT_FOUND:
        return NotGitRepository(message or "not found")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST and not message:
        message = "it redirects, which http.followRedirects does not allow"
    return HttpStatusError(status, message)


def _pool(settings: HttpSettings, timeout: float | None) -> PoolManager:
    """Return a pool of connections to a server.

    Raises:
        ConfigurationError: a certificate or a proxy cannot be used.
    """
    import ssl

    import urllib3
    from urllib3.util.ssl_ import create_urllib3_context

    options: dict[str, Any] = {
        "timeout": urllib3.Timeout(connect=timeout, read=timeout),
        "cert_reqs": "CERT_REQUIRED" if settings.verify else "CERT_NONE",
        "ca_certs": settings.ca_file,
        "ca_cert_dir": settings.ca_directory,
        "cert_file": settings.certificate,
        "key_file": settings.key,
    }
    if settings.minimum_tls:
        options["ssl_minimum_version"] = ssl.TLSVersion[settings.minimum_tls]
    if settings.ciphers:
        try:
            options["ssl_context"] = create_urllib3_context(ciphers=settings.ciphers)
        except ssl.SSLError as error:
            raise ConfigurationError(
                f"http.sslCipherList {settings.ciphers!r} has no supported cipher: {error}",
                file="git config",
            ) from error
    if settings.proxy is None:
        return urllib3.PoolManager(**options)
    return _proxied(settings.proxy, options)


def _proxied(proxy: Proxy, options: Mapping[str, Any]) -> PoolManager:
    import urllib3

    name, _, password = (proxy.login or "").partition(":")
    if not proxy.url.startswith("socks"):
        login = None if proxy.login is None else {"proxy-authorization": basic(name, password)}
        return urllib3.ProxyManager(proxy.url, proxy_headers=login, **options)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # urllib3 warns before it raises
            from urllib3.contrib.socks import SOCKSProxyManager
    except ImportError as error:
        raise ConfigurationError(
            f"the proxy {proxy.url!r} needs SOCKS: pip install pysocks, or unset it (http.proxy, "
            "ALL_PROXY)",
            file="git config",
        ) from error
    login_part = "" if proxy.login is None else f"{quote(name)}:{quote(password)}@"
    return SOCKSProxyManager(proxy.url.replace("://", f"://{login_part}", 1), **options)
