"""Replace refs and grafts (see ``git help replace`` and ``git help glossary``).

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
"""The replacements of replacements that Git follows; it fails at an object with more of them."""


class Replacements:
    """The replacements of one repository, read at each call of ``read``."""

    def __init__(
        self, repo: MemoryRepo | Repo, config: GitConfig, env: Mapping[str, str] | None = None
    ) -> None:
        """Read those of ``repo``.

        Args:
            repo: the repository.
            config: its configuration, with ``core.useReplaceRefs``.
            env: the environment; ``os.environ`` if left out. It is only read.
        """
        self._repo = repo
        self._config = config
        self._env = os.environ if env is None else env

    def objects(self) -> Mapping[str, str]:
        """Return the ids of replacement objects by the ids that they replace.

        An id is empty if Git could not read the object, because the replacements form a cycle.
        """
        if not isinstance(self._repo.refs, DiskRefsContainer):
            return {}
        base = self._env.get("GIT_REPLACE_REF_BASE", "refs/replace/").rstrip("/") + "/"
        try:
            found = self._listed(base)
        except OSError:  # the refs cannot be read, which listing them reports
            return {}
        default = "GIT_NO_REPLACE_OBJECTS" not in self._env  # the configuration goes before it
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
        """Return the ids of the refs below a name, by the ids with which the last parts begin."""
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
