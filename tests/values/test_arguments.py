"""Numbers as arguments: the same ones are valid in all methods."""

from __future__ import annotations

from typing import Any

import pytest

from modelversions import Catalog, InvalidArgumentError, Registry
from modelversions.testing import memory_registry

NO_SECONDS = [True, 0, -1, float("nan"), 1e20, "30"]
NO_COUNTS = [True, -1, 1.5, "3"]


@pytest.mark.parametrize("value", NO_SECONDS)
def test_seconds(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="timeout must be a number of seconds above 0"):
        Registry.open("https://host/models.git", timeout=value)
    with pytest.raises(InvalidArgumentError, match="timeout must be a number of seconds above 0"):
        Catalog([], timeout=value)
    with pytest.raises(InvalidArgumentError, match="interval must be a positive number of seconds"):
        memory_registry().watch("m#prod", value)


@pytest.mark.parametrize("value", NO_COUNTS)
def test_counts(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="limit must be a non-negative integer, or None"):
        memory_registry().commits(limit=value)
    with pytest.raises(InvalidArgumentError, match="commits must be a non-negative integer"):
        memory_registry(commits=value)
    with pytest.raises(InvalidArgumentError, match="connections must be a number from 1 on"):
        Catalog([], connections=value)
