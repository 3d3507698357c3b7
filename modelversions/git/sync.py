"""Push and fetch the tags of events: select the tags, and return the result."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

import attrs

from modelversions.errors import (
    ModelVersionsError,
    NotPushedError,
    PartlyDeletedError,
    RemoteAheadError,
)
from modelversions.git.store import Remote, Store, TagRef
from modelversions.json_types import record
from modelversions.values.tag_name import TagName, prefixes_of

_LOG = logging.getLogger(__name__)


@attrs.frozen(repr=False)
class Conflict:
    """A tag that differs between the local and the remote repository; neither was changed."""

    tag: str
    """The tag's name, without ``refs/tags/``."""
    local: str
    """The id of the local object; empty if the tag conflicts with another local ref."""
    remote: str
    """The id of the remote object."""

    def to_dict(self) -> dict[str, object]:
        """Return the conflict as JSON types."""
        return record(tag=self.tag, local=self.local, remote=self.remote)

    def __str__(self) -> str:
        """Return the tag and both ids, abbreviated."""
        return f"{self.tag}: {self.local[:7] or 'name conflict'} local, {self.remote[:7]} remote"

    def __repr__(self) -> str:
        """Return the same as ``str()``, in angle brackets."""
        return f"<Conflict {self}>"


@attrs.frozen(repr=False)
class SyncResult:
    """The result of a push or a fetch."""

    remote: str
    """The location of the remote repository, without secrets."""
    transferred: tuple[str, ...]
    """The tags that were pushed or fetched."""
    unchanged: tuple[str, ...]
    """The tags that were equal in both repositories."""
    conflicts: tuple[Conflict, ...]
    """The tags that differ; they were not changed."""

    def to_dict(self) -> dict[str, object]:
        """Return the result as JSON types."""
        return record(
            remote=self.remote,
            transferred=self.transferred,
            unchanged=self.unchanged,
            conflicts=self.conflicts,
        )

    def __str__(self) -> str:
        """Return the number of tags by result, and the conflicts, on one line."""
        numbers = f"{len(self.transferred)} transferred, {len(self.unchanged)} unchanged"
        conflicts = (f"conflict: {conflict}" for conflict in self.conflicts)
        return "; ".join([f"{self.remote}: {numbers}", *conflicts])

    def __repr__(self) -> str:
        """Return the same as ``str()``, in angle brackets."""
        return f"<SyncResult {self}>"

    def _repr_html_(self) -> str:
        """Return the result as HTML, for notebooks."""
        from modelversions.display.sequences import sync_html

        return sync_html(self)


def push(remote: Remote, refs: Sequence[TagRef]) -> SyncResult:
    """Push tags that the remote lacks.

    Raises:
        PushRejectedError: the remote rejected a tag.
    """
    remote_ids = _ids(remote.push(refs)) if refs else {}
    transferred = [ref.name for ref in refs if ref.name not in remote_ids]
    return _logged("pushed", _result(remote.location, transferred, _ids(refs), remote_ids))


def fetch(remote: Remote, store: Store) -> SyncResult:
    """Fetch the events' tags that the local repository lacks."""
    remote_refs = _event_refs(remote.list_tags())
    local_ids = _ids(store.tags())
    missing = [ref for ref in remote_refs if ref.name not in local_ids]
    created, conflicting = remote.fetch(missing) if missing else ([], [])
    if conflicting:  # created concurrently, or in conflict with another ref
        local_ids = {**dict.fromkeys(_ids(conflicting), ""), **_ids(store.tags())}
    result = _result(remote.location, [ref.name for ref in created], local_ids, _ids(remote_refs))
    return _logged("fetched", result)


def check_fetched(remote: Remote, store: Store, model: str) -> None:
    """Check that the local repository has all of a model's events that the remote has.

    Raises:
        RemoteAheadError: it lacks one, or has a different tag of that name.
    """
    prefixes = prefixes_of(model)
    local_ids = _ids(store.tags(prefixes))
    remote_ids = _ids(_event_refs(remote.list_targets(prefixes)))
    unknown = [name for name in remote_ids if name not in local_ids]
    different = [name for name, id in remote_ids.items() if local_ids.get(name, id) != id]
    fetch = "call registry.fetch(remote) with this remote"  # its pushurl may differ from its url
    if unknown:
        reason = f"has the tag {unknown[-1]!r}, which is not in the local repository; {fetch}"
    elif different:
        tag = different[-1]
        reason = f"has a different tag {tag!r}; call registry.delete_tags({tag!r}), {fetch}"
    else:
        return
    raise RemoteAheadError(
        f"{remote.location!r} {reason}, then write again; nothing was written",
        tag=(unknown or different)[-1],
        location=remote.location,
    )


def delete(remote: Remote, store: Store, refs: Sequence[TagRef]) -> None:
    """Delete tags at a remote, then in the local repository.

    If the remote fails, the local tags are kept, so that the deletion can be repeated.

    Raises:
        WriteConflictError: a tag differs at the remote, or changed concurrently; none was deleted.
        PushRejectedError: the remote rejected the deletion; none was deleted.
        PartlyDeletedError: some tags were deleted at the remote, but not all, or not locally.
    """
    deleted = remote.delete(refs)
    for name in deleted:
        _LOG.info("deleted the tag %r, remote %r", name, remote.location)
    try:
        store.delete(refs)
    except ModelVersionsError as error:
        if not deleted:
            raise
        plural = "s" * (len(deleted) > 1)
        raise PartlyDeletedError(
            f"tag{plural} {' and '.join(map(repr, deleted))} deleted at {remote.location!r} but "
            f"not in {store.location!r}: {error}; fix this, then call delete_tags() again",
            tags=tuple(deleted),
            location=remote.location,
        ) from error


def push_written(remote: Remote, refs: Sequence[TagRef], names: Sequence[str]) -> None:
    """Push the tags of a model, some of which were just written.

    Args:
        remote: the remote.
        refs: the tags of all events of the model, as an event depends on the earlier ones.
        names: the names of the tags that were written.

    Raises:
        NotPushedError: the push failed; the tags are kept in the local repository.
    """
    try:
        result = push(remote, refs)
    except ModelVersionsError as error:
        hint = "fix this, then call registry.push()"
        raise _not_pushed(names, remote.location, f"{error}; {hint}") from error
    conflicts = [one for one in result.conflicts if one.tag in names]
    if conflicts:
        reason = f"it has a different tag of that name: {conflicts[0]}"
        hint = f"call registry.delete_tags({', '.join(map(repr, names))}) and fetch(), write again"
        raise _not_pushed(names, remote.location, f"{reason}; {hint}")


def _not_pushed(names: Sequence[str], location: str, reason: str) -> NotPushedError:
    shown = " and ".join(map(repr, names))
    plural = "s" * (len(names) > 1)
    return NotPushedError(
        f"tag{plural} {shown} created locally but not pushed to {location!r}: {reason}",
        tag=names[-1],
        location=location,
    )


def _logged(done: str, result: SyncResult) -> SyncResult:
    for tag in result.transferred:
        _LOG.info("%s the tag %r, remote %r", done, tag, result.remote)
    for conflict in result.conflicts:
        _LOG.info("conflict with the remote %r: %s", result.remote, conflict)
    return result


def _event_refs(refs: Iterable[TagRef]) -> list[TagRef]:
    """Return the annotated tags whose names are those of events."""
    return [ref for ref in refs if TagName.try_parse(ref.name) and ref.peeled != ref.id]


def _ids(refs: Iterable[TagRef]) -> dict[str, str]:
    return {ref.name: ref.id for ref in refs}


def _result(
    location: str,
    transferred: Sequence[str],
    local_ids: Mapping[str, str],
    remote_ids: Mapping[str, str],
) -> SyncResult:
    """Compare the tags of both repositories, except those that were just transferred."""
    both = sorted((local_ids.keys() & remote_ids.keys()).difference(transferred))
    return SyncResult(
        remote=location,
        transferred=tuple(sorted(transferred)),
        unchanged=tuple(name for name in both if local_ids[name] == remote_ids[name]),
        conflicts=tuple(
            Conflict(name, local_ids[name], remote_ids[name])
            for name in both
            if local_ids[name] != remote_ids[name]
        ),
    )
