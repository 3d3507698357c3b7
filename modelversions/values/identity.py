"""Who wrote a tag: a name and a mail address, as Git keeps them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

import attrs

from modelversions.errors import IdentityError

_CRUD = "".join(map(chr, range(33))) + ".,:;<>\"\\'"
"""What Git strips from both ends of a name or a mail address."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_LONE_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Surrogates that ``surrogateescape`` maps to no byte."""

_FORBIDDEN = "<>\n\0"
"""What would end a name or a mail address too early inside a Git object."""


@attrs.frozen
class Identity:
    """A person or a program that writes tags: ``Identity("Ann", "ann@example.com")``.

    Text that was read from Git is kept as it stands there; what is *written* is checked first.
    """

    name: str
    email: str

    @classmethod
    def from_git(
        cls,
        config: Callable[[str], str | None],
        env: Mapping[str, str] | None = None,
    ) -> Identity:
        """Find the identity that Git would use: this is the one place that reads the environment.

        ``GIT_COMMITTER_NAME`` and ``GIT_COMMITTER_EMAIL`` come first, then the configuration's
        ``committer.*`` and ``user.*``, and for the mail address ``EMAIL`` at last. As in Git, a
        mail address may be set to nothing, a name may not. A name is never guessed from the
        machine. Bytes that are not UTF-8 are surrogate-escaped, and written as they were.

        Args:
            config: gives the value of a key such as ``"user.name"``, or None.
            env: the environment; ``os.environ`` if left out. It is only read.

        Raises:
            IdentityError: no name or no mail address is configured, or one is unusable.
        """
        env = os.environ if env is None else env
        found = {}
        for part in ("name", "email"):
            variable = f"GIT_COMMITTER_{part.upper()}"
            value = env.get(variable)
            if value is None:
                value = config(f"committer.{part}") or config(f"user.{part}")
            if value is None and part == "email":
                value = env.get("EMAIL") or None
            if value is None:
                raise IdentityError(
                    f"no author is configured: pass author=Identity(name, email), or set "
                    f"{variable} or Git's user.{part}",
                    text="",
                )
            found[part] = value.translate(dict.fromkeys(map(ord, "<>\n"))).strip(_CRUD)
        return cls(**found).checked(escaped=True)

    def checked(self, *, escaped: bool = False) -> Identity:
        """Return the identity if Git can keep it.

        Args:
            escaped: whether surrogates stand for bytes that are not UTF-8.

        Raises:
            IdentityError: the name is empty, or a part holds ``<``, ``>``, a newline or a NUL,
                or begins or ends with what Git would strip.
        """
        for part, text in (("name", self.name), ("mail address", self.email)):
            bad = next((char for char in text if char in _FORBIDDEN), None)
            if bad is not None:
                raise IdentityError(
                    f"the author's {part} {text!r} holds {bad!r}, which Git cannot keep; "
                    "leave it out",
                    text=text,
                )
            if (_LONE_SURROGATE if escaped else _SURROGATE).search(text):
                raise IdentityError(
                    f"the author's {part} {text!r} cannot be encoded as UTF-8; write it again",
                    text=text,
                )
            if text.strip(_CRUD) != text:
                raise IdentityError(
                    f"the author's {part} {text!r} begins or ends with a character that Git "
                    f"strips; write {text.strip(_CRUD)!r}",
                    text=text,
                )
        if not self.name:
            raise IdentityError("the author's name is empty; give one", text="")
        return self

    def decoded(self) -> Identity:
        """Return the identity as it is read back: bytes that are not UTF-8 are replaced (F11)."""
        return Identity(
            *(
                text.encode(errors="surrogateescape").decode(errors="replace")
                for text in (self.name, self.email)
            )
        )

    def __str__(self) -> str:
        """Return ``Name <mail>``, as Git shows it."""
        return f"{self.name} <{self.email}>"
