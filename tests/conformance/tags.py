"""The fields of an event in a tag that was written by another program."""

from __future__ import annotations

import re
from typing import Any

from tests.conformance.building import START, Built

_OBJECT = re.compile(
    r"object (.*)\ntype commit\ntag .*\ntagger (.*>) ([0-9]+) ([+-][0-9]{4})\n\n(.*?)\n*", re.DOTALL
)


def written(built: Built, tag: str) -> dict[str, Any]:
    """Return the fields of a written tag."""
    text = built.object_at(tag)
    match = _OBJECT.fullmatch(text)
    fields = (
        {}
        if match is None
        else dict(zip(("commit", "author", "at", "zone", "message"), match.groups()))
    )
    if fields:
        fields["commit"] = built.label(fields["commit"])
        fields["at"] = int(fields["at"]) - START
    counter = re.search(r"[@#].*#([0-9]+)$", tag)
    model = re.match(r"[^@#]*", tag)
    assert model is not None
    return {
        "tag": tag,
        "model": model[0].replace("=", ":"),
        "counter": int(counter[1]) if counter else None,
        "object": text,
        **fields,
    }
