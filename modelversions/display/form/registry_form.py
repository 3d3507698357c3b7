"""``RegistryForm``: write to a registry by filling in a form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipywidgets import HTML, Button, HBox, Stack, ToggleButtons, VBox

from modelversions.display.form.fields import Note, style_sheet
from modelversions.display.form.panels import (
    AssignPanel,
    DeregisterPanel,
    Panel,
    RegisterPanel,
    State,
    UnassignPanel,
)
from modelversions.errors import ModelVersionsError

if TYPE_CHECKING:
    from modelversions.registry import Registry

_SHALLOW = "This clone is shallow, and may lack versions: registry.fetch() fetches their tags."


class RegistryForm(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A widget to register and deregister versions, and to assign and unassign stages.

    Below it is the dashboard of the registry, updated after each write.
    """

    def __init__(self, registry: Registry, *, is_local: bool, is_shallow: bool) -> None:
        """Read the registry, and build the widgets.

        Args:
            registry: the registry.
            is_local: whether it can be read at each change without contacting a server.
            is_shallow: whether it is a shallow clone, which may lack tags.
        """
        self._state = State(registry, is_local=is_local)
        kinds = (RegisterPanel, AssignPanel, UnassignPanel, DeregisterPanel)
        self.panels: list[Panel] = [kind(self._state, self.reload) for kind in kinds]
        self.actions = ToggleButtons(
            options=[(panel.title, index) for index, panel in enumerate(self.panels)],
            tooltips=[panel.about for panel in self.panels],
        )
        self.reload_button = Button(description="Reload", tooltip="Read the registry again")
        self.reload_button.on_click(lambda _button: self.reload())
        self.dashboard = HTML()
        stack = Stack([panel.widget for panel in self.panels], selected_index=0)
        self.actions.observe(lambda change: setattr(stack, "selected_index", change.new), "value")
        head = HBox([self.actions, self.reload_button])
        head.add_class("mv-form-head")
        self.error_note = Note()
        if is_shallow:
            self.error_note.hint(_SHALLOW)
        super().__init__([style_sheet(), head, self.error_note.widget, stack, self.dashboard])
        self.add_class("modelversions")
        self.add_class("mv-form")
        self._show()

    def reload(self) -> None:
        """Read the registry again, and update the form and the dashboard."""
        self.error_note.clear()
        try:
            self._state.read()
            self._show()
        except ModelVersionsError as error:
            self.error_note.fail(f"The registry cannot be read: {error}")

    def _show(self) -> None:
        for panel in self.panels:
            panel.update()
        self.dashboard.value = self._state.registry._repr_html_()  # as notebooks do

    def __repr__(self) -> str:
        """Return the number of models."""
        number = len(self._state.models)
        return f"<RegistryForm: {number} model{'s' * (number != 1)}>"
