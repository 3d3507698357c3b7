"""The dictionaries of ``to_dict()`` and the rows of ``to_records()`` in other tools."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import modelversions
from modelversions import Artifact, Event, Registry, Signature, SignatureStatus
from modelversions.errors import ModelVersionsError
from modelversions.testing import FixedClock, memory_registry
from tests.builders import Builder

SCHEMA = json.loads(files(modelversions).joinpath("schema.json").read_text("utf-8"))
KINDS = ("models", "versions", "stages", "history", "problems", "timeline")
TIMES = {"updated_at", "registered_at", "time", "start", "end"}


@pytest.fixture
def sample() -> Registry:
    registry = memory_registry(
        {"churn": ["v1.0.0", "v2.0.0"], "old": ["v0.1.0"]}, {"churn": {"prod": "v1.0.0"}}
    )
    registry.assign("churn", "v2.0.0", "prod")
    registry.assign("bare", stage="dev", commit="HEAD", force=True)
    registry.deregister("churn", "v1.0.0")
    registry.deprecate("old")
    return registry


def values(registry: Registry) -> Iterator[Any]:
    """Yield values of all classes with ``to_dict()``."""
    yield from registry.history()
    for model in registry.values():
        yield from (model, *model.all_versions, *model.stages.values(), *model.timeline())
    yield from registry.problems()
    yield from registry.commits()
    yield from registry.diff(registry.history()[0])
    result = memory_registry(clock=FixedClock()).fetch(remote=registry)
    yield result
    yield modelversions.Conflict("m@v1.0.0", "", "a" * 40)
    yield registry.verify(registry.history()[0])
    yield Signature(SignatureStatus.GOOD, "Ann", "ABC")
    yield Artifact("m", "a", None, "", ("x",), {"a": [1, None]}, "dvc.yaml", "a" * 40)
    with pytest.raises(ModelVersionsError) as caught:
        registry.register("churn", "v2.0.0")
    yield caught.value


class TestSchema:
    def test_it_is_a_valid_schema(self) -> None:
        Draft202012Validator.check_schema(SCHEMA)
        assert SCHEMA["$defs"]["schema"]["const"] == modelversions.json_types.SCHEMA

    def test_all_values_have_exactly_the_fields_of_their_class(self, sample: Registry) -> None:
        seen = set()
        for value in values(sample):
            name = "Error" if isinstance(value, ModelVersionsError) else type(value).__name__
            seen.add(name)
            data = json.loads(json.dumps(value.to_dict()))
            Draft202012Validator({**SCHEMA, "anyOf": [{"$ref": f"#/$defs/{name}"}]}).validate(data)
            assert set(data) == set(SCHEMA["$defs"][name]["properties"])
        assert seen == {name for name in SCHEMA["$defs"] if name[0].isupper()}

    @pytest.mark.parametrize(
        "invalid", [{"schema": 2}, {"time": 3}, {"kind": "x"}, {"commit": "short"}, {"author": "A"}]
    )
    def test_invalid_events(self, sample: Registry, invalid: dict[str, object]) -> None:
        data = sample.history()[0].to_dict() | invalid
        validator = Draft202012Validator({**SCHEMA, "anyOf": [{"$ref": "#/$defs/Event"}]})
        assert not validator.is_valid(data)
        assert validator.is_valid(sample.history()[0].to_dict())


@pytest.mark.compat
class TestOtherTools:
    """Each tool accepts the rows without conversion."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_polars(self, sample: Registry, kind: str) -> None:
        import polars as pl

        frame = pl.DataFrame(sample.to_records(kind), infer_schema_length=None)
        for name in TIMES.intersection(frame.columns):
            assert frame.schema[name] == pl.Datetime("us", "UTC")
        assert frame.to_dicts() == sample.to_records(kind)

    @pytest.mark.parametrize("kind", KINDS)
    def test_pyarrow(self, sample: Registry, kind: str) -> None:
        import pyarrow as pa

        table = pa.Table.from_pylist(sample.to_records(kind))
        for name in TIMES.intersection(table.column_names):
            assert table.schema.field(name).type == pa.timestamp("us", "UTC")
        assert table.to_pylist() == sample.to_records(kind)

    @pytest.mark.parametrize("kind", KINDS)
    def test_pandas(self, sample: Registry, kind: str) -> None:
        frame = sample.to_pandas(kind)
        for name in TIMES.intersection(frame.columns):
            assert str(frame[name].dtype) == "datetime64[us, UTC]"
        assert len(frame) == len(sample.to_records(kind))

    def test_fastapi(self, sample: Registry) -> None:
        from fastapi import FastAPI
        from fastapi.testclient import TestClient

        app = FastAPI()

        @app.get("/models/{name}/latest")  # type: ignore[untyped-decorator, unused-ignore]
        def latest(name: str) -> dict[str, Any]:
            return sample.resolve(f"{name}@latest").to_dict()

        @app.get("/history")  # type: ignore[untyped-decorator, unused-ignore]
        def history() -> list[dict[str, Any]]:
            return sample.to_records("history")

        client = TestClient(app)
        assert client.get("/models/churn/latest").json() == sample["churn"][0].to_dict()
        rows = client.get("/history").json()
        assert [row["tag"] for row in rows] == [event.tag for event in sample.history()]
        assert rows[0]["time"].endswith("Z")


def test_an_irregular_registry(builder: Builder) -> None:
    builder.tags("m@v1.0.0", "m@v1.0").ref("refs/tags/m@v2.0.0", builder.commits["c1"])
    problems = builder.registry.problems()
    assert len(problems) == 2
    for problem in problems:
        Draft202012Validator(SCHEMA).validate(problem.to_dict())
    for event in builder.registry.history():
        assert Event.from_dict(event.to_dict()) == event
