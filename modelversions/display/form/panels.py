"""Panels: a form for each of the writes."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ipywidgets import Button, Combobox, Dropdown, Text, Textarea, VBox

from modelversions.display.form.commit_field import CommitField
from modelversions.display.form.fields import Field, Note, Offers, Widget
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
"""The stages that are offered as buttons."""
_MAX_VERSIONS = 500
"""The versions in a list."""

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
"""The field with the mistake, by the kind of error."""
_CHANGED = (*(kind for kind, _ in _FIELDS if issubclass(kind, (RefusedError, KeyError))),)
"""Errors that may tell that the registry has changed since it was read."""


class State:
    """What was read of a registry."""

    def __init__(self, registry: Registry, *, is_local: bool) -> None:
        """Read a registry.

        Args:
            registry: the registry.
            is_local: whether a write can be planned at each change, as no server is asked.
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
    """Fields and a button; nothing is written before the button is clicked."""

    title = ""
    """The text of the button."""
    about = ""
    """What it does."""

    def __init__(self, state: State, done: Callable[[], None]) -> None:
        """Build the widgets.

        Args:
            state: what was read of the registry.
            done: is called after a write.
        """
        self.state = state
        self._done = done
        self._is_quiet = False
        self._planned: tuple[object, list[object], Exception | None] | None = None
        """The models and the values of the last plan, and why it failed."""
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
        self.button.on_click(lambda _button: self._clicked())

    def make_fields(self) -> Iterator[Field]:
        """Yield the fields, without that of the message."""
        raise NotImplementedError

    def offer(self) -> None:
        """Fill lists with what can be chosen for the model."""
        raise NotImplementedError

    def give_hints(self) -> None:
        """Show hints below fields whose values can be used."""

    def write(self, *, dry_run: bool) -> Event:
        """Write an event, or plan it only."""
        raise NotImplementedError

    @property
    def model(self) -> Model | None:
        """The model that is chosen; None for a new one."""
        return self.state.models.get(self.fields["model"].value)

    @property
    def message(self) -> str | None:
        """The message, if there is one."""
        return self.fields["message"].value.strip() or None

    def update(self) -> None:
        """Show what the registry contains now."""
        with self._quiet():
            self.offer()
        self.check()

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """Change values without checking each time."""
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
        """Show what is wrong, and disable the button then."""
        usable = [field.check() for field in self.fields.values()]
        missing = [field.name for field in self.fields.values() if field.is_missing]
        self.button.disabled = not all(usable)
        self.give_hints()
        if missing and self.outcome.text == "":
            self.outcome.say(f"Still needed: {', '.join(missing)}.")
        if not self.button.disabled and self.state.is_local:
            self._plan()

    def _plan(self) -> None:
        """Show why the write would fail; a message that is typed does not change that."""
        values = [field.value for name, field in self.fields.items() if name != "message"]
        planned = self._planned
        if planned is None or planned[0] is not self.state.models or planned[1] != values:
            planned = self._planned = self.state.models, values, self._failure_of_dry_run()
        if planned[2] is not None:
            self._show_error(planned[2])

    def _failure_of_dry_run(self) -> Exception | None:
        try:
            self.write(dry_run=True)
        except Exception as error:  # noqa: BLE001  # a rule may raise any
            return error
        return None

    def _clicked(self) -> None:
        """Write once: a second click finds the button disabled, or the fields empty."""
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
        """Show an error where the mistake is."""
        field = self._field_of(error) if isinstance(error, ModelVersionsError) else None
        if field is not None:
            field.fail(str(error))
        elif isinstance(error, ModelVersionsError):
            self.outcome.fail(str(error))
        else:  # of a rule
            self.outcome.fail(f"{type(error).__name__}: {error}")
        self.button.disabled = field is not None

    def _field_of(self, error: ModelVersionsError) -> Field | None:
        """Return the field with the mistake, or None."""
        if isinstance(error, InvalidArgumentError):
            return self.fields.get(error.argument)
        names = (name for kind, name in _FIELDS if isinstance(error, kind))
        return next((self.fields[name] for name in names if name in self.fields), None)


def _message_control() -> Widget:
    """Return the control of the message, which is sent when it loses the focus.

    While it is typed, text that is sent late would come after the write that has emptied it.
    """
    return Textarea(description="Message (optional)", rows=2, continuous_update=False)


def _what(event: Event) -> Iterator[Child]:
    for part in sentence(event):
        yield part
        if isinstance(part, Element) and event.stage == part.text:
            yield " "  # after the pill, for those who hear it
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
        self.next_versions = Offers(version, len(LEVELS))
        yield Field(version, parse=SemVer.parse, more=[self.next_versions.widget])
        self._listed: Commits | None = None

    def offer(self) -> None:
        """Offer models, commits and the next versions."""
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

    def give_hints(self) -> None:
        """Tell of a new model, and of commits that cannot be read."""
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
    tags = [] if model is None else model._snapshot.tags  # noqa: SLF001  # as a write does
    named = [parts.version for parts, _ in tags if parts.version is not None]
    greatest = max(named, default=SemVer(0, 0, 0))
    levels = {str(greatest.bump(level)): level for level in LEVELS}
    for name, level in sorted(levels.items(), key=lambda pair: SemVer.parse(pair[0])):
        yield name, f"the next {level} version"


class _ModelPanel(Panel):
    """A panel for the existing models."""

    def make_fields(self) -> Iterator[Field]:
        yield Field(Dropdown(description="Model", options=[("", None)]))

    def offer(self) -> None:
        _fill(self.fields["model"].control, {name: name for name in self.state.models})


def _fill(control: Widget, options: Mapping[str, Any]) -> None:
    """Replace the options of a list; keep its value if it is still one."""
    filled = (("", None), *options.items())
    if control.options == filled:
        return
    value = control.value
    control.options = filled
    control.value = value if value in options.values() else None


def _version_labels(model: Model | None) -> dict[str, str]:
    """Return the active versions, by texts that also tell their stages."""
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
        self.stages = Offers(stage, _MAX_STAGES)
        yield Field(stage, parse=check_new_stage, more=[self.stages.widget])

    def offer(self) -> None:
        """Offer models, active versions and stages."""
        super().offer()
        _fill(self.fields["version"].control, _version_labels(self.model))
        stages = self.state.stages
        self.fields["stage"].control.options = stages
        kind = "a stage in use" if self.state.allowed_stages is None else "an allowed stage"
        self.stages.show((stage, kind) for stage in stages)

    def give_hints(self) -> None:
        """Tell which version holds the stage."""
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
        """The stage and the version that are chosen."""
        found: tuple[str, Version] | None = self._field.value
        return found

    @property
    def _field(self) -> Field:
        return self.fields["stage and version"]

    def offer(self) -> None:
        """Offer models and the assignments in force."""
        super().offer()
        model = self.model
        stages = () if model is None else tuple(model.stages)
        held = [(stage, one) for stage in stages for one in _holders(model, stage)]
        _fill(self._field.control, {f"{stage}: {_name(one)}": (stage, one) for stage, one in held})

    def give_hints(self) -> None:
        """Tell which version holds the stage then."""
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

    def offer(self) -> None:
        """Offer models and active versions."""
        super().offer()
        _fill(self.fields["version"].control, _version_labels(self.model))

    def give_hints(self) -> None:
        """Tell which stages the version is in."""
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
