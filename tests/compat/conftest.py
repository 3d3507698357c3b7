"""Fixtures of the tests that compare with C git and GTO."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.compat.gto import Gto, gto


@pytest.fixture(scope="module")
def references() -> Iterator[list[Gto]]:
    """Two processes with GTO, the reference implementation, for two cores."""
    with gto() as one, gto() as two:
        yield [one, two]
