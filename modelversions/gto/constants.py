"""The constants of ``gto.constants`` that occur in arguments and results."""

from __future__ import annotations

from enum import Enum

ACTION, NAME, VERSION, STAGE, COUNTER = "action", "name", "version", "stage", "counter"

ASSIGNMENTS_PER_VERSION = -1
VERSIONS_PER_STAGE = 1


class Action(Enum):
    """The action that a tag records."""

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
