"""Read replace refs and grafts (see ``git help replace`` and ``git help glossary``).

dulwich ignores replace refs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from dulwich.refs import DiskRefsContainer
from dulwich.repo import MemoryRepo, Repo

from modelversions.git.config import GitConfig
from modelversions.git.local.single_refs import ids_below

_HEX = re.compile(rb"[0-9a-fA-F]+")
_MAX_DEPTH = 4
"""The maximum length of a chain of replacements; Git fails at an object with a longer one."""


class Replacements:
    """The replacements and grafts of one repository, read on each call."""

    def __init__(
        self, repo: MemoryRepo | Repo, config: GitConfig, env: Mapping[str, str] | None = None
    ) -> None:
        """Initialize with a repository.

        Args:
            repo: the repository.
            config: its configuration, with ``core.useReplaceRefs``.
            env: the environment, which is only read. Default: ``os.environ``.
        """
        self._repo = repo
        self._config = config
        self._env = os.environ if env is None else env

    def objects(self) -> Mapping[str, str]:
        """Return the ids of replacement objects by the ids that they replace.

        The replacement is empty if Git could not read the object, because of a cycle.
        """
        if not isinstance(self._repo.refs, DiskRefsContainer):
            return {}
        base = self._env.get("GIT_REPLACE_REF_BASE", "refs/replace/").rstrip("/") + "/"
        try:
            found = self._listed(base)
        except OSError:  # the refs cannot be read; listing them raises an error
            return {}
        default = "GIT_NO_REPLACE_OBJECTS" not in self._env  # the configuration has priority
        if not found or not self._config.get_bool("core.useReplaceRefs", default=default):
            return {}
        return {id: _followed(found, id) for id in found}

    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """Return the parents that ``info/grafts`` lists, by commit."""
        if not isinstance(self._repo, Repo):
            return {}
        path = self._env.get(
            "GIT_GRAFT_FILE", os.path.join(self._repo.commondir(), "info", "grafts")
        )
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                lines = [line.split() for line in file if not line.startswith("#")]
        except OSError:
            return {}
        return {line[0].lower(): tuple(id.lower() for id in line[1:]) for line in lines if line}

    def _listed(self, base: str) -> dict[str, str]:
        """Return the ids of the refs below ``base``, by the ids in their names."""
        width = self._repo.object_format.hex_length
        found: dict[str, str] = {}
        for name, id in ids_below(self._repo.refs, base.encode()).items():
            replaced = _HEX.match(name.rpartition(b"/")[2][:width])
            if replaced is not None and len(replaced[0]) == width == len(id):
                found[replaced[0].decode("ascii").lower()] = id.decode("ascii")
        return found


def _followed(replaced: Mapping[str, str], id: str) -> str:
    for _ in range(_MAX_DEPTH):
        if id not in replaced:
            return id
        id = replaced[id]
    return "" if id in replaced else id
