"""Dictionaries of JSON types, and rows for data frames."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from modelversions import (
    Change,
    ChangeKind,
    Event,
    EventKind,
    Identity,
    InvalidArgumentError,
    MissingExtraError,
    Model,
    Problem,
    ProblemKind,
    Registry,
    Signature,
    SignatureStatus,
    SyncResult,
    VersionExistsError,
)
from modelversions.git.local.local_store import LocalStore
from modelversions.git.store import TagObject, TagRef
from modelversions.git.sync import Conflict
from modelversions.json_types import to_json
from modelversions.testing import memory_registry
from tests.builders import Builder, at

ANN = Identity("Ann", "ann@example.com")
KINDS = ("models", "versions", "stages", "history", "problems", "timeline")


class Frame:
    """Record the arguments of a data frame."""

    def __init__(self, rows: list[object], columns: list[str]) -> None:
        self.rows = rows
        self.columns = columns
        self.types: dict[str, str] = {}

    def astype(self, types: dict[str, str]) -> Frame:
        self.types = types
        return self


@pytest.fixture
def sample(builder: Builder) -> Registry:
    c1 = builder.commits["c1"]
    builder.commit("c2", 1, "c1")
    builder.tag("churn@v1.0.0", "c1", 10)
    builder.tag("churn@v2.0.0", "c2", 20)
    builder.tag("churn#prod#3", "c1", 30)
    builder.tag("churn#dev#4", "c2", 40)
    builder.tag("other@v1.0.0", "c1", 50)
    builder.tag("other@deprecated", "c1", 60)
    builder.tag("third#dev#1", "c2", 70)
    builder.ref("refs/tags/light@v1.0.0", c1)
    return builder.registry


class TestDictionaries:
    def test_an_event(self, sample: Registry) -> None:
        event = sample["churn"].history[0]
        assert event.to_dict() == {
            "schema": 1,
            "kind": "registration",
            "model": "churn",
            "version": "v1.0.0",
            "stage": None,
            "commit": event.commit,
            "tag": "churn@v1.0.0",
            "counter": None,
            "time": "2023-11-14T22:13:30+00:00",
            "author": {"name": "Ann", "email": "ann@example.com"},
            "message": event.message,
        }

    def test_from_dict_is_the_inverse_of_to_dict(self, sample: Registry) -> None:
        for event in sample.history():
            assert Event.from_dict(json.loads(json.dumps(event.to_dict()))) == event
        anonymous = sample.history()[0].to_dict() | {"author": None}
        assert Event.from_dict(anonymous).author is None

    @pytest.mark.parametrize(
        "invalid",
        [
            {"kind": "nothing"},
            {"version": "1.0"},
            {"version": None},
            {"time": "noon"},
            {"time": 3},
            {"time": "2024-01-01"},
            {"author": 3},
            {"author": {"name": "Ann", "email": None}},
            {"model": 5},
            {"model": "other"},
            {"stage": "prod"},
            {"counter": 1},
            {"commit": "HEAD"},
            {"message": None},
            {"tag": "release-1"},
            {"schema": 2},
            {"author": {}},
            {"time": "2024-01-01T00:00:00.5+00:00"},
            {"time": "2024-01-01T00:00:00+00:00:30"},
            {"time": "0001-01-01T00:00:00+23:59"},
        ],
    )
    def test_an_invalid_dictionary(self, sample: Registry, invalid: dict[str, Any]) -> None:
        data = sample.history()[0].to_dict()
        with pytest.raises(InvalidArgumentError, match="not the dictionary of an event: "):
            Event.from_dict(data | invalid)
        others: list[Any] = [None, [], "x"]
        for other in others:
            with pytest.raises(InvalidArgumentError, match="not the dictionary of an event: "):
                Event.from_dict(other)
        del data["tag"]
        with pytest.raises(InvalidArgumentError, match="KeyError\\('tag'\\)"):
            Event.from_dict(data)

    def test_a_version(self, sample: Registry) -> None:
        version = sample["churn"].stages["prod"]
        assert version.to_dict() == {
            "schema": 1,
            "model": "churn",
            "version": "v1.0.0",
            "is_bare_commit": False,
            "commit": version.commit,
            "tag": "churn@v1.0.0",
            "registered_at": "2023-11-14T22:13:30+00:00",
            "author": ANN.to_dict(),
            "message": version.message,
            "active": True,
            "stages": ["prod"],
        }
        bare = sample["third"].stages["dev"].to_dict()
        assert (bare["is_bare_commit"], bare["registered_at"]) == (True, None)

    def test_other_values(self, sample: Registry) -> None:
        commit = sample.commits()[0]
        conflict = Conflict("m@v1.0.0", "a", "b")
        values: list[Any] = [
            commit,
            Problem(ProblemKind.LIGHTWEIGHT, "light@v1.0.0", "light", "it is light"),
            Signature(SignatureStatus.GOOD, "Ann"),
            SyncResult("here", ("m@v1.0.0",), (), (conflict,)),
            VersionExistsError("it exists", model="m", version="v1.0.0", commit="a", time=at(0)),
            *sample.diff(at(0)),
        ]
        found = [json.loads(json.dumps(value.to_dict())) for value in values]
        assert all(one.pop("schema") == 1 for one in found)
        assert found[0]["commit"] == commit.id
        assert found[1]["kind"] == "lightweight-tag"
        assert found[2] == {"status": "good", "signer": "Ann", "key": "", "detail": ""}
        assert found[3]["conflicts"] == [conflict.to_dict()]
        assert found[4]["code"] == "version-exists"
        assert found[4]["data"]["time"] == "2023-11-14T22:13:20+00:00"
        assert found[5] == {
            "kind": "registered",
            "model": "churn",
            "stage": None,
            "before": None,
            "after": "v1.0.0",
        }

    def test_values_of_other_types(self) -> None:
        assert to_json({1: [b"x", 2.5, {"a"}]}) == {"1": ["b'x'", 2.5, ["a"]]}
        assert to_json({None: 1, True: 2, False: 3}) == {"null": 1, "true": 2, "false": 3}
        assert to_json(EventKind.ASSIGNMENT) == "assignment"

    def test_values_without_a_json_type(self) -> None:
        class FailingStr:
            def __str__(self) -> str:
                raise ValueError

        class Frame:
            def to_dict(self) -> object:
                return self

            def __str__(self) -> str:
                return "a frame"

        endless: list[object] = []
        endless.append(endless)
        values = [
            float("nan"),
            float("-inf"),
            1 << 20_000,
            "\udc80",
            FailingStr(),
            Frame(),
            endless,
        ]
        found = to_json(values)
        text = json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
        assert json.loads(text) == found
        assert isinstance(found, list)
        assert found[:2] == ["nan", "-inf"]
        assert found[2].startswith("0x1000")
        assert found[3] == "\\udc80"
        assert "FailingStr object at" in found[4]
        assert found[5] == "a frame"

    def test_the_data_of_an_error_is_summarized(self, sample: Registry) -> None:
        values: list[object] = [sample, sample["churn"], [[sample]], {"a": {"b": {"c": 1}}}, at(0)]
        for value in values:
            error = InvalidArgumentError("it is wrong", argument="x", value=value)
            data = error.to_dict()["data"]
            assert isinstance(data, dict)
            assert len(json.dumps(data)) < 200
        for names in (("a", "b"), frozenset({"a"})):
            error = InvalidArgumentError("it is wrong", argument="x", value=names)
            assert error.to_dict()["data"] == {"argument": "x", "value": list(names)}

    def test_a_model(self, sample: Registry) -> None:
        assert sample["churn"].to_dict() == {
            "schema": 1,
            "model": "churn",
            "latest": sample["churn"][0].name,
            "versions": [version.name for version in sample["churn"]],
            "stages": {stage: one.name for stage, one in sample["churn"].stages.items()},
            "deprecated": False,
        }
        third = sample["third"].to_dict()
        assert (third["latest"], third["stages"]) == (
            None,
            {"dev": sample["third"].stages["dev"].name},
        )


class TestRecords:
    def test_models_versions_and_stages(self, sample: Registry) -> None:
        models = sample.to_records()
        assert models[0] == {
            "model": "churn",
            "latest": "v2.0.0",
            "newest": "v2.0.0",
            "versions": 2,
            "deprecated": False,
            "updated_at": at(40),
        }
        assert [row["deprecated"] for row in models] == [False, True, False]
        versions = sample.to_records("versions")
        assert [(row["model"], row["version"], row["stages"]) for row in versions] == [
            ("churn", "v2.0.0", "dev"),
            ("churn", "v1.0.0", "prod"),
            ("other", "v1.0.0", ""),
        ]
        assert versions == [
            row for name in ("churn", "other") for row in sample[name].to_records("versions")
        ]
        stages = [tuple(row.values())[:3] for row in sample.to_records("stages")]
        assert stages[:2] == [("churn", "dev", "v2.0.0"), ("churn", "prod", "v1.0.0")]

    def test_history_and_problems(self, sample: Registry) -> None:
        history = sample.to_records("history")
        assert [row["tag"] for row in history] == [event.tag for event in sample.history()]
        assert sample["churn"].to_records("history") == history[:4]
        assert [row["kind"] for row in sample.to_records("problems")] == [
            problem.kind.value for problem in sample.problems()
        ]

    @pytest.mark.parametrize("kind", KINDS)
    def test_values_are_flat_and_times_in_utc(self, sample: Registry, kind: str) -> None:
        for row in sample.to_records(kind):
            for value in row.values():
                assert value is None or isinstance(value, (str, int, bool, datetime))
                if isinstance(value, datetime):
                    assert value.tzinfo is timezone.utc

    def test_an_invalid_kind(self, sample: Registry) -> None:
        with pytest.raises(InvalidArgumentError, match="no records of 'x'; pass one of 'models', "):
            sample.to_records("x")
        with pytest.raises(
            InvalidArgumentError, match="pass one of 'versions', 'history', 'timeline'$"
        ):
            sample["churn"].to_records("models")

    def test_a_data_frame(self, sample: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        text = types.SimpleNamespace(dtype="str")
        fake = types.SimpleNamespace(DataFrame=Frame, Series=lambda _: text)
        monkeypatch.setitem(sys.modules, "pandas", fake)
        frame: Any = sample.to_pandas("stages")
        assert frame.rows == sample.to_records("stages")
        assert frame.columns == ["model", "stage", "version", "commit"]
        frame = sample["churn"].to_pandas("history")
        assert frame.rows == sample["churn"].to_records("history")
        assert frame.columns == list(frame.rows[0])
        times = {"time": "datetime64[us, UTC]", "counter": "Int64"}
        assert frame.types == dict.fromkeys(frame.columns, "str") | times
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(MissingExtraError, match=r"pip install 'modelversions\[pandas\]'"):
            sample.to_pandas()

    @pytest.mark.compat
    def test_pandas_infers_the_types(self, sample: Registry) -> None:
        versions = sample.to_pandas("versions")
        assert str(versions["registered_at"].dtype).startswith("datetime64[")
        assert versions["active"].dtype == bool
        for kind in KINDS:
            assert len(sample.to_pandas(kind)) == len(sample.to_records(kind)) > 0

    @pytest.mark.compat
    def test_an_empty_data_frame_has_the_same_columns_and_types(self, sample: Registry) -> None:
        empty = memory_registry()
        for kind in KINDS:
            frame, full = empty.to_pandas(kind), sample.to_pandas(kind)
            assert len(frame) == 0
            assert list(frame.columns) == list(full.columns) == list(sample.to_records(kind)[0])
            assert list(frame.dtypes) == list(full.dtypes)

    def test_a_counter_that_exceeds_64_bits(self, builder: Builder) -> None:
        builder.tag(f"m@v1.0.0#{2**63}", "c1", 10)
        builder.tag(f"m#prod#{2**63 - 1}", "c1", 20)
        rows = builder.registry.to_records("history")
        assert [row["counter"] for row in rows] == [None, 2**63 - 1]
        assert [event.counter for event in builder.registry.history()] == [2**63, 2**63 - 1]

    @pytest.mark.compat
    def test_a_data_frame_with_a_time_in_the_year_9999(self, builder: Builder) -> None:
        builder.tag("m@v1.0.0", "c1", 253402214399 - int(at(0).timestamp()))
        (time,) = builder.registry.to_pandas("history")["time"]
        assert time == builder.registry.history()[0].time


class TestViews:
    def test_a_view_has_the_events_until_its_time(self, sample: Registry) -> None:
        for event in sample.history():
            view = sample.as_of(event.time)
            assert view.history() == tuple(
                one for one in sample.history() if one.time <= event.time
            )
        before = sample.as_of(at(15))
        assert list(before) == ["churn"]
        assert str(before["churn"].latest) == "churn@v1.0.0"
        assert before["churn"].stages == {}
        assert before.latest() == {"churn": sample["churn"]["v1.0.0"]}
        assert before.resolve("churn@latest").name == "v1.0.0"
        assert before.at("HEAD") == ()
        assert repr(before) == f"<RegistryView 'memory' as of {at(15)}: 1 model>"
        assert before.allowed_stages() is None
        assert before.commits() == sample.commits()
        assert [problem.tag for problem in before.problems()] == ["light@v1.0.0"]
        with pytest.raises(InvalidArgumentError, match="with a time zone"):
            sample.as_of(datetime(2024, 1, 1))  # noqa: DTZ001  # the error under test

    def test_differences(self, sample: Registry, builder: Builder) -> None:
        builder.tag("churn@v2.0.0!", "c2", 80)
        builder.tag("other@v2.0.0", "c2", 90)
        builder.tag("churn@deprecated", "c2", 95)
        assert [str(change) for change in sample.changes(at(75))] == [
            "churn: deregistered v2.0.0",
            "churn: latest from v2.0.0 to v1.0.0",
            "churn: stage dev from v2.0.0 to none",
            "churn: deprecated",
            "other: registered v2.0.0",
            "other: latest from v1.0.0 to v2.0.0",
            "other: revived",
        ]
        last = sample.history()[-1]
        assert sample.changes(last) == ()
        reverse = sample.diff(sample, at(75))
        assert reverse[0] == Change(
            ChangeKind.REGISTERED, "churn", after=sample["churn"].all_versions[0]
        )
        assert repr(reverse[-1]) == "<Change other: deprecated>"
        assert sample.diff(at(0), at(1)) == ()
        for since in (None, sample.event("churn@v9.0.0")):
            with pytest.raises(InvalidArgumentError, match="since must be a datetime .*, not None"):
                sample.changes(since)  # type: ignore[arg-type]  # the error under test

    def test_a_stage_on_bare_commits(self, builder: Builder) -> None:
        builder.commit("c2", 1, "c1")
        builder.tag("m#prod#1", "c1", 10)
        builder.tag("m#prod#2", "c2", 20)
        first, second = builder.commits["c1"], builder.commits["c2"]
        registry = builder.registry
        assert [str(one) for one in registry.changes(at(0))] == [
            f"m: stage prod from none to {second}"
        ]
        assert [str(one) for one in registry.changes(at(10))] == [
            f"m: stage prod from {first} to {second}"
        ]
        assert [str(one) for one in registry.diff(registry, at(0))] == [
            f"m: stage prod from {second} to none"
        ]

    def test_a_version_that_moved_to_another_commit(self, builder: Builder) -> None:
        builder.commit("c2", 1, "c1")
        builder.tag("m@v1.0.0#1", "c1", 10)
        builder.tag("m#prod#2", "c1", 20)
        builder.tag("m@v1.0.0!#3", "c1", 30)
        builder.tag("m@v1.0.0#4", "c2", 40)
        builder.tag("m#prod#5", "c2", 50)
        first, second = (builder.commits[name][:7] for name in ("c1", "c2"))
        assert [str(change) for change in builder.registry.changes(at(20))] == [
            f"m: registered v1.0.0 at {second}, before v1.0.0 at {first}",
            f"m: latest from v1.0.0 at {first} to v1.0.0 at {second}",
            f"m: stage prod from v1.0.0 at {first} to v1.0.0 at {second}",
        ]

    def test_events_of_one_second(self, builder: Builder) -> None:
        builder.commit("c2", 1, "c1")
        for name, commit in (
            ("m@v1.0.0", "c1"),
            ("m@v2.0.0", "c2"),
            ("m#prod#1", "c1"),
            ("m#prod#2", "c2"),
            ("other@v1.0.0", "c1"),
            ("m@v1.0.0!#3", "c1"),
        ):
            builder.tag(name, commit, 10)
        builder.tag("nightly", "c1", 10)
        history = builder.registry.history()
        for index, event in enumerate(history):
            assert builder.registry.as_of(event).history() == history[: index + 1]
        assert [str(change) for change in builder.registry.changes(history[0])] == [
            "m: registered v2.0.0",
            "m: deregistered v1.0.0",
            "m: latest from v1.0.0 to v2.0.0",
            "m: stage prod from none to v2.0.0",
            "other: registered v1.0.0",
            "other: latest from none to v1.0.0",
        ]
        assert builder.registry.changes(history[-1]) == ()

    def test_objects_are_read_once(self, sample: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        view, expected = sample.as_of(at(1000) + timedelta(days=1)), sample.history()
        assert view.history() == expected
        read: list[object] = []
        real = LocalStore.read

        def recording(store: LocalStore, refs: Iterable[TagRef]) -> list[TagObject]:
            read.append(store)
            return real(store, refs)

        monkeypatch.setattr(LocalStore, "read", recording)
        assert view.history() == expected
        assert not read

    def test_board_lists_each_version_in_its_newest_stage(self, builder: Builder) -> None:
        builder.commit("c2", 1, "c1")
        builder.tag("m@v1.0.0", "c1", 10)
        builder.tag("m@v2.0.0", "c2", 20)
        for number, (stage, commit) in enumerate(
            [("dev", "c1"), ("prod", "c1"), ("dev", "c2"), ("staging", "c1")], start=1
        ):
            builder.tag(f"m#{stage}#{number}", commit, 20 + 10 * number)
        model = builder.registry["m"]
        assert isinstance(model, Model)
        assert {stage: [one.name for one in own] for stage, own in model.board().items()} == {
            "dev": ["v2.0.0"],
            "staging": ["v1.0.0"],
        }
