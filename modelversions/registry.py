"""``Registry``: the live door to the models of one repository, here or on a server."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing
from typing import TYPE_CHECKING

from modelversions import sync
from modelversions.errors import InvalidArgumentError
from modelversions.events import Event
from modelversions.model import Version
from modelversions.stores.base import Access, Credentials, Progress, Signature, TagRef
from modelversions.stores.net.urls import is_url
from modelversions.sync import SyncResult
from modelversions.tags import TagName
from modelversions.verbs import Verbs

if TYPE_CHECKING:
    from dulwich.repo import MemoryRepo, Repo


class Registry(Verbs):
    """A registry to look at and to write.

    Every verb is all or nothing: it returns the event that it wrote, or raises and has changed
    nothing. (Only where a server's answer is lost on the way nobody can tell; the error says so.)
    The verbs share their keyword arguments:

    - ``message``: the tag's message, cleaned up as ``git tag`` does, so that lines which begin
      with ``#`` go; GTO's own if left out.
    - ``author``: who does it; the identity that Git is configured with if left out.
    - ``when``: an aware datetime; now if left out, or a second past what the write must supersede
      (F14), so that it takes effect on any clock.
    - ``force``: write what would be refused as pointless, not allowed, or too much for GTO.
    - ``sign``: True, False or a key; as Git's configuration says if left out.
    - ``dry_run``: return the event that would be written, and write nothing.
    - ``push``: push the tag once it is written here: True for the remote ``origin``, or a remote's
      name, a URL or a path. At a URL each verb writes on the server, and there is no more to push.

    Besides the errors that each verb names, all raise ``InvalidNameError`` and
    ``InvalidVersionError`` for names, ``IdentityError`` where there is no author,
    ``InvalidArgumentError`` for a message or time of no use, ``NoEffectError`` for a ``when`` that
    would not supersede, ``ObjectMissingError`` where a tag that matters cannot be read,
    ``WriteConflictError`` where Git cannot create the tag (``PushRejectedError`` where a server
    refuses it), ``NotPushedError`` where the tag was written and could not be pushed, and
    ``SigningError``. A tag dated more than a minute ahead of this clock gives a
    ``ClockSkewWarning``.
    """

    @classmethod
    def open(
        cls,
        place: str | os.PathLike[str] = ".",
        *,
        stages: Iterable[str] | None = None,
        credentials: Credentials | None = None,
        progress: Progress | None = None,
        timeout: float | None = 60.0,
    ) -> Registry:
        """Open the registry of the repository that holds a folder, or that is at a URL.

        Args:
            place: a folder in a repository, a bare repository, a linked worktree. It is found as
                Git finds it, by ``GIT_CEILING_DIRECTORIES`` and, for the current folder, by
                ``GIT_DIR``. Or a URL:
                ``https://``, ``http://``, ``ssh://``, ``git://``, ``file://`` or
                ``user@host:path``. Nothing is sent to a server before the first look, and nothing
                of it is kept on disk.
            stages: the stages that may be assigned; what the ``.gto`` file says if left out.
            credentials: is asked, with the URL and the user's name in it, for a name and a
                password when a server wants them; ``modelversions.credentials`` has some ready.
            progress: is called with what is done, the total or None, and what it is about, while
                a server is read or written.
            timeout: how many seconds a server may be silent; None for as long as it likes.

        Raises:
            RepositoryNotFoundError: there is none; of a server that is known at the first look.
            RepositoryError: there is one that cannot be read.
        """
        access = _access(credentials, progress, timeout)
        if isinstance(place, str) and is_url(place):
            from modelversions.stores.net.remote import open_url  # dulwich costs time to import

            return cls(open_url(place, access), stages=stages)
        from modelversions.stores.disk.local import LocalStore

        return cls(LocalStore.open(place, access), stages=stages)

    @classmethod
    def from_repo(cls, repo: Repo | MemoryRepo, *, stages: Iterable[str] | None = None) -> Registry:
        """Look at a repository that dulwich has opened, on disk or in memory; it stays yours."""
        from modelversions.stores.disk.local import LocalStore

        return cls(LocalStore(repo, getattr(repo, "path", "memory")), stages=stages)

    def close(self) -> None:
        """Close the files that were opened here; optional, and nothing is lost by it."""
        self._store.close()

    def __enter__(self) -> Registry:
        """Return the registry; the block's end closes it."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close it."""
        self.close()

    def push(self, *tags: str | Event | Version, remote: str = "origin") -> SyncResult:
        """Push tags of events to another repository; none that is there is overwritten.

        Args:
            tags: which, by name, or as the events and versions themselves; all that the remote
                lacks if none is given. None is no tag: ``Registry.event`` returns it for a name
                that is no event's.
            remote: the name of a remote, a URL or a path.

        Returns:
            What was pushed, what was there already, and what is something else there.

        Raises:
            InvalidArgumentError: one is None, or nothing else that names a tag; none was pushed.
            TagNotFoundError: there is no such tag here; none was pushed.
            RepositoryNotFoundError: there is no such remote.
            PushRejectedError: it refused a tag, with its own words.
            RemoteError, AuthenticationError: it cannot be used.
        """
        refs = [self._ref(tag, event_only=True) for tag in tags] if tags else self._events()
        with closing(self._store.exchange(remote)) as exchange:
            return sync.push(exchange, refs)

    def fetch(self, *, remote: str = "origin") -> SyncResult:
        """Fetch the tags of events that another repository has; none that is here is overwritten.

        Args:
            remote: the name of a remote, a URL or a path.

        Returns:
            What was fetched, what was here already, and what is something else here.

        Raises:
            RepositoryNotFoundError: there is no such remote.
            RemoteError, AuthenticationError: it cannot be used.
        """
        with closing(self._store.exchange(remote)) as exchange:
            return sync.fetch(exchange, self._store)

    def delete_tags(self, *tags: str | Event | Version, dry_run: bool = False) -> dict[str, str]:
        """Delete tags: what they said is gone, with no trace that it ever was.

        To end a version or a stage, ``deregister`` and ``unassign`` keep the history instead.

        Args:
            tags: events' tags, by name or full ref, or as the events and versions themselves.
            dry_run: return what would be deleted, and delete nothing.

        Returns:
            What was deleted: the tags' names, and the ids of their objects, from which
            ``git update-ref`` brings them back until Git collects its garbage.

        Raises:
            TagNotFoundError: there is no such tag; none was deleted.
            InvalidTagNameError: it is not an event's tag, and for Git to delete.
            WriteConflictError: somebody changed one meanwhile; none was deleted.
        """
        refs = [self._ref(tag, event_only=True) for tag in tags]
        if not dry_run:
            self._store.delete(refs)
        return {ref.name: ref.id for ref in refs}

    def verify(self, tag: str | Event | Version) -> Signature:
        """Check who signed a tag, by the keys that Git is configured to trust.

        Args:
            tag: a tag's name or full ref, an event or a version.

        Returns:
            The signer, and whether the signature holds; true exactly where it does.

        Raises:
            TagNotFoundError: there is no such tag.
            SigningError: the program that checks signatures is not there.
        """
        return self._store.signature(self._ref(tag))

    def _events(self) -> list[TagRef]:
        """List the tags that are events'."""
        refs = [ref for ref in self._store.tags() if TagName.try_parse(ref.name)]
        return [ref for ref in refs if self._store.commit(ref) is not None]


def _access(
    credentials: Credentials | None, progress: Progress | None, timeout: float | None
) -> Access:
    """Check what the caller chose; a secret in the wrong place is not repeated."""
    for name, value in (("credentials", credentials), ("progress", progress)):
        if value is not None and not callable(value):
            raise InvalidArgumentError(
                f"{name} must be a callable, not a {type(value).__name__}; see Registry.open",
                argument=name,
                value=None,
            )
    if timeout is not None and not (isinstance(timeout, (int, float)) and timeout > 0):
        raise InvalidArgumentError(
            f"timeout must be a number of seconds above 0, or None, not {timeout!r}",
            argument="timeout",
            value=timeout,
        )
    return Access(credentials, progress, timeout)
