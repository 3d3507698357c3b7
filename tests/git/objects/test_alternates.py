"""The object directories of a repository, as Git reads ``objects/info/alternates``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions.git.objects.alternates import object_directories
from tests.builders import Builder


def directory(path: Path, *lines: bytes) -> Path:
    """Create an object directory with alternates."""
    (path / "info").mkdir(parents=True)
    if lines:
        (path / "info" / "alternates").write_bytes(b"\n".join([*lines, b""]))
    return path


def test_a_directory_without_alternates(tmp_path: Path) -> None:
    assert object_directories(str(tmp_path / "none")) == [str(tmp_path / "none")]


def test_lines_that_name_directories(tmp_path: Path) -> None:
    names = ["absolute", "relative", 'q"uoted', "tab\there", '"odd']
    for name in names:
        directory(tmp_path / name)
    own = directory(
        tmp_path / "own",
        os.fsencode(tmp_path / "absolute"),
        b"../relative",
        b'"../q\\"uoted"',
        b'"../tab\\there"',
        b'../"odd',
        b"../relative",
        b"",
        b"# ../comment",
    )
    assert object_directories(str(own)) == [str(own), *(str(tmp_path / name) for name in names)]


@pytest.mark.parametrize("line", [b"../missing", b"/etc/passwd", b"a\0b", b'"\\x"', b"\xff"])
def test_lines_that_name_no_directory(tmp_path: Path, line: bytes) -> None:
    other = directory(tmp_path / "other")
    own = directory(tmp_path / "own", line, b"../other")
    assert object_directories(str(own)) == [str(own), str(other)]


def test_a_cycle_and_a_long_chain(tmp_path: Path) -> None:
    for number in range(8):
        directory(tmp_path / str(number), b"../0", f"../{number + 1}".encode())
    found = [Path(path).name for path in object_directories(str(tmp_path / "0"))]
    assert found == ["0", "1", "2", "3", "4", "5"]


def test_objects_that_move_to_an_alternate_while_the_registry_is_open(
    disk: Builder, tmp_path: Path
) -> None:
    """As on Git hosts that share objects between forks."""
    disk.tags("m@v1.0.0")
    disk.pack()
    registry = disk.registry
    assert registry.history()
    pool = directory(tmp_path / "pool" / "objects")
    own = disk.git_dir / "objects"
    (own / "pack").rename(pool / "pack")
    (own / "pack").mkdir()
    (own / "info").mkdir(exist_ok=True)
    (own / "info" / "alternates").write_bytes(os.fsencode(pool) + b"\n")
    assert isinstance(disk.repo, Repo)
    assert [event.tag for event in registry.history()] == ["m@v1.0.0"]
    disk.tag("n@v2.0.0", at=20)
    assert [event.tag for event in registry.history()] == ["m@v1.0.0", "n@v2.0.0"]
    assert registry.problems() == ()
