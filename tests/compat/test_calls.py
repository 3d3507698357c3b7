"""Each call in a random history is put to GTO and to this library, in the same repository.

Both accept it with the same tag, or both refuse it, or ``DIFFERENCES`` has a row for it.
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
from tests.compat.gto import START, Chance, Gto, repository

pytestmark = pytest.mark.compat

ANN = Identity("Ann", "ann@example.com")
STAGES = ["dev", "prod"]
HISTORIES, CALLS = 160, 12
TAG = r"[^ ]+[@#][^ ]+ [0-9a-f]{40}"
"""What an accepted call returns: a tag and its commit."""


@attrs.frozen
class Difference:
    """One kind of call that GTO answers otherwise: the answers are patterns."""

    rule: str
    verb: str
    options: str
    """A pattern for the names of the options, in order and each followed by a space."""
    gto: str
    ours: str
    why: str

    def fits(self, call: Call, gto: str, ours: str) -> bool:
        """Return whether this row explains the two answers to a call."""
        options = "".join(f"{name} " for name in sorted(call.options))
        pairs = [(self.verb, call.verb), (self.options, options), (self.gto, gto)]
        return all(re.fullmatch(*pair) for pair in [*pairs, (self.ours, ours)])


NEXT = "(bump )?commit (force )?"
AT = "commit (force )?(register )?stage "
DIFFERENCES = [
    Difference(
        "F12", "deprecate", "(force )?", "TagExists: .*", TAG, "a counter where the name is taken"
    ),
    Difference("F12", "deprecate", "force ", TAG, TAG, "no counter while the name is free"),
    Difference(
        "F12",
        "(de)?register",
        "(commit )?(force )?version ",
        "TagExists: .*",
        TAG,
        "a counter where the name is taken",
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
        "no second version at a commit; GTO assigns to the deregistered one there",
    ),
    Difference(
        "F12b",
        "register",
        NEXT,
        "WrongArgs: Can't apply bump, because this is the first .*",
        TAG,
        "a bump of nothing",
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
        "next after the greatest that was ever named; a pre-release is finished",
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
        "refused to the present holder only",
    ),
    Difference("F12c", "deprecate", "force ", TAG, "ModelNotFoundError: .*", "an unknown model"),
    Difference(
        "F12c",
        "unassign",
        "(commit |version |stage )+",
        TAG,
        "StageNotHeldError: .*",
        "a stage that is not held",
    ),
    Difference(
        "F12c",
        "assign",
        "commit stage ",
        TAG,
        "StageHeldError: '[0-9a-f]{40}' of .*",
        "refused to the present holder, a bare commit too",
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
        "GTO refuses every call about a version that moved, or a commit with two",
    ),
    Difference(
        "F18",
        "unassign",
        "commit (force )?stage ",
        "VersionRequired: .*",
        TAG,
        "a stage is taken from a bare commit",
    ),
]


def test_every_other_answer_than_gtos_has_its_rule(judges: list[Gto], tmp_path: Path) -> None:
    def run(at: int) -> list[tuple[int, Difference | None, str]]:
        seeds = range(at, HISTORIES, len(judges))
        return [one for seed in seeds for one in play(judges[at], tmp_path / str(seed), seed)]

    with ThreadPoolExecutor(len(judges)) as pool:
        found = [one for part in pool.map(run, range(len(judges))) for one in part]
    assert [text for _, row, text in found if row is None] == []
    seen = Counter(row.why for _, row, _ in found if row is not None)
    assert [row for row in DIFFERENCES if not seen[row.why]] == [], "a row without an example"


def play(judge: Gto, path: Path, seed: int) -> Iterator[tuple[int, Difference | None, str]]:
    """Play one history; yield each call with two answers, and the row that explains it."""
    git, commits = repository(path, 4)
    chance, now = Chance(seed), START
    model = chance.models(1)
    with Registry.open(git.path) as registry:
        for _ in range(CALLS):
            now += chance.choice([1, 100])
            known = registry.get(model)
            names = [one.name for one in known.all_versions] if known is not None else []
            call = draw(chance, model, names, commits)
            mine = answer(call, registry, now, dry_run=True)
            verb, options = call.gto()
            theirs = judge("call", str(git.path), verb, now, options)
            accepted = isinstance(theirs, str)
            said = described(registry.event(theirs)) if accepted else ": ".join(theirs).strip()
            both_refuse = not accepted and not re.fullmatch(TAG, mine)
            if said != mine and not both_refuse:
                row = next((one for one in DIFFERENCES if one.fits(call, said, mine)), None)
                yield seed, row, f"seed {seed}: {call}: GTO {said!r}, here {mine!r}"
            if not accepted and re.fullmatch(TAG, mine):
                answer(call, registry, now, dry_run=False)


def answer(call: Call, registry: Registry, now: int, *, dry_run: bool) -> str:
    """Make a call here; return its tag and commit, or the name and the text of its refusal."""
    try:
        return described(call.ours(registry, now, dry_run=dry_run))
    except ModelVersionsError as error:
        return f"{type(error).__name__}: {error}"


@attrs.frozen
class Call:
    """One call, in the terms of this library."""

    verb: str
    model: str
    options: dict[str, Any]

    def ours(self, registry: Registry, when: int, *, dry_run: bool) -> Event:
        """Make the call here."""
        verb = getattr(registry, self.verb)
        time = datetime.fromtimestamp(when, timezone.utc)
        event: Event = verb(self.model, **self.options, author=ANN, when=time, dry_run=dry_run)
        return event

    def gto(self) -> tuple[str, dict[str, Any]]:
        """Return the call in GTO's terms."""
        options: dict[str, Any] = {"name": self.model, **self.options}
        if "commit" in options:
            options["ref"] = options.pop("commit")
        if "bump" in options:
            options["bump_" + options.pop("bump")] = True
        if self.verb == "assign":
            options["skip_registration"] = not options.pop("register", False)
        if self.verb == "deprecate":
            options["simple"] = None
        return self.verb, options


def draw(chance: Chance, model: str, known: list[str], pool: list[str]) -> Call:
    """Draw a call; what it names exists in most cases."""
    version = chance.choice([*known, chance.versions()])
    stage, commit = chance.choice(STAGES), chance.choice(pool)
    force = {"force": True} if chance.random() < 0.15 else {}
    verbs = ["new", "next", "bump", "deregister", "assign", "unassign", "at", "off", "both"]
    verb = chance.choice([*verbs, "assign", "new", "deprecate"])
    draws: dict[str, tuple[str, dict[str, Any]]] = {
        "new": ("register", {"version": version, "commit": commit}),
        "next": ("register", {"commit": commit}),
        "bump": (
            "register",
            {"commit": commit, "bump": chance.choice(["major", "minor", "patch"])},
        ),
        "deregister": ("deregister", {"version": version}),
        "assign": ("assign", {"version": version, "stage": stage}),
        "unassign": ("unassign", {"version": version, "stage": stage}),
        "at": ("assign", {"commit": commit, "stage": stage}),
        "off": ("unassign", {"commit": commit, "stage": stage}),
        "both": ("assign", {"commit": commit, "stage": stage, "register": True}),
        "deprecate": ("deprecate", {}),
    }
    name, options = draws[verb]
    return Call(name, model, {**options, **force})


def described(event: Event | None) -> str:
    """Return an event's tag and commit."""
    assert event is not None
    return f"{event.tag} {event.commit}"
