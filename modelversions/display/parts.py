"""Parts of HTML output: times, links, tables and collapsible sections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import attrs

from modelversions.display.markup import Child, Element, append, element
from modelversions.display.style import pill
from modelversions.model.model import Version
from modelversions.values.event import Event
from modelversions.values.identity import Identity
from modelversions.values.sequences import FindPages
from modelversions.values.tag_name import EventKind
from modelversions.values.web_pages import WebPages

MAX_MESSAGE = 10_000
"""The maximum number of characters that are displayed of a full message."""
MAX_ROWS = 100
"""The maximum number of rows of a table."""
NONE = "\N{EN DASH}"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SHORT = 7


@attrs.frozen
class Column:
    """A column of a table: its heading, and the CSS class of its cells."""

    heading: Child
    kind: str = ""


def pages_of(find: FindPages | None) -> WebPages:
    """Return the web pages of a repository; those of None have no URLs."""
    return WebPages() if find is None else find()


def month(number: int) -> str:
    """Return the short name of a month in English, which does not depend on the locale."""
    return _MONTHS[number - 1]


def date(time: datetime | None) -> Child:
    """Return a short date, with the exact time as a tooltip."""
    if time is None:
        return NONE
    exact = time.isoformat()
    shown = f"{time.day} {month(time.month)} {time.year}"
    return element("time", shown, datetime=exact, title=exact.replace("T", " "))


def mono(text: str, url: str | None = None, title: str | None = None) -> Element:
    """Return the name of a version, a SHA or a tag, as a link if there is a URL."""
    code = element("code", text, class_="mv-mono", title=title)
    return code if url is None else link(code, url)


def link(child: Child, url: str) -> Element:
    """Return a link; ``WebPages`` has checked the URL."""
    return element("a", child, class_="mv-link", href=url, rel="noopener noreferrer")


def short_sha(sha: str, pages: WebPages) -> Element:
    """Return an abbreviated SHA, with the full one as a tooltip."""
    return mono(sha[:_SHORT], pages.commit(sha), sha)


def version_name(version: Version, pages: WebPages) -> Element:
    """Return the name of a version as a link to its tag; a bare commit is abbreviated."""
    if version.is_bare_commit:
        return short_sha(version.commit, pages)
    return mono(version.name, pages.tag(version.tag))


def author(who: Identity | None) -> Child:
    """Return the name of an author, with the address as a tooltip."""
    if who is None:
        return NONE
    return element("span", who.name or who.email or NONE, title=str(who)[:300])


def sentence(event: Event) -> list[Child]:
    """Return an event of a model as a phrase, such as ``registered v1.0.0``."""
    name = str(event.version) if event.version else f"commit {event.commit[:_SHORT]}"
    if event.kind is EventKind.DEPRECATION:
        return ["deprecated"]
    if event.stage is None:
        done = "registered" if event.kind is EventKind.REGISTRATION else "deregistered"
        return [f"{done} ", mono(name)]
    done = "assigned to" if event.kind is EventKind.ASSIGNMENT else "unassigned from"
    return [pill(event.stage), f"{done} ", mono(name)]


def count(number: int, noun: str) -> str:
    """Return a number and a noun, such as ``1,000 models``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def table(columns: Sequence[Column], rows: Iterable[Sequence[Child | Sequence[Child]]]) -> Element:
    """Return a table that scrolls if it is too wide; each cell has one child or several."""
    head = element("tr", class_="mv-row")
    for column in columns:
        kind = f"mv-cell {column.kind}".rstrip()
        shown = column.heading
        if isinstance(shown, str):  # not a pill, whose colour depends on the text around it
            shown = element("span", shown, class_="mv-muted")
        head.append(element("th", shown, class_=kind, scope="col"))
    body = element("tbody", *(row(columns, cells) for cells in rows))
    result = element("table", element("thead", head), body, class_="mv-table")
    return scrolling(result)


def scrolling(child: Element) -> Element:
    """Return an element that scrolls, also by keyboard, if its child is too wide."""
    return element("div", child, class_="mv-scroll", tabindex=0)


def row(
    columns: Sequence[Column], cells: Sequence[Child | Sequence[Child]], kind: str = ""
) -> Element:
    """Return a row of a table."""
    result = element("tr", class_=f"mv-row {kind}".rstrip())
    for column, cell in zip(columns, cells):
        children = [cell] if isinstance(cell, (str, Element)) or cell is None else cell
        kind = "mv-muted" if cell == NONE else column.kind
        found = element("td", *children, class_=f"mv-cell {kind}".rstrip())
        result.append(found)
    return result


def more(hidden: int, noun: str, hint: str) -> Child:
    """Return the number of items that are not displayed, and a hint; None if there are none."""
    if hidden <= 0:
        return None
    return note(f"{hidden:,} more {noun}{'' if hidden == 1 else 's'}: ", mono(hint))


def note(*children: Child) -> Element:
    """Return a remark."""
    return element("p", *children, class_="mv-note")


def heading(title: Sequence[Child], *children: Child) -> Element:
    """Return a heading, followed by notes about its subject."""
    shown = element("span", *title, class_="mv-title", role="heading", aria_level="3")
    return element("div", shown, *children, class_="mv-head")


def collapsible(summary: Child | Sequence[Child], *children: Child) -> Element:
    """Return a collapsed section, which opens without a script."""
    parts = [summary] if isinstance(summary, (str, Element)) or summary is None else summary
    shown = element("summary", *parts, class_="mv-summary")
    return append(element("details", shown, class_="mv-fold"), children)


def facts(pairs: Iterable[tuple[str, Child | Sequence[Child]]]) -> Element:
    """Return names and values, one below the other."""
    result = element("dl", class_="mv-facts")
    for name, value in pairs:
        children = [value] if isinstance(value, (str, Element)) or value is None else value
        result.append(element("dt", name, class_="mv-term"))
        result.append(element("dd", *children, class_="mv-fact"))
    return result


def full_message(message: str, limit: int = MAX_MESSAGE) -> Element:
    """Return a message with its line breaks."""
    return element("div", message or NONE, class_="mv-message", tabindex=0, limit=limit)
