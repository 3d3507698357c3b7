"""A unit test of code that uses a registry: ``pytest examples/test_deployment.py``."""

from __future__ import annotations

import pytest

from modelversions import Registry, StageNotFoundError
from modelversions.testing import memory_registry, new_commit


def image_to_deploy(registry: Registry, model: str) -> str:
    """Return the container image of the version in prod: the code under test."""
    version = registry.resolve(f"{model}#prod")
    return f"{model}:{version.name}-{version.commit[:7]}"


def test_the_image_is_that_of_the_version_in_prod() -> None:
    """The image changes with the assignment."""
    registry = memory_registry(
        {"churn": ["v1.0.0", "v1.1.0"]}, stages={"churn": {"prod": "v1.0.0"}}
    )
    version = registry["churn"]["v1.0.0"]
    assert image_to_deploy(registry, "churn") == f"churn:v1.0.0-{version.commit[:7]}"

    new_commit(registry)
    registry.register("churn", "v2.0.0")
    registry.assign("churn", "v2.0.0", "prod")
    assert image_to_deploy(registry, "churn").startswith("churn:v2.0.0-")


def test_no_version_in_prod() -> None:
    """An empty stage raises an error."""
    with pytest.raises(StageNotFoundError):
        image_to_deploy(memory_registry({"churn": ["v1.0.0"]}), "churn")
