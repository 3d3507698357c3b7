"""Check tag names: valid ref names, and conflicts with existing tags."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dulwich.refs import Ref
from dulwich.refs import check_ref_format as is_valid_ref

from modelversions.errors import InvalidNameError, TagExistsError, WriteConflictError
from modelversions.git.store import TAGS, TagRef

_MAX_PART = 250
"""The maximum size in bytes of a part between slashes; with ``.lock`` it fits in a file name."""


def check_ref_conflict(
    name: str, tags: Callable[[Sequence[str]], Sequence[TagRef]], location: str
) -> None:
    """Refuse a name that is not a valid ref name (F4), or that conflicts with an existing tag.

    Raises:
        InvalidNameError: Git does not allow the name.
        WriteConflictError: it conflicts with another tag; ``TagExistsError`` if the tag exists.
    """
    check_ref_format(name)
    parts = name.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts))]
    for tag in tags([*above, f"{name}/", name]):
        if tag.name == name:
            raise tag_exists(name, location)
        if tag.name in above or tag.name.startswith(f"{name}/"):
            raise WriteConflictError(
                f"the tag {name!r} conflicts with the tag {tag.name!r}: one would be a directory "
                "of the other; choose another name",
                tag=name,
            )


def check_ref_format(name: str) -> None:
    """Check that Git allows a tag name (F4); other names might lead outside of the repository.

    Raises:
        InvalidNameError: Git does not allow the name.
    """
    too_long = any(len(part.encode()) > _MAX_PART for part in name.split("/"))
    if too_long or name.startswith("-") or not is_valid_ref(Ref((TAGS + name).encode())):
        rules = f"at most {_MAX_PART} bytes" if too_long else "see 'git check-ref-format'"
        reason = f"Git does not allow such a tag name ({rules}); change it"
        raise InvalidNameError(f"{name!r}: {reason}", text=name, reason=reason)


def tag_exists(name: str, location: str) -> TagExistsError:
    """Return the error for a tag that exists."""
    return TagExistsError(
        f"the tag {name!r} exists already in {location!r}; it was not changed", tag=name
    )


def tag_changed(name: str) -> WriteConflictError:
    """Return the error for a tag that changed since it was listed."""
    return WriteConflictError(
        f"the tag {name!r} was changed concurrently; it was not modified, retry", tag=name
    )
