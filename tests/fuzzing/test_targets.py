"""Seeds and some mutations of them pass; a broken reader is detected."""

from __future__ import annotations

import random
from itertools import islice
from typing import Any

import pytest

from modelversions.git.local import packed_refs
from modelversions.git.objects import pack_files
from modelversions.values import tag_name
from modelversions.values.semver import SemVer
from tests.fuzzing.target import Target, load, names

SEEDS = 60
TARGETS = {name: load(name) for name in names()}


def inputs(target: Target) -> list[bytes]:
    """Return some seeds and, for each, a copy with some bytes changed and removed."""
    rng = random.Random(7)  # noqa: S311  # reproducible
    seeds = list(target.seeds())
    found = rng.sample(seeds, min(SEEDS, len(seeds)))
    for seed in list(found):
        changed = bytearray(seed)
        for _ in range(min(3, len(changed))):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        start = rng.randrange(len(changed) + 1)
        found.append(bytes(changed[:start] + changed[start + rng.randrange(9) :]))
    return found


@pytest.mark.parametrize("name", names())
def test_the_seeds_and_some_mutations_pass(name: str) -> None:
    target = TARGETS[name]
    assert target.modules
    for data in inputs(target):
        target.check(data)


@pytest.mark.parametrize(
    ("name", "owner", "attribute", "broken"),
    [
        ("tag_name", tag_name, "_AFTER_MODEL", tag_name._STAGE),
        ("semver", SemVer, "__lt__", lambda *_: True),
        ("packed_refs", packed_refs, "_are_valid_names", lambda _: True),
        ("packs", pack_files, "_ZLIB_OVERHEAD", -(1 << 20)),
    ],
)
def test_a_broken_reader_is_detected(
    monkeypatch: pytest.MonkeyPatch, name: str, owner: Any, attribute: str, broken: Any
) -> None:
    tag_name.parse_after_model.cache_clear()
    monkeypatch.setattr(owner, attribute, broken)
    target = TARGETS[name]
    extra = [b"%b refs/tags/m@v1.0.0^0\n" % (b"a" * 40)] if name == "packed_refs" else []

    def check_all() -> None:
        for data in [*islice(target.seeds(), 200), *extra]:
            target.check(data)

    with pytest.raises(AssertionError):
        check_all()
    tag_name.parse_after_model.cache_clear()
