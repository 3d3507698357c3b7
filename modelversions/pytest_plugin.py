"""Fixtures for pytest: ``pytest_plugins = ["modelversions.pytest_plugin"]``."""

from __future__ import annotations

import pytest

from modelversions.registry import Registry
from modelversions.testing import FixedClock, memory_registry


@pytest.fixture
def model_clock() -> FixedClock:
    """The clock of ``model_registry``."""
    return FixedClock()


@pytest.fixture
def model_registry(model_clock: FixedClock) -> Registry:
    """An empty registry in memory, with one commit."""
    return memory_registry(clock=model_clock)
