"""Rules for writes: those of the package, and when rules are called."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any

import pytest

from modelversions import (
    Event,
    Identity,
    InvalidArgumentError,
    InvalidNameError,
    Registry,
    RegistryView,
    RuleViolationError,
)
from modelversions.rules import Rule, increasing_versions, promotion, two_people
from modelversions.testing import AUTHOR, FixedClock, memory_registry, new_commit
from tests.builders import Builder

BOB = Identity("Bob", "bob@example.com")


def registry_with(*rules: Rule) -> Registry:
    return memory_registry({"m": ["v1.0.0", "v2.0.0"]}, rules=rules)


def rejects_all(event: Event, registry: RegistryView) -> str | None:
    assert isinstance(registry, RegistryView)
    return f"{event.kind} is not allowed"


class TestRules:
    def test_a_rejected_write_names_the_rule_and_changes_nothing(self) -> None:
        registry = registry_with(lambda *_: None, rejects_all)
        before = registry.history()
        message = "the rule rejects_all refuses 'm#prod#1': assignment is not allowed; nothing was"
        with pytest.raises(RuleViolationError, match=message):
            registry.assign("m", "v1.0.0", "prod", force=True)
        with pytest.raises(RuleViolationError, match=message):
            registry.assign("m", "v1.0.0", "prod", dry_run=True)
        with pytest.raises(RuleViolationError, match=message) as caught:
            registry.assign("m", "v1.0.0", "prod")
        assert registry.history() == before
        error = caught.value
        assert (error.model, error.rule, error.tag) == ("m", "rejects_all", "m#prod#1")
        assert error.reason == "assignment is not allowed"
        assert error.to_dict()["code"] == "rule-violation"

    def test_all_kinds_of_events_are_checked(self) -> None:
        registry = registry_with(rejects_all)
        with pytest.raises(RuleViolationError, match="registration"):
            registry.register("new", "v1.0.0")
        with pytest.raises(RuleViolationError, match="deregistration"):
            registry.deregister("m", "v1.0.0")
        with pytest.raises(RuleViolationError, match="assignment"):
            registry.assign("m", "v1.0.0", "prod")
        with pytest.raises(RuleViolationError, match="unassignment"):
            registry.unassign("m", "v1.0.0", "prod", force=True)
        with pytest.raises(RuleViolationError, match="deprecation"):
            registry.deprecate("m")
        assert len(registry.delete_tags("m@v1.0.0")) == 1

    def test_a_rule_gets_the_event_and_the_registry_before_it(self) -> None:
        calls: list[tuple[str, list[str]]] = []

        def record(event: Event, registry: RegistryView) -> None:
            calls.append((event.tag, [one.tag for one in registry.history()]))

        registry = memory_registry(rules=[record])
        registry.assign("m", "v1.0.0", "prod", register=True)
        registry.deprecate("m", author=BOB)
        assert calls == [
            ("m@v1.0.0", []),
            ("m#prod#1", []),
            ("m@deprecated", ["m@v1.0.0", "m#prod#1"]),
        ]

    def test_exceptions_of_a_rule_propagate(self) -> None:
        def broken(*_: object) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            registry_with(broken).deprecate("m")

    def test_rules_of_open_and_from_repo(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0")
        for registry in (
            Registry.open(str(disk.git_dir), rules=[rejects_all]),
            Registry.from_repo(disk.repo, rules=[rejects_all]),
        ):
            with pytest.raises(RuleViolationError):
                registry.deprecate("m", author=BOB)

    @pytest.mark.parametrize("factory", [promotion, two_people, increasing_versions])
    def test_a_function_that_must_be_called(self, factory: Any) -> None:
        name = factory.__name__
        with pytest.raises(InvalidArgumentError, match=rf"{name} returns .* rules=\[{name}\(...\)"):
            memory_registry(rules=[factory])

    def test_the_name_of_a_callable_object(self) -> None:
        class Freeze:
            def __call__(self, *_: object) -> str:
                return "writes are frozen this week"

        with pytest.raises(RuleViolationError, match="the rule Freeze refuses"):
            registry_with(Freeze()).deprecate("m")

    @pytest.mark.parametrize("rules", [["promotion"], None, "promotion"])
    def test_invalid_rules(self, rules: Any) -> None:
        with pytest.raises(InvalidArgumentError, match="a rule must be a callable, not "):
            memory_registry(rules=rules)

    def test_a_rule_that_returns_an_invalid_reason(self) -> None:
        rule: Any = lambda *_: False  # noqa: E731  # the error under test
        with pytest.raises(InvalidArgumentError, match="<lambda> returned False; a rule returns N"):
            registry_with(rule).deprecate("m")


class TestPromotion:
    def test_a_version_must_pass_the_stages_in_order(self) -> None:
        registry = registry_with(promotion("dev", "staging", "prod"))
        with pytest.raises(
            RuleViolationError,
            match=r"promotion\('dev', 'staging', 'prod'\) .* v1.0.0 was never in stage 'staging'",
        ):
            registry.assign("m", "v1.0.0", "prod")
        registry.assign("m", "v1.0.0", "dev")
        registry.assign("m", "v1.0.0", "staging")
        registry.unassign("m", "v1.0.0", "staging")
        registry.assign("m", "v1.0.0", "prod")
        registry.assign("m", "v2.0.0", "canary")
        with pytest.raises(RuleViolationError, match="v2.0.0 was never in stage 'dev'"):
            registry.assign("m", "v2.0.0", "staging")

    def test_a_version_that_was_registered_again_at_another_commit(self) -> None:
        registry = registry_with(promotion("dev", "prod"))
        registry.assign("m", "v1.0.0", "dev")
        registry.deregister("m", "v1.0.0")
        registry.register("m", "v1.0.0", commit=new_commit(registry))
        with pytest.raises(RuleViolationError, match="v1.0.0 was never in stage 'dev'"):
            registry.assign("m", "v1.0.0", "prod")
        registry.assign("m", "v1.0.0", "dev")
        registry.assign("m", "v1.0.0", "prod")

    def test_a_commit_without_a_version(self) -> None:
        registry = registry_with(promotion("dev", "prod"))
        with pytest.raises(RuleViolationError, match="[0-9a-f]{40} was never in stage 'dev'"):
            registry.assign("m", stage="prod", commit="HEAD")
        with pytest.raises(RuleViolationError):
            registry.assign("new", stage="prod", commit="HEAD", force=True)
        registry.assign("m", stage="dev", commit="HEAD")
        assert registry.assign("m", stage="prod", commit="HEAD").version is None

    @pytest.mark.parametrize("stages", [(), ("dev",), ("dev", "dev")])
    def test_too_few_stages(self, stages: tuple[str, ...]) -> None:
        with pytest.raises(InvalidArgumentError, match="at least two different stages"):
            promotion(*stages)

    def test_an_invalid_stage(self) -> None:
        with pytest.raises(InvalidNameError):
            promotion("dev", "latest")


class TestIncreasingVersions:
    def test_a_smaller_version_is_rejected(self) -> None:
        registry = registry_with(increasing_versions())
        for version in ("v1.5.0", "v2.0.0-rc.1", "v2.0.0+build.2"):
            name = re.escape(version)
            with pytest.raises(
                RuleViolationError,
                match=rf"increasing_versions\(\) .* {name} is not greater than v2.0.0, which",
            ):
                registry.register("m", version)
        assert registry.register("new", "v0.1.0").tag == "new@v0.1.0"
        assert registry.register("m", "v2.1.0").tag == "m@v2.1.0"

    def test_deregistered_versions_are_included(self) -> None:
        registry = registry_with(increasing_versions())
        registry.deregister("m", "v2.0.0")
        with pytest.raises(RuleViolationError):
            registry.register("m", "v1.5.0")
        assert registry.register("m", "v2.0.0").tag == "m@v2.0.0#1"
        registry.deregister("m", "v1.0.0")
        new_commit(registry)
        with pytest.raises(RuleViolationError, match="v1.0.0 is not greater than v2.0.0"):
            registry.register("m", "v1.0.0")


class TestTwoPeople:
    def test_the_author_of_the_registration_cannot_assign(self) -> None:
        registry = registry_with(two_people("prod"))
        with pytest.raises(
            RuleViolationError,
            match=r"two_people\('prod'\) .* Test Author <.*> registered v1.0.0; another person",
        ):
            registry.assign("m", "v1.0.0", "prod")
        again = Identity("Test", AUTHOR.email.upper())
        with pytest.raises(RuleViolationError):
            registry.assign("m", "v1.0.0", "prod", author=again)
        registry.assign("m", "v1.0.0", "dev")
        assert registry.assign("m", "v1.0.0", "prod", author=BOB).author == BOB
        assert registry.unassign("m", "v1.0.0", "prod").author == AUTHOR

    def test_the_newest_registration_counts(self) -> None:
        registry = registry_with(two_people("prod"))
        registry.deregister("m", "v1.0.0")
        registry.register("m", "v1.0.0", commit="HEAD~2", author=BOB)
        with pytest.raises(RuleViolationError):
            registry.assign("m", "v1.0.0", "prod", author=BOB)
        assert registry.assign("m", "v1.0.0", "prod").author == AUTHOR

    def test_an_unknown_author(self, builder: Builder) -> None:
        builder.tag("m@v1.0.0", tagger=None)
        registry = Registry.from_repo(builder.repo, author=BOB, rules=[two_people("prod")])
        with pytest.raises(RuleViolationError, match="the author of v1.0.0 is unknown"):
            registry.assign("m", "v1.0.0", "prod")

    @pytest.mark.parametrize("options", [{"commit": "HEAD"}, {"register": True}])
    def test_without_a_previous_registration(self, options: dict[str, Any]) -> None:
        registry = registry_with(two_people("prod"))
        with pytest.raises(RuleViolationError, match="the author of .* is unknown"):
            registry.assign("m", stage="prod", author=BOB, **options)

    def test_without_stages(self) -> None:
        with pytest.raises(InvalidArgumentError, match="needs the stages to which it applies"):
            two_people()


def test_a_rule_uses_the_clock_of_the_registry() -> None:
    found = []

    def rule(_event: Event, registry: RegistryView) -> None:
        found.append(registry.problems())

    clock = FixedClock(datetime(2090, 1, 1, tzinfo=timezone.utc))
    registry = memory_registry({"m": ["v1.0.0"]}, clock=clock, rules=[rule])
    registry.assign("m", "v1.0.0", "prod")
    assert found == [()]
