"""Write a page to a file, as a whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress

from modelversions.errors import FileNotWrittenError, InvalidArgumentError


def deliver(make: Callable[[], str], path: str | os.PathLike[str] | None) -> str | None:
    """Write a text to a file; return it if there is none. Arguments are checked before it is made.

    Raises:
        InvalidArgumentError: ``path`` is neither text nor a path.
        FileNotWrittenError: the file cannot be written.
    """
    if path is None:
        return make()
    target = check_path(path)
    write_text(target, make())
    return None


def check_title(title: object) -> None:
    """Check the title of a page.

    Raises:
        InvalidArgumentError: it is not text.
    """
    if not isinstance(title, str):
        raise InvalidArgumentError(
            f"title must be text, not {title!r}", argument="title", value=title
        )


def check_path(path: object) -> str:
    """Return the path of a file as text.

    Raises:
        InvalidArgumentError: it is neither text nor a path.
    """
    try:
        return os.fsdecode(path)  # type: ignore[arg-type]
    except TypeError as error:
        raise InvalidArgumentError(
            f"path must be the path of a file, not {path!r}; to_html() without it returns the text",
            argument="path",
            value=path,
        ) from error


def write_text(path: str, text: str) -> None:
    """Write text to a file as UTF-8.

    A file that exists is replaced by the new one at once, and keeps its permissions. What is no
    regular file, such as a pipe, is written to.

    Raises:
        FileNotWrittenError: the file cannot be written.
    """
    content = text.encode()
    try:
        target = os.path.realpath(path)
        if os.path.exists(target) and not os.path.isfile(target):
            with open(target, "wb") as file:
                file.write(content)
        else:
            _replace(target, content)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise FileNotWrittenError(
            f"the file {path!r} cannot be written: {reason}; pass another path, or create the "
            "folder or change its permissions",
            path=path,
        ) from error


def _replace(target: str, content: bytes) -> None:
    temporary = f"{target}.{secrets.token_hex(4)}.tmp"
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(target):
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    finally:
        with suppress(OSError):
            os.unlink(temporary)
