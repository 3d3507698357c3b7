"""A sample of the mutants is killed, and the table of survivors is about the code that there is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.mutation.code import ROOT, Code
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.results import TABLE, ModuleResult, Survivor, load, package, summary, tables
from tests.mutation.settings import Settings

pytestmark = pytest.mark.mutation

SETTINGS = Settings.load()
RESULTS = load()

SOURCE = '''"""A module."""
from typing import overload

LIMIT: int | None = 3


@overload
def double(number: int) -> int: ...


@cached
def double(number: int | str = 1) -> int | str:
    """Double it."""
    if number > LIMIT and (
        number
    ):
        call(number, key=1)
    return number * 2
'''
