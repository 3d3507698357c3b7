"""The dashboard: a line for each model of a registry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from modelversions.display.markup import Child, Element, write
from modelversions.display.parts import (
    MAX_ROWS,
    NONE,
    Column,
    author,
    count,
    date,
    fold,
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
from modelversions.model.model import Model
from modelversions.values.sequences import FindPages
from modelversions.values.web_pages import WebPages

_MAX_DEPRECATED = 20
_MAX_STAGES = 8
"""The stages with columns of their own."""


def registry_html(models: Mapping[str, Model], location: str, find: FindPages) -> str:
    """Return the dashboard of a registry."""
    pages = pages_of(find)
    active = [model for model in models.values() if not model.deprecated]
    deprecated = [model for model in models.values() if model.deprecated]
    shown = active[:MAX_ROWS]
    parts: list[Child] = [_head(len(models), location, pages)]
    if not models:
        parts.append(note("No models yet: ", mono('registry.register("model", "v1.0.0")')))
    if shown:
        parts += _table(shown, pages)
    parts.append(_more(len(active) - len(shown)))
    if deprecated:
        some = deprecated[:_MAX_DEPRECATED]
        rest = _more(len(deprecated) - len(some))
        parts.append(fold(f"Deprecated ({len(deprecated):,})", *_table(some, pages), rest))
    return write(page(*parts))


def catalog_html(
    models: Mapping[tuple[str, str], Model], repositories: int, errors: Mapping[str, Exception]
) -> str:
    """Return the dashboard of many repositories, given by repository and model."""
    active = {key: model for key, model in models.items() if not model.deprecated}
    deprecated = {key: model for key, model in models.items() if model.deprecated}
    where = "1 repository" if repositories == 1 else f"{repositories:,} repositories"
    parts: list[Child] = [heading(["Models"], note(f"{count(len(models), 'model')} in {where}"))]
    if active:
        parts += _catalog_table(active, MAX_ROWS)
    if deprecated:
        shown = _catalog_table(deprecated, _MAX_DEPRECATED)
        parts.append(fold(f"Deprecated ({len(deprecated):,})", *shown))
    if errors:
        parts.append(fold(f"Not read ({len(errors):,})", *_error_table(errors)))
    return write(page(*parts))


def _catalog_table(models: Mapping[tuple[str, str], Model], limit: int) -> list[Child]:
    """Return a table of at most so many models, and how many more there are."""
    shown = dict(islice(models.items(), limit))
    names = [repository for repository, _ in shown]
    parts = _table(list(shown.values()), WebPages(), names)
    return [*parts, more(len(models) - len(shown), "model", 'catalog.to_records("models")')]


def _error_table(errors: Mapping[str, Exception]) -> list[Child]:
    """Return a table of repositories that could not be read, and how many more there are."""
    columns = [Column("Repository", "mv-name"), Column("Error", "mv-long")]
    lines = ([name, str(error)] for name, error in islice(errors.items(), MAX_ROWS))
    return [table(columns, lines), more(len(errors) - MAX_ROWS, "error", "catalog.errors")]


def _head(number: int, location: str, pages: WebPages) -> Element:
    home = pages.repository
    where: Child = location
    if home is not None:
        where = link(home.partition("://")[2], home)
    return heading(["Models"], note(count(number, "model"), " in ", where))


def _table(
    models: Sequence[Model], pages: WebPages, repositories: Sequence[str] = ()
) -> list[Child]:
    """Return a table of models, and which stages are not in it.

    ``repositories`` are those of the models, if there are several.
    """
    held = Counter(stage for model in models for stage in model.stages)
    stages = sorted(stage for stage, _ in held.most_common(_MAX_STAGES))
    columns = [
        *([Column("Repository", "mv-name")] if repositories else []),
        Column("Model", "mv-name"),
        Column("Latest version"),
        *(Column(pill(stage)) for stage in stages),
        Column("Versions", "mv-number"),
        Column("Last change"),
        Column("By", "mv-clip"),
    ]
    lines = [_line(model, stages, pages) for model in models]
    for line, repository in zip(lines, repositories):
        line.insert(0, repository)
    made = table(columns, lines)
    return [made, _omitted(sorted(held.keys() - stages))]


def _line(model: Model, stages: Iterable[str], pages: WebPages) -> list[Child | Sequence[Child]]:
    latest, holders, last = model.latest, model.stages, model.history[-1]
    return [
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
    names = ", ".join(islice(stages, 10)) + (", …" if len(stages) > 10 else "")  # noqa: PLR2004
    return note(f"{count(len(stages), 'stage')} not shown: {names}; see ", mono("model.stages"))


def _more(hidden: int) -> Child:
    """Return how many models are not displayed, and how to find one."""
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
