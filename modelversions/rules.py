"""Rules that a registry's writes must follow: ready-made ones, and what a rule is.

A rule is a callable. It is called with the event that is about to be written and the registry as it
is before the write, and returns None to accept the event, or the reason to refuse it::

    def only_from_ci(event: Event, registry: RegistryView) -> str | None:
        return None if os.environ.get("CI") else "events are written by the pipeline"

    registry = Registry.open(rules=[only_from_ci, promotion("dev", "staging", "prod")])

A refusal is a ``RuleViolationError`` which names the rule; nothing is written then. Rules are
applied to dry runs and with ``force`` too, not to ``delete_tags()``. If a call writes two events,
such as ``assign(..., register=True)``, both are checked against the registry before the call. What
a rule raises is raised by the call.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from modelversions.errors import InvalidArgumentError
from modelversions.registry_view import RegistryView
from modelversions.values.event import Event
from modelversions.values.tag_name import EventKind, check_new_stage

__all__ = ["Rule", "increasing_versions", "promotion", "two_people"]

Rule = Callable[[Event, RegistryView], str | None]
"""Returns the reason to refuse an event, or None."""


def promotion(*stages: str) -> Rule:
    """Return the rule that a version goes through stages in their order.

    A version may be assigned to a stage if it was ever assigned to the one before, at the commit
    where it is registered now. Stages that are not listed are not restricted.

    Args:
        stages: at least two stages, such as ``"dev", "staging", "prod"``.

    Raises:
        InvalidArgumentError: there are fewer, or one is given twice.
        InvalidNameError: one cannot name a stage.
    """
    names = tuple(map(check_new_stage, stages))
    if len(names) < 2 or len(set(names)) < len(names):  # noqa: PLR2004  # an order needs two
        raise InvalidArgumentError(
            f"promotion() needs at least two different stages, in their order, not {stages!r}",
            argument="stages",
            value=stages,
        )
    return _Promotion(names)


def increasing_versions() -> Rule:
    """Return the rule that a registered version is greater than all others of the model so far.

    The versions are compared by precedence (F2), for which build metadata does not count;
    deregistered versions do. A version may be registered again if no greater one ever was.
    """
    return _IncreasingVersions()


def two_people(*stages: str) -> Rule:
    """Return the rule that who assigns a stage is not who registered the version.

    People are compared by their e-mail addresses, without regard to case. A version without a known
    author cannot be assigned to these stages, nor can a commit without a version.

    Args:
        stages: the stages, such as ``"prod"``.

    Raises:
        InvalidArgumentError: there is none.
        InvalidNameError: one cannot name a stage.
    """
    names = tuple(map(check_new_stage, stages))
    if not names:
        raise InvalidArgumentError(
            "two_people() needs the stages that it is about, such as two_people('prod')",
            argument="stages",
            value=stages,
        )
    return _TwoPeople(names)


def name_of(rule: Rule) -> str:
    """Return the name of a rule for messages: that of a function, or the ``repr``."""
    name = getattr(rule, "__name__", None)
    if name is None and "__repr__" not in vars(type(rule)):
        name = type(rule).__name__
    return str(name or repr(rule))


FACTORIES: tuple[object, ...] = (promotion, increasing_versions, two_people)
"""The functions that return rules."""


@attrs.frozen(repr=False)
class _Promotion:
    stages: tuple[str, ...]

    def __call__(self, event: Event, registry: RegistryView) -> str | None:
        if event.kind is not EventKind.ASSIGNMENT or event.stage not in self.stages[1:]:
            return None
        before = self.stages[self.stages.index(event.stage) - 1]
        model = registry.get(event.model)
        subject = event.version or event.commit
        if any(
            one.kind is EventKind.ASSIGNMENT
            and one.stage == before
            and one.commit == event.commit
            and subject == (one.version or one.commit)
            for one in (() if model is None else model.history)
        ):
            return None
        return f"{subject} was never in stage {before!r}; assign it to that one first"

    def __repr__(self) -> str:
        return f"promotion({', '.join(map(repr, self.stages))})"


@attrs.frozen(repr=False)
class _IncreasingVersions:
    def __call__(self, event: Event, registry: RegistryView) -> str | None:
        if event.kind is not EventKind.REGISTRATION or event.version is None:
            return None
        model = registry.get(event.model)
        known = () if model is None else model.all_versions
        others = [one.semver for one in known if one.semver not in (None, event.version)]
        greatest = max((one for one in others if one is not None), default=None)
        if greatest is None or event.version.precedence > greatest.precedence:
            return None
        return f"{event.version} is not greater than {greatest}, which was registered before"

    def __repr__(self) -> str:
        return "increasing_versions()"


@attrs.frozen(repr=False)
class _TwoPeople:
    stages: tuple[str, ...]

    def __call__(self, event: Event, registry: RegistryView) -> str | None:
        if event.kind is not EventKind.ASSIGNMENT or event.stage not in self.stages:
            return None
        model = registry.get(event.model)
        known = () if model is None or event.version is None else model.all_versions
        author = next((one.author for one in known if one.semver == event.version), None)
        if author is None:
            return f"it is not known who registered {event.version or event.commit}"
        assigner = "" if event.author is None else event.author.email
        if author.email.lower() != assigner.lower():
            return None
        return f"{author} registered {event.version}; someone else must assign {event.stage!r}"

    def __repr__(self) -> str:
        return f"two_people({', '.join(map(repr, self.stages))})"
