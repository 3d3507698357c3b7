"""Read packs written by Git, in which nearly all tag objects are deltas."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelversions import Registry
from tests.compat.git import init

pytestmark = pytest.mark.compat

TAGS = 400


@pytest.mark.parametrize("options", [(), ("-c", "repack.useDeltaBaseOffset=false")])
def test_tags_that_are_deltas(tmp_path: Path, options: tuple[str, ...]) -> None:
    git = init(tmp_path / "repo")
    git("commit", "-q", "--allow-empty", "-m", "first")
    for number in range(TAGS):
        model = f"model-{number % 7}"
        git(
            "tag",
            "-a",
            "-m",
            f"Registering artifact {model} v0.0.{number}",
            f"{model}@v0.0.{number}",
        )
    git(*options, "repack", "-adfq")
    pack = next((tmp_path / "repo" / ".git" / "objects" / "pack").glob("*.idx"))
    listed = [line.split() for line in git("verify-pack", "-v", str(pack)).splitlines()]
    tags = [line for line in listed if line[1:2] == ["tag"]]
    assert len(tags) == TAGS
    assert len([line for line in tags if len(line) == 7]) > TAGS * 0.8  # the others are not deltas
    rows = git(
        "for-each-ref",
        "--format=%(refname:strip=2)%09%(*objectname)%09%(contents:subject)",
        "refs/tags",
    )
    with Registry.open(tmp_path / "repo") as registry:
        events = sorted(registry.history(), key=lambda event: event.tag.encode())
        ours = [f"{event.tag}\t{event.commit}\t{event.message}" for event in events]
    assert ours == rows.splitlines()
