"""The content of a page: repositories with their models and problems, and errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from modelversions.model.model import Model
from modelversions.values.problem import Problem
from modelversions.values.web_pages import WebPages


@attrs.frozen
class RepositoryContent:
    """The models of one repository."""

    name: str
    """The name in the catalog; empty for the page of one registry."""
    location: str
    pages: WebPages
    models: Mapping[str, Model]
    """By name, sorted."""
    problems: Sequence[Problem]
    until: datetime | None = None
    """The time of ``as_of()``; None for the current state."""


@attrs.frozen
class PageContent:
    """The content of a page."""

    title: str
    now: datetime
    """When the repositories were read."""
    repositories: Sequence[RepositoryContent]
    errors: Mapping[str, str] | None = None
    """By repository: the error with which it was not read. None for the page of one registry."""
