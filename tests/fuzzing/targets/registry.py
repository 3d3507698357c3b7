"""A whole repository: irregular tags of one model, which must not affect another model."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from modelversions import EventKind, Registry, TagName
from tests.conformance.building import START, Built, build
from tests.fuzzing import seeds as cases
from tests.fuzzing.scratch import Reader, scratch

MODULES = (
    "modelversions.git.local.local_refs",
    "modelversions.git.local.single_refs",
    "modelversions.git.objects.tag_reader",
    "modelversions.git.tag_object",
    "modelversions.model.loading",
    "modelversions.model.snapshot",
    "modelversions.model.state",
)
_BASE: dict[str, Any] = {
    "commits": ["c1", "c2"],
    "tags": [
        ["n@v1.0.0", "c1", 1],
        ["n@v2.0.0", "c2", 2],
        ["n#prod#3", "c1", 3],
        ["m@v1.0.0", "c1", 1],
    ],
}
_NOW = datetime.fromtimestamp(START + 100, timezone.utc)
_TAGS = [
    b"m@v1.0.0",
    b"m@v2.0.0",
    b"m@v2.0.0!",
    b"m#prod#1",
    b"m#dev!#2",
    b"m@deprecated",
    b"m@v1.0.0#7",
    b"m@created",
]
_RAW, _REF, _SYMBOLIC, _COMMIT = range(4)
_MOST = 8


def seeds() -> Iterator[bytes]:
    """Yield the tags and refs of the cases, as tags of the model ``m``."""
    names = [_named(_TAGS[number]) for number in range(len(_TAGS))]
    objects = list(dict.fromkeys(cases.objects()))[::12]
    for number, (kind, raw) in enumerate(objects):
        if kind == "tag" and len(raw) < 1000:
            yield bytes([_RAW]) + names[number % len(names)] + _long(raw)
        elif kind == "commit":
            yield bytes([_COMMIT]) + _named(b"m@v3.0.0") + _long(raw)
    for _, files in cases.built():
        for path, content in files.items():
            if path.startswith("refs/tags/m") and len(path) < 120:
                name = path.removeprefix("refs/tags/").encode(errors="surrogateescape")
                yield bytes([_REF]) + _named(name) + _long(content)
    yield b"".join(bytes([_SYMBOLIC, number]) + names[number] for number in range(4))


def _named(name: bytes) -> bytes:
    return bytes([128 + len(name) - 1]) + name[1:]


def _long(content: bytes) -> bytes:
    return len(content).to_bytes(2, "big") + content


def check(data: bytes) -> None:
    """Add the described tags, and read all models with the same and with a new registry."""
    built = _reset()
    path = built.path
    with Registry.open(path) as registry:
        before = _answers(registry, "n")
        _read_all(registry)
        _change(built, Reader(data))
        again = _read_all(registry)
        assert _answers(registry, "n") == before
    with Registry.open(path) as registry:
        assert registry.latest()["n"].name == "v2.0.0"
        assert _answers(registry, "n") == before
        assert _read_all(registry) == again
    assert not any(problem.model == "n" for problem in again[1])


@functools.cache
def _base() -> tuple[Built, dict[Path, bytes]]:
    """Return a repository and its files."""
    built = build(_BASE, scratch() / "registry")
    return built, {path: path.read_bytes() for path in built.git.rglob("*") if path.is_file()}


def _reset() -> Built:
    """Return the repository after removing the added files."""
    built, files = _base()
    for path in [*(built.git / "refs").rglob("*"), *(built.git / "objects").rglob("*")]:
        if path.is_file() and path not in files:
            path.unlink()
    for path, content in files.items():
        if path.parent.name == "tags" or not path.exists():
            if path.is_dir():
                shutil.rmtree(path)
            path.write_bytes(content)
    return built


def _answers(registry: Registry, model: str) -> tuple[Any, ...]:
    """Return the data of one model."""
    found = registry[model]
    holders = {stage: one.name for stage, one in found.stages.items()}
    return found.latest, found.versions, holders, found.history, found.problems, found.deprecated


def _read_all(registry: Registry) -> tuple[Any, ...]:
    """Return the data of all models."""
    history = registry.history()
    for event in history:
        name = TagName.parse(event.tag)
        assert (event.kind, event.model, event.counter) == (name.kind, name.model, name.counter)
        assert event.kind is not EventKind.REGISTRATION or event.version == name.version
    models = {name: _answers(registry, name) for name in registry}
    assert [event for event in history if event.model == "m"] == list(
        models["m"][3] if "m" in models else ()
    )
    latest = {name: version.name for name, version in registry.latest().items()}
    assert latest == {name: one[0].name for name, one in models.items() if one[0]}
    return history, registry.problems(_NOW), latest, str(models)


def _change(built: Built, reader: Reader) -> None:
    """Write the described tags, except for names that the system rejects."""
    done = 0
    while not reader.is_at_end and done < _MOST:
        done += 1
        kind, length = reader.byte(), reader.byte()
        name = b"m" + reader.take(length - 128) if length > 127 else _TAGS[length % len(_TAGS)]
        content = b"" if kind % 4 == _SYMBOLIC else reader.take(reader.byte() << 8 | reader.byte())
        if kind % 4 == _RAW:
            content = built.add("x", "tag", content).encode() + b"\n"
        elif kind % 4 == _COMMIT:
            target = built.add("x", "commit", content).encode()
            content = b"object %b\ntype commit\ntag m@v3.0.0\n\n" % target
            content = built.add("x", "tag", content).encode()
        elif kind % 4 == _SYMBOLIC:
            content = b"ref: refs/tags/%b\n" % _TAGS[kind // 4 % len(_TAGS)]
        try:
            path = (built.git / "refs/tags" / name.decode(errors="surrogateescape")).resolve()
            if path.is_relative_to((built.git / "refs/tags").resolve()):
                built.write(path, content)
        except (OSError, ValueError):  # an invalid file name, or a conflict with another file
            continue
