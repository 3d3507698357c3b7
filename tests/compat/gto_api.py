"""Results of GTO's functions as JSON types, for comparison."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any


def plain(value: Any) -> Any:
    """Return a result as JSON types; objects have the name of their class.

    The ``enrichments`` of a version are left out: they are a documented difference.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, Enum):
        return [type(value).__name__, value.value]
    if isinstance(value, datetime):
        return [int(value.timestamp()), str(value.utcoffset())]
    if isinstance(value, Mapping):
        items = {str(key): plain(item) for key, item in value.items()}
        return {**items, "enrichments": []} if "enrichments" in items else items
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    state = value.dict_state() if hasattr(value, "dict_state") else value.model_dump()
    return {"class": type(value).__name__, "ref": getattr(value, "ref", None), **plain(state)}


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """Return the differences of two results, each with its path."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = sorted({*ours, *theirs})
        return [
            one
            for key in keys
            for one in differences(ours.get(key, "-"), theirs.get(key, "-"), f"{path}.{key}")
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = enumerate(zip(ours, theirs))
        return [one for number, pair in pairs for one in differences(*pair, f"{path}[{number}]")]
    return [] if ours == theirs else [f"{path}: {ours!r}, GTO: {theirs!r}"]
