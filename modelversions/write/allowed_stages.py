"""The allowed stages and types of artifacts, as listed in a ``.gto`` file (F23)."""

from __future__ import annotations

from collections.abc import Iterable

from modelversions.errors import (
    ConfigurationError,
    InvalidNameError,
    MissingExtraError,
    StageNotAllowedError,
    join_names,
)
from modelversions.safe_yaml import brief, load_mapping
from modelversions.values.semver import SemVer
from modelversions.values.tag_name import check_new_stage

FILE = ".gto"


def read_stages(content: bytes | None) -> tuple[str, ...] | None:
    """Return the stages that may be assigned; None if any stage may be.

    Args:
        content: the file's content; None if there is no file.

    Raises:
        MissingExtraError: there is a file, and the parser is not installed.
        ConfigurationError: it is not YAML, or ``stages`` is not a list of stage names.
    """
    stages = _read(content, "stages")
    return None if stages is None else check_stages(stages, FILE)


def read_types(content: bytes | None) -> tuple[str, ...] | None:
    """Return the allowed types of artifacts; None if any type is. See ``read_stages``."""
    types = _read(content, "types")
    if types is None:
        return None
    if not isinstance(types, list) or not all(isinstance(one, str) for one in types):
        raise ConfigurationError(
            f"invalid {FILE}: 'types' must be a list of texts, not {brief(types)}",
            file=FILE,
        )
    return tuple(types)


def _read(content: bytes | None, key: str) -> object:
    """Return the value of a key in the file; None if it has none."""
    if content is None:
        return None
    try:
        return load_mapping(content, FILE).get(key)
    except MissingExtraError as error:
        raise MissingExtraError(
            f"the {FILE} file of the repository lists the allowed {key}; to read it, install the "
            "'yaml' extra: pip install 'modelversions[yaml]', or pass stages= to Registry.open",
            extra="yaml",
        ) from error


def check_stages(stages: object, source: str) -> tuple[str, ...]:
    """Return the stages if they are an iterable of stage names.

    Args:
        stages: the value to validate.
        source: the file, or the argument ``stages=``, for the message.

    Raises:
        ConfigurationError: they are not.
    """
    if isinstance(stages, (str, dict)) or not isinstance(stages, Iterable):
        raise _invalid(
            f"'stages' must be a list of names, not {brief(stages)}; write one such as "
            "['dev', 'prod']",
            source,
        )
    names = tuple(stages)
    for name in names:
        try:
            check_new_stage(name)
        except InvalidNameError as error:
            reason = error.reason
            if SemVer.is_valid(name):
                reason = "it is a version name; remove it from the list"
            elif name in ("", None):
                reason = "it is empty; remove it from the list"
            raise _invalid(f"{name!r} cannot name a stage: {reason}", source) from error
    return names


def check_allowed(model: str, stage: str, allowed: tuple[str, ...] | None) -> None:
    """Check that a stage may be assigned.

    Raises:
        StageNotAllowedError: it may not.
    """
    if allowed is not None and stage not in allowed:
        raise StageNotAllowedError(
            f"stage {stage!r} is not allowed; allowed: {join_names(allowed)} (see {FILE} or "
            "stages=); assign one of these, or pass force=True",
            model=model,
            stage=stage,
            allowed=allowed,
        )


def _invalid(reason: str, source: str = FILE) -> ConfigurationError:
    return ConfigurationError(f"invalid {source}: {reason}", file=source)
