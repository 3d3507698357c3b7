"""Replace the code of functions in a running process by that of a mutant."""

from __future__ import annotations

import gc
import inspect
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType

from tests.mutation.code import ROOT
from tests.mutation.mutants import Mutant
from tests.mutation.reach import clear_caches

Key = tuple[str, str, int]
"""The file, name and first line of a function's code."""


class Functions:
    """The current functions of the package."""

    def __init__(self) -> None:
        """Find all functions, including those wrapped by a decorator."""
        self._known: dict[Key, list[FunctionType]] = {}
        for one in gc.get_objects():
            if isinstance(one, FunctionType) and str(one.__module__).startswith("modelversions."):
                self._known.setdefault(_key(one.__code__), []).append(one)

    def swap(self, mutant: Mutant) -> bool:
        """Replace the code of the functions that the mutant changes.

        Returns:
            False if the mutant changes code that is run by the import; then nothing is replaced.
        """
        if mutant.module not in sys.modules:
            return False
        file = ROOT / mutant.path
        original = compile(file.read_text(encoding="utf-8"), str(file), "exec", dont_inherit=True)
        mutated = compile(mutant.source, str(file), "exec", dont_inherit=True)
        changes = list(_changed_functions(original, mutated))
        if not changes or None in changes:
            return False
        for old, new in filter(None, changes):
            for function in self._known.get(_key(old), ()):
                try:
                    function.__code__ = new
                except ValueError:  # the free variables differ
                    return False
        clear_caches()
        return True


def _changed_functions(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType] | None]:
    """Yield the old and new code of functions; None if the code around them differs."""
    pairs = list(zip(_inner(old), _inner(new)))
    is_function = bool(old.co_flags & inspect.CO_OPTIMIZED)
    if is_function and old != new:
        yield old, new
    elif not is_function and _outside(old) != _outside(new):
        yield None
    for before, after in pairs:
        yield from _changed_functions(before, after)


def _inner(code: CodeType) -> Iterable[CodeType]:
    return (one for one in code.co_consts if isinstance(one, CodeType))


def _outside(code: CodeType) -> tuple[object, ...]:
    """Return the parts of code without the functions that it defines."""
    constants = [None if isinstance(one, CodeType) else (type(one), one) for one in code.co_consts]
    return code.co_code, code.co_names, constants


def _key(code: CodeType) -> Key:
    return code.co_filename, code.co_name, code.co_firstlineno
