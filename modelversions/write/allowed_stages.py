"""The stages that may be assigned, as listed in a ``.gto`` file (F23)."""

from __future__ import annotations

from collections.abc import Iterable

from modelversions.errors import (
    ConfigurationError,
    InvalidNameError,
    MissingExtraError,
    StageNotAllowedError,
)
from modelversions.values.tag_name import check_new_stage

FILE = ".gto"

_MAX_BRACKETS = 100
"""The maximal number of opening brackets: ruamel.yaml takes seconds for thousands of them."""
_MAX_SIZE = 1 << 20
"""The maximal size of the file in bytes."""


def read_stages(content: bytes | None) -> tuple[str, ...] | None:
    """Return the stages that may be assigned; None if any stage may.

    Args:
        content: the file's content; None if there is no file.

    Raises:
        MissingExtraError: there is a file, and the parser is not installed.
        ConfigurationError: it is not YAML, or ``stages`` is not a list of stage names.
    """
    if content is None:
        return None
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
        from ruamel.yaml.events import AliasEvent
    except ImportError as error:
        raise MissingExtraError(
            f"the {FILE} file of the repository lists the allowed stages; to read it, install the "
            "'yaml' extra: pip install 'modelversions[yaml]', or pass stages= to Registry.open",
            extra="yaml",
        ) from error
    if len(content) > _MAX_SIZE:
        raise _invalid(f"it has {len(content)} bytes; at most {_MAX_SIZE} are read")
    if content.count(b"[") + content.count(b"{") > _MAX_BRACKETS:
        raise _invalid(
            f"it has more than {_MAX_BRACKETS} opening brackets; write lists line by line"
        )
    try:
        events = YAML(typ="safe", pure=True).parse(content) if b"*" in content else ()
        has_aliases = any(isinstance(event, AliasEvent) for event in events)
    except YAMLError:  # load() raises the error
        has_aliases = False
    if has_aliases:  # a few of them can expand to billions of values
        raise _invalid("it has aliases ('*name'), which are not supported; write the values out")
    try:
        found = YAML(typ="safe", pure=True).load(content)
    except Exception as error:  # ruamel.yaml lets ValueError, KeyError, RecursionError through
        reason = str(error) if isinstance(error, YAMLError) else f"{type(error).__name__}: {error}"
        raise _invalid(f"it is not YAML: {reason}") from error
    if found is not None and not isinstance(found, dict):
        raise _invalid(f"it must be a mapping, not {found!r}")
    stages = (found or {}).get("stages")
    return None if stages is None else check_stages(stages, FILE)


def check_stages(stages: object, source: str) -> tuple[str, ...]:
    """Return the stages if they are an iterable of stage names.

    Args:
        stages: the value to validate.
        source: its source, for the message.

    Raises:
        ConfigurationError: they are not.
    """
    if isinstance(stages, str) or not isinstance(stages, Iterable):
        raise _invalid(
            f"'stages' must be a list of names, not {stages!r}; write one such as ['dev', 'prod']",
            source,
        )
    names = tuple(stages)
    for name in names:
        try:
            check_new_stage(name)
        except InvalidNameError as error:
            raise _invalid(str(error), source) from error
    return names


def check_allowed(model: str, stage: str, allowed: tuple[str, ...] | None) -> None:
    """Check that a stage may be assigned.

    Raises:
        StageNotAllowedError: it may not.
    """
    if allowed is not None and stage not in allowed:
        raise StageNotAllowedError(
            f"stage {stage!r} is not allowed in this registry; allowed: {', '.join(allowed)} (see "
            f"the {FILE} file or stages=), or pass force=True",
            model=model,
            stage=stage,
            allowed=allowed,
        )


def _invalid(reason: str, source: str = FILE) -> ConfigurationError:
    return ConfigurationError(f"the stages cannot be read from {source}: {reason}", file=source)
