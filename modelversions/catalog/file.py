"""The file of ``Catalog.save()``: an SQLite database with one row for each tag.

``PRAGMA user_version`` is the schema number, ``VERSION``. ``SCHEMA`` defines the tables. Passwords
and tokens are not saved; of credentials, only the name of a provider is. The file is replaced
atomically, so that a reader sees either the old or the new one. Its permissions are kept.

A digest for each repository detects damage that SQLite does not detect. Another program that writes
the rows can set the digest to NULL; then it is not checked.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from modelversions.catalog.listing import Listing
from modelversions.catalog.member import Member, Saved
from modelversions.catalog.reading import ReadLevel
from modelversions.catalog.sources import MAX_FILE, Source, read_sources
from modelversions.credentials import name_of
from modelversions.errors import RepositoryError
from modelversions.git.store import TagObject, TagRef
from modelversions.values.identity import Identity
from modelversions.values.problem import ProblemKind

if TYPE_CHECKING:
    from sqlite3 import Connection

VERSION = 2

SCHEMA = f"""
PRAGMA user_version = {VERSION};
CREATE TABLE repository (
    id INTEGER PRIMARY KEY,      -- the position in the catalog
    name TEXT NOT NULL UNIQUE,   -- the name in the catalog
    location TEXT NOT NULL,      -- a URL without a password, or an absolute path
    credentials TEXT,            -- the name of a provider, such as 'env:TOKEN'
    commit_url TEXT,             -- the URL of a commit's page, see Registry.open, if it is text
    answered INTEGER,            -- NULL: not read; 0: names, 1: latest versions, 2: all tags
    is_shallow INTEGER NOT NULL, -- 1 for a shallow clone
    digest TEXT                  -- BLAKE2b of the row and its tags, see digest_of()
);
CREATE TABLE tag (
    repository INTEGER NOT NULL REFERENCES repository (id),
    name TEXT NOT NULL,          -- without refs/tags/
    object TEXT NOT NULL,        -- the id of the object that the ref points to
    peeled TEXT,                 -- the id that it peels to, as listed; NULL if unknown
    state INTEGER NOT NULL,      -- 0: listed, 1: peeled to a commit, 2: the tag object was read
    commit_id TEXT,              -- the commit; NULL if the tag is not an event, or unknown
    own_name TEXT,               -- the name in the tag object
    time TEXT,                   -- the tagger's time, ISO 8601 with its offset
    author_name TEXT,
    author_email TEXT,
    message TEXT,
    issues TEXT,                 -- a JSON list of kinds and messages of problems
    PRIMARY KEY (repository, name)
) WITHOUT ROWID;
"""

_MAGIC = b"SQLite format 3\0"
_INSERT = "INSERT INTO tag VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_LISTED, _PEELED, _READ = range(3)
Row = tuple[Any, ...]


def save(path: str, members: Iterable[Member]) -> None:
    """Write the data of repositories; replace the file atomically.

    Raises:
        RepositoryError: the file cannot be written, or is a list of repositories.
    """
    import sqlite3

    target = os.path.realpath(path)
    temporary = f"{target}.{secrets.token_hex(4)}.tmp"
    try:
        _check_replaceable(target)
        with closing(sqlite3.connect(temporary)) as database:
            database.executescript(SCHEMA)
            for position, member in enumerate(members):
                head, rows = _head(position, member), list(_rows(position, member))
                head = (*head, digest_of(head, rows))
                database.execute("INSERT INTO repository VALUES (?,?,?,?,?,?,?,?)", head)
                database.executemany(_INSERT, rows)
            database.commit()
        if os.path.exists(target):
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except (OSError, sqlite3.Error, UnicodeError) as error:
        raise RepositoryError(
            f"the catalog file {target!r} cannot be written: {error}", location=target
        ) from error
    finally:
        with suppress(OSError):
            os.unlink(temporary)


def _check_replaceable(path: str) -> None:
    """Check that a file is not a list of repositories, such as ``Catalog.from_file()`` reads.

    Raises:
        OSError: it may be one, or cannot be read.
    """
    if os.path.isfile(path):
        with open(path, "rb") as file:
            start = file.read(MAX_FILE)
        if not start.startswith(_MAGIC) and b"repositories" in start:
            raise OSError("it is a list of repositories, for from_file(); pass another path")


def digest_of(head: Row, rows: Iterable[Row]) -> str:
    """Return the digest of a repository's row, without the digest itself, and of its tags."""
    digest = blake2b(repr(head).encode(errors="surrogatepass"), digest_size=16)
    for row in sorted(map(repr, rows)):
        digest.update(row.encode(errors="surrogatepass"))
    return digest.hexdigest()


def _head(position: int, member: Member) -> Row:
    source = member.source
    provider = None if source.credentials is None else name_of(source.credentials)
    level = None if member.level is None else int(member.level)
    commit_url = source.commit_url if isinstance(source.commit_url, str) else None
    row = (
        *(position, source.name, source.shown, provider, commit_url),
        *(level, int(member.is_shallow)),
    )
    return tuple(map(_saved, row))


def _rows(position: int, member: Member) -> Iterator[Row]:
    for name, id, peeled in member.listing.refs() if member.listing is not None else ():
        yield tuple(map(_saved, (position, name, id, peeled, *_content(member, id))))


def _saved(value: object) -> object:
    """Return a value; as bytes if it is text that is not UTF-8, which SQLite does not accept."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode(errors="surrogatepass")
    return value


def _loaded(value: Any) -> Any:  # noqa: ANN401  # what SQLite returns
    return value.decode(errors="surrogatepass") if isinstance(value, bytes) else value


def _content(member: Member, id: str) -> Row:
    found = member.objects.get(id)
    if found is None:
        state = _PEELED if id in member.peels else _LISTED
        return (state, member.peels.get(id), *[None] * 6)
    author = found.author
    return (
        _READ,
        found.commit,
        found.name,
        found.time and found.time.isoformat(),
        author and author.name,
        author and author.email,
        found.message,
        json.dumps(found.issues) if found.issues else None,
    )


def load(path: str, sources: tuple[Source, ...] | None) -> list[tuple[Source, Saved | None]]:
    """Return the repositories of a file, or ``sources``, each with its saved data.

    Raises:
        OSError, sqlite3.Error, ValueError and others: the file is damaged or does not exist.
    """
    import sqlite3

    os.stat(path)  # sqlite3 would create a missing file
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA query_only = 1")
        if database.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            raise ValueError(f"its schema version is not {VERSION}")
        heads = list(database.execute("SELECT * FROM repository ORDER BY id"))
        known = {(_loaded(head[1]), _loaded(head[2])): head for head in heads}
        found = _sources(heads) if sources is None else sources
        return [
            (source, _read(known.get((source.name, source.shown)), database)) for source in found
        ]


def _sources(heads: Iterable[Row]) -> tuple[Source, ...]:
    keys = "name", "url", "credentials", "commit_url"
    return read_sources([dict(zip(keys, map(_loaded, head[1:5]))) for head in heads])


def _read(head: Row | None, database: Connection) -> Saved | None:
    """Return the data in the rows of a repository; None if it was not read.

    Raises:
        ValueError: the rows are damaged.
    """
    if head is None or head[5] is None:
        return None
    rows = list(database.execute("SELECT * FROM tag WHERE repository = ? ORDER BY name", head[:1]))
    if head[-1] not in (None, digest_of(head[:-1], rows)):
        raise ValueError(f"the rows of the repository {_loaded(head[1])!r} are damaged")
    refs = []
    objects: dict[str, TagObject] = {}
    peels: dict[str, str | None] = {}
    for row in rows:
        _, name, id, peeled, state, commit, *content = map(_loaded, row)
        refs.append(TagRef(name, id, peeled))
        if state == _READ:
            objects[id] = _tag_object(commit, content)
        elif state == _PEELED:
            peels[id] = commit
    return Saved(Listing.of(refs), ReadLevel(head[5]), objects, peels, bool(head[6]))


def _tag_object(commit: str | None, content: Sequence[Any]) -> TagObject:
    name, text, author_name, author_email, message, issues = content
    time = None if text is None else datetime.fromisoformat(text)
    author = None if author_name is None else Identity(author_name, author_email or "")
    found = tuple((ProblemKind(kind), reason) for kind, reason in json.loads(issues or "[]"))
    timestamp = 0 if time is None else int(time.timestamp())
    return TagObject(commit, name, time, author, message, found, timestamp)
