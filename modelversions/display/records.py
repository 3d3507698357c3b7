"""Rows of flat values for data frames: models, versions, stages, history and problems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from modelversions.errors import InvalidArgumentError, MissingExtraError
from modelversions.model.model import Model, Span, Version
from modelversions.values.event import Event
from modelversions.values.identity import Identity
from modelversions.values.problem import Problem

if TYPE_CHECKING:
    from pandas import DataFrame

    from modelversions.git.store import Commit
    from modelversions.model.diff import Change

Row = dict[str, object]

COLUMNS = {
    "models": ("model", "latest", "newest", "versions", "deprecated", "updated_at"),
    "versions": (
        *("model", "version", "commit", "tag", "registered_at", "author_name", "author_email"),
        *("message", "active", "stages"),
    ),
    "stages": ("model", "stage", "version", "commit"),
    "history": (
        *("time", "kind", "model", "version", "stage", "commit", "tag", "counter"),
        *("author_name", "author_email", "message"),
    ),
    "problems": ("kind", "tag", "model", "message"),
    "timeline": ("model", "stage", "version", "commit", "start", "end"),
}
"""The columns of each kind of rows, in order."""

KINDS = tuple(COLUMNS)

_TIME = "datetime64[us, UTC]"
_TYPES = {
    "updated_at": _TIME,
    "registered_at": _TIME,
    "time": _TIME,
    "start": _TIME,
    "end": _TIME,
    "counter": "Int64",
    "versions": "int64",
    "deprecated": "bool",
    "active": "bool",
}
"""The types of columns other than text, so that they are the same without rows."""
_MAX_INT64 = (1 << 63) - 1
"""The greatest integer in a data frame. Greater counters are omitted; the tag's name has them."""


def check_kind(kind: object, kinds: Iterable[str] = KINDS) -> None:
    """Check that there are rows of a kind.

    Raises:
        InvalidArgumentError: there are none.
    """
    known = list(kinds)
    if kind not in known:
        raise InvalidArgumentError(
            f"there are no records of {kind!r}; pass one of {', '.join(map(repr, known))}",
            argument="kind",
            value=kind,
        )


def data_frame(rows: Iterable[Row], kind: str, first: Sequence[str] = ()) -> DataFrame:
    """Return rows of a kind as a data frame; without rows it has the same columns.

    Args:
        rows: the rows.
        kind: their kind.
        first: columns of text before those of the kind.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingExtraError(
            "to_pandas() needs the 'pandas' extra: pip install 'modelversions[pandas]', or use "
            "to_records()",
            extra="pandas",
        ) from error
    columns = (*first, *COLUMNS[kind])
    frame = pd.DataFrame(list(rows), columns=list(columns))
    text = pd.Series([""]).dtype  # object in pandas 2, str in pandas 3
    return frame.astype({name: _TYPES.get(name, text) for name in columns})


def model_records(model: Model, kind: str) -> list[Row]:
    """Return rows of one model."""
    check_kind(kind, ("versions", "history", "timeline"))
    if kind == "versions":
        return [_version(version) for version in model.all_versions]
    if kind == "timeline":
        return [_span(span) for span in model.timeline()]
    return [event_record(event) for event in model.history]


def registry_records(models: Mapping[str, Model], kind: str) -> list[Row]:
    """Return a row for each model, version or stage."""
    if kind == "models":
        return [_model(model) for model in models.values()]
    if kind == "versions":
        return [_version(one) for model in models.values() for one in model.all_versions]
    if kind == "timeline":
        return [_span(span) for model in models.values() for span in model.timeline()]
    return [
        {"model": model.name, "stage": stage, "version": holder.name, "commit": holder.commit}
        for model in models.values()
        for stage, holder in model.stages.items()
    ]


def event_record(event: Event) -> Row:
    """Return the row of an event."""
    return {
        "time": _utc(event.time),
        "kind": event.kind.value,
        "model": event.model,
        "version": None if event.version is None else str(event.version),
        "stage": event.stage,
        "commit": event.commit,
        "tag": event.tag,
        "counter": event.counter if (event.counter or 0) <= _MAX_INT64 else None,
        **_author(event.author),
        "message": event.message,
    }


def problem_record(problem: Problem) -> Row:
    """Return the row of a problem."""
    return {
        "kind": problem.kind.value,
        "tag": problem.tag,
        "model": problem.model,
        "message": problem.message,
    }


def change_record(change: Change) -> Row:
    """Return the row of a change."""
    return {
        "kind": change.kind.value,
        "model": change.model,
        "stage": change.stage,
        "before": change.before and change.before.name,
        "after": change.after and change.after.name,
    }


def commit_record(commit: Commit, versions: Iterable[Version]) -> Row:
    """Return the row of a commit; the names of its versions are one text."""
    return {
        "commit": commit.commit,
        "time": _utc(commit.time),
        **_author(commit.author),
        "message": commit.message,
        "versions": ",".join(map(str, versions)),
    }


def _model(model: Model) -> Row:
    latest, newest = model.latest, model.newest
    return {
        "model": model.name,
        "latest": latest and latest.name,
        "newest": newest and newest.name,
        "versions": len(model),
        "deprecated": model.deprecated,
        "updated_at": _utc(model.history[-1].time),
    }


def _version(version: Version) -> Row:
    return {
        "model": version.model,
        "version": version.name,
        "commit": version.commit,
        "tag": version.tag,
        "registered_at": version.registered_at and _utc(version.registered_at),
        **_author(version.author),
        "message": version.message,
        "active": version.active,
        "stages": ",".join(version.stages),
    }


def _span(span: Span) -> Row:
    return {
        "model": span.version.model,
        "stage": span.stage,
        "version": span.version.name,
        "commit": span.version.commit,
        "start": _utc(span.start),
        "end": span.end and _utc(span.end),
    }


def _author(author: Identity | None) -> Row:
    return {
        "author_name": author and author.name,
        "author_email": author and author.email,
    }


def _utc(time: datetime) -> datetime:
    return time.astimezone(timezone.utc)
