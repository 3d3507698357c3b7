"""The file of ``Catalog.save()``: an SQLite database with one row for each tag.

``PRAGMA user_version`` is the number of the schema, ``VERSION``. The tables are in ``SCHEMA``.
Passwords and tokens are not saved; of credentials it has the name of a provider. The file is
replaced as a whole, so that a reader sees the one before or the new one.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from modelversions.catalog.listing import Listing
from modelversions.catalog.member import Member
from modelversions.catalog.reading import Question
from modelversions.catalog.sources import Source, read_sources
from modelversions.credentials import name_of
from modelversions.errors import RepositoryError
from modelversions.git.store import TagObject, TagRef
from modelversions.values.identity import Identity
from modelversions.values.problem import ProblemKind

if TYPE_CHECKING:
    from sqlite3 import Connection

VERSION = 1

SCHEMA = f"""
PRAGMA user_version = {VERSION};
CREATE TABLE repository (
    id INTEGER PRIMARY KEY,      -- the position in the catalog
    name TEXT NOT NULL UNIQUE,   -- the name in the catalog
    location TEXT NOT NULL,      -- a URL without a password, or an absolute path
    credentials TEXT,            -- the name of a provider, such as 'env:TOKEN'
    answered INTEGER,            -- NULL: not read; 0: names, 1: latest versions, 2: all tags
    is_shallow INTEGER NOT NULL  -- 1 for a shallow clone
);
CREATE TABLE tag (
    repository INTEGER NOT NULL REFERENCES repository (id),
    name TEXT NOT NULL,          -- without refs/tags/
    object TEXT NOT NULL,        -- the id of the object that the ref names
    peeled TEXT,                 -- the id that it peels to, as listed; NULL if unknown
    state INTEGER NOT NULL,      -- 0: listed, 1: peeled to a commit, 2: the tag object was read
    commit_id TEXT,              -- the commit; NULL if the tag is no event, or unknown
    own_name TEXT,               -- the name in the tag object
    time TEXT,                   -- the tagger's time, ISO 8601 with its offset
    author_name TEXT,
    author_email TEXT,
    message TEXT,
    issues TEXT,                 -- a JSON list of kinds and messages of problems
    PRIMARY KEY (repository, name)
) WITHOUT ROWID;
"""

_INSERT = "INSERT INTO tag VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_LISTED, _PEELED, _READ = range(3)
Row = tuple[Any, ...]


def save(path: str | os.PathLike[str], members: Iterable[Member]) -> None:
    """Write what is known of repositories; replace the file as a whole.

    Raises:
        RepositoryError: the file cannot be written.
    """
    import sqlite3

    target = os.path.abspath(path)
    temporary = f"{target}.{secrets.token_hex(4)}.tmp"
    try:
        with closing(sqlite3.connect(temporary)) as database:
            database.executescript(SCHEMA)
            for position, member in enumerate(members):
                database.execute(
                    "INSERT INTO repository VALUES (?,?,?,?,?,?)", _head(position, member)
                )
                database.executemany(_INSERT, _rows(position, member))
            database.commit()
        os.replace(temporary, target)
    except (OSError, sqlite3.Error, UnicodeError) as error:
        raise RepositoryError(
            f"the catalog file {target!r} cannot be written: {error}", location=target
        ) from error
    finally:
        with suppress(OSError):
            os.unlink(temporary)


def _head(position: int, member: Member) -> Row:
    source = member.source
    provider = None if source.credentials is None else name_of(source.credentials)
    answered = None if member.answered is None else int(member.answered)
    row = position, source.name, source.shown, provider, answered, int(member.is_shallow)
    return tuple(map(_saved, row))


def _rows(position: int, member: Member) -> Iterator[Row]:
    for name, id, peeled in member.listing.refs() if member.listing is not None else ():
        yield tuple(map(_saved, (position, name, id, peeled, *_content(member, id))))


def _saved(value: object) -> object:
    """Return bytes for a text that is not UTF-8, such as a path, which SQLite does not take."""
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


def load(
    path: str | os.PathLike[str], sources: tuple[Source, ...] | None, timeout: float | None
) -> list[Member]:
    """Return the repositories of a file, or of ``sources`` with what the file knows of them.

    Raises:
        OSError, sqlite3.Error, ValueError and others: the file is damaged.
    """
    import sqlite3

    os.stat(path)  # sqlite3 would create it
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA query_only = 1")
        if database.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            raise ValueError(f"it has not version {VERSION} of the schema")
        heads = database.execute("SELECT * FROM repository ORDER BY id")
        rows = [tuple(map(_loaded, row)) for row in heads]
        found = _sources(rows) if sources is None else sources
        known = {(row[1], row[2]): row for row in rows}
        members = [Member(source, timeout) for source in found]
        for member in members:
            row = known.get((member.source.name, member.source.shown))
            if row is not None and row[4] is not None:
                _fill(member, row, database)
        return members


def _sources(rows: Iterable[Row]) -> tuple[Source, ...]:
    return read_sources([{"url": row[2], "name": row[1], "credentials": row[3]} for row in rows])


def _fill(member: Member, row: Row, database: Connection) -> None:
    refs = []
    for tag in database.execute("SELECT * FROM tag WHERE repository = ? ORDER BY name", row[:1]):
        _, name, id, peeled, state, commit, *content = map(_loaded, tag)
        refs.append(TagRef(name, id, peeled))
        if state == _READ:
            member.objects[id] = _tag_object(commit, content)
        elif state == _PEELED:
            member.peels[id] = commit
    member.listing = Listing.of(refs)
    member.asked = member.answered = Question(row[4])
    member.is_shallow = bool(row[5])


def _tag_object(commit: str | None, content: Sequence[Any]) -> TagObject:
    name, text, author_name, author_email, message, issues = content
    time = None if text is None else datetime.fromisoformat(text)
    author = None if author_name is None else Identity(author_name, author_email or "")
    found = tuple((ProblemKind(kind), said) for kind, said in json.loads(issues or "[]"))
    timestamp = 0 if time is None else int(time.timestamp())
    return TagObject(commit, name, time, author, message, found, timestamp)
