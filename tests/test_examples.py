"""Run each example."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dulwich.refs import HEADREF, Ref
from dulwich.repo import Repo

from modelversions import Identity, Registry
from tests.builders import Builder, at

EXAMPLES = Path(__file__).parents[1] / "examples"
ANN = Identity("Ann", "ann@example.com")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Builder]:
    """A repository with a work tree, the current directory, and one commit."""
    with Repo.init(str(tmp_path / "work"), mkdir=True) as repo:
        builder = Builder(repo)
        builder.ref("refs/heads/main", builder.commit())
        repo.refs.set_symbolic_ref(HEADREF, Ref(b"refs/heads/main"))
        monkeypatch.chdir(repo.path)
        monkeypatch.setenv("GIT_COMMITTER_NAME", "Ann")
        monkeypatch.setenv("GIT_COMMITTER_EMAIL", "ann@example.com")
        yield builder


def example(name: str) -> dict[str, Any]:
    """Run a script; return its global variables."""
    return runpy.run_path(str(EXAMPLES / name))


def test_the_index_is_complete() -> None:
    text = (EXAMPLES / "README.md").read_text("utf-8")
    linked = set(re.findall(r"\]\(([^)]+)\)", text))
    files = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.*")}
    assert linked == {one for one in files if one != "README.md" and "__pycache__" not in one}


def test_quickstart() -> None:
    command = [sys.executable, "-W", "error", str(EXAMPLES / "quickstart.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Rolled back to: churn@v1.0.0" in done.stdout


def test_store_predictions(work: Builder, capsys: pytest.CaptureFixture[str]) -> None:
    script = example("store_predictions.py")
    script["main"]()
    assert f"ann,0.25,unregistered,{work.commits['c1']}" in capsys.readouterr().out
    work.tag("churn@v1.0.0", "c1", 10)
    script["main"]()
    assert f"bob,0.75,churn@v1.0.0,{work.commits['c1']}" in capsys.readouterr().out


def test_publish_page(work: Builder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish = example("publish_page.py")["publish"]
    work.tag("churn@v1.0.0", "c1", 10)
    file = tmp_path / "models.html"
    assert publish(str(file), ["."]) == 0
    assert '"names":["churn"]' in file.read_text("utf-8")
    assert publish(str(file), [".", "/nowhere"]) == 1
    assert '"is_catalog":true' in file.read_text("utf-8")
    assert "nowhere: there is no '/nowhere'" in capsys.readouterr().err


@pytest.mark.usefixtures("work")
def test_arguments_of_publish_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = example("publish_page.py")["main"]
    file = tmp_path / "models.html"
    file.write_text("old")
    for arguments in ([], [str(file)]):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
        assert "the following arguments are required" in capsys.readouterr().err
    assert main([str(file), "/nowhere"]) == 1
    assert capsys.readouterr().err.startswith("there is no '/nowhere'")
    assert main([str(tmp_path / "no" / "models.html"), "."]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert file.read_text() == "old"
    assert main([str(file), "."]) == 0
    assert file.read_text("utf-8").startswith("<!DOCTYPE html>")


def test_publish_json(work: Builder, tmp_path: Path) -> None:
    script = example("publish_json.py")
    work.commit("c2", 1, "c1")
    work.tag("churn@v1.0.0", "c1", 10)
    script["publish"](".", tmp_path / "out")
    work.tag("churn@v2.0.0", "c2", 5)  # created before, and pushed later
    script["publish"](".", tmp_path / "out")
    found = {path.name: json.loads(path.read_text()) for path in (tmp_path / "out").iterdir()}
    assert [one["latest"] for one in found["models.json"]] == ["v2.0.0"]
    assert [one["version"] for one in found["versions.json"]] == ["v2.0.0", "v1.0.0"]
    assert [one["tag"] for one in found["events.json"]] == ["churn@v2.0.0"]
    assert found["known-tags.json"] == ["churn@v1.0.0", "churn@v2.0.0"]


@pytest.mark.usefixtures("work")
def test_publish_json_of_an_empty_registry(tmp_path: Path) -> None:
    example("publish_json.py")["publish"](".", tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "events.json",
        "known-tags.json",
        "models.json",
        "versions.json",
    ]


def test_dashboard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    show = example("dashboard.py")["show"]
    file, snapshots = tmp_path / "catalog.yaml", tmp_path / "snapshots.sqlite"
    file.write_text("repositories:\n- churn.git\n- vision.git\n")
    with Repo.init_bare(str(tmp_path / "churn.git"), mkdir=True) as repo:
        builder = Builder(repo).tags("churn@v1.0.0", "churn#prod#1")
        assert show(str(file), str(snapshots)) == 1
        assert "churn       churn  v1.0.0          v1.0.0" in capsys.readouterr().out
        builder.tag("churn@v2.0.0", builder.commit("c2", 1, "c1"), 90)
        Repo.init_bare(str(tmp_path / "vision.git"), mkdir=True).close()
        assert show(str(file), str(snapshots)) == 0
        assert "churn       churn  v2.0.0          v1.0.0" in capsys.readouterr().out


def test_promotion_rules(capsys: pytest.CaptureFixture[str]) -> None:
    example("promotion_rules.py")["main"]()
    lines = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        *("rejected", "rejected", "rejected", "written", "written", "rejected", "written"),
    ]


def test_the_example_of_a_unit_test() -> None:
    path = str(EXAMPLES / "test_deployment.py")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        path,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("name", ["from_gto.md", "from_mlflow.md"])
def test_migration_guides(name: str) -> None:
    text = (EXAMPLES / name).read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    variables: dict[str, Any] = {}
    exec(code, variables)  # noqa: S102  # the example's own code
    registry = variables["registry"]
    assert isinstance(registry, Registry)
    if name == "from_gto.md":
        assert (variables["latest"].name, variables["in_prod"].name) == ("v1.0.0", "v1.0.0")
        assert (variables["event"].tag, variables["stage"]) == ("churn@v1.0.0", "prod")
        assert (variables["allowed"], variables["used"]) == (None, ("dev", "prod"))
        assert registry.history() == ()
    else:
        assert variables["in_prod"] == variables["latest"]
        assert (variables["names"], variables["message"]) == (["churn"], "AUC 0.93")
        assert registry["churn"].deprecated


@pytest.mark.compat
class TestCiEvent:
    """In checkouts as CI systems create them with C git."""

    @pytest.fixture
    def origin(self, work: Builder) -> Builder:
        work.tag("churn@v1.0.0", "c1", 10)
        work.tag("churn#prod#1", "c1", 20)
        work.tag("release", "c1", 30)
        return work

    def run(self, checkout: Path, ref: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(EXAMPLES / "ci_event.py")]
        return subprocess.run(
            command,
            cwd=checkout,
            env={**os.environ, "GITHUB_REF": ref, **env},
            capture_output=True,
            text=True,
            check=False,
        )

    @pytest.mark.parametrize("options", [[], ["--depth=1"], ["--depth=1", "--no-tags"]])
    def test_a_stage(self, origin: Builder, tmp_path: Path, options: list[str]) -> None:
        checkout = tmp_path / "checkout"
        url = f"file://{Path(origin.git_dir)}"
        subprocess.run(["git", "clone", "-q", *options, url, str(checkout)], check=True)
        if options:  # as some actions do
            lightweight = ["git", "tag", "-f", "churn#prod#1", "HEAD"]
            subprocess.run(lightweight, cwd=checkout, check=True, capture_output=True)
        output = tmp_path / "output"
        done = self.run(checkout, "refs/tags/churn#prod#1", GITHUB_OUTPUT=str(output))
        assert output.read_text() == done.stdout
        assert done.stdout == (
            "event=assignment\nmodel=churn\nversion=v1.0.0\nstage=prod\n"
            f"commit={origin.commits['c1']}\n"
        )

    @pytest.mark.parametrize(
        ("ref", "reason"),
        [
            ("refs/heads/main", "it is not a tag"),
            ("release", "it is not a tag of the form"),
            ("churn@v9.0.0", "there is no tag 'churn@v9.0.0' in "),
        ],
    )
    def test_refs_that_are_not_events(
        self, origin: Builder, tmp_path: Path, ref: str, reason: str
    ) -> None:
        checkout = tmp_path / "checkout"
        subprocess.run(["git", "clone", "-q", str(origin.git_dir), str(checkout)], check=True)
        done = self.run(checkout, ref)
        assert done.returncode == 1
        assert reason in done.stderr


@pytest.mark.compat
def test_serve_model(work: Builder) -> None:
    from fastapi.testclient import TestClient

    work.commit_file("dvc.yaml", "artifacts: {churn: {path: dvc.yaml}}\n", "c2", 1)
    work.tag("churn@v1.0.0", "c2", 10)
    registry = work.registry
    app = example("serve_model.py")["create_app"](registry)
    with TestClient(app) as client:
        assert client.get("/version").status_code == 503
    registry.assign("churn", "v1.0.0", "prod", author=ANN, when=at(20) + timedelta(days=1))
    app = example("serve_model.py")["create_app"](registry)
    with TestClient(app) as client:
        assert client.get("/version").json() == registry["churn"]["v1.0.0"].to_dict()


def test_the_ci_files_name_the_script() -> None:
    for name in ("github-actions.yml", "gitlab-ci.yml"):
        text = (EXAMPLES / "ci" / name).read_text("utf-8")
        assert "examples/ci_event.py" in text
