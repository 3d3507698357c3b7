"""The field for a commit: a SHA that is typed, or one of the recent commits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ipywidgets import HTML, Button, HBox, Text, VBox

from modelversions.display.form.fields import Field, Widget
from modelversions.display.markup import Child, Element, clean, element, first_line, write
from modelversions.display.parts import author, date, mono
from modelversions.errors import InvalidArgumentError
from modelversions.git.store import Commit
from modelversions.model.commits import Carried, Commits

_SHA = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ASIDE = "mv-aside"
_MAX_VERSIONS = 3
"""The versions that are named for a commit."""


class CommitField(Field):
    """A text for a SHA, and a list of recent commits that fill it in."""

    def __init__(self) -> None:
        """Start without commits."""
        text = Text(
            description="Commit",
            placeholder="choose a commit below, or type the 40 digits of a SHA",
        )
        text.add_class("mv-mono-input")
        super().__init__(text, parse=_check_sha)
        self.rows: list[CommitRow] = []
        self._list: Widget = VBox()
        self._list.add_class("mv-commits")
        self.widget.children = (*self.widget.children, self._list)
        text.observe(lambda _change: self._mark(), "value")

    @property
    def sha(self) -> str:
        """The SHA that is chosen or typed, in lower case."""
        return str(self.value).strip().lower()

    def show(self, commits: Commits) -> None:
        """List commits."""
        self.rows = [CommitRow(one, self.control) for one in commits]
        self._list.children = [row.widget for row in self.rows]
        self._list.layout.display = None if self.rows else "none"
        self._mark()

    def show_versions(self, carried: Carried, model: str, taken: Mapping[str, str]) -> None:
        """Show which versions the commits carry.

        Args:
            carried: the active versions by commit.
            model: the model of the form; its commits are dimmed.
            taken: the versions of this model by commit, deregistered ones included.
        """
        for row in self.rows:
            commit = row.commit.commit
            names = [str(one) for one in carried.get(commit, ()) if one.model != model]
            own = taken.get(commit)
            row.show([own, *names] if own else names, is_taken=own is not None)

    def _mark(self) -> None:
        for row in self.rows:
            row.mark(is_chosen=row.commit.commit == self.sha)


class CommitRow:
    """A line of the list: a button with the short SHA, subject, author, date and versions."""

    def __init__(self, commit: Commit, control: Widget) -> None:
        """Show a commit; a click on any part of the line fills the control in."""
        self.commit = commit
        self.text = ""
        """What the line says, without markup."""
        self.button = Button(description=commit.commit[:7], tooltip=_in_full(commit))
        self._html = HTML()
        self.widget: Widget = HBox([self.button, self._html])
        self.widget.add_class("mv-commit")

        def choose(_button: Widget) -> None:
            control.value = commit.commit

        self.button.on_click(choose)
        self.show([], is_taken=False)

    def show(self, versions: Sequence[str], *, is_taken: bool) -> None:
        """Show the names of versions at the commit; dim it if it cannot carry another one."""
        line = element(
            "div",
            element("span", first_line(self.commit.message), class_="mv-subject"),
            element(
                "span", author(self.commit.author), ", ", date(self.commit.time), class_=_ASIDE
            ),
            _names(versions),
            class_="mv-line",
        )
        self.text = " ".join(line.itertext())
        self._html.value = write(line)
        _toggle(self.widget, "mv-taken", on=is_taken)

    def mark(self, *, is_chosen: bool) -> None:
        """Show whether it is the commit that was chosen."""
        self.button.icon = "check" if is_chosen else ""
        _toggle(self.widget, "mv-chosen", on=is_chosen)


def _names(versions: Sequence[str]) -> Element | None:
    if not versions:
        return None
    shown: list[Child] = [part for one in versions[:_MAX_VERSIONS] for part in (" ", mono(one))]
    hidden = len(versions) - _MAX_VERSIONS
    rest = f" and {hidden} more" if hidden > 0 else None
    return element("span", "has", *shown, rest, class_=_ASIDE)


def _in_full(commit: Commit) -> str:
    """Return a tooltip: the line has no space for the exact time and the whole SHA."""
    who = "" if commit.author is None else f"{clean(str(commit.author))}, "
    return f"{first_line(commit.message)}\n{who}{commit.time}\n{commit.commit}"


def _toggle(widget: Widget, name: str, *, on: bool) -> None:
    if on:
        widget.add_class(name)
    else:
        widget.remove_class(name)


def _check_sha(text: str) -> None:
    """Check a SHA.

    Raises:
        InvalidArgumentError: it has another form.
    """
    sha = text.strip()
    if _SHA.fullmatch(sha.lower()):
        return
    bad = next((char for char in sha if char not in "0123456789abcdefABCDEF"), None)
    reason = f"it has {len(sha)} digits" if bad is None else f"{bad!r} is no digit of a SHA"
    raise InvalidArgumentError(
        f"{text[:80]!r} is not a full SHA: {reason}; type all 40 digits, or choose a commit below",
        argument="commit",
        value=text,
    )
