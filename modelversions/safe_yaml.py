"""Read untrusted YAML files.

The pure-Python parser of ruamel.yaml is used, as in GTO and DVC: it reads YAML 1.2, in which ``on``
is text. It takes about 20 seconds per megabyte, and more for deep nesting, so both are limited.

This module is private.
"""

from __future__ import annotations

import reprlib

from modelversions.errors import ConfigurationError, MissingExtraError

MAX_SIZE = 1 << 17
"""The maximum size of a file in bytes; it takes up to three seconds to read."""
_MAX_DEPTH = 100
"""The maximum depth of nested brackets, and of nested values."""
_MAX_REASON = 300
"""The maximum length of the reason in a message, as the parser quotes the file."""
_MAX_BITS = 1024
"""The maximum size of an integer, as Python does not convert much larger ones to text."""
_MAX_VALUES = 20_000
"""The maximum number of values; the values of an alias are counted each time."""


def load_mapping(
    content: bytes, file: str, *, max_size: int = MAX_SIZE, max_values: int = _MAX_VALUES
) -> dict[object, object]:
    """Return the mapping in a YAML file; an empty file is an empty mapping.

    Aliases are replaced by copies of their values.

    Args:
        content: the file's content.
        file: its name, for messages.
        max_size: the maximum number of bytes.
        max_values: the maximum number of values; the values of an alias are counted each time.

    Raises:
        MissingExtraError: the parser is not installed.
        ConfigurationError: it is not YAML, not a mapping, too large or too deeply nested.
    """
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError

        from modelversions.yaml_merges import BoundedConstructor
    except ImportError as error:
        raise MissingExtraError(
            f"to read the file {file}, install the 'yaml' extra: pip install 'modelversions[yaml]'",
            extra="yaml",
        ) from error
    if len(content) > max_size:
        raise invalid(file, f"it has {len(content)} bytes; at most {max_size} are read")
    if _depth(content) > _MAX_DEPTH:
        raise invalid(file, f"brackets are nested more than {_MAX_DEPTH} deep")
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.Constructor = BoundedConstructor
        yaml.constructor.max_merged = max_values
        found = yaml.load(content)
    except Exception as error:  # ruamel.yaml also raises ValueError, KeyError, RecursionError
        reason = str(error) if isinstance(error, YAMLError) else f"{type(error).__name__}: {error}"
        raise invalid(file, f"it is not YAML: {reason}") from error
    copied = {} if found is None else _Copy(file, max_values).of(found)
    if not isinstance(copied, dict):
        raise invalid(file, f"it must be a mapping, not {brief(copied)}")
    return copied


def invalid(file: str, reason: str) -> ConfigurationError:
    """Return the error for a file with invalid content."""
    text = " ".join(reason.split())
    if len(text) > _MAX_REASON:
        text = f"{text[:_MAX_REASON]}…"
    return ConfigurationError(f"the file {file} cannot be read: {text}", file=file)


def brief(value: object) -> str:
    """Return the ``repr`` of a value from a file, shortened, for a message."""
    return reprlib.repr(value)


def _depth(content: bytes) -> int:
    """Return the depth of nested brackets, including those in comments and texts."""
    depth = deepest = 0
    for byte in content:
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth = max(depth - 1, 0)
    return deepest


class _Copy:
    """Copies values with limits: with aliases, a few lines can be billions of values."""

    def __init__(self, file: str, max_values: int) -> None:
        self._file = file
        self._max_values = max_values
        self._count = 0

    def of(self, value: object, depth: int = 0) -> object:
        self._count += 1
        if depth > _MAX_DEPTH:
            raise invalid(self._file, f"values are nested more than {_MAX_DEPTH} deep")
        if self._count > self._max_values:
            raise invalid(self._file, f"it has more than {self._max_values} values")
        if isinstance(value, dict):
            return {self._scalar(key): self.of(item, depth + 1) for key, item in value.items()}
        if isinstance(value, set):
            items = [self.of(item, depth + 1) for item in value]
            return sorted(items, key=repr)  # in the same order in each process
        if isinstance(value, (list, tuple)):
            return [self.of(item, depth + 1) for item in value]
        return self._scalar(value)

    def _scalar(self, value: object) -> object:
        if isinstance(value, int) and value.bit_length() > _MAX_BITS:
            raise invalid(self._file, f"it has an integer of more than {_MAX_BITS} bits")
        return value
