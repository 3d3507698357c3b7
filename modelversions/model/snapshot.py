"""A picture of one model at the moment when its tags were listed.

It holds the names of the tags. What the names do not tell is read at the first look, in bulk, from
the very tag objects that were listed: those never change. Should one be gone by then, with its ref,
that is an error; one that is missing behind a ref that stands is a problem of the repository's, and
nothing that is worth keeping.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from modelversions.errors import ObjectMissingError
from modelversions.git.store import Listing, Store, TagObject, TagRef
from modelversions.model.loading import NamedTag, named, read_events
from modelversions.model.preview import Glance, Held
from modelversions.model.state import State, fold
from modelversions.values.semver import SemVer
from modelversions.values.tag_name import EventKind, TagName

BATCH = 2_000
"""The tags to read at once: many, and few enough for the garbage collector to miss them."""


_NUMBER = r"(0|[1-9][0-9]{0,17})"
_PLAIN = re.compile(rf"[^@]*@v{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
"""The name of a version of three numbers, and no more."""


class Picture:
    """One model's tags as they were listed, and their state once somebody looks."""

    __slots__ = (
        "_exists",
        "_held",
        "_latest",
        "_lost",
        "_state",
        "_store",
        "_tags",
        "before",
        "refs",
    )

    def __init__(self, refs: Listing, store: Store, before: Picture | None = None) -> None:
        """Keep the refs, the way to what lies behind them, and what was read of them before."""
        self.refs = refs
        self.before = before
        self._store: Store | None = store
        self._tags: Sequence[NamedTag] | None = None
        self._state: State | None = None
        self._lost: tuple[NamedTag, ...] = ()
        self._exists: bool | None = None
        self._held: Held | None = None
        self._latest: tuple[tuple[SemVer, str, str] | None] | None = None

    @property
    def tags(self) -> Sequence[NamedTag]:
        """The tags whose names are an event's, by name."""
        if self._tags is None:
            self._tags = self.named()
        return self._tags

    def named(self) -> Sequence[NamedTag]:
        """Take the tags from the refs, without keeping them: nobody wants those of all models."""
        if self._tags is not None:
            return self._tags
        if self.before is None:
            return named(self.refs.refs())
        known = {ref.name: name for name, ref in self.before.tags}
        return [
            (name, ref)
            for ref in self.refs.refs()
            if (name := known.get(ref.name) or TagName.try_parse(ref.name)) is not None
        ]

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
            reading = Reading(self)
            for part in reading.parts():
                reading.take(part, self._store.read([ref for _, ref in part]))
            return self.fill(reading)
        return self._state

    @property
    def held(self) -> Held:
        """Who holds which stage at present."""
        if self._held is None:
            state = self.state
            keys = {stage: in_force[0] for stage, in_force in state.stages.items()}
            self._held = {stage: (key, state.origin(key)) for stage, key in keys.items()}
        return self._held

    @property
    def deprecated(self) -> bool:
        """Whether the newest event is a deprecation (F19)."""
        if self._state is None:
            glanced = self._held is not None  # which would not do, were there such a tag
            if glanced or all("@deprecated" not in ref.name for ref in self.refs.refs()):
                return False
        return self.state.deprecated

    @property
    def knows_stages(self) -> bool:
        """Whether it is known who holds which stage."""
        return self._held is not None or self.is_read

    @property
    def is_new(self) -> bool:
        """Whether nothing is known but names, and nothing was when it was looked at before."""
        return self.before is None and not self.knows_stages

    def glance(self, look: Glance, objects: Mapping[str, TagObject]) -> None:
        """Take the stages' holders from a glance, if that will do."""
        self._held = look.held(objects)
        if self._latest is None and self._held is not None:
            self._latest = (self._find_latest(look.tags),)

    @property
    def lost(self) -> tuple[NamedTag, ...]:
        """The tags of which, when the state was read, nobody could tell what they say."""
        return self._lost

    @property
    def is_lasting(self) -> bool:
        """Whether it is the whole truth as long as the refs stay: nothing that was read lacked."""
        return self._state is None or not self._state.lacks

    def fill(self, reading: Reading) -> State:
        """Take the state from what was read.

        Raises:
            ObjectMissingError: as for ``state``.
        """
        self._check_refs(reading.lost)
        self._lost, self._state = tuple(reading.lost), reading.state()
        self.before = None
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
            known = self._state is not None or self._store is None
            self._latest = (
                _greatest(self.state) if known else self._find_latest(self.refs.refs()),
            )
        return self._latest[0]

    def _find_any(self) -> bool:
        if self._state is None and self._store is not None:
            for ref in self.refs:
                if TagName.try_parse(ref.name) and self._store.commit(ref) is not None:
                    return True
        return bool(self.state.history)

    def _find_latest(self, refs: Iterable[TagRef]) -> tuple[SemVer, str, str] | None:
        assert self._store is not None
        versions = [ref for ref in refs if "@v" in ref.name]  # in no other that is ours
        for group in _plain(versions) or _by_precedence(named(versions)):
            name, ref = group[0]
            if len(group) > 1:
                objects = self._store.read([ref for _, ref in group])
                if any(objects[ref.id].is_lost for _, ref in group):
                    return _greatest(self.state)
                found = _greatest(fold(*read_events(group, objects)))
                if found is not None:
                    return found
            elif name.kind is EventKind.REGISTRATION and name.version is not None:
                commit = self._store.commit(ref)
                if commit is None:  # whatever it is, all that is odd is found out in one place
                    return _greatest(self.state)
                return name.version, commit, ref.name
        return None

    def __getstate__(self) -> tuple[tuple[TagRef, ...], State, tuple[NamedTag, ...]]:
        """Pickle the whole picture: what is not read yet is read now."""
        return tuple(self.refs), self.state, self._lost

    def __setstate__(self, state: tuple[tuple[TagRef, ...], State, tuple[NamedTag, ...]]) -> None:
        """Come back with no repository behind."""
        refs, self._state, self._lost = state
        self.refs = Listing(refs)
        self._store = self._tags = self.before = self._held = self._exists = self._latest = None


class Reading:
    """What is still to be read of a picture's tags; the rest is what an earlier one read."""

    __slots__ = ("_events", "_problems", "lost", "tags")

    def __init__(self, picture: Picture) -> None:
        """Compare with the picture before: a tag object never changes."""
        tags = picture.named()
        before = picture.before
        known = {} if before is None else dict(before.identity)
        kept = {ref.name for _, ref in tags if known.get(ref.name) == ref.id}
        self.tags = [tag for tag in tags if tag[1].name not in kept] if kept else tags
        self.lost: list[NamedTag] = []
        state = before.state if before else fold(())
        self._events = [event for event in state.history if event.tag in kept]
        self._problems = [problem for problem in state.odd if problem.tag in kept]

    def parts(self) -> Iterator[Sequence[NamedTag]]:
        """Give what is to be read, part by part."""
        for start in range(0, len(self.tags), BATCH):
            yield self.tags[start : start + BATCH]

    def take(self, tags: Sequence[NamedTag], objects: Mapping[str, TagObject]) -> None:
        """Take in what was read of some tags, perhaps with those of other models."""
        events, problems = read_events(tags, objects)
        self._events += events
        self._problems += problems
        if problems:
            self.lost += [tag for tag in tags if objects[tag[1].id].is_lost]

    def state(self) -> State:
        """Put all together."""
        return fold(self._events, sorted(self._problems, key=lambda problem: problem.tag))


def _greatest(state: State) -> tuple[SemVer, str, str] | None:
    latest = state.latest
    if latest is None or latest.version is None:
        return None
    return latest.version, latest.commit, latest.tag


def _plain(refs: Sequence[TagRef]) -> list[list[NamedTag]]:
    """Return just the greatest, where all names are so plain that numbers alone tell which it is.

    Nothing where any is not: a pre-release, a deregistration, a second registration.
    """
    names = [_PLAIN.fullmatch(ref.name) for ref in refs]
    matches = [match for match in names if match is not None]
    if not matches or len(matches) < len(names):
        return []
    places = range(len(refs))
    greatest = max(places, key=lambda place: tuple(map(int, matches[place].groups())))
    found = named([refs[greatest]])
    return [found] if found else []


def _by_precedence(tags: Iterable[NamedTag]) -> Iterator[list[NamedTag]]:
    """Give the tags that name versions, those of equal precedence together, greatest first."""
    groups = defaultdict(list)
    for tag in tags:
        assert tag[0].version is not None
        groups[tag[0].version.precedence].append(tag)
    for precedence in sorted(groups, reverse=True):
        yield groups[precedence]
