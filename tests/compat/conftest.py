"""What several modules of this group need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.compat.gto import Gto, gto


@pytest.fixture(scope="module")
def judges() -> Iterator[list[Gto]]:
    """Two processes with GTO, for two cores."""
    with gto() as one, gto() as two:
        yield [one, two]
