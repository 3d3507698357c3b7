"""Seeds from the conformance cases."""

from __future__ import annotations

import functools
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.building import build
from tests.conformance.case import Case, cases

LARGEST = 4096
"""The maximum size of a seed in bytes."""


@functools.cache
def built() -> tuple[tuple[Case, dict[str, bytes]], ...]:
    """Build the repository of each case; return its files by path, objects inflated."""
    found = []
    for case in cases():
        with tempfile.TemporaryDirectory() as directory:
            git = build(case.repository, Path(directory, "repo")).git
            files = [path for path in git.rglob("*") if path.is_file()]
            contents = {str(path.relative_to(git)): path.read_bytes() for path in files}
        found.append((case, contents))
    return tuple(found)


def objects() -> Iterator[tuple[str, bytes]]:
    """Yield type and content of each object."""
    for _, files in built():
        for path, content in files.items():
            if not path.startswith("objects/"):
                continue
            stream = zlib.decompressobj()
            try:
                head, _, raw = stream.decompress(content, LARGEST).partition(b"\0")
            except zlib.error:  # a damaged object
                continue
            if not stream.unconsumed_tail:
                yield head.decode().partition(" ")[0], raw


def tag_names() -> Iterator[str]:
    """Yield the name of each tag."""
    for _, files in built():
        for path in files:
            if path.startswith("refs/tags/"):
                yield path.removeprefix("refs/tags/")


def texts(kind: str) -> Iterator[str]:
    """Yield the valid and invalid names of a kind, such as ``"version"``."""
    for case in cases():
        for key in ("valid", "invalid"):
            yield from case.expect.get(key, {}).get(kind, ())
