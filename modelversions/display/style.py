"""The style of HTML output: colours are inherited from the page, and each rule is scoped."""

from __future__ import annotations

import functools
import re
import zlib
from importlib.resources import files

from modelversions.display.markup import Child, Element, append, element

_HUES = 8
_KNOWN = {"prod": 0, "production": 0, "staging": 1, "stage": 1, "dev": 2, "development": 2}
_OTHERS = 3
"""The first hue of stages with other names."""

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_SPACE = re.compile(r"\s+")


@functools.cache
def css() -> str:
    """Return the style sheet without comments and line breaks."""
    text = files("modelversions.display").joinpath("style.css").read_text(encoding="utf-8")
    return minified(text)


def minified(text: str) -> str:
    """Return a style sheet without comments and line breaks."""
    return _SPACE.sub(" ", _COMMENT.sub("", text)).strip()


def page(*children: Child) -> Element:
    """Return the root element of an output, with the style sheet."""
    style = element("style")
    style.text = css()
    return append(element("div", style, class_="modelversions"), children)


def hue(stage: str) -> str:
    """Return the class of a stage's colour, which is the same in each output."""
    return f"mv-hue{hue_number(stage)}"


def hue_number(stage: str) -> int:
    """Return the number of a stage's colour."""
    number = _KNOWN.get(stage.lower())
    if number is None:
        number = _OTHERS + zlib.crc32(stage.encode(errors="replace")) % (_HUES - _OTHERS)
    return number


def pill(stage: str) -> Element:
    """Return a stage as a pill in its colour."""
    return element("span", stage, class_=f"mv-pill {hue(stage)}")
