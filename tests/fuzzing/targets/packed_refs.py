"""The packed-refs file: compared with a line-based reader unless the file must be sorted."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from dulwich.refs import Ref, check_ref_format

from modelversions.errors import RepositoryError
from modelversions.git.local.packed_refs import (
    PackedTags,
    packed_below,
    packed_ref,
    packed_tags,
    without_refs,
)
from tests.fuzzing import seeds as cases
from tests.fuzzing.scratch import scratch

MODULES = ("modelversions.git.local.packed_refs",)
_HEADER = b"# pack-refs with: peeled fully-peeled sorted \n"
_LINE = re.compile(rb"([0-9a-fA-F]{40}|[0-9a-fA-F]{64})[ \t\r]([^\n]+)")
_PEELED = re.compile(rb"\^([0-9a-fA-F]{40}|[0-9a-fA-F]{64})")
_M, _TAGS, _REF = b"m@", b"refs/tags/", b"refs/tags/m@v1.0.0"
Entries = dict[bytes, tuple[bytes, bytes]]


def seeds() -> Iterator[bytes]:
    """Yield the packed-refs files of the cases, and their loose refs in this format."""
    for _, files in cases.built():
        if "packed-refs" in files:
            yield files["packed-refs"]
        refs = sorted((path.encode(), id) for path, id in files.items() if path[:5] == "refs/")
        text = b"".join(
            b"%b %b\n%b" % (id.strip(), name, b"^%b\n" % (b"c" * 40) if b"@" in name else b"")
            for name, id in refs
        )
        if len(text) < cases.LARGEST:
            yield _HEADER + text
            yield text


def check(data: bytes) -> None:
    """Read the bytes as a file, all of it and some refs."""
    path = os.path.join(os.fsencode(scratch()), b"packed-refs")
    with open(path, "wb") as file:
        file.write(data)
    whole = _read(path, b"")
    some = _read(path, _M)
    _read_others(path)
    is_sorted = data.startswith(b"# pack-refs with:") and b"sorted" in data.split(b"\n")[0].split()
    if is_sorted:
        return
    entries = _naive(data)
    assert (whole is None) is (entries is None)
    assert (some is None) is (entries is None)
    if whole is None or some is None or entries is None:
        return
    expected = {
        name.removeprefix(_TAGS): id.lower()
        for name, (id, _) in entries.items()
        if name.startswith(_TAGS) and check_ref_format(Ref(name))
    }
    found = {ref.name.encode(errors="surrogateescape"): ref.id.encode() for ref in whole.refs}
    assert found == expected
    assert some.refs == tuple(ref for ref in whole.refs if ref.name.startswith("m@"))


def _read(path: bytes, prefix: bytes) -> PackedTags | None:
    try:
        found = packed_tags(path, [prefix], PackedTags())
    except RepositoryError:
        return None
    assert packed_tags(path, [prefix], found).refs == found.refs
    return found


def _read_others(path: bytes) -> None:
    for read in (
        lambda: packed_ref(path, _REF),
        lambda: packed_below(path, b"refs/replace/"),
        lambda: without_refs(path, [_REF, b"refs/tags/n@v1.0.0"]),
    ):
        try:
            read()
        except RepositoryError:
            continue


def _naive(data: bytes) -> Entries | None:
    """Return the entries by name, the last of each; None if a line is invalid."""
    if data and not data.endswith(b"\n"):
        return None
    lines = data.split(b"\n")[:-1]
    if lines and lines[0].startswith(b"# pack-refs with:"):
        del lines[0]
    found: Entries = {}
    previous = None
    for line in lines:
        entry, peeled = _LINE.fullmatch(line), _PEELED.fullmatch(line)
        if peeled is not None and previous is not None:
            found[previous] = found[previous][0], peeled[1]
            previous = None
        elif entry is not None:
            previous = entry[2]
            found[previous] = entry[1], b""
        else:
            return None
    return found
