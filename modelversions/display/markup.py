"""HTML as a tree of elements, which is escaped when it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

Element = ET.Element
Child = Element | str | None

MAX_TEXT = 200
"""The maximum number of characters that are displayed of a text, except of a full message."""

_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
"""Characters that control a terminal or the direction of text, or that XML forbids."""


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """Return a text, shortened, with replacement characters for control characters."""
    cut = text[: limit - 1] + "…" if len(text) > limit else text
    return _CONTROL.sub("\ufffd", cut.replace("\r\n", "\n"))


def first_line(text: str, limit: int = MAX_TEXT) -> str:
    """Return the first line of a text, shortened."""
    line = text[: limit * 2].partition("\n")[0].rstrip("\r")
    return clean(line, limit)


def element(tag: str, *children: Child, limit: int = MAX_TEXT, **attributes: object) -> Element:
    """Return an element.

    Args:
        tag: its name.
        children: elements and texts; None is omitted.
        limit: the maximum length of each text, including attributes.
        attributes: the attributes. In a name, ``_`` means ``-``; a ``_`` at the end is removed, as
            in ``class_``. Attributes that are None are omitted.
    """
    result = Element(tag)
    for name, value in attributes.items():
        if value is not None:
            result.set(name.rstrip("_").replace("_", "-"), clean(str(value), max(limit, 2000)))
    return append(result, children, limit)


def append(parent: Element, children: Iterable[Child], limit: int = MAX_TEXT) -> Element:
    """Append elements and texts to an element; return it."""
    last: Element | None = parent[-1] if len(parent) else None
    for child in children:
        if isinstance(child, str):
            text = clean(child, limit)
            if last is None:
                parent.text = (parent.text or "") + text
            else:
                last.tail = (last.tail or "") + text
        elif child is not None:
            parent.append(child)
            last = child
    return parent


def write(root: Element) -> str:
    """Return an element as HTML.

    It is written as XML with end tags, in which ``<`` is escaped in attributes too. The output has
    no void elements, and the style sheet no characters that XML escapes.
    """
    return ET.tostring(root, encoding="unicode", short_empty_elements=False)
