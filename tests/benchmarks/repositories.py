"""Build repositories of any size, as they are after ``git gc`` or ``git clone``."""

from __future__ import annotations

import hashlib
import random
import shutil
import struct
import subprocess
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, starmap
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import attrs

from tests.compat.git import ENV, init

START = 1_600_000_000
ANN = "Ann <ann@example.com>"
STAGES = ("dev", "staging", "prod")
EACH = 200
"""The number of tags of a model: two versions, then a stage, and so on."""

_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The empty tree, which all commits without files have."""


@attrs.frozen
class Shape:
    """The numbers of tags in all and per model; the last model has the rest."""

    tags: int
    each: int = EACH
    noise: int = 0
    """Total size in bytes of incompressible files, spread over the commits."""
    packing: str = "gc"
    """"gc": packed by ``git gc``, which stores nearly all tags as deltas; "clone": a clone of that
    from a server; "whole": one pack without deltas, as ``git fast-import`` may write it."""

    def __str__(self) -> str:
        """Return the name of the directory."""
        noise = f"-{self.noise // 1_000_000}-MB" if self.noise else ""
        packing = "" if self.packing == "gc" else f"-{self.packing}"
        return f"{self.tags}-tags-{self.each}-a-model{noise}{packing}"


def one_model(versions: int) -> Shape:
    """Return a shape with all tags in one model with this number of versions."""
    tags = versions * 3 // 2
    return Shape(tags, tags)


@attrs.frozen
class Repositories:
    """The repositories of a run, in one directory; existing ones are reused."""

    root: Path

    def path(self, shape: Shape) -> Path:
        """Return a repository to read from; the first call builds it."""
        path = self.root / str(shape)
        if not path.exists():
            partial = path.with_suffix(".partial")  # so that an interrupted run leaves no path
            shutil.rmtree(partial, ignore_errors=True)
            if shape.packing == "clone":
                self._clone(partial, shape)
            else:
                _build(partial, shape)
            partial.rename(path)
        return path

    def _clone(self, path: Path, shape: Shape) -> None:
        """Clone the same repository over Git's protocol, so that Git writes a new pack."""
        source = self.path(attrs.evolve(shape, packing="gc"))
        command = ["git", "clone", "--quiet", "--no-local", source.absolute().as_uri(), str(path)]
        subprocess.run(command, env=ENV, check=True)

    @contextmanager
    def copy(self, shape: Shape) -> Iterator[Path]:
        """Yield a temporary copy of a repository, to write to."""
        source = self.path(shape)
        with TemporaryDirectory(dir=self.root) as directory:
            yield Path(shutil.copytree(source, Path(directory) / "copy"))


def _build(path: Path, shape: Shape) -> None:
    """Write the pack and packed-refs: ``git tag`` and imports would create a file per tag."""
    git = init(path)
    commits: list[str] = []
    refs: dict[str, tuple[str, str]] = {}
    with (path / ".git" / "new.pack").open("w+b") as file:
        objects = chain(_commits(shape, commits), _tags(shape, commits, refs))
        each = 3 if shape.noise else 1
        _write_pack(file, each * shape.each + 1 + shape.tags, objects)
        file.seek(0)
        command = ["git", "index-pack", "--stdin"]
        subprocess.run(command, cwd=path, env=ENV, stdin=file, capture_output=True, check=True)
    Path(path, ".git", "new.pack").unlink()
    lines = [f"{id} refs/tags/{name}\n^{commit}\n" for name, (id, commit) in sorted(refs.items())]
    head = f"# pack-refs with: peeled fully-peeled sorted \n{commits[-1]} refs/heads/main\n"
    Path(path, ".git", "packed-refs").write_text("".join([head, *lines]))
    assert git("rev-parse", "main").strip() == commits[-1]
    if shape.packing == "gc":  # deltas, as for loose tags; gc alone would keep whole objects
        git("repack", "-q", "-a", "-d", "-f")
        git("gc", "-q")


def _write_pack(file: BinaryIO, count: int, objects: Iterable[tuple[int, bytes]]) -> None:
    """Write a pack without deltas."""
    sha = hashlib.sha1(usedforsecurity=False)
    for part in chain([b"PACK" + struct.pack(">II", 2, count)], starmap(_entry, objects)):
        file.write(part)
        sha.update(part)
    file.write(sha.digest())


def _entry(kind: int, raw: bytes) -> bytes:
    """Return a pack entry: type and size, seven bits per byte after the first, and the object."""
    size = len(raw)
    head = [kind << 4 | size & 15]
    size >>= 4
    while size:
        head[-1] |= 128
        head.append(size & 127)
        size >>= 7
    return bytes(head) + zlib.compress(raw, 1)


def _commits(shape: Shape, ids: list[str]) -> Iterator[tuple[int, bytes]]:
    """Yield a commit for each step of a model's history, shared by all models; append its ID.

    The blob and the tree of its file, if it has one, precede it.
    """
    for number in range(shape.each):
        tree = _TREE
        if shape.noise:
            noise = random.Random(number).randbytes(shape.noise // shape.each)  # noqa: S311  # reproducible
            file = b"100644 data\0" + bytes.fromhex(_id("blob", noise))
            tree = _id("tree", file)
            yield from ((3, noise), (2, file))
        parent = f"parent {ids[-1]}\n" if ids else ""
        who = f"{ANN} {START + number} +0000"
        raw = f"tree {tree}\n{parent}author {who}\ncommitter {who}\n\ncommit {number}\n".encode()
        ids.append(_id("commit", raw))
        yield 1, raw
    yield 2, b""  # the tree


def _tags(
    shape: Shape, commits: list[str], refs: dict[str, tuple[str, str]]
) -> Iterator[tuple[int, bytes]]:
    """Yield all tags, and add their IDs and commits to the refs by name."""
    for number in range(shape.tags):
        model, step = divmod(number, shape.each)
        at, name, message = _tag(f"model-{model}", step)
        head = f"object {commits[at]}\ntype commit\ntag {name}\n"
        raw = f"{head}tagger {ANN} {START + 1000 * model + step} +0000\n\n{message}\n".encode()
        refs[name] = _id("tag", raw), commits[at]
        yield 4, raw


def _id(kind: str, raw: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(raw)}\0".encode() + raw, usedforsecurity=False).hexdigest()


def _tag(model: str, step: int) -> tuple[int, str, str]:
    """Return the index of the commit, the name and the message of the tag of a step."""
    if step % 3 < 2:
        version = _version(step)
        return step, f"{model}@{version}", f"Registering artifact {model} version {version}"
    stage, version = STAGES[step // 3 % 3], _version(step - 1)
    message = f"Assigning stage {stage} to artifact {model} version {version}"
    return step - 1, f"{model}#{stage}#{step // 3 + 1}", message


def _version(number: int) -> str:
    return f"v{number // 100}.{number // 10 % 10}.{number % 10}"
