"""Details of a model, a version and an event."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelversions.display.markup import Child, Element, element, first_line, write
from modelversions.display.parts import (
    MAX_MESSAGE,
    MAX_ROWS,
    NONE,
    Column,
    author,
    collapsible,
    date,
    facts,
    full_message,
    heading,
    mono,
    more,
    note,
    pages_of,
    scrolling,
    sentence,
    short_sha,
    table,
    version_name,
)
from modelversions.display.sequences import events_table, problems_table
from modelversions.display.style import page, pill
from modelversions.display.timeline import timeline_svg
from modelversions.git.store import Signature
from modelversions.model.model import Model, Version
from modelversions.values.event import Event
from modelversions.values.sequences import FindPages
from modelversions.values.web_pages import WebPages

_MAX_STAGES = 20
_MAX_PROBLEMS = 20
_MESSAGES = 50_000
"""The maximum number of characters of all messages in the details of a model."""
_MAX_OF_MODEL = 2000
"""The maximum number of characters of one of these messages; ``Version`` displays more."""

_VERSIONS = (
    Column("Version"),
    Column("Stages"),
    Column("Registered"),
    Column("Commit"),
    Column("Author", "mv-clip"),
    Column("Message", "mv-long"),
)


def model_html(model: Model, find: FindPages | None) -> str:
    """Return a model: its versions and, collapsed, its history, timeline and problems."""
    pages = pages_of(find)
    history, problems = model.history, model.problems
    parts: list[Child] = [_head(model, pages), _stages(model, pages), *_versions(model, pages)]
    shown = events_table(history[: -MAX_ROWS - 1 : -1], pages, with_model=False)
    rest = more(len(history) - MAX_ROWS, "event", "model.history")
    parts.append(collapsible(f"History ({len(history):,})", shown, rest))
    parts.append(collapsible("Timeline", scrolling(timeline_svg(model))))
    if problems:
        rest = more(len(problems) - _MAX_PROBLEMS, "problem", "model.problems")
        found = problems_table(problems[:_MAX_PROBLEMS])
        parts.append(collapsible(f"Problems ({len(problems):,})", found, rest))
    return write(page(*parts))


def _head(model: Model, pages: WebPages) -> Element:
    latest = model.latest
    state = element("span", "deprecated", class_="mv-pill mv-plain") if model.deprecated else None
    if latest is None:
        return heading([model.name], state, note("no active version"))
    about = note("latest, registered ", date(latest.registered_at))
    return heading([model.name, " ", version_name(latest, pages)], state, about)


def _stages(model: Model, pages: WebPages) -> Child:
    """Return the holder of each stage."""
    held = list(model.stages.items())
    if not held:
        return None
    cells: list[Child] = []
    for stage, version in held[:_MAX_STAGES]:
        cells.append(element("span", pill(stage), version_name(version, pages)))
    if len(held) > _MAX_STAGES:
        cells.append(f"and {len(held) - _MAX_STAGES:,} more stages")
    return element("div", *cells, class_="mv-head")


def _versions(model: Model, pages: WebPages) -> list[Child]:
    """Return the table of active versions, and a collapsed section with all data of each."""
    versions = model.versions
    shown = versions[:MAX_ROWS]
    if not versions:
        return [note("No active versions.")]
    rest = more(len(versions) - len(shown), "version", "model.versions")
    limit = min(_MAX_OF_MODEL, _MESSAGES // len(shown))
    sections = (
        collapsible([mono(one.name), " ", *_pills(one)], facts(_facts(one, pages, limit)))
        for one in shown
    )
    return [
        table(_VERSIONS, (_cells(one, pages) for one in shown)),
        rest,
        collapsible(f"Versions in full ({len(versions):,})", *sections),
    ]


def _cells(version: Version, pages: WebPages) -> list[Child | Sequence[Child]]:
    return [
        version_name(version, pages),
        _pills(version),
        date(version.registered_at),
        short_sha(version.commit, pages),
        author(version.author),
        first_line(version.message),
    ]


def _pills(version: Version) -> list[Child]:
    stages = version.stages
    hidden = len(stages) - _MAX_STAGES
    shown: list[Child] = [pill(stage) for stage in stages[:_MAX_STAGES]]
    return shown if hidden <= 0 else [*shown, f"and {hidden:,} more"]


def _facts(
    version: Version, pages: WebPages, limit: int = MAX_MESSAGE
) -> Iterable[tuple[str, Child | Sequence[Child]]]:
    if version.registered_at is not None:
        yield "Registered", f"{version.registered_at:%Y-%m-%d %H:%M:%S %z}"
    yield "Author", NONE if version.author is None else str(version.author)
    yield "Commit", mono(version.commit, pages.commit(version.commit))
    yield "Tag", mono(version.tag, pages.tag(version.tag))
    signature = version._signature  # noqa: SLF001  # verified before, or None
    if signature is not None:
        yield "Signature", _verified(signature)
    yield "Message", full_message(version.message, limit)


def _verified(signature: Signature) -> str:
    """Return the result of a verification, such as ``good, by Ann <ann@example.com>``."""
    by = f", by {signature.signer}" if signature.signer else ""
    return f"{signature.status}{by}" + (f", key {signature.key}" if signature.key else "")


def version_html(version: Version, find: FindPages | None) -> str:
    """Return a version with all its data and, collapsed, its history."""
    pages = pages_of(find)
    history = version.history
    shown = events_table(history[: -MAX_ROWS - 1 : -1], pages, with_model=False)
    rest = more(len(history) - MAX_ROWS, "event", "version.history")
    head = heading([version.model, " ", version_name(version, pages)], *_state(version))
    body = facts(_facts(version, pages))
    return write(page(head, body, collapsible(f"History ({len(history):,})", shown, rest)))


def _state(version: Version) -> list[Child]:
    if version.is_bare_commit:
        return [*_pills(version), note("a commit without a version")]
    return [*_pills(version), None if version.active else note("deregistered")]


def event_html(event: Event) -> str:
    """Return an event with all its data."""
    pairs: list[tuple[str, Child]] = [
        ("Time", f"{event.time:%Y-%m-%d %H:%M:%S %z}"),
        ("Author", NONE if event.author is None else str(event.author)),
        ("Commit", mono(event.commit)),
        ("Tag", mono(event.tag)),
        ("Message", full_message(event.message)),
    ]
    head = heading([event.model], element("span", *sentence(event)))
    return write(page(head, facts(pairs)))
