"""GTO 1.10.1 agrees: on what we write and on what it writes, but for the rules marked ≠ GTO.

A failure names the seed of its history; ``SEED=n pytest -m compat -k gto`` plays that one again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from modelversions import (
    Identity,
    ModelNotFoundError,
    NoEffectError,
    RefusedError,
    Registry,
    VersionNotFoundError,
)
from tests.compat.gto import START, Chance, Gto, comparable, gto, ours, repository

pytestmark = pytest.mark.compat

ANN = Identity("Ann", "ann@example.com")
STAGES = ["dev", "prod", "prod-eu"]
EACH = 40
"""Histories, each of a model of its own, in one repository."""

OURS, THEIRS = 1600, 400
"""Histories that we write and that GTO writes: GTO takes a tenth of a second for each event."""


def play(registry: Registry, chance: Chance, model: str, commits: list[str]) -> int:
    """Live one model's life through our verbs; return how many events that made."""
    now, made, fresh = START + chance.randint(0, 50), 0, list(commits)
    for _ in range(chance.randint(3, 14)):
        now += chance.choice([0, 0, 0, 1, 1, 100])
        for _ in range(8):
            try:
                made += _step(registry, chance, model, fresh, now)
            except NoEffectError:
                now += 1  # it would not supersede within this second
                continue
            except (RefusedError, ModelNotFoundError, VersionNotFoundError):
                pass
            break
    return made


def _step(registry: Registry, chance: Chance, model: str, fresh: list[str], seconds: int) -> int:
    """Call one verb; a commit is given to one version of the model only (F18)."""
    options: dict[str, Any] = {
        "author": ANN,
        "when": datetime.fromtimestamp(seconds, timezone.utc),
    }
    known = registry.get(model)
    versions = known.all_versions if known is not None else ()
    verb = chance.choice(["register"] * 3 + ["again", "away", "bare", "deregister", "deprecate"])
    verb = chance.choice([verb, verb, "assign", "assign", "unassign"]) if versions else "register"
    version = chance.choice(versions).name if versions else ""
    if verb == "register":
        number = chance.choice([None, chance.versions()])
        registry.register(model, number, commit=fresh[-1], **options)
        fresh.pop()
    elif verb == "again" and known is not None:
        registry.register(model, version, commit=known[version].commit, **options)
    elif verb == "away":
        registry.register(model, version, commit=fresh[-1], **options)
        fresh.pop()
    elif verb == "bare":
        registry.assign(model, stage=chance.choice(STAGES), commit=fresh.pop(), **options)
    elif verb == "deprecate":
        registry.deprecate(model, **options)
    elif verb == "deregister":
        registry.deregister(model, version, **options)
    else:
        getattr(registry, verb)(model, version, chance.choice(STAGES), **options)
    return 1


def we_write(judge: Gto, path: Path, seed: int) -> int:
    """Write a repository full of histories, and let GTO read it; return how many they were."""
    git, commits = repository(path, 20)
    chance, events = Chance(seed), 0
    with Registry.open(git.path) as registry:
        for number in range(EACH):
            events += play(registry, chance, chance.models(number), commits)
    git("pack-refs", "--all")
    answer = judge.state(git)
    assert "error" not in answer, f"seed {seed}: {answer}"
    assert len(answer["history"]) == events, f"seed {seed}"
    assert comparable(answer) == comparable(ours(git)), f"seed {seed}"
    return EACH


def calls(chance: Chance, model: str, commits: list[str]) -> list[list[Any]]:
    """Draw calls of GTO's own verbs, a second or more apart (F13)."""
    now, drawn, fresh = START + chance.randint(0, 50), [], list(commits)
    names: dict[str, str] = {}
    for _ in range(chance.randint(3, 9)):
        now += chance.choice([1, 1, 100])
        version = chance.choice([*names, ""])
        verb = chance.choice(["assign", "assign", "unassign", "deregister", "again", "deprecate"])
        options: dict[str, Any] = {"name": model}
        if not version or chance.random() < 0.4:
            names[chance.versions()] = fresh[-1]
            version = list(names)[-1]
            verb, options = "register", {**options, "version": version, "ref": fresh.pop()}
        elif verb == "again":
            verb, options = "register", {**options, "version": version, "ref": names[version]}
        elif verb == "deregister":
            options = {**options, "version": version}
        elif verb != "deprecate":
            options = {**options, "version": version, "stage": chance.choice(STAGES)}
        drawn.append([verb, now, options])
    return drawn


def gto_writes(judge: Gto, path: Path, seed: int) -> int:
    """Let GTO write one history, and read it ourselves; return how many events it made."""
    git, commits = repository(path, 12)
    chance = Chance(seed)
    refused = judge("write", str(git.path), calls(chance, chance.models(seed), commits))
    answer = judge.state(git)
    assert "error" not in answer, f"seed {seed}: {answer}"
    assert comparable(answer) == comparable(ours(git)), f"seed {seed}"
    return sum(1 for refusal in refused if refusal is None)


@pytest.fixture(scope="module")
def judges() -> Iterator[list[Gto]]:
    """Two processes, for two cores."""
    with gto() as one, gto() as two:
        yield [one, two]


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
    assert share(judges, gto_writes, tmp_path, THEIRS) > 0


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
        registry.assign("m", "v1.0.0", "prod", author=ANN, when=start + timedelta(seconds=ahead))
        registry.unassign("m", "v1.0.0", "prod", author=ANN)
        last = registry.assign("m", "v1.0.0", "prod", author=ANN)
    answer = judges[0].state(git)
    assert comparable(answer) == comparable(ours(git))
    assert answer["models"]["m"]["stages"] == {"prod": "v1.0.0"}
    assert answer["models"]["m"]["latest"] == "v1.0.0"
    order = ("for-each-ref", "--sort=-taggerdate", "--count=1", "--format=%(refname:strip=2)")
    assert git(*order, "refs/tags/m#*").strip() == last.tag
    assert git(*order, "refs/tags/m@*").strip() == "m@v1.0.0#1"
