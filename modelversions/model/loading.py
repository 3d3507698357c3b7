"""Convert tag names and tag objects to event rows, and report the problems found in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from modelversions.git.store import TagObject, TagRef
from modelversions.model.state import EventRow
from modelversions.values.event import RANK
from modelversions.values.problem import Problem, ProblemKind
from modelversions.values.tag_name import NameParts, parse_after_model

NamedTag = tuple[NameParts, TagRef]
"""A tag that has the name of an event: its parsed name, and the ref."""


class Loaded(NamedTuple):
    """The content of tag objects."""

    rows: list[EventRow]
    problems: list[Problem]
    unreadable: list[NamedTag]
    """The tags whose content is unknown, because an object is missing."""


def named(model: str, refs: Iterable[TagRef]) -> Iterator[NamedTag]:
    """Yield the tags of a model that have the name of an event."""
    start = len(model)
    for ref in refs:
        parts = parse_after_model(ref.name[start:])
        if parts is not None:
            yield parts, ref


def load(model: str, tags: Iterable[NamedTag], objects: Iterable[TagObject]) -> Loaded:
    """Combine tag names with their tag objects.

    Args:
        model: the model's name.
        tags: the tags.
        objects: their tag objects, which may be followed by those of other tags.
    """
    loaded = Loaded([], [], [])
    rows = loaded.rows
    for tag, found in zip(tags, objects):
        parts, (name, _, peeled) = tag
        commit, own_name, time, author, message, issues, timestamp = found
        if issues or own_name != name:
            loaded.problems.extend(_problems(model, name, found))
            if found.is_unreadable:
                loaded.unreadable.append(tag)
        if commit is None or time is None:
            continue
        counter = -1 if parts.counter is None else parts.counter
        if commit == peeled:
            commit = peeled  # all tags of a commit share one string
        rank = RANK[parts.kind]
        rows.append((timestamp, counter, rank, name, parts, commit, time, author, message))
    return loaded


def _problems(model: str, name: str, found: TagObject) -> list[Problem]:
    issues = list(found.issues)
    if found.commit is not None and found.name != name:
        message = f"the tag object has the name {found.name!r}; the ref's name counts"
        issues.append((ProblemKind.NAME_MISMATCH, message))
    return [Problem(kind, name, model, message) for kind, message in issues]
