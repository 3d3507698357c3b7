"""A catalog on Dask: processes that are sent sources and questions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dulwich.repo import Repo

from modelversions import Catalog, RepositoryNotFoundError
from tests.builders import Builder, at, irregular_tags

pytestmark = [
    pytest.mark.compat,
    pytest.mark.filterwarnings("default"),  # those of Dask and its servers
]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """A client of two processes."""
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True}
    with (
        distributed.LocalCluster(dashboard_address=None, **options) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def sources(tmp_path: Path) -> list[str]:
    paths = [str(tmp_path / f"{number}.git") for number in range(6)]
    for number, path in enumerate(paths):
        with Repo.init_bare(path, mkdir=True) as repo:
            builder = Builder(repo)
            if number % 2:
                irregular_tags(builder)
            else:
                builder.tags("m@v1.0.0", f"m@v2.0.{number}", "m#prod#1", "n@v0.1.0", "n@v0.1.0!")
    return [*paths, "/nowhere"]


def test_the_answers_are_those_of_threads(client: Any, sources: list[str]) -> None:
    with client.get_executor() as executor:
        dask, threads = Catalog(sources, executor=executor), Catalog(sources)
        assert dask.latest() == threads.latest()
        assert dask.history() == threads.history()
        assert dask.problems(at(10**9)) == threads.problems(at(10**9))
        assert dask.to_records("versions") == threads.to_records("versions")
        assert str(dask) == str(threads)
        assert type(dask.errors["nowhere"]) is RepositoryNotFoundError
        dask.refresh()
        assert dask.history() == threads.history()


def test_it_runs_in_other_processes(client: Any) -> None:
    assert os.getpid() not in {client.submit(os.getpid, pure=False).result() for _ in range(4)}
