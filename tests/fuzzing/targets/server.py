"""The answers of a server: lists of refs, packs and reports, in both versions of the protocol.

An input describes the answers, one after another; see ``_Script``.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any
from unittest import mock

from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.objects import object_header
from dulwich.pack import UnpackedObject, write_pack_data
from dulwich.protocol import Protocol

from modelversions import Identity, Registry
from modelversions.errors import ModelVersionsError
from modelversions.git import locks
from modelversions.git._dulwich import Connected, TcpClient
from modelversions.git.programs import Programs
from modelversions.git.remote import session
from modelversions.git.remote.http import Login, _Http
from modelversions.git.remote.http_settings import read_settings
from modelversions.git.urls import Url
from tests.fuzzing.targets.packs import Described

MODULES = (
    "modelversions.git.remote.transport",
    "modelversions.git.remote.session",
    "modelversions.git.remote.remote_store",
    "modelversions.git.remote.remote_tags",
    "modelversions.git.remote.error_translation",
    "modelversions.git.remote.http",
    "modelversions.git.objects.partial_pack",
    "modelversions.git.objects.received_packs",
)
_ANSWER, _PACK = b"\xfe\xff", b"\xfe\xfe"
"""Separate the answers, and the description of a pack that follows them."""
_HTTP, _RAW, _SAME, _WRITES = 1, 2, 4, 8
"""Flags: HTTP, bytes as they are, the same answer each time, write too."""
_WHEN = datetime(2024, 1, 1, tzinfo=timezone.utc)
_CHUNK = 900
logging.getLogger("dulwich").setLevel(logging.CRITICAL)  # it warns of unknown input


def _object(kind: int, raw: bytes) -> UnpackedObject:
    digest = DEFAULT_OBJECT_FORMAT.hash_object(object_header(kind, len(raw)) + raw)
    return UnpackedObject(kind, sha=digest, decomp_chunks=[raw])


def _packed(*objects: UnpackedObject) -> bytes:
    file = io.BytesIO()
    write_pack_data(
        file.write,
        iter(objects),
        num_records=len(objects),
        object_format=DEFAULT_OBJECT_FORMAT,
    )
    return file.getvalue()


_WHO = b"Ann <ann@example.com> 1700000000 +0000\n"
_GTO = _object(3, b"stages: [prod]\n")
_TREE = _object(2, b"100644 .gto\0" + _GTO.sha())
_HEAD = _object(
    1, b"tree %b\nauthor %bcommitter %b\nc1\n" % (_TREE.sha().hex().encode(), _WHO, _WHO)
)
_ID = _HEAD.sha().hex().encode()
_TAGS = [
    _object(4, b"object %b\ntype commit\ntag %b\ntagger %b\na tag\n" % (_ID, name, _WHO))
    for name in (b"m@v1.0.0", b"n@v2.0.0", b"m#prod#1")
]
_PACKS = [
    _packed(*_TAGS),
    _packed(_HEAD, _TREE, _GTO),
    _packed(_GTO),
    _packed(*_TAGS, _HEAD, _TREE, _GTO),
]
_REFS = [
    (b"refs/heads/main", _ID),
    *(
        (b"refs/tags/" + name, tag.sha().hex().encode())
        for name, tag in zip((b"m@v1.0.0", b"n@v2.0.0", b"m#prod#1"), _TAGS)
    ),
]


class _Script:
    """The described answers.

    A line is a packet; an empty one is a flush. One that begins with a byte from 1 to 3 is a packet
    of that channel, ``=`` a delimiter, ``%`` and a digit a pack, and ``%%`` the described one.
    With the flag for raw bytes an answer is sent as it is.
    """

    def __init__(self, data: bytes) -> None:
        self.flags = next(iter(data[:1]), 0)
        answers, _, described = data[1:].partition(_PACK)
        self._described = Described.of(described)
        self._answers = answers.split(_ANSWER)

    def answer(self, number: int = 0) -> bytes:
        """Return the next answer; with the flag for the same ones, that of this number."""
        if not self._answers:
            return b""
        is_same = self.flags & _SAME
        found = self._answers[min(number, len(self._answers) - 1) if is_same else 0]
        if not is_same:
            del self._answers[0]
        if self.flags & _RAW:
            return found
        return b"".join(map(self._packet, found.split(b"\n")))

    def _packet(self, line: bytes) -> bytes:
        if line in (b"", b"="):
            return b"0001" if line else b"0000"
        if line[:1] == b"%":
            number = int(line[1:2]) if line[1:2].isdigit() else -1
            pack = _PACKS[number % len(_PACKS)] if number >= 0 else self._described.pack()
            starts = range(0, len(pack), _CHUNK)
            return b"".join(_line(b"\1" + pack[start : start + _CHUNK]) for start in starts)
        return _line(line if line[:1] < b"\4" else line + b"\n")


def _line(content: bytes) -> bytes:
    return b"%04x%b" % (len(content) + 4, content)


def seeds() -> Iterator[bytes]:
    """Yield the answers of servers of both versions."""
    capabilities = b"version 2\nagent=git/2\nls-refs\nfetch=shallow filter\nobject-format=sha1\n\n"
    listed = [b"%b %b" % (id, name) for name, id in _REFS]
    peeled = [line + b" peeled:" + _ID if b"tags" in line else line for line in listed]
    refs = b"%b HEAD symref-target:refs/heads/main\n%b\n" % (_ID, b"\n".join(peeled))
    v0 = b"%b HEAD\0multi_ack side-band-64k ofs-delta shallow filter agent=git/2\n" % _ID
    v0 += b"\n".join(listed) + b"\n" + b"%b %b^{}\n" % (_ID, _REFS[1][0])
    fetched = b"packfile\n%%%d\n\2Counting objects: 50%% (1/2)\r\n\n"
    for flags in (0, _SAME, _HTTP, _HTTP | _SAME, _WRITES, _SAME | _WRITES):
        second = [capabilities + refs]
        third = [capabilities + refs + b"\n" + fetched % number for number in range(4)]
        if flags & _HTTP:
            second = [b"# service=git-upload-pack\n\n" + capabilities, refs]
            third = [fetched % number for number in range(4)]
        yield bytes([flags]) + _ANSWER.join([*second, *third])
        yield bytes([flags]) + _ANSWER.join([*second[:-1], third[3]])
        yield bytes([flags]) + _ANSWER.join([*second, third[3]])
        yield bytes([flags]) + _ANSWER.join(second * 2 + third)
        yield bytes([flags]) + _ANSWER.join([v0, v0 + b"NAK\n%0\n", v0 + b"NAK\n%1\n"])
        report = b"report-status atomic side-band-64k delete-refs"
        status = b"unpack ok\nok refs/tags/m@v1.1.0\nng refs/tags/x failed to lock\n"
        receive = b"%b refs/heads/main\0%b\n\n" % (_ID, report) + b"\1" + _line(status) + b"0000\n"
        yield bytes([flags | _WRITES]) + _ANSWER.join([*second, receive, *second])
    for words in (b"ERR access denied", b"shallow-info\nshallow " + _ID, b"\3no", b"packfile-uris"):
        yield b"\0" + capabilities + refs + _ANSWER + capabilities + refs + b"\n" + words + b"\n"
        yield b"\1" + capabilities + _ANSWER + refs + _ANSWER + words + b"\nhttps://h/p sha1 0\n"
    description = b"\0\4\0\4abcd\7\1\0\1\5\6\0\0\2\4\5"
    yield bytes([_SAME]) + capabilities + refs + b"\npackfile\n%%\n" + _PACK + description


def check(data: bytes) -> None:
    """Read and write a registry at a server with these answers."""
    script = _Script(data)

    def connect(url: Url, programs: Programs, timeout: float | None, login: Login | None) -> Any:
        del timeout
        if url.scheme == "git":
            return TcpClient("host", 1, lambda *_: _connected(script))
        base = url.origin + url.path
        return _Http(base, _Manager(script), read_settings(url, programs.config), login)  # type: ignore[arg-type]

    url = f"{'http' if script.flags & _HTTP else 'git'}://host/m.git"
    with (
        mock.patch.object(session, "connect", connect),
        mock.patch.object(locks, "TIMEOUT", 0),
        Registry.open(url, author=Identity("Ann", "ann@example.com")) as registry,
    ):
        _read(registry)
        if script.flags & _WRITES:
            with contextlib.suppress(ModelVersionsError):
                registry.register("m", "v1.1.0", commit=_ID.decode(), when=_WHEN)


def _read(registry: Registry) -> None:
    for read in (
        registry.latest,
        registry.history,
        registry.problems,
        registry.allowed_stages,
        lambda: registry.resolve("m@latest"),
        lambda: registry.artifacts(commit="HEAD"),
        lambda: registry.commits(limit=2),
        lambda: registry.read_bytes("m@v1.0.0", "m.pkl"),
    ):
        with contextlib.suppress(ModelVersionsError):
            read()


def _connected(script: _Script) -> Connected:
    """Return a connection with the next answer."""
    stream = io.BytesIO(script.answer())
    protocol = Protocol(stream.read, len, shutdown_write=lambda: None)
    return protocol, lambda: stream.tell() < len(stream.getvalue()), None


class _Manager:
    """Replaces urllib3's pool of connections."""

    def __init__(self, script: _Script) -> None:
        self._script = script
        self.pool_classes_by_scheme: dict[str, object] = {}
        self.pools: dict[str, object] = {}

    def request(self, method: str, url: str, *, body: object = None, **_: object) -> _HttpAnswer:
        """Return the next answer, or the one for this request."""
        number = 0 if body is None else 1 + (b"ls-refs" not in body if type(body) is bytes else 1)
        return _HttpAnswer(self._script.answer(number), method, url)

    def clear(self) -> None:
        """Do nothing."""


class _HttpAnswer(io.BytesIO):
    """A response: success, or the status of its first line, such as ``!302 http://host/x``."""

    def __init__(self, content: bytes, method: str, url: str) -> None:
        head, _, body = content.partition(b"\n") if content[:1] == b"!" else (b"", b"", content)
        super().__init__(body)
        digits, _, location = head[1:].decode(errors="replace").partition(" ")
        self.status = int(digits) if digits.isascii() and digits.isdigit() else 200
        service = "git-receive-pack" if "receive" in url else "git-upload-pack"
        kind = "advertisement" if method == "GET" else "result"
        self.headers: Mapping[str, str] = {"Content-Type": f"application/x-{service}-{kind}"}
        self._location = location

    def get_redirect_location(self) -> str | None:
        """Return the target of a redirect."""
        return self._location or None

    def shutdown(self) -> None:
        """Do nothing."""
