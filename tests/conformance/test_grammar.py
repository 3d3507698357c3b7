"""The grammar of the specification accepts the same names as the library."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelversions import SemVer, TagName, is_model_name
from modelversions.values.tag_name import is_reserved
from tests.conformance.case import Case, cases
from tests.conformance.grammar import pattern, rules

RULES = {"version": "version", "model": "model", "stage": "stage", "tag": "tag-name"}
COMPILED = {rule: re.compile(pattern(rule)) for rule in (*RULES.values(), "reserved", "reference")}
NAMES = [
    (rule, text, key == "valid")
    for case in cases()
    for key in ("valid", "invalid")
    for kind, rule in RULES.items()
    for text in case.expect.get(key, {}).get(kind, ())
    if "F5.2" not in case.meets  # reserved stages are not part of the grammar
]


@pytest.mark.parametrize(("rule", "text", "valid"), NAMES)
def test_names_of_the_cases(rule: str, text: str, valid: bool) -> None:
    assert (COMPILED[rule].fullmatch(text) is not None) is valid


@pytest.mark.parametrize("case", [case for case in cases() if "resolve" in case.expect], ids=str)
def test_references_of_the_cases(case: Case) -> None:
    named = [text for text, found in case.expect["resolve"].items() if found]
    assert all(COMPILED["reference"].fullmatch(text) for text in named)


@given(st.text("av10.-+", max_size=12))
def test_versions(text: str) -> None:
    assert SemVer.is_valid(text) is (COMPILED["version"].fullmatch(text) is not None)


@given(st.text("am0.-_/:= ", max_size=8))
def test_models(text: str) -> None:
    assert is_model_name(text) is (COMPILED["model"].fullmatch(text) is not None)


@given(st.sampled_from(["m", "a=m", "a/b", "=m", "m-"]), st.text("@#!v10.am", max_size=12))
def test_tags(model: str, text: str) -> None:
    name = model + text
    assert (TagName.try_parse(name) is None) is (COMPILED["tag-name"].fullmatch(name) is None)
    assert is_reserved(name) is (COMPILED["reserved"].fullmatch(name) is not None)


def test_each_rule_is_used() -> None:
    used = {name for text in rules().values() for name in re.findall("[A-Za-z-]+", text)}
    assert set(rules()) - used == {"reserved", "reference"}
