"""The field for a commit: type a SHA, or choose one of the recent commits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ipywidgets import HTML, Button, HBox, Text, VBox

from modelversions.display.form.fields import Field, Widget
from modelversions.display.markup import Child, Element, clean, element, first_line, write
from modelversions.display.parts import author, date, mono
from modelversions.errors import InvalidArgumentError
from modelversions.git.store import Commit
from modelversions.model.commits import Commits, VersionsByCommit

_SHA = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ASIDE = "mv-aside"
_MAX_VERSIONS = 3
"""The maximum number of versions that are named for a commit."""


class CommitField(Field):
    """A text field for a SHA, and a list of recent commits that fill it in."""

    def __init__(self) -> None:
        """Create the field without commits."""
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
        """Show a list of commits."""
        self.rows = [CommitRow(one, self.control) for one in commits]
        self._list.children = [row.widget for row in self.rows]
        self._list.layout.display = None if self.rows else "none"
        self._mark()

    def show_versions(
        self, versions: VersionsByCommit, model: str, taken: Mapping[str, str]
    ) -> None:
        """Show the versions that are registered at the commits.

        Args:
            versions: the active versions by commit.
            model: the model of the form; its commits are dimmed.
            taken: the versions of this model by commit, including deregistered ones.
        """
        for row in self.rows:
            commit = row.commit.commit
            names = [str(one) for one in versions.get(commit, ()) if one.model != model]
            own = taken.get(commit)
            row.show([own, *names] if own else names, is_taken=own is not None)

    def _mark(self) -> None:
        for row in self.rows:
            row.mark(is_chosen=row.commit.commit == self.sha)


class CommitRow:
    """A row of the list: a button with the short SHA, subject, author, date and versions."""

    def __init__(self, commit: Commit, control: Widget) -> None:
        """Show a commit; a click anywhere on the row writes its SHA to the control."""
        self.commit = commit
        self.text = ""
        """The text of the row, without markup."""
        self.button = Button(description=commit.commit[:7], tooltip=_tooltip(commit))
        self._html = HTML()
        self.widget: Widget = HBox([self.button, self._html])
        self.widget.add_class("mv-commit")

        def choose(_button: Widget) -> None:
            control.value = commit.commit

        self.button.on_click(choose)
        self.show([], is_taken=False)

    def show(self, versions: Sequence[str], *, is_taken: bool) -> None:
        """Show the names of the versions at the commit.

        Args:
            versions: the names.
            is_taken: whether no other version can be registered there; the row is dimmed.
        """
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
        """Show whether this is the chosen commit."""
        self.button.icon = "check" if is_chosen else ""
        _toggle(self.widget, "mv-chosen", on=is_chosen)


def _names(versions: Sequence[str]) -> Element | None:
    if not versions:
        return None
    shown: list[Child] = [part for one in versions[:_MAX_VERSIONS] for part in (" ", mono(one))]
    hidden = len(versions) - _MAX_VERSIONS
    rest = f" and {hidden} more" if hidden > 0 else None
    return element("span", "has", *shown, rest, class_=_ASIDE)


def _tooltip(commit: Commit) -> str:
    """Return the data for which the row has no space: the exact time and the full SHA."""
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
        InvalidArgumentError: it is not a full SHA.
    """
    sha = text.strip()
    if _SHA.fullmatch(sha.lower()):
        return
    bad = next((char for char in sha if char not in "0123456789abcdefABCDEF"), None)
    reason = f"it has {len(sha)} digits" if bad is None else f"{bad!r} is not a hexadecimal digit"
    raise InvalidArgumentError(
        f"{text[:80]!r} is not a full SHA: {reason}; type all 40 digits, or choose a commit below",
        argument="commit",
        value=text,
    )
