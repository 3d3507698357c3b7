"""The URLs of commit and tag pages on hosts whose URLs have a known form."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, urlsplit

import attrs

from modelversions.errors import InvalidArgumentError

CommitUrl = str | Callable[[str], "str | None"]
"""The URL of a commit's web page, with ``{commit}`` for the SHA; or a callable that returns it."""

PLACEHOLDER = "{commit}"

_FORMS = {
    "github": ("/commit/", "/releases/tag/"),
    "gitlab": ("/-/commit/", "/-/tags/"),
    "bitbucket": ("/commits/", "/commits/tag/"),
    "gitea": ("/commit/", "/src/tag/"),
}
"""By kind of host: the parts of a URL before a commit's SHA, and before a tag's name."""

_HOSTS = {
    "bitbucket.org": "bitbucket",
    "codeberg.org": "gitea",
    "salsa.debian.org": "gitlab",
}
_LABELS = {"github": "github", "gitlab": "gitlab", "gitea": "gitea", "forgejo": "gitea"}
"""Kinds of hosts by a label of the host name, such as ``gitlab`` in ``gitlab.example.com``.

Bitbucket is not included: the pages of a self-hosted server have other URLs than those of
``bitbucket.org``.
"""

_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0\"<>\\^`{|}\u2028\u2029\ud800-\udfff]")
_MAX_LENGTH = 2000


@attrs.frozen
class WebPages:
    """The web pages of a repository."""

    home: str | None = None
    """The URL of the repository's page, or the URL to clone it; None if it is not on the web."""
    commit_url: CommitUrl | None = None
    """The form of a commit's URL. Default: the form of the kind of host."""

    @property
    def repository(self) -> str | None:
        """The URL of the repository's page; None if the host is unknown."""
        return None if self._form is None else checked_url(self.home)

    @property
    def commit_form(self) -> str | None:
        """The URL of a commit's page, with ``{commit}`` for the SHA; None if it has no form."""
        if callable(self.commit_url):
            return None
        form = self._form
        url = self.commit_url
        if url is None and form is not None:
            url = f"{self.home}{form[0]}{PLACEHOLDER}"
        return url if url is not None and checked_url(url.replace(PLACEHOLDER, "0")) else None

    @property
    def tag_form(self) -> str | None:
        """The beginning of the URL of a tag's page, if the host is known."""
        return self._page(1, "")

    def commit(self, commit: str) -> str | None:
        """Return the URL of a commit's page; None if it is unknown."""
        if isinstance(self.commit_url, str):
            return checked_url(self.commit_url.replace(PLACEHOLDER, quote(commit, safe="")))
        if self.commit_url is not None:
            return checked_url(self.commit_url(commit))
        return self._page(0, commit)

    def tag(self, tag: str) -> str | None:
        """Return the URL of a tag's page; None if the host is unknown."""
        return self._page(1, tag)

    def _page(self, index: int, name: str) -> str | None:
        form = self._form
        if form is None:
            return None
        name = quote(name, safe="/", errors="replace")
        return checked_url(f"{self.home}{form[index]}{name}")

    @property
    def _form(self) -> tuple[str, str] | None:
        host = urlsplit(self.home or "").hostname or ""
        kind = _HOSTS.get(host)
        labels = (_LABELS[label] for label in host.split(".") if label in _LABELS)
        return _FORMS.get(kind or next(labels, ""))


def checked_url(url: object) -> str | None:
    """Return a URL if it is safe as a link: ``http`` or ``https``, without unsafe characters."""
    if not isinstance(url, str) or len(url) > _MAX_LENGTH or _UNSAFE.search(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:  # such as brackets without an IP address
        return None
    is_web = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return url if is_web else None


def check_commit_url(commit_url: object) -> CommitUrl | None:
    """Return the argument ``commit_url`` if it is valid.

    Raises:
        InvalidArgumentError: it is neither a URL with ``{commit}`` nor a callable.
    """
    if commit_url is None or callable(commit_url):
        return commit_url
    if (
        isinstance(commit_url, str)
        and PLACEHOLDER in commit_url
        and checked_url(commit_url.replace(PLACEHOLDER, "0"))
    ):
        return commit_url
    raise InvalidArgumentError(
        "commit_url must be a URL such as 'https://host/models/commit/{commit}', or a callable "
        f"that returns the URL for a SHA, not {commit_url!r}",
        argument="commit_url",
        value=commit_url,
    )
