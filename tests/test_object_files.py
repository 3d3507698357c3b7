"""Raw objects: in packs, loose, borrowed, as deltas, and broken; dulwich is the judge."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dulwich.objects import Blob, ObjectID
from dulwich.pack import write_pack
from dulwich.repo import Repo
from hypothesis import given
from hypothesis import strategies as st

from modelversions.stores.object_files import ObjectFiles
from tests.builders import Builder

KINDS = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}


def packs_of(builder: Builder) -> Path:
    assert isinstance(builder.repo, Repo)
    return Path(builder.repo.object_store.pack_dir)


def judged(builder: Builder, id: str) -> tuple[str, bytes]:
    kind, raw = builder.repo.object_store.get_raw(ObjectID(id.encode()))
    return KINDS[kind], raw


@given(content=st.binary(max_size=5000), times=st.integers(1, 50))
def test_packed_objects_of_any_size(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, times: int
) -> None:
    with Repo.init(str(tmp_path_factory.mktemp("packed"))) as repo:
        builder = Builder(repo)
        ids = [builder.add(Blob.from_string(text)) for text in (content * times, b"", b"x")]
        ids.append(builder.commit())
        repo.object_store.pack_loose_objects()
        files = ObjectFiles(repo)
        for id in ids:
            assert files.raw(id) == judged(builder, id)
        files.close()


def test_objects_that_come_while_it_is_open(disk: Builder) -> None:
    files = ObjectFiles(disk.repo)
    ids = []
    for number in range(3):
        ids.append(disk.blob(f"loose {number}"))
        assert files.raw(ids[-1]) == ("blob", f"loose {number}".encode())
        disk.pack()
        for path in packs_of(disk).parent.glob("??"):
            assert not any(path.iterdir())
        assert [files.raw(id)[0] for id in ids] == ["blob"] * len(ids)
    files.close()
    assert files.raw(ids[0]) == ("blob", b"loose 0")
    assert files.raw("ab" * 20) == ("", b"")
    files.close()


def test_many_objects_at_once(disk: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelversions.stores.object_files._MANY", 1)
    ids = [disk.blob(f"blob {number}") for number in range(20)]
    disk.pack()
    files = ObjectFiles(disk.repo)
    for expected in (2, 20, 20):
        files.expect(expected)
        assert {files.raw(id)[0] for id in ids} == {"blob"}
    assert files.raw("ab" * 20) == ("", b"")
    files.close()


def test_deltas_are_dulwich_s_to_resolve(disk: Builder) -> None:
    text = os.urandom(4000)
    blobs = [Blob.from_string(text + bytes([number])) for number in range(4)]
    write_pack(
        str(packs_of(disk) / "pack-deltas"),
        [(blob, None) for blob in blobs],
        object_format=disk.repo.object_format,
        deltify=True,
    )
    assert (packs_of(disk) / "pack-deltas.pack").stat().st_size < 2 * len(text)
    files = ObjectFiles(disk.repo)
    for blob in blobs:
        assert files.raw(blob.id.decode()) == ("blob", blob.data)
    files.close()


def test_a_broken_pack_is_a_missing_object(disk: Builder) -> None:
    id = disk.blob("some content " * 50)
    disk.pack()
    assert isinstance(disk.repo, Repo)
    disk.repo.close()
    pack = next(packs_of(disk).glob("*.pack"))
    pack.chmod(0o600)
    content = pack.read_bytes()
    for broken in (content[:14] + b"\xff" * (len(content) - 14), content[:16]):
        pack.write_bytes(broken)
        with Repo(disk.repo.path) as repo:
            files = ObjectFiles(repo)
            assert files.raw(id) == ("", b"")
            files.close()


def test_a_pack_that_cannot_be_opened_leaves_the_others(disk: Builder) -> None:
    id = disk.blob("some content")
    disk.pack()
    disk.repo.object_store.close()
    (packs_of(disk) / "pack-0.idx").write_bytes(b"rubbish")
    (packs_of(disk) / "pack-1.idx").write_bytes(next(packs_of(disk).glob("*.idx")).read_bytes())
    files = ObjectFiles(disk.repo)
    assert files.raw(id) == ("blob", b"some content")
    files.close()
