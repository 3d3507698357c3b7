"""Tables of models, versions, events and other values, as aligned text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from modelversions.model.model import Model, Version

if TYPE_CHECKING:
    from modelversions.model.commits import Commits
    from modelversions.model.diff import Change
    from modelversions.values.event import Event
    from modelversions.values.identity import Identity
    from modelversions.values.problem import Problem

_NOTHING = "-"
_MAX_LINE = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that control a terminal or the direction of text."""


@attrs.frozen
class Table:
    """A heading, and rows with the same number of cells."""

    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def with_repositories(self, repositories: Sequence[str]) -> Table:
        """Return the table with a first column of repository names."""
        rows = tuple((name, *row) for name, row in zip(repositories, self.rows))
        return Table(("Repository", *self.heading), rows)

    def text(self) -> str:
        """Return the table in columns, for a terminal, without control characters."""
        rows = tuple(tuple(_CONTROL.sub("\ufffd", cell) for cell in row) for row in self.rows)
        lines = (self.heading, *rows)
        widths = [max(map(len, column)) for column in zip(*lines)]
        rule = tuple("-" * width for width in widths)
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
            for line in (self.heading, rule, *rows)
        )


def registry_table(models: Mapping[str, Model]) -> Table:
    """Return a row for each model, with the latest version and a column for each stage."""
    return _models_table(models.values())


def catalog_table(models: Mapping[tuple[str, str], Model]) -> Table:
    """Return the table of the models of many repositories; the keys are repository and model."""
    names = [repository for repository, _ in models]
    return _models_table(models.values()).with_repositories(names)


def _models_table(models: Collection[Model]) -> Table:
    stages = sorted({stage for model in models for stage in model.stages})
    rows = []
    for model in models:
        latest, held = model.latest, model.stages
        holders = [_short(held[stage].name) if stage in held else _NOTHING for stage in stages]
        name = f"{model.name} (deprecated)" if model.deprecated else model.name
        rows.append((name, latest.name if latest else _NOTHING, *holders))
    return Table(("Model", "Latest version", *(f"#{stage}" for stage in stages)), tuple(rows))


def error_table(errors: Mapping[str, Exception]) -> Table:
    """Return a row for each repository that cannot be read."""
    rows = tuple((name, str(error)) for name, error in errors.items())
    return Table(("Repository", "Error"), rows)


def model_table(model: Model) -> Table:
    """Return a row for each active version of a model, greatest first."""
    rows = tuple(
        (
            version.name,
            ", ".join(version.stages) or _NOTHING,
            f"{version.registered_at:%Y-%m-%d %H:%M}",
            version.commit[:7],
            str(version.author or _NOTHING),
            _first_line(version.message),
        )
        for version in model.versions
    )
    return Table(("Version", "Stages", "Registered", "Commit", "Author", "Message"), rows)


def event_table(events: Iterable[Event]) -> Table:
    """Return a row for each event."""
    rows = tuple(
        (
            f"{event.time:%Y-%m-%d %H:%M}",
            event.model,
            event.kind.value,
            event.stage or _NOTHING,
            str(event.version) if event.version else event.commit[:7],
            _name(event.author),
            _first_line(event.message),
        )
        for event in events
    )
    return Table(("Time", "Model", "Event", "Stage", "Version", "Author", "Message"), rows)


def problem_table(problems: Iterable[Problem]) -> Table:
    """Return a row for each problem."""
    rows = tuple((one.tag, one.kind.value, _first_line(one.message)) for one in problems)
    return Table(("Tag", "Kind", "Problem"), rows)


def change_table(changes: Iterable[Change]) -> Table:
    """Return a row for each change."""
    rows = tuple(
        (
            one.model,
            one.kind.value,
            one.stage or _NOTHING,
            *(_NOTHING if end is None else _short(end.name) for end in (one.before, one.after)),
        )
        for one in changes
    )
    return Table(("Model", "Change", "Stage", "Before", "After"), rows)


def commit_table(commits: Commits) -> Table:
    """Return a row for each commit, with the versions registered at it."""
    by_commit: Mapping[str, tuple[Version, ...]] = commits.versions
    rows = tuple(
        (
            one.commit[:7],
            f"{one.time:%Y-%m-%d %H:%M}",
            _name(one.author),
            _first_line(one.message),
            ", ".join(map(str, by_commit.get(one.commit, ()))) or _NOTHING,
        )
        for one in commits
    )
    return Table(("Commit", "Date", "Author", "Subject", "Versions"), rows)


def _name(author: Identity | None) -> str:
    return author.name if author else _NOTHING


def _first_line(message: str) -> str:
    """Return the first line of a message, shortened to the width of a wide terminal."""
    line = message.partition("\n")[0]
    return line if len(line) <= _MAX_LINE else f"{line[: _MAX_LINE - 1]}…"


def _short(name: str) -> str:
    """Return the name of a version unchanged, or the SHA of a bare commit abbreviated."""
    return name if name.startswith("v") else name[:7]
