"""One server, and three things to ask of it: list refs, send objects, take new refs.

All that can go wrong on the way comes out as errors of this library, in the server's words where it
has some, and without a secret.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote

import attrs
from dulwich.client import GitClient, HTTPUnauthorized
from dulwich.config import StackedConfig
from dulwich.errors import SendPackError
from dulwich.object_format import DEFAULT_OBJECT_FORMAT, SHA256
from dulwich.object_store import MemoryObjectStore
from dulwich.objects import ZERO_SHA, ObjectID
from dulwich.pack import UnpackedObject
from dulwich.protocol import PEELED_TAG_SUFFIX
from dulwich.refs import Ref
from dulwich.repo import BaseRepo

from modelversions.errors import InvalidArgumentError, ModelVersionsError
from modelversions.stores.base import Access
from modelversions.stores.failures import cause, denied, explain
from modelversions.stores.urls import Url
from modelversions.stores.wires import connect

Answer = TypeVar("Answer")
PackOf = Callable[[set[ObjectID], set[ObjectID]], "tuple[int, Iterator[UnpackedObject]]"]
"""Packs what leads to some objects, for one who has others."""

_STEPS = re.compile(rb"(?P<what>[A-Z][a-z ]+): +[0-9]+% \((?P<done>[0-9]+)/(?P<total>[0-9]+)\)")


@attrs.frozen
class Refs:
    """What a server lists: ids by ref, and what lies behind annotated tags."""

    ids: Mapping[str, str]
    peeled: Mapping[str, str]


@attrs.frozen
class Verdict:
    """What a server said to refs that it should take."""

    refused: Mapping[str, str]
    """Its reasons, by ref."""
    words: str
    """What it said besides: a hook's output."""


class _Haves:
    """The commits that the server may take for known here, so that it sends no more than tags."""

    def __init__(self, commits: Iterable[str]) -> None:
        self._commits = iter(commits)

    def __next__(self) -> ObjectID | None:
        return next((ObjectID(commit.encode()) for commit in self._commits), None)

    def ack(self, _id: ObjectID) -> None:
        """Nothing follows from it."""

    def nak(self) -> None:
        """Nothing follows from it."""


class Transport:
    """A server's repository. Nothing is sent before the first question; threads may share it."""

    def __init__(self, url: Url, config: Callable[[], StackedConfig], access: Access) -> None:
        """Take down where it is, and how to get in."""
        self.location = str(url)
        self._url = url
        self._config = config
        self._access = access
        self._lock = threading.RLock()
        self._client: GitClient | None = None
        self._login = None if url.password is None else (url.username or "", url.password)

    def close(self) -> None:
        """Let go of the connections; the next question makes new ones."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None

    def refs(self, prefixes: Sequence[str]) -> Refs:
        """List the refs whose names begin with one of ``prefixes``, in one exchange."""
        wanted = [prefix.encode() for prefix in prefixes]
        found = self._ask(
            lambda client: client.get_refs(
                self._path, protocol_version=self._version, ref_prefix=wanted
            )
        )
        ids: dict[str, str] = {}
        peeled: dict[str, str] = {}
        for ref, id in sorted(found.refs.items()):
            if id is not None and ref.startswith(tuple(wanted)):  # the first versions list all
                name = ref.removesuffix(PEELED_TAG_SUFFIX).decode(errors="replace")
                (peeled if ref.endswith(PEELED_TAG_SUFFIX) else ids)[name] = id.decode("ascii")
        return Refs(ids, peeled)

    def fetch(
        self,
        wants: Sequence[str],
        *,
        haves: Iterable[str] = (),
        depth: int | None = None,
        filter: str | None = None,
    ) -> MemoryObjectStore:
        """Fetch objects into memory.

        Args:
            wants: their ids.
            haves: commits that need not be sent, nor anything that they lead to.
            depth: how many commits to fetch in a row; None for all that are not among ``haves``.
            filter: which objects to leave out, if the server can.
        """
        ids = [ObjectID(want.encode()) for want in wants]

        def ask(client: GitClient) -> bytes:
            pack = io.BytesIO()

            def take(data: bytes) -> int:
                self._access.report(pack.tell() + len(data), None, "bytes received")
                return pack.write(data)

            client.fetch_pack(
                self._path,
                lambda _refs, depth=None: ids,  # noqa: ARG005  # dulwich gives it by name
                _Haves(haves),
                take,
                progress=self._steps,
                depth=depth,
                ref_prefix=[b"HEAD"],
                filter_spec=None if filter is None else filter.encode(),
                protocol_version=self._version,
            )
            return pack.getvalue()

        format = SHA256 if wants and len(wants[0]) > DEFAULT_OBJECT_FORMAT.hex_length else None
        objects = MemoryObjectStore(object_format=format or DEFAULT_OBJECT_FORMAT)
        pack = io.BytesIO(self._ask(ask))
        self._ask(lambda _: objects.add_thin_pack(pack.read, None))
        return objects

    def fetch_into(self, repo: BaseRepo, wants: Sequence[str]) -> None:
        """Fetch objects and all that they lead to into a repository; its refs stay."""
        ids = [ObjectID(want.encode()) for want in wants]
        self._ask(
            lambda client: client.fetch(
                self._path,
                repo,
                lambda _refs, depth=None: ids,  # noqa: ARG005  # dulwich gives it by name
                progress=self._steps,
                ref_prefix=[b"HEAD"],
                protocol_version=self._version,
            )
        )

    def send(
        self,
        settle: Callable[[Mapping[str, str]], Mapping[str, str]],
        pack: PackOf,
        *,
        atomic: bool,
    ) -> Verdict:
        """Have refs set, each from what it was seen to be.

        Args:
            settle: is shown the ids of the refs that there are, and returns the new ones; an empty
                one to delete the ref. It may raise.
            pack: gives the objects that are to be sent along.
            atomic: whether it must be all or nothing.

        Raises:
            InvalidArgumentError: the server cannot do all or nothing; it has done nothing.
        """
        said: list[bytes] = []
        updates: dict[Ref, ObjectID] = {}

        def decide(old: Mapping[Ref, ObjectID]) -> dict[Ref, ObjectID]:
            there = {ref.decode(errors="replace"): id.decode("ascii") for ref, id in old.items()}
            for ref, id in settle(there).items():
                updates[Ref(ref.encode())] = ObjectID(id.encode()) if id else ZERO_SHA
            return updates

        def note(data: bytes) -> None:
            said.append(data)
            self._steps(data)

        def ask(client: GitClient) -> Mapping[bytes, str | None]:
            try:
                sent = client.send_pack(self._path, decide, pack_of, note, atomic=atomic)
            except SendPackError as error:
                return dict.fromkeys(updates, bytes(error.args[0]).decode(errors="replace"))
            return sent.ref_status or {}

        def pack_of(
            have: Iterable[ObjectID], want: Iterable[ObjectID], **_: object
        ) -> tuple[int, Iterator[UnpackedObject]]:
            return pack(set(have), set(want))

        statuses = self._ask(ask)
        refused = {ref.decode(): reason for ref, reason in statuses.items() if reason is not None}
        return Verdict(refused, _words(b"".join(said)))

    @property
    def _path(self) -> bytes:
        """The path as the client takes it; an HTTP client has it in its base."""
        return b"" if self._url.scheme.startswith("http") else self._url.path.encode()

    @property
    def _version(self) -> int | None:
        return None if self._url.scheme == "file" else 2

    def _ask(self, question: Callable[[GitClient], Answer]) -> Answer:
        """Ask the server; once more, with credentials, if it wants some."""
        with self._lock:
            while True:
                try:
                    return question(self._line())
                except HTTPUnauthorized:
                    self._client = None
                except ModelVersionsError:
                    raise
                except Exception as error:  # noqa: BLE001  # dulwich raises whatever comes
                    self.close()
                    secrets = self._secrets()
                    failure = explain(error, self.location, self._access.timeout, secrets)
                    raise failure from cause(error, secrets)
                self._log_in()

    def _line(self) -> GitClient:
        if self._client is None:
            self._client = connect(self._url, self._config(), self._access.timeout, self._login)
        return self._client

    def _log_in(self) -> None:
        """Ask for credentials, to begin anew with them.

        Raises:
            AuthenticationError: nobody knows any, or those that are there were refused.
        """
        if self._login is not None:
            self._login = None
            raise denied(self.location, "it did not accept the credentials")
        shown = str(attrs.evolve(self._url, username=None, password=None))
        ask = self._access.credentials
        found = None if ask is None else ask(shown, self._url.username)
        if found is None:
            raise denied(self.location, "it wants credentials")
        if not _is_login(found):
            raise InvalidArgumentError(
                "credentials must return a user's name and a password, both text, or None",
                argument="credentials",
                value=None,
            )
        self._login = found

    def _secrets(self) -> list[str]:
        """Return what must not be shown: as it is, and as a URL quotes it."""
        known = [self._url.password, self._login[1] if self._login else None]
        return [form for secret in known if secret for form in (secret, quote(secret, safe=""))]

    def _steps(self, data: bytes) -> None:
        """Pass on what the server says of its progress."""
        for match in _STEPS.finditer(data):
            what = match["what"].decode().lower()
            self._access.report(int(match["done"]), int(match["total"]), what)


def _is_login(found: object) -> bool:
    """Say whether it is a name and a password."""
    return isinstance(found, tuple) and [isinstance(part, str) for part in found] == [True, True]


def _words(said: bytes) -> str:
    """Return what a server said beside its progress, on one line."""
    lines = re.split(rb"[\r\n]+", said)
    kept = [line.strip() for line in lines if line.strip() and not _STEPS.search(line)]
    return " ".join(line.decode(errors="replace") for line in kept)
