"""The dashboard: a table with a row for each model of a registry or catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

import attrs

from modelversions.display.markup import Child, Element, write
from modelversions.display.parts import (
    MAX_ROWS,
    NONE,
    Column,
    author,
    collapsible,
    count,
    date,
    heading,
    link,
    mono,
    more,
    note,
    pages_of,
    table,
    version_name,
)
from modelversions.display.style import page, pill
from modelversions.errors import join_names
from modelversions.model.model import Model
from modelversions.values.sequences import FindPages
from modelversions.values.web_pages import WebPages

_MAX_DEPRECATED = 20
_MAX_STAGES = 8
"""The maximum number of stages that have a column."""
Key = TypeVar("Key")


@attrs.frozen
class Row:
    """A model in a table."""

    model: Model
    pages: WebPages
    repository: str | None = None
    """The name of the repository, if the table has models of several repositories."""


@attrs.frozen
class Rows:
    """The first rows of a table, and the number of all rows."""

    shown: Sequence[Row]
    number: int

    @property
    def hidden(self) -> int:
        """The number of rows that are not shown."""
        return self.number - len(self.shown)


def divide(models: Mapping[Key, Model]) -> tuple[dict[Key, Model], dict[Key, Model]]:
    """Return the active models, and the deprecated ones."""
    found: tuple[dict[Key, Model], dict[Key, Model]] = {}, {}
    for key, model in models.items():
        found[model.deprecated][key] = model
    return found


def registry_html(
    models: Mapping[str, Model], location: str, find: FindPages, until: datetime | None = None
) -> str:
    """Return the dashboard of a registry.

    Args:
        models: the models.
        location: the path or URL of the repository.
        find: returns the web pages of the repository.
        until: the time of ``as_of()``; None for the current state.
    """
    pages = pages_of(find)
    active, deprecated = (
        Rows([Row(model, pages) for model in islice(some.values(), most)], len(some))
        for some, most in zip(divide(models), (MAX_ROWS, _MAX_DEPRECATED))
    )
    parts: list[Child] = [_head(models.values(), location, pages, until)]
    if not models and until is None:
        parts.append(note("No models yet: ", mono('registry.register("model", "v1.0.0")')))
    parts += _tables(active, deprecated, _more)
    return write(page(*parts))


def catalog_html(
    active: Mapping[tuple[str, str], Model],
    number: int,
    deprecated: Mapping[tuple[str, str], Model],
    repositories: int,
    errors: Mapping[str, Exception],
) -> str:
    """Return the dashboard of many repositories.

    Args:
        active: the first of the active models, by repository and model.
        number: the number of all active models.
        deprecated: the deprecated models, by repository and model.
        repositories: the number of repositories.
        errors: the errors of repositories that could not be read, by repository.
    """
    where = "1 repository" if repositories == 1 else f"{repositories:,} repositories"
    models = count(number + len(deprecated), "model")
    parts: list[Child] = [heading(["Models"], note(f"{models} in {where}"))]
    known: dict[str, WebPages] = {}
    parts += _tables(
        Rows(_rows(active, MAX_ROWS, known), number),
        Rows(_rows(deprecated, _MAX_DEPRECATED, known), len(deprecated)),
        lambda hidden: more(hidden, "model", 'catalog.to_records("models")'),
    )
    if errors:
        parts.append(collapsible(f"Not read ({len(errors):,})", *_error_table(errors)))
    return write(page(*parts))


def _rows(
    models: Mapping[tuple[str, str], Model], most: int, known: dict[str, WebPages]
) -> list[Row]:
    """Return the first rows of a table, with the web pages of each repository."""
    found = []
    for (repository, _), model in islice(models.items(), most):
        if repository not in known:
            known[repository] = pages_of(model._pages)  # noqa: SLF001  # as for the model's own page
        found.append(Row(model, known[repository], repository))
    return found


def _tables(active: Rows, deprecated: Rows, more: Callable[[int], Child]) -> list[Child]:
    """Return the table of active models, and a collapsed table of deprecated models."""
    parts = [*(_table(active.shown) if active.shown else []), more(active.hidden)]
    if deprecated.shown:
        rest = more(deprecated.hidden)
        title = f"Deprecated ({deprecated.number:,})"
        parts.append(collapsible(title, *_table(deprecated.shown), rest))
    return parts


def _error_table(errors: Mapping[str, Exception]) -> list[Child]:
    """Return a table of repositories that could not be read, and the number of omitted ones."""
    columns = [Column("Repository", "mv-name"), Column("Error", "mv-long")]
    rows = ([name, str(error)] for name, error in islice(errors.items(), MAX_ROWS))
    return [table(columns, rows), more(len(errors) - MAX_ROWS, "error", "catalog.errors")]


def _head(
    models: Collection[Model], location: str, pages: WebPages, until: datetime | None
) -> Element:
    home = pages.repository
    where: Child = location
    if home is not None:
        where = link(home.partition("://")[2], home)
    moment = "" if until is None else f", as of {until}"
    versions = f" with {count(sum(map(len, models)), 'version')}" if models else ""
    number = f"{count(len(models), 'model')}{versions} in "
    return heading(["Models"], note(number, where, moment))


def _table(rows: Sequence[Row]) -> list[Child]:
    """Return a table of models, and a note about stages without a column."""
    held = Counter(stage for row in rows for stage in row.model.stages)
    stages = sorted(stage for stage, _ in held.most_common(_MAX_STAGES))
    columns = [
        *([] if rows[0].repository is None else [Column("Repository", "mv-name")]),
        Column("Model", "mv-name"),
        Column("Latest version"),
        *(Column(pill(stage)) for stage in stages),
        Column("Versions", "mv-number"),
        Column("Last change"),
        Column("By", "mv-clip"),
    ]
    result = table(columns, (_cells(row, stages) for row in rows))
    return [result, _omitted(sorted(held.keys() - stages))]


def _cells(row: Row, stages: Iterable[str]) -> list[Child | Sequence[Child]]:
    model, pages = row.model, row.pages
    latest, holders, last = model.latest, model.stages, model.history[-1]
    return [
        *([] if row.repository is None else [row.repository]),
        model.name,
        NONE if latest is None else version_name(latest, pages),
        *(version_name(holders[one], pages) if one in holders else NONE for one in stages),
        f"{len(model):,}",
        date(last.time),
        author(last.author),
    ]


def _omitted(stages: Sequence[str]) -> Child:
    if not stages:
        return None
    names = join_names(stages)
    return note(f"{count(len(stages), 'stage')} not shown: {names}; see ", mono("model.stages"))


def _more(hidden: int) -> Child:
    """Return the number of models that are not displayed, and how to display them."""
    if hidden <= 0:
        return None
    return note(
        f"{count(hidden, 'more model')}. ",
        mono('registry["name"]'),
        " displays one, ",
        mono("[name for name in registry if …]"),
        " selects names, ",
        mono("registry.to_pandas()"),
        " has all.",
    )
