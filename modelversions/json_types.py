"""Convert values to types that JSON has."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from datetime import datetime

SCHEMA = 1
"""The number of the schema of all dictionaries from ``to_dict()``, which have it as ``schema``."""


def to_json(value: object) -> object:
    """Return a value as JSON types.

    Times become ISO 8601 with their offset, enumerations their values, values with ``to_dict()``
    dictionaries, and other values their text.
    """
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, enum.Enum):
        return to_json(value.value)
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return [to_json(item) for item in value]
    return str(value)


def record(**fields: object) -> dict[str, object]:
    """Return the dictionary of a value, with the number of the schema."""
    return {"schema": SCHEMA, **{name: to_json(value) for name, value in fields.items()}}
