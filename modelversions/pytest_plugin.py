"""Fixtures for pytest: ``pytest_plugins = ["modelversions.pytest_plugin"]``.

A model has one version at a commit, so a test creates commits with ``testing.new_commit``::

    def test_deployment(model_registry):
        model_registry.register("churn", "v1.0.0")
        new_commit(model_registry)
        model_registry.register("churn", "v1.1.0")
"""

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
    """An empty registry in memory, with ten commits: ``HEAD~9`` to ``HEAD``."""
    return memory_registry(commits=10, clock=model_clock)
