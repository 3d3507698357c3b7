"""HTTP as Git speaks it: proxies, headers and authorities as configured for each server."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

from dulwich.client import (
    GitClient,
    HttpGitClient,
    HTTPProxyUnauthorized,
    HTTPUnauthorized,
    default_urllib3_manager,
)
from dulwich.config import ConfigDict, StackedConfig
from dulwich.errors import GitProtocolError, NotGitRepository

from modelversions.stores.net.urls import Url

if TYPE_CHECKING:
    from urllib3 import PoolManager

_REDIRECTS = 5
_SMART = "application/x-git-"
_LONGEST = 1000
"""The bytes of a refusal that are worth repeating."""


def http_client(
    url: Url, config: StackedConfig, timeout: float | None, login: tuple[str, str] | None
) -> GitClient:
    """Return a client for a server; see ``connect``."""
    return _Http(url.origin + url.path, _pool(url, config, timeout), login)


class HttpStatusError(GitProtocolError):
    """A server answers a request with an HTTP status that is no success."""

    def __init__(self, status: int, words: str) -> None:
        """Keep the status; ``words`` are what the server says."""
        known = next((one.phrase for one in HTTPStatus if one == status), "")
        super().__init__(f"HTTP {status} {words or known}".rstrip())
        self.status = status


class Quiet:
    """A client that does not log what this library sees to itself."""

    @staticmethod
    def _warn_filter_objects() -> None:
        """Say nothing: a server without filters sends more, which is all right."""


class _Http(Quiet, HttpGitClient):
    """A client that closes its connections when it is closed, or forgotten."""

    def __init__(self, base: str, manager: PoolManager, login: tuple[str, str] | None) -> None:
        name, password = login or (None, None)
        super().__init__(base, pool_manager=manager, username=name, password=password)
        weakref.finalize(self, manager.clear)
        self._manager = manager
        self._headers = dict(manager.headers)

    def close(self) -> None:
        self._manager.clear()

    def _http_request(
        self,
        url: str,
        headers: dict[str, str] | None = None,
        data: bytes | Iterator[bytes] | None = None,
        raise_for_status: bool = True,  # noqa: FBT001,FBT002  # dulwich gives it so
    ) -> tuple[Any, Callable[[int], bytes]]:
        """Send a request; a refusal is read to its end, for what the server says."""
        ours = self._origin(url) == self._origin(self._base_url)
        # a redirect has led elsewhere: what is configured for this server is none of that one's
        self._manager.headers = self._headers if ours else _only_agent(self._headers)
        response, read = super()._http_request(url, headers, data, raise_for_status=False)
        if raise_for_status and response.status != HTTPStatus.OK:
            said = read(_LONGEST) if "text/plain" in (response.content_type or "") else b""
            response.close()
            words = said.decode(errors="replace")
            raise _refusal(response.status, words, response.headers, url)
        if "?service=" in url and not (response.content_type or "").startswith(_SMART):
            response.close()  # dulwich would take it for a list of files, and an empty one for none
            raise GitProtocolError("this is no answer of a server that speaks Git's protocol")
        return response, read


def _only_agent(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() == "user-agent"}


def _refusal(status: int, words: str, headers: Mapping[str, str], url: str) -> Exception:
    """Return the error that dulwich would raise, with the server's words."""
    if status == HTTPStatus.UNAUTHORIZED:
        return HTTPUnauthorized(headers.get("WWW-Authenticate"), url)
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return HTTPProxyUnauthorized(headers.get("Proxy-Authenticate"), url)
    if status == HTTPStatus.NOT_FOUND:
        return NotGitRepository(words or "not found")
    return HttpStatusError(status, words)


def _pool(url: Url, config: StackedConfig, timeout: float | None) -> PoolManager:
    """Make the pool of connections that dulwich would, but for proxies and patience."""
    import urllib3

    proxy = _proxy(url, config)
    overrides = ConfigDict()
    authority = os.environ.get("GIT_SSL_CAINFO")
    if authority:
        overrides.set((b"http",), b"sslCAInfo", authority.encode())
    base = url.origin + url.path
    retries = urllib3.Retry(
        total=_REDIRECTS,
        connect=0,
        read=0,
        other=0,
        redirect=_REDIRECTS,
        respect_retry_after_header=False,  # a server could ask for hours; Git does not wait either
    )

    def pool(*_proxy_of_dulwich: str, **options: Any) -> PoolManager:  # noqa: ANN401  # whatever it has
        options.pop("proxy_headers", None)
        options.update(retries=retries, timeout=urllib3.Timeout(connect=timeout, read=timeout))
        if proxy is None:
            return urllib3.PoolManager(**options)
        place, login = proxy
        headers = urllib3.make_headers(proxy_basic_auth=login) if login else None
        return urllib3.ProxyManager(place, proxy_headers=headers, **options)

    stack = StackedConfig([overrides, *config.backends])  # type: ignore[list-item]
    manager: PoolManager = default_urllib3_manager(  # type: ignore[assignment]  # see pool()
        stack,
        base_url=base,
        pool_manager_cls=pool,  # type: ignore[arg-type]  # it is called, and no more
        proxy_manager_cls=pool,  # type: ignore[arg-type]
    )
    # whatever dulwich found in the configuration is for this origin: no redirect takes it elsewhere
    private = {*urllib3.Retry.DEFAULT_REMOVE_HEADERS_ON_REDIRECT, *manager.headers} - {"User-agent"}
    manager.connection_pool_kw["retries"] = retries.new(remove_headers_on_redirect=private)
    return manager


def _extra_headers(config: StackedConfig, base: str) -> Iterator[tuple[str, str]]:
    """Give the headers that are configured for a URL, or for all."""
    for section in config.sections():
        if section[0].lower() == b"http" and base.encode().startswith(section[1:2] or (b"",)):
            with suppress(KeyError):
                for header in config.get_multivar(section, b"extraHeader"):
                    name, _, value = header.decode(errors="replace").partition(":")
                    yield name, value.strip()


def _proxy(url: Url, config: StackedConfig) -> tuple[str, str] | None:
    """Return the proxy for a URL, and the login for it: ``http.proxy``, or the environment's.

    dulwich takes the environment's first one, whatever scheme it is for.
    """
    if not url.scheme.startswith("http") or proxy_bypass(url.host):
        return None
    found = getproxies()
    place = found.get(url.scheme) or found.get("all") or ""
    for section in ((b"http", url.origin.encode()), (b"http",)):
        with suppress(KeyError):
            place = config.get(section, b"proxy").decode()
            break
    scheme, slashes, rest = place.rpartition("://")
    login, _, host = rest.rpartition("@")
    return (f"{scheme if slashes else 'http'}://{host}", unquote(login)) if host else None


def configured_secrets(url: Url, config: StackedConfig) -> list[str]:
    """Return what a configuration tells to servers and to nobody else."""
    proxy = _proxy(url, config)
    password = proxy[1].partition(":")[2] if proxy else ""
    headers = [value for _, value in _extra_headers(config, url.origin + url.path)]
    return [secret for secret in (password, *headers) if secret]
