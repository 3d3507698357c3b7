"""Compare the expected answers of a case with those of an implementation."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from tests.conformance.building import Built
from tests.conformance.case import Case


class Verdict(enum.Enum):
    """Whether a case, or a sentence, is met."""

    MET = "yes"
    PARTLY = "in part"
    UNANSWERED = "-"
    NOT_MET = "no"


@attrs.frozen
class Comparison:
    """Different, missing and equal answers, each by its path in ``expect``."""

    different: Mapping[str, str]
    unanswered: frozenset[str]
    answered: frozenset[str]
    """The paths of the answers that are as expected."""

    def verdict(self, sentence: str) -> Verdict:
        """Return whether a sentence is met.

        For a kind of problem, the problems of the case are compared; for other sentences, all else.
        """
        paths = self.answered.union(self.unanswered, self.different)
        own = {
            path for path in paths if ("problems" in path) is not sentence.startswith("F")
        } or paths
        if own.intersection(self.different):
            return Verdict.NOT_MET
        return Verdict.UNANSWERED if own & self.unanswered else Verdict.MET


def compare(case: Case, answers: Mapping[str, Any], built: Built) -> Comparison:
    """Compare the answers to each query of a case.

    Args:
        case: the case with the expected answers.
        answers: the answers in the same form; missing keys were not answered.
        built: the repository of the case, for its labels.
    """
    different: dict[str, str] = {}
    unanswered: set[str] = set()
    answered: set[str] = set()
    for path, expected, answer in (*_pairs(case.expect, answers), *_calls(case, answers)):
        if answer is UNKNOWN:
            unanswered.add(path)
        elif _is_same(path, _expanded(expected, built), answer):
            answered.add(path)
        else:
            different[path] = f"{_short(expected)} expected, not {_short(answer)}"
    return Comparison(different, frozenset(unanswered), frozenset(answered))


def _is_same(path: str, expected: object, answer: object) -> bool:
    """Return whether an answer is as expected; the reason of an error may differ."""
    return expected == answer or (path.endswith("refused") and answer is True)


UNKNOWN = object()
"""Marks a missing answer."""
_PARTIAL = ("models", "events", "artifacts", "registered")
"""Answers by name, of which a case may contain only some names and fields."""


def _pairs(
    expect: Mapping[str, Any], answers: Mapping[str, Any], start: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield the path of each query with the expected and the given answer."""
    for key, expected in expect.items():
        path, given = f"{start}{key}", answers.get(key, UNKNOWN)
        if key not in _PARTIAL or not isinstance(given, Mapping):
            yield path, expected, given
            continue
        for name, fields in expected.items():
            found = given.get(name)
            if fields is None or found is None:
                yield f"{path}.{name}", fields, found
            else:
                yield from _pairs(fields, found, f"{path}.{name}.")


def _calls(case: Case, answers: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield the path of each call with the expected and the given event or error."""
    given = answers.get("calls", [{}] * len(case.calls))
    for number, (call, found) in enumerate(zip(case.calls, given)):
        expected = {"refused": call["refused"]} if "refused" in call else call["writes"]
        if not found:
            yield f"calls[{number}]", expected, UNKNOWN
        elif ("refused" in call) != ("refused" in found):
            yield f"calls[{number}]", expected, found
        else:
            for field, value in expected.items():
                yield f"calls[{number}].{field}", value, found.get(field, UNKNOWN)


def _expanded(expected: Any, built: Built) -> Any:
    """Replace labels by IDs, and descriptions of large texts by the texts."""
    if isinstance(expected, str) and "${" in expected:
        return built.text(expected)
    if isinstance(expected, list) and any(isinstance(one, dict) for one in expected):
        is_text = any("repeat" in one for one in expected if isinstance(one, dict))
        return built.text(expected) if is_text else [_expanded(one, built) for one in expected]
    if isinstance(expected, dict):
        return {key: _expanded(value, built) for key, value in expected.items()}
    return expected


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 300 else f"{text[:300]}…"
