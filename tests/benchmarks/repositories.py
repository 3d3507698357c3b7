"""Registries of any size, made with ``git fast-import``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from tests.compat.git import Git, init

START = 1_600_000_000
STAGES = ("dev", "staging", "prod")


@attrs.frozen
class Shape:
    """How many tags there are, and how many models share them."""

    tags: int
    models: int

    def __str__(self) -> str:
        """Name the shape, for tables and folders."""
        return f"{self.tags} tags, {self.models} model{'s' * (self.models != 1)}"


def many_models(tags: int) -> Shape:
    """Share the tags among models of 150 versions, each with a stage for every other one."""
    return Shape(tags, max(1, tags // 225))


def one_model(tags: int) -> Shape:
    """Give all tags to one model."""
    return Shape(tags, 1)


def build(root: Path, shape: Shape) -> Path:
    """Make the repository, packed, as a clone would have it; one that is there is kept."""
    path = root / str(shape).replace(", ", "-").replace(" ", "-")
    if not path.exists():
        git = init(path)
        git("fast-import", "--quiet", text="".join(_stream(shape)))
        git("pack-refs", "--all")
        git("symbolic-ref", "HEAD", "refs/heads/main")
    return path


def tags_of(path: Path, model: str) -> int:
    """Count the tags of one model."""
    return len(
        Git(path)("for-each-ref", f"refs/tags/{model}@*", f"refs/tags/{model}#*").splitlines()
    )


def _stream(shape: Shape) -> Iterator[str]:
    """Write the history: a commit for every version number, shared by all models."""
    each = shape.tags // shape.models
    for number in range(each):
        message = f"commit {number}"
        yield f"commit refs/heads/main\nmark :{number + 1}\n"
        yield f"committer Ann <ann@example.com> {START + number} +0000\n"
        yield f"data {len(message)}\n{message}\n"
    for model in range(shape.models):
        version, counter = 0, 0
        for place in range(each):
            if place % 3 == 2:
                counter += 1
                stage = STAGES[counter % 3]
                name = f"model-{model}#{stage}#{counter}"
                message = (
                    f"Assigning stage {stage} to artifact model-{model} version v{_semver(version)}"
                )
            else:
                version = place
                name = f"model-{model}@v{_semver(version)}"
                message = f"Registering artifact model-{model} version v{_semver(version)}"
            yield f"tag {name}\nfrom :{version + 1}\n"
            yield f"tagger Ann <ann@example.com> {START + 1000 * model + place} +0000\n"
            yield f"data {len(message) + 1}\n{message}\n\n"


def _semver(number: int) -> str:
    return f"{number // 100}.{number // 10 % 10}.{number % 10}"
