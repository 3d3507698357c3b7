"""The cases: read from JSON, and checked against FORMAT.md's anchors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import attrs

DIRECTORY = Path(__file__).parent
SCHEMA = DIRECTORY / "schema.json"
FORMAT = (files("modelversions") / "FORMAT.md").read_text(encoding="utf-8")
_SENTENCE = re.compile(
    r'^(?:- |\| )<a id="(?P<anchor>[a-z0-9.-]+)"></a>(?:\*\*(?P<rule>[FP][0-9a-c.]+)\*\*|`[a-z-]+`)'
    r"(?P<text>.*(?:\n  .*)*)",
    re.MULTILINE,
)


@attrs.frozen
class Sentence:
    """A sentence of FORMAT.md that can be tested."""

    id: str
    """Such as ``F13.2``, or a kind of problem."""
    anchor: str
    section: str
    text: str


@attrs.frozen
class Case:
    """One case; tests/conformance/README.md describes the fields."""

    section: str
    name: str
    meets: tuple[str, ...]
    expect: Mapping[str, Any]
    repository: Mapping[str, Any]
    calls: tuple[Mapping[str, Any], ...]
    now: int

    def __str__(self) -> str:
        return f"{self.section}/{self.name}"


def sentences() -> dict[str, Sentence]:
    """Return the sentences of FORMAT.md by ID."""
    found = {}
    for match in _SENTENCE.finditer(FORMAT):
        section = re.findall(r"^## (.*)$", FORMAT[: match.start()], re.MULTILINE)[-1]
        text = " ".join(match["text"].replace("|", " ").split())
        id = match["rule"] or match["anchor"]
        found[id] = Sentence(id, match["anchor"], section, text)
    return found


def paths() -> list[Path]:
    """Return the files of cases."""
    return sorted((DIRECTORY / "cases").glob("*.json"))


def cases() -> list[Case]:
    """Return all cases."""
    return [
        Case(
            section=path.stem,
            name=one["name"],
            meets=tuple(one["meets"]),
            expect=one["expect"],
            repository=one.get("repository", {}),
            calls=tuple(one.get("calls", ())),
            now=one.get("now", 10_000),
        )
        for path in paths()
        for one in json.loads(path.read_text(encoding="utf-8"))["cases"]
    ]
