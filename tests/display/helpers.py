"""Large registries without a repository, and a parser of HTML output."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser

from modelversions import Event, EventKind, Identity, Model, SemVer
from modelversions.git.store import TagRef
from modelversions.model.snapshot import ModelSnapshot, Read
from modelversions.model.state import event_row, replay

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
VOID = {"br", "img", "meta", "link", "input", "hr"}


class Page(HTMLParser):
    """Parses HTML into elements, attributes and texts; checks the nesting of elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    @property
    def links(self) -> list[str | None]:
        return [value for name, value in self.attributes if name == "href"]


def row(
    tag: str,
    *,
    kind: EventKind = EventKind.REGISTRATION,
    version: str | None = None,
    stage: str | None = None,
    at: int = 0,
    message: str = "a message",
    author: Identity | None = None,
) -> Event:
    """Return an event, ``at`` hours after the start; each version has its own commit."""
    semver = None if version is None else SemVer.parse(version)
    commit = f"{zlib.crc32(str(semver).encode()):040x}"
    time = START + timedelta(hours=at)
    author = author or Identity("Ann Arber", "ann@example.com")
    return Event(kind, "", semver, stage, commit, tag, None, time, author, message)


def model(name: str, rows: list[Event]) -> Model:
    """Return a model with events."""
    refs = tuple(TagRef(one.tag, f"{index:040d}") for index, one in enumerate(rows))
    return Model(
        name, ModelSnapshot(name, refs, Read(replay(name, list(map(event_row, rows))), ()))
    )


def large_model(
    name: str, versions: int, stages: tuple[str, ...] = ("dev", "staging", "prod")
) -> Model:
    """Return a model with a number of versions, each of which was in a stage."""
    rows = []
    for number in range(versions):
        version = f"v{number}.0.0"
        rows.append(row(f"{name}@{version}", version=version, at=10 * number))
        stage = stages[number % len(stages)]
        tag = f"{name}#{stage}#{number}"
        kind = EventKind.ASSIGNMENT
        rows.append(row(tag, kind=kind, version=version, stage=stage, at=10 * number + 5))
    return model(name, rows)
