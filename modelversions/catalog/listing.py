"""The tags of one repository as listed at one moment, in about 100 bytes per tag.

As ``TagRef`` values they take three times as much memory, which is too much for a million tags.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import attrs

from modelversions.git.store import TagRef


@attrs.frozen
class Listing:
    """Lines of name, object id and peeled id, separated by NUL."""

    lines: bytes = attrs.field(repr=False)
    digest: bytes
    """A digest of names and object ids, which differs if any tag has changed."""

    @classmethod
    def of(cls, refs: Iterable[TagRef]) -> Listing:
        """Return the listing of refs, in the same order."""
        digest = blake2b(digest_size=16)
        lines = []
        for name, id, peeled in refs:
            text = f"{name}\0{id}".encode(errors="surrogatepass")
            digest.update(text + b"\n")
            lines.append(text + b"\0" + (peeled or "").encode())
        return cls(b"\n".join(lines), digest.digest())

    def refs(self, prefixes: Sequence[str] = ("",)) -> tuple[TagRef, ...]:
        """Return the refs whose names begin with one of ``prefixes``."""
        wanted = tuple(one.encode(errors="surrogatepass") for one in prefixes)
        lines = self.lines.split(b"\n") if self.lines else []
        return tuple(_ref(line) for line in lines if line.startswith(wanted))


def _ref(line: bytes) -> TagRef:
    name, id, peeled = line.decode(errors="surrogatepass").split("\0")
    return TagRef(name, id, peeled or None)
