"""The ABNF grammar of FORMAT.md, as regular expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.conformance.case import FORMAT

_RULE = re.compile(r"^([A-Za-z-]+) += (.*(?:\n {17}.*)*)$", re.MULTILINE)
_TOKEN = re.compile(
    r'\s*(?:(?P<text>%s"[^"]*"|"[^"]*")|%x(?P<low>[0-9A-F]+)(?:-(?P<high>[0-9A-F]+))?'
    r"|(?P<count>[0-9]*\*[0-9]*)|(?P<rule>[A-Za-z-]+)|(?P<mark>[\[\]()/]))"
)
_MARKS = {"[": "(?:", "]": ")?", "(": "(?:", ")": ")", "/": "|"}


def rules() -> dict[str, str]:
    """Return the rules of the grammar, by name."""
    block = FORMAT.partition("```abnf\n")[2].partition("```")[0]
    found = dict(_RULE.findall(block))
    assert len(found) == block.count(" = ")
    return found


def pattern(name: str) -> str:
    """Return a regular expression for a rule, which must not refer to itself."""
    return f"(?:{''.join(_translated(rules()[name]))})"


def _translated(text: str) -> Iterator[str]:
    """Yield the parts of the expression for the right side of a rule."""
    counts: list[str] = []
    opened: list[str] = []
    for token in _TOKEN.finditer(text):
        if token["count"]:
            least, _, most = token["count"].partition("*")
            counts.append(f"{{{least or 0},{most}}}")
            continue
        mark = token["mark"]
        if mark and mark in "([":
            opened.append(counts.pop() if counts else "")
            yield _MARKS[mark]
            continue
        yield _MARKS[mark] if mark else _atom(token)
        if mark != "/":
            yield opened.pop() if mark else (counts.pop() if counts else "")


def _atom(token: re.Match[str]) -> str:
    if token["text"]:
        return f"(?:{re.escape(token['text'].removeprefix('%s').strip(chr(34)))})"
    if token["rule"]:
        return pattern(token["rule"])
    low, high = (int(token[end] or token["low"], 16) for end in ("low", "high"))
    return f"[{re.escape(chr(low))}-{re.escape(chr(high))}]"
