"""F1 and F2: valid version names, the errors for invalid ones, and their order."""

from __future__ import annotations

import copy
import pickle
import string

import pytest
import semver as reference
from hypothesis import given
from hypothesis import strategies as st

from modelversions import InvalidArgumentError, InvalidVersionError, SemVer

NUMBERS = st.one_of(st.integers(0, 20), st.integers(0, 10**40))
ALNUM = string.ascii_letters + string.digits + "-"
WORDS = st.text(ALNUM, min_size=1, max_size=8)
IDENTIFIERS = WORDS.filter(lambda word: not word.isdigit() or str(int(word)) == word)
DOTTED = st.one_of(st.just(""), st.lists(IDENTIFIERS, min_size=1, max_size=4).map(".".join))
FIELDS = ("major", "minor", "patch", "prerelease", "build")
VERSIONS = st.builds(
    SemVer, NUMBERS, NUMBERS, NUMBERS, DOTTED, st.lists(WORDS, max_size=3).map(".".join)
)
NEAR = st.text("v0123456789.-+abAV \n\u0661é", max_size=14)
HOSTILE = st.one_of(st.text(max_size=20), NEAR, NEAR.map("v".__add__), NEAR.map("v1.0.0-".__add__))


@pytest.mark.parametrize(
    "text", ["v0.0.1", "v1.0.0", "v12.5.7", "v1.0.0-rc.1", "v1.0.0+build.5", "v1.0.0-a-b.0+001.-"]
)
def test_valid_names_are_parsed_and_formatted(text: str) -> None:
    assert str(SemVer.parse(text)) == text
    assert SemVer.is_valid(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0.0.1", "must start with 'v', try 'v0.0.1'"),
        ("", "it is empty, try 'v0.0.1'"),
        ("V1.0.0", "must start with a lower-case 'v', try 'v1.0.0'"),
        ("x1.0.0", "must start with 'v'"),
        ("1.0", "must start with 'v', try 'v1.0.0'"),
        ("1", "must start with 'v', try 'v1.0.0'"),
        ("v1.0", "the patch segment is missing, try 'v1.0.0'"),
        ("v1", "the minor and patch segments are missing, try 'v1.0.0'"),
        ("v1.0-rc.1", "the patch segment is missing, try 'v1.0.0-rc.1'"),
        ("v", "the major segment is empty"),
        ("v1..0", "the minor segment is empty"),
        ("v1.0.new", "'new' is not a patch number"),
        ("v1.x.0", "'x' is not a minor number"),
        ("v1.0.\u0661", "'\u0661' is not a patch number; only the digits 0-9 are allowed"),
        ("v01.0.0", "the major number '01' has a leading zero, try 'v1.0.0'"),
        ("v1.00.0-rc", "the minor number '00' has a leading zero, try 'v1.0.0-rc'"),
        ("v1.0.0.4", "'.4' follows the patch number; a version has three numbers"),
        (" v1.0.0", "it contains white space, try 'v1.0.0'"),
        ("v1.0.0\n", "it contains white space, try 'v1.0.0'"),
        ("v1. 0.x", "it contains white space"),
        ("v1.0.0-", "the pre-release part has an empty identifier"),
        ("v1.0.0-rc..1", "the pre-release part has an empty identifier"),
        ("v1.0.0-01", "the number '01' in the pre-release part has a leading zero"),
        (
            "v1.0.0-r_c",
            "'r_c' in the pre-release part may contain only ASCII letters, digits and '-'",
        ),
        ("v1.0.0-rc+é", "'é' in the build part may contain only ASCII letters, digits and '-'"),
        ("v1.0.0+", "the build part has an empty identifier"),
        ("v1.0.0+a+b", "'a+b' in the build part may contain only ASCII letters, digits and '-'"),
        ("v1.0.0-é", "'é' in the pre-release part may contain only ASCII letters, digits and '-'"),
        (None, "it must be text such as 'v1.2.3', not NoneType"),
        (b"v1.0.0", "it must be text, not bytes; decode it first"),
        (SemVer(1, 0, 0), "it is a SemVer already; use it without parsing"),
        ("v1.0." + "9" * 10_000, "the patch number has more than 640 digits"),
        ("v1.0.0-" + "9" * 10_000, "a pre-release number has more than 640 digits"),
    ],
)
def test_an_error_names_the_invalid_part(text: object, reason: str) -> None:
    assert not SemVer.is_valid(text)
    with pytest.raises(InvalidVersionError) as caught:
        SemVer.parse(text)  # type: ignore[arg-type]
    assert caught.value.reason == reason
    assert str(caught.value).endswith(f" is not a version name: {reason}")
    assert len(str(caught.value)) < 300
    assert isinstance(caught.value, ValueError)


@given(HOSTILE)
def test_a_text_is_parsed_exactly_or_rejected_with_a_reason(text: str) -> None:
    try:
        version = SemVer.parse(text)
    except InvalidVersionError as error:
        reason = error.reason
    else:
        assert str(version) == text
        assert reference.Version.is_valid(text[1:])
        return
    assert reason
    if "try '" in reason:
        assert SemVer.is_valid(reason.rpartition("try '")[2].removesuffix("'"))


@given(HOSTILE)
def test_ascii_versions_of_the_semver_package_are_accepted(text: str) -> None:
    if text.isascii() and reference.Version.is_valid(text) and not text.endswith("\n"):
        assert str(SemVer.parse(f"v{text}")) == f"v{text}"


@given(VERSIONS)
def test_parse_is_the_inverse_of_str_and_eval_of_repr(version: SemVer) -> None:
    assert SemVer.parse(str(version)) == version
    assert eval(repr(version), {"SemVer": SemVer}) == version  # noqa: S307  # our own repr


@given(VERSIONS, VERSIONS)
def test_precedence_agrees_with_the_semver_package(one: SemVer, two: SemVer) -> None:
    expected = reference.Version.parse(str(one)[1:]).compare(str(two)[1:])
    assert (one.precedence > two.precedence) - (one.precedence < two.precedence) == expected
    if expected:
        assert (one > two) == (expected > 0)


@given(st.lists(VERSIONS, max_size=8))
def test_the_order_is_total_and_equal_means_equal_text(versions: list[SemVer]) -> None:
    for one in versions:
        for two in versions:
            assert (one == two) == (str(one) == str(two))
            assert (one < two) + (one == two) + (one > two) == 1
            if one == two:
                assert hash(one) == hash(two)


def test_build_metadata_orders_versions_of_equal_precedence_none_first() -> None:
    texts = ["v1.0.0-rc", "v1.0.0", "v1.0.0+10", "v1.0.0+9", "v1.0.0+a", "v1.0.1-0"]
    assert [str(version) for version in sorted(map(SemVer.parse, reversed(texts)))] == texts


@pytest.mark.parametrize(("less", "greater"), [("", "+a"), ("+a", "+b"), ("+1", "+10")])
def test_versions_that_differ_in_build_metadata_are_not_equal(less: str, greater: str) -> None:
    one, two = SemVer.parse(f"v1.0.0{less}"), SemVer.parse(f"v1.0.0{greater}")
    assert one.precedence == two.precedence
    assert one < two
    assert one != two
    assert two != one


@pytest.mark.parametrize(
    ("text", "level", "expected"),
    [
        ("v1.2.3", "patch", "v1.2.4"),
        ("v1.2.3", "minor", "v1.3.0"),
        ("v1.2.3+b", "major", "v2.0.0"),
        ("v2.0.0-rc.1", "major", "v2.0.0"),
        ("v2.0.0-rc.1", "minor", "v2.0.0"),
        ("v2.0.0-rc.1", "patch", "v2.0.0"),
        ("v2.1.0-rc.1", "minor", "v2.1.0"),
        ("v2.1.0-rc.1", "major", "v3.0.0"),
        ("v2.1.3-rc.1", "minor", "v2.2.0"),
        ("v2.1.3-rc.1", "patch", "v2.1.3"),
    ],
)
def test_bump(text: str, level: str, expected: str) -> None:
    assert str(SemVer.parse(text).bump(level)) == expected


@given(VERSIONS, st.sampled_from(["major", "minor", "patch"]))
def test_a_bump_is_greater_and_final(version: SemVer, level: str) -> None:
    bumped = version.bump(level)
    assert bumped.precedence > version.precedence
    assert not bumped.is_prerelease
    assert not bumped.build


def test_an_unknown_level_is_rejected() -> None:
    with pytest.raises(InvalidArgumentError, match="not 'huge'"):
        SemVer(1, 0, 0).bump("huge")


@pytest.mark.parametrize(
    "arguments",
    [
        (-1, 0, 0),
        (True, 0, 0),
        ("1", 0, 0),
        (10**640, 0, 0),
        (1, 0, 0, "01"),
        (1, 0, 0, None),
        (1, 0, 0, "", "a b"),
        (1, 0, 0, "", None),
        (1, 0, 0, "rc\n"),
    ],
)
def test_the_constructor_rejects_what_parse_rejects(arguments: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidVersionError):
        SemVer(*arguments)


@pytest.mark.parametrize("form", ["v{}.0.0", "v0.{}.0", "v0.0.{}", "v1.0.0-{}", "v1.0.0-rc.{}"])
def test_a_number_has_at_most_640_digits(form: str) -> None:
    """F1.7."""
    text = form.format("9" * 640)
    version = SemVer.parse(text)
    assert str(version) == text
    assert SemVer(*(getattr(version, name) for name in FIELDS)) == version
    with pytest.raises(InvalidVersionError, match="has more than 640 digits"):
        SemVer.parse(form.format("1" * 641))


@pytest.mark.parametrize("number", [10**640, 10**640 + 1, 10**700])
def test_a_number_of_more_digits_is_rejected(number: int) -> None:
    for at in range(3):
        major, minor, patch = (number if index == at else 0 for index in range(3))
        with pytest.raises(InvalidVersionError, match="has more than 640 digits"):
            SemVer(major, minor, patch)
    with pytest.raises(InvalidVersionError, match="has more than 640 digits"):
        SemVer(1, 0, 0, prerelease=f"rc.{number}")


def test_build_metadata_may_be_longer() -> None:
    text = f"v1.0.0-{'a' * 700}+{'9' * 700}"
    assert str(SemVer.parse(text)) == text


def test_a_long_text_is_shortened_in_a_message() -> None:
    with pytest.raises(InvalidVersionError) as caught:
        SemVer.parse("x" * 70)
    assert str(caught.value).startswith(f"'{'x' * 70}' is not a version name")
    with pytest.raises(InvalidVersionError, match="^'x+[.]{3}x+' is not a version name"):
        SemVer.parse("x" * 1000)


def test_a_version_is_a_value() -> None:
    version = SemVer.parse("v1.2.0-rc.1+b5")
    assert (version.major, version.minor, version.patch) == (1, 2, 0)
    assert (version.prerelease, version.build, version.is_prerelease) == ("rc.1", "b5", True)
    assert pickle.loads(pickle.dumps(version)) == version == copy.deepcopy(version)
    assert version != "v1.2.0-rc.1+b5"
    assert repr(SemVer(1, 2, 0)) == "SemVer(1, 2, 0)"
    with pytest.raises(AttributeError):
        version.major = 2  # type: ignore[misc]
    with pytest.raises(TypeError):
        _ = version < "v1"  # type: ignore[operator]
