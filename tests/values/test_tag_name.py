"""F3-F6: tag names of all five kinds, GTO's default messages, and errors for malformed names."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelversions import (
    EventKind,
    InvalidNameError,
    InvalidTagNameError,
    SemVer,
    TagName,
)
from modelversions.values.tag_name import (
    check_model_name,
    check_new_stage,
    diagnose,
    is_reserved,
    is_stage_name,
)
from tests.values.test_semver import VERSIONS

V1 = SemVer(1, 0, 0)
ALNUM = string.ascii_letters + string.digits
NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_/-]{0,8}[A-Za-z0-9])?", fullmatch=True)
DIRECTORIES = st.text(ALNUM + "-_./", min_size=1, max_size=8)
MODELS = st.one_of(NAMES, st.builds("{}:{}".format, DIRECTORIES, NAMES))
COUNTERS = st.one_of(st.none(), st.integers(0, 10**30))
TAGS = st.one_of(
    st.builds(
        TagName,
        st.sampled_from([EventKind.REGISTRATION, EventKind.DEREGISTRATION]),
        MODELS,
        version=VERSIONS,
        counter=COUNTERS,
    ),
    st.builds(
        TagName,
        st.sampled_from([EventKind.ASSIGNMENT, EventKind.UNASSIGNMENT]),
        MODELS,
        stage=NAMES,
        counter=COUNTERS,
    ),
    st.builds(TagName, st.just(EventKind.DEPRECATION), MODELS, counter=COUNTERS),
)
NEAR = st.text("mv01.@#!=:/-_rcx\nprodé", max_size=16)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("churn@v3.1.0", TagName(EventKind.REGISTRATION, "churn", SemVer(3, 1, 0))),
        ("m@v1.0.0#7", TagName(EventKind.REGISTRATION, "m", V1, counter=7)),
        ("m@v1.0.0!", TagName(EventKind.DEREGISTRATION, "m", V1)),
        ("m@v1.0.0!#2", TagName(EventKind.DEREGISTRATION, "m", V1, counter=2)),
        ("m#prod", TagName(EventKind.ASSIGNMENT, "m", stage="prod")),
        ("m#prod#3", TagName(EventKind.ASSIGNMENT, "m", stage="prod", counter=3)),
        ("cv=pool#prod!#3", TagName(EventKind.UNASSIGNMENT, "cv:pool", None, "prod", 3)),
        ("a.b/c=d/e@deprecated", TagName(EventKind.DEPRECATION, "a.b/c:d/e")),
        ("m@deprecated#4", TagName(EventKind.DEPRECATION, "m", counter=4)),
        ("issue#12", TagName(EventKind.ASSIGNMENT, "issue", stage="12")),
        ("m#prod#007", TagName(EventKind.ASSIGNMENT, "m", stage="prod", counter=7, zeros=2)),
        ("m#prod#00", TagName(EventKind.ASSIGNMENT, "m", stage="prod", counter=0, zeros=1)),
    ],
)
def test_all_five_kinds_are_parsed_and_formatted(text: str, expected: TagName) -> None:
    assert TagName.parse(text) == expected
    assert str(expected) == text


@given(TAGS)
def test_parse_is_the_inverse_of_str_and_eval_of_repr(name: TagName) -> None:
    assert TagName.parse(str(name)) == name
    space = {"TagName": TagName, "EventKind": EventKind, "SemVer": SemVer}
    assert eval(repr(name), space) == name  # noqa: S307  # our own repr


@given(st.one_of(NEAR, st.text(max_size=12)))
def test_str_is_the_inverse_of_parse_and_nothing_raises(text: str) -> None:
    name = TagName.try_parse(text)
    if name is None:
        with pytest.raises(InvalidTagNameError):
            TagName.parse(text)
        diagnose(text)
    else:
        assert str(name) == text
        assert diagnose(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("m@1.0.0", "'1.0.0' is not a version name: must start with 'v', try 'v1.0.0'"),
        ("m@v1.0", "the patch segment is missing"),
        ("m@v1.0.new", "'new' is not a patch number"),
        ("m@V1.0.0", "lower-case 'v'"),
        ("m@v1.0.0\n", "it contains white space"),
        ("m@v1.0.0#", "a counter is '#' and 1 to 640 digits"),
        ("m@v1.0.0#1!", "is not a version name"),
        ("m@v1.0.0#" + "1" * 641, "a counter is '#' and 1 to 640 digits"),
        ("m@v1.0." + "1" * 641, "more than 640 digits"),
        ("m#-prod", "'#-prod' is not a stage"),
        ("m#", "'#' is not a stage"),
        ("m#prod#x", "'#prod#x' is not a stage"),
        ("m@deprecated!", "only a counter, such as '#3', may follow '@deprecated', not '!'"),
        ("m@deprecated#x", "may follow '@deprecated', not '#x'"),
        ("m.x@v1.0.0", "'m.x' is not a model name: it contains '.'; allowed are ASCII letters"),
        ("-m@v1.0.0", "it must begin and end with a letter or a digit"),
        ("a=b=c@v1.0.0", "it may contain one ':'"),
        ("é=b@v1.0.0", "a directory consists of"),
        ("a=@v1.0.0", "the name after ':' is empty"),
        ("cv:pool#prod", "a tag name has '=' instead of ':', try 'cv=pool#prod'"),
        ("m@created", "'@created' is reserved"),
        ("m@created#2", "'@created' is reserved"),
    ],
)
def test_the_error_for_a_malformed_name_has_the_reason(text: str, reason: str) -> None:
    assert TagName.try_parse(text) is None
    assert reason in (diagnose(text) or "")
    with pytest.raises(InvalidTagNameError) as caught:
        TagName.parse(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize("text", ["release-1", "v1.0.0", "0-git-init", "home@work", "@v1.0.0", ""])
def test_an_unrelated_name_is_not_a_problem(text: str) -> None:
    assert TagName.try_parse(text) is None
    assert diagnose(text) is None
    with pytest.raises(InvalidTagNameError, match="not of the form"):
        TagName.parse(text)


@pytest.mark.parametrize("value", [None, b"m@v1.0.0", 3])
def test_a_value_other_than_text_is_not_a_tag_name(value: object) -> None:
    assert TagName.try_parse(value) is None  # type: ignore[arg-type]
    assert diagnose(value) is None


def test_a_missing_stage() -> None:
    with pytest.raises(
        InvalidNameError,
        match="it is empty or missing; pass one, such as stage='prod'",
    ):
        check_new_stage("")


def test_the_reserved_name() -> None:
    assert is_reserved("m@created")
    assert not is_reserved("m@deprecated")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"kind": EventKind.REGISTRATION, "model": "m"}, InvalidTagNameError),
        ({"kind": EventKind.DEPRECATION, "model": "m", "version": V1}, InvalidTagNameError),
        ({"kind": EventKind.ASSIGNMENT, "model": "m"}, InvalidTagNameError),
        ({"kind": EventKind.DEPRECATION, "model": "m", "counter": -1}, InvalidTagNameError),
        ({"kind": EventKind.DEPRECATION, "model": "m", "counter": 10**640}, InvalidTagNameError),
        ({"kind": EventKind.DEPRECATION, "model": "m", "counter": 10**5000}, InvalidTagNameError),
        ({"kind": EventKind.DEPRECATION, "model": "m", "zeros": 1}, InvalidTagNameError),
        (
            {"kind": EventKind.DEPRECATION, "model": "m", "counter": 1, "zeros": -1},
            InvalidTagNameError,
        ),
        (
            {"kind": EventKind.DEPRECATION, "model": "m", "counter": 1, "zeros": 640},
            InvalidTagNameError,
        ),
        ({"kind": "registration", "model": "m", "version": V1}, InvalidTagNameError),
        ({"kind": EventKind.REGISTRATION, "model": "m", "version": "v1"}, InvalidTagNameError),
        ({"kind": EventKind.DEPRECATION, "model": "a b"}, InvalidNameError),
        ({"kind": EventKind.DEPRECATION, "model": None}, InvalidNameError),
        ({"kind": EventKind.ASSIGNMENT, "model": "m", "stage": "-x"}, InvalidNameError),
    ],
)
def test_the_constructor_rejects_what_parse_rejects(
    arguments: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        TagName(**arguments)  # type: ignore[arg-type]


def test_the_greatest_counter() -> None:
    """F12.5."""
    name = TagName(EventKind.DEPRECATION, "m", counter=10**640 - 1)
    assert str(name) == f"m@deprecated#{'9' * 640}"
    assert TagName.parse(str(name)) == name
    name = TagName(EventKind.DEPRECATION, "m", counter=1, zeros=639)
    assert TagName.parse(str(name)) == name
    assert TagName.try_parse(f"m@deprecated#{'9' * 641}") is None
    assert TagName.try_parse(f"m@deprecated#{'0' * 641}") is None


@pytest.mark.parametrize("model", ["a", "a/b", "A-1_b", ".x/y:pool", "-:a"])
def test_model_names_of_f3(model: str) -> None:
    check_model_name(model)


@pytest.mark.parametrize("model", ["", "-a", "a-", "a.b", "a:b:c", "a=b", "a\n", "é", ":a", "a:"])
def test_names_that_f3_rejects(model: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        check_model_name(model)
    assert repr(model) in str(caught.value)


@pytest.mark.parametrize("stage", ["prod", "prod/eu", "12", "v1"])
def test_stage_names_that_may_be_written(stage: str) -> None:
    check_new_stage(stage)
    assert is_stage_name(stage)


@pytest.mark.parametrize("stage", ["", "a.b", "v1.0.0", "latest", "created", "deprecated", None])
def test_stage_names_that_may_not_be_written(stage: str) -> None:
    with pytest.raises(InvalidNameError, match="cannot name a stage"):
        check_new_stage(stage)
    assert stage is None or not is_stage_name(stage)


@pytest.mark.parametrize(
    ("tag", "message"),
    [
        ("cv=pool@v1.0.0", "Registering artifact cv:pool version v1.0.0"),
        ("m@v1.0.0!#4", "Deregistering artifact m version v1.0.0"),
        ("m#prod#1", "Assigning stage prod to artifact m version v1.0.0"),
        ("m#prod!#2", "Unassigning stage 'prod' to artifact 'm' version 'v1.0.0'"),
        ("m@deprecated", "Deprecating artifact 'm'"),
    ],
)
def test_the_default_messages_of_f6(tag: str, message: str) -> None:
    assert TagName.parse(tag).message(version=V1) == message


def test_the_default_messages_for_a_bare_commit() -> None:
    sha = "c" * 40
    assign, unassign = TagName.parse("m#prod#1"), TagName.parse("m#prod!#2")
    assert assign.message(commit=sha) == f"Assigning stage prod to artifact m commit {sha}"
    expected = f"Unassigning stage 'prod' to artifact 'm' version '{sha}'"
    assert unassign.message(commit=sha) == expected


def test_event_kinds_are_those_of_gto() -> None:
    names = ["registration", "deregistration", "assignment", "unassignment", "deprecation"]
    assert list(EventKind) == names
    assert [f"{kind}" for kind in EventKind] == names
