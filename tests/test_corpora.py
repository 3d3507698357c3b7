"""Four real registries, rebuilt from the facts about their tags: we answer what GTO 1.10.1 does."""

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
"""Where our answer is not GTO's: corpus and question, to the rule that says why. None is needed:
no registry here has what FORMAT marks as ≠ GTO."""

pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"the corpora are not at {CORPORA}")


@pytest.fixture(params=["memory", "loose", "packed"])
def repo(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Builder]:
    repo = MemoryRepo() if request.param == "memory" else Repo.init(str(tmp_path))
    yield Builder(repo)
    repo.close()


def ours(registry: Registry, labels: dict[str, str]) -> dict[str, Any]:
    """Put our answers into the form of the facts."""
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
def test_every_answer_equals_gto(name: str, repo: Builder, request: pytest.FixtureRequest) -> None:
    facts = corpus(name, repo)
    if "packed" in request.node.name:
        repo.pack()
    labels = {sha: label for label, sha in repo.commits.items()}
    answers = ours(repo.registry, labels)
    for question, expected in facts["gto_1_10_1"].items():
        if (name, question) not in DIFFERENCES:
            assert answers[question] == expected
    assert {name: version.name for name, version in repo.registry.latest().items()} == {
        name: model["latest"] for name, model in facts["gto_1_10_1"]["models"].items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_foreign_tags_are_no_problem(name: str, repo: Builder) -> None:
    facts = corpus(name, repo)
    assert [problem.tag for problem in repo.registry.problems()] == []
    assert len(repo.registry.history()) == len(facts["gto_1_10_1"]["history"])
