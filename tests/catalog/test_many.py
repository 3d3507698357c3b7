"""Many repositories behind nginx and ``git daemon``, some of which fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.catalog.many import FAILURES, measure

pytestmark = pytest.mark.remote


def test_many_repositories(tmp_path: Path) -> None:
    found = measure(tmp_path, 200)
    assert (found["shown"], found["errors"]) == (180, 20)
    assert (found["rows"], found["models"]) == (1800, 1800)
    causes = found["causes"]
    assert isinstance(causes, dict)
    assert {cause.split(":")[0] for cause in causes} == set(FAILURES)
    assert found["exchanges of a refresh"] == 1  # it lists the tags, and reads no object
