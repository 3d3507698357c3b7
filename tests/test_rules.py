"""Rules that writes must follow: the ready-made ones, and when they are asked."""

from __future__ import annotations

import re
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
from modelversions.testing import AUTHOR, memory_registry, new_commit
from tests.builders import Builder

BOB = Identity("Bob", "bob@example.com")


def registry_with(*rules: Rule) -> Registry:
    return memory_registry({"m": ["v1.0.0", "v2.0.0"]}, rules=rules)


def refuses_all(event: Event, registry: RegistryView) -> str | None:
    assert isinstance(registry, RegistryView)
    return f"{event.kind} is not wanted"


class TestRules:
    def test_a_refusal_names_the_rule_and_writes_nothing(self) -> None:
        registry = registry_with(lambda *_: None, refuses_all)
        before = registry.history()
        message = "the rule refuses_all refuses 'm#prod#1': assignment is not wanted; nothing was"
        with pytest.raises(RuleViolationError, match=message):
            registry.assign("m", "v1.0.0", "prod", force=True)
        with pytest.raises(RuleViolationError, match=message):
            registry.assign("m", "v1.0.0", "prod", dry_run=True)
        with pytest.raises(RuleViolationError, match=message) as caught:
            registry.assign("m", "v1.0.0", "prod")
        assert registry.history() == before
        error = caught.value
        assert (error.model, error.rule, error.tag) == ("m", "refuses_all", "m#prod#1")
        assert error.reason == "assignment is not wanted"
        assert error.to_dict()["code"] == "rule-violation"

    def test_every_verb_is_checked(self) -> None:
        registry = registry_with(refuses_all)
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

    def test_a_rule_sees_the_event_and_the_registry_before_it(self) -> None:
        seen: list[tuple[str, list[str]]] = []

        def look(event: Event, registry: RegistryView) -> None:
            seen.append((event.tag, [one.tag for one in registry.history()]))

        registry = memory_registry(rules=[look])
        registry.assign("m", "v1.0.0", "prod", register=True)
        registry.deprecate("m", author=BOB)
        assert seen == [
            ("m@v1.0.0", []),
            ("m#prod#1", []),
            ("m@deprecated", ["m@v1.0.0", "m#prod#1"]),
        ]

    def test_what_a_rule_raises_is_raised(self) -> None:
        def broken(*_: object) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            registry_with(broken).deprecate("m")

    def test_it_is_given_to_open_and_from_repo(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0")
        for registry in (
            Registry.open(str(disk.git_dir), rules=[refuses_all]),
            Registry.from_repo(disk.repo, rules=[refuses_all]),
        ):
            with pytest.raises(RuleViolationError):
                registry.deprecate("m", author=BOB)

    @pytest.mark.parametrize("factory", [promotion, two_people, increasing_versions])
    def test_a_function_that_returns_a_rule(self, factory: Any) -> None:
        name = factory.__name__
        with pytest.raises(InvalidArgumentError, match=rf"{name} returns .* rules=\[{name}\(...\)"):
            memory_registry(rules=[factory])

    def test_the_name_of_a_callable_object(self) -> None:
        class Freeze:
            def __call__(self, *_: object) -> str:
                return "nothing is written this week"

        with pytest.raises(RuleViolationError, match="the rule Freeze refuses"):
            registry_with(Freeze()).deprecate("m")

    @pytest.mark.parametrize("rules", [["promotion"], None, "promotion"])
    def test_what_is_no_rule(self, rules: Any) -> None:
        with pytest.raises(InvalidArgumentError, match="a rule must be a callable, not "):
            memory_registry(rules=rules)

    def test_a_rule_that_returns_no_reason(self) -> None:
        rule: Any = lambda *_: False  # noqa: E731  # a mistake
        with pytest.raises(InvalidArgumentError, match="<lambda> returned False; a rule returns N"):
            registry_with(rule).deprecate("m")


class TestPromotion:
    def test_a_version_goes_through_the_stages(self) -> None:
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

    def test_a_version_that_was_registered_again_elsewhere(self) -> None:
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
    def test_an_order_of_too_few(self, stages: tuple[str, ...]) -> None:
        with pytest.raises(InvalidArgumentError, match="at least two different stages"):
            promotion(*stages)

    def test_what_is_no_stage(self) -> None:
        with pytest.raises(InvalidNameError):
            promotion("dev", "latest")


class TestIncreasingVersions:
    def test_a_smaller_one_is_refused(self) -> None:
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

    def test_deregistered_ones_count(self) -> None:
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
    def test_who_registered_may_not_assign(self) -> None:
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
    def test_no_registration_before(self, options: dict[str, Any]) -> None:
        registry = registry_with(two_people("prod"))
        with pytest.raises(RuleViolationError, match="the author of .* is unknown"):
            registry.assign("m", stage="prod", author=BOB, **options)

    def test_no_stage(self) -> None:
        with pytest.raises(InvalidArgumentError, match="needs the stages to which it applies"):
            two_people()
