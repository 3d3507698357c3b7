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
"""The maximal size of a catalog file in bytes."""
MAX_SOURCES = 200_000
"""The maximal number of values in a catalog file."""
_PORTS = {"https": 443, "http": 80, "ssh": 22, "git": 9418}
"""The ports that need not be named."""


@attrs.frozen
class Source:
    """One repository of a catalog. It can be pickled if that discloses no secret."""

    name: str
    location: str
    """An absolute path or a URL; for a registry its location, for messages."""
    credentials: Credentials | None = attrs.field(default=None, repr=False)
    registry: RegistryView | None = attrs.field(default=None, repr=False)
    commit_url: CommitUrl | None = attrs.field(default=None, repr=False)
    """How to find the web page of a commit. It is not pickled: links are made in one process."""

    @property
    def shown(self) -> str:
        """The location without a password."""
        return redact(self.location)

    @property
    def host(self) -> str | None:
        """The server, for the limit of connections to one.

        None for a local repository, and for an invalid URL, for which no server is contacted.
        """
        if self.registry is not None:
            return None
        url = _url(self.location)
        return None if url is None else _server(url)

    @property
    def why_not_sent(self) -> str:
        """Why it cannot be sent to another process; empty if it can."""
        if self.registry is not None:
            return "it is an open registry; name its path or URL"
        if self.shown != self.location:
            return "its URL has a login; name a provider of credentials, such as 'env:VARIABLE'"
        if self.credentials is not None and name_of(self.credentials) is None:
            return "its credentials are a function; name a provider, such as 'env:VARIABLE'"
        return ""

    def check_sent(self) -> None:
        """Check that it can be sent to another process.

        Raises:
            InvalidArgumentError: that would disclose a secret, or is impossible.
        """
        reason = self.why_not_sent
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
            InvalidArgumentError: see ``check_sent``.
        """
        self.check_sent()
        provider = None if self.credentials is None else name_of(self.credentials)
        return self.name, self.location, provider

    def __setstate__(self, state: tuple[str, str, str | None]) -> None:
        """Restore it, with the named provider."""
        name, location, provider = state
        credentials = None if provider is None else from_name(provider)
        self.__init__(name, location, credentials)  # type: ignore[misc]  # it is frozen


SourceLike = str | os.PathLike[str] | RegistryView | Mapping[str, object] | Source
"""A path, a URL, a registry, or a mapping with ``url`` and perhaps ``name`` and ``credentials``."""


@attrs.frozen
class _Entry:
    """A repository as it was given, before it has a name."""

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
        credentials: for those that have none of their own.
        base: the folder that relative paths start at. Default: the current one.

    Raises:
        InvalidArgumentError: one has another form, or two have one name.
    """
    if isinstance(given, (str, os.PathLike, Mapping)) or not isinstance(given, Iterable):
        raise _no_source(given, f"pass a list of paths, URLs or mappings such as {_EXAMPLE}")
    common = _provider(credentials)
    entries = [_entry(one, common, base) for one in given]
    names = list(_names(entries))
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise _no_source(twice, "two repositories have this name; give each a name of its own")
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
        raise _invalid(file, "it must have the key 'repositories' with a list, and no other but "
                             f"'credentials'; its keys are {sorted(map(str, found))}")  # fmt: skip
    base = os.path.dirname(os.path.abspath(file))
    try:
        return read_sources(listed, found.get("credentials"), base)  # type: ignore[arg-type]
    except InvalidArgumentError as error:
        raise _invalid(file, str(error)) from error


def discover(folder: str | os.PathLike[str]) -> tuple[Source, ...]:
    """Return the repositories below a folder, named by their paths from there, sorted.

    Raises:
        InvalidArgumentError: it is not a folder.
    """
    text = path_text(folder)
    root = os.path.abspath(text)
    if text and not os.path.exists(root):
        raise _no_source(folder, "there is no such folder; pass one that has repositories below it")
    if not text or not os.path.isdir(root):
        raise _no_source(folder, "pass a folder that has repositories below it")
    found = sorted(_repositories(root))
    names = {one: _below(root, one) for one in found}
    full = set(names.values())
    return read_sources(
        [{"name": _shortened(name, full), "path": one} for one, name in names.items()]
    )


def path_text(path: str | os.PathLike[str]) -> str:
    """Return the path of a file or folder as text.

    Raises:
        InvalidArgumentError: it is no path.
    """
    try:
        return os.fsdecode(path)
    except TypeError:
        raise InvalidArgumentError(
            f"path must be the path of a file or folder, not {path!r}", argument="path", value=path
        ) from None


def _below(root: str, path: str) -> str:
    below = os.path.basename(root) if path == root else os.path.relpath(path, root)
    return below.replace(os.sep, "/")


def _shortened(name: str, others: Collection[str]) -> str:
    """Return a name without ``.git``, unless a repository beside it has that name."""
    short = name.removesuffix(".git")
    ends = "" if short.endswith("/") else short
    return name if not ends or short in others else short


def _repositories(root: str) -> Iterator[str]:
    """Yield the repositories below a folder; in one, no others are searched.

    A folder that cannot be searched is yielded too: to open it is an error, which says so.
    """
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as found:
                entries = {entry.name: entry for entry in found}
        except FileNotFoundError:  # it was deleted meanwhile
            continue
        except OSError:
            yield folder
            continue
        if ".git" in entries or entries.keys() >= {"objects", "refs", "HEAD"}:
            yield folder
        else:
            folders += [one.path for one in entries.values() if one.is_dir(follow_symlinks=False)]


def _entry(given: object, common: Credentials | None, base: str | None) -> _Entry:
    if isinstance(given, Source):
        rest = given.credentials, given.registry, given.commit_url
        return _Entry(given.name, given.location, *rest)
    if isinstance(given, RegistryView):
        return _Entry(None, given._store.location, None, given)  # noqa: SLF001  # for messages
    if isinstance(given, (str, os.PathLike)) and os.fspath(given):
        return _Entry(None, _located(given, base), common)
    if not isinstance(given, Mapping):
        raise _no_source(given, f"pass a path, a URL or a mapping such as {_EXAMPLE}")
    unknown = sorted(set(map(str, given)) - set(_KEYS))
    locations = {key: given[key] for key in _LOCATIONS if given.get(key) is not None}
    if unknown or len(locations) != 1:
        hint = f"; {unknown[0]!r} is no key of it" if unknown else ""
        raise _no_source(
            given, f"pass a mapping such as {_EXAMPLE}, with one of url and path{hint}"
        )
    ((key, location),) = locations.items()
    if isinstance(location, Mapping) and not isinstance(location, RegistryView):
        raise _no_source(given, f"its {key} must be text")
    if key == "path" and isinstance(location, str) and location:
        if "://" in location:
            raise _no_source(given, "its path is a URL, write 'url'")
        location = Path(location)
    name = given.get("name")
    if name is not None and (not isinstance(name, str) or not name.strip("/")):
        raise _no_source(given, "its name must be text")
    own = _provider(given.get("credentials")) or common
    pages = check_commit_url(given.get("commit_url"))
    found = _entry(location, own, base)
    return attrs.evolve(found, name=name and name.strip("/"), commit_url=pages)


def _located(location: str | os.PathLike[str], base: str | None) -> str:
    """Return a URL as it is, and a path as an absolute one.

    Args:
        location: text, which may be a URL, or the path of a repository.
        base: the folder of the file that names it, where ``~`` is the user's folder too; or None.
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
    """Yield the names: as given, or as few last parts of the location as tell them apart."""
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
    """Return the parts of a location that names are made of; none is of a login."""
    path = location.replace(os.sep, "/")
    if is_url(location):
        url = _url(location)
        if url is None:  # any part of it may be a password
            path = path.rpartition("/")[2].rpartition("@")[2]
        elif "@" in url.path and url.scheme in ("http", "https"):  # what is before it, too
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
    """Return host and port of a URL; None for a file's."""
    if url.port in (None, _PORTS.get(url.scheme)):
        return url.host.lower() or None
    return f"{url.host.lower()}:{url.port}"


def _no_source(given: object, hint: str) -> InvalidArgumentError:
    shown = {str(key): "***" if key == "credentials" else one for key, one in given.items()} if (
        isinstance(given, Mapping)
    ) else given  # fmt: skip
    return InvalidArgumentError(
        f"{redact(repr(shown))} is no source of a catalog: {hint}", argument="sources", value=None
    )


def _invalid(file: str, reason: str) -> ConfigurationError:
    return ConfigurationError(f"the catalog {file} cannot be read: {reason}", file=file)
