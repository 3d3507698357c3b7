"""Find and open a repository as Git does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from dulwich.config import ConfigFile
from dulwich.errors import NotGitRepository
from dulwich.repo import MemoryRepo, Repo

from modelversions.errors import (
    ConfigurationError,
    InvalidArgumentError,
    RepositoryError,
    RepositoryNotFoundError,
)
from modelversions.git.config import GitConfig, get_bool, parse_bool

_IGNORED = (b"noop", b"preciousobjects")
"""Extensions, in lower case, that only ``git gc`` obeys; dulwich refuses repositories with them."""
_UNSUPPORTED = ("GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")


class Repository(Repo):
    """A repository as dulwich opens it, except for two files that dulwich cannot always read.

    ``info/grafts`` is not read, as it may have comments; see ``Replacements``.
    """

    def get_config(self) -> ConfigFile:
        """Return the configuration without the extensions that can be ignored."""
        config = super().get_config()
        section = (b"extensions",)
        for name in [name for name, _ in config.items(section) if name.lower() in _IGNORED]:
            config.remove(section, name)
        return config

    def get_named_file(self, path: str | bytes, basedir: str | None = None) -> BinaryIO | None:
        """Open a file of the repository; None if it does not exist."""
        if os.fsdecode(path) == os.path.join("info", "grafts"):
            return None
        return super().get_named_file(path, basedir)


def open_repository(location: str, *, search: bool) -> Repo:
    """Open the repository of a directory, as Git finds it.

    Args:
        location: the directory.
        search: whether to search its parent directories.

    Raises:
        RepositoryNotFoundError: there is no repository.
        RepositoryError: the repository cannot be read.
    """
    if not os.path.exists(location):
        hint = (
            f"'~' is not expanded, pass os.path.expanduser({location!r})"
            if location.startswith("~")
            else "pass the path of a Git repository or of a directory in one, or a URL such as "
            "'https://host/path'"
        )
        raise RepositoryNotFoundError(f"there is no {location!r}; {hint}", location=location)
    try:
        repo = find_repository(location) if search else Repository(location)
    except NotGitRepository as error:
        raise RepositoryNotFoundError(
            f"{_full(location)} is not in a Git repository; pass the path of one, or create "
            "one with 'git init'",
            location=location,
        ) from error
    except ConfigurationError:
        raise
    except Exception as error:  # dulwich raises various errors for broken files
        raise RepositoryError(
            f"the repository at {location!r} cannot be read: {error!r}", location=location
        ) from error
    return repo


def _full(location: str) -> str:
    """Return a path in quotes, with the full path if it is relative."""
    full = os.path.abspath(location)
    return repr(location) if location == full else f"{location!r} ({full})"


def find_repository(location: str) -> Repo:
    """Find the repository of a directory, as Git does; ``GIT_DIR`` applies to the current one."""
    env = os.environ
    given = env.get("GIT_DIR") if location == os.curdir else None
    if given is None:
        ceilings = env.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep)
        across = env.get("GIT_DISCOVERY_ACROSS_FILESYSTEM", "")
        repo: Repo = Repository.discover(
            location,
            ceiling_dirs=[path for path in ceilings if os.path.isabs(path)],
            across_filesystem=parse_bool("GIT_DISCOVERY_ACROSS_FILESYSTEM", across),
        )
    else:
        unsupported = next((name for name in _UNSUPPORTED if name in env), None)
        if unsupported:
            raise ConfigurationError(
                f"{unsupported} is set together with GIT_DIR, which is not supported; unset it, or "
                "pass the path of a repository to Registry.open",
                file=unsupported,
            )
        repo = Repository(_directory_of(given))
        return _with_work_tree(repo)
    return _allowed(_with_work_tree(repo))


def _directory_of(given: str) -> str:
    """Return the directory that dulwich opens for a value of ``GIT_DIR``."""
    if os.path.isfile(given):  # a file ".git"
        return os.path.dirname(given) or os.curdir
    link = os.path.join(given, "gitdir")
    if os.path.isfile(link) and os.path.isfile(os.path.join(given, "commondir")):
        with open(link, encoding="utf-8", errors="surrogateescape") as file:  # a linked work tree
            return os.path.dirname(os.path.join(given, file.read().strip()))
    return given


def _allowed(repo: Repo) -> Repo:
    """Return a repository that was found, unless it is bare and must be opened explicitly.

    Raises:
        ConfigurationError: ``safe.bareRepository`` is "explicit": a bare repository among the files
            of a clone may come from another person, with hooks.
    """
    if not repo.bare or ".git" in Path(os.path.abspath(repo.path)).parts:
        return repo
    if GitConfig(repo).get_all("safe.bareRepository", protected=True)[-1:] != ["explicit"]:
        return repo
    repo.close()
    raise ConfigurationError(
        f"safe.bareRepository is 'explicit', and {repo.path!r} is a bare repository; if you trust "
        f"it, open it by a URL, such as 'file://{os.path.abspath(repo.path)}'",
        file="safe.bareRepository",
    )


def _with_work_tree(repo: Repo) -> Repo:
    """Return the repository with its work tree, if it was opened by its ``.git`` directory."""
    directory, name = os.path.split(os.path.abspath(repo.path))
    if not repo.bare or name != ".git":
        return repo
    if get_bool(repo.get_config(), "core.bare"):
        return repo
    repo.close()
    return Repository(directory)


def check_repo(repo: object) -> None:
    """Check that a repository was opened by dulwich.

    Raises:
        InvalidArgumentError: it is of another type.
    """
    if not isinstance(repo, (Repo, MemoryRepo)):
        raise InvalidArgumentError(
            f"Registry.from_repo requires a Repo or MemoryRepo of dulwich, not {repo!r}; for a "
            "path or a URL, use Registry.open",
            argument="repo",
            value=repo,
        )
