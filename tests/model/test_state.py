"""F13-F21: versions and stages computed from events; the order of listing does not matter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelversions import Event, EventKind, Identity, Model, SemVer
from modelversions.model.state import replay_events
from tests.builders import Builder, at

ANN = Identity("Ann", "ann@example.com")


def model(*tags: tuple[str, str, int]) -> Model:
    """Create tags, each of a name, a commit's label and a time; return the model ``m``."""
    builder = Builder()
    for label in sorted({label for _, label, _ in tags}):
        builder.commit(label)
    for name, label, time in tags:
        builder.tag(name, label, time)
    found = builder.registry["m"]
    assert isinstance(found, Model)
    return found


def held(found: Model) -> dict[str, str]:
    return {stage: version.name for stage, version in found.stages.items()}


class TestOrderOfEvents:
    """F13."""

    def test_time_precedes_counter(self) -> None:
        found = model(("m#prod#2", "c1", 1), ("m#prod#1", "c1", 2))
        assert [event.counter for event in found.history] == [2, 1]

    def test_within_one_second_no_counter_then_counter_then_kind_then_name(self) -> None:
        tags = ["m@v1.0.0", "m@v2.0.0", "m@v1.0.0!", "m#b!", "m@deprecated", "m@v1.0.0#1", "m#a#1"]
        found = model(*((tag, "c1", 5) for tag in reversed(tags)))
        expected = ["m@v1.0.0", "m@v2.0.0", "m@v1.0.0!", "m#b!", "m@deprecated"]
        assert [event.tag for event in found.history] == [*expected, "m@v1.0.0#1", "m#a#1"]


class TestVersions:
    """F15, F16 and F20."""

    def test_latest_is_the_greatest_not_the_newest(self) -> None:
        found = model(("m@v2.0.0", "c1", 1), ("m@v1.10.0", "c2", 2), ("m@v1.9.0", "c3", 3))
        assert [version.name for version in found] == ["v2.0.0", "v1.10.0", "v1.9.0"]
        assert found.latest is not None
        assert found.latest.name == "v2.0.0"
        assert found.newest is not None
        assert found.newest.name == "v1.9.0"

    def test_a_prerelease_may_be_the_latest(self) -> None:
        found = model(("m@v1.0.0", "c1", 1), ("m@v2.0.0-rc.1", "c2", 2))
        assert found.latest is not None
        assert found.latest.name == "v2.0.0-rc.1"

    def test_of_equal_precedence_the_one_first_registered_last_is_greatest(self) -> None:
        tags = [("m@v1.0.0+b", "c1", 1), ("m@v1.0.0+a", "c2", 2), ("m@v1.0.0", "c3", 0)]
        found = model(*tags, ("m@v1.0.0+b#1", "c1", 3))
        assert [version.name for version in found] == ["v1.0.0+a", "v1.0.0+b", "v1.0.0"]
        assert found.latest == found[0]

    def test_a_stage_assigned_before_the_registration_does_not_change_its_order(self) -> None:
        tags = [("m@v1.0.0+b", "c1", 1), ("m#prod#1", "c2", 2), ("m@v1.0.0+a", "c2", 3)]
        assert [version.name for version in model(*tags)] == ["v1.0.0+a", "v1.0.0+b"]

    def test_a_deregistered_version_is_not_active(self) -> None:
        found = model(("m@v1.0.0", "c1", 1), ("m@v2.0.0", "c2", 2), ("m@v2.0.0!", "c2", 3))
        assert [version.name for version in found] == ["v1.0.0"]
        assert [version.name for version in found.all_versions] == ["v2.0.0", "v1.0.0"]
        assert [version.active for version in found.all_versions] == [False, True]
        assert found.latest is not None
        assert found.latest.name == "v1.0.0"

    def test_a_deregistration_may_be_at_another_commit(self) -> None:
        found = model(("m@v1.0.0", "c1", 1), ("m@v1.0.0!", "c2", 2))
        assert found.latest is None
        assert found.newest is None

    def test_a_new_registration_determines_commit_time_author_message_and_tag(self) -> None:
        tags = [("m@v1.0.0", "c1", 1), ("m@v1.0.0!", "c1", 2), ("m@v1.0.0#3", "c2", 3)]
        found = model(*tags)
        version = found["v1.0.0"]
        assert (version.tag, version.registered_at) == ("m@v1.0.0#3", at(3))
        assert version.commit == found.history[-1].commit
        assert (version.author, version.message) == (ANN, "a tag")
        assert version.history == found.history

    def test_two_tags_for_one_event_are_two_events(self) -> None:
        found = model(("m@v1.0.0", "c1", 1), ("m@v1.0.0#3", "c1", 2))
        assert len(found.history) == 2
        assert len(found) == 1

    def test_a_deregistration_alone_creates_no_version(self) -> None:
        found = model(("m@v1.0.0!", "c1", 1))
        assert (len(found.all_versions), len(found.history), found.latest) == (0, 1, None)


class TestStages:
    """F17 and F18."""

    def test_assignments_of_one_version_at_two_commits_are_independent(self) -> None:
        tags = [("m@v1.0.0", "c1", 1), ("m#prod#1", "c2", 2), ("m#prod#2", "c1", 3)]
        found = model(*tags, ("m@v1.0.0!", "c1", 4), ("m@v1.0.0#3", "c2", 5))
        assert held(found) == {"prod": "v1.0.0"}
        found = model(*tags, ("m@v1.0.0#3", "c2", 4), ("m#prod!#4", "c1", 5))
        assert [version.name for version in found.holders("prod")] == ["v1.0.0"]

    def test_the_newest_assignment_determines_the_holder_even_of_a_smaller_version(self) -> None:
        tags = [("m@v1.0.0", "c1", 1), ("m@v2.0.0", "c2", 2)]
        found = model(*tags, ("m#prod#1", "c2", 3), ("m#prod#2", "c1", 4))
        assert held(found) == {"prod": "v1.0.0"}
        assert [version.name for version in found.holders("prod")] == ["v1.0.0", "v2.0.0"]
        assert found["v1.0.0"].stages == ("prod",)
        assert found["v2.0.0"].stages == ()
        assert found.holders("dev") == ()

    def test_one_unassignment_ends_two_assignments_of_one_version(self) -> None:
        tags = [("m@v1.0.0", "c1", 1), ("m@v2.0.0", "c1", 2), ("m#prod#1", "c1", 3)]
        found = model(*tags, ("m#prod#2", "c1", 4), ("m#prod!#3", "c1", 5), ("m#prod!#4", "c1", 6))
        assert held(found) == {}
        assert [event.version for event in found.history[2:]] == [SemVer(2, 0, 0)] * 4

    def test_an_unassignment_restores_the_previous_holder(self) -> None:
        tags = [("m@v1.0.0", "c1", 1), ("m@v2.0.0", "c2", 2), ("m#prod#1", "c2", 3)]
        found = model(*tags, ("m#prod#2", "c1", 4), ("m#prod!#3", "c1", 5))
        assert held(found) == {"prod": "v2.0.0"}

    def test_a_deregistration_restores_the_previous_holder(self) -> None:
        tags = [("m@v1.0.0", "c1", 1), ("m@v2.0.0", "c2", 2), ("m#prod#1", "c1", 3)]
        found = model(*tags, ("m#prod#2", "c2", 4), ("m@v2.0.0!", "c2", 5))
        assert held(found) == {"prod": "v1.0.0"}

    def test_a_repeated_assignment_is_the_newest(self) -> None:
        tags = [("m@v1.0.0", "c1", 1), ("m@v2.0.0", "c2", 2), ("m#prod#1", "c1", 3)]
        found = model(*tags, ("m#prod#2", "c2", 4), ("m#prod#3", "c1", 5))
        assert held(found) == {"prod": "v1.0.0"}

    def test_an_unassignment_of_a_stage_not_held_changes_nothing(self) -> None:
        found = model(("m@v1.0.0", "c1", 1), ("m#prod#1", "c1", 2), ("m#dev!#2", "c1", 3))
        assert held(found) == {"prod": "v1.0.0"}
        assert found.history[-1].version == SemVer(1, 0, 0)

    def test_a_registration_at_the_same_commit_restores_the_stage(self) -> None:
        tags = [("m@v1.0.0", "c1", 1), ("m#prod#1", "c1", 2), ("m@v1.0.0!", "c1", 3)]
        assert held(model(*tags)) == {}
        assert held(model(*tags, ("m@v1.0.0#4", "c1", 4))) == {"prod": "v1.0.0"}

    def test_a_registration_at_another_commit_does_not_restore_the_stage(self) -> None:
        tags = [("m@v1.0.0", "c1", 1), ("m#prod#1", "c1", 2), ("m@v1.0.0!", "c1", 3)]
        assert held(model(*tags, ("m@v1.0.0#4", "c2", 4))) == {}

    def test_a_stage_on_a_bare_commit_is_shown_by_its_sha(self) -> None:
        found = model(("m#prod#1", "c1", 1))
        holder = found.stages["prod"]
        assert (holder.name, holder.semver) == (holder.commit, None)
        assert (holder.tag, holder.registered_at, holder.active) == ("m#prod#1", None, True)
        assert (holder.author, holder.message) == (ANN, "a tag")
        assert found.history[0].version is None
        assert held(model(("m#prod#1", "c1", 1), ("m#prod!#2", "c1", 2))) == {}

    def test_a_version_registered_later_holds_the_stage_of_its_commit(self) -> None:
        found = model(("m#prod#1", "c1", 1), ("m@v1.0.0", "c1", 2), ("m@v2.0.0", "c1", 3))
        assert held(found) == {"prod": "v1.0.0"}

    def test_of_several_at_a_commit_the_last_registered_before_the_assignment(self) -> None:
        tags = [("m@v2.0.0", "c1", 1), ("m@v1.0.0", "c1", 3), ("m#dev#1", "c1", 2)]
        found = model(*tags, ("m#prod#2", "c1", 4), ("m@v3.0.0", "c1", 5))
        assert held(found) == {"dev": "v2.0.0", "prod": "v1.0.0"}

    def test_of_several_at_a_commit_one_that_is_still_registered(self) -> None:
        tags = [("m@v1.0.0", "c1", 1), ("m@v2.0.0", "c1", 2), ("m@v2.0.0!", "c1", 3)]
        assert held(model(*tags, ("m#prod#1", "c1", 4))) == {"prod": "v1.0.0"}
        ended = model(*tags, ("m@v1.0.0!", "c1", 4), ("m#prod#1", "c1", 5))
        assert held(ended) == {}
        assert ended.history[-1].version == SemVer(2, 0, 0)

    def test_of_several_holders_the_first_is_shown_with_its_commit(self) -> None:
        found = model(
            ("m@v1.0.0", "c1", 1),
            ("m@v2.0.0", "c2", 2),
            ("m#prod#1", "c1", 3),
            ("m#prod#2", "c2", 4),
        )
        assert [one.name for one in found.holders("prod")] == ["v2.0.0", "v1.0.0"]
        holder = found.stages["prod"]
        assert (holder.name, holder.commit, holder.tag) == (
            "v2.0.0",
            found["v2.0.0"].commit,
            "m@v2.0.0",
        )

    def test_each_unassignment_ends_one_of_the_assignments_of_two_versions(self) -> None:
        tags = ["m@v1.0.0", "m#prod#1", "m@v2.0.0", "m#prod#2", "m@v2.0.0!", "m#prod#3"]
        tags += ["m#prod!#4", "m#prod!#5", "m@v2.0.0#6"]
        assert held(model(*((tag, "c1", time) for time, tag in enumerate(tags)))) == {}

    def test_a_bare_commit_is_shown_with_its_newest_assignment(self) -> None:
        found = model(("m#a#1", "c1", 1), ("m#b#2", "c1", 2), ("m#b!#3", "c1", 3))
        assert list(found.stages) == ["a"]
        assert found.stages["a"].tag == "m#b#2"

    @pytest.mark.parametrize(("old", "new"), [("c1", "c2"), ("c2", "c1")])
    def test_a_version_that_moved_is_still_registered_at_its_old_commit(
        self, old: str, new: str
    ) -> None:
        tags = [("m@v1.0.0", old, 1), ("m@v2.0.0", old, 2), ("m@v2.0.0#2", new, 3)]
        assert held(model(*tags, ("m#prod", old, 4))) == {"prod": "v2.0.0"}
        tags.append(("m@v2.0.0!#3", new, 4))
        assert held(model(*tags, ("m#prod", old, 5))) == {"prod": "v1.0.0"}

    def test_an_unassignment_at_a_shared_commit_ends_what_is_in_force_there(self) -> None:
        tags = [("m@v1.0.0", "c1", 1), ("m#prod#1", "c1", 2), ("m@v2.0.0", "c1", 3)]
        assert held(model(*tags, ("m#prod!#2", "c1", 4))) == {}
        both = [*tags, ("m#prod#2", "c1", 4), ("m#prod!#3", "c1", 5)]
        assert held(model(*both)) == {"prod": "v1.0.0"}
        assert held(model(*both, ("m#prod!#4", "c1", 6))) == {}
        again = [("m#prod#4", "c1", 6), ("m#prod!#5", "c1", 7), ("m#prod!#6", "c1", 8)]
        assert held(model(*both, *again)) == {}

    def test_an_unassignment_at_another_commit_of_the_version(self) -> None:
        tags = [("m@v1.0.0", "c1", 1), ("m#prod#1", "c1", 2), ("m@v1.0.0#2", "c2", 3)]
        assert held(model(*tags)) == {"prod": "v1.0.0"}
        ends = [("m#prod!#3", "c2", 4), ("m#prod!#4", "c1", 5)]
        assert held(model(*tags, *ends)) == {}


class TestDeprecation:
    """F19."""

    def test_deprecated_until_a_later_event(self) -> None:
        tags = [("m@v1.0.0", "c1", 1), ("m@deprecated", "c1", 2)]
        found = model(*tags)
        assert found.deprecated
        assert found.latest is not None
        assert not model(*tags, ("m#prod#1", "c1", 3)).deprecated


COMMITS = [letter * 40 for letter in "abc"]
VERSIONS = [SemVer(1, 0, 0), SemVer(1, 0, 0, build="x"), SemVer(2, 0, 0)]


@st.composite
def events(draw: st.DrawFn) -> Event:
    kind = draw(st.sampled_from(EventKind))
    version = draw(st.sampled_from(VERSIONS)) if kind.is_about_a_version else None
    stage = draw(st.sampled_from(["prod", "dev"])) if kind.is_about_a_stage else None
    counter = draw(st.one_of(st.none(), st.integers(1, 9)))
    time = at(draw(st.integers(0, 6)))
    commit = draw(st.sampled_from(COMMITS))
    tag = f"m@{kind.value}{version}{stage}{counter}"
    return Event(kind, "m", version, stage, commit, tag, counter, time, ANN, "")


@given(st.lists(events(), unique_by=lambda event: event.tag, max_size=25), st.randoms())
def test_the_state_does_not_depend_on_the_order_of_listing(
    found: list[Event], random: object
) -> None:
    expected = replay_events(found)
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    for state in (replay_events(shuffled), replay_events(expected.history)):
        assert state.history == expected.history
        assert state.stages == expected.stages
        assert state.by_key == expected.by_key
        assert state.versions == expected.versions
        assert state.problems == expected.problems


@given(st.lists(events(), unique_by=lambda event: event.tag, max_size=25))
def test_holders_are_active_and_every_version_is_listed_once(found: list[Event]) -> None:
    state = replay_events(found)
    registered = {e.version for e in found if e.kind is EventKind.REGISTRATION}
    assert len(state.versions) == len(registered)
    assert {holder.key for holder in state.versions} == registered
    for keys in state.stages.values():
        assert keys
        assert len(set(keys)) == len(keys)
        assert all(state.by_key[key].active for key in keys)
    for holder in state.versions:
        newest = [e for e in state.history if e.version == holder.key and e.kind.is_about_a_version]
        assert holder.active == (newest[-1].kind is EventKind.REGISTRATION)


class TestProblems:
    """Problems of several tags together."""

    def test_a_version_registered_again_at_its_commit_has_not_moved(self) -> None:
        found = model(("m@v1.0.0", "c1", 1), ("m@v1.0.0#2", "c1", 2))
        assert found.problems == ()

    def test_a_shared_commit_is_named_by_seven_digits(self) -> None:
        found = model(("m@v1.0.0", "c1", 1), ("m@v2.0.0", "c1", 2))
        (problem,) = found.problems
        commit = found["v1.0.0"].commit[:7]
        assert problem.message.startswith(
            f"v1.0.0 was registered at the same commit, {commit}: GTO"
        )

    def test_equal_counters_are_in_order(self) -> None:
        assert model(("m@v1.0.0#0", "c1", 1), ("m@v1.0.0!#0", "c1", 2)).problems == ()
