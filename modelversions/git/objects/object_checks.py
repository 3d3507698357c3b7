"""Check received objects, for ``transfer.fsckObjects`` and similar settings.

The checks are those of dulwich, and those that Git adds for commits and tags. Git's settings for
single messages (``fetch.fsck.<message>``) are not read, and ``.gitmodules`` is not checked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dulwich.object_format import ObjectFormat
from dulwich.objects import ShaFile

from modelversions.git.config import GitConfig
from modelversions.git.objects.object_files import ObjectFiles
from modelversions.git.objects.pack_files import NUMBERS

_PERSON = re.compile(rb"^(?:author|committer|tagger) (.*)$", re.MULTILINE)
_VALID = re.compile(rb".*<[^<>\0]*> (?:0|[1-9][0-9]*) [+-][0-9]{4}")


def are_checked(config: GitConfig, section: str) -> bool:
    """Return ``<section>.fsckObjects``, which defaults to ``transfer.fsckObjects``.

    Raises:
        ConfigurationError: a value is not a boolean.
    """
    default = config.get_bool("transfer.fsckObjects")
    return config.get_bool(f"{section}.fsckObjects", default=default)


def first_invalid(
    files: ObjectFiles, ids: Sequence[str], format: ObjectFormat
) -> tuple[str, str] | None:
    """Return an object that Git would refuse, and the reason; None if there is none."""
    for number, (kind, raw) in files.read_many(ids):
        reason = _invalid_reason(kind, raw, format) if kind != "blob" else ""
        if reason:
            return ids[number], reason
    return None


def _invalid_reason(kind: str, raw: bytes, format: ObjectFormat) -> str:
    head = raw.partition(b"\n\n")[0]
    persons = _PERSON.findall(head) if kind != "tree" else []
    if kind == "tag" and not persons:  # Git only warns
        return ""
    try:
        ShaFile.from_raw_string(NUMBERS[kind], raw, object_format=format).check()
    except Exception as error:  # noqa: BLE001  # dulwich raises various errors
        return str(error)
    if kind == "commit" and b"\0" in raw:
        return "it contains a NUL"
    wrong = next((person for person in persons if not _VALID.fullmatch(person)), None)
    return "" if wrong is None else f"invalid person or date {wrong.decode(errors='replace')!r}"
