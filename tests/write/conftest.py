"""Fixtures for tests of writing."""

from __future__ import annotations

import pytest

from tests.builders import Builder


@pytest.fixture(params=["memory", "disk"])
def example(request: pytest.FixtureRequest) -> Builder:
    """Commits c1 <- c2 <- c3. First v1.0.0 at c1 was in prod; now v2.0.0 at c2 is."""
    builder = request.getfixturevalue("builder" if request.param == "memory" else "disk")
    assert isinstance(builder, Builder)
    builder.commit("c2", 1, "c1")
    builder.commit("c3", 2, "c2")
    builder.tag("m@v1.0.0", "c1", 10)
    builder.tag("m@v2.0.0", "c2", 20)
    builder.tag("m#prod#1", "c1", 30)
    builder.tag("m#prod#2", "c2", 40)
    return builder
