"""Untrusted YAML files."""

from __future__ import annotations

import pytest

from modelversions import ConfigurationError
from modelversions.safe_yaml import load_mapping


def test_merge_keys() -> None:
    text = "a: &a {x: 1}\nb:\n  <<: *a\n  y: 2\nc:\n  <<: [*a, {z: 1}]\n"
    assert load_mapping(text.encode(), "f") == {
        "a": {"x": 1},
        "b": {"x": 1, "y": 2},
        "c": {"x": 1, "z": 1},
    }


def nested(levels: int) -> str:
    """Return mappings, each of which merges ten times the one before."""
    lines = ["a0: &a0 {" + ", ".join(f"k{index}: 1" for index in range(10)) + "}"]
    for level in range(1, levels + 1):
        lines += [f"a{level}: &a{level}", "  <<: [" + ", ".join([f"*a{level - 1}"] * 10) + "]"]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(nested(12), id="nested"),
        pytest.param(nested(2) + "z:\n  <<: [" + ",".join(["*a2"] * 5000) + "]\n", id="wide"),
        pytest.param(
            nested(2) + "".join(f"z{index}:\n  <<: *a2\n" for index in range(3000)), id="many"
        ),
    ],
)
def test_merge_keys_that_merge_too_many_items(text: str) -> None:
    with pytest.raises(ConfigurationError, match="more than 20000 items are merged"):
        load_mapping(text.encode(), "f")


def test_a_mapping_merged_into_itself() -> None:
    with pytest.raises(ConfigurationError, match="it is not YAML"):
        load_mapping(b"a: &a\n  <<: *a\n", "f")
