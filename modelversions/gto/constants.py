"""The constants of ``gto.constants`` that arguments and results have."""

from __future__ import annotations

from enum import Enum

ACTION, NAME, VERSION, STAGE, COUNTER = "action", "name", "version", "stage", "counter"

ASSIGNMENTS_PER_VERSION = -1
VERSIONS_PER_STAGE = 1


class Action(Enum):
    """What a tag does."""

    CREATE = "create"
    DEPRECATE = "deprecate"
    DEREGISTER = "deregister"
    REGISTER = "register"
    ASSIGN = "assign"
    UNASSIGN = "unassign"


class VersionSort(Enum):
    """An order of versions."""

    SemVer = "semver"
    Timestamp = "timestamp"
