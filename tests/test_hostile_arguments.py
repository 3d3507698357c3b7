"""Arguments of the wrong kind: each is an error of this library that says what to pass."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest

from modelversions import (
    InvalidArgumentError,
    InvalidTagNameError,
    Registry,
    RevisionNotFoundError,
    TagName,
)
from modelversions.display.tables import Table
from tests.builders import Builder


def test_a_registry_is_opened_not_made() -> None:
    with pytest.raises(InvalidArgumentError, match=r"call Registry.open\('path'\)"):
        Registry("path")  # type: ignore[arg-type]


@pytest.mark.parametrize("tag", [None, 3, b"m@v1.0.0"])
def test_a_tag_to_delete(builder: Builder, tag: Any) -> None:
    builder.tags("m@v1.0.0")
    with pytest.raises(InvalidArgumentError, match="a tag must be given as text"):
        builder.registry.delete_tags("m@v1.0.0", tag)
    assert "m" in builder.registry


def test_more_generations_than_any_history_has(builder: Builder) -> None:
    for sign in "~^":
        with pytest.raises(RevisionNotFoundError):
            builder.registry.at(f"HEAD{sign}{'9' * 5000}")


def test_a_full_ref_is_parsed_as_its_tag() -> None:
    assert TagName.parse("refs/tags/m@v1.0.0") == TagName.parse("m@v1.0.0")
    with pytest.raises(InvalidTagNameError):
        TagName.parse(None)  # type: ignore[arg-type]


def test_a_table_holds_no_character_that_steers_a_terminal() -> None:
    hostile = "".join(
        map(chr, (*range(32), 127, 0x61C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
    )
    text = Table(("Name",), ((f"a{hostile}b",),)).text()
    assert set(text) == set("Name-ab\ufffd\n")


class BrokenZone(tzinfo):
    """A time zone of somebody's own."""

    def utcoffset(self, _when: datetime | None) -> timedelta:
        raise ZeroDivisionError

    def dst(self, _when: datetime | None) -> None:
        return None

    def tzname(self, _when: datetime | None) -> str:
        return "broken"


def test_a_time_zone_that_raises(builder: Builder) -> None:
    builder.tags("m@v1.0.0")
    when = datetime(2024, 1, 1, tzinfo=BrokenZone())
    with pytest.raises(InvalidArgumentError, match="the time zone of when raises ZeroDivision"):
        builder.registry.as_of(when)
