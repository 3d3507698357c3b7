"""Four real registries, rebuilt from data about their tags: results equal those of GTO 1.10.1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dulwich.repo import MemoryRepo, Repo

from modelversions import Registry
from tests.builders import CORPORA, Builder, corpus

NAMES = (
    "demo-bank-customer-churn",
    "example-get-started",
    "example-get-started-experiments",
    "example-gto",
)

DIFFERENCES: dict[tuple[str, str], str] = {}
"""By corpus and part of the result: the rule that explains a difference from GTO. It is empty:
these registries have nothing that FORMAT marks as ≠ GTO."""

pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"there are no corpora at {CORPORA}")


@pytest.fixture(params=["memory", "loose", "packed"])
def repo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Builder]:
    repo = MemoryRepo() if request.param == "memory" else Repo.init(str(tmp_path))
    yield Builder(repo)
    repo.close()


def ours(registry: Registry, labels: dict[str, str]) -> dict[str, Any]:
    """Return the state and the history in the form of the corpus."""
    models = {
        name: {
            "latest": model.latest.name if model.latest else None,
            "stages": {stage: holder.name for stage, holder in model.stages.items()},
            "deprecated": model.deprecated,
            "versions": [
                {
                    "version": version.name,
                    "commit": labels[version.commit],
                    "tag": version.tag,
                    "active": version.active,
                    "stages": list(version.stages),
                }
                for version in model.all_versions
            ],
        }
        for name, model in registry.items()
    }
    history = [
        {
            "time": int(event.time.timestamp()),
            "model": event.model,
            "event": event.kind.value,
            "version": str(event.version),
            "stage": event.stage,
            "commit": labels[event.commit],
            "tag": event.tag,
        }
        for event in registry.history()
    ]
    return {"models": models, "history": history}


@pytest.mark.parametrize("name", NAMES)
def test_results_equal_those_of_gto(
    name: str, repo: Builder, request: pytest.FixtureRequest
) -> None:
    data = corpus(name, repo)
    if "packed" in request.node.name:
        repo.pack()
    labels = {sha: label for label, sha in repo.commits.items()}
    results = ours(repo.registry, labels)
    for part, expected in data["gto_1_10_1"].items():
        if (name, part) not in DIFFERENCES:
            assert results[part] == expected
    assert {name: version.name for name, version in repo.registry.latest().items()} == {
        name: model["latest"] for name, model in data["gto_1_10_1"]["models"].items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_other_tags_are_not_problems(name: str, repo: Builder) -> None:
    data = corpus(name, repo)
    assert [problem.tag for problem in repo.registry.problems()] == []
    assert len(repo.registry.history()) == len(data["gto_1_10_1"]["history"])
