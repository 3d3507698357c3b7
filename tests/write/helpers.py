"""Values and functions for several test modules."""

from __future__ import annotations

from typing import Any

from modelversions import (
    Event,
    Identity,
    Registry,
)

ANN = Identity("Ann", "ann@example.com")


METHODS = ["register", "deregister", "assign", "unassign", "deprecate"]


def do(registry: Registry, method: str, *arguments: Any, **options: Any) -> Event:
    event = getattr(registry, method)(*arguments, author=ANN, **options)
    assert isinstance(event, Event)
    return event


def held(registry: Registry) -> dict[str, str]:
    return {stage: version.name for stage, version in registry["m"].stages.items()}
