"""Models, versions, and the messages of errors about them."""

from __future__ import annotations

import pickle

import pytest

from modelversions import Model, Registry, SemVer, StageNotFoundError, VersionNotFoundError
from tests.builders import Builder, at


def test_models_are_equal_if_they_have_the_same_tags(builder: Builder) -> None:
    builder.tags("m@v1.0.0")
    before = builder.registry["m"]
    assert before == builder.registry["m"]
    builder.tag("m#prod#1", at=20)
    assert before != builder.registry["m"]


def test_versions_are_equal_if_they_are_the_same_registration(builder: Builder) -> None:
    builder.commit("c2")
    builder.tag("m@v1.0.0", "c1", 10)
    first = builder.registry["m"][0]
    builder.tag("m@v1.0.0#1", "c1", 20)
    second = builder.registry["m"][0]
    builder.tag("m@v1.0.0#2", "c2", 30)
    third = builder.registry["m"][0]
    builder.tag("m@v1.1.0", "c2", 40)
    fourth = builder.registry["m"][0]
    versions = [first, second, third, fourth]
    assert len(set(versions)) == 4
    for index, one in enumerate(versions):
        assert [one == other for other in versions] == [index == at for at in range(4)]
        assert not one < one  # noqa: PLR0124  # compared with itself on purpose
        assert not one > one  # noqa: PLR0124


class TestBoard:
    """Each version is in its newest stage only."""

    @pytest.mark.parametrize("stages", ["ab", "ba", "abc", "cba", "bca"])
    def test_the_stage_that_was_assigned_last(self, builder: Builder, stages: str) -> None:
        builder.tags("m@v1.0.0", *(f"m#{stage}#{at}" for at, stage in enumerate(stages)))
        model = builder.registry["m"]
        assert model.board() == {stages[-1]: (model[0],)}

    def test_versions_of_one_stage(self, builder: Builder) -> None:
        builder.commit("c2")
        builder.tag("m@v1.0.0", "c1", 10)
        builder.tag("m@v2.0.0", "c2", 20)
        builder.tag("m#a#1", "c1", 30)
        builder.tag("m#b#2", "c2", 40)
        builder.tag("m#b#3", "c1", 50)
        builder.tag("m#a#4", "c2", 60)
        model = builder.registry["m"]
        assert model.board() == {"a": (model["v2.0.0"],), "b": (model["v1.0.0"],)}


class TestHints:
    @pytest.mark.parametrize(
        ("number", "more"), [(0, ""), (4, ""), (5, ""), (6, ", …"), (7, ", …")]
    )
    def test_at_most_five_versions_are_named(
        self, builder: Builder, number: int, more: str
    ) -> None:
        builder.tags("m#prod#1", *(f"m@v1.{minor}.0" for minor in range(number)))
        names = [f"v1.{minor}.0" for minor in reversed(range(number))][:5]
        with pytest.raises(VersionNotFoundError) as caught:
            builder.registry["m"]["v7.0.0"]
        assert str(caught.value).endswith(f"active versions: {', '.join(names) or 'none'}{more}")

    def test_only_a_problem_of_the_version_is_named(self, builder: Builder) -> None:
        builder.tags("m@v5.0.0")
        for name in ("v4.0.0", "v6.0.0", "v8.0.0"):
            builder.ref(f"refs/tags/m@{name}", builder.commits["c1"])
        with pytest.raises(VersionNotFoundError, match="its tag 'm@v6.0.0' is a problem"):
            builder.registry["m"]["v6.0.0"]
        with pytest.raises(VersionNotFoundError, match="active versions: v5.0.0$"):
            builder.registry["m"]["v7.0.0"]

    def test_the_stages_that_are_held(self, builder: Builder) -> None:
        builder.tags("m@v1.0.0")
        with pytest.raises(StageNotFoundError, match="stages held: none$"):
            builder.registry["m"].stages["qa"]
        builder.tag("m#dev#1", at=20)
        builder.tag("m#prod#2", at=30)
        with pytest.raises(StageNotFoundError, match="stages held: 'dev', 'prod'$"):
            builder.registry["m"].stages["qa"]


def test_a_bare_commit_has_the_events_at_it_only(builder: Builder) -> None:
    """F18.4, for each order of the commits' ids."""
    labels = ["c1", "c2", "c3"]
    builder.commit("c2", 1)
    builder.commit("c3", 2)
    for round_ in range(2):
        for number, label in enumerate(labels):
            builder.tag(f"m#s{number}#{round_ * 10 + number}", label, round_ * 100 + number)
    for number, label in enumerate(labels):
        builder.tag(f"m#s{number}!#{20 + number}", label, 200 + number)
        builder.tag(f"m#s{number}!#{30 + number}", label, 300 + number)
    model: Model = builder.registry["m"]
    for span in model.timeline():
        label = labels[int(span.stage[1:])]
        number = labels.index(label)
        assert span.version.commit == builder.commits[label]
        assert span.start == at(number)
        assert span.version.tag == f"m#s{number}#{10 + number}", "the newest assignment"
        assert {event.stage for event in span.version.history} == {span.stage}
        assert len(span.version.history) == 4
    assert len(model.timeline()) == 3


def test_a_version_and_its_history_have_links_in_a_notebook(builder: Builder) -> None:
    builder.tags("m@v1.0.0")
    url = "https://host.example/commit/{commit}"
    version = Registry.from_repo(builder.repo, commit_url=url)["m"]["v1.0.0"]
    link = url.format(commit=version.commit)
    assert link in version._repr_html_()
    assert link in version.history._repr_html_()


def test_the_index_of_a_version(builder: Builder) -> None:
    model = builder.tags("m@v1.0.0", "m@v2.0.0", "m@v3.0.0").registry["m"]
    for value in ("v1.0.0", SemVer.parse("v1.0.0"), model[-1]):
        assert model.index(value) == model.index(value, -1) == model.index(value, 1, 5) == 2
        with pytest.raises(ValueError, match="is not among the active versions of model 'm'"):
            model.index(value, 0, -1)
    with pytest.raises(ValueError, match="None is not among"):
        model.index(None)


def test_a_version_of_another_model(builder: Builder) -> None:
    builder.tags("m@v1.0.0", "n@v1.0.0")
    registry = builder.registry
    other = registry["n"].latest
    assert other is not None
    assert other not in registry["m"]
    with pytest.raises(
        VersionNotFoundError, match="'n@v1.0.0' is not a version of model 'm'; pass one"
    ):
        registry["m"][other]


def test_a_version_is_not_equal_to_other_values(builder: Builder) -> None:
    builder.tags("m@v1.0.0")
    version = builder.registry["m"]["v1.0.0"]
    assert (version == "v1.0.0") is False
    assert (version == builder.registry["m"]["v1.0.0"]) is True
    assert builder.registry["m"][pickle.loads(pickle.dumps(version))] == version


def test_an_early_deregistration_does_not_order_versions(builder: Builder) -> None:
    """Versions of equal precedence are ordered by their first registrations (F16)."""
    builder.commit("c2", 1)
    builder.tag("m@v1.0.0+a!", at=10)
    builder.tag("m@v1.0.0+b", "c2", at=20)
    builder.tag("m@v1.0.0+a", at=30)
    model = builder.registry["m"]
    first, second = model["v1.0.0+b"], model["v1.0.0+a"]
    assert [event.tag for event in second.history] == ["m@v1.0.0+a!", "m@v1.0.0+a"]
    assert max(first, second) == max(second, first) == model.latest


def test_a_model_links_to_the_web_pages_of_its_commits(builder: Builder) -> None:
    builder.tags("m@v1.0.0")
    registry = Registry.from_repo(builder.repo, commit_url="https://host/{commit}")
    assert f'href="https://host/{builder.commits["c1"]}"' in registry["m"]._repr_html_()
