"""Read Git's HTTP settings for one server: ``http.*``, ``http.<url>.*`` and the environment.

A security setting that is not supported is an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

import attrs

from modelversions.errors import ConfigurationError
from modelversions.git.config import GitConfig, UrlSettings
from modelversions.git.protocols import is_allowed
from modelversions.git.urls import Url

_UNSUPPORTED = ("pinnedPubkey", "sslCertPasswordProtected", "proxySSLCert", "proxySSLKey")
_PROXY_SCHEMES = ("http", "https", "socks", "socks4", "socks4a", "socks5", "socks5h")
_DEFAULT_PROXY_PORT = 1080
"""The port of a proxy whose URL has none, as in curl."""
_TLS = {"tlsv1": "TLSv1", "tlsv1.0": "TLSv1", "tlsv1.1": "TLSv1_1"}
_TLS |= {"tlsv1.2": "TLSv1_2", "tlsv1.3": "TLSv1_3"}
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@attrs.frozen(repr=False)
class Proxy:
    """A proxy and its login."""

    url: str
    """Scheme, host and port."""
    login: str | None
    """User name and password, separated by a colon; None if there are none."""


@attrs.frozen(repr=False)
class HttpSettings:
    """The settings for one URL."""

    headers: tuple[tuple[str, str], ...]
    """Names and values of ``http.extraHeader``, sent only to the URL's own origin."""
    user_agent: str | None
    proxy: Proxy | None
    verify: bool
    ca_file: str | None
    ca_directory: str | None
    certificate: str | None
    key: str | None
    minimum_tls: str | None
    """The name of a member of ``ssl.TLSVersion``."""
    ciphers: str | None
    redirects: str
    """``"true"``, ``"false"`` or ``"initial"``: for the first request only."""
    redirect_protocols: frozenset[str]
    """The protocols that may be redirected to."""

    @property
    def secrets(self) -> list[str]:
        """The texts that are sent to servers and must not be displayed."""
        password = (self.proxy.login or "").partition(":")[2] if self.proxy else ""
        values = [value for _, value in self.headers]
        tokens = [value.rpartition(" ")[2] for value in values]
        return [secret for secret in (password, *values, *tokens) if secret]


def read_settings(
    url: Url, config: GitConfig, env: Mapping[str, str] | None = None
) -> HttpSettings:
    """Return the settings for a URL, as Git would use them.

    Args:
        url: the server's URL.
        config: Git's configuration.
        env: the environment. Default: ``os.environ``.

    Raises:
        ConfigurationError: a setting is invalid, names a missing file, or is not supported.
    """
    env = os.environ if env is None else env
    http = config.for_url("http", url.with_user)
    for name in _UNSUPPORTED:
        if http.get(name) not in (None, "", "false"):
            raise _unsupported(f"http.{name}")
    version = env.get("GIT_SSL_VERSION") or http.get("sslVersion")
    return HttpSettings(
        headers=tuple(_headers(http)),
        user_agent=env.get("GIT_HTTP_USER_AGENT") or http.get("userAgent"),
        proxy=_proxy(url, http, env),
        verify="GIT_SSL_NO_VERIFY" not in env and http.get_bool("sslVerify", default=True),
        ca_file=_file(http, "sslCAInfo", env, "GIT_SSL_CAINFO"),
        ca_directory=_file(http, "sslCAPath", env, "GIT_SSL_CAPATH"),
        certificate=_file(http, "sslCert", env, "GIT_SSL_CERT"),
        key=_file(http, "sslKey", env, "GIT_SSL_KEY"),
        minimum_tls=_tls(version) if version else None,
        ciphers=env.get("GIT_SSL_CIPHER_LIST") or http.get("sslCipherList"),
        redirects=_redirects(http),
        redirect_protocols=frozenset(
            name for name in ("http", "https") if is_allowed(name, config, env, from_user=False)
        ),
    )


def _headers(http: UrlSettings) -> Iterator[tuple[str, str]]:
    """Yield names and values of the extra headers, encoded for sending as Latin-1.

    As in curl, a value without a colon is ignored, and a header without a value is not sent.
    """
    for header in http.get_all("extraHeader"):
        if _CONTROL.search(header):
            raise ConfigurationError(
                "a value of http.extraHeader contains a control character; write 'Name: value'",
                file="git config",
            )
        name, _, value = header.partition(":")
        if name and value.strip():
            yield _encoded(name.strip()), _encoded(value.strip())


def _encoded(text: str) -> str:
    return text.encode(errors="surrogateescape").decode("latin-1")


def _redirects(http: UrlSettings) -> str:
    value = http.get("followRedirects")
    if value is None or value == "initial":
        return "initial"
    return "true" if http.get_bool("followRedirects", default=True) else "false"


def _tls(version: str) -> str:
    if version.lower() not in _TLS:
        raise ConfigurationError(
            f"http.sslVersion {version!r} is not supported; use one of {', '.join(_TLS)}",
            file="git config",
        )
    return _TLS[version.lower()]


def _file(http: UrlSettings, name: str, env: Mapping[str, str], variable: str) -> str | None:
    """Return a path from the environment or the configuration; it must exist."""
    given = env.get(variable)
    path = given if given is not None else http.get_path(name)
    if path and not os.path.exists(path):
        source = variable if given is not None else f"http.{name}"
        raise ConfigurationError(
            f"{source} names {path!r}, which does not exist; correct it, or unset it",
            file="git config",
        )
    return path or None


def _proxy(url: Url, http: UrlSettings, env: Mapping[str, str]) -> Proxy | None:
    """Return the proxy of ``http.proxy``, which may be empty, or of the environment."""
    source, found = "http.proxy", http.get("proxy")
    if found is None:
        names = ["https_proxy", "HTTPS_PROXY"] if url.scheme == "https" else ["http_proxy"]
        names += ["all_proxy", "ALL_PROXY"]
        source, found = next(((one, env[one]) for one in names if one in env), ("", ""))
    if not found or _is_exempt(url, env.get("no_proxy", env.get("NO_PROXY", ""))):
        return None
    method = env.get("GIT_HTTP_PROXY_AUTHMETHOD") or http.get("proxyAuthMethod") or "basic"
    if method.lower() not in ("basic", "anyauth"):
        raise _unsupported(f"http.proxyAuthMethod = {method}")
    return _parsed(source, found)


def _parsed(source: str, text: str) -> Proxy:
    """Parse a proxy; errors do not show it, as it may contain a password."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port or (443 if parts.scheme == "https" else _DEFAULT_PROXY_PORT)
    except ValueError:
        parts, port = urlsplit(""), 0
    scheme = parts.scheme.lower()
    if scheme not in _PROXY_SCHEMES or not parts.hostname:
        raise ConfigurationError(
            f"the proxy of {source} is not valid; write 'http://host:port' or "
            f"'socks5h://host:port'",
            file=source,
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    login = None
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return Proxy(f"{'socks4' if scheme == 'socks' else scheme}://{host}:{port}", login)


def _is_exempt(url: Url, hosts: str) -> bool:
    """Return whether ``no_proxy`` lists a host, as curl matches it."""
    host = url.host.lower().rstrip(".")
    for entry in re.split(r"[\s,]+", hosts.lower()):
        name, _, port = entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
        name = name.strip("[]").lstrip(".").rstrip(".")
        if entry == "*" or (
            name
            and (host == name or host.endswith(f".{name}"))
            and port in ("", str(url.port or ""))
        ):
            return True
    return False


def _unsupported(setting: str) -> ConfigurationError:
    return ConfigurationError(
        f"the setting {setting} is not supported, and not ignored, as it protects the "
        "connection; unset it for this URL, or use Git",
        file="git config",
    )
