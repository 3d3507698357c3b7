"""Print the event of the tag that a CI job runs for: ``python ci_event.py [ref]``.

The default ref is ``GITHUB_REF``, or ``CI_COMMIT_TAG`` of GitLab. The result is printed as
``name=value`` lines, and appended to the file that ``GITHUB_OUTPUT`` names. If the ref is not an
event, the reason is printed and the exit status is 1.

A checkout action may have fetched the tag as a lightweight one, or not at all. So the tag is
fetched from ``origin`` and replaces the local one. The other tags of the registry are fetched too,
as they determine the version that a stage is assigned to.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from modelversions import Event, ModelVersionsError, Registry


def read_event(ref: str, directory: str = ".") -> Event:
    """Fetch the tag of a ref, and return its event."""
    full = ref if ref.startswith("refs/") else f"refs/tags/{ref}"
    if full.startswith("refs/tags/"):  # a branch would be overwritten
        command = ["git", "fetch", "--force", "origin", f"{full}:{full}"]
        subprocess.run(command, cwd=directory, check=False)
    with Registry.open(directory) as registry:
        registry.fetch()
        return registry.event(full, strict=True)


def outputs(event: Event) -> dict[str, str]:
    """Return the outputs of the job's step."""
    return {
        "event": str(event.kind),
        "model": event.model,
        "version": "" if event.version is None else str(event.version),
        "stage": event.stage or "",
        "commit": event.commit,
    }


def main(ref: str | None = None) -> None:
    """Print the outputs."""
    ref = ref or os.environ.get("GITHUB_REF") or os.environ.get("CI_COMMIT_TAG")
    if not ref:
        sys.exit("pass a ref, or set GITHUB_REF or CI_COMMIT_TAG")
    try:
        event = read_event(ref)
    except ModelVersionsError as error:
        sys.exit(str(error))
    lines = "".join(f"{name}={value}\n" for name, value in outputs(event).items())
    print(lines, end="")
    if "GITHUB_OUTPUT" in os.environ:
        with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
            file.write(lines)


if __name__ == "__main__":
    main(*sys.argv[1:])
