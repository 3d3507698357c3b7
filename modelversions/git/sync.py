"""Events' tags between two repositories: which to push or fetch, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from modelversions.errors import ModelVersionsError, NotPushedError
from modelversions.git.store import Remote, Store, TagRef
from modelversions.values.tag_name import TagName


@attrs.frozen
class Conflict:
    """A tag that is one thing here and another there; neither was touched."""

    tag: str
    """The tag's name, without ``refs/tags/``."""
    here: str
    """The id of the object here; empty where Git cannot keep it beside another tag."""
    there: str
    """The id of the object at the remote."""

    def __str__(self) -> str:
        """Return the tag and both ids, cut short."""
        return f"{self.tag}: {self.here[:7] or 'no place'} here, {self.there[:7]} there"


@attrs.frozen
class SyncResult:
    """What a push or a fetch did."""

    remote: str
    """Where the other repository is, without secrets."""
    done: tuple[str, ...]
    """The tags that were pushed, or fetched."""
    unchanged: tuple[str, ...]
    """The tags that were the same on both sides."""
    conflicts: tuple[Conflict, ...]
    """The tags that differ: left as they are on both sides."""

    def __str__(self) -> str:
        """Return one line with the numbers, and the conflicts."""
        line = f"{self.remote}: {len(self.done)} done, {len(self.unchanged)} unchanged"
        return "; ".join([line, *(f"conflict, {conflict}" for conflict in self.conflicts)])


def push(exchange: Remote, refs: Sequence[TagRef]) -> SyncResult:
    """Push tags that the remote lacks.

    Raises:
        PushRejectedError: it refused one.
    """
    there = _ids(exchange.push(refs)) if refs else {}
    done = [ref.name for ref in refs if ref.name not in there]
    return _result(exchange.location, done, _ids(refs), there)


def fetch(exchange: Remote, store: Store) -> SyncResult:
    """Fetch the events' tags that are not here."""
    theirs = [
        ref for ref in exchange.list_tags() if TagName.try_parse(ref.name) and ref.peeled != ref.id
    ]
    here = _ids(store.tags())
    lacking = [ref for ref in theirs if ref.name not in here]
    brought, left = exchange.fetch(lacking) if lacking else ([], [])
    if left:  # somebody made one meanwhile, or another tag is in the way
        here = {**dict.fromkeys(_ids(left), ""), **_ids(store.tags())}
    return _result(exchange.location, [ref.name for ref in brought], here, _ids(theirs))


def push_written(exchange: Remote, store: Store, tags: Iterable[str]) -> None:
    """Push tags that were just written.

    Raises:
        NotPushedError: that failed; the tags stay here.
    """
    names = list(tags)
    try:
        result = push(exchange, [ref for ref in store.tags(names) if ref.name in names])
        problem = str(result.conflicts[0]) if result.conflicts else ""
    except ModelVersionsError as error:
        raise _not_pushed(names, exchange.location, str(error)) from error
    if problem:
        raise _not_pushed(names, exchange.location, f"it has another tag of that name: {problem}")


def _not_pushed(names: Sequence[str], location: str, reason: str) -> NotPushedError:
    shown = " and ".join(map(repr, names))
    return NotPushedError(
        f"{shown} was written here, and not pushed to {location!r}: {reason}; it stays here, and "
        "registry.push() sends it once that is mended",
        tag=names[-1],
        location=location,
    )


def _ids(refs: Iterable[TagRef]) -> dict[str, str]:
    return {ref.name: ref.id for ref in refs}


def _result(
    remote: str, done: Sequence[str], here: Mapping[str, str], there: Mapping[str, str]
) -> SyncResult:
    """Compare what is on both sides, apart from what was just carried over."""
    both = sorted((here.keys() & there.keys()).difference(done))
    return SyncResult(
        remote=remote,
        done=tuple(sorted(done)),
        unchanged=tuple(name for name in both if here[name] == there[name]),
        conflicts=tuple(
            Conflict(name, here[name], there[name]) for name in both if here[name] != there[name]
        ),
    )
