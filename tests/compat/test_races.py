"""Concurrent writers and killed writers: no event is lost, duplicated or incomplete."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from modelversions import (
    Identity,
    LockedError,
    Registry,
    VersionExistsError,
)
from tests.compat.git import Git, init

pytestmark = pytest.mark.compat

ANN = Identity("Ann", "ann@example.com")
FORK = multiprocessing.get_context("fork")
WRITERS = 16


def race(work: Callable[[int, int], str], rounds: int) -> list[list[str]]:
    """Run the same work in all processes at the same time, in several rounds."""
    barrier = FORK.Barrier(WRITERS)
    results = FORK.Queue()

    def run(number: int) -> None:
        for turn in range(rounds):
            barrier.wait(60)
            try:
                result = work(turn, number)
            except Exception as error:  # noqa: BLE001  # the test reports it
                result = repr(error)
            results.put((turn, result))

    processes = [FORK.Process(target=run, args=(number,)) for number in range(WRITERS)]
    for process in processes:
        process.start()
    found: list[list[str]] = [[] for _ in range(rounds)]
    for _ in range(rounds * WRITERS):
        turn, result = results.get(timeout=60)
        found[turn].append(result)
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return found


def test_one_of_16_concurrent_registrations_succeeds(tmp_path: Path) -> None:
    git = init(tmp_path / "repo")
    git.commit()

    def register(turn: int, _: int) -> str:
        with Registry.open(git.path) as registry:
            try:
                return registry.register(f"m{turn}", "v1.0.0", author=ANN).tag
            except VersionExistsError:
                return "already registered"

    for turn, results in enumerate(race(register, 50)):
        assert sorted(results) == ["already registered"] * 15 + [f"m{turn}@v1.0.0"]
    assert len(git("tag", "-l").split()) == 50
    assert git("fsck", "--strict", "--no-dangling") == ""


def test_all_concurrent_assignments_are_recorded(tmp_path: Path) -> None:
    git = init(tmp_path / "repo")
    git.commit()
    with Registry.open(git.path) as registry:
        registry.register("m", "v1.0.0", author=ANN)

    def assign(_: int, number: int) -> str:
        with Registry.open(git.path) as registry:
            stage = f"stage-{number % 4}"
            return registry.assign("m", "v1.0.0", stage, author=ANN, force=True).tag

    written = [tag for results in race(assign, 5) for tag in results]
    assert len(set(written)) == 5 * WRITERS
    assert set(git("tag", "-l").split()) == {*written, "m@v1.0.0"}
    with Registry.open(git.path) as registry:
        assert {event.tag for event in registry.history()} == {*written, "m@v1.0.0"}
        assert len(registry["m"].stages) == 4
    assert git("fsck", "--strict", "--no-dangling") == ""


def _write_until_killed(path: Path, first: int) -> None:
    """Register models and assign their versions, one after another, until killed."""
    number = first
    while True:
        with Registry.open(path) as registry:
            while number:
                registry.register(f"m{number}", "v1.0.0", author=ANN)
                registry.assign(f"m{number}", "v1.0.0", "prod", author=ANN)
                number += 1


def _killed(path: Path, first: int, delay: float) -> None:
    """Start a writer, and kill it after a while."""
    child = os.fork()
    if child == 0:
        try:
            _write_until_killed(path, first)
        except BaseException:  # noqa: BLE001  # it must not continue as a second pytest
            traceback.print_exc()
            os._exit(1)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the writer exited before it was killed"


def _check(git: Git, rng: random.Random) -> int:
    """Check a repository after a writer was killed; return the number of lock files."""
    assert git("fsck", "--strict", "--no-dangling") == ""
    locks = [
        Path(root, f) for root, _, files in os.walk(git.path) for f in files if f[-5:] == ".lock"
    ]
    with Registry.open(git.path) as registry:
        events = registry.history()
        assert {event.tag for event in events} == set(git("tag", "-l").split())
        assert registry.problems(datetime.max.replace(tzinfo=timezone.utc)) == ()
        for lock in locks:
            tag = lock.name.removesuffix(".lock")
            if "@" in tag and rng.random() < 0.2:
                with pytest.raises(LockedError, match=f"remove '.*{tag}.lock'"):
                    registry.register(*tag.split("@"), author=ANN)
            lock.unlink()
    return len(locks)


@pytest.mark.filterwarnings("ignore:This process")  # it forks, and no thread is running
@pytest.mark.usefixtures("short_lock_timeout")
def test_a_killed_writer_leaves_no_incomplete_event(tmp_path: Path) -> None:
    rng = random.Random(20240229)  # noqa: S311  # reproducible
    written, locks = 0, 0
    for batch in range(200):  # 20 writers per repository, so that it stays small
        if batch >= 50 and written > 1000 and locks > 0:
            break  # a busy machine needs more of them, as it writes less before a kill
        git = init(tmp_path / f"repo-{batch}")
        git.commit()
        for turn in range(20):
            _killed(git.path, 1 + 1000 * turn, rng.uniform(0.001, 0.04))
            locks += _check(git, rng)
        written += len(git("tag", "-l").split())
    assert written > 1000
    assert locks > 0
