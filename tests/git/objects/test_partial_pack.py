"""Parsing the first bytes of a pack, truncated at any offset."""

from __future__ import annotations

import io
import random
from typing import Any

import pytest
from dulwich.errors import GitProtocolError
from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.objects import ObjectID, ShaFile
from dulwich.pack import UnpackedObject, create_delta, write_pack_data

from modelversions import RemoteError
from modelversions.git.config import GitConfig
from modelversions.git.objects.partial_pack import PackFile, PackStart, read_start
from modelversions.git.programs import Programs
from modelversions.git.remote.transport import Transport
from modelversions.git.store import RemoteOptions
from modelversions.git.urls import Url
from tests.builders import Builder


def entry(found: ShaFile, base: ShaFile | None = None, *, by_id: bool = False) -> UnpackedObject:
    """Return a whole object, or a delta against another."""
    if base is None:
        return UnpackedObject(
            found.type_num, sha=found.sha().digest(), decomp_chunks=found.as_raw_chunks()
        )
    delta = list(create_delta(base.as_raw_string(), found.as_raw_string()))
    name = bytes.fromhex(base.id.decode())
    return UnpackedObject(
        7 if by_id else 6, sha=found.sha().digest(), delta_base=name, decomp_chunks=delta
    )


def pack(entries: list[UnpackedObject]) -> bytes:
    file = io.BytesIO()
    records: Any = iter(entries)
    write_pack_data(
        file.write, records, num_records=len(entries), object_format=DEFAULT_OBJECT_FORMAT
    )
    return file.getvalue()


def receive(file: PackFile, data: bytes) -> None:
    for start in range(0, len(data), 1000):
        file.write(data[start : start + 1000])


@pytest.fixture
def objects(builder: Builder) -> list[ShaFile]:
    """Three commits, a tag, a tree and a blob, as Git orders them."""
    for number in (2, 3):
        builder.commit(f"c{number}", number, f"c{number - 1}")
    tag = builder.tag("m@v1.0.0")
    tree = builder.repo[ObjectID(builder.commits["c1"].encode())].tree  # type: ignore[attr-defined]
    blob = builder.blob("text " * 5000)
    ids = [*builder.commits.values(), tag, tree.decode(), blob]
    return [builder.repo[ObjectID(id.encode())] for id in ids]


@pytest.mark.parametrize("deltas", ["none", "by offset", "by id"])
def test_a_pack_truncated_at_any_offset(objects: list[ShaFile], deltas: str) -> None:
    c1, *rest = objects
    entries = [entry(c1)]
    for one in rest:
        delta = deltas != "none" and one.type_num == c1.type_num
        entries.append(entry(one, c1, by_id=deltas == "by id") if delta else entry(one))
    data = pack(entries)
    names = [bytes.fromhex(one.id.decode()) for one in objects]
    count = 0
    for end in (*range(0, len(data), 5), len(data)):
        start = read_start(data[:end], DEFAULT_OBJECT_FORMAT)
        assert list(start.objects) == names[: len(start.objects)]
        assert len(start.objects) >= count
        assert start.has_all_commits == (len(start.objects) > 4)
        count = len(start.objects)
    contents = [raw for _, raw in read_start(data, DEFAULT_OBJECT_FORMAT).objects.values()]
    assert contents == [one.as_raw_string() for one in objects]


def test_invalid_data_and_an_unknown_base(objects: list[ShaFile]) -> None:
    assert read_start(b"nonsense" * 9, DEFAULT_OBJECT_FORMAT) == PackStart(
        {}, has_all_commits=False
    )
    c1, c2, *_ = objects
    assert read_start(pack([entry(c2, c1, by_id=True)]), DEFAULT_OBJECT_FORMAT).objects == {}
    data = bytearray(pack([entry(c1)]))
    data[20:] = b"\xff" * (len(data) - 20)
    assert read_start(bytes(data), DEFAULT_OBJECT_FORMAT).objects == {}


def test_a_transfer_ends_when_enough_was_received(objects: list[ShaFile]) -> None:
    data = pack([entry(one) for one in objects]) + b"x" * (1 << 20)
    file = PackFile(None, start_only=True, format=DEFAULT_OBJECT_FORMAT)
    with pytest.raises(GitProtocolError, match="it sends files"):
        receive(file, data)
    assert file.is_truncated
    assert file.tell() < 70_000
    assert len(file.start().objects) == len(objects)
    file = PackFile(100_000, format=DEFAULT_OBJECT_FORMAT)
    file.write(data[:99_000])
    with pytest.raises(GitProtocolError, match="more than 100000 bytes"):
        file.write(data[:2000])
    assert file.is_truncated


def test_commits_alone_are_not_enough(builder: Builder) -> None:
    """The pack is parsed again after more and more bytes."""
    for number in range(2, 600):
        builder.commit(f"c{number}-{random.Random(number).randbytes(100).hex()}", number)  # noqa: S311
    found = [builder.repo[ObjectID(id.encode())] for id in builder.commits.values()]
    file = PackFile(None, start_only=True, format=DEFAULT_OBJECT_FORMAT)
    data = pack([entry(one) for one in found])
    assert len(data) > 1 << 16
    receive(file, data)
    assert not file.is_truncated
    assert not file.start().has_all_commits


def test_fetching_the_start_only(objects: list[ShaFile], monkeypatch: pytest.MonkeyPatch) -> None:
    data = pack([entry(one) for one in objects]) + b"x" * (1 << 17)

    def sending(_: Transport, _wants: object, file: PackFile, **_options: object) -> None:
        try:
            receive(file, data)
        except GitProtocolError as error:
            raise RemoteError(str(error), location="remote", status=None) from error

    monkeypatch.setattr(Transport, "fetch_pack", sending)
    transport = Transport(
        Url.parse("git://host/m"), Programs(None, GitConfig(None)), RemoteOptions()
    )
    wants = [objects[0].id.decode()]
    found = transport.fetch(wants, filter="tree:0")
    assert all(one.id in found for one in objects)
    monkeypatch.setattr("modelversions.git.remote.transport.MAX_BYTES", 50_000)
    with pytest.raises(RemoteError, match="more than 50000 bytes"):
        transport.fetch(wants)
