"""Find the URLs of a remote, given by its name in Git's configuration, a URL or a path."""

from __future__ import annotations

import os

import attrs
from dulwich.config import StackedConfig

from modelversions.errors import ConfigurationError, InvalidArgumentError, RepositoryNotFoundError
from modelversions.git.urls import Url, instead_of, is_url


@attrs.frozen
class RemoteUrls:
    """The URLs to fetch from and to push to."""

    fetch: Url
    push: tuple[Url, ...]
    """The values of ``pushurl``, or else of ``url``."""

    @classmethod
    def of(cls, remote: object, config: StackedConfig, root: str) -> RemoteUrls:
        """Return the URLs of a remote, as Git finds them.

        Args:
            remote: the name of a remote, a URL or a path.
            config: Git's configuration.
            root: the directory for relative paths in the configuration.

        Raises:
            RepositoryNotFoundError: there is no such remote.
            ConfigurationError: ``remote.<name>.proxy`` is set, or a URL is not UTF-8.
        """
        if not isinstance(remote, (str, os.PathLike)):
            raise InvalidArgumentError(
                f"a remote is a name such as 'origin', a URL, a path or a registry, not {remote!r}",
                argument="remote",
                value=remote,
            )
        name = os.fspath(remote)
        try:
            section = (b"remote", name.encode(errors="surrogateescape"))
        except UnicodeEncodeError as error:
            raise InvalidArgumentError(
                f"the remote {name!r} cannot be encoded as UTF-8; correct it",
                argument="remote",
                value=name,
            ) from error
        urls, pushed = _get(config, section, b"url"), _get(config, section, b"pushurl")
        fetch = urls[0] if urls else _given(name, config)
        pushes = [_url(instead_of(url, config), root) for url in pushed]
        for url in () if pushed else urls or [fetch]:
            new = instead_of(url, config, push=True)  # pushInsteadOf, and else insteadOf
            new = instead_of(url, config) if new == url else new
            pushes.append(_url(new, root))
        found = cls(_url(instead_of(fetch, config), root), tuple(pushes))
        if any(url.scheme.startswith("http") for url in (found.fetch, *pushes)):
            _check_proxy(config, section)
        return found


def _given(name: str, config: StackedConfig) -> str:
    """Return a URL, or the absolute path of a directory, that is not a remote's name."""
    if is_url(name):
        return name
    if name and os.path.isdir(name):
        return os.path.abspath(name)
    names = sorted(
        {one[1].decode(errors="replace") for one in config.sections() if one[0] == b"remote"}
    )
    raise RepositoryNotFoundError(
        f"{name!r} is neither a remote (remotes: {', '.join(names) or 'none'}), a URL nor a "
        "directory; add a remote with 'git remote add'",
        location=name,
    )


def _check_proxy(config: StackedConfig, section: tuple[bytes, bytes]) -> None:
    """Check that the remote has no proxy of its own, which is not supported.

    Raises:
        ConfigurationError: it has one; a connection without the proxy may be unsafe.
    """
    for key in ("proxy", "proxyAuthMethod"):
        if _get(config, section, key.encode()):
            name = section[1].decode(errors="replace")
            raise ConfigurationError(
                f"remote.{name}.{key} is not supported; set http.<url>.{key} for its URL",
                file="git config",
            )


def _get(config: StackedConfig, section: tuple[bytes, ...], name: bytes) -> list[str]:
    """Return all values: as in Git, fetch uses the first URL, and push uses all."""
    return [one.decode(errors="surrogateescape") for one in config.get_multivar(section, name)]


def _url(text: str, root: str) -> Url:
    if is_url(text):
        return Url.parse(text)
    return Url("file", "", None, os.path.normpath(os.path.join(root, os.path.expanduser(text))))
