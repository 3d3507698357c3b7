"""What one look at a repository on disk found: packed refs, and loose ones before them.

Refs in a packed-refs file are kept as the text that they were found in: two looks compare as fast
as their bytes do, nothing that was true a moment ago is trusted, and the text is taken apart for
whoever asks, no further than he asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

import attrs
from dulwich.refs import Ref, check_ref_format

from modelversions.git.store import Listing, TagRef, by_family

_ID = rb"[0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?"
_PEELED = rb"(?:\^%b\n)?" % _ID
_HEAD = rb"%b refs/tags/" % _ID
_RUN = re.compile(
    rb"%(head)b([^\n@#]*)[@#][^\n]*\n%(peeled)b"
    rb"(?:%(head)b\1[@#][^\n]*\n%(peeled)b){0,200}"  # with a bound, for a bounded stack
    rb"|%(head)b[^\n@#]*\n%(peeled)b"
    rb"|([^\n]*)\n" % {b"head": _HEAD, b"peeled": _PEELED}
)
"""Entries of one family, an entry of none, or else a line that is no entry."""
_ENTRY = re.compile(rb"[^\n]*\n(?:\^[^\n]*\n)?")
_ROW = re.compile(r"([0-9a-fA-F]+) refs/tags/([^\n]*)\n(?:\^([0-9a-fA-F]+)\n)?")
_SUSPECT = ("..", "//", ".lock", "/.", "@{", *"~:?*[\\\x7f", ".\n", "/\n")
"""What may be in a text that holds a name which Git does not take. Ten thousand tags of a hundred
models are searched for them in 8 ms; one regular expression for all took 62 ms."""


class Packed:
    """Entries of a packed-refs file: those of some tags, as they stand there, by name."""

    def __init__(self, text: bytes = b"", *, peeled: bool = True) -> None:
        """Keep entries; ``peeled`` says that one without a ``^`` line is no annotated tag's."""
        self.text = text
        self.families: Mapping[str, Packed] = {}
        self._peeled = peeled

    def __eq__(self, other: object) -> bool:
        """Equal when the same stands there."""
        if not isinstance(other, Packed):
            return NotImplemented
        return self.text == other.text and self._peeled == other._peeled

    __hash__ = None  # type: ignore[assignment]  # they are compared one with one

    def sort(self) -> bytes | None:
        """Sort the entries by family; return the first line that is none, if there is one."""
        parts: dict[bytes, list[bytes]] = {}
        for match in _RUN.finditer(self.text):
            if match[2] is not None:
                return match[2]
            if match[1] is not None:
                parts.setdefault(match[1], []).append(match[0])
        self.families = {
            family.decode(errors="surrogateescape"): Packed(b"".join(texts), peeled=self._peeled)
            for family, texts in parts.items()
        }
        return None

    def __iter__(self) -> Iterator[TagRef]:
        """Give the entries one by one, as ``refs`` has them."""
        end = 0
        while end < len(self.text):
            entry = _ENTRY.match(self.text, end)
            assert entry is not None
            end = entry.end()
            yield from Packed(entry[0], peeled=self._peeled).refs()

    def refs(self) -> list[TagRef]:
        """Take the entries apart; bytes of a name that are not UTF-8 are escaped."""
        text = self.text.decode(errors="surrogateescape")
        rows = _ROW.findall(text)
        if text.count(" ") != len(rows) or any(part in text for part in _SUSPECT):
            rows = [row for row in rows if _is_name(row[1])]  # Git leaves these refs out
        if not text.islower():  # Git takes ids in upper case for the same; names keep theirs
            rows = [(id.lower(), name, peeled.lower()) for id, name, peeled in rows]
        if self._peeled:
            return [TagRef(name, id, peeled or id) for id, name, peeled in rows]
        return [TagRef(name, id, peeled or None) for id, name, peeled in rows]


def _is_name(name: str) -> bool:
    return check_ref_format(Ref(b"tags/" + name.encode(errors="surrogateescape")))


class DiskListing(Listing):
    """Packed refs, and the loose ones that go before them."""

    is_at_hand = True

    def __init__(self, packed: Packed, loose: Mapping[str, TagRef]) -> None:
        """Keep both, with the names as they stand there: bytes that are not UTF-8 are escaped."""
        self._packed = packed
        self._loose = loose

    def __eq__(self, other: object) -> bool:
        """Equal when the same refs were found in the same places."""
        return (
            isinstance(other, DiskListing)
            and self._packed == other._packed
            and self._loose == other._loose
        )

    __hash__ = None

    def families(self) -> Mapping[str, Listing]:
        """Return the refs by family, each still as it was found."""
        packed, nothing = self._packed.families, Packed()
        found: dict[str, Listing] = {name: DiskListing(one, {}) for name, one in packed.items()}
        for family, refs in by_family(self._loose.values()).items():
            loose = {ref.name: ref for ref in refs}
            found[family] = DiskListing(packed.get(family, nothing), loose)
        return found

    def __iter__(self) -> Iterator[TagRef]:
        """Give the refs one by one, for whoever need not see them all."""
        return iter(self.refs()) if self._loose else map(_shown, self._packed)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._packed.text or self._loose)

    def refs(self) -> Sequence[TagRef]:
        """Take the text apart, each time: what is kept is the text."""
        refs = self._packed.refs()
        if self._loose:
            refs = [*{**{ref.name: ref for ref in refs}, **self._loose}.values()]
            refs.sort(key=attrgetter("name"))
        if self._loose or not self._packed.text.isascii():
            refs = [_shown(ref) for ref in refs]
        return refs


def _shown(ref: TagRef) -> TagRef:
    """Return a ref with its name as it is shown, should that not be UTF-8."""
    if ref.name.isascii():
        return ref
    name = ref.name.encode(errors="surrogateescape").decode(errors="replace")
    return attrs.evolve(ref, name=name)
