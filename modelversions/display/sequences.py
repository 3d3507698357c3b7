"""Tables of events, problems, commits and changes, and the result of a push or fetch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelversions.display.markup import Child, Element, element, first_line, write
from modelversions.display.parts import (
    MAX_ROWS,
    NONE,
    Column,
    author,
    collapsible,
    count,
    date,
    heading,
    mono,
    more,
    note,
    pages_of,
    row,
    sentence,
    short_sha,
    table,
    version_name,
)
from modelversions.display.style import page, pill

if TYPE_CHECKING:
    from modelversions.git.sync import SyncResult
    from modelversions.model.commits import Commits
    from modelversions.model.diff import Change
    from modelversions.model.model import Version
    from modelversions.values.event import Event
    from modelversions.values.problem import Problem
    from modelversions.values.sequences import FindPages
    from modelversions.values.web_pages import WebPages

_MAX_NAMES = 5
"""The maximum number of versions that are named for a commit."""


def events_html(
    events: Sequence[Event], find: FindPages | None, repositories: Sequence[str] = ()
) -> str:
    """Return a table of events, newest first.

    Args:
        events: the events, oldest first.
        find: returns the web pages of the repository.
        repositories: the repository of each event, if there are several.
    """
    last = slice(None, -MAX_ROWS - 1, -1)
    shown = events_table(events[last], pages_of(find), repositories[last], with_model=True)
    rest = more(len(events) - MAX_ROWS, "event", "events.to_records()")
    return _page(len(events), "event", shown, rest, ", newest first")


def events_table(
    events: Sequence[Event], pages: WebPages, repositories: Sequence[str] = (), *, with_model: bool
) -> Element:
    """Return a table of events, in the same order."""
    columns = [
        *([Column("Repository", "mv-name")] if repositories else []),
        Column("Time"),
        *([Column("Model", "mv-name")] if with_model else []),
        Column("Event"),
        Column("Commit"),
        Column("Author", "mv-clip"),
        Column("Message", "mv-long"),
    ]
    return table(
        columns,
        (
            [
                *repositories[index : index + 1],
                date(event.time),
                *([event.model] if with_model else []),
                sentence(event),
                short_sha(event.commit, pages),
                author(event.author),
                first_line(event.message),
            ]
            for index, event in enumerate(events)
        ),
    )


def problems_html(
    problems: Sequence[Problem], _find: FindPages | None, repositories: Sequence[str] = ()
) -> str:
    """Return a table of problems; ``repositories`` has the repository of each, if several."""
    rest = more(len(problems) - MAX_ROWS, "problem", "problems.to_records()")
    shown = problems_table(problems[:MAX_ROWS], repositories)
    return _page(len(problems), "problem", shown, rest)


def problems_table(problems: Sequence[Problem], repositories: Sequence[str] = ()) -> Element:
    """Return a table of problems."""
    columns = [
        *([Column("Repository", "mv-name")] if repositories else []),
        *(Column("Tag", "mv-name"), Column("Kind"), Column("Problem", "mv-long")),
    ]
    rows = (
        [*repositories[index : index + 1], mono(one.tag), one.kind.value, one.message]
        for index, one in enumerate(problems)
    )
    return table(columns, rows)


def changes_html(changes: Sequence[Change], find: FindPages | None) -> str:
    """Return a table of changes."""
    pages = pages_of(find)
    columns = [Column("Model", "mv-name"), Column("Change"), Column("Before"), Column("After")]
    lines = (
        [
            one.model,
            pill(one.stage) if one.stage is not None else one.kind.value,
            _name(one.before, pages),
            _name(one.after, pages),
        ]
        for one in changes[:MAX_ROWS]
    )
    rest = more(len(changes) - MAX_ROWS, "change", "changes.to_records()")
    return _page(len(changes), "change", table(columns, lines), rest)


def change_html(change: Change) -> str:
    """Return a change as a sentence."""
    pages = pages_of(None)
    what = pill(change.stage) if change.stage is not None else f"{change.kind.value} "
    versions: list[Child] = []
    if change.before is not None or change.after is not None:
        versions = [_name(change.before, pages), " → ", _name(change.after, pages)]
    return write(page(heading([change.model], element("span", what, *versions))))


def _name(version: Version | None, pages: WebPages) -> Child:
    return NONE if version is None else version_name(version, pages)


def commits_html(commits: Commits, find: FindPages | None) -> str:
    """Return a table of commits; those with a registered version are dimmed and show its name."""
    pages = pages_of(find)
    columns = [
        Column("Commit"),
        Column("Date"),
        Column("Author", "mv-clip"),
        Column("Subject", "mv-long"),
        Column("Versions", "mv-long"),
    ]
    result = table(columns, ())
    body = result[0][1]
    by_commit = commits.versions
    for one in commits[:MAX_ROWS]:
        names = by_commit.get(one.commit, ())
        cells: list[Child | Sequence[Child]] = [
            short_sha(one.commit, pages),
            date(one.time),
            author(one.author),
            first_line(one.message),
            _versions(names),
        ]
        body.append(row(columns, cells, "mv-dim" if names else ""))
    rest = more(len(commits) - MAX_ROWS, "commit", "commits.to_records()")
    about = ", newest first"
    if commits.has_more:
        about += "; there are more: registry.commits(limit=None) returns all"
    return _page(len(commits), "commit", result, rest, about)


def _versions(versions: Sequence[Version]) -> list[Child]:
    """Return the names of the versions at a commit."""
    cells: list[Child] = [mono(str(one)) for one in versions[:_MAX_NAMES]]
    spaced: list[Child] = [part for cell in cells for part in (" ", cell)][1:]
    hidden = len(versions) - _MAX_NAMES
    return spaced if hidden <= 0 else [*spaced, f" and {hidden:,} more"]


def sync_html(result: SyncResult) -> str:
    """Return the result of a push or fetch."""
    numbers = [(len(result.transferred), "transferred"), (len(result.unchanged), "unchanged")]
    about = ", ".join(f"{number:,} {what}" for number, what in numbers)
    parts: list[Child] = [heading([result.remote], note(about))]
    if result.transferred:
        tags = table([Column("Tag")], ([mono(tag)] for tag in result.transferred[:MAX_ROWS]))
        rest = more(len(result.transferred) - MAX_ROWS, "tag", "result.transferred")
        parts.append(collapsible(f"Transferred ({len(result.transferred):,})", tags, rest))
    if result.conflicts:
        columns = [Column("Tag"), Column("Here"), Column("At the remote")]
        parts.append(note(f"{count(len(result.conflicts), 'conflict')}, not changed:"))
        parts.append(
            table(
                columns,
                (
                    [mono(one.tag), mono(one.local[:7] or "another ref"), mono(one.remote[:7])]
                    for one in result.conflicts[:MAX_ROWS]
                ),
            )
        )
        parts.append(more(len(result.conflicts) - MAX_ROWS, "conflict", "result.conflicts"))
    return write(page(*parts))


def _page(number: int, noun: str, shown: Element, rest: Child, about: str = "") -> str:
    """Return the number of rows and a table; without rows, only a note."""
    if not number:
        return write(page(note(f"No {noun}s.")))
    return write(page(note(count(number, noun), about), shown, rest))
