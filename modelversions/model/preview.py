"""Who holds which stage, from the tags of the stages and few others: what a table shows.

A stage belongs to its newest assignment, as long as that is in force (F17). So where nothing is
ever unassigned, and nothing deprecated, the other assignments matter by their times only, and of
the versions those at the commits of the newest ones. Wherever more than that might matter, the
answer is that all has to be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from modelversions.git.store import TagObject, TagRef
from modelversions.model.loading import NamedTag, named, read_events
from modelversions.model.state import Key, fold
from modelversions.values.event import Event
from modelversions.values.semver import SemVer

Held = Mapping[str, tuple[Key, Event]]
"""By stage, in the order of names: who holds it, and the registration or assignment of that."""


_UNASSIGNED = re.compile(r"[^@]*!").match
"""Finds the sign of an end in a name that is about no version."""


class Glance:
    """One model's stages, found in two steps, each of which says what it needs to read."""

    def __init__(self, refs: Sequence[TagRef]) -> None:
        """Look at all tags of a model; a name is taken apart only where it matters."""
        self.tags = refs
        self.may_do = not any("@deprecated" in one.name or _UNASSIGNED(one.name) for one in refs)
        self._near: list[NamedTag] = []
        self._staged = named(one for one in refs if "@" not in one.name) if self.may_do else []
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
        versions = [ref for ref in self.tags if "@" in ref.name]
        near = {
            _version(ref.name)
            for ref in versions
            if ref.peeled in commits or ref.peeled == ref.id  # that one is said to be lightweight
        }
        self._near = named(ref for ref in versions if _version(ref.name) in near)
        return [ref for _, ref in self._near]

    def held(self, objects: Mapping[str, TagObject]) -> Held | None:
        """Return who holds which stage; None if that takes more than was read."""
        if not self.may_do or any(objects[ref.id].is_lost for _, ref in self._near):
            return None
        registered, _ = read_events(self._near, objects)
        state = fold([*registered, *self._newest.values()])
        held = {stage: (keys[0], state.origin(keys[0])) for stage, keys in state.stages.items()}
        sure = len(held) == len(self._newest)  # or else an earlier holder has it again
        return held if sure and all(isinstance(key, SemVer) for key, _ in held.values()) else None


def _version(name: str) -> str:
    """Return of a tag's name what is the same for all tags of a version."""
    return name.partition("#")[0].removesuffix("!")
