"""Who wrote a tag: a name and a mail address, as Git keeps them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

import attrs

from modelversions.errors import IdentityError

_CRUD = "".join(map(chr, range(33))) + ".,:;<>\"\\'"
"""What Git strips from both ends of a name or a mail address."""

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
        ``committer.*`` and ``user.*``, also as ``GIT_CONFIG_COUNT`` gives them, and for the mail
        address ``EMAIL`` at last. A name is never guessed from the machine.

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
            value = env.get(variable) or _configured(part, config, env)
            if not value and part == "email":
                value = env.get("EMAIL")
            if not value:
                raise IdentityError(
                    f"no author is configured: pass author=Identity(name, email), or set "
                    f"{variable} or Git's user.{part}",
                    text="",
                )
            found[part] = value.translate(dict.fromkeys(map(ord, "<>\n"))).strip(_CRUD)
        return cls(**found).checked()

    def checked(self) -> Identity:
        """Return the identity if Git can keep it.

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
            if text.encode(errors="replace") != text.encode(errors="surrogatepass"):
                raise IdentityError(
                    f"the author's {part} {text!r} cannot be encoded as UTF-8; write it anew",
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

    def __str__(self) -> str:
        """Return ``Name <mail>``, as Git shows it."""
        return f"{self.name} <{self.email}>"


def _configured(
    part: str, config: Callable[[str], str | None], env: Mapping[str, str]
) -> str | None:
    """Look a name or mail address up: what ``GIT_CONFIG_COUNT`` counts goes before the files."""
    count = env.get("GIT_CONFIG_COUNT", "")
    given = {
        env.get(f"GIT_CONFIG_KEY_{place}", "").lower(): env.get(f"GIT_CONFIG_VALUE_{place}")
        for place in range(int(count) if count.isdecimal() else 0)
    }
    for key in (f"committer.{part}", f"user.{part}"):
        value = given.get(key) or config(key)
        if value:
            return value
    return None
