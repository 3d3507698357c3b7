"""Tags between a repository on this machine and another: pushed and fetched, never overwritten."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

from dulwich.config import StackedConfig, apply_instead_of
from dulwich.objects import ObjectID
from dulwich.objects import Tag as GitTag
from dulwich.pack import UnpackedObject
from dulwich.repo import MemoryRepo, Repo

from modelversions.errors import (
    InvalidArgumentError,
    PushRejectedError,
    RepositoryNotFoundError,
    TagExistsError,
)
from modelversions.stores.base import Access, TagRef
from modelversions.stores.refs import TagRefs
from modelversions.stores.transport import Transport
from modelversions.stores.urls import Url, is_url

_ROOT = "refs/tags/"
_HOOKS = ("pre-receive", "update", "proc-receive", "reference-transaction")


class LocalExchange:
    """Pushes and fetches for one repository on this machine."""

    def __init__(
        self,
        repo: MemoryRepo | Repo,
        refs: TagRefs,
        lock: threading.RLock,
        *,
        config: Callable[[], StackedConfig],
        urls: tuple[Url, Url],
        access: Access,
    ) -> None:
        """Connect a repository, under its lock, with where to fetch from and where to push to."""
        self._repo = repo
        self._refs = refs
        self._lock = lock
        fetch, push = urls
        self._source = Transport(fetch, config, access)
        self._sink = self._source if push == fetch else Transport(push, config, access)
        self._push_to = push
        self.location = self._sink.location

    def close(self) -> None:
        """Close the connections."""
        self._source.close()
        self._sink.close()

    def theirs(self) -> list[TagRef]:
        """List the other one's tags."""
        found = self._source.refs([_ROOT])
        return [
            TagRef(ref.removeprefix(_ROOT), id, found.peeled.get(ref))
            for ref, id in found.ids.items()
        ]

    def send(self, refs: Sequence[TagRef]) -> list[TagRef]:
        """Push tags that the other one lacks; all of them or none, where it can do that."""
        self._check_hooks()
        try:
            return self._send(refs, atomic=len(refs) > 1)
        except InvalidArgumentError:  # it cannot
            return self._send(refs, atomic=False)

    def bring(self, refs: Sequence[TagRef]) -> list[TagRef]:
        """Fetch the objects, and then create the refs, each if there is none."""
        objects = [ref.id for ref in refs if not self._has(ref.id)]
        with self._lock:
            if objects:
                self._source.fetch_into(self._repo, objects)
            brought = []
            for ref in refs:
                if not self._is_annotated(ref.id):
                    continue
                try:
                    self._refs.add(ref.name, ObjectID(ref.id.encode()))
                except TagExistsError:
                    continue
                brought.append(ref)
            return brought

    def _send(self, refs: Sequence[TagRef], *, atomic: bool) -> list[TagRef]:
        others: list[TagRef] = []

        def settle(there: Mapping[str, str]) -> Mapping[str, str]:
            wanted = {f"{_ROOT}{ref.name}": ref.id for ref in refs}
            others.extend(
                TagRef(ref.removeprefix(_ROOT), there[ref]) for ref in wanted if ref in there
            )
            return {ref: id for ref, id in wanted.items() if ref not in there}

        with self._lock:
            verdict = self._sink.send(settle, self._pack, atomic=atomic)
        if verdict.refused:
            raise self._refused(verdict.refused, verdict.words, refs)
        return others

    def _refused(
        self, refused: Mapping[str, str], words: str, refs: Sequence[TagRef]
    ) -> PushRejectedError:
        name, reason = next(iter(refused.items()))
        name = name.removeprefix(_ROOT)
        said = f"{reason}; it says: {words}" if words else reason
        went = len(refs) - len(refused)
        rest = f"; {went} other tags went through" if went else ""
        return PushRejectedError(
            f"{self.location!r} refused the tag {name!r}: {said}{rest}; see what its rules allow",
            tag=name,
            location=self.location,
            reason=said,
        )

    def _pack(
        self, have: set[ObjectID], want: set[ObjectID]
    ) -> tuple[int, Iterator[UnpackedObject]]:
        return self._repo.generate_pack_data(have, want)

    def _has(self, id: str) -> bool:
        return ObjectID(id.encode()) in self._repo.object_store

    def _is_annotated(self, id: str) -> bool:
        return self._has(id) and isinstance(self._repo[ObjectID(id.encode())], GitTag)

    def _check_hooks(self) -> None:
        """Refuse to go past the hooks of a repository on this machine: Git would run them.

        Raises:
            PushRejectedError: there is one.
        """
        if self._push_to.scheme != "file":
            return
        folders = (os.path.join(self._push_to.path, *rest, "hooks") for rest in ((), (".git",)))
        found = [
            os.path.join(folder, hook)
            for folder in folders
            for hook in _HOOKS
            if os.access(os.path.join(folder, hook), os.X_OK)
        ]
        if found:
            raise PushRejectedError(
                f"{self.location!r} has the hook {found[0]!r}, which only Git can run; push with "
                "'git push' instead",
                tag="",
                location=self.location,
                reason="it has a hook that only Git can run",
            )


def urls_of(remote: str, config: StackedConfig, root: str) -> tuple[Url, Url]:
    """Return where to fetch from and where to push to, as Git would.

    Args:
        remote: the name of a remote, a URL or a path.
        config: Git's configuration.
        root: the folder that a path in the configuration starts from.

    Raises:
        RepositoryNotFoundError: it is none of them.
    """
    section = (b"remote", remote.encode())
    fetch, push = _get(config, section, b"url"), _get(config, section, b"pushurl")
    if fetch is None and not is_url(remote) and not os.path.isdir(remote):
        names = sorted({one[1].decode() for one in config.sections() if one[0] == b"remote"})
        raise RepositoryNotFoundError(
            f"there is no remote {remote!r}; remotes: {', '.join(names) or 'none'} ('git remote "
            "add' makes one), or give a URL",
            location=remote,
        )
    fetch = fetch or remote
    push = push or apply_instead_of(config, fetch, push=True)
    return _url(apply_instead_of(config, fetch), root), _url(push, root)


def _get(config: StackedConfig, section: tuple[bytes, ...], name: bytes) -> str | None:
    try:
        return config.get(section, name).decode(errors="surrogateescape")
    except KeyError:
        return None


def _url(text: str, root: str) -> Url:
    if is_url(text):
        return Url.parse(text)
    return Url("file", "", None, os.path.normpath(os.path.join(root, os.path.expanduser(text))))
