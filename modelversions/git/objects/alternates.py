"""Find the object directories of a repository: its own, and those of its alternates.

dulwich reads ``objects/info/alternates`` once, without Git's quoting, and fails at a line that
names no directory. Git reads the file again when an object is missing; this module reads it again
for each operation.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator

_MAX_DEPTH = 5
"""The maximum depth to which Git follows alternates."""


def object_directories(path: str) -> list[str]:
    """Return a directory of objects and its alternates, each once.

    A line that names no directory is ignored, as by Git.
    """
    found: dict[str, None] = {}
    queue = deque([(os.path.abspath(path), 0)])
    while queue:
        directory, depth = queue.popleft()
        if directory in found:
            continue
        found[directory] = None
        if depth < _MAX_DEPTH:
            queue += [(alternate, depth + 1) for alternate in _alternates(directory)]
    return list(found)


def _alternates(directory: str) -> Iterator[str]:
    try:
        with open(os.path.join(directory, "info", "alternates"), "rb") as file:
            lines = file.read().split(b"\n")
    except OSError:  # usually the file does not exist
        return
    for line in lines:
        path = _unquoted(line)
        if not path or path.startswith(b"#") or b"\0" in path:
            continue
        alternate = os.path.abspath(os.path.join(directory, os.fsdecode(path)))
        if os.path.isdir(alternate):
            yield alternate


def _unquoted(line: bytes) -> bytes:
    """Return a line without the quotes and escapes that Git writes for some paths."""
    if len(line) < 2 or not (line.startswith(b'"') and line.endswith(b'"')):  # noqa: PLR2004  # two quotes
        return line
    try:
        return line[1:-1].decode("unicode_escape").encode("latin-1")
    except UnicodeError:
        return line
