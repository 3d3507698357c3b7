"""The functions, statements and annotations of a module, by position."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]

Position = tuple[int, int]
"""A line, from 1 on, and a column, from 0 on."""


class Code:
    """A parsed module."""

    def __init__(self, source: str) -> None:
        """Parse the source of a module."""
        self._excluded: list[tuple[Position, Position]] = []
        self._functions: list[tuple[range, range, str]] = []
        """For each function and class: all lines, those of the body, and the qualified name."""
        self._statements: list[range] = []
        """The lines of simple statements, and of the headers of compound statements."""
        self._add(ast.parse(source), "")

    def is_excluded(self, position: Position) -> bool:
        """Return whether a position is in code that is never evaluated (annotations, overloads)."""
        return any(start <= position < end for start, end in self._excluded)

    def function(self, line: int) -> str:
        """Return the qualified name of the innermost function or class; empty at module level."""
        return next((name for lines, _, name in reversed(self._functions) if line in lines), "")

    @property
    def names(self) -> set[str]:
        """The qualified names of the functions and classes, and an empty name for the module."""
        return {"", *(name for *_, name in self._functions)}

    def reached_by(self, line: int) -> range | None:
        """Return the lines that show which tests run the code of a line.

        Returns:
            The statement in a function; the body for the header of a function, which is run by the
            import; None for other statements that the import runs.
        """
        for lines, body, _ in reversed(self._functions):
            if line in body:
                return next((one for one in reversed(self._statements) if line in one), body)
            if line in lines and body:
                return body
        return None

    def _add(self, node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                name = f"{prefix}.{child.name}".lstrip(".")
                self._functions.append((*_lines(child), name))
            if isinstance(child, (ast.stmt, ast.excepthandler)):
                body = getattr(child, "body", None)
                end = body[0].lineno if body else _end(child)[0] + 1
                self._statements.append(range(child.lineno, max(end, child.lineno + 1)))
            self._exclude(child)
            self._add(child, name)

    def _exclude(self, node: ast.AST) -> None:
        found: list[ast.expr | ast.stmt | None] = []
        if isinstance(node, ast.FunctionDef):
            found = [node.returns]
            if any(ast.unparse(one) == "overload" for one in node.decorator_list):
                found = [*node.decorator_list, node]
        elif isinstance(node, (ast.arg, ast.AnnAssign)):
            found = [node.annotation]
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            found = [node]
        for one in found:
            if one is not None:
                line, column = one.lineno, one.col_offset
                is_decorator = isinstance(node, ast.FunctionDef) and one is not node.returns
                self._excluded.append(((line, 0 if is_decorator else column), _end(one)))


def _end(node: ast.expr | ast.stmt | ast.excepthandler) -> Position:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return node.end_lineno, node.end_col_offset


def _lines(node: ast.FunctionDef | ast.ClassDef) -> tuple[range, range]:
    """Return all lines with the decorators, and those of a function's body."""
    first = min(one.lineno for one in [node, *node.decorator_list])
    end = _end(node)[0] + 1
    body = range(node.body[0].lineno, end) if isinstance(node, ast.FunctionDef) else range(0)
    return range(first, end), body
