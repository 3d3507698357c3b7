"""Identities: name and email address of the author of a tag."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

import attrs

from modelversions.errors import IdentityError

_CRUD = "".join(map(chr, range(33))) + ".,:;<>\"\\'"
"""Characters that Git strips from both ends of a name or an address."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_LONE_SURROGATE = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Surrogates that ``surrogateescape`` does not map to a byte."""

_FORBIDDEN = "<>\n\0"
"""Characters that a name or an address must not contain in a Git object."""


@attrs.frozen
class Identity:
    """The author of a tag: ``Identity("Ann", "ann@example.com")``.

    Only an identity that is written is validated; one that was read is kept as it is.
    """

    name: str
    email: str

    @classmethod
    def from_git(
        cls,
        config: Callable[[str], str | None],
        env: Mapping[str, str] | None = None,
    ) -> Identity:
        """Return the identity that Git would use.

        The sources are ``GIT_COMMITTER_NAME`` and ``GIT_COMMITTER_EMAIL``, then ``committer.*`` and
        ``user.*`` of the configuration, then ``EMAIL``. As in Git, the address may be empty, but
        the name may not. Unlike in Git, no name is derived from the system's user. Bytes that are
        not UTF-8 are surrogate-escaped, and written unchanged.

        Args:
            config: returns the value of a key such as ``"user.name"``, or None.
            env: the environment, which is only read. Default: ``os.environ``.

        Raises:
            IdentityError: the name or the address is not configured, or is invalid.
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
        """Return the identity if it is valid in a Git object.

        Args:
            escaped: whether surrogates represent bytes that are not UTF-8.

        Raises:
            IdentityError: the name is empty, or a part contains ``<``, ``>``, a newline or a NUL,
                or begins or ends with characters that Git strips.
        """
        for part, text in (("name", self.name), ("email address", self.email)):
            bad = next((char for char in text if char in _FORBIDDEN), None)
            if bad is not None:
                raise IdentityError(
                    f"the author's {part} {text!r} contains {bad!r}, which Git does not allow; "
                    "remove it",
                    text=text,
                )
            if (_LONE_SURROGATE if escaped else _SURROGATE).search(text):
                raise IdentityError(
                    f"the author's {part} {text!r} cannot be encoded as UTF-8; correct it",
                    text=text,
                )
            if text.strip(_CRUD) != text:
                raise IdentityError(
                    f"the author's {part} {text!r} begins or ends with a character that Git "
                    f"strips; write {text.strip(_CRUD)!r}",
                    text=text,
                )
        if not self.name:
            raise IdentityError("the author's name is empty; pass one", text="")
        return self

    def decoded(self) -> Identity:
        """Return the identity as it will be read back: with replacement characters (F11)."""
        return Identity(
            *(
                text.encode(errors="surrogateescape").decode(errors="replace")
                for text in (self.name, self.email)
            )
        )

    def to_dict(self) -> dict[str, object]:
        """Return name and email address."""
        return {"name": self.name, "email": self.email}

    def __str__(self) -> str:
        """Return ``Name <email>``, as Git shows it."""
        return f"{self.name} <{self.email}>"
