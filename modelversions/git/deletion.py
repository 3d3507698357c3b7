"""Delete tags at a remote: only those that are equal to the local ones."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence

from dulwich.objects import ObjectID
from dulwich.pack import UnpackedObject

from modelversions.errors import (
    PartlyDeletedError,
    RemoteError,
    RepositoryError,
    WriteConflictError,
    set_message,
)
from modelversions.git.local_remote import LocalRemote
from modelversions.git.pre_push import PrePushHook
from modelversions.git.remote.error_translation import AtomicPushError, rejected
from modelversions.git.remote.transport import PushResult, Transport
from modelversions.git.store import TAGS, TagRef

_LOGGER = logging.getLogger(__name__)


class Deletion:
    """One deletion of tags at one remote."""

    def __init__(
        self, sink: Transport | LocalRemote, refs: Sequence[TagRef], hook: PrePushHook
    ) -> None:
        """Prepare to delete ``refs`` of the local repository, unless its hook rejects it."""
        self._sink = sink
        self._hook = hook
        self._refs = refs
        self._existing: list[str] = []
        """The names of the tags to delete: those that exist at the remote."""

    def run(self) -> list[str]:
        """Delete the tags that the remote has, atomically if it supports that; return the names.

        Raises:
            WriteConflictError: the remote has a different tag of one name.
            PushRejectedError: the remote rejected the deletion.
            PartlyDeletedError: some were deleted, others were not.
            RemoteError: the remote cannot be used, or it is unknown whether the tags were deleted.
        """
        try:
            result = self._send()
        except RemoteError as error:
            if not self._existing:  # nothing was sent
                raise
            failure: RemoteError | WriteConflictError = error
        else:
            if not result.refused and not result.unreported:
                return self._existing
            failure = self._failure(result)
        remaining = self._remaining(failure)
        deleted = [name for name in self._existing if name not in remaining]
        if remaining and deleted:
            raise _partly_deleted(deleted, remaining, self._sink.location, failure) from failure
        if remaining:
            set_message(failure, f"{failure}; nothing was deleted")
            raise failure
        return deleted  # only the answer was lost

    def _send(self) -> PushResult:
        if len(self._refs) == 1:
            return self._sink.send(self._compute_updates, _no_objects, atomic=False)
        try:
            return self._sink.send(self._compute_updates, _no_objects, atomic=True)
        except AtomicPushError:
            _LOGGER.debug(
                "%r does not support atomic pushes; deleting without", self._sink.location
            )
            return self._sink.send(self._compute_updates, _no_objects, atomic=False)

    def _compute_updates(self, remote_refs: Mapping[str, str]) -> Mapping[str, str]:
        for ref in self._refs:
            id = remote_refs.get(f"{TAGS}{ref.name}", ref.id)
            if id != ref.id:
                raise WriteConflictError(
                    f"the tag {ref.name!r} is {id} at {self._sink.location!r} and {ref.id} "
                    "locally; nothing was deleted, find out which one is right",
                    tag=ref.name,
                )
        existing = [ref.name for ref in self._refs if f"{TAGS}{ref.name}" in remote_refs]
        updates = {f"{TAGS}{name}": "" for name in existing}
        self._hook.run(self._sink.location, updates, remote_refs)
        self._existing = existing
        return updates

    def _failure(self, result: PushResult) -> RemoteError | WriteConflictError:
        location = self._sink.location
        if result.refused:
            ref, reason = result.cause
            return rejected(ref.removeprefix(TAGS), location, reason, result.messages, "")
        return RemoteError(
            f"{location!r} did not report whether {min(result.unreported)!r} was deleted",
            location=location,
        )

    def _remaining(self, failure: RemoteError | WriteConflictError) -> list[str]:
        """Return the tags that the remote still has.

        Raises:
            RemoteError: the remote cannot be read.
        """
        ids = {ref.name: ref.id for ref in self._refs}
        try:
            listed = self._sink.tags(self._existing)
        except RepositoryError as error:
            names = ", ".join(map(repr, self._existing))
            raise RemoteError(
                f"{failure}. The following tags may or may not have been deleted: {names} "
                f"({error}); nothing was deleted locally, call delete_tags() again",
                location=self._sink.location,
            ) from failure
        return [ref.name for ref in listed if ids.get(ref.name) == ref.id]


def _partly_deleted(
    deleted: Sequence[str], remaining: Sequence[str], location: str, failure: Exception
) -> PartlyDeletedError:
    """Return the error for a remote that deleted only some of the tags."""
    return PartlyDeletedError(
        f"{location!r} deleted {', '.join(map(repr, deleted))}, but not "
        f"{', '.join(map(repr, remaining))}: {failure}; nothing was deleted locally, fix this, "
        "then call delete_tags() again",
        tags=tuple(deleted),
        location=location,
    )


def _no_objects(
    have: set[ObjectID],  # noqa: ARG001  # as PackOf
    want: set[ObjectID],  # noqa: ARG001  # as in PackOf
    shallow: Collection[str] = (),  # noqa: ARG001  # as in PackOf
) -> tuple[int, Iterator[UnpackedObject]]:
    """Return no objects: a deletion sends none."""
    return 0, iter(())
