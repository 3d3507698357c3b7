"""Tag names and default messages in GTO's format (rules F3-F6)."""

from __future__ import annotations

import enum
import functools
import re
import string
from typing import TYPE_CHECKING, NamedTuple

import attrs

from modelversions.errors import InvalidNameError, InvalidTagNameError, InvalidVersionError
from modelversions.values.semver import MAX_DIGITS, PATTERN, SemVer

if TYPE_CHECKING:
    from typing import TypeGuard

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_/-]*[A-Za-z0-9])?"
_DIRECTORY = r"[A-Za-z0-9_./-]+"
_MODEL = re.compile(rf"(?:{_DIRECTORY}:)?{_NAME}")
_STAGE = re.compile(_NAME)
SPELLED_MODEL = re.compile(rf"(?:{_DIRECTORY}=)?{_NAME}(?=[@#])")
"""The model at the start of a tag's name, which has ``=`` instead of the model's ``:``."""
_AFTER_MODEL = re.compile(rf"(?:(?:@({PATTERN})|#({_NAME}))(!?)|@deprecated)(?:#([0-9]+))?")
_RESERVED = re.compile(rf"(?:{_DIRECTORY}=)?{_NAME}@created(?:#[0-9]+)?")
_NEAR = re.compile(
    r"(?P<model>.+?)(?:@(?P<version>[vV]?[0-9].*)|@deprecated(?P<end>[!#].*)|#(?P<stage>.*))",
    re.DOTALL,
)
_AFTER_VERSION = re.compile(r"!?(?:#[0-9]*)?$")

_RESERVED_STAGES = frozenset({"latest", "greatest", "deprecated", "created"})


class EventKind(str, enum.Enum):
    """The five kinds of events, in the order of F13. The values are GTO's."""

    REGISTRATION = "registration"
    DEREGISTRATION = "deregistration"
    ASSIGNMENT = "assignment"
    UNASSIGNMENT = "unassignment"
    DEPRECATION = "deprecation"

    __hash__ = str.__hash__  # a member equals its value, so the hashes must be equal too

    def __str__(self) -> str:
        """Return the value."""
        return self.value

    @property
    def is_about_a_version(self) -> bool:
        """Whether the tag names a version: a registration or a deregistration."""
        return self is EventKind.REGISTRATION or self is EventKind.DEREGISTRATION

    @property
    def is_about_a_stage(self) -> bool:
        """Whether the tag names a stage: an assignment or an unassignment."""
        return self is EventKind.ASSIGNMENT or self is EventKind.UNASSIGNMENT


_CANCELS = frozenset({EventKind.DEREGISTRATION, EventKind.UNASSIGNMENT})


class NameParts(NamedTuple):
    """The parts of an event's tag name after the model: see ``TagName``."""

    kind: EventKind
    version: SemVer | None
    stage: str | None
    counter: int | None
    zeros: int


@functools.lru_cache(maxsize=8192)  # many models share the same versions, stages and counters
def parse_after_model(text: str) -> NameParts | None:
    """Parse what follows the model in a tag's name, such as ``@v1.0.0`` or ``#prod#3`` (F6).

    Returns:
        The parts; None if this is not the name of an event.
    """
    match = _AFTER_MODEL.fullmatch(text)
    if match is None:
        return None
    version, stage, cancel, digits = match.groups()
    if digits and len(digits) > MAX_DIGITS:
        return None
    if stage is not None:
        kind = EventKind.UNASSIGNMENT if cancel else EventKind.ASSIGNMENT
    elif version is not None:
        kind = EventKind.DEREGISTRATION if cancel else EventKind.REGISTRATION
    else:
        kind = EventKind.DEPRECATION
    try:
        semver = SemVer.parse(version) if version is not None else None
    except InvalidVersionError:  # a number has more digits than MAX_DIGITS
        return None
    counter = int(digits) if digits else None
    zeros = len(digits) - len(str(counter)) if digits else 0
    return NameParts(kind, semver, stage, counter, zeros)


@attrs.frozen(repr=False, init=False)
class TagName:
    """The name of an event's tag, parsed (F6). ``str()`` is the inverse.

    The model is written with ``:``, for which the tag's name has ``=``.

    Raises:
        InvalidNameError: the model's or the stage's name breaks F3 or F5.
        InvalidTagNameError: the parts do not form a tag name.
    """

    kind: EventKind
    model: str
    version: SemVer | None
    """The version of a registration or deregistration, else None."""
    stage: str | None
    """The stage of an assignment or unassignment, else None."""
    counter: int | None
    """The number after the last ``#``; None if there is none."""
    zeros: int
    """The number of leading zeros of the counter, as in ``m#prod#01``. They are read, but
    modelversions never writes them."""

    def __init__(
        self,
        kind: EventKind,
        model: str,
        version: SemVer | None = None,
        stage: str | None = None,
        counter: int | None = None,
        *,
        zeros: int = 0,
    ) -> None:
        """Validate the parts, so that ``parse`` accepts the name."""
        self.__attrs_init__(kind, model, version, stage, counter, zeros)
        if not isinstance(kind, EventKind):
            raise self._invalid_parts(f"its kind must be an EventKind, not {kind!r}")
        if version is not None and not isinstance(version, SemVer):
            raise self._invalid_parts(f"its version must be a SemVer, not {version!r}")
        check_model_name(self.model)
        if (self.version is not None) != self.kind.is_about_a_version:
            raise self._invalid_parts(
                "registrations and deregistrations have a version, others do not"
            )
        if (self.stage is not None) != self.kind.is_about_a_stage:
            raise self._invalid_parts("assignments and unassignments have a stage, others do not")
        if self.stage is not None and not _STAGE.fullmatch(self.stage):
            raise _invalid_stage(self.stage)
        if self.counter is not None and not 0 <= self.counter < 10**MAX_DIGITS:
            raise self._invalid_parts(
                f"a counter is a non-negative integer with up to {MAX_DIGITS} digits"
            )
        if self.zeros < 0 or (self.zeros and self.counter is None):
            raise self._invalid_parts("zeros need a counter")
        if self.counter is not None and self.zeros + len(str(self.counter)) > MAX_DIGITS:
            raise self._invalid_parts(
                f"a counter has up to {MAX_DIGITS} digits, leading zeros included"
            )

    def _invalid_parts(self, reason: str) -> InvalidTagNameError:
        return InvalidTagNameError(
            f"these parts do not form a tag name: {reason} (kind {str(self.kind)!r}, model "
            f"{self.model!r})",
            text=self.model,
            reason=reason,
        )

    @classmethod
    def parse(cls, text: str) -> TagName:
        """Parse a tag's name, such as ``churn@v3.1.0``, ``churn#prod#3`` or ``dir=m#prod!#4``.

        It may begin with ``refs/tags/``.

        Raises:
            InvalidTagNameError: it is not the name of an event; the message names the invalid
                part.
        """
        name = cls.try_parse(text.removeprefix("refs/tags/") if isinstance(text, str) else text)
        if name is None:
            reason = diagnose(text) or "it is not of the form model@version or model#stage"
            raise InvalidTagNameError(
                f"{text!r} is not the name of an event: {reason}", text=text, reason=reason
            )
        return name

    @classmethod
    def try_parse(cls, text: str) -> TagName | None:
        """Parse a tag's name; return None if it is not the name of an event."""
        match = SPELLED_MODEL.match(text) if isinstance(text, str) else None
        parts = None if match is None else parse_after_model(text[match.end() :])
        if match is None or parts is None:
            return None
        name = cls.__new__(cls)  # the patterns have validated the parts
        kind, version, stage, counter, zeros = parts
        name.__attrs_init__(kind, match[0].replace("=", ":"), version, stage, counter, zeros)
        return name

    def __str__(self) -> str:
        """Return the tag's name, without ``refs/tags/``."""
        model = self.model.replace(":", "=")
        cancel = "!" if self.kind in _CANCELS else ""
        counter = "" if self.counter is None else f"#{'0' * self.zeros}{self.counter}"
        if self.stage is not None:
            return f"{model}#{self.stage}{cancel}{counter}"
        return f"{model}@{self.version or 'deprecated'}{cancel}{counter}"

    def __repr__(self) -> str:
        """Return an expression that evaluates to this value."""
        parts = [f"kind=EventKind.{self.kind.name}", f"model={self.model!r}"]
        for field in ("version", "stage", "counter"):
            value = getattr(self, field)
            parts += [f"{field}={value!r}"] if value is not None else []
        parts += [f"zeros={self.zeros}"] if self.zeros else []
        return f"TagName({', '.join(parts)})"

    def message(self, version: SemVer | None = None, commit: str | None = None) -> str:
        """Return GTO's default message for the tag, without a newline (F6).

        Args:
            version: for an assignment or unassignment, the version.
            commit: for an assignment or unassignment without a version, the commit's full SHA.
        """
        model, stage = self.model, self.stage
        if self.kind is EventKind.REGISTRATION:
            return f"Registering artifact {model} version {self.version}"
        if self.kind is EventKind.DEREGISTRATION:
            return f"Deregistering artifact {model} version {self.version}"
        if self.kind is EventKind.DEPRECATION:
            return f"Deprecating artifact '{model}'"
        if self.kind is EventKind.UNASSIGNMENT:
            return (
                f"Unassigning stage '{stage}' to artifact '{model}' version '{version or commit}'"
            )
        target = f"version {version}" if version is not None else f"commit {commit}"
        return f"Assigning stage {stage} to artifact {model} {target}"


_NAME_CHARACTERS = f"{string.ascii_letters}{string.digits}-_/"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*[:=]//")


def is_model_name(text: str) -> bool:
    """Return whether it is a valid model name (F3).

    Git may still reject the tag names of such a model, as for ``a//b`` (F4).
    """
    return isinstance(text, str) and _MODEL.fullmatch(text) is not None


def is_stage_name(text: str) -> bool:
    """Return whether it is a valid name for a stage to assign (F5); see F4 too."""
    is_name = isinstance(text, str) and _STAGE.fullmatch(text) is not None
    return is_name and text not in _RESERVED_STAGES


def check_model_name(model: str) -> None:
    """Validate a model name (F3).

    Raises:
        InvalidNameError: it is invalid; the message contains the reason.
    """
    if not isinstance(model, str) or not _MODEL.fullmatch(model):
        reason = _diagnose_model(model) if isinstance(model, str) else "pass the name, as text"
        if SemVer.is_valid(model):
            reason = "it is a version; the order of arguments is model, version"
        elif _is_event(model):
            reason = f"it is a tag's name; pass the model, {TagName.parse(model).model!r}"
        raise InvalidNameError(
            f"{model!r} is not a model name: {reason}", text=model, reason=reason
        )


def check_new_stage(stage: str | None) -> str:
    """Return the name of a stage if it can be assigned (F5); reading is more lenient.

    Raises:
        InvalidNameError: it breaks F5, resembles a version or is reserved.
    """
    if SemVer.is_valid(stage):
        reason = "it is a version; the order of arguments is model, version, stage"
    elif not isinstance(stage, str) or not _STAGE.fullmatch(stage):
        raise _invalid_stage(stage)
    elif stage in _RESERVED_STAGES:
        reason = "it would be read as a version; choose another word"
    else:
        return stage
    raise InvalidNameError(f"{stage!r} cannot name a stage: {reason}", text=stage, reason=reason)


def is_reserved(text: str) -> bool:
    """Return whether a tag's name is ``model@created``, which is reserved (F6)."""
    return _RESERVED.fullmatch(text) is not None


def prefixes_of(model: str) -> list[str]:
    """Return the prefixes of the tag names of a model (F6)."""
    spelled = model.replace(":", "=")
    return [f"{spelled}@", f"{spelled}#"]


def model_of(text: str) -> str | None:
    """Return the model in a tag's name that is or resembles the name of an event; else None."""
    near = _NEAR.fullmatch(text) or _RESERVED.fullmatch(text)
    model = near[0].partition("@")[0].partition("#")[0].replace("=", ":") if near else ""
    return model if _MODEL.fullmatch(model) else None


def diagnose(text: object) -> str | None:
    """Return why a name that resembles the name of an event is not one.

    Returns:
        The reason; None for the name of an event, and for a name that does not resemble one.
    """
    if not isinstance(text, str) or _is_event(text):
        return None
    if _URL.match(text):
        return "it is a URL; pass a repository to push to as remote="
    if is_reserved(text):
        return "'@created' is reserved and is not an event"
    if ":" in text and _is_event(text.replace(":", "=")):
        return f"a tag name has '=' instead of ':', try {text.replace(':', '=')!r}"
    near = _NEAR.fullmatch(text)
    if near is None:
        return None
    model = near["model"].replace("=", ":")
    if not _MODEL.fullmatch(model):
        return f"{near['model']!r} is not a model name: {_diagnose_model(model)}"
    if near["end"] is not None:
        return f"only a counter, such as '#3', may follow '@deprecated', not {near['end']!r}"
    if near["version"] is None:
        return f"'#{near['stage']}' is not a stage with a counter, such as '#prod#3' or '#prod!#4'"
    version = _AFTER_VERSION.sub("", near["version"])
    try:
        SemVer.parse(version)
    except InvalidVersionError as error:
        return f"{version!r} is not a version name: {error.reason}"
    return f"a counter is '#' and 1 to {MAX_DIGITS} digits, at the end"


def _is_event(text: object) -> TypeGuard[str]:
    return isinstance(text, str) and TagName.try_parse(text) is not None


def _diagnose_model(model: str) -> str:
    if model.count(":") > 1:
        return "it may contain one ':', between directory and name"
    directory, colon, name = model.rpartition(":")
    if colon and not re.fullmatch(_DIRECTORY, directory):
        return "a directory consists of ASCII letters, digits, '-', '_', '.' and '/'"
    if not name:
        return "it is empty" if not model else "the name after ':' is empty"
    return _diagnose_name(name, ", '/', and one ':' between directory and name")


def _diagnose_name(name: str, end: str) -> str:
    """Return why a name is invalid; ``end`` completes the list of allowed characters."""
    rest = name.lstrip(_NAME_CHARACTERS)
    if not rest:
        return "it must begin and end with a letter or a digit"
    return f"it contains {rest[0]!r}; allowed are ASCII letters, digits, '-', '_'{end}"


def _invalid_stage(stage: object) -> InvalidNameError:
    reason = _diagnose_name(stage, " and '/'") if isinstance(stage, str) else "it must be text"
    if stage in ("", None):
        reason = "it is empty or missing; pass one, such as stage='prod'"
    return InvalidNameError(f"{stage!r} cannot name a stage: {reason}", text=stage, reason=reason)
