"""Additional operators; those of cosmic-ray change neither calls nor whole statements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cosmic_ray.operators.operator import Example, Operator
from parso import parse

_TESTED_STATEMENTS = frozenset({"raise_stmt", "atom_expr"})


class RemoveStatement(Operator):  # type: ignore[misc]  # cosmic-ray has no types
    """Replace an assignment to an attribute or item, a call or a raise by ``pass``.

    Removing the assignment of a variable would cause a NameError in nearly all cases.
    """

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if _is_removable(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002
        return _in_place_of(node, "pass")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("a.b = c", "pass"), Example("f(a)", "pass"), Example("a[b] += 1", "pass"))


class ReturnNone(Operator):  # type: ignore[misc]
    """Return None in place of a value."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "return_stmt" and node.children[1].get_code().strip() != "None":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002
        return _in_place_of(node, "return None")

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("def f(): return a", "def f(): return None"),)


class RemoveKeywordArgument(Operator):  # type: ignore[misc]
    """Remove a keyword argument from a call."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        for child in _keyword_arguments(node):
            yield child.start_pos, child.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        removed = _keyword_arguments(node)[index]
        at = node.children.index(removed)
        comma = at + 1 < len(node.children) and node.children[at + 1].get_code().strip() == ","
        del node.children[at : at + 1 + comma]
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("f(a, b=c)", "f(a,)"), Example("f(b=c)", "f()"))


OPERATORS = (RemoveStatement, ReturnNone, RemoveKeywordArgument)


def _is_removable(node: Any) -> bool:
    if node.parent is None or node.parent.type != "simple_stmt":
        return False
    if node.type == "expr_stmt":
        target, following, *_ = node.children
        return bool(target.type == "atom_expr" and following.type != "annassign")
    return bool(node.type in _TESTED_STATEMENTS)


def _keyword_arguments(node: Any) -> list[Any]:
    if node.type not in ("arglist", "trailer"):
        return []
    named = [one for one in node.children if one.type == "argument"]
    return [one for one in named if one.children[1].get_code().strip() == "="]


def _in_place_of(node: Any, code: str) -> Any:
    parsed = parse(code).children[0]
    parsed.get_first_leaf().prefix = node.get_first_leaf().prefix
    parsed.parent = node.parent
    return parsed
