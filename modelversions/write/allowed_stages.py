"""The registry's own configuration: the ``.gto`` file in a repository's root (F23)."""

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
"""Opening brackets that are parsed: ruamel.yaml takes seconds for thousands of nested ones."""
_MAX_SIZE = 1 << 20
"""The bytes of the file that are parsed."""


def read_stages(content: bytes | None) -> tuple[str, ...] | None:
    """Read which stages may be assigned; None for any.

    Args:
        content: the file's content; None where there is no file.

    Raises:
        MissingExtraError: there is a file, and no parser for it.
        ConfigurationError: it is no YAML, or its ``stages`` are no list of stage names.
    """
    if content is None:
        return None
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
        from ruamel.yaml.events import AliasEvent
    except ImportError as error:
        raise MissingExtraError(
            f"the repository has a {FILE} file, which says which stages are allowed, and takes the "
            "'yaml' extra to be read: pip install 'modelversions[yaml]', or pass stages= to "
            "Registry.open",
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
    except YAMLError:  # loading it says why
        has_aliases = False
    if has_aliases:  # a few of them can stand for billions of values
        raise _invalid("it has aliases ('*name'), which are not supported; write the values out")
    try:
        found = YAML(typ="safe", pure=True).load(content)
    except Exception as error:  # ruamel.yaml lets ValueError, KeyError, RecursionError through
        reason = str(error) if isinstance(error, YAMLError) else f"{type(error).__name__}: {error}"
        raise _invalid(f"it is not YAML: {reason}") from error
    if found is not None and not isinstance(found, dict):
        raise _invalid(f"it must hold keys and values, not {found!r}")
    stages = (found or {}).get("stages")
    return None if stages is None else check_stages(stages, FILE)


def check_stages(stages: object, source: str) -> tuple[str, ...]:
    """Return the stages if they are a list of names.

    Args:
        stages: what should be one.
        source: where they come from, for the message.

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
    """Refuse a stage that may not be assigned.

    Raises:
        StageNotAllowedError: others may.
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
