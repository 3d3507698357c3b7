"""From tag names and tag objects to events, and to the problems found in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from modelversions.git.store import TagObject, TagRef
from modelversions.values.event import Event
from modelversions.values.problem import Problem, ProblemKind
from modelversions.values.tag_name import TagName

NamedTag = tuple[TagName, TagRef]
"""A tag whose name is an event's: what the name says, and the ref."""


def named(refs: Iterable[TagRef]) -> list[NamedTag]:
    """Return the tags whose names are an event's, with what the names say."""
    return [(name, ref) for ref in refs if (name := TagName.try_parse(ref.name)) is not None]


def read_events(
    tags: Iterable[NamedTag], objects: Mapping[str, TagObject]
) -> tuple[list[Event], list[Problem]]:
    """Turn named tags and what their objects say into events, and into what is odd about them."""
    events: list[Event] = []
    problems: list[Problem] = []
    for name, ref in tags:
        found = objects[ref.id]
        if found.flaws or found.name != ref.name:
            problems += _problems(name, ref, found)
        if found.commit is None or found.time is None:
            continue
        events.append(
            Event(
                name.kind,
                name.model,
                name.version,
                name.stage,
                found.commit,
                ref.name,
                name.counter,
                found.time,
                found.author,
                found.message,
            )
        )
    return events, problems


def _problems(name: TagName, ref: TagRef, found: TagObject) -> list[Problem]:
    flaws = list(found.flaws)
    if found.commit is not None and found.name != ref.name:
        sentence = f"the tag object bears the name {found.name!r}; the ref's name counts"
        flaws.append((ProblemKind.NAME_MISMATCH, sentence))
    return [Problem(kind, ref.name, name.model, sentence) for kind, sentence in flaws]
