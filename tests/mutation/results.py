"""The results of the runs: counts, and the mutants that survived, each with a reason.

``results.json`` is the data; ``RESULTS.md`` is written from it. Reasons are written by hand, into
``results.json``, and kept as long as the mutant exists.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs

from tests.mutation.mutants import Mutant
from tests.mutation.processes import Outcome

FOLDER = Path(__file__).parent
DATA = FOLDER / "results.json"
TABLE = FOLDER / "RESULTS.md"


@attrs.frozen
class Survivor:
    """A mutant that no test distinguishes from the module."""

    function: str
    before: str
    after: str
    reason: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What identifies the mutant in its module."""
        return self.function, self.before, self.after


@attrs.frozen
class ModuleResult:
    """The result of one module."""

    mutants: int
    killed: int
    timeouts: int
    survivors: tuple[Survivor, ...]


Results = dict[str, ModuleResult]
"""By the path of the module."""


def load() -> Results:
    """Read ``results.json``."""
    data = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else {}
    return {path: _result(**fields) for path, fields in data.items()}


def save(results: Results) -> None:
    """Write ``results.json`` and ``RESULTS.md``."""
    data = {path: attrs.asdict(one) for path, one in sorted(results.items())}
    DATA.write_text(f"{json.dumps(data, indent=2, ensure_ascii=False)}\n", encoding="utf-8")


def _result(survivors: list[dict[str, str]], **fields: Any) -> ModuleResult:
    return ModuleResult(**fields, survivors=tuple(Survivor(**one) for one in survivors))


def summarize(found: Iterable[tuple[Mutant, Outcome]], known: Results) -> Results:
    """Return the results by module, with the reasons that are known."""
    by_path: dict[str, list[tuple[Mutant, Outcome]]] = {}
    for mutant, outcome in found:
        by_path.setdefault(mutant.path, []).append((mutant, outcome))
    return {path: _summary(own, known.get(path)) for path, own in by_path.items()}


def _summary(found: list[tuple[Mutant, Outcome]], known: ModuleResult | None) -> ModuleResult:
    reasons = {one.key: one.reason for one in known.survivors} if known else {}
    alive = [mutant for mutant, outcome in found if outcome is Outcome.SURVIVED]
    alive.sort(key=lambda one: (one.line, one.operator, one.after))
    survivors = [Survivor(one.function, one.before, one.after) for one in alive]
    timeouts = sum(outcome is Outcome.TIMEOUT for _, outcome in found)
    return ModuleResult(
        mutants=len(found),
        killed=len(found) - len(alive),
        timeouts=timeouts,
        survivors=tuple(attrs.evolve(one, reason=reasons.get(one.key, "")) for one in survivors),
    )
