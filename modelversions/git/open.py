"""Open the repository that a path or a URL names."""

from __future__ import annotations

import os

from modelversions.errors import InvalidArgumentError
from modelversions.git.config import GitConfig
from modelversions.git.protocols import check_protocol
from modelversions.git.store import RemoteOptions, Store
from modelversions.git.urls import Url, instead_of, is_url


def open_store(location: str | os.PathLike[str], options: RemoteOptions) -> Store:
    """Return the store for a directory or a URL; no server is contacted yet.

    Args:
        location: a directory in a repository, or a URL, which ``url.<base>.insteadOf`` may rewrite.
        options: options for remote repositories.

    Raises:
        InvalidArgumentError: the location is neither.
        RepositoryNotFoundError: there is no repository, or the URL is invalid.
        RepositoryError: the repository cannot be read.
        ConfigurationError: Git's configuration does not allow the protocol or the repository, or is
            invalid.
    """
    from modelversions.git.local.local_store import LocalStore

    if not isinstance(location, (str, os.PathLike)):
        raise InvalidArgumentError(
            f"a registry is opened at a path or a URL, not {location!r}; for a repository that "
            "dulwich has opened, use Registry.from_repo",
            argument="location",
            value=location,
        )
    if not (isinstance(location, str) and is_url(location)):
        return LocalStore.open(location, options)
    found = instead_of(location)
    url = Url.parse(found) if is_url(found) else None
    if url is None or url.scheme == "file":
        check_protocol("file", GitConfig(None))
        return LocalStore.open(found if url is None else url.path, options, search=False)
    from modelversions.git.remote.remote_store import RemoteStore

    return RemoteStore(url, options)
