"""What one look at the refs found, as a value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import overload

from modelversions.git.store import TagRef

_FAMILY = re.compile(r"([^@#]*)[@#]")


class Listing(Sequence[TagRef]):
    """Refs, by name. Equal to another when both looks found the same."""

    is_at_hand = False
    """Whether two small reads of what the refs name cost less than one of all."""

    def __init__(self, refs: Iterable[TagRef] = ()) -> None:
        """Keep refs that are in order."""
        self._refs = tuple(refs)

    @classmethod
    def of(cls, refs: Sequence[TagRef]) -> Listing:
        """Return refs as a listing, which they may be already."""
        return refs if isinstance(refs, Listing) else cls(refs)

    def __len__(self) -> int:
        """Count the refs."""
        return len(self.refs())

    @overload
    def __getitem__(self, index: int) -> TagRef: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[TagRef]: ...

    def __getitem__(self, index: int | slice) -> TagRef | Sequence[TagRef]:
        """Return a ref by its place."""
        return self.refs()[index]

    def __iter__(self) -> Iterator[TagRef]:
        """Give the refs one by one, for whoever need not see them all."""
        return iter(self.refs())

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._refs)

    def refs(self) -> Sequence[TagRef]:
        """Return all refs at once."""
        return self._refs

    def __eq__(self, other: object) -> bool:
        """Equal when the looks found the same."""
        return isinstance(other, Listing) and self._refs == other._refs

    __hash__ = None  # type: ignore[assignment]  # they are compared one with one

    def families(self) -> Mapping[str, Listing]:
        """Return the refs by what stands in front of the first ``@`` or ``#``; others are left."""
        return {family: Listing(refs) for family, refs in by_family(self).items()}


def by_family(refs: Iterable[TagRef]) -> Mapping[str, list[TagRef]]:
    """Sort refs by what stands in front of the first ``@`` or ``#``."""
    found: dict[str, list[TagRef]] = {}
    for ref in refs:
        match = _FAMILY.match(ref.name)
        if match:
            found.setdefault(match[1], []).append(ref)
    return found
