"""Publish the models of a team as one HTML file: ``python publish_page.py FILE LOCATION...``.

One location, a path or URL, is shown as a registry; several are shown as a catalog, with a column
for the repository. A CI job can run it each night and upload the file to a web server or to the
pages of a code host. If there is one location and it cannot be read, the file is not changed.
"""

from __future__ import annotations

import argparse
import sys

from modelversions import Catalog, ModelVersionsError, Registry


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


def main(arguments: list[str] | None = None) -> int:
    """Read the command line; return the exit status."""
    parser = argparse.ArgumentParser(description="Publish models as one HTML file.")
    parser.add_argument("file", help="the HTML file to write")
    parser.add_argument("locations", nargs="+", metavar="location", help="a path or URL")
    options = parser.parse_args(arguments)
    try:
        return min(publish(options.file, options.locations), 1)
    except ModelVersionsError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
