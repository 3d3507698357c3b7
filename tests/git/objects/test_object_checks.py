"""Received objects are checked if Git's configuration requires it."""

from __future__ import annotations

from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions import PushRejectedError, RemoteError
from modelversions.git.objects.object_checks import first_invalid
from modelversions.git.objects.object_files import ObjectFiles
from tests.builders import Builder

PERSON = "Ann <ann@example.com> 1700000000 +0000"
TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
COMMIT = f"tree {TREE}\nauthor {{}}\ncommitter {PERSON}\n\nm\n"
TAG = "object {c1}\ntype commit\ntag m@v1.0.0\n{tagger}\nm\n"

CASES = {
    "valid": (COMMIT.format(PERSON), ""),
    "another header": (COMMIT.format(f"{PERSON}").replace("\n\n", "\nmore x\n\n", 1), ""),
    "two authors": (COMMIT.format(f"{PERSON}\nauthor {PERSON}"), "unexpected author"),
    "no author": (COMMIT.replace("author {}\n", ""), "missing author"),
    "overflow": (COMMIT.format(PERSON.replace("17", "9" * 20)), "Date field should not exceed"),
    "zeros": (COMMIT.format(PERSON.replace("17", "017")), "invalid person or date"),
    "offset": (COMMIT.format(PERSON.replace("+0000", "+1")), "invalid person or date"),
    "no name": (COMMIT.format(PERSON[4:]), "invalid author"),
    "NUL": (COMMIT.format(PERSON).replace("\nm\n", "\nm\0\n"), "it contains a NUL"),
}
TAGGERS = {
    "valid": (f"tagger {PERSON}\n", ""),
    "none": ("", ""),
    "no time": ("tagger Ann\n", "invalid tagger"),
    "offset": (f"tagger {PERSON[:-2]}\n", "invalid person or date"),
}


def reason(disk: Builder, kind: str, text: str) -> str:
    raw = text.encode()
    id = disk._loose(f"{kind} {len(raw)}\0".encode() + raw)
    assert isinstance(disk.repo, Repo)
    found = first_invalid(ObjectFiles(disk.repo, "repository"), [id], disk.repo.object_format)
    if found is None:
        return ""
    assert found[0] == id
    return found[1]


@pytest.mark.parametrize("case", CASES)
def test_commits(disk: Builder, case: str) -> None:
    text, expected = CASES[case]
    assert (reason(disk, "commit", text) or "-").startswith(expected or "-")


@pytest.mark.parametrize("case", TAGGERS)
def test_tags(disk: Builder, case: str) -> None:
    tagger, expected = TAGGERS[case]
    text = TAG.format(c1=disk.commits["c1"], tagger=tagger)
    assert (reason(disk, "tag", text) or "-").startswith(expected or "-")


def test_trees_and_blobs(disk: Builder) -> None:
    assert reason(disk, "blob", "tree\0") == ""
    entries = ["100644 {}\0" + "x" * 20 for _ in range(2)]
    assert reason(disk, "tree", "".join(entries).format("a", "b")) == ""
    assert reason(disk, "tree", "".join(entries).format("b", "a")) != ""
    assert reason(disk, "tree", entries[0].format(".git")) != ""


class TestSettings:
    @pytest.fixture
    def other(self, disk: Builder, tmp_path: Path) -> Path:
        """A repository with a version on a commit whose date has a leading zero."""
        Repo.init_bare(str(tmp_path / "other"), mkdir=True).close()
        text = CASES["zeros"][0].replace(TREE, self.tree(disk)).encode()
        disk.commits["odd"] = disk._loose(f"commit {len(text)}\0".encode() + text)
        return tmp_path / "other"

    def tree(self, disk: Builder) -> str:
        return str(disk.repo[disk.commits["c1"].encode()].tree.decode())  # type: ignore[attr-defined]

    def configure(self, path: Path, text: str) -> None:
        with (path / "config").open("a") as file:
            file.write(text)

    @pytest.mark.parametrize(
        ("text", "checked"),
        [
            ("", False),
            ("[transfer]\nfsckObjects = true\n", True),
            ("[transfer]\nfsckObjects = true\n[receive]\nfsckObjects = no\n", False),
            ("[receive]\nfsckObjects = 1\n", True),
            ("[fetch]\nfsckObjects = 1\n", False),
        ],
    )
    def test_push(self, disk: Builder, other: Path, text: str, checked: bool) -> None:
        self.configure(other, text)
        disk.tags("m@v1.0.0", commit="c1")
        assert disk.registry.push(remote=str(other)).transferred == ("m@v1.0.0",)
        disk.tags("m@v2.0.0", commit="odd")
        if checked:
            with pytest.raises(PushRejectedError, match=f"{disk.commits['odd']} is invalid: inv"):
                disk.registry.push(remote=str(other))
        else:
            assert disk.registry.push(remote=str(other)).transferred == ("m@v2.0.0",)

    @pytest.mark.parametrize(
        ("text", "checked"),
        [
            ("", False),
            ("[transfer]\nfsckObjects = true\n", True),
            ("[transfer]\nfsckObjects = true\n[fetch]\nfsckObjects = no\n", False),
            ("[fetch]\nfsckObjects = 1\n", True),
        ],
    )
    def test_fetch(self, disk: Builder, other: Path, text: str, checked: bool) -> None:
        disk.tags("m@v1.0.0", commit="odd")
        disk.registry.push(remote=str(other))
        disk.registry.delete_tags("m@v1.0.0")
        sha = disk.commits["odd"]
        (disk.git_dir / "objects" / sha[:2] / sha[2:]).unlink()
        self.configure(disk.git_dir, text)
        if checked:
            with pytest.raises(RemoteError, match=f"{sha}, which is invalid: .*nothing was fet"):
                disk.registry.fetch(remote=str(other))
            assert list(disk.registry) == []
        else:
            assert disk.registry.fetch(remote=str(other)).transferred == ("m@v1.0.0",)

    def test_fetch_of_valid_objects(self, disk: Builder, other: Path) -> None:
        disk.tags("m@v1.0.0")
        disk.registry.push(remote=str(other))
        disk.registry.delete_tags("m@v1.0.0")
        self.configure(disk.git_dir, "[fetch]\nfsckObjects = true\n")
        assert disk.registry.fetch(remote=str(other)).transferred == ("m@v1.0.0",)
