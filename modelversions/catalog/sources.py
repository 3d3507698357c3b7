"""The repositories of a catalog: their names, locations and providers of credentials."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import attrs

from modelversions.credentials import from_name, name_of
from modelversions.errors import (
    ConfigurationError,
    InvalidArgumentError,
    RepositoryNotFoundError,
    redact,
)
from modelversions.git.store import Credentials
from modelversions.git.urls import Url, is_url
from modelversions.registry_view import RegistryView
from modelversions.safe_yaml import load_mapping
from modelversions.values.web_pages import CommitUrl, check_commit_url

_LOCATIONS = ("url", "path", "registry")
_KEYS = (*_LOCATIONS, "name", "credentials", "commit_url")
_EXAMPLE = "{'name': 'nlp', 'url': 'https://host/nlp.git', 'credentials': 'env:NLP_TOKEN'}"
MAX_FILE = 1 << 21
"""The maximum size of a catalog file in bytes."""
MAX_SOURCES = 200_000
"""The maximum number of values in a catalog file."""
_PORTS = {"https": 443, "http": 80, "ssh": 22, "git": 9418}
"""The default ports."""


@attrs.frozen
class Source:
    """One repository of a catalog. It can be pickled unless that would disclose a secret."""

    name: str
    location: str
    """An absolute path or a URL; for a registry its location, for messages."""
    credentials: Credentials | None = attrs.field(default=None, repr=False)
    registry: RegistryView | None = attrs.field(default=None, repr=False)
    commit_url: CommitUrl | None = attrs.field(default=None, repr=False)
    """The form of a commit's URL. It is not pickled, as links are created in the main process."""

    @property
    def shown(self) -> str:
        """The location without a password."""
        return redact(self.location)

    @property
    def host(self) -> str | None:
        """The server, for the limit of connections per server.

        None for a local repository and for an invalid URL, as no server is contacted.
        """
        if self.registry is not None:
            return None
        url = _url(self.location)
        return None if url is None else _server(url)

    @property
    def unsendable_reason(self) -> str:
        """The reason why it cannot be sent to another process; empty if it can."""
        if self.registry is not None:
            return "it is an open registry; pass its path or URL"
        if self.shown != self.location:
            return "its URL has a login; pass a provider of credentials, such as 'env:VARIABLE'"
        if self.credentials is not None and name_of(self.credentials) is None:
            return "its credentials are a function; pass a provider, such as 'env:VARIABLE'"
        return ""

    def check_sendable(self) -> None:
        """Check that it can be sent to another process.

        Raises:
            InvalidArgumentError: this would disclose a secret, or is impossible.
        """
        reason = self.unsendable_reason
        if reason:
            raise InvalidArgumentError(
                f"the repository {self.name!r} of the catalog cannot be sent to an executor: "
                f"{reason}",
                argument="executor",
                value=None,
            )

    def __getstate__(self) -> tuple[str, str, str | None]:
        """Pickle the name, the location and the name of the provider of credentials.

        Raises:
            InvalidArgumentError: see ``check_sendable``.
        """
        self.check_sendable()
        provider = None if self.credentials is None else name_of(self.credentials)
        return self.name, self.location, provider

    def __setstate__(self, state: tuple[str, str, str | None]) -> None:
        """Restore the source, with the named provider."""
        name, location, provider = state
        credentials = None if provider is None else from_name(provider)
        self.__init__(name, location, credentials)  # type: ignore[misc]  # it is frozen


SourceLike = str | os.PathLike[str] | RegistryView | Mapping[str, object] | Source
"""A path, a URL, a registry, or a mapping with ``url`` and optional keys: see ``Catalog``."""


@attrs.frozen
class _Entry:
    """A repository as passed by the caller; it may not have a name."""

    name: str | None
    location: str
    credentials: Credentials | None
    registry: RegistryView | None = None
    commit_url: CommitUrl | None = None


def read_sources(
    given: Iterable[SourceLike],
    credentials: Credentials | str | None = None,
    base: str | None = None,
) -> tuple[Source, ...]:
    """Return the sources of a catalog, in the given order.

    Args:
        given: paths, URLs, registries or mappings.
        credentials: the credentials of repositories without their own.
        base: the directory at which relative paths start. Default: the current directory.

    Raises:
        InvalidArgumentError: a source is invalid, or two have the same name.
    """
    if isinstance(given, (str, os.PathLike, Mapping)) or not isinstance(given, Iterable):
        raise _invalid_source(given, f"pass a list of paths, URLs or mappings such as {_EXAMPLE}")
    common = _provider(credentials)
    entries = [_entry(one, common, base) for one in given]
    names = list(_names(entries))
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise _invalid_source(
            twice, "two repositories have this name; pass a different name for each"
        )
    return tuple(
        Source(name, entry.location, entry.credentials, entry.registry, entry.commit_url)
        for name, entry in zip(names, entries)
    )


def read_file(path: str | os.PathLike[str]) -> tuple[Source, ...]:
    """Return the sources that a YAML file lists.

    Raises:
        ConfigurationError: the file cannot be read, or its content is invalid.
        MissingExtraError: the ``yaml`` extra is not installed.
    """
    file = path_text(path)
    try:
        content = Path(file).read_bytes()
    except OSError as error:
        raise _invalid(file, str(error)) from error
    found = load_mapping(content, file, max_size=MAX_FILE, max_values=MAX_SOURCES)
    unknown = sorted(set(map(str, found)) - {"repositories", "credentials"})
    listed = found.get("repositories")
    if unknown or not isinstance(listed, list):
        raise _invalid(
            file,
            "it must have the key 'repositories' with a list, and no other key except "
            f"'credentials'; its keys are {sorted(map(str, found))}",
        )
    base = os.path.dirname(os.path.abspath(file))
    try:
        return read_sources(listed, found.get("credentials"), base)  # type: ignore[arg-type]  # checked there
    except InvalidArgumentError as error:
        raise _invalid(file, str(error)) from error


def discover(directory: str | os.PathLike[str]) -> tuple[Source, ...]:
    """Return the repositories below a directory, named by their relative paths, sorted.

    Raises:
        InvalidArgumentError: it is not a directory.
    """
    text = path_text(directory)
    root = os.path.abspath(text)
    if text and not os.path.exists(root):
        raise _invalid_source(
            directory, "there is no such directory; pass one that contains repositories"
        )
    if not text or not os.path.isdir(root):
        raise _invalid_source(directory, "pass a directory that contains repositories")
    found = sorted(_repositories(root))
    names = {one: _below(root, one) for one in found}
    full = set(names.values())
    return read_sources(
        [{"name": _shortened(name, full), "path": one} for one, name in names.items()]
    )


def path_text(path: str | os.PathLike[str]) -> str:
    """Return the path of a file or directory as text.

    Raises:
        InvalidArgumentError: it is not a path.
    """
    try:
        return os.fsdecode(path)
    except TypeError:
        raise InvalidArgumentError(
            f"path must be the path of a file or directory, not {path!r}",
            argument="path",
            value=path,
        ) from None


def _below(root: str, path: str) -> str:
    below = os.path.basename(root) if path == root else os.path.relpath(path, root)
    return below.replace(os.sep, "/")


def _shortened(name: str, others: Collection[str]) -> str:
    """Return a name without ``.git``, unless another repository has that name."""
    short = name.removesuffix(".git")
    ends = "" if short.endswith("/") else short
    return name if not ends or short in others else short


def _repositories(root: str) -> Iterator[str]:
    """Yield the repositories below a directory, but not those inside other repositories.

    A directory that cannot be searched is yielded too; opening it raises an error with the reason.
    """
    directories = [root]
    while directories:
        directory = directories.pop()
        try:
            with os.scandir(directory) as found:
                entries = {entry.name: entry for entry in found}
        except FileNotFoundError:  # it was deleted concurrently
            continue
        except OSError:
            yield directory
            continue
        if ".git" in entries or entries.keys() >= {"objects", "refs", "HEAD"}:
            yield directory
        else:
            below = (one for one in entries.values() if one.is_dir(follow_symlinks=False))
            directories += [one.path for one in below]


def _entry(given: object, common: Credentials | None, base: str | None) -> _Entry:
    if isinstance(given, Source):
        rest = given.credentials, given.registry, given.commit_url
        return _Entry(given.name, given.location, *rest)
    if isinstance(given, RegistryView):
        return _Entry(None, given._store.location, None, given)  # noqa: SLF001  # for messages
    if isinstance(given, (str, os.PathLike)) and os.fspath(given):
        return _Entry(None, _located(given, base), common)
    if not isinstance(given, Mapping):
        raise _invalid_source(given, f"pass a path, a URL or a mapping such as {_EXAMPLE}")
    unknown = sorted(set(map(str, given)) - set(_KEYS))
    locations = {key: given[key] for key in _LOCATIONS if given.get(key) is not None}
    if unknown or len(locations) != 1:
        hint = f"; unknown key {unknown[0]!r}" if unknown else ""
        raise _invalid_source(
            given, f"pass a mapping such as {_EXAMPLE}, with one of url and path{hint}"
        )
    ((key, location),) = locations.items()
    if isinstance(location, Mapping) and not isinstance(location, RegistryView):
        raise _invalid_source(given, f"its {key} must be text")
    if key == "path" and isinstance(location, str) and location:
        if "://" in location:
            raise _invalid_source(given, "its path is a URL; use the key 'url'")
        location = Path(location)
    name = given.get("name")
    if name is not None and (not isinstance(name, str) or not name.strip("/")):
        raise _invalid_source(given, "its name must be text")
    own = _provider(given.get("credentials")) or common
    pages = check_commit_url(given.get("commit_url"))
    found = _entry(location, own, base)
    return attrs.evolve(found, name=name and name.strip("/"), commit_url=pages)


def _located(location: str | os.PathLike[str], base: str | None) -> str:
    """Return a URL unchanged, and a path as an absolute path.

    Args:
        location: a URL, or the path of a repository.
        base: the directory of the file that contains the location; ``~`` is then replaced by the
            user's home directory. None if the location is not from a file.
    """
    if isinstance(location, str) and is_url(location):
        return location
    path = os.fsdecode(location)
    if base is None:
        return os.path.abspath(path)
    return os.path.abspath(os.path.join(base, os.path.expanduser(path)))


def _provider(given: object) -> Credentials | None:
    if given is None or callable(given):
        return given
    if isinstance(given, str):
        return from_name(given)
    raise InvalidArgumentError(
        "credentials must be a function, or the name of a provider: 'env:VARIABLE', 'netrc', "
        f"'netrc:PATH' or 'git', not a {type(given).__name__}",
        argument="credentials",
        value=None,
    )


def _names(entries: list[_Entry]) -> Iterator[str]:
    """Yield the names: as passed, or the last parts of the location, as few as make them unique."""
    parts = [_parts(entry.location) for entry in entries]
    depth = [1] * len(entries)
    for _ in range(max(map(len, parts), default=0)):
        names = [
            entry.name or "/".join(own[-count:]) for entry, own, count in zip(entries, parts, depth)
        ]
        taken = Counter(names)
        depth = [
            count + (taken[name] > 1 and entry.name is None)
            for name, entry, count in zip(names, entries, depth)
        ]
    return (
        entry.name or "/".join(own[-count:]) for entry, own, count in zip(entries, parts, depth)
    )


def _parts(location: str) -> list[str]:
    """Return the parts of a location from which names are formed, without a login."""
    path = location.replace(os.sep, "/")
    if is_url(location):
        url = _url(location)
        if url is None:  # any part of it may be a password
            path = path.rpartition("/")[2].rpartition("@")[2]
        elif "@" in url.path and url.scheme in ("http", "https"):  # so may the part before it
            path = url.path.rpartition("@")[2]
        else:
            path = f"{_server(url) or ''}/{url.path}"
    found = [part for part in path.split("/") if part]
    while len(found) > 1 and found[-1] == ".git":
        found.pop()
    return [*found[:-1], found[-1].removesuffix(".git") or found[-1]] if found else ["/"]


def _url(location: str) -> Url | None:
    """Return the URL of a location; None if it is a path or an invalid URL."""
    if not is_url(location):
        return None
    try:
        return Url.parse(location)
    except RepositoryNotFoundError:
        return None


def _server(url: Url) -> str | None:
    """Return the host and the port of a URL; None for a ``file`` URL."""
    if url.port in (None, _PORTS.get(url.scheme)):
        return url.host.lower() or None
    return f"{url.host.lower()}:{url.port}"


def _invalid_source(given: object, hint: str) -> InvalidArgumentError:
    shown = {str(key): "***" if key == "credentials" else one for key, one in given.items()} if (
        isinstance(given, Mapping)
    ) else given  # fmt: skip
    return InvalidArgumentError(
        f"{redact(repr(shown))} is not a valid catalog source: {hint}",
        argument="sources",
        value=None,
    )


def _invalid(file: str, reason: str) -> ConfigurationError:
    return ConfigurationError(f"the catalog {file} cannot be read: {reason}", file=file)
