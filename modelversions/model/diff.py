"""The differences between two states of a registry."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping

import attrs

from modelversions.json_types import record
from modelversions.model.model import Model, Version
from modelversions.values.sequences import ValueTuple


class ChangeKind(str, enum.Enum):
    """The kinds of changes, in the order in which they are listed for a model."""

    REGISTERED = "registered"
    """A version became active, or is registered at another commit."""
    DEREGISTERED = "deregistered"
    """A version is no longer active."""
    LATEST = "latest"
    """The latest version differs."""
    STAGE = "stage"
    """The holder of a stage differs."""
    DEPRECATED = "deprecated"
    """The model became deprecated."""
    REVIVED = "revived"
    """The model is no longer deprecated."""

    def __str__(self) -> str:
        """Return the value."""
        return self.value


@attrs.frozen(repr=False)
class Change:
    """One difference between two states of a registry."""

    kind: ChangeKind
    model: str
    stage: str | None = None
    """The stage, if its holder differs."""
    before: Version | None = None
    """The version that was registered, the latest or the holder of the stage before; None if there
    was none."""
    after: Version | None = None
    """The version that is so now; None if there is none."""

    def to_dict(self) -> dict[str, object]:
        """Return the change as JSON types, versions by name."""
        return record(
            kind=self.kind,
            model=self.model,
            stage=self.stage,
            before=self.before and self.before.name,
            after=self.after and self.after.name,
        )

    def __str__(self) -> str:
        """Return one line, such as ``churn: stage prod from v1.0.0 to v2.0.0``."""
        before, after = _names(self.before, self.after)
        if self.kind is ChangeKind.REGISTERED:
            moved = "" if self.before is None else f", before {before}"
            return f"{self.model}: registered {after}{moved}"
        if self.kind is ChangeKind.DEREGISTERED:
            return f"{self.model}: deregistered {before}"
        if self.kind is ChangeKind.LATEST:
            return f"{self.model}: latest from {before} to {after}"
        if self.kind is ChangeKind.STAGE:
            return f"{self.model}: stage {self.stage} from {before} to {after}"
        return f"{self.model}: {self.kind}"

    def __repr__(self) -> str:
        """Return the same line."""
        return f"<Change {self}>"

    def _repr_html_(self) -> str:
        """Return the change as HTML, for a notebook."""
        from modelversions.display.sequences import change_html

        return change_html(self)


class Changes(ValueTuple[Change]):
    """Changes, sorted by model: a tuple that is displayed as a table."""

    def to_records(self) -> list[dict[str, object]]:
        """Return a row of flat values for each change, with versions by name."""
        from modelversions.display.records import change_record

        return [change_record(change) for change in self]

    def __str__(self) -> str:
        """Return a table of the changes."""
        from modelversions.display.tables import change_table

        return change_table(self).text()

    def _repr_html_(self) -> str:
        """Return the table as HTML, for a notebook."""
        from modelversions.display.sequences import changes_html

        return changes_html(self, self._pages)


def changes(before: Mapping[str, Model], after: Mapping[str, Model]) -> Iterator[Change]:
    """Yield the changes from one state to another, sorted by model."""
    for name in sorted({*before, *after}):
        yield from _model_changes(name, before.get(name), after.get(name))


def _model_changes(name: str, before: Model | None, after: Model | None) -> Iterator[Change]:
    old = {} if before is None else {one.name: one for one in reversed(before.versions)}
    new = {} if after is None else {one.name: one for one in reversed(after.versions)}
    for version, value in new.items():
        if _differ(old.get(version), value):
            yield Change(ChangeKind.REGISTERED, name, None, old.get(version), value)
    for version, value in old.items():
        if version not in new:
            yield Change(ChangeKind.DEREGISTERED, name, before=value)
    latest = [None if model is None else model.latest for model in (before, after)]
    if _differ(*latest):
        yield Change(ChangeKind.LATEST, name, None, *latest)
    held: list[Mapping[str, Version]] = [
        {} if model is None else model.stages for model in (before, after)
    ]
    for stage in sorted({*held[0], *held[1]}):
        holders = held[0].get(stage), held[1].get(stage)
        if _differ(*holders):
            yield Change(ChangeKind.STAGE, name, stage, *holders)
    was, is_now = (model is not None and model.deprecated for model in (before, after))
    if was != is_now:
        yield Change(ChangeKind.DEPRECATED if is_now else ChangeKind.REVIVED, name)


def _differ(before: Version | None, after: Version | None) -> bool:
    if before is None or after is None:
        return before is not after
    return (before.name, before.commit) != (after.name, after.commit)


def _names(before: Version | None, after: Version | None) -> tuple[str, str]:
    """Return the names of two versions, with their commits if only these differ."""
    names = tuple("none" if one is None else one.name for one in (before, after))
    if before is not None and after is not None and before.name == after.name:
        names = tuple(f"{one.name} at {one.commit[:7]}" for one in (before, after))
    return names[0], names[1]
