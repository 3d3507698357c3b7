"""The text of a page: the template, with the style sheet, the scripts and the data inserted.

``page.html`` refers to the files in its directory. Their text replaces the references, so that the
page is one file. Its Content-Security-Policy allows nothing else; it has their hashes.
"""

from __future__ import annotations

import functools
import html
import json
import re
from base64 import b64encode
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from importlib.resources import files

from modelversions.display.markup import clean
from modelversions.display.page.content import PageContent, RepositoryContent
from modelversions.display.page.encoding import JsonObject, page_data
from modelversions.gc_pause import gc_paused

_FILE = re.compile(
    r'<link rel="stylesheet" href="(?P<style>[\w.]+)">|<script src="(?P<script>[\w.]+)"></script>'
)
_GAPS = re.compile(
    r"(?P<title>(?<=<title>)Models(?=</title>))"
    r'|(?P<data>(?<=<script type="application/json" id="data~">)(?=</script>))'
    r"|(?P<models><!-- models -->)"
)


def registry_page(repository: RepositoryContent, title: str, now: datetime) -> str:
    """Return the page of one registry."""
    return page_text(PageContent(title, now, [repository]))


@gc_paused
def page_text(content: PageContent) -> str:
    """Return a page as the text of one HTML file."""
    head, details = page_data(content)
    parts = {
        "title": lambda: html.escape(clean(content.title)),
        "data": lambda: _json(head),
        "models": lambda: "\n".join(_data_scripts(details)),
    }
    return _GAPS.sub(lambda match: parts[str(match.lastgroup)](), template())


def _data_scripts(details: Iterable[JsonObject]) -> Iterable[str]:
    for one in details:
        yield f'<script type="application/json" class="model-data">{_json(one)}</script>'


def _json(value: JsonObject) -> str:
    """Return JSON without characters that end a script or begin a comment in HTML."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), check_circular=False)
    return text.replace("<", r"\u003c").replace(">", r"\u003e")


@functools.cache
def template() -> str:
    """Return the template with the style sheet and the scripts inserted, and their hashes."""
    hashes: dict[str, list[str]] = {"style": [], "script": []}

    def insert(match: re.Match[str]) -> str:
        kind = str(match.lastgroup)
        text = f"\n{_read(match[kind])}"
        digest = b64encode(sha256(text.encode()).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
        return f"<{kind}>{text}</{kind}>"

    text = _FILE.sub(insert, _read("page.html"))
    for kind, found in hashes.items():
        text = text.replace(f"{kind}-src 'self'", f"{kind}-src {' '.join(found)}", 1)
    return text


def _read(name: str) -> str:
    return files("modelversions.display.page").joinpath(name).read_text(encoding="utf-8")
