"""The form for notebooks, without a browser: values are set and buttons are clicked."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from modelversions import (
    Event,
    Identity,
    MissingExtraError,
    Registry,
    RegistryView,
    RepositoryError,
    RevisionNotFoundError,
)
from modelversions.display.form import panels
from modelversions.display.form.panels import (
    AssignPanel,
    DeregisterPanel,
    Panel,
    RegisterPanel,
    UnassignPanel,
)
from modelversions.display.form.registry_form import RegistryForm
from modelversions.testing import START, memory_registry, new_commit
from tests.builders import Builder
from tests.servers import served

Kind = TypeVar("Kind", bound=Panel)


@pytest.fixture
def registry() -> Registry:
    registry = memory_registry(
        {"churn": ["v1.0.0", "v1.1.0"], "ner": ["v0.1.0"]},
        {"churn": {"prod": "v1.0.0"}},
        commits=0,
    )
    new_commit(registry, "Tune the learning rate\n\nIn full.")
    return registry


def panel(form: RegistryForm, kind: type[Kind]) -> Kind:
    (found,) = (one for one in form.panels if isinstance(one, kind))
    return found


def fill(panel: Panel, **values: object) -> None:
    for name, value in values.items():
        panel.fields[name].control.value = value


def choices(panel: Panel, name: str) -> list[str]:
    return [label for label, _ in panel.fields[name].control.options if label]


def tags(registry: Registry) -> list[str]:
    return [event.tag for event in registry.history()]


class TestRegister:
    @pytest.fixture
    def form(self, registry: Registry) -> RegistryForm:
        return registry.form()

    @pytest.fixture
    def register(self, form: RegistryForm) -> RegisterPanel:
        return panel(form, RegisterPanel)

    def test_all_steps(
        self, registry: Registry, form: RegistryForm, register: RegisterPanel
    ) -> None:
        before = tags(registry)
        assert register.fields["model"].control.options == ("churn", "ner")
        assert register.outcome.text == "Still needed: model, commit, version."
        fill(register, model="churn")
        register._commit.rows[0].button.click()
        assert register.fields["commit"].value == registry.commits()[0].commit
        assert [button.description for button in register.next_versions.buttons] == [
            "v1.1.1",
            "v1.2.0",
            "v2.0.0",
        ]
        register.next_versions.buttons[1].click()
        assert register.fields["version"].value == "v1.2.0"
        fill(register, message="Better features")
        assert not register.button.disabled
        assert (register.outcome.text, tags(registry)) == ("", before)
        register.button.click()
        event = registry.history()[-1]
        assert (event.tag, event.message) == ("churn@v1.2.0", "Better features")
        assert event.commit == registry.commits()[0].commit
        assert register.outcome.text == f"churn: registered v1.2.0 at {event.commit[:7]}"
        assert "v1.2.0" in form.dashboard.value
        assert [field.value for field in register.fields.values()] == ["churn", "", "", ""]

    def test_a_double_click_writes_once(self, registry: Registry, register: RegisterPanel) -> None:
        before = len(tags(registry))
        fill(register, model="churn", commit=registry.commits()[0].commit, version="v1.2.0")
        register.button.click()
        register.button.click()
        assert len(tags(registry)) == before + 1
        assert "registered v1.2.0" in register.outcome.text

    def test_the_version_is_checked_while_it_is_typed(self, register: RegisterPanel) -> None:
        field = register.fields["version"]
        for text, note in (
            ("v", "'v' is not a version name: the major segment is empty"),
            ("v5.1", "'v5.1' is not a version name: the patch segment is missing, try 'v5.1.0'"),
            ("v5.1.0", ""),
            ("", ""),
        ):
            fill(register, version=text)
            assert field.note == note
            assert ("mv-invalid" in field.control._dom_classes) is bool(note)

    @pytest.mark.parametrize(
        ("text", "note"),
        [
            ("churn model", "'churn model' is not a model name: "),
            ("new", "A new model."),
            ("Churn", "A new model. There is 'churn'."),
            ("churn", ""),
        ],
    )
    def test_the_model(self, register: RegisterPanel, text: str, note: str) -> None:
        fill(register, model=text)
        assert register.fields["model"].note.startswith(note)
        assert bool(register.fields["model"].note) is bool(note)

    @pytest.mark.parametrize(
        ("text", "note"),
        [
            ("abc", "'abc' is not a full SHA: it has 3 digits; type all 40 digits"),
            ("HEAD", "'HEAD' is not a full SHA: 'H' is not a hexadecimal digit"),
            ("a" * 40, ""),
            (f" {'A' * 40} ", ""),
            ("a" * 64, ""),
        ],
    )
    def test_a_sha(self, register: RegisterPanel, text: str, note: str) -> None:
        fill(register, commit=text)
        assert register.fields["commit"].note.startswith(note)
        assert bool(register.fields["commit"].note) is bool(note)

    def test_a_new_model(self, registry: Registry, register: RegisterPanel) -> None:
        fill(register, model="new", commit=registry.commits()[1].commit)
        offered = [button.description for button in register.next_versions.buttons]
        assert offered == ["v0.0.1", "v0.1.0", "v1.0.0"]
        register.next_versions.buttons[2].click()
        register.button.click()
        assert str(registry.resolve("new@latest")) == "new@v1.0.0"
        assert register.fields["model"].note == ""

    def test_equal_next_versions_are_shown_once(
        self, registry: Registry, form: RegistryForm, register: RegisterPanel
    ) -> None:
        registry.register("churn", "v2.0.0-rc.1", commit="HEAD")
        form.reload_button.click()
        fill(register, model="churn")
        shown = [one for one in register.next_versions.buttons if one.layout.display != "none"]
        assert [button.description for button in shown] == ["v2.0.0"]

    def test_commits_show_their_registered_versions(
        self, registry: Registry, form: RegistryForm, register: RegisterPanel
    ) -> None:
        registry.deregister("churn", "v1.1.0")
        registry.register("other", "v7.0.0", commit="HEAD~2")
        form.reload_button.click()
        rows = register._commit.rows
        assert "Tune the learning rate" in rows[0].text
        assert "In full" not in rows[0].text
        assert rows[0].button.tooltip.splitlines() == [
            "Tune the learning rate",
            "Test Author <author@example.com>, 2024-01-01 00:00:05+00:00",
            registry.commits()[0].commit,
        ]
        assert "Test Author, 1 Jan 2024" in " ".join(rows[0].text.replace(" , ", ", ").split())
        assert "has ner@v0.1.0" in " ".join(rows[1].text.split())
        fill(register, model="churn")
        taken = ["mv-taken" in row.widget._dom_classes for row in rows]
        assert taken == [False, False, True, True]
        assert "has v1.1.0 other@v7.0.0" in " ".join(rows[2].text.split())
        fill(register, model="ner")
        assert "has v0.1.0" in " ".join(rows[1].text.split())
        assert "v1.1.0" not in rows[2].text  # it is deregistered, and of another model
        assert ["mv-taken" in row.widget._dom_classes for row in rows].index(True) == 1

    def test_a_commit_with_many_versions(
        self, registry: Registry, form: RegistryForm, register: RegisterPanel
    ) -> None:
        for name in "abcde":
            registry.register(name, "v1.0.0", commit="HEAD")
        form.reload()
        text = " ".join(register._commit.rows[0].text.split())
        assert text.endswith("has a@v1.0.0 b@v1.0.0 c@v1.0.0 and 2 more")

    def test_the_chosen_commit(self, register: RegisterPanel) -> None:
        rows = register._commit.rows
        rows[1].button.click()
        assert [row.button.icon for row in rows[:3]] == ["", "check", ""]
        fill(register, commit=rows[2].commit.commit)
        assert ["mv-chosen" in row.widget._dom_classes for row in rows[:3]] == [False, False, True]

    @pytest.mark.parametrize(
        ("version", "commit", "field", "error"),
        [
            ("v1.1.0", 0, "version", "version 'v1.1.0' of model 'churn' is registered already"),
            ("v1.2.0", 2, "commit", "version 'v1.1.0' of model 'churn' was registered at commit"),
            ("v1.2.0", None, "commit", "there is no commit"),
        ],
    )
    def test_an_error_is_shown_below_its_field(
        self,
        registry: Registry,
        register: RegisterPanel,
        version: str,
        commit: int | None,
        field: str,
        error: str,
    ) -> None:
        before = tags(registry)
        sha = "0" * 40 if commit is None else registry.commits()[commit].commit
        fill(register, model="churn", commit=sha, version=version)
        assert error in register.fields[field].note
        assert register.button.disabled
        register.button.click()
        assert tags(registry) == before
        assert register.outcome.text == ""

    def test_a_message_that_is_empty_after_cleanup(
        self, registry: Registry, register: RegisterPanel
    ) -> None:
        fill(register, model="churn", commit=registry.commits()[0].commit, version="v1.2.0")
        fill(register, message="# a comment")
        register.button.click()
        assert "message" in register.fields["message"].note
        assert register.button.disabled
        fill(register, message="a text")
        assert register.fields["message"].note == ""
        register.button.click()
        assert registry["churn"]["v1.2.0"].message == "a text"

    def test_a_rule_is_not_called_while_a_message_is_typed(self) -> None:
        seen: list[str] = []

        def rule(event: Event, _before: RegistryView) -> str | None:
            seen.append(event.tag)
            return "not on Fridays" if event.model == "bad" else None

        registry = memory_registry(rules=[rule])
        register = panel(registry.form(), RegisterPanel)
        fill(register, model="m", commit=registry.commits()[0].commit, version="v1.0.0")
        seen.clear()
        fill(register, message="a")
        fill(register, message="a text")
        assert seen == []
        fill(register, model="bad")
        assert seen == ["bad@v1.0.0"]
        fill(register, message="")
        assert "not on Fridays" in register.outcome.text
        assert seen == ["bad@v1.0.0"]

    def test_the_registry_was_changed_concurrently(
        self, registry: Registry, form: RegistryForm, register: RegisterPanel
    ) -> None:
        new = registry.commits()[0].commit
        fill(register, model=" churn ", commit=new, version="v1.2.0 ", message="a text")
        registry.register("churn", "v1.2.0", commit=new_commit(registry))
        register.button.click()
        assert "v1.2.0" in register.fields["version"].note
        assert register.button.disabled
        assert register.fields["message"].value == "a text"
        offered = [button.description for button in register.next_versions.buttons]
        assert offered == ["v1.2.1", "v1.3.0", "v2.0.0"]
        assert "v1.2.0" in form.dashboard.value

    def test_next_versions_follow_lightweight_tags_too(self, disk: Builder) -> None:
        disk.tag("m@v1.0.0")
        disk.ref("refs/tags/m@v3.0.0", disk.commits["c1"])
        register = panel(disk.registry.form(), RegisterPanel)
        fill(register, model="m")
        offered = [button.description for button in register.next_versions.buttons]
        ann = Identity("Ann", "ann@example.com")
        written = disk.registry.register("m", force=True, author=ann, dry_run=True)
        assert offered[0] == str(written.version) == "v3.0.1"

    def test_the_identity_is_missing(self, disk: Builder) -> None:
        register = panel(disk.registry.form(), RegisterPanel)
        fill(register, model="m", commit=disk.commits["c1"], version="v1.0.0")
        assert "user.name" in register.outcome.text
        assert not register.button.disabled  # it may be configured before the click
        register.button.click()
        assert "user.name" in register.outcome.text
        assert disk.registry.history() == ()

    def test_a_rule(self) -> None:
        def rule(event: Event, _before: RegistryView) -> str | None:
            if event.model == "bad":
                raise ZeroDivisionError("the rule is broken")
            return "not on Fridays"

        registry = memory_registry(rules=[rule])
        register = panel(registry.form(), RegisterPanel)
        fill(register, model="m", commit=registry.commits()[0].commit, version="v1.0.0")
        assert "not on Fridays" in register.outcome.text
        fill(register, model="bad")
        assert register.outcome.text == "ZeroDivisionError: the rule is broken"

    def test_commits_that_cannot_be_read(
        self, form: RegistryForm, register: RegisterPanel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object, **__: object) -> Any:
            raise RevisionNotFoundError("it is broken", revision="HEAD")

        monkeypatch.setattr(Registry, "commits", fail)
        form.reload()
        assert register.fields["commit"].note == "Recent commits cannot be read: it is broken"
        assert register._commit.rows == []
        fill(register, commit="a" * 40)
        assert register.fields["commit"].note == ""

    def test_hostile_text_is_escaped(self, registry: Registry) -> None:
        new_commit(registry, "<script>alert(1)</script>\x00\u202e")
        register = panel(registry.form(), RegisterPanel)
        html = register._commit.rows[0]._html.value
        assert "&lt;script&gt;" in html
        assert all(part not in html for part in ("<script>", "\x00", "\u202e"))
        fill(register, model="<b>\x00")
        assert "<b>" not in register.fields["model"]._note.widget.value


class TestAssign:
    @pytest.fixture
    def assign(self, registry: Registry) -> AssignPanel:
        return panel(registry.form(), AssignPanel)

    def test_all_steps(self, registry: Registry, assign: AssignPanel) -> None:
        before = tags(registry)
        assert choices(assign, "model") == ["churn", "ner"]
        assert choices(assign, "version") == []
        fill(assign, model="churn")
        assert choices(assign, "version") == ["v1.1.0", "v1.0.0 (prod)"]
        fill(assign, version="v1.1.0")
        assert assign.stages.buttons[0].description == "prod"
        assign.stages.buttons[0].click()
        assert assign.fields["stage"].note == "Now v1.0.0."
        assert tags(registry) == before
        assign.button.click()
        assign.button.click()
        assert tags(registry) == [*before, "churn#prod#2"]
        assert assign.outcome.text == "churn: prod assigned to v1.1.0"
        assert choices(assign, "version") == ["v1.1.0 (prod)", "v1.0.0"]
        assert assign.fields["version"].value is None

    def test_another_model_has_other_versions(self, assign: AssignPanel) -> None:
        fill(assign, model="churn", version="v1.0.0")
        fill(assign, model="ner")
        assert assign.fields["version"].value is None
        assert choices(assign, "version") == ["v0.1.0"]

    @pytest.mark.parametrize(
        ("stage", "error"),
        [
            ("prod", "is in stage 'prod' already"),
            ("v1.0.0", "'v1.0.0' cannot name a stage: it is a version"),
            ("latest", "'latest' cannot name a stage"),
        ],
    )
    def test_a_stage_that_cannot_be_assigned(
        self, assign: AssignPanel, stage: str, error: str
    ) -> None:
        fill(assign, model="churn", version="v1.0.0", stage=stage)
        assert error in assign.fields["stage"].note
        assert assign.button.disabled

    def test_allowed_stages(self) -> None:
        registry = memory_registry({"m": ["v1.0.0"]}, allowed_stages=["dev", "prod"])
        assign = panel(registry.form(), AssignPanel)
        assert [button.description for button in assign.stages.buttons[:3]] == ["dev", "prod", ""]
        fill(assign, model="m", version="v1.0.0", stage="test")
        assert "'test' is not allowed" in assign.fields["stage"].note
        assert assign.button.disabled

    def test_a_file_of_stages_that_cannot_be_read(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0")
        (disk.git_dir.parent / ".gto").write_text("stages: 7\n")
        assign = panel(disk.registry.form(), AssignPanel)
        assert "invalid .gto: " in assign.fields["stage"].note
        fill(assign, model="m", version="v1.0.0", stage="prod")
        assert "invalid .gto: " in assign.fields["stage"].note
        assert assign.button.disabled


class TestUnassign:
    @pytest.fixture
    def unassign(self, registry: Registry) -> UnassignPanel:
        return panel(registry.form(), UnassignPanel)

    def options(self, unassign: UnassignPanel) -> dict[str, Any]:
        return dict(unassign.fields["stage and version"].control.options)

    def test_all_steps(self, registry: Registry) -> None:
        registry.assign("churn", "v1.1.0", "prod")
        form = registry.form()
        unassign = panel(form, UnassignPanel)
        fill(unassign, model="churn")
        options = self.options(unassign)
        assert list(options) == ["", "prod: v1.1.0", "prod: v1.0.0"]
        control = unassign.fields["stage and version"].control
        control.value = options["prod: v1.1.0"]
        assert unassign.fields["stage and version"].note == "v1.0.0 is in prod then."
        unassign.button.click()
        unassign.button.click()
        assert tags(registry)[-1] == "churn#prod!#3"
        assert unassign.outcome.text == "churn: prod unassigned from v1.1.0"
        assert list(self.options(unassign)) == ["", "prod: v1.0.0"]
        control.value = self.options(unassign)["prod: v1.0.0"]
        assert unassign.fields["stage and version"].note == "prod is empty then."

    def test_a_bare_commit(self, registry: Registry) -> None:
        commit = registry.commits()[0].commit
        registry.assign("churn", stage="dev", commit=commit)
        unassign = panel(registry.form(), UnassignPanel)
        fill(unassign, model="churn")
        control = unassign.fields["stage and version"].control
        control.value = self.options(unassign)[f"dev: {commit[:7]}"]
        unassign.button.click()
        assert "dev" not in registry["churn"].stages

    def test_a_stage_that_was_unassigned_concurrently(
        self, registry: Registry, unassign: UnassignPanel
    ) -> None:
        fill(unassign, model="churn")
        registry.unassign("churn", "v1.0.0", "prod")
        field = unassign.fields["stage and version"]
        field.control.value = self.options(unassign)["prod: v1.0.0"]
        assert "is not in stage 'prod'" in field.note
        assert unassign.button.disabled


class TestDeregister:
    def test_all_steps(self, registry: Registry) -> None:
        form = registry.form()
        deregister = panel(form, DeregisterPanel)
        fill(deregister, model="churn", version="v1.1.0")
        assert deregister.fields["version"].note == ""
        fill(deregister, version="v1.0.0")
        assert deregister.fields["version"].note == "It will no longer be in prod."
        fill(deregister, message="It leaks data")
        deregister.button.click()
        deregister.button.click()
        assert tags(registry)[-1] == "churn@v1.0.0!"
        assert registry.history()[-1].message == "It leaks data"
        assert choices(deregister, "version") == ["v1.1.0"]
        assert deregister.outcome.text == "churn: deregistered v1.0.0"


def test_one_action_at_a_time(registry: Registry) -> None:
    form = registry.form()
    titles = [label for label, _ in form.actions.options]
    assert titles == ["Register version", "Assign stage", "Unassign stage", "Deregister version"]
    stack = form.children[3]
    form.actions.value = 2
    assert stack.children[stack.selected_index] is form.panels[2].widget
    assert repr(form) == "<RegistryForm: 2 models>"


def test_a_registry_without_models_and_commits() -> None:
    form = memory_registry(commits=0).form()
    assert [choices(panel(form, kind), "model") for kind in (AssignPanel, UnassignPanel)] == [
        []
    ] * 2
    assert panel(form, RegisterPanel)._commit.rows == []
    assert panel(form, RegisterPanel)._commit._list.layout.display == "none"
    assert "No models yet" in form.dashboard.value


def test_reload_shows_the_error_of_a_registry(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = registry.form()

    def fail(*_: object) -> Any:
        raise RepositoryError("it is gone", location="memory")

    with monkeypatch.context() as context:
        context.setattr(Registry, "items", fail)
        form.reload_button.click()
        assert form.error_note.text == "The registry cannot be read: it is gone"
    form.reload_button.click()
    assert form.error_note.text == ""


def test_a_shallow_clone_may_lack_versions(disk: Builder) -> None:
    assert disk.registry.form().error_note.text == ""
    (disk.git_dir / "shallow").write_text(disk.commits["c1"] + "\n")
    assert "registry.fetch() fetches their tags" in disk.registry.form().error_note.text


def test_a_server_is_contacted_by_the_button_only(
    served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelversions import Identity

    served_repo.tags("m@v1.0.0")
    with (
        served("git", served_repo.repo) as url,
        Registry.open(url, author=Identity("Ann", "ann@example.com")) as registry,
    ):
        register = panel(registry.form(), RegisterPanel)
        assert [row.commit.commit for row in register._commit.rows] == [
            served_repo.commits["c2"],
            served_repo.commits["c1"],
        ]
        with monkeypatch.context() as context:
            context.setattr(Registry, "register", None)
            fill(register, model="m", commit=served_repo.commits["c1"], version="v1.0.0")
        register.button.click()
        assert "is registered already" in register.fields["version"].note
        fill(register, version="v1.1.0", commit=served_repo.commits["c2"])
        register.button.click()
        assert registry.resolve("m@latest").name == "v1.1.0"


def test_the_methods_of_a_panel_are_abstract() -> None:
    registry = memory_registry()
    bare = Panel.__new__(Panel)
    for call in (bare.make_fields, bare.fill_options):
        with pytest.raises(NotImplementedError):
            call()
    with pytest.raises(NotImplementedError):
        bare.write(dry_run=True)
    assert registry.history() == ()


def test_stages_without_a_list_are_those_that_were_assigned(registry: Registry) -> None:
    registry.assign("ner", "v0.1.0", "test", when=START + timedelta(days=1))
    registry.unassign("ner", "v0.1.0", "test", when=START + timedelta(days=2))
    assert panels.State(registry, is_local=True).stages == ("prod", "test")


def test_without_ipywidgets(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("modelversions.display.form.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'modelversions\[notebook\]'"):
        registry.form()
