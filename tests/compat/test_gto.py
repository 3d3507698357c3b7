"""GTO 1.10.1 and this library read the same histories alike, except for rules marked ≠ GTO.

A failure reports the seed of its history; ``SEED=n pytest -m compat -k gto`` repeats that history.
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
from tests.compat.gto import START, Gto, RandomNames, comparable, ours, repository

pytestmark = pytest.mark.compat

ANN = Identity("Ann", "ann@example.com")
STAGES = ["dev", "prod", "prod-eu"]
STEPS = ["new", "new", "next", "bump", "again", "again", "bare", "both", "deregister", "deregister"]
STEPS += ["assign"] * 5 + ["unassign"] * 2 + ["deprecate"]
PER_REPOSITORY = 40
"""The number of histories in one repository, each of its own model."""

OURS, THEIRS = 2600, 400
"""The numbers of histories by this library and by GTO, which takes 0.1 s for each event."""


def write_history(registry: Registry, rng: RandomNames, model: str, commits: list[str]) -> None:
    """Write a random history of a model.

    It uses few commits, so that some have several versions, and versions move between them.
    """
    now = START + rng.randint(0, 50)
    pool = rng.sample(commits, rng.randint(2, 6))
    for _ in range(rng.randint(3, 14)):
        now += rng.choice([0, 0, 0, 1, 1, 100])
        for _ in range(8):
            try:
                _step(registry, rng, model, pool, now)
            except NoEffectError:
                now += 1  # the event would not be the newest within this second
                continue
            except (RefusedError, ModelNotFoundError, VersionNotFoundError):
                continue
            break


def _step(registry: Registry, rng: RandomNames, model: str, pool: list[str], seconds: int) -> None:
    """Call a random method, with a random version and commit."""
    options: dict[str, Any] = {
        "author": ANN,
        "when": datetime.fromtimestamp(seconds, timezone.utc),
    }
    state = registry.get(model)
    versions = state.all_versions if state is not None else ()
    commit, stage = rng.choice(pool), rng.choice(STAGES)
    version = rng.choice(versions).name if versions else ""
    step = rng.choice(STEPS if versions else ["new", "next", "bump", "bare"])
    if step == "new":
        registry.register(model, rng.versions(), commit=commit, **options)
    elif step in ("next", "bump"):
        bump = rng.choice(["major", "minor", "patch"]) if step == "bump" else None
        registry.register(model, bump=bump, commit=commit, **options)
    elif step == "again":
        registry.register(model, version, commit=commit, **options)
    elif step == "bare":
        registry.assign(model, stage=stage, commit=commit, force=not versions, **options)
    elif step == "both":
        registry.assign(model, stage=stage, commit=commit, register=True, **options)
    elif step == "deprecate":
        registry.deprecate(model, **options)
    elif step == "deregister":
        registry.deregister(model, version, **options)
    else:
        getattr(registry, step)(model, version, stage, **options)


def ours_to_gto(reference: Gto, path: Path, seed: int) -> int:
    """Write histories with this library, and read them with GTO; return their number."""
    git, commits = repository(path, 20)
    rng = RandomNames(seed)
    with Registry.open(git.path) as registry:
        for number in range(PER_REPOSITORY):
            write_history(registry, rng, rng.models(number), commits)
    git("pack-refs", "--all")
    answer = reference.state(git)
    assert "error" not in answer, f"seed {seed}: {answer}"
    assert len(answer["history"]) == len(git("tag").split()), f"seed {seed}"
    assert comparable(answer) == comparable(ours(git)), f"seed {seed}"
    return PER_REPOSITORY


def random_calls(rng: RandomNames, model: str, commits: list[str]) -> list[list[Any]]:
    """Return random calls of GTO, a second or more apart (F13), at few commits."""
    now, calls = START + rng.randint(0, 50), []
    pool = rng.sample(commits, rng.randint(2, 6))
    names: list[str] = []
    for _ in range(rng.randint(3, 9)):
        now += rng.choice([1, 1, 100])
        step = rng.choice(["assign", "assign", "unassign", "deregister", "again", "deprecate"])
        options: dict[str, Any] = {"name": model}
        version = rng.choice([*names, rng.versions()])
        if step == "again" or version not in names:
            names.append(version)
            step, options = "register", {**options, "version": version, "ref": rng.choice(pool)}
        elif step == "deregister":
            options = {**options, "version": version}
        elif step != "deprecate":
            options = {**options, "version": version, "stage": rng.choice(STAGES)}
        calls.append([step, now, options])
    return calls


def gto_to_ours(reference: Gto, path: Path, seed: int) -> int:
    """Write a history with GTO, and read it with both; return the number of events.

    GTO may write a history that it cannot read: two versions at one commit, a problem here.
    """
    git, commits = repository(path, 12)
    rng = RandomNames(seed)
    errors = reference("write", str(git.path), random_calls(rng, rng.models(seed), commits))
    answer = reference.state(git)
    if "error" in answer:
        with Registry.open(git.path) as registry:
            kinds = {problem.kind for problem in registry.problems()}
        assert ProblemKind.SHARED_COMMIT in kinds, f"seed {seed}: {answer}"
        return 0
    assert comparable(answer) == comparable(ours(git)), f"seed {seed}"
    return sum(1 for error in errors if error is None)


def run_seeds(references: list[Gto], work: Any, tmp_path: Path, count: int) -> int:
    """Run the work for each seed, in parallel in all processes; return the sum of the results."""
    only = os.environ.get("SEED")
    seeds = [int(only)] if only else list(range(count))

    def run(index: int) -> int:
        share = seeds[index :: len(references)]
        return sum(work(references[index], tmp_path / f"{seed}", seed) for seed in share)

    with ThreadPoolExecutor(len(references)) as pool:
        return sum(pool.map(run, range(len(references))))


def test_gto_reads_histories_of_this_library(references: list[Gto], tmp_path: Path) -> None:
    repositories = OURS // PER_REPOSITORY
    assert run_seeds(references, ours_to_gto, tmp_path, repositories) >= PER_REPOSITORY


def test_this_library_reads_histories_of_gto(references: list[Gto], tmp_path: Path) -> None:
    assert run_seeds(references, gto_to_ours, tmp_path, THEIRS) > (
        0 if os.environ.get("SEED") else 2 * THEIRS
    )


@pytest.mark.parametrize("ahead", [0, 3600])
@pytest.mark.filterwarnings("ignore::modelversions.ClockSkewWarning")
def test_the_last_call_takes_precedence_for_all_tools(
    references: list[Gto], tmp_path: Path, ahead: int
) -> None:
    """F14: within one second, and with a clock an hour behind that of the last event."""
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
    answer = references[0].state(git)
    assert comparable(answer) == comparable(ours(git))
    assert answer["models"]["m"]["stages"] == {"prod": "v1.0.0"}
    assert answer["models"]["m"]["latest"] == "v1.0.0"
    order = ("for-each-ref", "--sort=-taggerdate", "--count=1", "--format=%(refname:strip=2)")
    assert git(*order, "refs/tags/m#*").strip() == last.tag
    assert git(*order, "refs/tags/m@*").strip() == "m@v1.0.0#1"
