"""Problems: irregular tags, reported as data. Reading never raises for them."""

from __future__ import annotations

import enum

import attrs

from modelversions.json_types import record
from modelversions.values.sequences import ValueTuple


class ProblemKind(str, enum.Enum):
    """The kinds of problems, as listed under "Problems" in ``FORMAT.md``."""

    LIGHTWEIGHT = "lightweight-tag"
    """A lightweight tag with an event's name: not an event (F7)."""
    MALFORMED_NAME = "malformed-name"
    """A name that resembles an event's, such as ``m@v1.0``: not an event."""
    RESERVED = "reserved-name"
    """``m@created``: not an event (F6)."""
    NAME_MISMATCH = "name-mismatch"
    """The name in the tag object differs from the name of its ref, which is used (F8)."""
    NO_TAGGER = "no-tagger"
    """The tag has no tagger; the commit's time is used (F10)."""
    UNREADABLE_TIME = "unreadable-time"
    """The tagger's time is invalid, and the commit's is used; or its UTC offset is, and UTC is
    used (F10)."""
    UNDECODABLE = "undecodable-text"
    """Text is not UTF-8; it is read with replacement characters (F11)."""
    LONG_MESSAGE = "long-message"
    """The message is longer than the part of it that is read (F11)."""
    NOT_A_COMMIT = "not-a-commit"
    """The tag peels to a blob or a tree: not an event (F9)."""
    MISSING = "missing-object"
    """The tag object or its target is not in the repository."""
    MALFORMED = "malformed-tag"
    """The tag object or the ref cannot be read: not an event."""
    VERSION_MOVED = "version-moved"
    """A version was registered at another commit while it was active (F15)."""
    SHARED_COMMIT = "shared-commit"
    """A version was registered at a commit where another one had been registered (F12a)."""
    ORDER_CONFLICT = "order-conflict"
    """Two events of a version or stage have different orders by counter and by time (F13)."""
    FUTURE = "future-time"
    """The event's time is more than a minute in the future."""
    UNVERSIONED_STAGE = "unversioned-stage"
    """A stage was assigned to a commit that has no version (F18)."""
    STAGE_NOT_ALLOWED = "stage-not-allowed"
    """A stage was assigned that the configuration does not allow (F23)."""
    CONFIGURATION = "invalid-configuration"
    """The ``.gto`` file is invalid, or the package that reads it is not installed."""
    ANNOTATION = "invalid-annotation"
    """A ``dvc.yaml`` or ``artifacts.yaml`` file, or an annotation in it, is invalid (F24)."""

    def __str__(self) -> str:
        """Return the value."""
        return self.value


@attrs.frozen(repr=False)
class Problem:
    """One problem: its kind, the tag and the model, and a message."""

    kind: ProblemKind
    tag: str
    """The tag's name, without ``refs/tags/``; or the path of a file, such as ``.gto``."""
    model: str | None
    """The model; None if it cannot be determined from the tag's name."""
    message: str
    """One sentence."""

    def to_dict(self) -> dict[str, object]:
        """Return the problem as JSON types."""
        return record(kind=self.kind, tag=self.tag, model=self.model, message=self.message)

    def __str__(self) -> str:
        """Return the tag and the message; characters that control a terminal are escaped."""
        text = f"{self.tag}: {self.message}"
        return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)

    def __repr__(self) -> str:
        """Return the tag and the message."""
        return f"<Problem {self}>"


class Problems(ValueTuple[Problem]):
    """Problems: a tuple that is displayed as a table."""

    def to_records(self) -> list[dict[str, object]]:
        """Return a row of flat values for each problem, as ``to_records("problems")``."""
        from modelversions.display.records import problem_record

        return [problem_record(problem) for problem in self]

    def __str__(self) -> str:
        """Return a table of the problems."""
        from modelversions.display.tables import problem_table

        return problem_table(self).text()

    def _repr_html_(self) -> str:
        """Return the table as HTML, for a notebook."""
        from modelversions.display.sequences import problems_html

        return problems_html(self, self._pages)
