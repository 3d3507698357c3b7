"""A picture of one model at the moment when its tags were listed.

It holds the names of the tags. What the names do not tell is read at the first look, in bulk, from
the very tag objects that were listed: those never change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from modelversions.events import NamedTag, read_events
from modelversions.fold import State, fold
from modelversions.semver import SemVer
from modelversions.stores.base import Store, TagObject, TagRef
from modelversions.tags import EventKind, TagName

Read = Callable[[Sequence[TagRef]], Mapping[str, TagObject]]
"""Reads tag objects in bulk, by id."""

_BATCH = 10_000
"""The tags to read at once: many, and not so many that their objects crowd the memory."""

CommitOf = Callable[[TagRef], "str | None"]
"""Gives the commit of an annotated tag, None for any other."""


class Picture:
    """One model's tags as they were listed, and their state once somebody looks."""

    __slots__ = ("_commit_of", "_exists", "_latest", "_read", "_state", "tags")

    def __init__(self, tags: tuple[NamedTag, ...], read: Read, commit_of: CommitOf) -> None:
        """Keep the names, and the ways to what lies behind them."""
        self.tags = tags
        self._read: Read | None = read
        self._commit_of: CommitOf | None = commit_of
        self._state: State | None = None
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
        """The state, read at the first look."""
        if self._state is None:
            assert self._read is not None
            return self.fill(self._read([ref for _, ref in self.tags]))
        return self._state

    def fill(self, objects: Mapping[str, TagObject]) -> State:
        """Take the state from tag objects, which may have been read for many models at once."""
        self._state = _state(self.tags, objects)
        return self._state

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
        if self._state is not None or self._commit_of is None:
            return bool(self.state.history)
        return any(self._commit_of(ref) is not None for _, ref in self.tags)

    def _find_latest(self) -> tuple[SemVer, str, str] | None:
        if self._state is not None or self._read is None or self._commit_of is None:
            return _greatest(self.state)
        for group in _by_precedence(self.tags):
            name, ref = group[0]
            if len(group) > 1:
                found = _greatest(_state(group, self._read([ref for _, ref in group])))
                if found is not None:
                    return found
            elif name.kind is EventKind.REGISTRATION and name.version is not None:
                commit = self._commit_of(ref)
                if commit is not None:
                    return name.version, commit, ref.name
        return None

    def __getstate__(self) -> tuple[tuple[NamedTag, ...], State]:
        """Pickle the whole picture: what is not read yet is read now."""
        return self.tags, self.state

    def __setstate__(self, state: tuple[tuple[NamedTag, ...], State]) -> None:
        """Come back with no repository behind."""
        self.tags, self._state = state
        self._read = self._commit_of = self._exists = self._latest = None


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
        return self.grouped(refs).get(model) or self._new(())

    def all(self) -> dict[str, Picture]:
        """Look at all tags, by model, in the order of names."""
        return self.grouped(self._store.tags())

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
        if known is not None and known.identity == picture.identity:
            return known
        self._known[model] = picture
        return picture

    def _new(self, tags: Iterable[NamedTag]) -> Picture:
        return Picture(tuple(tags), self._store.read, self._store.commit)
