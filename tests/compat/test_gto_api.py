"""``modelversions.gto`` and ``gto.api`` return equal results in two equal repositories."""

from __future__ import annotations

import inspect
import random
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from modelversions import gto as drop_in
from modelversions.gto import api
from modelversions.write import writer
from tests.compat.git import ENV, Git
from tests.compat.gto import START, Gto, gto, repository
from tests.compat.gto_api import differences, plain

pytestmark = pytest.mark.compat

NAMES = sorted(name for name in drop_in.__all__ if inspect.isfunction(getattr(drop_in, name)))


@pytest.fixture(scope="module")
def theirs() -> Iterator[Gto]:
    with gto() as process:
        yield process


class Twins:
    """Two repositories with the same commits, one for each implementation."""

    def __init__(self, directory: Path, theirs: Gto, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ours, self.commits = repository(directory / "ours", 8)
        self.theirs, commits = repository(directory / "theirs", 8)
        assert commits == self.commits
        self.gto = theirs
        self.now = START
        self.results: list[Any] = []
        for name in ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
            monkeypatch.setenv(name, ENV[name])
        monkeypatch.setattr(writer, "_now", lambda: datetime.fromtimestamp(self.now, timezone.utc))

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Make a call in both; check that the results or the names of the exceptions are equal."""
        self.now += 10
        try:
            ours = plain(getattr(api, name)(self.ours.path, *arguments, **options))
        except Exception as error:  # noqa: BLE001  # compared with theirs
            ours = {"error": type(error).__name__}
        theirs = self.gto("api", str(self.theirs.path), name, self.now, arguments, options)
        assert not differences(ours, theirs), (name, arguments, options)
        self.results.append(ours)
        return ours

    def compare(self) -> None:
        """Compare the tags, and the results of all functions that read."""
        assert tags(self.ours) == tags(self.theirs)
        for flag in ("table", "ascending", "truncate_hexsha"):
            self.call("history", **{flag: True})
        self.call("history", "a")
        choices: list[dict[str, Any]] = [{}, {"table": True}, {"deprecated": True}]
        choices += [{"registered_only": True}, {"versions_per_stage": -1}]
        choices += [{"table": True, "truncate_hexsha": True}]
        choices += [{"versions_per_stage": -1, "deprecated": True}]
        choices += [{"assignments_per_version": limit} for limit in (0, 1, 2)]
        choices += [{"assignments_per_version": 1, "versions_per_stage": -1}]
        for options in choices:
            self.call("show", **options)
            for model in ("a", "dir:b", "missing"):
                self.call("show", model, **options)
        for model in ("a", "dir:b", "missing"):
            self.call("find_latest_version", model)
            self.call("find_latest_version", model, all=True, registered=False)
            for stage in ("prod", "dev"):
                self.call("show", f"{model}#{stage}")
                self.call("find_versions_in_stage", model, stage)
                self.call("find_versions_in_stage", model, stage, versions_per_stage=-1)
                self.call("find_versions_in_stage", model, stage, assignments_per_version=1)
            self.call("show", f"{model}@latest")
            self.call("show", f"{model}@v1.0.0")
        self.call("get_stages")
        self.call("get_stages", used=True)
        self.call("get_stages", allowed=True)
        for tag in (*self.ours("tag").split(), "main", "refs/tags/a@v1.0.0", "nothing"):
            self.call("check_ref", tag)


def tags(git: Git) -> str:
    fields = "%(refname) %(tag) %(*objectname) %(tagger) %(subject)"
    return git("for-each-ref", f"--format={fields}", "refs/tags")


@pytest.fixture
def twins(tmp_path: Path, theirs: Gto, monkeypatch: pytest.MonkeyPatch) -> Twins:
    return Twins(tmp_path, theirs, monkeypatch)


def test_signatures(theirs: Gto) -> None:
    expected = theirs("signatures")
    assert sorted(expected) == NAMES
    for name in NAMES:
        parameters = inspect.signature(getattr(api, name)).parameters.values()
        assert [[one.name, repr(one.default)] for one in parameters] == expected[name], name


def test_exceptions(theirs: Gto) -> None:
    ours = vars(drop_in.exceptions)
    for name in theirs("exceptions"):
        assert issubclass(ours[name], drop_in.exceptions.GTOException), name


def test_a_whole_history(twins: Twins) -> None:
    c = twins.commits
    twins.compare()
    twins.call("register", "a", c[0])
    twins.call("register", "a", c[0])
    twins.call("register", "a", c[1], bump_minor=True)
    twins.call("register", "a", c[2], version="v1.0.0", message="text", author="Bob")
    twins.call("register", "a", c[3], version="v1.0.0")
    twins.call("register", "a", c[3], version="1.0")
    twins.call("register", "a", c[3], version="v2.0.0", bump_major=True)
    twins.call("register", "not valid!", c[3])
    twins.call("register", "dir:b", c[3], author="Bob", author_email="bob@example.com")
    twins.compare()
    twins.call("assign", "a", "prod", version="v1.0.0")
    twins.call("assign", "a", "prod", version="v1.0.0")
    twins.call("assign", "a", "prod", version="v0.0.1")
    twins.call("assign", "a", "dev", ref=c[1])
    twins.call("assign", "a", "dev", ref=c[4], name_version="v3.0.0")
    twins.call("assign", "dir:b", "dev", ref=c[5])
    twins.call("assign", "a", "dev", version="v9.0.0")
    twins.call("assign", "a", "dev", version="v1.0.0", ref=c[2])
    twins.call("assign", "a", "dev")
    twins.compare()
    twins.call("unassign", "a", version="v0.0.1", stage="prod")
    twins.call("unassign", "a", version="v0.0.1", stage="canary")
    twins.call("deregister", "a", version="v0.1.0")
    twins.call("deregister", "a", version="v7.0.0")
    twins.call("deregister", "a", ref=c[2])
    twins.compare()
    twins.call("deprecate", "a")
    twins.call("deprecate", "a")
    twins.call("deprecate", "missing")
    twins.compare()
    twins.call("unassign", "a", version="v3.0.0", stage="dev", delete=True)
    twins.call("unassign", "a", version="v3.0.0", stage="dev", delete=True)
    twins.call("deregister", "a", version="v0.1.0", delete=True)  # it is no longer active
    twins.call("deregister", "a", version="v0.0.1", delete=True)
    twins.call("deprecate", "dir:b", delete=True)
    twins.compare()
    errors = [one["error"] for one in twins.results if isinstance(one, dict) and "error" in one]
    assert len(errors) > 20
    assert len(twins.results) > 200


def test_invalid_calls(twins: Twins) -> None:
    c = twins.commits
    twins.call("register", "a", c[0])
    twins.call("register", "a", c[0], version="v0.0.1", force=True)
    twins.call("assign", "a", "dev", version="v0.0.1")
    twins.call("deregister", "a", version="v0.0.1")
    twins.call("deregister", "a", version="v0.0.1")
    twins.call("assign", "missing", "prod", version="v1.0.0")
    twins.call("assign", "a", "prod", ref=c[6], name_version="bad")
    twins.call("deregister", "missing", version="v1.0.0")
    twins.call("deregister", "a", ref=c[7])
    twins.call("unassign", "a", version="v0.0.1")
    twins.call("register", "dir:b", c[6], version="", message="")
    twins.call("history", "")
    for name in ("a@v1", "a@bad", "a#bad!", "a@v0.0.1#3", "a@v0.0.1!", "a@", "#", "a#dev"):
        twins.call("show", name)
    assert tags(twins.ours) == tags(twins.theirs)


@pytest.mark.parametrize("seed", range(6))
def test_random_calls(twins: Twins, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  # reproducible from its seed
    commits = list(twins.commits)
    versions: list[str] = []
    for number in range(12):
        kind = rng.choice(["register", "assign", "assign", "unassign", "deregister"])
        if (kind == "register" and commits) or not versions:
            version = f"v{rng.randint(0, 2)}.{number}.0"
            twins.call("register", "a", commits.pop(), version=version)
            versions.append(version)
        elif kind == "assign":
            stage = rng.choice(["prod", "dev", "canary"])
            twins.call("assign", "a", stage, version=rng.choice(versions))
        elif kind == "unassign":
            stage = rng.choice(["prod", "dev"])
            twins.call("unassign", "a", version=rng.choice(versions), stage=stage)
        else:
            twins.call("deregister", "a", version=versions.pop(rng.randrange(len(versions))))
    twins.compare()


@pytest.mark.parametrize(
    "name", ["a@v1.0.0", "dir=b#prod#3", "a@deprecated", "a@v1.0.0!#2", "a#x!", "a", "a@v1"]
)
def test_names_of_tags(theirs: Gto, name: str) -> None:
    try:
        ours = plain(api.parse_tag(name))
    except drop_in.exceptions.GTOException as error:
        ours = {"error": type(error).__name__}
    assert ours == theirs("api", None, "parse_tag", 0, [name], {})


def test_annotations(twins: Twins) -> None:
    text = "a: {type: model, path: a.pkl, description: text, labels: [x], custom: {n: 1}}\n"
    for git in (twins.ours, twins.theirs):
        (git.path / "artifacts.yaml").write_text(text)
        (git.path / "a.pkl").write_text("model")
        git("add", ".")
        git("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x", "--date=@1700000000")
    api.register(twins.ours.path, "a", "HEAD", version="v1.0.0")
    twins.gto(
        "api", str(twins.theirs.path), "register", START, ["a", "HEAD"], {"version": "v1.0.0"}
    )
    for name in ("a", "a@v1.0.0", "a@latest", "missing", "missing@latest"):
        ours: Any
        try:
            ours = plain(api.describe(twins.ours.path, name))
        except drop_in.exceptions.GTOException as error:
            ours = {"error": type(error).__name__}
        theirs = twins.gto("api", str(twins.theirs.path), "describe", START, [name], {})
        if isinstance(theirs, dict) and "virtual" in theirs:
            theirs["virtual"] = ours["virtual"]  # a documented difference
        assert ours == theirs, name


def test_show_is_faster(tmp_path: Path, theirs: Gto) -> None:
    git, commits = repository(tmp_path / "many", 300)
    stream = "".join(
        f"tag m{number % 30}@v1.{number}.0\nfrom {commit}\n"
        f"tagger A <a@b> {START + number} +0000\ndata 1\nx\n"
        for number, commit in enumerate(commits)
    )
    git("fast-import", "--quiet", text=stream)
    start = time.perf_counter()
    ours = plain(api.show(git.path))
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    assert theirs("api", str(git.path), "show", 0, [], {}) == ours
    assert time.perf_counter() - start > 20 * seconds
