"""Version names: ``v`` and a version of Semantic Versioning 2.0.0 (F1, F2)."""

from __future__ import annotations

import functools
import re
import reprlib
from typing import Any

import attrs

from modelversions.errors import InvalidArgumentError, InvalidVersionError

_NUMBER = r"0|[1-9][0-9]*"
_IDENTIFIER = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_BUILD_IDENTIFIER = r"[0-9A-Za-z-]+"
PATTERN = (
    rf"v(?:{_NUMBER})\.(?:{_NUMBER})\.(?:{_NUMBER})"
    rf"(?:-{_IDENTIFIER}(?:\.{_IDENTIFIER})*)?"
    rf"(?:\+{_BUILD_IDENTIFIER}(?:\.{_BUILD_IDENTIFIER})*)?"
)
"""A regular expression, without groups, for a version name: F1 as a pattern."""

_PARTS = re.compile(r"v([0-9]+)\.([0-9]+)\.([0-9]+)(?:-([0-9A-Za-z.-]+))?(?:\+([0-9A-Za-z.-]+))?")
_VALID = re.compile(PATTERN)
_PRERELEASE = re.compile(rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})*")
_BUILD = re.compile(rf"{_BUILD_IDENTIFIER}(?:\.{_BUILD_IDENTIFIER})*")

MAX_DIGITS = 640
"""The maximum number of digits: Python converts as many with any configuration."""

_TOO_LARGE = 10**MAX_DIGITS

LEVELS = ("major", "minor", "patch")
"""The numbers of a version, in order."""
_FIELDS = (*LEVELS, "prerelease", "build")

_Key = tuple[int, int, int, tuple[tuple[int, int, str], ...]]


def _shown(text: object) -> str:
    """Return the ``repr`` of ``text`` for a message, shortened."""
    shortener = reprlib.Repr()
    shortener.maxstring = shortener.maxother = 80
    return shortener.repr(text)


def _check_number(instance: object, attribute: attrs.Attribute[int], value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _invalid(value, f"the {attribute.name} number must be a non-negative integer")
    if value >= _TOO_LARGE:
        raise _invalid("…", f"the {attribute.name} number has more than {MAX_DIGITS} digits")


def _check_prerelease(instance: object, attribute: attrs.Attribute[str], value: object) -> None:
    if value == "":
        return
    if not isinstance(value, str) or not _PRERELEASE.fullmatch(value):
        raise _invalid(value, f"the {attribute.name} part must be dotted identifiers, like 'rc.1'")
    if any(len(part) > MAX_DIGITS and part.isdigit() for part in value.split(".")):
        raise _invalid(value, f"a pre-release number has more than {MAX_DIGITS} digits")


def _check_build(instance: object, attribute: attrs.Attribute[str], value: object) -> None:
    if value != "" and (not isinstance(value, str) or not _BUILD.fullmatch(value)):
        raise _invalid(value, "the build part must be dotted identifiers, like 'build.5'")


@functools.total_ordering
@attrs.frozen(repr=False, eq=False)
class SemVer:
    """A version name: ``v`` and a version of Semantic Versioning 2.0.0 (F1).

    Versions are ordered by SemVer precedence, then by build metadata (F2). They are equal only if
    their text is equal.

    Raises:
        InvalidVersionError: a part is invalid.
    """

    major: int = attrs.field(validator=_check_number)
    minor: int = attrs.field(validator=_check_number)
    patch: int = attrs.field(validator=_check_number)
    prerelease: str = attrs.field(default="", validator=_check_prerelease)
    """The pre-release part, such as ``"rc.1"``; empty for a final release."""
    build: str = attrs.field(default="", validator=_check_build)
    """The build metadata; may be empty. Precedence ignores it."""
    precedence: _Key = attrs.field(init=False)
    """A comparable key of SemVer precedence. It is equal for versions that differ in their build
    metadata only."""

    _hash: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Compute the keys once: versions are compared often."""
        key = (self.major, self.minor, self.patch, _prerelease_key(self.prerelease))
        object.__setattr__(self, "precedence", key)
        object.__setattr__(self, "_hash", hash((key, self.build)))

    @classmethod
    def _parsed(cls, major: int, minor: int, patch: int, prerelease: str, build: str) -> SemVer:
        """Return a value of parts that were validated; validating them again would take 10 µs."""
        self = cls.__new__(cls)
        for name, value in zip(_FIELDS, (major, minor, patch, prerelease, build)):
            object.__setattr__(self, name, value)
        self.__attrs_post_init__()
        return self

    @classmethod
    def parse(cls, text: str) -> SemVer:
        """Parse a version name such as ``v1.2.0-rc.1`` strictly.

        Raises:
            InvalidVersionError: it is invalid. The message names the invalid part and suggests a
                valid name, if possible.
        """
        if not isinstance(text, str):
            raise _invalid(text, _not_text(text))
        return _parse(text)

    @classmethod
    def is_valid(cls, text: object) -> bool:
        """Return whether ``text`` is a version name."""
        try:
            cls.parse(text)  # type: ignore[arg-type]  # it may be of any type
        except InvalidVersionError:
            return False
        return True

    @property
    def is_prerelease(self) -> bool:
        """Whether the version has a pre-release part, such as ``-rc.1``."""
        return self.prerelease != ""

    def bump(self, level: str) -> SemVer:
        """Return the next ``"major"``, ``"minor"`` or ``"patch"`` version.

        A pre-release becomes its final release if that is a version of this level: the next major
        version after ``v2.0.0-rc.1`` is ``v2.0.0``. Build metadata is removed.

        Raises:
            InvalidArgumentError: ``level`` is anything else.
        """
        if level not in LEVELS:
            raise InvalidArgumentError(
                f"bump must be one of 'major', 'minor' and 'patch', not {_shown(level)}",
                argument="bump",
                value=level,
            )
        at = LEVELS.index(level)
        numbers = (self.major, self.minor, self.patch)
        if self.is_prerelease and not any(numbers[at + 1 :]):
            return SemVer(*numbers)
        major, minor, patch = (*numbers[:at], numbers[at] + 1, 0, 0)[:3]
        return SemVer(major, minor, patch)

    def __str__(self) -> str:
        """Return the version name; ``SemVer.parse`` is the inverse."""
        text = f"v{self.major}.{self.minor}.{self.patch}"
        if self.prerelease:
            text += f"-{self.prerelease}"
        if self.build:
            text += f"+{self.build}"
        return text

    def __format__(self, spec: str) -> str:
        """Format ``str()``, for columns."""
        return format(str(self), spec)

    def __repr__(self) -> str:
        """Return an expression that evaluates to this value."""
        numbers = f"{self.major}, {self.minor}, {self.patch}"
        prerelease = f", prerelease={self.prerelease!r}" if self.prerelease else ""
        build = f", build={self.build!r}" if self.build else ""
        return f"SemVer({numbers}{prerelease}{build})"

    def __eq__(self, other: object) -> bool:
        """Return whether the version names are equal."""
        if not isinstance(other, SemVer):
            return NotImplemented
        return self.precedence == other.precedence and self.build == other.build

    def __lt__(self, other: SemVer) -> bool:
        """Compare as in F2."""
        if not isinstance(other, SemVer):
            return NotImplemented
        return (self.precedence, self.build) < (other.precedence, other.build)

    def __hash__(self) -> int:
        """Return a hash, which was computed at creation."""
        return self._hash

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the version name, which does not depend on the attributes of the class."""
        return SemVer.parse, (str(self),)


def _prerelease_key(prerelease: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key: numbers before text, fewer parts before more, no pre-release last."""
    if not prerelease:
        return ((2, 0, ""),)
    return tuple(
        (0, len(part), part) if part.isdigit() else (1, 0, part) for part in prerelease.split(".")
    )


@functools.lru_cache(maxsize=8192)  # many models share the same few version names
def _parse(text: str) -> SemVer:
    parts = _PARTS.fullmatch(text) if _VALID.fullmatch(text) else None
    if parts is None:
        raise _invalid(text, _diagnose(text))
    major, minor, patch, prerelease, build = parts.groups(default="")
    for name, number in zip(LEVELS, (major, minor, patch)):
        if len(number) > MAX_DIGITS:
            raise _invalid(text, f"the {name} number has more than {MAX_DIGITS} digits")
    if len(prerelease) > MAX_DIGITS:
        return SemVer(int(major), int(minor), int(patch), prerelease, build)  # validates it
    return SemVer._parsed(int(major), int(minor), int(patch), prerelease, build)  # noqa: SLF001  # its module


def _invalid(text: object, reason: str) -> InvalidVersionError:
    return InvalidVersionError(
        f"{_shown(text)} is not a version name: {reason}", text=text, reason=reason
    )


def _not_text(value: object) -> str:
    if isinstance(value, bytes):
        return "it must be text, not bytes; decode it first"
    if isinstance(value, SemVer):
        return "it is a SemVer already; use it without parsing"
    return f"it must be text such as 'v1.2.3', not {type(value).__name__}"


def _try(text: str) -> str:
    """Return the hint ``, try '…'`` if ``text`` is valid, else an empty string."""
    return f", try '{text}'" if _VALID.fullmatch(text) and len(text) < MAX_DIGITS else ""


def _diagnose(text: str) -> str:
    """Return a description of the first violation of F1 in ``text``."""
    if not text:
        return "it is empty, try 'v0.0.1'"
    if text != text.strip() or any(char.isspace() for char in text):
        return "it contains white space" + _try("".join(text.split()))
    if text.startswith("V"):
        return "must start with a lower-case 'v'" + _try("v" + text[1:])
    if not text.startswith("v"):
        return "must start with 'v'" + (
            _try(f"v{text}") or _try(f"v{text}.0") or _try(f"v{text}.0.0")
        )
    rest, plus, build = text[1:].partition("+")
    core, dash, prerelease = rest.partition("-")
    return (
        _diagnose_core(core, text[1 + len(core) :])
        or (_diagnose_parts("pre-release", prerelease, _IDENTIFIER) if dash else "")
        or (_diagnose_parts("build", build, _BUILD_IDENTIFIER) if plus else "")
    )


def _diagnose_core(core: str, tail: str) -> str:
    """Return the error in ``major.minor.patch``, or an empty string."""
    numbers = core.split(".")
    for name, number in zip(LEVELS, numbers):
        if number == "":
            return f"the {name} segment is empty"
        if not re.fullmatch("[0-9]+", number):
            digits = "; only the digits 0-9 are allowed" if number.isdigit() else ""
            return f"{_shown(number)} is not a {name} number{digits}"
        if number != "0" and number.startswith("0"):
            corrected = ".".join(part.lstrip("0") or "0" for part in numbers)
            return f"the {name} number {_shown(number)} has a leading zero" + _try(
                f"v{corrected}{tail}"
            )
    if len(numbers) < len(LEVELS):
        missing = LEVELS[len(numbers) :]
        corrected = ".".join([*numbers, *["0"] * len(missing)])
        are = "segment is" if len(missing) == 1 else "segments are"
        return f"the {' and '.join(missing)} {are} missing" + _try(f"v{corrected}{tail}")
    if len(numbers) > len(LEVELS):
        extra = ".".join(numbers[len(LEVELS) :])
        return f"{_shown('.' + extra)} follows the patch number; a version has three numbers"
    return ""


def _diagnose_parts(name: str, text: str, pattern: str) -> str:
    """Return the error in a dotted part, or an empty string."""
    for part in text.split("."):
        if part == "":
            return f"the {name} part has an empty identifier"
        if not re.fullmatch("[0-9A-Za-z-]+", part):
            return (
                f"{_shown(part)} in the {name} part may contain only ASCII letters, digits and '-'"
            )
        if not re.fullmatch(pattern, part):
            return f"the number {_shown(part)} in the {name} part has a leading zero"
    return ""
