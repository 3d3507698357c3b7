"""Publish a registry as JSON, as a nightly job does: ``python publish_json.py PATH_OR_URL FOLDER``.

It writes ``models.json``, ``versions.json`` and ``changes.json``, which has the changes since the
last run. ``last-event.json`` remembers where that run ended. ``schema.json`` of the package
describes the dictionaries.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from pathlib import Path

from modelversions import Event, Registry

START = datetime(1970, 1, 1, tzinfo=timezone.utc)


def publish(location: str, folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    last = folder / "last-event.json"
    since = Event.from_dict(json.loads(last.read_text("utf-8"))) if last.exists() else START
    with Registry.open(location) as registry:
        history = registry.history()
        # an event that is written meanwhile belongs to the next run
        now = registry.as_of(history[-1] if history else START)
        write(folder / "models.json", now.to_records("models"))
        versions = [one.to_dict() for model in now.values() for one in model.all_versions]
        write(folder / "versions.json", versions)
        write(folder / "changes.json", [one.to_dict() for one in registry.diff(since, now)])
    if history:
        write(last, history[-1].to_dict())


def write(path: Path, value: object) -> None:
    """Write a value as JSON; times become text, as in ``to_dict()``."""
    text = json.dumps(value, indent=1, default=datetime.isoformat)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    publish(sys.argv[1], Path(sys.argv[2]))
