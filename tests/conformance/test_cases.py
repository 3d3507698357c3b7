"""The cases are valid, and there is one for each sentence of the specification."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.conformance.case import FORMAT, SCHEMA, cases, paths, sentences


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.stem)
def test_the_cases_follow_their_schema(path: Path) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator
    validator.check_schema(schema)
    validator(schema).validate(json.loads(path.read_text(encoding="utf-8")))


def test_each_sentence_has_a_case_and_each_case_a_sentence() -> None:
    met = {id for case in cases() for id in case.meets}
    assert met == set(sentences())


def test_names_of_cases_are_unique() -> None:
    names = [str(case) for case in cases()]
    assert sorted(set(names)) == sorted(names)


def test_the_anchor_of_a_sentence_is_its_number_in_lower_case() -> None:
    found = sentences().values()
    assert [one.anchor for one in found] == [one.id.lower() for one in found]
    assert FORMAT.count("<a id=") == len(found)
    assert all(one.text for one in found)
