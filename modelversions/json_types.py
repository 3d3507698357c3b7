"""Convert values to JSON types.

This module is private.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

SCHEMA = 1
"""The schema number of all dictionaries from ``to_dict()``; their key ``schema`` has it."""

MAX_DEPTH = 100
"""The maximum depth of nested values that are converted."""
_MAX_BITS = 1024
"""The maximum size of an integer, as Python does not convert much larger ones to text."""


def to_json(value: object, depth: int = MAX_DEPTH) -> object:
    """Return a value as JSON types.

    Times are converted to ISO 8601 with their offset, enumerations to their values, values with
    ``to_dict()`` to dictionaries, and other values to text. The latter includes numbers that JSON
    does not have, such as NaN, and mappings and lists that are nested more than ``depth`` deep.
    """
    if isinstance(value, enum.Enum):
        return to_json(value.value, depth)
    if value is None or isinstance(value, (bool, int, float)):
        return _number(value)
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if _has_record(value):
        return value.to_dict()  # type: ignore[attr-defined]  # checked above
    if depth and isinstance(value, (dict, MappingProxyType)):
        return {_key(key): to_json(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, (list, tuple, set, frozenset)):
        return [to_json(item, depth - 1) for item in value]
    return encodable(_text(value))


def _number(value: object) -> object:
    """Return a number, or its text if JSON or Python cannot represent it as a number."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(float(value))
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return hex(value)
    return value


def _key(key: object) -> str:
    """Return a key of a mapping as text; booleans and None as in JSON."""
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return encodable(_text(to_json(key, 0)))


def _has_record(value: object) -> bool:
    """Return whether a value's class belongs to this package and has ``to_dict()``.

    Classes of other packages, such as data frames, may have a method with this name too.
    """
    classes = type(value).__mro__
    own = any(one.__module__.partition(".")[0] == "modelversions" for one in classes)
    return own and hasattr(value, "to_dict")


def _text(value: object, of: Callable[[object], str] = str) -> str:
    """Return ``str()`` or ``repr()`` of a value, which may raise."""
    try:
        return of(value)
    except Exception:  # noqa: BLE001  # it may be of any class
        return object.__repr__(value)


def encodable(text: str) -> str:
    """Return a text without lone surrogates, which UTF-8 cannot encode; they are escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def record(**fields: object) -> dict[str, object]:
    """Return the dictionary of a value, with the schema number."""
    return {"schema": SCHEMA, **{name: to_json(value) for name, value in fields.items()}}


def data_record(data: Mapping[str, object]) -> dict[str, object]:
    """Return the data of an error: scalars, lists of scalars, and the ``repr`` of other values.

    Other values are not converted: they are arguments of the caller, which may be large or endless,
    or may read a repository.
    """
    return {
        name: [_scalar(one) for one in value]
        if isinstance(value, (list, tuple, set, frozenset))
        else _scalar(value)
        for name, value in data.items()
    }


def _scalar(value: object) -> object:
    is_scalar = value is None or isinstance(value, (bool, int, float, str, datetime))
    return to_json(value) if is_scalar else encodable(_text(value, repr))
