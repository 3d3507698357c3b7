"""Push and fetch the tags of events: choose them, and report the result."""

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
    """The id of the local object; empty if the tag conflicts with another ref there."""
    remote: str
    """The id of the remote object."""

    def to_dict(self) -> dict[str, object]:
        """Return the conflict as JSON types."""
        return record(tag=self.tag, local=self.local, remote=self.remote)

    def __str__(self) -> str:
        """Return the tag and both ids, abbreviated."""
        return f"{self.tag}: {self.local[:7] or 'name conflict'} local, {self.remote[:7]} remote"

    def __repr__(self) -> str:
        """Return the same on one line."""
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
        """Return one line with the numbers, and the conflicts."""
        numbers = f"{len(self.transferred)} transferred, {len(self.unchanged)} unchanged"
        conflicts = (f"conflict: {conflict}" for conflict in self.conflicts)
        return "; ".join([f"{self.remote}: {numbers}", *conflicts])

    def __repr__(self) -> str:
        """Return the same on one line."""
        return f"<SyncResult {self}>"

    def _repr_html_(self) -> str:
        """Return the result for a notebook."""
        from modelversions.display.sequences import sync_html

        return sync_html(self)


def push(remote: Remote, refs: Sequence[TagRef]) -> SyncResult:
    """Push tags that the remote lacks.

    Raises:
        PushRejectedError: the remote rejected one.
    """
    theirs = _ids(remote.push(refs)) if refs else {}
    transferred = [ref.name for ref in refs if ref.name not in theirs]
    return _logged("pushed", _result(remote.location, transferred, _ids(refs), theirs))


def fetch(remote: Remote, store: Store) -> SyncResult:
    """Fetch the events' tags that the local repository lacks."""
    theirs = _events(remote.list_tags())
    ours = _ids(store.tags())
    missing = [ref for ref in theirs if ref.name not in ours]
    created, conflicting = remote.fetch(missing) if missing else ([], [])
    if conflicting:  # created concurrently, or in conflict with another ref
        ours = {**dict.fromkeys(_ids(conflicting), ""), **_ids(store.tags())}
    result = _result(remote.location, [ref.name for ref in created], ours, _ids(theirs))
    return _logged("fetched", result)


def check_fetched(remote: Remote, store: Store, model: str) -> None:
    """Check that the repository has all of a model's events that the remote has.

    Raises:
        RemoteAheadError: it lacks one, or has a different tag of that name.
    """
    prefixes = prefixes_of(model)
    ours = _ids(store.tags(prefixes))
    theirs = _ids(_events(remote.list_targets(prefixes)))
    unknown = [name for name in theirs if name not in ours]
    different = [name for name, id in theirs.items() if ours.get(name, id) != id]
    fetch = "call registry.fetch(remote) with this remote"  # its pushurl may differ from its url
    if unknown:
        reason = f"has the tag {unknown[-1]!r}, which is not here; {fetch}"
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

    An error at the remote leaves the local tags, so that the deletion can be repeated.

    Raises:
        WriteConflictError: a tag differs at the remote, or changed concurrently; none was deleted.
        PushRejectedError: the remote rejected the deletion; none was deleted.
        PartlyDeletedError: tags were deleted at the remote, and could not all be deleted.
    """
    there = remote.delete(refs)
    for name in there:
        _LOG.info("deleted the tag %r, remote %r", name, remote.location)
    try:
        store.delete(refs)
    except ModelVersionsError as error:
        if not there:
            raise
        plural = "s" * (len(there) > 1)
        raise PartlyDeletedError(
            f"tag{plural} {' and '.join(map(repr, there))} deleted at {remote.location!r} but not "
            f"in {store.location!r}: {error}; fix this, then call delete_tags() again",
            tags=tuple(there),
            location=remote.location,
        ) from error


def push_written(remote: Remote, refs: Sequence[TagRef], names: Sequence[str]) -> None:
    """Push the tags of a model, of which some were just written.

    Args:
        remote: the remote.
        refs: the tags of all events of the model: one without those before it means another thing.
        names: the names of those that were written.

    Raises:
        NotPushedError: that failed; the tags stay in the local repository.
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


def _events(refs: Iterable[TagRef]) -> list[TagRef]:
    """Return the annotated tags of event names."""
    return [ref for ref in refs if TagName.try_parse(ref.name) and ref.peeled != ref.id]


def _ids(refs: Iterable[TagRef]) -> dict[str, str]:
    return {ref.name: ref.id for ref in refs}


def _result(
    location: str, transferred: Sequence[str], ours: Mapping[str, str], theirs: Mapping[str, str]
) -> SyncResult:
    """Compare the tags of both repositories, apart from those that were just transferred."""
    both = sorted((ours.keys() & theirs.keys()).difference(transferred))
    return SyncResult(
        remote=location,
        transferred=tuple(sorted(transferred)),
        unchanged=tuple(name for name in both if ours[name] == theirs[name]),
        conflicts=tuple(
            Conflict(name, ours[name], theirs[name]) for name in both if ours[name] != theirs[name]
        ),
    )
