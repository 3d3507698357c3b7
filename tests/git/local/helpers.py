"""Values and functions that several test modules use."""

from __future__ import annotations

from pathlib import Path

from dulwich.repo import Repo

from modelversions import (
    Identity,
)
from tests.builders import Builder

ANN = Identity("Ann", "ann@example.com")


def path_of(builder: Builder) -> Path:
    assert isinstance(builder.repo, Repo)
    return Path(builder.repo.path)
