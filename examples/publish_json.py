"""Publish a registry as JSON, for a nightly job: ``python publish_json.py LOCATION DIRECTORY``.

The location is a path or URL. The script writes ``models.json``, ``versions.json`` and
``events.json``, which has the events whose tags did not exist at the last run, however old they
are: a tag may be pushed long after it was created. ``known-tags.json`` stores the tags for the next
run. ``schema.json`` of the package describes the dictionaries.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from modelversions import Registry


def publish(location: str, directory: Path) -> None:
    """Write the files."""
    directory.mkdir(parents=True, exist_ok=True)
    state = directory / "known-tags.json"
    known = set(json.loads(state.read_text("utf-8"))) if state.exists() else set()
    with Registry.open(location) as registry:
        models = dict(registry.items())  # one snapshot
        events = [one for model in models.values() for one in model.history]
    versions = [one.to_dict() for model in models.values() for one in model.all_versions]
    write(directory / "models.json", [model.to_dict() for model in models.values()])
    write(directory / "versions.json", versions)
    write(directory / "events.json", [one.to_dict() for one in events if one.tag not in known])
    write(state, sorted(one.tag for one in events))  # last, so that a failed run is repeated


def write(path: Path, value: object) -> None:
    """Write a value as JSON; the file is replaced atomically."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(value, indent=1), encoding="utf-8")
    new.replace(path)


if __name__ == "__main__":
    publish(sys.argv[1], Path(sys.argv[2]))
