"""Panels: a form for each kind of write."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ipywidgets import Button, Combobox, Dropdown, Text, Textarea, VBox

from modelversions.display.form.commit_field import CommitField
from modelversions.display.form.fields import Field, Note, Suggestions, Widget
from modelversions.display.markup import Child, Element
from modelversions.display.parts import sentence, version_name
from modelversions.errors import (
    CommitTakenError,
    InvalidArgumentError,
    InvalidNameError,
    InvalidVersionError,
    ModelNotFoundError,
    ModelVersionsError,
    RefusedError,
    RevisionNotFoundError,
    StageHeldError,
    StageNotAllowedError,
    StageNotHeldError,
    VersionExistsError,
    VersionNotFoundError,
)
from modelversions.model.commits import Commits
from modelversions.model.model import Model, Version
from modelversions.values.event import Event
from modelversions.values.semver import LEVELS, SemVer
from modelversions.values.tag_name import EventKind, check_model_name, check_new_stage
from modelversions.values.web_pages import WebPages

if TYPE_CHECKING:
    from modelversions.registry import Registry

_MAX_STAGES = 8
"""The maximum number of stages that have a button."""
_MAX_VERSIONS = 500
"""The maximum number of versions in a list."""

_FIELDS: tuple[tuple[type[ModelVersionsError], str], ...] = (
    (CommitTakenError, "commit"),
    (RevisionNotFoundError, "commit"),
    (InvalidVersionError, "version"),
    (VersionExistsError, "version"),
    (VersionNotFoundError, "version"),
    (InvalidNameError, "stage"),
    (StageNotAllowedError, "stage"),
    (StageHeldError, "stage"),
    (StageNotHeldError, "stage"),
    (ModelNotFoundError, "model"),
)
"""The field with the invalid value, by the class of the error."""
_CHANGED = (*(kind for kind, _ in _FIELDS if issubclass(kind, (RefusedError, KeyError))),)
"""Errors that may mean that the registry has changed since it was read."""


class State:
    """The data of a registry, as last read."""

    def __init__(self, registry: Registry, *, is_local: bool) -> None:
        """Read a registry.

        Args:
            registry: the registry.
            is_local: whether a write can be planned at each change, as no server is contacted.
        """
        self.registry = registry
        self.is_local = is_local
        self.read()

    def read(self) -> None:
        """Read the registry again."""
        self.models: Mapping[str, Model] = dict(self.registry.items())
        self.commits_error = self.stages_error = ""
        self.allowed_stages: tuple[str, ...] | None = None
        try:
            self.commits = self.registry.commits(limit=20)
        except ModelVersionsError as error:
            self.commits, self.commits_error = Commits(), str(error)
        try:
            self.allowed_stages = self.registry.allowed_stages()
        except ModelVersionsError as error:
            self.stages_error = str(error)
        self.stages = self._stages()
        """The allowed stages; without them, those that were ever assigned."""

    def _stages(self) -> tuple[str, ...]:
        if self.allowed_stages is not None:
            return self.allowed_stages
        history = (event for model in self.models.values() for event in model.history)
        return tuple(sorted({event.stage for event in history if event.stage is not None}))


class Panel:
    """Fields and a button; nothing is written until the button is clicked."""

    title = ""
    """The text of the button."""
    about = ""
    """A description of the write."""

    def __init__(self, state: State, done: Callable[[], None]) -> None:
        """Build the widgets.

        Args:
            state: the data of the registry.
            done: is called after a write.
        """
        self.state = state
        self._done = done
        self._is_quiet = False
        self._planned: tuple[object, list[object], Exception | None] | None = None
        """The models and the values of the last plan, and its error."""
        self.fields: dict[str, Field] = {
            field.name: field
            for field in (
                *self.make_fields(),
                Field(_message_control(), is_required=False),
            )
        }
        self.button: Widget = Button(description=self.title, button_style="primary")
        self.button.add_class("mv-write")
        self.outcome = Note()
        widgets = [field.widget for field in self.fields.values()]
        self.widget: Widget = VBox([*widgets, self.button, self.outcome.widget])
        self.widget.add_class("mv-panel")
        for field in self.fields.values():
            field.control.observe(lambda _change: self._changed(), "value")
        self.button.on_click(lambda _button: self._on_click())

    def make_fields(self) -> Iterator[Field]:
        """Yield the fields except the one for the message."""
        raise NotImplementedError

    def fill_options(self) -> None:
        """Fill the lists with the options for the model."""
        raise NotImplementedError

    def show_hints(self) -> None:
        """Show hints below fields with valid values."""

    def write(self, *, dry_run: bool) -> Event:
        """Write an event, or only plan it."""
        raise NotImplementedError

    @property
    def model(self) -> Model | None:
        """The chosen model; None for a new one."""
        return self.state.models.get(self.fields["model"].value)

    @property
    def message(self) -> str | None:
        """The message, if there is one."""
        return self.fields["message"].value.strip() or None

    def update(self) -> None:
        """Update the options and the hints from the state."""
        with self._quiet():
            self.fill_options()
        self.check()

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Change values without checking them after each change."""
        self._is_quiet = True
        try:
            yield
        finally:
            self._is_quiet = False

    def _changed(self) -> None:
        if not self._is_quiet:
            self.outcome.clear()
            self.update()

    def check(self) -> None:
        """Show errors, and disable the button if there are any or values are missing."""
        usable = [field.check() for field in self.fields.values()]
        missing = [field.name for field in self.fields.values() if field.is_missing]
        self.button.disabled = not all(usable)
        self.show_hints()
        if missing and self.outcome.text == "":
            self.outcome.hint(f"Still needed: {', '.join(missing)}.")
        if not self.button.disabled and self.state.is_local:
            self._plan()

    def _plan(self) -> None:
        """Show the error with which the write would fail; it does not depend on the message."""
        values = [field.value for name, field in self.fields.items() if name != "message"]
        planned = self._planned
        if planned is None or planned[0] is not self.state.models or planned[1] != values:
            planned = self._planned = self.state.models, values, self._dry_run_error()
        if planned[2] is not None:
            self._show_error(planned[2])

    def _dry_run_error(self) -> Exception | None:
        try:
            self.write(dry_run=True)
        except Exception as error:  # noqa: BLE001  # a rule may raise any exception
            return error
        return None

    def _on_click(self) -> None:
        """Write once: after a second click the button is disabled, or the fields are empty."""
        if self.button.disabled:
            return
        self.button.disabled = True
        self.outcome.clear()
        try:
            event = self.write(dry_run=False)
        except Exception as error:  # noqa: BLE001  # a widget would only log it
            if isinstance(error, _CHANGED):
                self._done()
            self._show_error(error)
            return
        with self._quiet():
            for field in list(self.fields.values())[1:]:  # the model is kept
                field.control.value = None if isinstance(field.control, Dropdown) else ""
        self.outcome.done(event.model, ": ", *_what(event))
        self._done()

    def _show_error(self, error: Exception) -> None:
        """Show an error below the field with the invalid value, or else below the button."""
        field = self._field_of(error) if isinstance(error, ModelVersionsError) else None
        if field is not None:
            field.fail(str(error))
        elif isinstance(error, ModelVersionsError):
            self.outcome.fail(str(error))
        else:  # raised by a rule
            self.outcome.fail(f"{type(error).__name__}: {error}")
        self.button.disabled = field is not None

    def _field_of(self, error: ModelVersionsError) -> Field | None:
        """Return the field with the invalid value, or None."""
        if isinstance(error, InvalidArgumentError):
            return self.fields.get(error.argument)
        names = (name for kind, name in _FIELDS if isinstance(error, kind))
        return next((self.fields[name] for name in names if name in self.fields), None)


def _message_control() -> Widget:
    """Return the control of the message, which is sent when it loses the focus.

    If it were sent while it is typed, a late update could restore the text after the write has
    cleared it.
    """
    return Textarea(description="Message (optional)", rows=2, continuous_update=False)


def _what(event: Event) -> Iterator[Child]:
    for part in sentence(event):
        yield part
        if isinstance(part, Element) and event.stage == part.text:
            yield " "  # after the pill, for screen readers
    if event.kind is EventKind.REGISTRATION:
        yield f" at {event.commit[:7]}"


class RegisterPanel(Panel):
    """Registers a version of an existing or a new model."""

    title = "Register version"
    about = "Register a version of an existing or a new model"

    def make_fields(self) -> Iterator[Field]:
        """Yield model, commit and version."""
        model = Combobox(
            description="Model", placeholder="an existing model, or the name of a new one"
        )
        yield Field(model, parse=check_model_name)
        self._commit = CommitField()
        yield self._commit
        version = Text(description="Version", placeholder="such as v1.0.0")
        version.add_class("mv-mono-input")
        self.next_versions = Suggestions(version, len(LEVELS))
        yield Field(version, parse=SemVer.parse, more=[self.next_versions.widget])
        self._listed: Commits | None = None

    def fill_options(self) -> None:
        """Show the models, the commits and the next versions."""
        state, model = self.state, self.model
        self.fields["model"].control.options = tuple(state.models)
        if self._listed is not state.commits:
            self._commit.show(state.commits)
            self._listed = state.commits
        history = () if model is None else model.history
        taken = {
            event.commit: str(event.version)
            for event in history
            if event.kind is EventKind.REGISTRATION
        }
        self._commit.show_versions(state.commits.versions, self.fields["model"].value, taken)
        self.next_versions.show(_next_versions(model))

    def show_hints(self) -> None:
        """Show whether the model is new, and whether commits cannot be read."""
        field = self.fields["model"]
        if field.value and self.model is None and not field.note:
            similar = difflib.get_close_matches(field.value, self.state.models, n=1)
            field.hint("A new model.", f" There is {similar[0]!r}." if similar else None)
        if self.state.commits_error and not self._commit.value:
            self._commit.hint(f"Recent commits cannot be read: {self.state.commits_error}")

    def write(self, *, dry_run: bool) -> Event:
        """Register the version."""
        values = {name: field.value for name, field in self.fields.items()}
        return self.state.registry.register(
            values["model"],
            values["version"],
            commit=self._commit.sha,
            message=self.message,
            dry_run=dry_run,
        )


def _next_versions(model: Model | None) -> Iterator[tuple[str, str]]:
    """Yield the next versions (F12b), each once."""
    tags = [] if model is None else model._snapshot.tags  # noqa: SLF001  # as a write does, without reading objects
    named = [parts.version for parts, _ in tags if parts.version is not None]
    greatest = max(named, default=SemVer(0, 0, 0))
    levels = {str(greatest.bump(level)): level for level in LEVELS}
    for name, level in sorted(levels.items(), key=lambda pair: SemVer.parse(pair[0])):
        yield name, f"the next {level} version"


class _ModelPanel(Panel):
    """A panel for the existing models."""

    def make_fields(self) -> Iterator[Field]:
        yield Field(Dropdown(description="Model", options=[("", None)]))

    def fill_options(self) -> None:
        _fill(self.fields["model"].control, {name: name for name in self.state.models})


def _fill(control: Widget, options: Mapping[str, Any]) -> None:
    """Replace the options of a list; keep its value if it is still an option."""
    filled = (("", None), *options.items())
    if control.options == filled:
        return
    value = control.value
    control.options = filled
    control.value = value if value in options.values() else None


def _version_labels(model: Model | None) -> dict[str, str]:
    """Return the names of the active versions, by labels that include their stages."""
    versions = () if model is None else model.versions[:_MAX_VERSIONS]
    return {_version_label(one): one.name for one in versions}


def _version_label(version: Version) -> str:
    stages = ", ".join(version.stages)
    return f"{version.name} ({stages})" if stages else version.name


class AssignPanel(_ModelPanel):
    """Assigns a stage to a version."""

    title = "Assign stage"
    about = "Assign a stage to a version"

    def make_fields(self) -> Iterator[Field]:
        """Yield model, version and stage."""
        yield from super().make_fields()
        yield Field(Dropdown(description="Version", options=[("", None)]))
        stage = Combobox(description="Stage", placeholder="the name of a stage")
        self.stages = Suggestions(stage, _MAX_STAGES)
        yield Field(stage, parse=check_new_stage, more=[self.stages.widget])

    def fill_options(self) -> None:
        """Show the models, the active versions and the stages."""
        super().fill_options()
        _fill(self.fields["version"].control, _version_labels(self.model))
        stages = self.state.stages
        self.fields["stage"].control.options = stages
        kind = "a stage in use" if self.state.allowed_stages is None else "an allowed stage"
        self.stages.show((stage, kind) for stage in stages)

    def show_hints(self) -> None:
        """Show the version that holds the stage."""
        field = self.fields["stage"]
        holder = self.model.stages.get(field.value) if self.model and field.value else None
        if self.state.stages_error and not field.note:
            field.fail(self.state.stages_error)
            self.button.disabled = True
        elif holder is not None and not field.note:
            field.hint("Now ", version_name(holder, WebPages()), ".")

    def write(self, *, dry_run: bool) -> Event:
        """Assign the stage."""
        values = {name: field.value for name, field in self.fields.items()}
        return self.state.registry.assign(
            values["model"],
            values["version"],
            values["stage"],
            message=self.message,
            dry_run=dry_run,
        )


class UnassignPanel(_ModelPanel):
    """Unassigns a stage from a version or a bare commit."""

    title = "Unassign stage"
    about = "Unassign a stage from a version"

    def make_fields(self) -> Iterator[Field]:
        """Yield model and stage, with the version that it is unassigned from."""
        yield from super().make_fields()
        yield Field(Dropdown(description="Stage and version", options=[("", None)]))

    @property
    def chosen(self) -> tuple[str, Version] | None:
        """The chosen stage and version."""
        found: tuple[str, Version] | None = self._field.value
        return found

    @property
    def _field(self) -> Field:
        return self.fields["stage and version"]

    def fill_options(self) -> None:
        """Show the models and the assignments in force."""
        super().fill_options()
        model = self.model
        stages = () if model is None else tuple(model.stages)
        held = [(stage, one) for stage in stages for one in _holders(model, stage)]
        _fill(self._field.control, {f"{stage}: {_name(one)}": (stage, one) for stage, one in held})

    def show_hints(self) -> None:
        """Show the version that will hold the stage."""
        if self.chosen is None or self._field.note:
            return
        stage, version = self.chosen
        rest = [one for one in _holders(self.model, stage) if one != version]
        after = f"{_name(rest[0])} is in {stage} then." if rest else f"{stage} is empty then."
        self._field.hint(after)

    def write(self, *, dry_run: bool) -> Event:
        """Unassign the stage."""
        assert self.chosen is not None
        stage, version = self.chosen
        unassign = functools.partial(
            self.state.registry.unassign, version.model, message=self.message, dry_run=dry_run
        )
        if version.is_bare_commit:
            return unassign(stage=stage, commit=version.commit)
        return unassign(version.name, stage)

    def _field_of(self, error: ModelVersionsError) -> Field | None:
        kinds = (StageNotHeldError, VersionNotFoundError)
        return self._field if isinstance(error, kinds) else super()._field_of(error)


def _holders(model: Model | None, stage: str) -> tuple[Version, ...]:
    return () if model is None else model.holders(stage)


def _name(version: Version) -> str:
    return version.commit[:7] if version.is_bare_commit else version.name


class DeregisterPanel(_ModelPanel):
    """Deregisters a version."""

    title = "Deregister version"
    about = "Deregister a version, which stays in the history"

    def make_fields(self) -> Iterator[Field]:
        """Yield model and version."""
        yield from super().make_fields()
        yield Field(Dropdown(description="Version", options=[("", None)]))

    def fill_options(self) -> None:
        """Show the models and the active versions."""
        super().fill_options()
        _fill(self.fields["version"].control, _version_labels(self.model))

    def show_hints(self) -> None:
        """Show the stages that the version is in."""
        field = self.fields["version"]
        versions = () if self.model is None else self.model.versions
        version = next((one for one in versions if one.name == field.value), None)
        if version is not None and version.stages and not field.note:
            field.hint(f"It will no longer be in {', '.join(version.stages)}.")

    def write(self, *, dry_run: bool) -> Event:
        """Deregister the version."""
        values = {name: field.value for name, field in self.fields.items()}
        return self.state.registry.deregister(
            values["model"], values["version"], message=self.message, dry_run=dry_run
        )
