"""What is odd about a registry, as data: reading reports it and never raises for it."""

from __future__ import annotations

import enum

import attrs


class ProblemKind(str, enum.Enum):
    """The kinds of problems; section 5 of the format lists them."""

    LIGHTWEIGHT = "lightweight tag"
    """An event's name on a lightweight tag: no event (F7)."""
    NEAR_NAME = "name nearly fits"
    """A name that is nearly an event's, such as ``m@v1.0``: no event."""
    RESERVED = "reserved name"
    """``m@created``: no event (F6)."""
    NAME_MISMATCH = "names differ"
    """The tag object bears another name than its ref; the ref's name counts (F8)."""
    NO_TAGGER = "no tagger"
    """Nobody is named; the commit's time stands in (F10)."""
    UNREADABLE_TIME = "unreadable time"
    """The tagger's time is no time (the commit's stands in) or its offset none (UTC does, F10)."""
    UNDECODABLE = "undecodable text"
    """Text that is not UTF-8: replacement characters stand for it (F11)."""
    NOT_A_COMMIT = "target is no commit"
    """The tag leads to a blob or a tree: no event (F9)."""
    MISSING = "object is missing"
    """The tag's object or target is not in the repository."""
    MALFORMED = "malformed tag"
    """The object, or the ref that should name it, cannot be read: no event."""
    TWO_COMMITS = "version at two commits"
    """A version was registered at another commit while it was active (F15)."""
    TWO_VERSIONS = "two versions at one commit"
    """Two versions were ever registered at one commit (F12a)."""
    CLOCKS = "counters and times differ"
    """Two events of a version or stage are in another order by counter than by time (F13)."""
    FUTURE = "time in the future"
    """The event's time is more than a minute ahead."""
    STAGED_COMMIT = "stage on a bare commit"
    """A stage was assigned to a commit that has no version (F18)."""
    STAGE_NOT_ALLOWED = "stage is not allowed"
    """The configuration lists other stages (F23)."""
    CONFIGURATION = "configuration cannot be read"
    """The ``.gto`` file is not as it should be, or nothing is installed that can read it."""

    def __str__(self) -> str:
        """Return the words."""
        return self.value


@attrs.frozen(repr=False)
class Problem:
    """One thing that is odd: which tag, of which model, and what about it."""

    kind: ProblemKind
    tag: str
    """The tag's name, without ``refs/tags/``; ``.gto`` for the configuration."""
    model: str | None
    """The model that it concerns; None if the name does not tell."""
    message: str
    """One sentence for a person."""

    def __str__(self) -> str:
        """Return the tag and the sentence."""
        return f"{self.tag}: {self.message}"

    def __repr__(self) -> str:
        """Return the same, as one line."""
        return f"<Problem {self}>"
