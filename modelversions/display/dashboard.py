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


def _head(number: int, location: str, pages: WebPages) -> Element:
    home = pages.repository
    where: Child = location
    if home is not None:
        where = link(home.partition("://")[2], home)
    return heading(["Models"], note(count(number, "model"), " in ", where))


def _table(models: Sequence[Model], pages: WebPages) -> list[Child]:
    """Return a table of models, and which stages are not in it."""
    held = Counter(stage for model in models for stage in model.stages)
    stages = sorted(stage for stage, _ in held.most_common(_MAX_STAGES))
    columns = [
        Column("Model", "mv-name"),
        Column("Latest version"),
        *(Column(pill(stage)) for stage in stages),
        Column("Versions", "mv-number"),
        Column("Last change"),
        Column("By", "mv-clip"),
    ]
    made = table(columns, (_line(model, stages, pages) for model in models))
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
