"""The timeline of stages (F17), and the registry as of a moment."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelversions import Event, EventKind, Identity, Model, Registry, RegistryView, SemVer, Span
from modelversions.model.stage_spans import stage_spans
from modelversions.model.state import replay_events
from tests.builders import Builder, at
from tests.model.test_state import events

ANN = Identity("Ann", "ann@example.com")


def lines(model: Model) -> list[str]:
    """Return the spans of a timeline as text, with seconds after the start."""
    return [
        f"{span.stage} {span.version.name[:6]} {seconds(span.start)}-{seconds(span.end)}"
        for span in model.timeline()
    ]


def seconds(when: object) -> str:
    return "" if when is None else str(round((when - at(0)).total_seconds()))  # type: ignore[operator]


@pytest.fixture
def history(builder: Builder) -> Builder:
    builder.commit("c2", 1, "c1")
    builder.commit("c3", 2, "c2")
    builder.tag("m@v1.0.0", "c1", 10)
    builder.tag("m@v2.0.0", "c2", 20)
    return builder


class TestTimeline:
    def test_no_stage(self, history: Builder) -> None:
        assert history.registry["m"].timeline() == ()

    def test_a_span_ends_where_the_next_one_begins(self, history: Builder) -> None:
        history.tag("m#prod#1", "c1", 30)
        history.tag("m#prod#2", "c2", 40)
        history.tag("m#dev#3", "c2", 35)
        model = history.registry["m"]
        assert lines(model) == ["prod v1.0.0 30-40", "dev v2.0.0 35-", "prod v2.0.0 40-"]
        assert model.timeline()[-1] == Span("prod", model["v2.0.0"], at(40), None)
        first, *_, last = map(repr, model.timeline())
        assert first == f"<Span m@v1.0.0 in prod from {at(30)} to {at(40)}>"
        assert last == f"<Span m@v2.0.0 in prod from {at(40)}>"

    def test_an_unassignment_restores_the_previous_holder(self, history: Builder) -> None:
        history.tag("m#prod#1", "c1", 30)
        history.tag("m#prod#2", "c2", 40)
        history.tag("m#prod!#3", "c2", 50)
        history.tag("m#prod!#4", "c1", 60)
        assert lines(history.registry["m"]) == [
            "prod v1.0.0 30-40",
            "prod v2.0.0 40-50",
            "prod v1.0.0 50-60",
        ]

    def test_a_new_registration_restores_the_holder(self, history: Builder) -> None:
        history.tag("m#prod#1", "c1", 30)
        history.tag("m#prod#2", "c2", 40)
        history.tag("m@v2.0.0!#3", "c2", 50)
        history.tag("m@v1.0.0!#4", "c1", 60)
        history.tag("m@v2.0.0#5", "c2", 70)
        history.tag("m@v2.0.0!#6", "c2", 80)
        history.tag("m@v1.0.0#7", "c1", 90)
        assert lines(history.registry["m"]) == [
            "prod v1.0.0 30-40",
            "prod v2.0.0 40-50",
            "prod v1.0.0 50-60",
            "prod v2.0.0 70-80",
            "prod v1.0.0 90-",
        ]

    def test_a_bare_commit_holds_a_stage_until_a_version_is_registered(
        self, history: Builder
    ) -> None:
        history.tag("m#prod#1", "c3", 30)
        history.tag("m@v3.0.0", "c3", 40)
        model = history.registry["m"]
        sha = history.commits["c3"]
        assert lines(model) == [f"prod {sha[:6]} 30-40", "prod v3.0.0 40-"]
        bare = model.timeline()[0].version
        assert (bare.is_bare_commit, bare.commit, bare.stages) == (True, sha, ())
        assert [event.tag for event in bare.history] == ["m#prod#1"]

    def test_a_bare_commit_that_still_holds_a_stage(self, history: Builder) -> None:
        history.tag("m#prod#1", "c3", 30)
        model = history.registry["m"]
        assert model.timeline() == (Span("prod", model.stages["prod"], at(30), None),)

    def test_events_of_one_second_are_applied_together(self, history: Builder) -> None:
        history.tag("m#prod#1", "c1", 30)
        history.tag("m#prod#2", "c2", 40)
        history.tag("m#prod#3", "c1", 40)
        history.tag("m#dev#4", "c1", 50)
        history.tag("m#dev!#5", "c1", 50)
        assert lines(history.registry["m"]) == ["prod v1.0.0 30-"]

    def test_a_deprecation_changes_nothing(self, history: Builder) -> None:
        history.tag("m#prod#1", "c1", 30)
        history.tag("m@deprecated", "c1", 40)
        assert lines(history.registry["m"]) == ["prod v1.0.0 30-"]

    def test_dictionaries_and_rows(self, history: Builder) -> None:
        history.tag("m#prod#1", "c1", 30)
        history.tag("m#prod!#2", "c1", 40)
        history.tag("m#prod#3", "c1", 50, zone="+0200")
        model = history.registry["m"]
        assert model.timeline()[1].to_dict() == {
            "schema": 1,
            "model": "m",
            "stage": "prod",
            "version": "v1.0.0",
            "commit": history.commits["c1"],
            "start": "2023-11-15T00:14:10+02:00",
            "end": None,
        }
        rows = model.to_records("timeline")
        assert [(row["start"], row["end"]) for row in rows] == [(at(30), at(40)), (at(50), None)]
        history.tag("n@v1.0.0", "c1", 60)
        history.tag("n#dev#1", "c1", 70)
        of_all = history.registry.to_records("timeline")
        assert of_all[:2] == rows
        assert [row["model"] for row in of_all] == ["m", "m", "n"]


@given(st.lists(events(), unique_by=lambda event: event.tag, max_size=25))
def test_the_holders_of_a_moment_are_those_of_the_events_until_then(found: list[Event]) -> None:
    state = replay_events(found)
    spans = stage_spans(state.history)
    assert spans == sorted(spans, key=lambda span: (span.start, span.stage))
    for moment in map(at, range(8)):
        then = replay_events([event for event in found if event.time <= moment])
        assert {
            span.stage: span.holder
            for span in spans
            if span.start <= moment and (span.end is None or moment < span.end)
        } == {stage: holder for stage, (holder, _) in then.holders.items()}
    for span in spans:
        assert span.end is None or span.start < span.end


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Disable the collector, which would traverse the objects of other tests."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_many_versions_that_are_deregistered_again() -> None:
    def taken(count: int) -> float:
        history = list(register_and_deregister(count))
        start = time.process_time()
        spans = stage_spans(history)
        assert len(spans) == 2 * count - 1
        return time.process_time() - start

    small = min(taken(500) for _ in range(3))
    large = min(taken(5_000) for _ in range(3))
    assert large < 40 * small


@pytest.mark.usefixtures("no_collector")
def test_many_stages() -> None:
    def taken(count: int) -> float:
        history = [
            one
            for number in range(count)
            for one in (
                event(EventKind.REGISTRATION, number, 10 * number),
                event(EventKind.ASSIGNMENT, number, 10 * number + 1, f"stage-{number}"),
            )
        ]
        start = time.process_time()
        assert len(stage_spans(history)) == count
        return time.process_time() - start

    small = min(taken(300) for _ in range(3))
    large = min(taken(3_000) for _ in range(3))
    assert large < 40 * small


def register_and_deregister(count: int) -> Iterable[Event]:
    """Yield registrations with assignments of many versions, then their deregistrations."""
    kinds = EventKind.REGISTRATION, EventKind.ASSIGNMENT
    for number in range(count):
        for step, kind in enumerate(kinds):
            yield event(kind, number, 10 * number + step)
    for number in reversed(range(count)):
        yield event(EventKind.DEREGISTRATION, number, 20 * count - number)


def event(kind: EventKind, number: int, time: int, name: str = "prod") -> Event:
    stage = name if kind.is_about_a_stage else None
    version, commit = SemVer(1, number, 0), f"{number:040}"
    tag = f"m@{kind.value}{number}"
    return Event(kind, "m", version, stage, commit, tag, None, at(time), ANN, "")


NAMES = [
    *("m@v1.0.0", "m@v1.0.0!", "m@v1.0.0#7", "m@v2.0.0", "m@v2.0.0!#3", "m@deprecated"),
    *("m#prod#1", "m#prod#2", "m#prod!#3", "m#dev#1", "m#dev!", "n@v1.0.0", "n#prod#1", "release"),
]


@settings(max_examples=40)  # each one is a repository for each event
@given(
    st.dictionaries(
        st.sampled_from(NAMES), st.tuples(st.sampled_from(["c1", "c2"]), st.integers(0, 4))
    )
)
def test_at_each_event_the_registry_is_that_of_the_tags_until_then(
    tags: dict[str, tuple[str, int]],
) -> None:
    registry = registry_of(tags)
    history = registry.history()
    for event in history:
        until = {one.tag for one in history if one.order <= event.order}
        assert_same(registry.as_of(event), {name: tags[name] for name in tags if name in until})
        until |= {one.tag for one in history if one.time == event.time}
        then = registry.as_of(event.time)
        assert_same(then, {name: tags[name] for name in tags if name in until})


def registry_of(tags: dict[str, tuple[str, int]]) -> Registry:
    builder = Builder()
    builder.commit("c1")
    builder.commit("c2", 1, "c1")
    for name, (commit, seconds_after) in tags.items():
        builder.tag(name, commit, seconds_after)
    return builder.registry


def assert_same(view: object, tags: dict[str, tuple[str, int]]) -> None:
    """Assert that a view returns the same as a repository with only these tags."""
    assert isinstance(view, RegistryView)
    expected = registry_of(tags)
    assert view.history() == expected.history()
    assert view.latest() == expected.latest()
    assert list(view.values()) == list(expected.values())
    assert view.problems() == expected.problems()
    for name, model in expected.items():
        assert dict(view[name].stages) == dict(model.stages)
        assert view[name].deprecated == model.deprecated
        assert view[name].all_versions == model.all_versions


@pytest.mark.usefixtures("no_collector")
def test_a_board_of_many_stages(builder: Builder) -> None:
    def taken(count: int) -> float:
        builder.tags(*(f"m{count}#stage-{number}#{number + 1}" for number in range(count)))
        model = builder.registry[f"m{count}"]
        assert len(model.history) == count
        start = time.process_time()
        assert list(model.board()) == [f"stage-{count - 1}"]
        return time.process_time() - start

    assert taken(1_000) < 40 * max(taken(100), 0.001)
