"""Open the repository that a path or a URL names."""

from __future__ import annotations

import os

from modelversions.git.store import RemoteOptions, Store
from modelversions.git.urls import Url, instead_of, is_url


def open_store(location: str | os.PathLike[str], options: RemoteOptions) -> Store:
    """Return the store for a folder or a URL; nothing is sent to a server yet.

    Args:
        location: a folder in a repository, or a URL, which the user's configuration may rewrite.
        options: how to get at servers.

    Raises:
        RepositoryNotFoundError: there is no repository, or the URL is not usable.
        RepositoryError: there is one that cannot be read.
    """
    from modelversions.git.local.local_store import LocalStore

    if not (isinstance(location, str) and is_url(location)):
        return LocalStore.open(location, options)
    url = Url.parse(instead_of(location))
    if url.scheme == "file":
        return LocalStore.open(url.path, options, search=False)
    from modelversions.git.remote.remote_store import RemoteStore

    return RemoteStore(url, options)
