"""Registries for unit tests of users: hermetic and reproducible."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from dulwich.objects import ObjectID
from dulwich.repo import MemoryRepo

from modelversions import (
    Identity,
    InvalidArgumentError,
    PushRejectedError,
    Registry,
    StageNotAllowedError,
)
from modelversions.testing import AUTHOR, START, FixedClock, memory_registry, new_commit
from tests.builders import Builder

pytest_plugins = ["modelversions.pytest_plugin"]


@pytest.fixture
def _hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a configuration with a signing program and hooks, which must not run."""
    program = tmp_path / "gpg"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\nexit 1\n")
    program.chmod(0o755)
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text(
        f"[tag]\n\tgpgSign = true\n[gpg]\n\tprogram = {program}\n[core]\n\thooksPath = {tmp_path}\n"
        "[user]\n\tname = Someone Else\n\temail = else@example.com\n"
        "[i18n]\n\tcommitEncoding = latin-1\n"
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


def test_registries_are_reproducible() -> None:
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


def test_a_new_commit() -> None:
    first, second = (memory_registry() for _ in range(2))
    for registry in (first, second):
        registry.register("m", "v1.0.0")
        sha = new_commit(registry, "train again")
        assert registry.commits()[0].commit == sha
        assert registry.commits()[0].message == "train again"
        assert registry.register("m", "v1.1.0").commit == sha
    assert first.commits() == second.commits()


def test_a_new_commit_requires_a_registry_in_memory(disk: Builder) -> None:
    disk.commit()
    for registry in (disk.registry, Registry.open("https://host/repo.git")):
        with pytest.raises(InvalidArgumentError, match="is for registries in memory"):
            new_commit(registry)


@pytest.mark.parametrize(
    ("models", "stages", "message"),
    [
        ({"m": "v1.0.0"}, {}, "models must have the form {'churn': .* not {'m': 'v1.0.0'}"),
        (["m"], {}, "models must have the form"),
        ({"m": {"v1.0.0": "prod"}}, {}, "models must have the form {'churn': "),
        ({}, {"m": ["prod"]}, "stages must have the form {'churn': {'prod': 'v1.0.0'}}"),
        ({}, {"m": "prod"}, "stages must have the form"),
        ({}, "prod", "stages must have the form"),
    ],
)
def test_invalid_models_and_stages(models: Any, stages: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        memory_registry(models, stages)


def test_push_and_fetch_between_registries_in_memory() -> None:
    one = memory_registry({"m": ["v1.0.0"]}, {"m": {"prod": "v1.0.0"}})
    two = memory_registry(commits=2, clock=FixedClock(START + timedelta(days=1)))
    two.register("n", "v1.0.0")
    assert one.push(remote=two).transferred == ("m#prod#1", "m@v1.0.0")
    assert two["m"].stages["prod"] == one["m"]["v1.0.0"]
    assert one.fetch(remote=two).transferred == ("n@v1.0.0",)
    assert one.history() == two.history()
    assert one.push(remote=two).unchanged == ("m#prod#1", "m@v1.0.0", "n@v1.0.0")
    new_commit(one)
    new_commit(two)
    one.register("m", "v2.0.0")
    two.register("m", "v2.0.0")
    assert [conflict.tag for conflict in two.fetch(remote=one).conflicts] == ["m@v2.0.0"]


def test_push_and_fetch_between_memory_and_disk(disk: Builder) -> None:
    disk.commit()
    memory, on_disk = memory_registry({"m": ["v1.0.0"]}), disk.registry
    assert memory.push(remote=on_disk).transferred == ("m@v1.0.0",)
    on_disk.deprecate("m", author=AUTHOR)
    assert memory.fetch(remote=on_disk).transferred == ("m@deprecated",)
    assert on_disk.push("m@deprecated", remote=memory).unchanged == ("m@deprecated",)
    assert memory.history() == on_disk.history()


def test_a_push_with_a_missing_commit() -> None:
    source, target = memory_registry({"m": ["v1.0.0", "v2.0.0"]}), memory_registry(commits=0)
    repo = source._store.repo  # type: ignore[attr-defined]
    child, root = (ObjectID(version.commit.encode()) for version in source["m"])
    repo.update_shallow({child}, None)
    del repo.object_store._data[root]
    with pytest.raises(PushRejectedError, match="is in neither repository"):
        source.push("m@v2.0.0", remote=target)
    assert list(target) == []


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


@pytest.mark.parametrize("commits", [-1, "3", None])
def test_an_invalid_number_of_commits(commits: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=f"a non-negative integer, not {commits!r}"):
        memory_registry(commits=commits)


def test_a_new_commit_with_an_invalid_registry() -> None:
    registry: Any = "churn"
    with pytest.raises(InvalidArgumentError, match="for registries in memory; .* in 'churn'"):
        new_commit(registry)


def test_a_push_between_registries_in_memory_reads_no_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []

    class Environment(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            read.append(name)
            return default

    monkeypatch.setattr(os, "environ", Environment())
    registry, other = memory_registry({"m": ["v1.0.0"]}), memory_registry({"k": ["v1.0.0"]})
    assert registry.fetch(remote=other).transferred == ("k@v1.0.0",)
    assert [name for name in read if name.startswith("GIT_COMMITTER")] == []
