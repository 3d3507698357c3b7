"""Run the examples in docstrings."""

from __future__ import annotations

import doctest
import pkgutil
from importlib import import_module

import pytest

import modelversions

MODULES = ["modelversions"] + [
    found.name for found in pkgutil.walk_packages(modelversions.__path__, "modelversions.")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module(name: str) -> None:
    module = import_module(name)
    assert doctest.testmod(module).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [test for name in MODULES for test in finder.find(import_module(name))]
    assert sum(len(test.examples) for test in found) >= 6
