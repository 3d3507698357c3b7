"""Look up single refs by their full names, without listing all refs."""

from __future__ import annotations

import errno
import os
import re

from dulwich.objects import ObjectID
from dulwich.refs import (
    HEADREF,
    DiskRefsContainer,
    Ref,
    RefsContainer,
    SymrefLoop,
    check_ref_format,
)
from dulwich.repo import Repo

from modelversions.git._dulwich import reflog_path
from modelversions.git.local.packed_refs import packed_below, packed_ref

MAX_REF = 1 << 16
"""The maximum number of bytes read from a ref's file: a device file may be endless."""
_SYMBOLIC = 6
"""The maximum number of symbolic refs in a chain that Git follows."""

ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG})
"""The errors on opening a file which mean that the ref does not exist."""

ID = re.compile(rb"[0-9a-f]{40}|[0-9a-f]{64}")
_LOOSE = re.compile(rb"([0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?)(?=\s|\Z)")
"""The content of a loose ref: Git stops at white space, and accepts upper case."""
_PSEUDO = re.compile(rb"[A-Z_]+")


def lookup(refs: RefsContainer, name: Ref) -> ObjectID | None:
    """Return the object that a ref names, following symbolic refs; None if there is none.

    dulwich would read the whole packed-refs file.

    Raises:
        OSError: the ref exists, and cannot be read.
    """
    if not isinstance(refs, DiskRefsContainer):
        try:
            return refs[name]
        except (KeyError, ValueError, SymrefLoop):
            return None
    content = _followed(refs, name)[1]
    return ObjectID(content) if ID.fullmatch(content) else None


def ids_below(refs: RefsContainer, prefix: bytes) -> dict[bytes, bytes]:
    """Return the ids of the refs below a name such as ``refs/heads/``, by the rest of the name.

    Unreadable refs are omitted. dulwich would read the whole packed-refs file.
    """
    if not isinstance(refs, DiskRefsContainer):
        names = (name for name in refs.allkeys() if name.startswith(prefix))
        found = {name[len(prefix) :]: lookup(refs, name) for name in names}
        return {name: id for name, id in found.items() if id}
    packed = packed_below(os.path.join(refs.path, b"packed-refs"), prefix)
    values = {name[len(prefix) :]: id for name, id in packed}
    root = os.path.join(refs.path, *prefix.rstrip(b"/").split(b"/"))
    for directory, _, files in os.walk(root):
        for file in files:
            name = os.path.relpath(os.path.join(directory, file), root).replace(
                os.sep.encode(), b"/"
            )
            try:
                values[name] = lookup(refs, Ref(prefix + name)) or b""
            except OSError:
                values[name] = b""
    return {name: id for name, id in values.items() if id}


def read_reflog(repo: Repo, name: Ref) -> list[str]:
    """Return the ids in the reflog of a ref, oldest first.

    An empty name means the current branch.
    """
    if not name:
        assert isinstance(repo.refs, DiskRefsContainer)
        name = _followed(repo.refs, HEADREF)[0]
    path = reflog_path(repo, name)
    try:
        with open(path, "rb") as file:
            lines = [line.split(b" ", 2) for line in file if line.count(b" ") > 1]
    except FileNotFoundError:
        return []
    values = [id.decode(errors="replace") for old, new, _ in lines[:1] for id in (old, new)]
    values += [new.decode(errors="replace") for _, new, _ in lines[1:]]
    return values[1:] if values and not values[0].strip("0") else values


def _followed(refs: DiskRefsContainer, name: Ref) -> tuple[Ref, bytes]:
    """Follow symbolic refs; return the name and the content of the last ref."""
    content = b""
    for _ in range(_SYMBOLIC):
        packed = os.path.join(refs.path, b"packed-refs")
        content = _content(refs, name) or packed_ref(packed, name)
        if not content.startswith(b"ref:"):
            break
        name = Ref(content.removeprefix(b"ref:").strip())
    return name, content


def _content(refs: DiskRefsContainer, name: Ref) -> bytes:
    """Return the content of a loose ref; empty if there is none."""
    if not (_PSEUDO.fullmatch(name) or (name.startswith(b"refs/") and check_ref_format(name))):
        return b""
    try:
        with open(refs.refpath(name), "rb") as file:
            line = file.readline(MAX_REF).rstrip()
    except OSError as error:
        if error.errno in ABSENT:
            return b""
        raise
    return line if line.startswith(b"ref:") else loose_id(line)


def loose_id(content: bytes) -> bytes:
    """Return the id in the content of a loose ref; empty if there is none."""
    match = _LOOSE.match(content)
    return match[1].lower() if match else b""
