"""Git's configuration for one repository, from all sources that Git reads.

dulwich parses the files. Where it differs from Git, this module corrects it: dulwich ignores
``GIT_CONFIG_PARAMETERS`` (``git -c``), evaluates ``includeIf`` in a repository's files only, falls
back from ``[a "b"]`` to ``[a]``, parses fewer booleans than Git does, and does not find the
configuration of a linked work tree.
"""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import attrs
from dulwich.config import ConfigFile, StackedConfig, env_config, get_xdg_config_home_path
from dulwich.repo import MemoryRepo, Repo

from modelversions.errors import ConfigurationError
from modelversions.git.config_conditions import Conditions, conditions
from modelversions.git.url_match import Match, match_url

_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off", ""})
_INTEGER = re.compile(r"\s*([+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+))([kKmMgG]?)")
_FACTORS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
MAX_FILES = 1000
"""The maximum number of files in one read; a file is counted each time that it is included."""
MAX_SIZE = 1 << 20
"""The maximum number of bytes of one file."""
_INCLUDES = (b"include", b"includeif")
_QUOTED = re.compile(r"\s*((?:'[^']*'|\\['!])+)(?:=((?:'[^']*'|\\['!])*))?(?=\s|$)")
_QUOTE_PART = re.compile(r"'([^']*)'|\\(['!])")


class _LimitError(Exception):
    """A source exceeds ``MAX_SIZE`` or ``MAX_FILES``."""


class _Opener:
    """Opens files while all sources are read once, within limits.

    dulwich follows includes ten levels deep, without a limit for their number: a few files that
    include each other can make millions. A device file may be endless.
    """

    def __init__(self) -> None:
        self._opened = 0

    def __call__(self, path: str | os.PathLike[str]) -> io.BytesIO:
        """Return a file's content.

        Raises:
            OSError: there is no such file; an include of it is ignored, as by Git.
            _LimitError: it is too large, or too many were opened.
        """
        self._opened += 1
        if self._opened > MAX_FILES:
            raise _LimitError(f"more than {MAX_FILES} files are included")
        with open(path, "rb") as file:
            content = file.read(MAX_SIZE + 1)
        if len(content) > MAX_SIZE:
            raise _LimitError(f"{os.fspath(path)!r} has more than {MAX_SIZE} bytes")
        return io.BytesIO(content)


@attrs.frozen
class _Reader:
    """Reads files together with the files that they include."""

    conditions: Conditions
    opener: _Opener

    def file(self, path: str) -> ConfigFile:
        """Read a file."""
        return ConfigFile.from_path(
            path, condition_matchers=self.conditions, file_opener=self.opener
        )

    def included(self, passed: ConfigFile) -> ConfigFile:
        """Return the settings of the command line together with the files that they include.

        Raises:
            ValueError: a path is relative; as in Git, this is not allowed outside of files.
        """
        including = [path for path in passed.sections() if path[0].lower() in _INCLUDES]
        if not including:
            return passed
        for path in including:
            for value in _values(passed, path, "path"):
                if not os.path.isabs(os.path.expanduser(os.fsdecode(value))):
                    raise ValueError("relative config includes must come from files")
        text = io.BytesIO()
        passed.write_to_file(text)
        text.seek(0)
        return ConfigFile.from_file(
            text, condition_matchers=self.conditions, file_opener=self.opener
        )


class _Stack(StackedConfig):
    """All sources as one configuration.

    A section ``[url]`` without a URL is omitted: Git ignores it, dulwich raises an
    ``IndexError`` for each URL. Section names are in lower case, as dulwich expects.
    """

    def sections(self) -> Iterator[tuple[bytes, ...]]:
        """Yield the names of the sections."""
        for name, *rest in super().sections():
            if rest or name.lower() != b"url":
                yield (name.lower(), *rest)


class GitConfig:
    """The configuration of a repository or a user.

    The sources are read on each call, as they may have changed; see ``held``.
    """

    def __init__(
        self, repo: MemoryRepo | Repo | None, env: Mapping[str, str] | None = None
    ) -> None:
        """Use the configuration of ``repo``; without one, the user's. Nothing is read yet.

        Args:
            repo: the repository.
            env: the environment, which is only read. Default: ``os.environ``.
        """
        self._repo = repo
        self.env = os.environ if env is None else env
        self._local = threading.local()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Read the sources at most once in a ``with`` block, for this thread."""
        outer = self._held
        self._local.held = {} if outer is None else outer
        try:
            yield
        finally:
            self._local.held = outer

    @property
    def _held(self) -> dict[bool, list[ConfigFile]] | None:
        """The sources that were read in a ``with`` block of this thread; None outside one."""
        held: dict[bool, list[ConfigFile]] | None = getattr(self._local, "held", None)
        return held

    def get(self, key: str) -> str | None:
        """Return the value of a key such as ``"gpg.ssh.program"``; None if it is not set.

        Bytes that are not UTF-8 are surrogate-escaped, so that the value can be encoded again.

        Raises:
            ConfigurationError: a source cannot be read.
        """
        values = self.get_all(key)
        return values[-1] if values else None

    def get_all(self, key: str, *, protected: bool = False) -> list[str]:
        """Return all values of a key, in Git's order: for most keys, the last one applies.

        Args:
            key: the key; a key without a value has the value ``"true"``.
            protected: ignore the repository's own files.

        Raises:
            ConfigurationError: a source cannot be read.
        """
        section, *middle, name = _split(key)
        path = (
            section.lower().encode(),
            *(part.encode(errors="surrogateescape") for part in middle),
        )
        return [
            value.decode(errors="surrogateescape")
            for file in self._files(protected=protected)
            for value in _values(file, path, name)
        ]

    def get_bool(self, key: str, *, default: bool = False) -> bool:
        """Return a boolean as Git parses it.

        Raises:
            ConfigurationError: the value is not a boolean, or a source cannot be read.
        """
        value = self.get(key)
        return default if value is None else parse_bool(key, value)

    def get_path(self, key: str) -> str | None:
        """Return a path, with ``~`` and ``~user`` expanded."""
        value = self.get(key)
        return None if value is None else os.path.expanduser(value)

    def subsections(self, section: str) -> list[str]:
        """Return the names of a section's subsections, such as the remotes of ``"remote"``."""
        found = {
            path[1].decode(errors="surrogateescape"): None
            for file in self._files()
            for path in file.sections()
            if len(path) > 1 and path[0].lower() == section.lower().encode()
        }
        return list(found)

    def for_url(self, section: str, url: str) -> UrlSettings:
        """Return the settings of ``section`` that apply to a URL, as ``git config --get-urlmatch``.

        Args:
            section: such as ``"http"``, for ``http.*`` and ``http.<url>.*``.
            url: the URL that is used.

        Raises:
            ConfigurationError: a source cannot be read.
        """
        found: dict[str, tuple[Match, list[str]]] = {}
        for file in self._files():
            for path in file.sections():
                if path[0].lower() != section.encode():
                    continue
                pattern = path[1].decode(errors="surrogateescape") if len(path) > 1 else None
                match = match_url(pattern, url)
                if match is not None:
                    _collect(found, match, file.items(path))
        return UrlSettings(section, {name: values for name, (_, values) in found.items()})

    def stack(self) -> StackedConfig:
        """Return all sources as one configuration for dulwich.

        Raises:
            ConfigurationError: a source cannot be read.
        """
        return _Stack(self._files()[::-1])

    def _files(self, *, protected: bool = False) -> list[ConfigFile]:
        """Return the sources, in ascending order of priority."""
        held = self._held
        if held is None:
            return self._read(protected=protected)
        if protected not in held:
            held[protected] = self._read(protected=protected)
        return held[protected]

    def _read(self, *, protected: bool) -> list[ConfigFile]:
        opener = _Opener()
        try:
            return self._sources(self._reader(opener), protected=protected)
        except (ValueError, KeyError, OSError, _LimitError) as error:
            raise ConfigurationError(
                f"Git's configuration cannot be read: {error}; 'git config --list --show-origin' "
                "shows where",
                file="git config",
            ) from error

    def _reader(self, opener: _Opener) -> _Reader:
        """Return a reader with the conditions of ``includeIf``; none without a repository."""
        repo = self._repo
        if not isinstance(repo, Repo):
            return _Reader({}, opener)
        plain = _Reader(conditions(repo, list), opener)  # conditions on URLs are false
        found = conditions(repo, lambda: _remote_urls(self._sources(plain, protected=False)))
        return _Reader(found, opener)

    def _sources(self, reader: _Reader, *, protected: bool) -> list[ConfigFile]:
        user = list(self._user_files(reader))
        own = [] if protected else self._repository_files(reader)
        passed = [reader.included(file) for file in _command_line(self.env)]
        return [*user, *own, *passed]

    def _user_files(self, reader: _Reader) -> Iterator[ConfigFile]:
        """Read the system's and the user's files; the environment may set other paths."""
        env = self.env
        paths = []
        if not parse_bool("GIT_CONFIG_NOSYSTEM", env.get("GIT_CONFIG_NOSYSTEM", "")):
            paths.append(env.get("GIT_CONFIG_SYSTEM", "/etc/gitconfig"))
        if "GIT_CONFIG_GLOBAL" in env:
            paths.append(env["GIT_CONFIG_GLOBAL"])
        else:
            paths += [get_xdg_config_home_path("git", "config"), os.path.expanduser("~/.gitconfig")]
        for path in filter(None, paths):
            if os.path.exists(path):
                yield reader.file(path)

    def _repository_files(self, reader: _Reader) -> list[ConfigFile]:
        if self._repo is None:
            return []
        if not isinstance(self._repo, Repo):
            return [self._repo.get_config()]
        path = os.path.join(self._repo.commondir(), "config")
        if not os.path.exists(path):
            return []
        local = reader.file(path)
        # dulwich reads it from the common directory, also for a linked work tree
        path = os.path.join(self._repo.controldir(), "config.worktree")
        enabled = get_bool(local, "extensions.worktreeConfig")
        if not enabled or not os.path.exists(path):
            return [local]
        return [local, reader.file(path)]


@attrs.frozen
class UrlSettings:
    """The settings of one section that apply to one URL."""

    section: str
    values: Mapping[str, Sequence[str]]
    """The values by the variable's name in lower case; the value that matches best is last."""

    def get(self, name: str) -> str | None:
        """Return the value of a variable; None if it is not set."""
        values = self.values.get(name.lower())
        return values[-1] if values else None

    def get_all(self, name: str) -> list[str]:
        """Return the values of a variable that is a list; an empty value clears those before it."""
        values = list(self.values.get(name.lower(), ()))
        while "" in values:
            del values[: values.index("") + 1]
        return values

    def get_bool(self, name: str, *, default: bool) -> bool:
        """Return a boolean as Git parses it.

        Raises:
            ConfigurationError: the value is not a boolean.
        """
        value = self.get(name)
        return default if value is None else parse_bool(f"{self.section}.{name}", value)

    def get_path(self, name: str) -> str | None:
        """Return a path, with ``~`` and ``~user`` expanded."""
        value = self.get(name)
        return None if value is None else os.path.expanduser(value)


def parse_bool(key: str, text: str) -> bool:
    """Return a boolean as Git parses it: a word such as "yes", or a number, where 0 is false.

    Raises:
        ConfigurationError: the text is neither.
    """
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    match = _INTEGER.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"bad boolean value {text!r} for {key!r}; set it to 'true' or 'false'",
            file="git config",
        )
    digits, unit = match.groups()
    return int(digits, 16 if "x" in digits.lower() else 10) * _FACTORS[unit.lower()] != 0


def get_bool(file: ConfigFile, key: str) -> bool:
    """Return a boolean from one file; dulwich accepts fewer words for it than Git.

    Raises:
        ConfigurationError: the value is not a boolean.
    """
    section, name = _split(key)
    values = _values(file, (section.encode(),), name)
    return bool(values) and parse_bool(key, values[-1].decode(errors="replace"))


def _values(file: ConfigFile, path: tuple[bytes, ...], name: str) -> list[bytes]:
    """Return all values of a variable in a section of one file."""
    wanted = name.lower().encode()
    return [value for variable, value in file.items(path) if variable.lower() == wanted]


def _remote_urls(files: Iterable[ConfigFile]) -> list[str]:
    return [
        value.decode(errors="surrogateescape")
        for file in files
        for path in file.sections()
        if len(path) > 1 and path[0].lower() == b"remote"
        for value in _values(file, path, "url")
    ]


def _split(key: str) -> tuple[str, ...]:
    """Split a key into section, subsection if there is one, and name."""
    section, _, rest = key.partition(".")
    middle, dot, name = rest.rpartition(".")
    return (section, middle, name) if dot else (section, name)


def _collect(
    found: dict[str, tuple[Match, list[str]]], match: Match, items: Iterable[tuple[bytes, bytes]]
) -> None:
    """Add variables, unless a section that matches better has set them."""
    for variable, value in items:
        name = variable.lower().decode(errors="replace")
        best, values = found.get(name, (match, []))
        if match >= best:
            found[name] = match, [*values, value.decode(errors="surrogateescape")]


def _command_line(env: Mapping[str, str]) -> Iterator[ConfigFile]:
    """Yield the settings of ``GIT_CONFIG_COUNT``, then those of ``git -c``."""
    counted = env_config(env)
    if counted is not None:
        yield counted
    text = env.get("GIT_CONFIG_PARAMETERS", "")
    passed, end = ConfigFile(), 0
    while text[end:].strip():
        match = _QUOTED.match(text, end)
        if match is None:
            # without the text, which may contain a secret
            raise ValueError("bogus format in GIT_CONFIG_PARAMETERS")
        end = match.end()
        key, value = _unquote(match[1]), match[2]
        if value is None and not text[match.start() : end].endswith("="):
            key, equals, plain = key.partition("=")  # the form of Git before 2.31
            value = plain if equals else "true"
        else:
            value = _unquote(value or "")
        if "." not in key:
            raise ValueError(f"key does not contain a section: {key!r}")
        section, *middle, name = (part.encode(errors="surrogateescape") for part in _split(key))
        passed.add((section, *middle), name, value.encode(errors="surrogateescape"))
    yield passed


def _unquote(text: str) -> str:
    return "".join(plain or escaped for plain, escaped in _QUOTE_PART.findall(text))
