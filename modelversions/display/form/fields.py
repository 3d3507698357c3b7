"""Fields: a control with a label, a note about its value, and buttons that fill it in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from importlib.resources import files
from typing import Any

from ipywidgets import HTML, Button, HBox, Layout, VBox

from modelversions.display.markup import Child, append, element, write
from modelversions.display.style import css, minified
from modelversions.errors import ModelVersionsError

Widget = Any
"""A widget; ipywidgets has no types."""

_MAX_ERROR = 1000


class Note:
    """A line of text, which takes no space while it is empty."""

    def __init__(self) -> None:
        """Create a note without text."""
        self.widget: Widget = HTML(layout=Layout(display="none", margin="0"))
        self.text = ""
        """The text of the note, without markup."""

    def hint(self, *children: Child) -> None:
        """Show a hint."""
        self._show("mv-hint", "status", children)

    def done(self, *children: Child) -> None:
        """Show the result of a write."""
        self._show("mv-done", "status", children)

    def fail(self, error: str) -> None:
        """Show an error."""
        self._show("mv-error", "alert", [error])

    def clear(self) -> None:
        """Show nothing."""
        self._show("mv-hint", "status", [])

    def _show(self, kind: str, role: str, children: Sequence[Child]) -> None:
        result = append(element("div", class_=kind, role=role), children, _MAX_ERROR)
        self.text = "".join(result.itertext())
        self.widget.value = write(result) if children else ""
        self.widget.layout.display = None if children else "none"


class Field:
    """A control, and below it a note about its value."""

    def __init__(
        self,
        control: Widget,
        *,
        parse: Callable[[str], object] = str,
        is_required: bool = True,
        more: Sequence[Widget] = (),
    ) -> None:
        """Wrap a control.

        Args:
            control: a widget with a ``description`` and a ``value``, which is false if empty.
            parse: raises a ``ModelVersionsError`` if a value is invalid.
            is_required: whether the value must not be empty.
            more: widgets next to the control, such as ``Suggestions``.
        """
        self.control = control
        self.name = str(control.description).partition(" (")[0].lower()
        self.is_required = is_required
        self._parse = parse
        self._note = Note()
        line: Widget = HBox([control, *more])
        line.add_class("mv-control")
        self.widget: Widget = VBox([line, self._note.widget])
        self.widget.add_class("mv-field")

    @property
    def value(self) -> Any:  # noqa: ANN401  # it depends on the control
        """The value of the control; a text without white space around it."""
        value = self.control.value
        return value.strip() if isinstance(value, str) else value

    @property
    def is_missing(self) -> bool:
        """Whether a value is required and there is none."""
        return self.is_required and not self.value

    @property
    def note(self) -> str:
        """The note about the value, without markup."""
        return self._note.text

    def check(self) -> bool:
        """Return whether the value is valid and not missing; show the error of an invalid one."""
        try:
            if self.value:
                self._parse(self.value)
        except ModelVersionsError as error:
            self.fail(str(error))
            return False
        self.control.remove_class("mv-invalid")
        self._note.clear()
        return not self.is_missing

    def hint(self, *children: Child) -> None:
        """Show a hint below the control."""
        self._note.hint(*children)

    def fail(self, error: str) -> None:
        """Mark the value as wrong and show the error."""
        self.control.add_class("mv-invalid")
        self._note.fail(error)


class Suggestions:
    """Buttons that set the value of a control."""

    def __init__(self, control: Widget, number: int) -> None:
        """Create a number of buttons; those without a text are hidden."""
        self._control = control
        self.buttons = [Button() for _ in range(number)]
        self.widget: Widget = HBox(self.buttons)
        self.widget.add_class("mv-offers")
        for button in self.buttons:
            button.on_click(self._on_click)
        self.show([])

    def show(self, suggestions: Iterable[tuple[str, str]]) -> None:
        """Show texts, each with a tooltip."""
        shown = list(suggestions)[: len(self.buttons)]
        hidden = len(self.buttons) - len(shown)
        for button, (text, tooltip) in zip(self.buttons, [*shown, *[("", "")] * hidden]):
            button.description = text
            button.tooltip = tooltip
            button.layout.display = None if text else "none"

    def _on_click(self, button: Widget) -> None:
        self._control.value = button.description


def style_sheet() -> Widget:
    """Return a widget that contains the style sheet."""
    style = element("style")
    style.text = f"{css()} {_form_css()}"
    return HTML(write(style), layout=Layout(display="none"))


@functools.cache
def _form_css() -> str:
    path = files("modelversions.display.form").joinpath("form.css")
    return minified(path.read_text(encoding="utf-8"))
