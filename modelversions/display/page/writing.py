"""Write a page to a file atomically."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from modelversions.errors import FileNotWrittenError, InvalidArgumentError


def deliver(make: Callable[[], str], path: str | os.PathLike[str] | None) -> str | None:
    """Write a text to a file, or return it if ``path`` is None.

    Args:
        make: returns the text; it is called after the path was checked.
        path: the path of the file, or None.

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
        return Path(os.fsdecode(path))  # type: ignore[arg-type]  # checked by fsdecode()
    except TypeError as error:
        raise InvalidArgumentError(
            f"path must be the path of a file, not {path!r}; to_html() without it returns the text",
            argument="path",
            value=path,
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write text to a file as UTF-8.

    An existing file is replaced atomically; its permissions are kept. If the path is not a regular
    file, such as a pipe, the text is written to it.

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
            "its directory exists and is writable",
            path=str(path),
        ) from error


def _is_special(path: Path) -> bool:
    """Return whether the path exists and is not a regular file.

    The path is not resolved, as the target of a pipe in ``/proc`` is not a path.
    """
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False


def _replace(target: Path, content: bytes) -> None:
    # The temporary name does not contain the target's name, which may have the maximum length.
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
