"""F10: times as Git stores them. Events and problems as text."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import attrs
import pytest

from modelversions import (
    Event,
    EventKind,
    Identity,
    InvalidArgumentError,
    Problem,
    ProblemKind,
    SemVer,
)
from modelversions.values.event import MAX_TIMESTAMP, check_aware, check_time

FIRST = datetime(1970, 1, 1, tzinfo=timezone.utc)
LAST = datetime(9999, 12, 30, 23, 59, 59, tzinfo=timezone.utc)
EVENT = Event(
    kind=EventKind.ASSIGNMENT,
    model="m",
    version=SemVer(1, 0, 0),
    stage="prod",
    commit="c" * 40,
    tag="m#prod#3",
    counter=3,
    time=FIRST,
    author=Identity("Ann", "ann@example.com"),
    message="a message",
)


def test_the_first_and_the_last_second_that_can_be_stored() -> None:
    assert check_time(FIRST) == FIRST
    assert check_time(LAST + timedelta(microseconds=999_999)) == LAST
    assert LAST.timestamp() == MAX_TIMESTAMP - 1
    with pytest.raises(InvalidArgumentError, match="is before 1970, which"):
        check_time(FIRST - timedelta(microseconds=1))
    with pytest.raises(InvalidArgumentError, match="is past the year 9999, which"):
        check_time(LAST + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("offset", "stored"),
    [
        (timedelta(hours=5, minutes=30), timedelta(hours=5, minutes=30)),
        (timedelta(minutes=1, seconds=59), timedelta(minutes=1)),
        (timedelta(seconds=-59), timedelta()),
        (-timedelta(hours=3, minutes=30, seconds=1), -timedelta(hours=3, minutes=30)),
    ],
)
def test_an_offset_is_cut_to_whole_minutes(offset: timedelta, stored: timedelta) -> None:
    checked = check_time(datetime(2024, 1, 1, 12, tzinfo=timezone(offset)))
    assert checked.utcoffset() == stored
    assert checked == datetime(2024, 1, 1, 12, tzinfo=timezone(offset))


def test_the_error_for_a_naive_time_has_an_example() -> None:
    with pytest.raises(InvalidArgumentError, match=r"such as when\.astimezone\(\), not "):
        check_time(datetime(2024, 1, 1))  # noqa: DTZ001  # naive
    with pytest.raises(InvalidArgumentError, match=r"such as datetime\(2026, 11, 1, tzinfo="):
        check_time("2024-01-01")  # type: ignore[arg-type]


def test_the_error_names_the_other_types_that_are_accepted() -> None:
    message = r"^before must be a datetime with a .*=timezone.utc\), or an Event, not None$"
    with pytest.raises(InvalidArgumentError, match=message):
        check_aware(None, "before", ", or an Event")  # type: ignore[arg-type]


def test_rich_shows_all_fields_of_an_event() -> None:
    names = [field.name for field in attrs.fields(Event)]
    shown: dict[str, object] = dict(EVENT.__rich_repr__())  # type: ignore[arg-type]
    assert sorted(shown) == sorted(names)


def test_an_event_as_text() -> None:
    assert str(EVENT) == "1970-01-01 00:00:00+0000 assignment prod m v1.0.0"
    commit = attrs.evolve(EVENT, version=None)
    assert str(commit) == "1970-01-01 00:00:00+0000 assignment prod m commit ccccccc"
    deprecation = attrs.evolve(commit, kind=EventKind.DEPRECATION, stage=None)
    assert str(deprecation) == "1970-01-01 00:00:00+0000 deprecation m"


def test_a_problem_as_text_cannot_control_a_terminal() -> None:
    problem = Problem(ProblemKind.MALFORMED, "m@v1\x1b", "m", "a\x9bb\u2028c\né")
    assert str(problem) == r"m@v1\x1b: a\x9bb\u2028c\né"
