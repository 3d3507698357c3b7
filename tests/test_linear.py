"""The time of a read is linear in the bytes that are read.

Time is measured as executed lines of this library, so that other programs do not change it. A clock
is used only for regular expressions, with a generous factor.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelversions import Registry
from modelversions.git.local.packed_refs import PackedTags, packed_tags
from modelversions.git.tag_object import TagParts, parse_commit, parse_common_tag
from modelversions.model.state import replay
from modelversions.values.semver import SemVer
from modelversions.values.tag_name import TagName, diagnose, model_of
from tests.builders import Builder
from tests.fuzzing.targets.replay import RandomHistory

SIZES = (1, 2, 4, 8)
HEAD = b"object %b\ntype commit\ntag m@v1.0.0\n" % (b"a" * 40)
TAGGER = b"tagger Ann <ann@example.com> 1700000000 +0000\n"
PACKAGE = str(Path(sys.modules["modelversions"].__path__[0]))


def lines(call: Callable[[], object]) -> int:
    """Return the number of lines of the library that a call executes."""
    count = 0

    def local(_frame: Any, event: str, _argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return local

    def trace(frame: Any, _event: str, _argument: object) -> Any:
        return local if frame.f_code.co_filename.startswith(PACKAGE) else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def seconds(call: Callable[[], object]) -> float:
    """Return the minimum time of several calls."""
    found = []
    for _ in range(5):
        start = time.process_time()
        call()
        found.append(time.process_time() - start)
    return min(found)


def assert_linear(counts: list[int]) -> None:
    """Check that twice the size takes not much more than twice the steps."""
    steps = [after - before for before, after in itertools.pairwise(counts)]
    for size, step in zip(SIZES, steps):  # each size adds as many units as the size before
        assert step <= 1.3 * size * steps[0] + 50, counts


TAGS: dict[str, Callable[[int], bytes]] = {
    "message": lambda size: HEAD + TAGGER + b"\n" + b"x y\n" * size,
    "headers": lambda size: HEAD + TAGGER + b"header value\n" * size + b"\nx\n",
    "headers before": lambda size: HEAD + b"header value\n" * size + TAGGER + b"\nx\n",
    "signatures": lambda size: HEAD + TAGGER + b"\n" + b"-----BEGIN PGP SIGNATURE-----\n" * size,
    "taggers": lambda size: HEAD + TAGGER * size + b"\nx\n",
    "spaces": lambda size: HEAD + b"tagger A <a@b>" + b" " * size + b"1\n\nx\n",
    "brackets": lambda size: HEAD + b"tagger " + b"<> " * size + b"\n\nx\n",
    "empty lines": lambda size: HEAD + TAGGER + b"\n" * size,
    "not UTF-8": lambda size: HEAD + TAGGER + b"\n" + b"\xe9" * size,
}
NAMES: dict[str, Callable[[int], str]] = {
    "model": lambda size: "m" * size + "@v1.0.0",
    "directories": lambda size: "a/" * size + "=m#prod",
    "almost a model": lambda size: "a-" * size + "@v1.0.0",
    "hashes": lambda size: "m" + "#" * size,
    "at signs": lambda size: "m" + "@" * size,
    "pre-release": lambda size: "m@v1.0.0-" + "a." * size + "a",
    "almost a pre-release": lambda size: "m@v1.0.0-" + "1a." * size,
    "digits": lambda size: "m@v1.0.0#" + "1" * size + "x",
}


@pytest.mark.parametrize("kind", TAGS)
def test_a_tag_object(kind: str) -> None:
    def read(raw: bytes) -> None:
        parse_common_tag(raw)
        tag = TagParts(raw)
        tag.build("a" * 40, None)
        parse_commit("a" * 40, raw)

    small, large = (TAGS[kind](size) for size in (2_500, 20_000))
    assert lines(lambda: read(large)) <= 8.5 * lines(lambda: read(small)) + 50
    times = [seconds(lambda raw=raw: read(raw)) for raw in (small, large)]  # type: ignore[misc]
    assert times[1] < 8 * 4 * max(times[0], 0.001), times


@pytest.mark.parametrize("kind", NAMES)
def test_a_name(kind: str) -> None:
    def read(text: str) -> None:
        TagName.try_parse(text)
        diagnose(text)
        model_of(text)
        SemVer.is_valid(text.partition("@")[2])

    texts = [NAMES[kind](size) for size in (5000, 40_000)]
    times = [seconds(lambda text=text: read(text)) for text in texts]  # type: ignore[misc]
    assert times[1] < 8 * 4 * max(times[0], 0.001), times


def test_the_replay() -> None:
    rows = RandomHistory(1).rows(8 * 300)
    counts = [lines(lambda count=count: replay("m", rows[: 300 * count])) for count in SIZES]  # type: ignore[misc]
    assert_linear(counts)


def test_the_state_after_a_replay() -> None:
    def read(count: int) -> None:
        state = replay("m", rows[: 300 * count])
        assert state.versions
        assert state.holders
        assert state.problems

    rows = RandomHistory(2).rows(8 * 300)
    assert_linear([lines(lambda count=count: read(count)) for count in SIZES])  # type: ignore[misc]


@pytest.mark.parametrize("header", ["", "# pack-refs with: peeled fully-peeled sorted \n"])
def test_packed_refs(tmp_path: Path, header: str) -> None:
    def read(count: int) -> None:
        names = sorted(f"m{number}@v1.0.0" for number in range(300 * count))
        text = "".join(f"{'a' * 40} refs/tags/{name}\n^{'b' * 40}\n" for name in names)
        path = tmp_path / "packed-refs"
        path.write_text(header + text)
        assert len(packed_tags(bytes(path), [b""], PackedTags()).refs) == 300 * count

    assert_linear([lines(lambda count=count: read(count)) for count in SIZES])  # type: ignore[misc]


def test_a_registry(disk: Builder) -> None:
    counts, done = [], 0
    disk.commit()
    for size in SIZES:
        for number in range(done, 20 * size):
            disk.tag(f"m@v1.0.{number}", at=number)
            disk.tag(f"m{number}@v1.0.0", at=number, tagger=None if number % 2 else "A <a@b>")
        done = 20 * size
        with Registry.open(disk.git_dir.parent) as registry:
            counts.append(lines(lambda registry=registry: registry.problems()))  # type: ignore[misc]
    assert_linear(counts)
