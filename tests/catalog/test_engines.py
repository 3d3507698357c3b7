"""A catalog on Dask and on Ray, whose processes receive sources and requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pytest
from dulwich.repo import Repo

from modelversions import Catalog, RepositoryNotFoundError
from tests.builders import Builder, at, irregular_tags

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = [
    pytest.mark.compat,
    pytest.mark.filterwarnings("default"),  # from Dask and Ray, and their servers
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


def check_same(executor: Executor, sources: list[str]) -> None:
    """Compare the results with those of threads."""
    remote, threads = Catalog(sources, executor=executor), Catalog(sources)
    assert remote.latest() == threads.latest()
    assert remote.history() == threads.history()
    assert remote.problems(at(10**9)) == threads.problems(at(10**9))
    assert remote.to_records("versions") == threads.to_records("versions")
    assert str(remote) == str(threads)
    assert type(remote.errors["nowhere"]) is RepositoryNotFoundError
    remote.refresh()
    assert remote.history() == threads.history()


def test_dask(client: Any, sources: list[str]) -> None:
    with client.get_executor() as executor:
        check_same(executor, sources)


def test_ray(sources: list[str], tmp_path: Path) -> None:
    """Run the example as a program, as Ray's processes run until its own process ends."""
    pytest.importorskip("ray")
    file, snapshots = tmp_path / "catalog.yaml", tmp_path / "snapshots"
    file.write_text(json.dumps({"repositories": sources}))
    paths = os.pathsep.join([str(EXAMPLES.parent), *sys.path])
    done = subprocess.run(
        [sys.executable, EXAMPLES / "dashboard.py", file, snapshots, "--ray", "local"],
        env={**os.environ, "PYTHONPATH": paths, "RAY_USAGE_STATS_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    threads = Catalog(sources)
    assert done.stdout == f"{threads}\n", done.stderr
    assert done.returncode == 1
    assert Catalog.load(snapshots).history() == threads.history()


def test_it_runs_in_other_processes(client: Any) -> None:
    assert os.getpid() not in {client.submit(os.getpid, pure=False).result() for _ in range(4)}
