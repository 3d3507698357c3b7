"""Tag and commit objects: any bytes are parsed, or rejected as a tag."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

from modelversions.git.signing import split
from modelversions.git.tag_object import (
    TagParts,
    clean_message,
    commit_of_common_tag,
    commit_order,
    commit_time,
    parents,
    parse_commit,
    parse_common_tag,
)
from tests.fuzzing import seeds as cases

MODULES = ("modelversions.git.tag_object",)
ID = "b" * 40
_LATER = datetime(2030, 1, 1, tzinfo=timezone.utc)


def seeds() -> Iterator[bytes]:
    """Yield the tags and commits of the cases."""
    for kind, raw in cases.objects():
        if kind in ("tag", "commit", ""):
            yield raw


def check(data: bytes) -> None:
    """Parse the bytes as a tag, a commit and a message."""
    common = parse_common_tag(data)
    try:
        parts = TagParts(data)
    except ValueError:
        assert common is None
        assert commit_of_common_tag(data) is None
    else:
        _check_tag(parts, data)
        if common is not None:
            assert parts.type == "commit"
            assert parts.build(parts.target, None) == common
        if commit_of_common_tag(data) is not None:
            assert (parts.type, parts.target) == ("commit", commit_of_common_tag(data))
            assert parts.build(parts.target, None) is not None
    commit = parse_commit(ID, data)
    assert commit.commit == ID
    assert 0 <= commit_order(data) < 1 << 64
    assert commit_time(data) in (None, commit.time) or b"\n\n" in data
    assert all(data.find(parent.encode()) >= 0 for parent in parents(data))
    _check_message(data.decode(errors="surrogateescape"))


def _check_tag(parts: TagParts, data: bytes) -> None:
    assert len(parts.target) in (40, 64)
    int(parts.target, 16)
    tag = parts.build(ID, _LATER)
    assert tag is not None
    assert tag.commit == ID
    assert tag.time is not None
    assert tag.timestamp == tag.time.timestamp()
    assert tag.message == tag.message.strip()
    content, signature = split(data)
    assert content + signature == data
    own = parts.build(ID, None)
    assert own is None or own == tag


def _check_message(text: str) -> None:
    cleaned = clean_message(text, "#")
    assert clean_message(cleaned, "#") == cleaned
    assert cleaned == "" or cleaned.endswith("\n")
