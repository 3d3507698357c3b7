"""Rules for the writes of a registry: ``python promotion_rules.py``."""

from __future__ import annotations

from modelversions import Event, EventKind, Identity, RegistryView, RuleViolationError
from modelversions.rules import increasing_versions, promotion, two_people
from modelversions.testing import memory_registry

ANN = Identity("Ann", "ann@example.com")
BOB = Identity("Bob", "bob@example.com")


def described(event: Event, _registry: RegistryView) -> str | None:
    """Reject registrations with the default message."""
    if event.kind is EventKind.REGISTRATION and event.message.startswith("Registering artifact"):
        return "describe the changes in message="
    return None


def main() -> None:
    """Promote a version, and print the rejected writes."""
    registry = memory_registry(
        {"churn": ["v1.0.0"]},
        author=ANN,
        rules=[
            promotion("dev", "staging", "prod"),
            increasing_versions(),
            two_people("prod"),
            described,
        ],
    )
    for call in (
        lambda: registry.register("churn", bump="minor"),
        lambda: registry.register("churn", "v0.9.0", message="Fewer features"),
        lambda: registry.assign("churn", "v1.0.0", "prod"),
        lambda: registry.assign("churn", "v1.0.0", "dev"),
        lambda: registry.assign("churn", "v1.0.0", "staging"),
        lambda: registry.assign("churn", "v1.0.0", "prod"),
        lambda: registry.assign("churn", "v1.0.0", "prod", author=BOB),
    ):
        try:
            print("written:", call().tag)
        except RuleViolationError as error:
            print("rejected:", error)


if __name__ == "__main__":
    main()
