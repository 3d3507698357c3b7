"""Each call in a random history is made with GTO and with this library, in the same repository.

Both accept it with the same tag, or both reject it, or ``DIFFERENCES`` has a row for it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import attrs
import pytest

from modelversions import Event, Identity, ModelVersionsError, Registry
from tests.compat.gto import START, Gto, RandomNames, repository

pytestmark = pytest.mark.compat

ANN = Identity("Ann", "ann@example.com")
STAGES = ["dev", "prod"]
HISTORIES, CALLS = 160, 12
TAG = r"[^ ]+[@#][^ ]+ [0-9a-f]{40}"
"""The result of an accepted call: a tag and its commit."""


@attrs.frozen
class Difference:
    """A kind of call with a different result in GTO; the results are patterns."""

    rule: str
    method: str
    options: str
    """A pattern for the names of the options, sorted and each followed by a space."""
    gto: str
    ours: str
    reason: str

    def matches(self, call: Call, gto: str, ours: str) -> bool:
        """Return whether this row explains the two results of a call."""
        options = "".join(f"{name} " for name in sorted(call.options))
        pairs = [(self.method, call.method), (self.options, options), (self.gto, gto)]
        return all(re.fullmatch(*pair) for pair in [*pairs, (self.ours, ours)])


NEXT = "(bump )?commit (force )?"
AT = "commit (force )?(register )?stage "
DIFFERENCES = [
    Difference(
        "F12", "deprecate", "(force )?", "TagExists: .*", TAG, "a counter if the name exists"
    ),
    Difference("F12", "deprecate", "force ", TAG, TAG, "no counter if the name does not exist"),
    Difference(
        "F12",
        "(de)?register",
        "(commit )?(force )?version ",
        "TagExists: .*",
        TAG,
        "a counter if the name exists",
    ),
    Difference(
        "F12a",
        "register",
        "commit force version ",
        "WrongArgs: For this REF you can only register .*",
        TAG,
        "force registers a second version at a commit",
    ),
    Difference(
        "F12a",
        "assign",
        "commit (force )?register stage ",
        TAG,
        "CommitTakenError: .*",
        "no second version at a commit; GTO assigns the deregistered one",
    ),
    Difference(
        "F12b",
        "register",
        NEXT,
        "WrongArgs: Can't apply bump, because this is the first .*",
        TAG,
        "a bump without a previous version",
    ),
    Difference(
        "F12b", "register", NEXT, "TagExists: .*", TAG, "the next version was registered before"
    ),
    Difference(
        "F12b",
        "assign",
        "commit (force )?register stage ",
        "TagExists: .*",
        TAG,
        "the next version was registered before",
    ),
    Difference(
        "F12b",
        "register",
        NEXT,
        TAG,
        TAG,
        "the next version follows the greatest that a tag names; a pre-release is finished",
    ),
    Difference(
        "F12c",
        "assign",
        AT,
        TAG,
        "ModelNotFoundError: .*",
        "a stage on a bare commit of a model without a tag",
    ),
    Difference(
        "F12c",
        "assign",
        AT,
        TAG,
        "VersionNotFoundError: .* deregistered .*",
        "a stage for a deregistered version",
    ),
    Difference(
        "F12c",
        "(un)?assign",
        "(force )?stage version ",
        TAG,
        "VersionNotFoundError: .* deregistered .*",
        "a stage of a deregistered version",
    ),
    Difference(
        "F12c",
        "assign",
        "(commit |version |register |stage )+",
        "WrongArgs: .* is already in stage .*",
        TAG,
        "rejected for the current holder only",
    ),
    Difference("F12c", "deprecate", "force ", TAG, "ModelNotFoundError: .*", "an unknown model"),
    Difference(
        "F12c",
        "unassign",
        "(commit |version |stage )+",
        TAG,
        "StageNotHeldError: .*",
        "a stage without a holder",
    ),
    Difference(
        "F12c",
        "assign",
        "commit stage ",
        TAG,
        "StageHeldError: commit '[0-9a-f]{40}' of .*",
        "rejected for the current holder, including a bare commit",
    ),
    Difference(
        "F17",
        "assign",
        AT,
        TAG,
        "NoEffectError: .* is registered at commit .*, no longer at .*",
        "the version of the commit moved to another one",
    ),
    Difference(
        "F15",
        "register",
        "commit (force )?version ",
        "VersionAlreadyRegistered: .*",
        TAG,
        "a deregistered version moves to another commit",
    ),
    Difference(
        "F15",
        ".*",
        ".*",
        "ManyVersions: .*",
        ".*",
        "GTO rejects every call about a version that moved, or a commit with two",
    ),
    Difference(
        "F18",
        "unassign",
        "commit (force )?stage ",
        "VersionRequired: .*",
        TAG,
        "a stage is unassigned from a bare commit",
    ),
]


def test_each_difference_from_gto_has_a_row(references: list[Gto], tmp_path: Path) -> None:
    def run(index: int) -> list[tuple[int, Difference | None, str]]:
        seeds = range(index, HISTORIES, len(references))
        return [
            found
            for seed in seeds
            for found in write_history(references[index], tmp_path / str(seed), seed)
        ]

    with ThreadPoolExecutor(len(references)) as pool:
        found = [one for part in pool.map(run, range(len(references))) for one in part]
    assert [text for _, row, text in found if row is None] == []
    seen = Counter(row.reason for _, row, _ in found if row is not None)
    assert [row for row in DIFFERENCES if not seen[row.reason]] == [], "a row without an example"


def write_history(
    reference: Gto, path: Path, seed: int
) -> Iterator[tuple[int, Difference | None, str]]:
    """Write a history; yield each call with two results, and the row that explains it."""
    git, commits = repository(path, 4)
    rng, now = RandomNames(seed), START
    model = rng.models(1)
    with Registry.open(git.path) as registry:
        for _ in range(CALLS):
            now += rng.choice([1, 100])
            state = registry.get(model)
            names = [one.name for one in state.all_versions] if state is not None else []
            call = random_call(rng, model, names, commits)
            ours = run_ours(call, registry, now, dry_run=True)
            method, options = call.gto()
            result = reference("call", str(git.path), method, now, options)
            accepted = isinstance(result, str)
            theirs = describe(registry.event(result)) if accepted else ": ".join(result).strip()
            both_reject = not accepted and not re.fullmatch(TAG, ours)
            if theirs != ours and not both_reject:
                row = next((one for one in DIFFERENCES if one.matches(call, theirs, ours)), None)
                yield seed, row, f"seed {seed}: {call}: GTO {theirs!r}, this library {ours!r}"
            if not accepted and re.fullmatch(TAG, ours):
                run_ours(call, registry, now, dry_run=False)


def run_ours(call: Call, registry: Registry, now: int, *, dry_run: bool) -> str:
    """Make a call with this library; return its tag and commit, or its error."""
    try:
        return describe(call.ours(registry, now, dry_run=dry_run))
    except ModelVersionsError as error:
        return f"{type(error).__name__}: {error}"


@attrs.frozen
class Call:
    """One call, in the terms of this library."""

    method: str
    model: str
    options: dict[str, Any]

    def ours(self, registry: Registry, when: int, *, dry_run: bool) -> Event:
        """Make the call with this library."""
        method = getattr(registry, self.method)
        time = datetime.fromtimestamp(when, timezone.utc)
        event: Event = method(self.model, **self.options, author=ANN, when=time, dry_run=dry_run)
        return event

    def gto(self) -> tuple[str, dict[str, Any]]:
        """Return the call in GTO's terms."""
        options: dict[str, Any] = {"name": self.model, **self.options}
        if "commit" in options:
            options["ref"] = options.pop("commit")
        if "bump" in options:
            options["bump_" + options.pop("bump")] = True
        if self.method == "assign":
            options["skip_registration"] = not options.pop("register", False)
        if self.method == "deprecate":
            options["simple"] = None
        return self.method, options


def random_call(rng: RandomNames, model: str, names: list[str], pool: list[str]) -> Call:
    """Return a random call, in most cases about existing versions."""
    version = rng.choice([*names, rng.versions()])
    stage, commit = rng.choice(STAGES), rng.choice(pool)
    force = {"force": True} if rng.random() < 0.15 else {}
    kinds = ["new", "next", "bump", "deregister", "assign", "unassign", "at", "off", "both"]
    kind = rng.choice([*kinds, "assign", "new", "deprecate"])
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "new": ("register", {"version": version, "commit": commit}),
        "next": ("register", {"commit": commit}),
        "bump": (
            "register",
            {"commit": commit, "bump": rng.choice(["major", "minor", "patch"])},
        ),
        "deregister": ("deregister", {"version": version}),
        "assign": ("assign", {"version": version, "stage": stage}),
        "unassign": ("unassign", {"version": version, "stage": stage}),
        "at": ("assign", {"commit": commit, "stage": stage}),
        "off": ("unassign", {"commit": commit, "stage": stage}),
        "both": ("assign", {"commit": commit, "stage": stage, "register": True}),
        "deprecate": ("deprecate", {}),
    }
    method, options = calls[kind]
    return Call(method, model, {**options, **force})


def describe(event: Event | None) -> str:
    """Return an event's tag and commit."""
    assert event is not None
    return f"{event.tag} {event.commit}"
