"""Values and functions that several test modules use."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from modelversions import (
    AuthenticationError,
    Identity,
    Registry,
)

ANN = Identity("Ann", "ann@example.com")


WHEN = datetime(2024, 1, 1, tzinfo=timezone.utc)


SECRET = "p@ss w:rd"  # noqa: S105  # must be quoted in a URL


def refused(remote_registry: Registry) -> AuthenticationError:
    """Return the error of a server that denies access."""
    with remote_registry, pytest.raises(AuthenticationError) as caught:
        len(remote_registry)
    return caught.value
