"""Values and functions that several test modules use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dulwich.repo import Repo

from modelversions import (
    Identity,
    ProblemKind,
)
from tests.builders import Builder, at

ME = Identity("Ann", "ann@example.com")


NOW = at(10_000)


def git_directory(builder: Builder) -> Path:
    assert isinstance(builder.repo, Repo)
    return Path(builder.repo.controldir())


def loose(builder: Builder, id: str) -> Path:
    return git_directory(builder) / "objects" / id[:2] / id[2:]


def kinds(builder: Builder) -> list[tuple[str, ProblemKind]]:
    return [(problem.tag, problem.kind) for problem in builder.registry.problems(NOW)]


def refuse_to_open(monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """Refuse to open or list files whose paths end with ``suffix``; root ignores permissions."""

    def refusing(real: Callable[..., object]) -> Callable[..., object]:
        def call(path: Any, *rest: object, **more: object) -> object:
            if os.fsdecode(path).endswith(suffix):
                raise PermissionError(13, "Permission denied", path)
            return real(path, *rest, **more)

        return call

    monkeypatch.setattr("builtins.open", refusing(open))
    monkeypatch.setattr("os.listdir", refusing(os.listdir))
