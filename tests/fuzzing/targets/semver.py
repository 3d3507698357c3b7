"""``SemVer``: compared with the semver package and with the grammar of FORMAT.md."""

from __future__ import annotations

import re
from collections.abc import Iterator

import semver

from modelversions.errors import InvalidVersionError
from modelversions.values.semver import SemVer
from tests.conformance.grammar import pattern
from tests.fuzzing import seeds as cases

MODULES = ("modelversions.values.semver",)
_VERSION = re.compile(pattern("version"))


def seeds() -> Iterator[bytes]:
    """Yield pairs of the versions of the cases."""
    texts = [*cases.texts("version")]
    texts += [text for case, _ in cases.built() for text in case.expect.get("ascending", ())]
    for first, second in zip(texts, [*texts[1:], texts[0]]):
        yield f"{first} {second}".encode()


def check(data: bytes) -> None:
    """Parse two texts with a space between them, and compare them."""
    text = data.decode(errors="surrogateescape")
    first, second = (_parsed(part) for part in (*text.split(" ", 1), "")[:2])
    _parsed(text)
    if first is None or second is None:
        return
    one, two = (semver.Version.parse(str(version)[1:]) for version in (first, second))
    assert (first.precedence < second.precedence) is (one < two)
    assert (first.precedence == second.precedence) is (one == two)
    assert (first == second) is (str(first) == str(second))
    assert (first == second) is (not first < second and not second < first)
    assert first != second or hash(first) == hash(second)


def _parsed(text: str) -> SemVer | None:
    """Parse a text, and compare the result with those of the others."""
    is_valid = _VERSION.fullmatch(text) is not None
    try:
        found = SemVer.parse(text)
    except InvalidVersionError as error:
        assert not is_valid, text
        assert error.reason
        return None
    assert is_valid, text
    assert str(found) == text
    theirs = semver.Version.parse(text[1:])
    assert (found.major, found.minor, found.patch) == theirs.to_tuple()[:3]
    assert (found.prerelease, found.build) == (theirs.prerelease or "", theirs.build or "")
    for level in ("major", "minor", "patch"):
        _check_bump(found, level)
    return found


def _check_bump(found: SemVer, level: str) -> None:
    try:
        bumped = found.bump(level)
    except InvalidVersionError:  # it has one digit more than the limit
        assert str(getattr(found, level)).strip("9") == ""
        return
    assert bumped > found
    assert not bumped.is_prerelease
