"""Registries for users' unit tests: hermetic and reproducible."""

from __future__ import annotations

import doctest
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from dulwich.repo import MemoryRepo

from modelversions import Identity, InvalidArgumentError, Registry, StageNotAllowedError, testing
from modelversions.testing import AUTHOR, START, FixedClock, memory_registry

pytest_plugins = ["modelversions.pytest_plugin"]


@pytest.fixture
def _hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration that signs with a program that must not run, and runs hooks."""
    program = tmp_path / "gpg"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\nexit 1\n")
    program.chmod(0o755)
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text(
        f"[tag]\n\tgpgSign = true\n[gpg]\n\tprogram = {program}\n[core]\n\thooksPath = {tmp_path}\n"
        "[user]\n\tname = Somebody Else\n\temail = else@example.com\n"
    )
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Environment")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "not a number")


@pytest.mark.usefixtures("_hostile")
def test_it_reads_neither_configuration_nor_environment(tmp_path: Path) -> None:
    registry = memory_registry({"churn": ["v1.0.0", "v1.1.0"]}, {"churn": {"prod": "v1.0.0"}})
    event = registry.register("churn", bump="major")
    assert (event.author, str(event.version)) == (AUTHOR, "v2.0.0")
    assert registry["churn"].stages["prod"].name == "v1.0.0"
    assert not registry.verify(event)
    assert registry.problems() == ()
    assert not (tmp_path / "ran").exists()


def test_it_is_the_same_each_time() -> None:
    first, second = (memory_registry({"m": ["v1.0.0"]}, {"m": {"dev": "v1.0.0"}}) for _ in "ab")
    assert first.history() == second.history()
    assert first.commits() == second.commits()
    assert first.history()[0].time == START + timedelta(seconds=1)


def test_commits_to_register_at() -> None:
    registry = memory_registry({"m": ["v1.0.0", "v2.0.0"]}, commits=3)
    assert len(registry.commits()) == 5
    registry.register("m", "v3.0.0", commit="HEAD~2")
    assert [version.commit for version in registry["m"]] == [
        one.commit for one in registry.commits()[2:]
    ]


def test_allowed_stages_and_another_author() -> None:
    ann = Identity("Ann", "ann@example.com")
    registry = memory_registry({"m": ["v1.0.0"]}, allowed_stages=["dev"], author=ann)
    assert registry.assign("m", "v1.0.0", "dev").author == ann
    with pytest.raises(StageNotAllowedError):
        registry.assign("m", "v1.0.0", "prod")


def test_the_fixtures(model_registry: Registry, model_clock: FixedClock) -> None:
    model_clock.now = datetime(2030, 5, 1, tzinfo=timezone.utc)
    assert model_registry.register("m").time == datetime(2030, 5, 1, tzinfo=timezone.utc)
    assert model_registry.register("m", force=True).time.year == 2030


def test_author_and_clock_of_a_registry() -> None:
    repo = MemoryRepo()
    ann, bob = Identity("Ann", "ann@example.com"), Identity("Bob", "bob@example.com")
    other = memory_registry()
    repo.object_store = other._store.repo.object_store  # type: ignore[attr-defined]
    commit = other.commits()[0].commit
    registry = Registry.from_repo(repo, author=ann, clock=FixedClock())
    event = registry.register("m", commit=commit)
    assert (event.author, event.time) == (ann, START)
    assert registry.deprecate("m", author=bob).author == bob
    wrong = Registry.from_repo(repo, author=ann, clock=lambda: datetime(2024, 1, 1))  # noqa: DTZ001
    with pytest.raises(InvalidArgumentError, match="with a time zone"):
        wrong.register("n", commit=commit)


def test_the_examples_of_the_docstring() -> None:
    assert doctest.testmod(testing) == doctest.TestResults(failed=0, attempted=3)
