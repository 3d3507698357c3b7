"""Write a page to a file, as a whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

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


def check_path(path: object) -> Path:
    """Return the path of a file.

    Raises:
        InvalidArgumentError: it is neither text nor a path.
    """
    try:
        return Path(os.fsdecode(path))  # type: ignore[arg-type]
    except TypeError as error:
        raise InvalidArgumentError(
            f"path must be the path of a file, not {path!r}; to_html() without it returns the text",
            argument="path",
            value=path,
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write text to a file as UTF-8.

    A file that exists is replaced by the new one at once, and keeps its permissions. What is no
    regular file, such as a pipe, is written to.

    Raises:
        FileNotWrittenError: the file cannot be written.
    """
    content = text.encode()
    try:
        if _is_special(path):
            path.write_bytes(content)
        else:
            _replace(Path(os.path.realpath(path)), content)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise FileNotWrittenError(
            f"the file {str(path)!r} cannot be written: {reason}; pass another path, or check that "
            "its folder exists and may be written to",
            path=str(path),
        ) from error


def _is_special(path: Path) -> bool:
    """Return whether there is something that is no regular file.

    The path is not resolved: that of a pipe in ``/proc`` names no file.
    """
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _replace(target: Path, content: bytes) -> None:
    # The name does not contain that of the target, which may be as long as a name may be.
    temporary = target.with_name(f".modelversions-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
