"""A picture of one model at the moment when its tags were listed.

It holds the names of the tags. What the names do not tell is read at the first look, in bulk, from
the very tag objects that were listed: those never change. Should one be gone by then, with its ref,
that is an error; one that is missing behind a ref that stands is a problem of the repository's, and
nothing that is worth keeping.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from modelversions.errors import ObjectMissingError
from modelversions.events import NamedTag, read_events
from modelversions.fold import State, fold
from modelversions.semver import SemVer
from modelversions.stores.base import Store, TagObject, TagRef
from modelversions.tags import EventKind, TagName

_BATCH = 10_000
"""The tags to read at once: many, and not so many that their objects crowd the memory."""


class Picture:
    """One model's tags as they were listed, and their state once somebody looks."""

    __slots__ = ("_exists", "_latest", "_lost", "_state", "_store", "tags")

    def __init__(self, tags: tuple[NamedTag, ...], store: Store) -> None:
        """Keep the names, and the way to what lies behind them."""
        self.tags = tags
        self._store: Store | None = store
        self._state: State | None = None
        self._lost: tuple[NamedTag, ...] = ()
        self._exists: bool | None = None
        self._latest: tuple[tuple[SemVer, str, str] | None] | None = None

    @property
    def identity(self) -> tuple[tuple[str, str], ...]:
        """What makes it this picture and no other: the tags' names and their objects' ids."""
        return tuple((ref.name, ref.id) for _, ref in self.tags)

    @property
    def is_read(self) -> bool:
        """Whether the state is known, so that a look costs nothing."""
        return self._state is not None

    @property
    def state(self) -> State:
        """The state, read at the first look.

        Raises:
            ObjectMissingError: a tag was deleted or moved since they were listed, and pruned.
        """
        if self._state is None:
            assert self._store is not None
            return self.fill(self._store.read([ref for _, ref in self.tags]))
        return self._state

    @property
    def lost(self) -> tuple[NamedTag, ...]:
        """The tags of which, when the state was read, nobody could tell what they say."""
        return self._lost

    @property
    def is_lasting(self) -> bool:
        """Whether it is the whole truth as long as the refs stay: nothing that was read lacked."""
        return self._state is None or not self._state.lacks

    def fill(self, objects: Mapping[str, TagObject]) -> State:
        """Take the state from tag objects, which may have been read for many models at once.

        Raises:
            ObjectMissingError: as for ``state``.
        """
        lost = tuple(tag for tag in self.tags if objects[tag[1].id].is_lost)
        self._check_refs(lost)
        self._lost, self._state = lost, _state(self.tags, objects)
        return self._state

    def _check_refs(self, lost: Sequence[NamedTag]) -> None:
        """See that the refs of missing objects still stand: then it is the repository that lacks.

        Raises:
            ObjectMissingError: one does not.
        """
        if not lost or self._store is None:
            return
        there = {ref.name: ref.id for ref in self._store.tags([ref.name for _, ref in lost])}
        for name, ref in lost:
            if there.get(ref.name) != ref.id:
                raise ObjectMissingError(
                    f"the tag {ref.name!r} was deleted or moved since it was listed, and its "
                    f"object {ref.id} is gone; look {name.model!r} up in the registry again",
                    id=ref.id,
                )

    def exists(self) -> bool:
        """Say whether any tag is an event: without one there is no model."""
        if self._exists is None:
            self._exists = self._find_any()
        return self._exists

    def latest(self) -> tuple[SemVer, str, str] | None:
        """Find the latest version (F16), its commit and tag; from names alone where they suffice.

        They do for a version with a single registration and no deregistration, and with nobody
        beside it in precedence.
        """
        if self._latest is None:
            self._latest = (self._find_latest(),)
        return self._latest[0]

    def _find_any(self) -> bool:
        if self._state is None and self._store is not None:
            for _, ref in self.tags:
                if self._store.commit(ref) is not None:
                    return True
        return bool(self.state.history)

    def _find_latest(self) -> tuple[SemVer, str, str] | None:
        if self._state is not None or self._store is None:
            return _greatest(self.state)
        for group in _by_precedence(self.tags):
            name, ref = group[0]
            if len(group) > 1:
                objects = self._store.read([ref for _, ref in group])
                if any(objects[ref.id].is_lost for _, ref in group):
                    return _greatest(self.state)
                found = _greatest(_state(group, objects))
                if found is not None:
                    return found
            elif name.kind is EventKind.REGISTRATION and name.version is not None:
                commit = self._store.commit(ref)
                if commit is None:  # whatever it is, all that is odd is found out in one place
                    return _greatest(self.state)
                return name.version, commit, ref.name
        return None

    def __getstate__(self) -> tuple[tuple[NamedTag, ...], State, tuple[NamedTag, ...]]:
        """Pickle the whole picture: what is not read yet is read now."""
        return self.tags, self.state, self._lost

    def __setstate__(self, state: tuple[tuple[NamedTag, ...], State, tuple[NamedTag, ...]]) -> None:
        """Come back with no repository behind."""
        self.tags, self._state, self._lost = state
        self._store = self._exists = self._latest = None


def _state(tags: Iterable[NamedTag], objects: Mapping[str, TagObject]) -> State:
    return fold(*read_events(tags, objects))


def _greatest(state: State) -> tuple[SemVer, str, str] | None:
    for holder in state.versions:
        if holder.active and isinstance(holder.key, SemVer):
            return holder.key, holder.origin.commit, holder.origin.tag
    return None


def _by_precedence(tags: Iterable[NamedTag]) -> Iterator[list[NamedTag]]:
    """Give the tags that name versions, those of equal precedence together, greatest first."""
    groups = defaultdict(list)
    for tag in tags:
        version = tag[0].version
        if version is not None:
            groups[version.precedence].append(tag)
    for precedence in sorted(groups, reverse=True):
        yield groups[precedence]


def _batches(pictures: Iterable[Picture]) -> Iterator[list[Picture]]:
    """Put pictures together until they hold a good number of tags, and no more than that."""
    batch: list[Picture] = []
    held = 0
    for picture in pictures:
        batch.append(picture)
        held += len(picture.tags)
        if held >= _BATCH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


class Pictures:
    """The pictures of a store's models; one that is still true is used again."""

    def __init__(self, store: Store) -> None:
        """Look at the tags of ``store``."""
        self._store = store
        self._known: dict[str, Picture] = {}

    def one(self, model: str) -> Picture:
        """Look at the tags of one model, which may be none."""
        spelled = model.replace(":", "=")
        refs = self._store.tags([f"{spelled}@", f"{spelled}#"])
        found = self.grouped(refs).get(model)
        if found is None:
            self._known.pop(model, None)
        return found or self._new(())

    def all(self) -> dict[str, Picture]:
        """Look at all tags, by model, in the order of names."""
        found = self.grouped(self._store.tags())
        self._known = dict(found)  # whatever is gone need not be known any more
        return found

    def grouped(self, refs: Iterable[TagRef]) -> dict[str, Picture]:
        """Sort refs by model."""
        tags: dict[str, list[NamedTag]] = defaultdict(list)
        for ref in refs:
            name = TagName.try_parse(ref.name)
            if name is not None:
                tags[name.model].append((name, ref))
        return {model: self._current(model, tags[model]) for model in sorted(tags)}

    def filled(self, pictures: Mapping[str, Picture]) -> Mapping[str, Picture]:
        """Read what is not read yet, for all models at once."""
        unread = [picture for picture in pictures.values() if not picture.is_read]
        for some in _batches(unread):
            objects = self._store.read([ref for picture in some for _, ref in picture.tags])
            for picture in some:
                picture.fill(objects)
        return pictures

    def _current(self, model: str, tags: Iterable[NamedTag]) -> Picture:
        picture, known = self._new(tags), self._known.get(model)
        if known is not None and known.identity == picture.identity and known.is_lasting:
            return known
        self._known[model] = picture
        return picture

    def _new(self, tags: Iterable[NamedTag]) -> Picture:
        return Picture(tuple(tags), self._store)
