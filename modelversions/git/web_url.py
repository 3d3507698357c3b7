"""The URL of a repository on the web, from the URL of its remote."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import quote

from modelversions.errors import ModelVersionsError
from modelversions.git.config import GitConfig
from modelversions.git.urls import Url, instead_of, is_url
from modelversions.values.web_pages import checked_url

_SSH_HOSTS = re.compile(r"(?:alt)?ssh\.(?=github\.com$|gitlab\.com$|bitbucket\.org$)")
"""The prefixes of the hosts that serve SSH on the port of HTTPS."""


def web_url(url: Url) -> str | None:
    """Return the URL of a repository on the web, without a user name; None if it has none.

    The port of an SSH URL is omitted.
    """
    if url.scheme == "file" or url.has_split_password:
        return None
    is_http = url.scheme in ("http", "https")
    path = url.path if is_http else quote(url.path, safe="/~", errors="replace")
    path = path.strip("/").removesuffix(".git").rstrip("/")
    if not path or "@" in url.host:
        return None
    if is_http:
        return checked_url(f"{url.origin}/{path}")
    host = _SSH_HOSTS.sub("", url.host)
    return checked_url(f"https://{f'[{host}]' if ':' in host else host}/{path}")


def web_url_of_remote(config: GitConfig) -> str | None:
    """Return the web URL of the remote ``origin``, or of the only remote.

    Return None if the configuration cannot be read: a registry can be displayed without the URL.
    """
    with suppress(ModelVersionsError), config.held():
        names = config.subsections("remote")
        name = "origin" if "origin" in names or len(names) != 1 else names[0]
        urls = config.get_all(f"remote.{name}.url")
        url = instead_of(urls[0], config.stack()) if urls else ""
        return web_url(Url.parse(url)) if is_url(url) else None
    return None
