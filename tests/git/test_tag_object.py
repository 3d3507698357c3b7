"""Tag objects as bytes: both parsers return the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelversions.git.tag_object import TagParts, commit_order, parse_common_tag

SHA = "a" * 40
PEOPLE = st.one_of(st.just("Ann <ann@example.com>"), st.text("Ané <>@.\t", max_size=10))
TIMES = st.one_of(st.just("1700000000"), st.text("0123456789-x", max_size=13))
ZONES = st.one_of(st.just("+0100"), st.text("+-0123459x", max_size=6))
MESSAGES = st.one_of(
    st.just("a message\n"),
    st.text("ab \n-é\0\r", max_size=20),
    st.just("x\n-----BEGIN PGP SIGNATURE-----\nabc\n"),
)
BETWEEN = st.sampled_from(["\n", "", "extra header\n\n"])
TAGS = st.builds(
    "object {}\ntype {}\ntag {}\ntagger {} {} {}\n{}{}".format,
    st.sampled_from([SHA, "b" * 64, "c" * 41]),
    st.sampled_from(["commit", "tag"]),
    st.text("mé@v1.0#", max_size=8),
    PEOPLE,
    TIMES,
    ZONES,
    BETWEEN,
    MESSAGES,
).map(str.encode)


@given(
    st.one_of(TAGS, TAGS.map(lambda raw: raw.replace(b"a", b"\xff", 41)), st.binary(max_size=40))
)
def test_parse_common_tag_agrees_with_tag_parts(raw: bytes) -> None:
    common = parse_common_tag(raw)
    if common is not None:
        parsed = TagParts(raw)
        assert parsed.type == "commit"
        assert parsed.build(parsed.target, None) == common
        assert common.issues == ()


def test_a_tag_that_git_writes_is_common() -> None:
    raw = f"object {SHA}\ntype commit\ntag m\ntagger Ann Lee <a@b> 1700000000 -0330\n\nx\n\ny\n"
    common = parse_common_tag(raw.encode())
    assert common is not None
    assert (common.commit, common.message, str(common.author)) == (SHA, "x\n\ny", "Ann Lee <a@b>")


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("committer Ann <a@b> 1700000000 +0100", 1_700_000_000),
        ("committer Ann <a@b> 0001700000000 +0100", 1_700_000_000),
        ("committer A > <a@b>  5 +0000", 5),
        ("committer Ann <a@b>7", 7),
        ("committer Ann <a@b> 300000000000000 +0000", 3 * 10**14),
        (f"committer Ann <a@b> {2**64 - 2} +0000", 2**64 - 2),
        (f"committer Ann <a@b> {'9' * 5000} +0000", 2**64 - 1),
        ("committer Ann <a@b> -5 +0000", 0),
        ("committer Ann <a@b>", 0),
        ("other Ann <a@b> 5 +0000", 0),
    ],
)
def test_the_order_of_a_commit(line: str, order: int) -> None:
    raw = f"tree {'a' * 40}\nauthor Ann <a@b> 9 +0000\n{line}\n\ncommitter A <a> 8 +0000\n"
    assert commit_order(raw.encode()) == order
