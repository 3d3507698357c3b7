"""The results of the runs: counts, and the surviving mutants, each with a reason.

``results.json`` has the data; ``RESULTS.md`` is written from it. The reasons are written by hand
into ``results.json``, and kept as long as the mutant survives.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import attrs

from tests.mutation.mutants import Mutant
from tests.mutation.processes import Outcome

DIRECTORY = Path(__file__).parent
DATA = DIRECTORY / "results.json"
TABLE = DIRECTORY / "RESULTS.md"
_MARKER = "<!-- results -->\n"


@attrs.frozen
class Survivor:
    """A mutant that no test distinguishes from the module."""

    function: str
    before: str
    after: str
    reason: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Identifies the mutant in its module."""
        return self.function, self.before, self.after


@attrs.frozen
class ModuleResult:
    """The result of one module, or the sum of several."""

    mutants: int
    timeouts: int
    """The mutants whose tests were stopped; they count as killed."""
    survivors: tuple[Survivor, ...]
    one_in: int = 1
    """The mutants are a sample of one in this number."""

    @property
    def killed(self) -> int:
        """The number of killed mutants."""
        return self.mutants - len(self.survivors)

    @property
    def percent(self) -> float:
        """The percentage of killed mutants."""
        return 100 * self.killed / self.mutants if self.mutants else 100.0

    def cells(self) -> tuple[str, ...]:
        """Return the cells of a row."""
        numbers = self.mutants, self.killed, self.timeouts, len(self.survivors)
        return (*(f"{number:,}" for number in numbers), f"{self.percent:.1f} %")

    def __str__(self) -> str:
        """Return the numbers."""
        return f"{self.killed} of {self.mutants} killed ({self.percent:.1f} %)"


Results = dict[str, ModuleResult]
"""By the path of the module."""


def load() -> Results:
    """Read ``results.json``."""
    data = json.loads(DATA.read_text(encoding="utf-8")) if DATA.exists() else {}
    return {path: _result(**fields) for path, fields in data.items()}


def save(results: Results) -> None:
    """Write ``results.json``, and the tables of ``RESULTS.md``."""
    data = {path: attrs.asdict(one) for path, one in sorted(results.items())}
    DATA.write_text(f"{json.dumps(data, indent=1, ensure_ascii=False)}\n", encoding="utf-8")
    text = TABLE.read_text(encoding="utf-8").partition(_MARKER)[0]
    TABLE.write_text(f"{text}{_MARKER}{tables(results)}", encoding="utf-8")


def _result(survivors: list[dict[str, str]], **fields: Any) -> ModuleResult:
    return ModuleResult(**fields, survivors=tuple(Survivor(**one) for one in survivors))


def summary(
    found: Sequence[tuple[Mutant, Outcome]], one_in: int, known: ModuleResult | None
) -> ModuleResult:
    """Return the result of a module, with the known reasons."""
    reasons = {one.key: one.reason for one in known.survivors} if known else {}
    alive = [mutant for mutant, outcome in found if outcome is Outcome.SURVIVED]
    alive.sort(key=lambda one: (one.line, one.operator, one.after))
    survivors = [Survivor(one.function, one.before, one.after) for one in alive]
    return ModuleResult(
        mutants=len(found),
        timeouts=sum(outcome is Outcome.TIMEOUT for _, outcome in found),
        survivors=tuple(attrs.evolve(one, reason=reasons.get(one.key, "")) for one in survivors),
        one_in=one_in,
    )


def package(results: Results, name: str) -> ModuleResult:
    """Return the sum of a package's modules; all of them for an empty name."""
    own = [one for path, one in results.items() if path.startswith(f"modelversions/{name}")]
    return ModuleResult(
        mutants=sum(one.mutants for one in own),
        timeouts=sum(one.timeouts for one in own),
        survivors=tuple(survivor for one in own for survivor in one.survivors),
    )


def tables(results: Results) -> str:
    """Return the two tables, in Markdown."""
    rows = [(f"{path}{_sample(one)}", *one.cells()) for path, one in sorted(results.items())]
    packages = sorted({path.rpartition("/")[0] for path in results})
    sums = [(f"**{one}**", *package(results, one.partition("/")[2]).cells()) for one in packages]
    numbers = _table(
        ("module", "mutants", "killed", "of which stopped", "survived", "killed"),
        [
            *(row for row in rows if row[1] != "0"),
            *sums,
            ("**all**", *package(results, "").cells()),
        ],
    )
    titles = ("module, function", "code", "mutants", "reason for survival")
    return f"\n{numbers}\n## Survivors\n\n{_table(titles, _survivors(results))}"


def _sample(result: ModuleResult) -> str:
    return f" (one in {result.one_in})" if result.one_in > 1 else ""


def _survivors(results: Results) -> Iterator[tuple[str, ...]]:
    """Yield a row for mutants of the same code that survived for the same reason."""
    for path, result in sorted(results.items()):
        module = path.removeprefix("modelversions/")
        same = groupby(result.survivors, key=lambda one: (one.function, one.before, one.reason))
        for (function, before, reason), own in same:
            afters = "<br>".join(_code(one.after) for one in own)
            location = f"{module}<br>{function}" if function else module
            yield location, _code(before), afters, reason


def _code(text: str) -> str:
    """Return code as HTML for a cell: a vertical bar would end a cell of Markdown."""
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), ("|", "&#124;"), ("*", "&#42;")):
        text = text.replace(char, entity)
    for char in "_`[":
        text = text.replace(char, f"&#{ord(char)};")
    return f"<code>{text}</code>" if text else "(removed)"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
