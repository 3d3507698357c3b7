"""Who holds which stage, from the tags of the stages and few others: what a table shows.

A stage belongs to its newest assignment, as long as that is in force (F17). So where nothing is
ever unassigned, and nothing deprecated, the other assignments matter by their times only, and of
the versions those at the commits of the newest ones. Wherever more than that might matter, the
answer is that all has to be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelversions.events import Event, NamedTag, read_events
from modelversions.fold import Key, fold
from modelversions.semver import SemVer
from modelversions.stores.base import TagObject, TagRef
from modelversions.tags import EventKind

Held = Mapping[str, tuple[Key, Event]]
"""By stage, in the order of names: who holds it, and the registration or assignment of that."""


class Glance:
    """One model's stages, found in two steps, each of which says what it needs to read."""

    def __init__(self, tags: Sequence[NamedTag]) -> None:
        """Look at all tags of a model."""
        self.tags = tags
        kinds = {name.kind for name, _ in tags}
        self.may_do = not kinds & {EventKind.UNASSIGNMENT, EventKind.DEPRECATION}
        self._versions = [tag for tag in tags if tag[0].version is not None]
        self._staged = [tag for tag in tags if tag[0].stage is not None]
        self._newest: dict[str, Event] = {}

    def staged(self) -> list[TagRef]:
        """Say what to read first: the tags of all stages."""
        return [ref for _, ref in self._staged]

    def beside(self, objects: Mapping[str, TagObject]) -> list[TagRef]:
        """Say what to read next: all that is about versions where the newest assignments are."""
        self.may_do = not any(objects[ref.id].is_lost for _, ref in self._staged)
        events, _ = read_events(self._staged, objects)
        for event in sorted(events, key=lambda event: event.order):
            self._newest[str(event.stage)] = event
        commits = {None, *(event.commit for event in self._newest.values())}
        near = {
            name.version
            for name, ref in self._versions
            if ref.peeled in commits or ref.peeled == ref.id  # that one is said to be lightweight
        }
        self._versions = [tag for tag in self._versions if tag[0].version in near]
        return [ref for _, ref in self._versions]

    def held(self, objects: Mapping[str, TagObject]) -> Held | None:
        """Return who holds which stage; None if that takes more than was read."""
        if not self.may_do or any(objects[ref.id].is_lost for _, ref in self._versions):
            return None
        registered, _ = read_events(self._versions, objects)
        state = fold([*registered, *self._newest.values()])
        held = {stage: (keys[0], state.origin(keys[0])) for stage, keys in state.stages.items()}
        sure = len(held) == len(self._newest)  # or else an earlier holder has it again
        return held if sure and all(isinstance(key, SemVer) for key, _ in held.values()) else None
