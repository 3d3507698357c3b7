"""Publish a registry as JSON, as a nightly job does: ``python publish_json.py PATH_OR_URL FOLDER``.

It writes ``models.json``, ``versions.json`` and ``events.json``, which has the events whose tags
were not there at the last run, however old they are: a tag may be pushed long after it was made.
``known-tags.json`` remembers the tags. ``schema.json`` of the package describes the dictionaries.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from modelversions import Registry


def publish(location: str, folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / "known-tags.json"
    known = set(json.loads(state.read_text("utf-8"))) if state.exists() else set()
    with Registry.open(location) as registry:
        models = dict(registry.items())  # all of one moment
        events = [one for model in models.values() for one in model.history]
    versions = [one.to_dict() for model in models.values() for one in model.all_versions]
    write(folder / "models.json", [model.to_dict() for model in models.values()])
    write(folder / "versions.json", versions)
    write(folder / "events.json", [one.to_dict() for one in events if one.tag not in known])
    write(state, sorted(one.tag for one in events))  # at last: a run that fails is repeated


def write(path: Path, value: object) -> None:
    """Write a value as JSON; the file is replaced at once."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(value, indent=1), encoding="utf-8")
    new.replace(path)


if __name__ == "__main__":
    publish(sys.argv[1], Path(sys.argv[2]))
