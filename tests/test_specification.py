"""The specification in the package, and references to its rules."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from modelversions import EventKind, ProblemKind

TEXT = (files("modelversions") / "FORMAT.md").read_text(encoding="utf-8")
RULES = re.findall(r"^\*\*(F[0-9]+[a-c]?)\. ", TEXT, re.MULTILINE)


def test_the_rules_are_numbered() -> None:
    numbers = [rule for rule in RULES if rule[-1].isdigit()]
    assert numbers == [f"F{number}" for number in range(1, 25)]
    assert [rule for rule in RULES if not rule[-1].isdigit()] == ["F12a", "F12b", "F12c"]


def test_each_cited_rule_exists() -> None:
    package = Path(str(files("modelversions")))
    cited = {
        rule
        for path in [*package.rglob("*.py"), *Path(__file__).parent.rglob("*.py")]
        for rule in re.findall(r"\bF[0-9]{1,2}[a-c]?\b", path.read_text(encoding="utf-8"))
    }
    assert cited <= set(RULES)


def test_the_tables_list_each_kind() -> None:
    kinds = re.findall(r'^\| <a id="([a-z-]+)"></a>`\1` \|', TEXT, re.MULTILINE)
    assert kinds == [kind.value for kind in ProblemKind]
    events = re.findall(r"^\| <a id=[^|]* \| ([a-z]+) \| `\{model", TEXT, re.MULTILINE)
    assert events == list(EventKind)
