"""Rules for the writes of a registry.

A rule is a callable. It is called with the event that is about to be written and the registry as it
is before the write. It returns None to accept the event, or the reason to refuse it::

    def only_from_ci(event: Event, registry: RegistryView) -> str | None:
        return None if os.environ.get("CI") else "events are written by the pipeline"

    registry = Registry.open(rules=[only_from_ci, promotion("dev", "staging", "prod")])

If a rule refuses an event, nothing is written and the call raises ``RuleViolationError``, which
contains the name of the rule. Rules are also applied to dry runs and with ``force``, but not to
``delete_tags()``. If a call writes two events, such as ``assign(..., register=True)``, both are
checked against the registry before the call. Exceptions of a rule propagate to the caller.
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
    """Return a rule that a version must pass through the stages in order.

    A version may be assigned to a stage if it was ever assigned to the one before, at the commit
    where it is registered now. Stages that are not listed are not restricted.

    Args:
        stages: at least two stages, such as ``"dev", "staging", "prod"``.

    Raises:
        InvalidArgumentError: there are fewer stages, or one is passed twice.
        InvalidNameError: a name is not a valid stage name.
    """
    names = tuple(map(check_new_stage, stages))
    if len(names) < 2 or len(set(names)) < len(names):  # noqa: PLR2004  # an order needs two
        raise InvalidArgumentError(
            f"promotion() needs at least two different stages, in order, not {stages!r}",
            argument="stages",
            value=stages,
        )
    return _Promotion(names)


def increasing_versions() -> Rule:
    """Return a rule that a new version must be greater than all other versions of the model.

    Versions are compared by precedence (F2), which ignores build metadata. Deregistered versions
    are included. A version may be registered again if no greater one was ever registered.
    """
    return _IncreasingVersions()


def two_people(*stages: str) -> Rule:
    """Return a rule that a stage must be assigned by another person than the version's author.

    The author is the person who registered the version. Persons are compared by their e-mail
    addresses, ignoring case. These stages cannot be assigned to a version without a known author,
    or to a commit without a version.

    Args:
        stages: the stages, such as ``"prod"``.

    Raises:
        InvalidArgumentError: no stage is passed.
        InvalidNameError: a name is not a valid stage name.
    """
    names = tuple(map(check_new_stage, stages))
    if not names:
        raise InvalidArgumentError(
            "two_people() needs the stages to which it applies, such as two_people('prod')",
            argument="stages",
            value=stages,
        )
    return _TwoPeople(names)


def name_of(rule: Rule) -> str:
    """Return the name of a rule for messages: that of its function or class, or the ``repr``."""
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
        return f"{subject} was never in stage {before!r}; assign that stage to it first"

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
            return f"the author of {event.version or event.commit} is unknown"
        assigner = "" if event.author is None else event.author.email
        if author.email.lower() != assigner.lower():
            return None
        return f"{author} registered {event.version}; another person must assign {event.stage!r}"

    def __repr__(self) -> str:
        return f"two_people({', '.join(map(repr, self.stages))})"
