"""Publish the models of a team as one HTML file: ``python publish_page.py FILE LOCATION...``.

One location, a path or URL, is shown as a registry; several are shown as a catalog, with a column
for the repository. A job in CI can run it each night and upload the file to a web server, or to the
pages of a code host.
"""

from __future__ import annotations

import sys

from modelversions import Catalog, Registry


def publish(file: str, locations: list[str]) -> int:
    """Write the file; return the number of repositories that could not be read."""
    if len(locations) == 1:
        with Registry.open(locations[0]) as registry:
            registry.to_html(file, title="Our models")
        return 0
    catalog = Catalog(locations)
    catalog.to_html(file, title="Our models")
    for name, error in catalog.errors.items():
        print(f"{name}: {error}", file=sys.stderr)
    return len(catalog.errors)


if __name__ == "__main__":
    sys.exit(min(publish(sys.argv[1], sys.argv[2:]), 1))
