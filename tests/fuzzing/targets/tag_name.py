"""``TagName``: compared with the grammar of FORMAT.md; formatting is the inverse of parsing."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

from modelversions.errors import InvalidNameError, InvalidTagNameError, ModelVersionsError
from modelversions.values.tag_name import (
    TagName,
    check_model_name,
    check_new_stage,
    diagnose,
    is_model_name,
    is_reserved,
    is_stage_name,
    model_of,
)
from tests.conformance.grammar import pattern
from tests.fuzzing import seeds as cases

MODULES = ("modelversions.values.tag_name",)
_TAG, _MODEL, _STAGE, _RESERVED = (
    re.compile(pattern(rule)) for rule in ("tag-name", "model", "stage", "reserved")
)


def seeds() -> Iterator[bytes]:
    """Yield the names of the cases."""
    for text in [*cases.tag_names(), *cases.texts("tag"), *cases.texts("model")]:
        yield text.encode(errors="surrogateescape")


def check(data: bytes) -> None:
    """Parse the bytes as the name of a tag, of a model and of a stage."""
    text = data.decode(errors="surrogateescape")
    name = TagName.try_parse(text)
    assert (name is not None) is (_TAG.fullmatch(text) is not None), text
    assert is_model_name(text) is (_MODEL.fullmatch(text) is not None)
    assert is_reserved(text) is (_RESERVED.fullmatch(text) is not None)
    if is_stage_name(text):
        assert _STAGE.fullmatch(text)
    for checked in (check_model_name, check_new_stage):
        with contextlib.suppress(InvalidNameError):
            checked(text)
    if name is None:
        _check_invalid(text)
        return
    assert str(name) == text
    assert diagnose(text) is None
    assert model_of(text) == name.model or name.version is None
    again = TagName(name.kind, name.model, name.version, name.stage, name.counter, zeros=name.zeros)
    assert again == name == TagName.parse(text)
    assert eval(repr(name), _NAMES) == name  # noqa: S307  # the text is from repr()
    assert name.model in name.message()


def _check_invalid(text: str) -> None:
    model = model_of(text)
    assert model is None or is_model_name(model)
    assert diagnose(text) is None or diagnose(text) != ""
    try:
        TagName.parse(text)
    except InvalidTagNameError as error:
        assert error.reason
    else:
        assert text.startswith("refs/tags/")
    assert issubclass(InvalidTagNameError, ModelVersionsError)


_NAMES: dict[str, object] = {}
exec(  # noqa: S102  # the names that repr() uses
    "from modelversions import EventKind, SemVer, TagName", _NAMES
)
