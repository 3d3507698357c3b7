"""The data of a page as JSON types.

A registry of 1,000 models with 100 versions each has to fit into 15 MB. Therefore each field of the
events of a model is one list, and names are stored once and referred to by their positions. A list
of equal numbers is stored as one number. ``data.js`` reads this format.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import attrs

from modelversions.display.markup import clean
from modelversions.display.page.content import PageContent, RepositoryContent
from modelversions.display.style import hue_number
from modelversions.model.model import Model, Version
from modelversions.values.event import RANK, Event
from modelversions.values.identity import Identity
from modelversions.values.problem import Problem
from modelversions.values.tag_name import TagName

JsonObject = dict[str, object]
Key = TypeVar("Key")

MAX_PROBLEMS = 1000
"""The maximum number of problems in the page of each model, and of problems without a model."""
MAX_MESSAGES = 5_000_000
"""The maximum number of bytes of all messages of a page."""
_MESSAGE_LIMITS = (10_000, 5000, 2000, 1000, 500, 200, 120, 80, 50, 30, 20)
"""The maximum lengths of a message; the first one with which all messages fit is used."""
_MAX_NAME = 1000
_MAX_COUNTER = 2**53
"""JavaScript's numbers are exact up to here."""
_MINUTE = timedelta(minutes=1)
_DIGITS = {kind: str(rank) for kind, rank in RANK.items()}


class Table(dict[Key, int]):
    """Values, each with its position in a list; values are appended when they are looked up."""

    def __missing__(self, key: Key) -> int:
        """Append a value and return its position."""
        return self.setdefault(key, len(self))


@attrs.frozen
class Tables:
    """The values that are shared by all models."""

    stages: Table[str] = attrs.Factory(Table)
    authors: Table[Identity] = attrs.Factory(Table)
    problem_kinds: Table[str] = attrs.Factory(Table)

    def author(self, author: Identity | None) -> int:
        """Return the position of an author; -1 for none."""
        return -1 if author is None else self.authors[author]


def page_data(content: PageContent) -> tuple[JsonObject, list[JsonObject]]:
    """Return the data of the dashboard, and the data of each model."""
    tables = Tables()
    pairs = [
        (position, model)
        for position, repository in enumerate(content.repositories)
        for model in repository.models.values()
    ]
    problems = [_by_model(repository) for repository in content.repositories]
    details = [
        _model_data(model, problems[position].get(model.name, []), tables)
        for position, model in pairs
    ]
    _cut_messages(details)
    head = _dashboard_data(content, pairs, tables)
    others = _other_problems(content)
    head["problems"] = [_problem(one, tables) + name for one, name in others[:MAX_PROBLEMS]]
    head["problem_count"] = len(others)
    head["model_problems"] = _column(
        [len(problems[position].get(model.name, [])) for position, model in pairs]
    )
    head["stages"] = [[clean(name, _MAX_NAME), hue_number(name)] for name in tables.stages]
    head["authors"] = [[clean(one.name), clean(one.email)] for one in tables.authors]
    head["problem_kinds"] = list(tables.problem_kinds)
    return head, details


def _dashboard_data(
    content: PageContent, pairs: Sequence[tuple[int, Model]], tables: Tables
) -> JsonObject:
    models = [model for _, model in pairs]
    errors = content.errors or {}
    return {
        "title": clean(content.title, _MAX_NAME),
        "now": _timestamp(content.now),
        "is_catalog": content.errors is not None,
        "repositories": [_repository_data(one) for one in content.repositories],
        "errors": [[clean(name), clean(error, _MAX_NAME)] for name, error in errors.items()],
        "version_count": sum(map(len, models)),
        "models": {
            "names": [model.name for model in models],
            "repositories": _column([position for position, _ in pairs]),
            "deprecated": [index for index, model in enumerate(models) if model.deprecated],
            "latest": [model.latest and model.latest.name for model in models],
            "versions": _column([len(model) for model in models]),
            "holders": [_holder_names(model, tables) for model in models],
            **_last_changes([model.history[-1] for model in models], tables),
        },
    }


def _last_changes(events: Sequence[Event], tables: Tables) -> JsonObject:
    return {
        "times": _column([_seconds(event) for event in events]),
        "offsets": _column([_offset(event) for event in events]),
        "authors": _column([tables.author(event.author) for event in events]),
    }


def _repository_data(repository: RepositoryContent) -> JsonObject:
    pages = repository.pages
    home = pages.repository
    return {
        "name": clean(repository.name, _MAX_NAME),
        "location": clean(repository.location, _MAX_NAME) if home is None else None,
        "home": home,
        "until": None if repository.until is None else _moment(repository.until),
        "commit_form": pages.commit_form,
        "tag_form": pages.tag_form,
        "commits": _commit_urls(repository),
    }


def _commit_urls(repository: RepositoryContent) -> dict[str, str | None] | None:
    """Return the URLs of all commits, if a callable returns them; else None."""
    pages = repository.pages
    if not callable(pages.commit_url):
        return None
    events = (event for model in repository.models.values() for event in model.history)
    return {commit: pages.commit(commit) for commit in {event.commit: None for event in events}}


def _holder_names(model: Model, tables: Tables) -> list[object]:
    pairs = ((tables.stages[stage], one.name) for stage, one in model.stages.items())
    return [part for pair in pairs for part in pair]


def _by_model(repository: RepositoryContent) -> Mapping[str, list[Problem]]:
    found: dict[str, list[Problem]] = {}
    for problem in repository.problems:
        if problem.model is not None:
            found.setdefault(problem.model, []).append(problem)
    return found


def _other_problems(content: PageContent) -> list[tuple[Problem, list[object]]]:
    """Return the problems without a model, in a catalog each with the name of its repository."""
    is_catalog = content.errors is not None
    return [
        (problem, [clean(repository.name)] if is_catalog else [])
        for repository in content.repositories
        for problem in repository.problems
        if problem.model not in repository.models
    ]


def _problem(problem: Problem, tables: Tables) -> list[object]:
    kind = tables.problem_kinds[problem.kind.value]
    return [kind, clean(problem.tag, _MAX_NAME), clean(problem.message, _MAX_NAME)]


def _model_data(model: Model, problems: Sequence[Problem], tables: Tables) -> JsonObject:
    """Return the versions, the events, the spans and the problems of a model."""
    events = model.history
    versions = model.all_versions
    names = Table[str]()
    for version in versions:
        names[version.name]
    commits = Table[str]()
    data = _events_data(events, names, commits, tables)
    positions = {event.tag: index for index, event in enumerate(events)}
    start = _seconds(events[0])
    return {
        **data,
        "names": list(names),
        "origins": [positions[version.tag] for version in versions],
        "inactive": [index for index, version in enumerate(versions) if not version.active],
        "commits": "".join(commits),
        "width": len(events[0].commit),
        "holders": [
            part
            for stage, holder in model.stages.items()
            for part in (tables.stages[stage], _holder(holder, names, commits))
        ],
        "spans": _spans_data(model, start, names, commits, tables),
        "problems": [_problem(one, tables) for one in problems[:MAX_PROBLEMS]],
        "problem_count": len(problems),
    }


def _events_data(
    events: Sequence[Event], names: Table[str], commits: Table[str], tables: Tables
) -> JsonObject:
    """Return one list for each field of the events; times are differences."""
    times = [_seconds(event) for event in events]
    parsed = [TagName.try_parse(event.tag) for event in events]
    messages = Table[str]()
    return {
        "kinds": "".join([_DIGITS[event.kind] for event in events]),
        "version_of": _column(
            [-1 if event.version is None else names[str(event.version)] for event in events]
        ),
        "stage_of": _column(
            [-1 if event.stage is None else tables.stages[event.stage] for event in events]
        ),
        "commit_of": _column([commits[event.commit] for event in events]),
        "times": [times[0], *(time - before for before, time in itertools.pairwise(times))],
        "offsets": _column([_offset(event) for event in events]),
        "author_of": _column([tables.author(event.author) for event in events]),
        "message_of": _column([_message(*pair, messages) for pair in zip(events, parsed)]),
        "messages": list(messages),
        "lengths": {},
        "counters": _column([_counter(name) for name in parsed]),
        "tags": {
            index: event.tag
            for index, (event, name) in enumerate(zip(events, parsed))
            if not _is_derived(name)
        },
    }


def _message(event: Event, name: TagName | None, messages: Table[str]) -> int:
    """Return the position of a message; -1 for the default one, which adds no information."""
    message = event.message.rstrip("\n")
    if name is not None and message == name.message(event.version, event.commit):
        return -1
    return messages[message]


def _counter(name: TagName | None) -> int:
    return -1 if name is None or name.counter is None or not _is_derived(name) else name.counter


def _is_derived(name: TagName | None) -> bool:
    """Return whether ``data.js`` can compute the tag's name from the event."""
    return name is not None and not name.zeros and (name.counter or 0) < _MAX_COUNTER


def _spans_data(
    model: Model, start: int, names: Table[str], commits: Table[str], tables: Tables
) -> list[int]:
    """Return four numbers for each span: stage, holder, start and end; -1 for no end."""
    flat: list[int] = []
    for span in model.timeline():
        begin = _timestamp(span.start)
        end = -1 if span.end is None else _timestamp(span.end) - start
        holder = _holder(span.version, names, commits)
        flat += (tables.stages[span.stage], holder, begin - start, end)
    return flat


def _holder(version: Version, names: Table[str], commits: Table[str]) -> int:
    """Return the position of a version; for a bare commit, -1 minus its position."""
    return -1 - commits[version.commit] if version.is_bare_commit else names[version.name]


def _cut_messages(details: Iterable[JsonObject]) -> None:
    """Shorten the messages so that their total size is at most ``MAX_MESSAGES``."""
    found: list[tuple[list[str], dict[int, int]]] = [
        (one["messages"], one["lengths"])  # type: ignore[misc]
        for one in details
    ]
    every = [message for messages, _ in found for message in messages]
    fitting = (limit for limit in _MESSAGE_LIMITS if _size(every, limit) <= MAX_MESSAGES)
    limit = next(fitting, _MESSAGE_LIMITS[-1])
    for messages, lengths in found:
        lengths |= {at: len(one) for at, one in enumerate(messages) if len(one) > limit}
        messages[:] = [clean(one, limit) for one in messages]


def _size(messages: Iterable[str], limit: int) -> int:
    """Return the number of bytes of messages that are cut at a length."""
    cut = (message[:limit] for message in messages)
    return sum(len(one) if one.isascii() else len(one.encode(errors="replace")) for one in cut)


def _column(values: list[int]) -> object:
    """Return a list; or one number if all values are equal to it."""
    return values[0] if values and values.count(values[0]) == len(values) else values


def _moment(time: datetime) -> list[int]:
    """Return a time as seconds and its UTC offset in minutes."""
    return [_timestamp(time), _minutes(time)]


def _seconds(event: Event) -> int:
    return _timestamp(event.time)


def _timestamp(time: datetime) -> int:
    return int(time.timestamp())


def _offset(event: Event) -> int:
    return _minutes(event.time)


def _minutes(time: datetime) -> int:
    """Return the UTC offset of a time in minutes."""
    return (time.utcoffset() or timedelta()) // _MINUTE
