"""Tables of the sentences that each implementation meets, in Markdown."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import attrs

from tests.conformance.building import Built, build
from tests.conformance.case import DIRECTORY, Case, Sentence, cases, sentences
from tests.conformance.comparison import Comparison, Verdict, compare

MARK = "<!-- conformance -->"
RESULTS = DIRECTORY / "RESULTS.md"
README = DIRECTORY.parents[1] / "README.md"
_LINK = "../../modelversions/FORMAT.md"


class Implementation(Protocol):
    """An implementation that answers the queries of cases."""

    name: str

    def answers(self, case: Case, built: Built) -> dict[str, Any]:
        """Make the calls of a case, and answer its queries as far as supported."""

    def close(self) -> None:
        """Release resources."""


@attrs.frozen
class Row:
    """A sentence, with a verdict for each implementation."""

    sentence: Sentence
    verdicts: tuple[Verdict, ...]


def run(implementation: Implementation) -> Iterator[tuple[Case, Comparison]]:
    """Run all cases, each in its own repository."""
    with TemporaryDirectory() as directory:
        for number, case in enumerate(cases()):
            built = build(case.repository, Path(directory, str(number)))
            yield case, compare(case, implementation.answers(case, built), built)


def verdicts(implementation: Implementation) -> dict[str, Verdict]:
    """Return the verdict on each sentence, combined from those on its cases."""
    found: dict[str, set[Verdict]] = {id: set() for id in sentences()}
    for case, comparison in run(implementation):
        for id in case.meets:
            found[id].add(comparison.verdict(id))
    return {id: _combined(several) for id, several in found.items()}


def _combined(several: set[Verdict]) -> Verdict:
    """Combine the verdicts on the cases of a sentence."""
    if Verdict.NOT_MET in several:
        return Verdict.NOT_MET
    return several.pop() if len(several) == 1 else Verdict.PARTLY


def rows(implementations: Sequence[Implementation]) -> list[Row]:
    """Return the rows of the table."""
    columns: list[Mapping[str, Verdict]] = [verdicts(one) for one in implementations]
    return [
        Row(sentence, tuple(column[id] for column in columns))
        for id, sentence in sentences().items()
    ]


def whole(found: Sequence[Row], names: Sequence[str]) -> str:
    """Return the table of all sentences."""
    lines = [_line(["sentence", *names]), "|---" * (len(names) + 1) + "|"]
    for row in found:
        link = f"[{row.sentence.id}]({_LINK}#{row.sentence.anchor}) {_short(row.sentence.text)}"
        lines.append(_line([link, *(verdict.value for verdict in row.verdicts)]))
    return "\n".join(lines)


def short(found: Sequence[Row], names: Sequence[str]) -> str:
    """Return the table of sections: the numbers of met sentences, of those with an answer."""
    lines = [_line(["sentences about", "number", *names]), "|---" * (len(names) + 2) + "|"]
    by_section = itertools.groupby(found, lambda row: row.sentence.section)
    groups = [(section, list(group)) for section, group in by_section]
    for section, group in [*groups, ("all", list(found))]:
        columns = zip(*(row.verdicts for row in group))
        lines.append(_line([section.lower(), str(len(group)), *map(_count, columns)]))
    return "\n".join(lines)


def _count(column: Sequence[Verdict]) -> str:
    answered = [one for one in column if one is not Verdict.UNANSWERED]
    met = sum(one is not Verdict.NOT_MET for one in answered)
    return f"{met} of {len(answered)}" if answered else "-"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _short(text: str) -> str:
    words = text if len(text) <= 100 else f"{text[:100].rpartition(' ')[0]} …"
    return words + "`" * (words.count("`") % 2)


def write(found: Sequence[Row], names: Sequence[str], versions: str) -> None:
    """Write both tables into ``RESULTS.md``, and the short one into the README."""
    text = RESULTS.read_text(encoding="utf-8").partition(MARK)[0]
    tables = f"{short(found, names)}\n\n{whole(found, names)}"
    RESULTS.write_text(f"{text}{MARK}\n{versions}\n\n{tables}\n", encoding="utf-8")
    readme = README.read_text(encoding="utf-8")
    before, _, rest = readme.partition(f"{MARK}\n")
    after = rest[rest.index("\n\n") :]
    README.write_text(f"{before}{MARK}\n{short(found, names)}{after}", encoding="utf-8")


def differences(implementation: Implementation) -> Iterator[str]:
    """Yield a line for each case that is not met."""
    for case, comparison in run(implementation):
        for path, text in comparison.different.items():
            yield f"{case}: {path}: {text}"
