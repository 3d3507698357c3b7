"""The repositories of a catalog: their names, locations and providers of credentials."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import attrs

from modelversions.credentials import from_name, name_of
from modelversions.errors import ConfigurationError, InvalidArgumentError, redact
from modelversions.git.store import Credentials
from modelversions.registry_view import RegistryView
from modelversions.safe_yaml import load_mapping

SourceLike = str | os.PathLike[str] | RegistryView | Mapping[str, object]
"""A path, a URL, a registry, or a mapping with ``url`` and perhaps ``name`` and ``credentials``."""

_KEYS = ("url", "path", "registry", "name", "credentials")
_EXAMPLE = "{'name': 'nlp', 'url': 'https://host/nlp.git', 'credentials': 'env:NLP_TOKEN'}"
MAX_FILE = 1 << 21
"""The maximal size of a catalog file in bytes."""
MAX_SOURCES = 200_000
"""The maximal number of values in a catalog file."""


@attrs.frozen
class Source:
    """One repository of a catalog. It can be pickled if that discloses no secret."""

    name: str
    location: str
    """An absolute path or a URL; for a registry its location, for messages."""
    credentials: Credentials | None = attrs.field(default=None, repr=False)
    registry: RegistryView | None = attrs.field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """The location without a password."""
        return redact(self.location)

    @property
    def host(self) -> str | None:
        """The server, for the limit of connections to one; None for a local repository."""
        location = self.location
        if self.registry is not None or os.path.isabs(location):
            return None
        if "://" in location:
            return urlsplit(location).netloc.rpartition("@")[2] or None
        return location.partition(":")[0].rpartition("@")[2]

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


@attrs.frozen
class _Entry:
    """A repository as it was given, before it has a name."""

    name: str | None
    location: str
    credentials: Credentials | None
    registry: RegistryView | None = None


def read_sources(
    given: Iterable[SourceLike], credentials: Credentials | str | None = None, base: str = "."
) -> tuple[Source, ...]:
    """Return the sources of a catalog, in the given order.

    Args:
        given: paths, URLs, registries or mappings.
        credentials: for those that have none of their own.
        base: the directory that relative paths start at.

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
        Source(name, entry.location, entry.credentials, entry.registry)
        for name, entry in zip(names, entries)
    )


def read_file(path: str | os.PathLike[str]) -> tuple[Source, ...]:
    """Return the sources that a YAML file lists.

    Raises:
        ConfigurationError: the file cannot be read, or its content is invalid.
        MissingExtraError: the ``yaml`` extra is not installed.
    """
    file = os.fspath(path)
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
    root = os.path.abspath(folder)
    if not os.path.isdir(root):
        raise _no_source(folder, "pass a folder that has repositories below it")
    found = sorted(_repositories(root))
    return read_sources([{"name": _name_below(root, one), "path": one} for one in found])


def _name_below(root: str, path: str) -> str:
    below = os.path.basename(root) if path == root else os.path.relpath(path, root)
    return below.replace(os.sep, "/").removesuffix(".git") or below


def _repositories(root: str) -> Iterator[str]:
    """Yield the repositories below a folder; in one, no others are searched."""
    for folder, below, files in os.walk(root):
        is_bare = {"objects", "refs"} <= set(below) and "HEAD" in files
        if is_bare or ".git" in below or ".git" in files:
            below.clear()
            yield folder


def _entry(given: object, common: Credentials | None, base: str) -> _Entry:
    if isinstance(given, RegistryView):
        return _Entry(None, given._store.location, None, given)  # noqa: SLF001  # for messages
    if isinstance(given, (str, os.PathLike)) and os.fspath(given):
        return _Entry(None, _located(os.fspath(given), base), common)
    if not isinstance(given, Mapping):
        raise _no_source(given, f"pass a path, a URL or a mapping such as {_EXAMPLE}")
    unknown = sorted(set(map(str, given)) - set(_KEYS))
    places = [given[key] for key in ("url", "path", "registry") if given.get(key) is not None]
    if unknown or len(places) != 1 or isinstance(places[0], dict):
        raise _no_source(given, f"pass a mapping such as {_EXAMPLE}, with one of url and path")
    name = given.get("name")
    if name is not None and (not isinstance(name, str) or not name.strip("/")):
        raise _no_source(given, "its name must be text")
    own = _provider(given.get("credentials")) or common
    return attrs.evolve(_entry(places[0], own, base), name=name and name.strip("/"))


def _located(location: str, base: str) -> str:
    """Return a URL as it is, and a path as an absolute one."""
    from modelversions.git.urls import is_url

    return location if is_url(location) else os.path.abspath(os.path.join(base, location))


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
    path = location.replace(os.sep, "/").partition("://")[2] or location
    found = [part for part in path.replace(":", "/").split("/") if part]
    while len(found) > 1 and found[-1] == ".git":
        found.pop()
    return [*found[:-1], found[-1].removesuffix(".git") or found[-1]] if found else [location]


def _no_source(given: object, hint: str) -> InvalidArgumentError:
    shown = {str(key): "***" if key == "credentials" else one for key, one in given.items()} if (
        isinstance(given, Mapping)
    ) else given  # fmt: skip
    return InvalidArgumentError(
        f"{redact(repr(shown))} is no source of a catalog: {hint}", argument="sources", value=None
    )


def _invalid(file: str, reason: str) -> ConfigurationError:
    return ConfigurationError(f"the catalog {file} cannot be read: {reason}", file=file)
