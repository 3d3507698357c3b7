"""Packs from a server: stored as they are, also with objects that dulwich cannot parse."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.objects import ObjectID, object_header
from dulwich.pack import UnpackedObject, create_delta, write_pack_data
from dulwich.repo import Repo

from modelversions import RemoteError, RepositoryError
from modelversions.git.local_remote import LocalRemote
from modelversions.git.objects.received_packs import Fetched, new_pack, store_pack
from tests.builders import Builder

TREE = b"4b825dc642cb6eb9a060e54bf8d69288fbee4904"
NO_ZONE = b"tree %b\nauthor Ann <a@b> 1\ncommitter Ann <a@b> 1700000000 +0000\n\nx\n" % TREE
COMMIT, TREE_TYPE, TAG, REF_DELTA = 1, 2, 4, 7


def digest(number: int, raw: bytes) -> bytes:
    return DEFAULT_OBJECT_FORMAT.hash_object(object_header(number, len(raw)) + raw)


def entry(number: int, raw: bytes) -> UnpackedObject:
    return UnpackedObject(number, decomp_chunks=[raw], sha=digest(number, raw))


def tag(target: bytes, tagger: bytes) -> bytes:
    return b"object %b\ntype commit\ntag m@v1.0.0\n%b\nx\n" % (target.hex().encode(), tagger)


def pack(*entries: UnpackedObject) -> bytes:
    file = io.BytesIO()
    write_pack_data(
        file.write, iter(entries), num_records=len(entries), object_format=DEFAULT_OBJECT_FORMAT
    )
    return file.getvalue()


def store(repo: Repo, data: bytes) -> list[ObjectID]:
    with new_pack(repo.object_store) as (file, path):
        file.write(data)
        return store_pack(repo.object_store, file, path)


def files(repo: Repo) -> list[str]:
    return sorted(file.suffix for file in Path(repo.object_store.pack_dir).iterdir())


@pytest.fixture
def repo(tmp_path: Path) -> Iterator[Repo]:
    with Repo.init(str(tmp_path)) as repo:
        yield repo


def test_objects_that_dulwich_cannot_parse_are_stored(repo: Repo) -> None:
    tags = [
        tag(digest(COMMIT, NO_ZONE), tagger)
        for tagger in (b"tagger A <a@b> x +0000\n", b"tagger A <a@b> 1\n", b"foo\n", b"")
    ]
    ids = store(repo, pack(entry(COMMIT, NO_ZONE), *(entry(TAG, raw) for raw in tags)))
    assert [repo.object_store.get_raw(id) for id in ids] == [
        (COMMIT, NO_ZONE),
        *((TAG, raw) for raw in tags),
    ]
    assert files(repo) == [".idx", ".pack"]


def test_they_are_stored_in_memory() -> None:
    objects = Fetched()
    objects.add_pack_file(io.BytesIO(pack(entry(COMMIT, NO_ZONE), entry(TREE_TYPE, b""))))
    id = ObjectID(digest(COMMIT, NO_ZONE).hex().encode())
    assert objects.get_raw(id) == (COMMIT, NO_ZONE)
    assert id in objects
    assert ObjectID(b"1" * 40) not in objects
    assert objects[ObjectID(TREE)].type_name == b"tree"


def test_the_bases_of_deltas_are_added(repo: Repo) -> None:
    base = Builder(repo).blob("base " * 100)
    raw = b"base " * 100 + b"and more"
    delta = b"".join(create_delta(b"base " * 100, raw))
    thin = UnpackedObject(
        REF_DELTA,
        delta_base=bytes.fromhex(base),
        decomp_chunks=[delta],
        sha=digest(3, raw),
    )
    assert [repo.object_store.get_raw(id) for id in store(repo, pack(thin))] == [(3, raw)]
    repo.object_store._update_pack_cache()
    (one,) = repo.object_store.packs
    assert len(one) == 2
    one.check()


@pytest.mark.parametrize("data", [pack(), pack(entry(COMMIT, NO_ZONE))[:-1] + b"x", b"PACK", b""])
def test_an_empty_or_broken_pack_leaves_no_files(repo: Repo, data: bytes) -> None:
    if data == pack():
        assert store(repo, data) == []
    else:
        with pytest.raises(Exception, match=r".+"):
            store(repo, data)
    assert files(repo) == []


class TestFetch:
    """Errors of ``fetch`` for a pack that cannot be stored."""

    @pytest.fixture(autouse=True)
    def sending(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def send(_: LocalRemote, _wants: Any, file: Any, **_options: Any) -> None:
            file.write(b"PACK, truncated")

        monkeypatch.setattr(LocalRemote, "fetch_pack", send)

    def test_a_server_that_fails(
        self, disk: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise RemoteError("the connection was closed", location="remote")

        monkeypatch.setattr(LocalRemote, "fetch_pack", fail)
        with Repo.init_bare(str(tmp_path / "other"), mkdir=True) as repo:
            Builder(repo).tags("m@v1.0.0")
            with pytest.raises(RemoteError, match="^the connection was closed$"):
                disk.registry.fetch(remote=repo.path)
        assert files(disk.repo) == []  # type: ignore[arg-type]  # it is on disk

    def test_a_broken_pack(self, builder: Builder, tmp_path: Path) -> None:
        builder.commit()
        with Repo.init_bare(str(tmp_path / "other"), mkdir=True) as repo:
            Builder(repo).tags("m@v1.0.0")
            with pytest.raises(
                RemoteError, match="sent objects that cannot be stored: .*try again"
            ):
                builder.registry.fetch(remote=repo.path)
        assert list(builder.registry) == []

    def test_a_full_disk(
        self, disk: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("modelversions.git.exchange.store_pack", full)
        with Repo.init_bare(str(tmp_path / "other"), mkdir=True) as repo:
            Builder(repo).tags("m@v1.0.0")
            with pytest.raises(RepositoryError, match="cannot be stored: .*No space left"):
                disk.registry.fetch(remote=repo.path)
        assert files(disk.repo) == []  # type: ignore[arg-type]  # it is on disk

    def test_a_directory_that_cannot_be_written(
        self, disk: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("modelversions.git.exchange.new_pack", full)
        with Repo.init_bare(str(tmp_path / "other"), mkdir=True) as repo:
            Builder(repo).tags("m@v1.0.0")
            with pytest.raises(RepositoryError, match="cannot be stored: .*No space left"):
                disk.registry.fetch(remote=repo.path)
