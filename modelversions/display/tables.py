"""Tables of models and versions, as aligned text and as HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

import attrs

from modelversions.model.model import Model

_NOTHING = "-"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that control a terminal or the direction of text."""


@attrs.frozen
class Table:
    """A heading and rows with as many cells."""

    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

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

    def html(self) -> str:
        """Return the table as HTML, with all text escaped."""
        head = _line("th", self.heading)
        body = "".join(_line("td", row) for row in self.rows)
        return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def registry_table(models: Mapping[str, Model]) -> Table:
    """Return a row for each model, with the latest version and a column for each stage."""
    stages = sorted({stage for model in models.values() for stage in model.stages})
    rows = []
    for model in models.values():
        latest, held = model.latest, model.stages
        holders = [_short(held[stage].name) if stage in held else _NOTHING for stage in stages]
        name = f"{model.name} (deprecated)" if model.deprecated else model.name
        rows.append((name, latest.name if latest else _NOTHING, *holders))
    return Table(("Model", "Latest version", *(f"#{stage}" for stage in stages)), tuple(rows))


def catalog_table(models: Mapping[tuple[str, str], Model]) -> Table:
    """Return the table of the models of many repositories, given by repository and model."""
    repositories = tuple(repository for repository, _ in models)
    table = registry_table({f"{index}": model for index, model in enumerate(models.values())})
    rows = tuple((name, *row) for name, row in zip(repositories, table.rows))
    return Table(("Repository", *table.heading), rows)


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
            version.message.partition("\n")[0],
        )
        for version in model.versions
    )
    return Table(("Version", "Stages", "Registered", "Commit", "Author", "Message"), rows)


def _short(name: str) -> str:
    """Abbreviate the SHA of a bare commit, not the name of a version."""
    return name if name.startswith("v") else name[:7]


def _line(cell: str, texts: tuple[str, ...]) -> str:
    return f"<tr>{''.join(f'<{cell}>{html.escape(text)}</{cell}>' for text in texts)}</tr>"
