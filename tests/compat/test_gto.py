"""GTO 1.10.1 agrees: on what we write and on what it writes, but for the rules marked ≠ GTO.

A failure names the seed of its history; ``SEED=n pytest -m compat -k gto`` plays that one again.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from modelversions import (
    Identity,
    ModelNotFoundError,
    NoEffectError,
    ProblemKind,
    RefusedError,
    Registry,
    VersionNotFoundError,
)
from tests.compat.gto import START, Chance, Gto, comparable, ours, repository

pytestmark = pytest.mark.compat

ANN = Identity("Ann", "ann@example.com")
STAGES = ["dev", "prod", "prod-eu"]
VERBS = ["new", "new", "next", "bump", "again", "again", "bare", "both", "deregister", "deregister"]
VERBS += ["assign"] * 5 + ["unassign"] * 2 + ["deprecate"]
EACH = 40
"""Histories, each of a model of its own, in one repository."""

OURS, THEIRS = 2600, 400
"""Histories that we write and that GTO writes: GTO takes a tenth of a second for each event."""


def play(registry: Registry, chance: Chance, model: str, commits: list[str]) -> None:
    """Write one model's history.

    The commits are few, so that versions meet at a commit, move, and return.
    """
    now = START + chance.randint(0, 50)
    pool = chance.sample(commits, chance.randint(2, 6))
    for _ in range(chance.randint(3, 14)):
        now += chance.choice([0, 0, 0, 1, 1, 100])
        for _ in range(8):
            try:
                _step(registry, chance, model, pool, now)
            except NoEffectError:
                now += 1  # it would not supersede within this second
                continue
            except (RefusedError, ModelNotFoundError, VersionNotFoundError):
                continue
            break


def _step(registry: Registry, chance: Chance, model: str, pool: list[str], seconds: int) -> None:
    """Call one verb, on any version and any commit."""
    options: dict[str, Any] = {
        "author": ANN,
        "when": datetime.fromtimestamp(seconds, timezone.utc),
    }
    known = registry.get(model)
    versions = known.all_versions if known is not None else ()
    commit, stage = chance.choice(pool), chance.choice(STAGES)
    version = chance.choice(versions).name if versions else ""
    verb = chance.choice(VERBS if versions else ["new", "next", "bump", "bare"])
    if verb == "new":
        registry.register(model, chance.versions(), commit=commit, **options)
    elif verb in ("next", "bump"):
        bump = chance.choice(["major", "minor", "patch"]) if verb == "bump" else None
        registry.register(model, bump=bump, commit=commit, **options)
    elif verb == "again":
        registry.register(model, version, commit=commit, **options)
    elif verb == "bare":
        registry.assign(model, stage=stage, commit=commit, force=not versions, **options)
    elif verb == "both":
        registry.assign(model, stage=stage, commit=commit, register=True, **options)
    elif verb == "deprecate":
        registry.deprecate(model, **options)
    elif verb == "deregister":
        registry.deregister(model, version, **options)
    else:
        getattr(registry, verb)(model, version, stage, **options)


def we_write(judge: Gto, path: Path, seed: int) -> int:
    """Write a repository full of histories, and let GTO read it; return how many they were."""
    git, commits = repository(path, 20)
    chance = Chance(seed)
    with Registry.open(git.path) as registry:
        for number in range(EACH):
            play(registry, chance, chance.models(number), commits)
    git("pack-refs", "--all")
    answer = judge.state(git)
    assert "error" not in answer, f"seed {seed}: {answer}"
    assert len(answer["history"]) == len(git("tag").split()), f"seed {seed}"
    assert comparable(answer) == comparable(ours(git)), f"seed {seed}"
    return EACH


def calls(chance: Chance, model: str, commits: list[str]) -> list[list[Any]]:
    """Draw calls of GTO's own verbs, a second or more apart (F13), at few commits."""
    now, drawn = START + chance.randint(0, 50), []
    pool = chance.sample(commits, chance.randint(2, 6))
    names: list[str] = []
    for _ in range(chance.randint(3, 9)):
        now += chance.choice([1, 1, 100])
        verb = chance.choice(["assign", "assign", "unassign", "deregister", "again", "deprecate"])
        options: dict[str, Any] = {"name": model}
        version = chance.choice([*names, chance.versions()])
        if verb == "again" or version not in names:
            names.append(version)
            verb, options = "register", {**options, "version": version, "ref": chance.choice(pool)}
        elif verb == "deregister":
            options = {**options, "version": version}
        elif verb != "deprecate":
            options = {**options, "version": version, "stage": chance.choice(STAGES)}
        drawn.append([verb, now, options])
    return drawn


def gto_writes(judge: Gto, path: Path, seed: int) -> int:
    """Let GTO write one history, and read it ourselves; return how many events it made.

    GTO may write what it cannot read again: two versions at one commit, which is a problem here.
    """
    git, commits = repository(path, 12)
    chance = Chance(seed)
    refused = judge("write", str(git.path), calls(chance, chance.models(seed), commits))
    answer = judge.state(git)
    if "error" in answer:
        with Registry.open(git.path) as registry:
            kinds = {problem.kind for problem in registry.problems()}
        assert ProblemKind.SHARED_COMMIT in kinds, f"seed {seed}: {answer}"
        return 0
    assert comparable(answer) == comparable(ours(git)), f"seed {seed}"
    return sum(1 for refusal in refused if refusal is None)


def share(judges: list[Gto], work: Any, tmp_path: Path, count: int) -> int:
    """Share seeds among the judges; return the sum of what the work returns."""
    only = os.environ.get("SEED")
    seeds = [int(only)] if only else list(range(count))

    def run(place: int) -> int:
        mine = seeds[place :: len(judges)]
        return sum(work(judges[place], tmp_path / f"{seed}", seed) for seed in mine)

    with ThreadPoolExecutor(len(judges)) as pool:
        return sum(pool.map(run, range(len(judges))))


def test_gto_reads_what_we_write(judges: list[Gto], tmp_path: Path) -> None:
    assert share(judges, we_write, tmp_path, OURS // EACH) >= EACH


def test_we_read_what_gto_writes(judges: list[Gto], tmp_path: Path) -> None:
    assert share(judges, gto_writes, tmp_path, THEIRS) > (
        0 if os.environ.get("SEED") else 2 * THEIRS
    )


@pytest.mark.parametrize("ahead", [0, 3600])
@pytest.mark.filterwarnings("ignore::modelversions.ClockSkewWarning")
def test_all_see_the_last_call_win(judges: list[Gto], tmp_path: Path, ahead: int) -> None:
    """F14: within one second, and on a clock that runs an hour behind the last writer's."""
    git, _ = repository(tmp_path / "clocks", 1)
    start = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(seconds=ahead)
    with Registry.open(git.path) as registry:
        registry.register("m", "v1.0.0", author=ANN, when=start)
        registry.deregister("m", "v1.0.0", author=ANN)
        registry.register("m", "v1.0.0", author=ANN)
        registry.assign(
            "m", "v1.0.0", "prod", author=ANN, when=start + timedelta(seconds=ahead + 2)
        )
        registry.unassign("m", "v1.0.0", "prod", author=ANN)
        last = registry.assign("m", "v1.0.0", "prod", author=ANN)
    answer = judges[0].state(git)
    assert comparable(answer) == comparable(ours(git))
    assert answer["models"]["m"]["stages"] == {"prod": "v1.0.0"}
    assert answer["models"]["m"]["latest"] == "v1.0.0"
    order = ("for-each-ref", "--sort=-taggerdate", "--count=1", "--format=%(refname:strip=2)")
    assert git(*order, "refs/tags/m#*").strip() == last.tag
    assert git(*order, "refs/tags/m@*").strip() == "m@v1.0.0#1"
