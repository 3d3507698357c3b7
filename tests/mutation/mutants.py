"""Mutants: copies of a module with one change by an operator of cosmic-ray."""

from __future__ import annotations

import hashlib
import pickle
import warnings
from collections.abc import Iterator
from typing import Any

import attrs

from tests.mutation.code import ROOT, Code, Position


@attrs.frozen
class Mutant:
    """A module with one change."""

    path: str
    """The path of the module, from the root of the repository."""
    function: str
    """The qualified name of the innermost changed function or class; empty at module level."""
    operator: str
    line: int
    before: str
    """The changed lines, joined."""
    after: str
    source: str = attrs.field(repr=False)
    """The text of the whole module."""

    @property
    def module(self) -> str:
        """The name to import."""
        return self.path.removesuffix(".py").replace("/", ".")

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Identifies the mutant even if other code of the module changes."""
        return self.path, self.function, self.before, self.after


def mutants(path: str, one_in: int = 1) -> Iterator[Mutant]:
    """Yield the mutants of a module.

    Annotations and overloads are not changed, as they are never evaluated.

    Args:
        path: the path, from the root of the repository.
        one_in: yield a sample of one in this number, which depends on the code only.
    """
    source = (ROOT / path).read_text(encoding="utf-8")
    code = Code(source)
    seen = {source}
    for operator, position, mutated in _mutations(source, code, one_in):
        if mutated in seen or not _compiles(mutated):
            continue
        seen.add(mutated)
        before, after = _difference(source, mutated)
        yield Mutant(
            path, code.function(position[0]), operator, position[0], before, after, mutated
        )


def _mutations(source: str, code: Code, one_in: int) -> Iterator[tuple[str, Position, str]]:
    """Yield the name of an operator, the start of the change, and the changed source."""
    from cosmic_ray.ast import ast_nodes, get_ast

    from tests.mutation.operators import OPERATORS

    lines = source.splitlines()
    tree = get_ast(source)
    pickled = pickle.dumps(tree)
    nodes = list(ast_nodes(tree))
    for operator in [one() for one in (*_core_operators(), *OPERATORS)]:
        for index, node in enumerate(nodes):
            for occurrence, (start, _) in enumerate(operator.mutation_positions(node)):
                drawn = _draw(lines[start[0] - 1], start[1], type(operator).__name__, occurrence)
                if drawn % one_in or code.is_excluded(start) or _is_separator(node):
                    continue
                copied = pickle.loads(pickled)
                target = list(ast_nodes(copied))[index]
                _replace(target, operator.mutate(target, occurrence))
                yield type(operator).__name__, start, copied.get_code()


def _is_separator(node: Any) -> bool:
    """Return whether a node separates parameters: cosmic-ray treats it as an operator."""
    return bool(node.type == "operator" and node.parent.type == "parameters")


def _draw(*key: object) -> int:
    """Return a number that depends on the key only."""
    return int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8], "big")


def _core_operators() -> Iterator[Any]:
    """Yield the operators of cosmic-ray that need no arguments."""
    from cosmic_ray.plugins import get_operator, operator_names

    for name in operator_names():
        operator = get_operator(name)
        if not operator.arguments():
            yield operator


def _replace(node: Any, mutated: Any) -> None:
    """Replace a node by the result of an operator; None removes it."""
    if mutated is not node:
        siblings = node.parent.children
        index = siblings.index(node)
        siblings[index : index + 1] = [] if mutated is None else [mutated]


def _compiles(source: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # as in the tests
        try:
            compile(source, "mutant", "exec", dont_inherit=True)
        except SyntaxError:
            return False
    return True


def _difference(source: str, mutated: str) -> tuple[str, str]:
    """Return the lines that differ, before and after."""
    old, new = ([line.strip() for line in one.splitlines()] for one in (source, mutated))
    old, new = list(filter(None, old)), list(filter(None, new))
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return " ".join(old), " ".join(new)
