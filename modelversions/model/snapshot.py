"""Snapshots: the tags of one model as listed at one moment, and the state computed from them.

A snapshot is unread until its state is needed; then the listed tag objects are read, in bulk for
many models. Objects never change. If an object was pruned after the listing, and its ref deleted
too, that is an error. A missing object behind an existing ref is reported as a problem and not
cached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Literal

import attrs

from modelversions.errors import ObjectMissingError
from modelversions.gc_pause import gc_paused
from modelversions.git.store import ReadStore, Signature, TagObject, TagRef
from modelversions.model.loading import NamedTag, load, named
from modelversions.model.state import ModelState, event_row, replay
from modelversions.values.semver import SemVer
from modelversions.values.sequences import FindPages
from modelversions.values.tag_name import (
    SPELLED_MODEL,
    EventKind,
    is_model_name,
    parse_after_model,
    prefixes_of,
)

BATCH = 100_000
"""The number of tags that are read together; their objects are in memory until they are loaded."""

_MAX_ROUNDS = 3
"""The number of precedences that are searched for a latest version before the model is read."""

Precedence = tuple[object, ...]

Latest = tuple[SemVer, str, str]
"""A latest version, its commit and its tag."""


@attrs.frozen
class Unread:
    """The content of a snapshot whose tag objects were not read."""

    store: ReadStore
    previous: ModelSnapshot | None
    """An earlier snapshot of the model, which was read."""


@attrs.frozen
class Read:
    """The content of a snapshot whose tag objects were read."""

    state: ModelState
    unreadable: tuple[NamedTag, ...]


class ModelSnapshot:
    """The tags of one model as listed at one moment, and the state computed from them."""

    __slots__ = ("content", "known_exists", "known_latest", "model", "pages", "refs", "signatures")

    def __init__(
        self,
        model: str,
        refs: tuple[TagRef, ...],
        content: Unread | Read,
        pages: FindPages | None = None,
        signatures: Mapping[str, Signature] | None = None,
    ) -> None:
        """Initialize with the refs, in the order of names."""
        self.model = model
        self.refs = refs
        self.content = content
        self.pages = pages
        """Returns the web pages of the repository, for links; None in an unpickled snapshot."""
        self.signatures = {} if signatures is None else signatures
        """The signatures that were verified, by object id; others may be added."""
        self.known_exists: bool | None = None
        """Whether any tag is an event, if that was determined from a few of the tag objects."""
        self.known_latest: Latest | Literal[False] | None = None
        """The latest version, or False if there is none, if that was determined likewise."""

    @property
    def tags(self) -> list[NamedTag]:
        """The tags that have the name of an event, in the order of names."""
        return list(named(self.model, self.refs))

    @property
    def identity(self) -> tuple[tuple[str, str], ...]:
        """The names and object ids of ``tags``: snapshots are equal if these are."""
        return tuple((ref.name, ref.id) for _, ref in self.tags)

    @property
    def is_read(self) -> bool:
        """Whether the tag objects were read."""
        return isinstance(self.content, Read)

    @property
    def is_complete(self) -> bool:
        """Whether the snapshot stays valid as long as the refs do: no object was missing."""
        if isinstance(self.content, Unread):
            return self.known_exists is not False  # its objects may have been missing
        return not self.content.state.is_incomplete

    @property
    def previous(self) -> ModelSnapshot | None:
        """This snapshot if it was read, else the earlier one that was."""
        return self if isinstance(self.content, Read) else self.content.previous

    @property
    def state(self) -> ModelState:
        """The state; the tag objects are read on first use.

        Raises:
            ObjectMissingError: a tag was deleted or moved after the listing, and its object pruned.
        """
        return self._read_content().state

    @property
    def unreadable(self) -> tuple[NamedTag, ...]:
        """The tags whose content is unknown, because an object is missing."""
        return self._read_content().unreadable

    @property
    def exists(self) -> bool:
        """Whether any tag is an event; otherwise the model does not exist."""
        if isinstance(self.content, Read):
            return bool(self.content.state.history)
        if self.known_exists is None:
            find_existing([self])
        return bool(self.known_exists)

    @property
    def latest(self) -> Latest | None:
        """The latest version (F16), from tag names and its tag object if these suffice."""
        known = self.known_latest
        if known is None and not self.is_read:
            find_latest([self])
            known = self.known_latest
        if known is None:
            known = self.known_latest = _greatest(self.state) or False
        return known or None

    def signature(self, tag: str) -> Signature | None:
        """Return the signature of a tag, if it was verified."""
        if not self.signatures:
            return None
        return next((self.signatures.get(ref.id) for ref in self.refs if ref.name == tag), None)

    def _read_content(self) -> Read:
        if isinstance(self.content, Unread):
            read_snapshots([self])
        assert isinstance(self.content, Read)
        return self.content

    def new_tags(self, unread: Unread) -> list[NamedTag]:
        """Return the tags to read: those that are not in the previous snapshot."""
        if unread.previous is None:
            return self.tags
        known = dict(unread.previous.identity)
        return [(parts, ref) for parts, ref in self.tags if known.get(ref.name) != ref.id]

    def load(self, unread: Unread, tags: Sequence[NamedTag], objects: Iterable[TagObject]) -> None:
        """Compute the state from the new tags and the previous state.

        Raises:
            ObjectMissingError: as for ``state``.
        """
        rows, problems, unreadable = load(self.model, tags, objects)
        _check_refs(unread.store, self.model, unreadable)
        if unread.previous is not None:
            state = unread.previous.state
            kept = {ref.name for ref in self.refs}.difference(ref.name for _, ref in tags)
            rows += [event_row(event) for event in state.history if event.tag in kept]
            problems += [problem for problem in state.tag_problems if problem.tag in kept]
            problems.sort(key=attrgetter("tag"))
        self.content = Read(replay(self.model, rows, problems), tuple(unreadable))
        self.known_latest = None  # an object may have been missing when it was found

    def __getstate__(self) -> tuple[str, tuple[TagRef, ...], Read]:
        """Pickle the whole state, which is read if it was not."""
        return self.model, self.refs, self._read_content()

    def __setstate__(self, state: tuple[str, tuple[TagRef, ...], Read]) -> None:
        """Restore the state; this needs no repository."""
        self.model, self.refs, self.content = state
        self.known_exists = self.known_latest = self.pages = None
        self.signatures = {}


class SnapshotCache:
    """The snapshots of a store's models; a snapshot is reused if its refs did not change."""

    def __init__(self, store: ReadStore) -> None:
        """Create an empty cache for the tags of ``store``."""
        self._store = store
        self._unread = Unread(store, None)
        self._pages = store.find_pages
        self._known: dict[str, ModelSnapshot] = {}
        self._replaced: Mapping[str, str] = {}
        self.signatures: dict[str, Signature] = {}
        """The signatures that were verified, by object id; all snapshots share them."""

    @gc_paused
    def one(self, model: str) -> ModelSnapshot:
        """List the tags of one model and return its snapshot, which may have no tags."""
        prefixes = prefixes_of(model) if is_model_name(model) else []
        refs = tuple(self._store.tags(prefixes)) if prefixes else ()
        self._forget_replaced()
        snapshot = self._snapshot(model, refs)
        if refs:
            self._known[model] = snapshot
        else:
            self._known.pop(model, None)
        return snapshot

    def all(self) -> dict[str, ModelSnapshot]:
        """List all tags and return the snapshots of all models, in the order of names."""
        return self.of(self._store.tags())

    def of(self, refs: Iterable[TagRef]) -> dict[str, ModelSnapshot]:
        """Return the snapshots of all models, given a listing of all tags."""
        self._forget_replaced()
        models = _by_model(refs)
        self._known = {name: self._snapshot(name, tuple(own)) for name, own in models.items()}
        return dict(self._known)

    def _forget_replaced(self) -> None:
        """Clear the cache if the replaced objects (``git replace``) have changed."""
        replaced = self._store.replaced
        if replaced != self._replaced:
            self._known, self._replaced = {}, replaced

    def _snapshot(self, model: str, refs: tuple[TagRef, ...]) -> ModelSnapshot:
        """Return the cached snapshot if it has the same refs, else a new one."""
        known = self._known.get(model)
        if known is not None and not known.is_complete:
            known = None
        if known is not None and known.refs == refs:
            return known
        previous = None if known is None else known.previous
        content = self._unread if previous is None else Unread(self._store, previous)
        return ModelSnapshot(model, refs, content, self._pages, self.signatures)


@gc_paused
def read_snapshots(snapshots: Iterable[ModelSnapshot]) -> None:
    """Read the tag objects of the unread snapshots, in batches.

    Raises:
        ObjectMissingError: a tag was deleted or moved after the listing, and its object pruned.
    """
    for batch in _batches(snapshots):
        store = batch[0][1].store
        objects = iter(store.read([ref for *_, tags in batch for _, ref in tags]))
        for snapshot, unread, tags in batch:
            snapshot.load(unread, tags, objects)


def _batches(
    snapshots: Iterable[ModelSnapshot],
) -> Iterator[list[tuple[ModelSnapshot, Unread, list[NamedTag]]]]:
    """Yield unread snapshots with their new tags, in lists of ``BATCH`` tags or a little more."""
    batch: list[tuple[ModelSnapshot, Unread, list[NamedTag]]] = []
    size = 0
    for snapshot, unread in _unread(snapshots).items():
        tags = snapshot.new_tags(unread)
        batch.append((snapshot, unread, tags))
        size += len(tags)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _unread(snapshots: Iterable[ModelSnapshot]) -> dict[ModelSnapshot, Unread]:
    """Return the unread snapshots and their content; another thread may read them concurrently."""
    return {one: content for one in snapshots if isinstance(content := one.content, Unread)}


@gc_paused
def find_existing(snapshots: Iterable[ModelSnapshot]) -> None:
    """Determine whether models exist: from one tag of each, from the others only if necessary."""
    unread = _unread(one for one in snapshots if one.known_exists is None)
    store = next((content.store for content in unread.values()), None)
    if store is None:
        return
    first = [_first_event(one) for one in unread]
    peeled = iter(store.peel([ref for ref in first if ref is not None]))
    for snapshot, ref in zip(unread, first):
        snapshot.known_exists = ref is not None and next(peeled) is not None
    left = {one: one.tags for one in unread if not one.known_exists}
    peeled = iter(store.peel([ref for tags in left.values() for _, ref in tags]))
    for snapshot, tags in left.items():
        commits = [next(peeled) for _ in tags]
        snapshot.known_exists = any(commit is not None for commit in commits)


def _first_event(snapshot: ModelSnapshot) -> TagRef | None:
    """Return the first tag that has the name of an event, if there is one."""
    start = len(snapshot.model)
    for ref in snapshot.refs:
        if parse_after_model(ref.name[start:]) is not None:
            return ref
    return None


@gc_paused
def find_latest(snapshots: Iterable[ModelSnapshot]) -> None:
    """Find the latest versions of models (F16), from tag names and a few tag objects.

    For a version with one registration and no deregistration, if no other version has the same
    precedence, only the tag object of the registration is read, to verify that it is an event.
    """
    unread = _unread(one for one in snapshots if one.known_latest is None)
    store = next((content.store for content in unread.values()), None)
    if store is None:
        return
    bounds: dict[ModelSnapshot, Precedence | None] = dict.fromkeys(unread)
    for _ in range(_MAX_ROUNDS):
        bounds = _find_below(store, bounds)
    read_snapshots(bounds)


def _find_below(
    store: ReadStore, bounds: Mapping[ModelSnapshot, Precedence | None]
) -> dict[ModelSnapshot, Precedence | None]:
    """Find the latest versions among those of the greatest precedence below each bound.

    Returns:
        The snapshots in which these were deregistered or are not events, with the next bounds.
    """
    singles: list[tuple[ModelSnapshot, NamedTag]] = []
    others: list[tuple[ModelSnapshot, list[NamedTag]]] = []
    for snapshot, bound in bounds.items():
        tags = _greatest_names(snapshot, bound)
        if len(tags) == 1 and tags[0][0].kind is EventKind.REGISTRATION:
            singles.append((snapshot, tags[0]))
        elif tags:
            others.append((snapshot, tags))
        else:
            snapshot.known_latest = False
    commits = store.peel([ref for _, (_, ref) in singles], verify=True)
    for (snapshot, tag), commit in zip(singles, commits):
        (_, version, _, _, _), (name, _, _) = tag
        if commit is None or version is None:
            others.append((snapshot, [tag]))
        else:
            snapshot.known_latest = (version, commit, name)
    return _find_among(store, others) if others else {}


def _find_among(
    store: ReadStore, candidates: Sequence[tuple[ModelSnapshot, Sequence[NamedTag]]]
) -> dict[ModelSnapshot, Precedence | None]:
    """Find latest versions among tags of equal precedence; return the same as ``_find_below``."""
    objects = iter(store.read([ref for _, tags in candidates for _, ref in tags]))
    inactive: dict[ModelSnapshot, Precedence | None] = {}
    unclear: list[ModelSnapshot] = []
    for snapshot, tags in candidates:
        rows, _, unreadable = load(snapshot.model, tags, objects)
        latest = _greatest(replay(snapshot.model, rows))
        if unreadable:
            unclear.append(snapshot)
        elif latest is None:
            inactive[snapshot] = _precedence(tags[0])
        else:
            snapshot.known_latest = latest
    read_snapshots(unclear)
    return inactive


def _greatest_names(snapshot: ModelSnapshot, bound: Precedence | None) -> list[NamedTag]:
    """Return the tags of the versions of greatest precedence below ``bound``, if any."""
    start = len(snapshot.model)
    found: list[NamedTag] = []
    greatest: Precedence = ()
    for ref in snapshot.refs:
        name = ref.name
        if not name.startswith("@v", start):
            continue
        parts = parse_after_model(name[start:])
        version = None if parts is None else parts.version
        if parts is None or version is None:
            continue
        precedence = version.precedence
        if bound is not None and precedence >= bound:
            continue
        if precedence > greatest:
            found, greatest = [(parts, ref)], precedence
        elif precedence == greatest:
            found.append((parts, ref))
    return found


def _precedence(tag: NamedTag) -> Precedence:
    version = tag[0].version
    assert version is not None
    return version.precedence


def _greatest(state: ModelState) -> Latest | None:
    latest = state.latest
    if latest is None or latest.version is None:
        return None
    return latest.version, latest.commit, latest.tag


def _check_refs(store: ReadStore, model: str, unreadable: Sequence[NamedTag]) -> None:
    """Check that the refs of missing objects still exist, so that the repository is incomplete.

    Raises:
        ObjectMissingError: a ref was deleted or moved.
    """
    if not unreadable:
        return
    ids = {ref.name: ref.id for ref in store.tags([ref.name for _, ref in unreadable])}
    for _, ref in unreadable:
        if ids.get(ref.name) != ref.id:
            raise ObjectMissingError(
                f"the tag {ref.name!r} was deleted or moved after it was listed, and its object "
                f"{ref.id} no longer exists; look {model!r} up in the registry again",
                id=ref.id,
            )


def _by_model(refs: Iterable[TagRef]) -> dict[str, list[TagRef]]:
    """Group refs by model: the part of their names before the first ``@`` or ``#`` (F6)."""
    found: dict[str, list[TagRef]] = {}
    own: list[TagRef] = []
    prefix = "#"  # no model name begins with it
    for ref in refs:
        name = ref.name
        if not name.startswith(prefix):
            match = SPELLED_MODEL.match(name)
            if match is None:
                continue
            prefix = name[: match.end() + 1]
            own = found.setdefault(match[0], [])
        own.append(ref)
    models = {model.replace("=", ":"): refs for model, refs in found.items()}
    return {name: models[name] for name in sorted(models)}
