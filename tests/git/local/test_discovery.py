"""A repository is found as Git finds it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions import (
    ConfigurationError,
    Identity,
    IdentityError,
    Registry,
    RepositoryNotFoundError,
    StageNotAllowedError,
)
from tests.builders import Builder

ANN = Identity("Ann", "ann@example.com")


@pytest.fixture
def root(disk: Builder) -> Path:
    """A work tree with a model, a subdirectory and a ``.gto`` file."""
    assert isinstance(disk.repo, Repo)
    disk.tags("m@v1.0.0")
    root = Path(disk.repo.path)
    (root / "a" / "b").mkdir(parents=True)
    (root / ".gto").write_text("stages: [dev]\n")
    return root


def models(path: Path | str = ".") -> list[str]:
    with Registry.open(path) as registry:
        return list(registry)


def test_ceilings(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert models(root / "a" / "b") == ["m"]
    for ceilings in (root, f"relative{os.pathsep}{root}", root / "a"):
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(ceilings))
        with pytest.raises(RepositoryNotFoundError):
            models(root / "a" / "b")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", f"{os.pathsep}relative")
    assert models(root / "a" / "b") == ["m"]


def test_git_dir(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RepositoryNotFoundError):
        models()
    for given in (root / ".git", os.path.relpath(root / ".git"), root):
        monkeypatch.setenv("GIT_DIR", str(given))
        assert models() == ["m"]
    file = tmp_path / "link" / ".git"
    file.parent.mkdir()
    file.write_text(f"gitdir: {root / '.git'}\n")
    monkeypatch.setenv("GIT_DIR", str(file))
    assert models() == ["m"]
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(RepositoryNotFoundError):
        models()
    assert models(root) == ["m"]  # GIT_DIR applies to the current directory only
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path))
    with pytest.raises(
        ConfigurationError, match="GIT_OBJECT_DIRECTORY is set together with GIT_DIR"
    ):
        models()


def test_another_filesystem(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stat, inner = os.stat, os.path.realpath(root / "a")

    def mounted(path: object, *arguments: object, **options: object) -> os.stat_result:
        found = stat(path, *arguments, **options)  # type: ignore[arg-type]
        if str(path).startswith(inner):
            return os.stat_result([*found[:2], found.st_dev + 1, *found[3:]])
        return found

    monkeypatch.setattr(os, "stat", mounted)
    with pytest.raises(RepositoryNotFoundError):
        models(root / "a")
    monkeypatch.setenv("GIT_DISCOVERY_ACROSS_FILESYSTEM", "true")
    assert models(root / "a") == ["m"]


@pytest.mark.parametrize("path", ["", ".git", "a/b"])
def test_the_configuration_of_the_work_tree(root: Path, path: str) -> None:
    with (
        Registry.open(root / path) as registry,
        pytest.raises(StageNotAllowedError, match="allowed: dev"),
    ):
        registry.assign("m", "v1.0.0", "prod", author=ANN)


def test_a_configured_work_tree(disk: Builder, root: Path, tmp_path: Path) -> None:
    config = disk.repo.get_config()
    config.set(b"core", b"worktree", str(tmp_path / "tree").encode())
    config.write_to_path()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / ".gto").write_text("stages: [eu]\n")
    with Registry.open(root) as registry, pytest.raises(StageNotAllowedError, match="allowed: eu"):
        registry.assign("m", "v1.0.0", "prod", author=ANN)


def test_a_bare_repository_whose_name_is_that_of_a_git_directory(tmp_path: Path) -> None:
    with Repo.init_bare(str(tmp_path / ".git"), mkdir=True) as repo:
        Builder(repo).tags("m@v1.0.0")
    assert models(tmp_path / ".git") == ["m"]


def allowed(path: Path | str = ".") -> list[str] | None:
    with Registry.open(path) as registry:
        stages = registry.allowed_stages()
    return None if stages is None else list(stages)


@pytest.fixture
def trees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Directories whose ``.gto`` file allows one stage, the directory's name.

    ``current`` is the current directory.
    """
    found = {}
    for name in ("current", "other"):
        found[name] = tmp_path / name
        found[name].mkdir()
        (found[name] / ".gto").write_text(f"stages: [{name}]\n")
    monkeypatch.chdir(found["current"])
    return found


def test_the_work_tree_of_git_dir(
    root: Path, trees: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(root / ".git"))
    assert allowed() == ["current"]
    assert allowed(root) == ["dev"]
    monkeypatch.setenv("GIT_WORK_TREE", os.path.relpath(trees["other"]))
    assert allowed() == ["other"]
    assert allowed(root) == ["dev"]
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.chdir(root)
    monkeypatch.setenv("GIT_WORK_TREE", str(trees["other"]))
    assert allowed() == ["other"]


@pytest.mark.parametrize("variable", ["GIT_DIR", "GIT_WORK_TREE"])
def test_core_bare(
    root: Path, trees: dict[str, Path], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with Repo(str(root)) as repo:
        config = repo.get_config()
        config.set(b"core", b"bare", b"true")
        config.write_to_path()
    assert allowed(root) is None
    monkeypatch.setenv("GIT_DIR", str(root / ".git"))
    monkeypatch.setenv(variable, str(root / ".git" if variable == "GIT_DIR" else trees["other"]))
    assert allowed() == (["other"] if variable == "GIT_WORK_TREE" else None)


def _link(root: Path, tree: Path) -> Path:
    """Make a directory a linked work tree, as ``git worktree add``; return its git directory."""
    administration = root / ".git" / "worktrees" / tree.name
    administration.mkdir(parents=True)
    (administration / "commondir").write_text("../..\n")
    (administration / "gitdir").write_text(f"{tree / '.git'}\n")
    (administration / "HEAD").write_text((root / ".git" / "HEAD").read_text())
    (tree / ".git").write_text(f"gitdir: {administration}\n")
    return administration


def test_a_linked_work_tree_has_its_own_configuration(root: Path, trees: dict[str, Path]) -> None:
    _link(root, trees["current"])
    with Repo(str(root)) as repo:
        config = repo.get_config()
        config.set(b"core", b"bare", b"true")
        config.write_to_path()
    assert allowed(trees["current"]) == ["current"]


def test_a_linked_work_tree_has_its_own_identity(root: Path, trees: dict[str, Path]) -> None:
    administration = _link(root, trees["current"])
    (administration / "config.worktree").write_text("[user]\n\tname = Zed\n\temail = z@x\n")
    (root / ".git" / "config.worktree").write_text("[user]\n\tname = Main\n\temail = m@x\n")
    for expected in ("", "Zed"):
        with Registry.open(trees["current"]) as registry:
            if expected:
                event = registry.register("m", bump="major", dry_run=True, force=True)
                assert event.author == Identity("Zed", "z@x")
            else:
                with pytest.raises(IdentityError):
                    registry.register("m", bump="major", dry_run=True, force=True)
        with Repo(str(root)) as repo:
            config = repo.get_config()
            config.set(b"extensions", b"worktreeConfig", b"true")
            config.write_to_path()
    (administration / "config.worktree").unlink()
    with Registry.open(trees["current"]) as registry, pytest.raises(IdentityError):
        registry.register("m", bump="major", dry_run=True, force=True)


def test_git_dir_of_a_linked_work_tree(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "linked"
    tree.mkdir()
    own = _link(root, tree)
    monkeypatch.setenv("GIT_DIR", str(own))
    for path in (str(tree / ".git"), os.path.relpath(tree / ".git", own)):
        (own / "gitdir").write_text(f"{path}\n")
        assert models() == ["m"]


@pytest.mark.parametrize("value", ["no", "0", "off", ""])
def test_booleans_of_git(root: Path, value: str) -> None:
    config = root / ".git" / "config"
    config.write_text(config.read_text().replace("bare = false", f"bare = {value}"))
    with config.open("a") as file:
        file.write("[extensions]\n\tworktreeConfig = 1\n")
    with Registry.open(root / ".git") as registry:
        registry.register("n", "v1.0.0", author=ANN)
        assert registry.allowed_stages() == ("dev",)  # of the work tree


@pytest.mark.parametrize("extension", ["preciousObjects = true", "noop"])
def test_extensions_that_need_no_support(root: Path, tmp_path: Path, extension: str) -> None:
    with (root / ".git" / "config").open("a") as file:
        file.write(f"[core]\n\trepositoryFormatVersion = 1\n[extensions]\n\t{extension}\n")
    with Repo.init_bare(str(tmp_path / "other"), mkdir=True), Registry.open(root) as registry:
        registry.register("n", "v1.0.0", author=ANN)
        assert len(registry.push(remote=str(tmp_path / "other")).transferred) == 2


class TestBareRepositories:
    """``safe.bareRepository``: a bare repository in a clone's files may be untrusted."""

    @pytest.fixture
    def bare(self, root: Path) -> Path:
        with Repo.init_bare(str(root / "sub"), mkdir=True) as repo:
            Builder(repo).commit()
        return root / "sub"

    def test_it_is_found_by_default(self, bare: Path) -> None:
        assert models(bare) == []
        assert models(bare / "refs") == []

    def test_it_must_be_opened_explicitly(
        self, root: Path, bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "config").write_text("[safe]\nbareRepository = explicit\n")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
        for path in (bare, bare / "refs"):
            with pytest.raises(ConfigurationError, match="safe.bareRepository is 'explicit', and"):
                models(path)
        assert models(f"file://{bare}") == []
        assert models(root) == models(root / ".git") == ["m"]
        assert models(root / "a") == models(root / ".git" / "refs") == ["m"]
        monkeypatch.chdir(bare)
        with pytest.raises(ConfigurationError, match=f"open it by a URL, such as 'file://{bare}'"):
            models()
        monkeypatch.setenv("GIT_DIR", str(bare))
        assert models() == []

    def test_the_setting_of_the_repository_itself_is_ignored(self, bare: Path) -> None:
        with (bare / "config").open("a") as file:
            file.write("[safe]\nbareRepository = explicit\n")
        assert models(bare) == []
