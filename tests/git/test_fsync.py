"""Files are synced as ``core.fsync`` requires, as in Git."""

from __future__ import annotations

import os

import pytest
from dulwich.object_store import DiskObjectStore

from modelversions import Identity, Registry
from modelversions.git.config import GitConfig
from modelversions.git.fsync import synced_components
from tests.builders import Builder

ANN = Identity("Ann", "ann@example.com")
DERIVED = {"pack", "pack-metadata", "commit-graph"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", DERIVED),
        ("reference", {*DERIVED, "reference"}),
        ("Reference , loose-object", {*DERIVED, "reference", "loose-object"}),
        ("committed", {*DERIVED, "loose-object", "reference"}),
        ("added", {*DERIVED, "loose-object", "index", "reference"}),
        ("all", {*DERIVED, "loose-object", "index", "reference"}),
        ("all,-reference", {*DERIVED, "loose-object", "index", "reference"}),
        ("-derived-metadata", {"pack"}),
        ("none", set()),
        ("none,reference", {"reference"}),
        ("unknown,-others", DERIVED),
    ],
)
def test_components(disk: Builder, value: str, expected: set[str]) -> None:
    with (disk.git_dir / "config").open("a") as file:
        file.write(f"[core]\n\tfsync = {value}\n")
    assert synced_components(GitConfig(disk.repo)) == expected


@pytest.mark.parametrize(
    ("setting", "written", "deleted"),
    [
        ("", 0, 0),
        ("fsync = reference", 1, 1),
        ("fsync = loose-object", 1, 0),
        ("fsyncObjectFiles = true", 1, 0),
        ("fsync = all", 2, 1),
    ],
)
def test_what_is_synced(
    disk: Builder, monkeypatch: pytest.MonkeyPatch, setting: str, written: int, deleted: int
) -> None:
    disk.tags("m@v1.0.0")
    disk.pack()
    with (disk.git_dir / "config").open("a") as file:
        file.write(f"[core]\n\t{setting}\n")
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    with Registry.open(disk.git_dir) as registry:
        assert isinstance(registry._store.repo.object_store, DiskObjectStore)  # type: ignore[attr-defined]
        registry.assign("m", "v1.0.0", "prod", author=ANN)
        assert len(synced) == written
        synced.clear()
        registry.delete_tags("m@v1.0.0")
        assert len(synced) == deleted
