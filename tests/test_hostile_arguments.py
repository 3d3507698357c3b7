"""Arguments of wrong types raise errors of this library that name valid arguments."""

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


def test_registry_cannot_be_instantiated() -> None:
    with pytest.raises(InvalidArgumentError, match=r"call Registry.open\('path'\)"):
        Registry("path")  # type: ignore[arg-type]


@pytest.mark.parametrize("tag", [None, 3, b"m@v1.0.0"])
def test_delete_tags_with_an_invalid_tag(builder: Builder, tag: Any) -> None:
    builder.tags("m@v1.0.0")
    with pytest.raises(InvalidArgumentError, match="a tag must be given as text"):
        builder.registry.delete_tags("m@v1.0.0", tag)
    assert "m" in builder.registry


def test_a_huge_number_of_generations(builder: Builder) -> None:
    for sign in "~^":
        with pytest.raises(RevisionNotFoundError):
            builder.registry.at(f"HEAD{sign}{'9' * 5000}")


def test_a_full_ref_is_parsed_as_its_tag() -> None:
    assert TagName.parse("refs/tags/m@v1.0.0") == TagName.parse("m@v1.0.0")
    with pytest.raises(InvalidTagNameError):
        TagName.parse(None)  # type: ignore[arg-type]


def test_a_table_contains_no_control_characters() -> None:
    hostile = "".join(
        map(chr, (*range(32), 127, 0x61C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
    )
    text = Table(("Name",), ((f"a{hostile}b",),)).text()
    assert set(text) == set("Name-ab\ufffd\n")


class BrokenZone(tzinfo):
    """A custom time zone."""

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
