"""The conditions of ``includeIf`` in Git's configuration.

dulwich implements them too, but its ``gitdir:`` supports no wildcards within a path component and
matches the git directory itself, and its ``hasconfig:`` reads one file only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping

from dulwich.refs import HEADREF
from dulwich.repo import Repo
from dulwich.wildmatch import MalformedPattern, translate

Conditions = Mapping[str, Callable[[str], bool]]
"""Functions that evaluate a condition, by the prefix of the condition, such as ``"gitdir:"``."""

_BRANCHES = b"refs/heads/"


def conditions(repo: Repo, remote_urls: Callable[[], Iterable[str]]) -> Conditions:
    """Return the conditions for a repository.

    Args:
        repo: the repository.
        remote_urls: returns the URLs of all remotes that are configured without a condition.
    """
    directory = os.fspath(repo.controldir())
    return {
        "gitdir:": lambda pattern: _is_below(pattern, directory, 0),
        "gitdir/i:": lambda pattern: _is_below(pattern, directory, re.IGNORECASE),
        "onbranch:": lambda pattern: _is_on(pattern, repo),
        "hasconfig:remote.*.url:": lambda pattern: any(
            _matches(pattern, url, 0) for url in remote_urls()
        ),
    }


def _is_below(pattern: str, directory: str, flags: int) -> bool:
    """Return whether a pattern matches the git directory, with or without symbolic links."""
    start = ""
    if pattern.startswith("~/"):  # the expanded path has no wildcards
        start, pattern = f"{os.path.realpath(os.path.expanduser('~'))}/", pattern[2:]
    elif pattern.startswith("./"):  # relative to the including file, which dulwich does not pass
        return False
    elif not os.path.isabs(pattern):
        pattern = f"**/{pattern}"
    for path in (os.path.realpath(directory), os.path.abspath(directory)):
        slashes = path.replace(os.sep, "/")
        if slashes.startswith(start) and _matches(
            _complete(pattern), slashes.removeprefix(start), flags
        ):
            return True
    return False


def _complete(pattern: str) -> str:
    return f"{pattern}**" if pattern.endswith("/") else pattern


def _matches(pattern: str, text: str, flags: int) -> bool:
    try:
        found = re.compile(translate(os.fsencode(pattern)), flags)
    except MalformedPattern:
        return False
    return found.fullmatch(os.fsencode(text)) is not None


def _is_on(pattern: str, repo: Repo) -> bool:
    """Return whether a pattern matches the current branch, which may have no commit."""
    names, _ = repo.refs.follow(HEADREF)
    branch = names[-1]
    if not branch.startswith(_BRANCHES):  # HEAD is detached
        return False
    return _matches(_complete(pattern), os.fsdecode(branch.removeprefix(_BRANCHES)), 0)
