"""Ownership: nothing is run for another user's repository, unless Git trusts it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from dulwich.repo import MemoryRepo, Repo

from modelversions import DubiousOwnershipError, Identity, Registry
from modelversions.git.config import GitConfig
from modelversions.git.programs import Programs, _with_exec_path

ANN = Identity("Ann", "ann@example.com")
ME, OTHER, ROOT = 1000, 1001, 0


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    repo = Repo.init(str(tmp_path / "repo"), mkdir=True)
    person = b"Ann <ann@example.com>"
    repo.get_worktree().commit(message=b"first", committer=person, author=person)
    return repo


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The owners of paths, faked; this process runs as ME, who owns all other paths."""
    found: dict[str, int] = {}
    monkeypatch.setattr(os, "geteuid", lambda: ME)

    def owner(path: str) -> int:
        return found.get(os.path.realpath(path), ME)

    monkeypatch.setattr("modelversions.git.programs._owner", owner)
    return found


def programs(repo: Repo | MemoryRepo, **env: str) -> Programs:
    variables = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "", **env}
    return Programs(repo, GitConfig(repo, variables), variables)


def safe(*values: str) -> dict[str, str]:
    pairs = {f"GIT_CONFIG_KEY_{number}": "safe.directory" for number in range(len(values))}
    pairs |= {f"GIT_CONFIG_VALUE_{number}": value for number, value in enumerate(values)}
    return {"GIT_CONFIG_COUNT": str(len(values)), **pairs}


def run(programs: Programs) -> bytes:
    return programs.run([sys.executable, "-c", "print('ran')"]).stdout.strip()


def test_a_repository_of_this_user(repo: Repo, owners: dict[str, int]) -> None:
    assert not owners
    assert run(programs(repo)) == b"ran"
    assert run(programs(MemoryRepo())) == b"ran"


@pytest.mark.parametrize("part", ["", ".git"])
def test_a_repository_of_another_user(repo: Repo, owners: dict[str, int], part: str) -> None:
    owners[os.path.realpath(Path(repo.path, part))] = OTHER
    root = os.path.realpath(repo.path)
    with pytest.raises(DubiousOwnershipError, match="dubious ownership.*safe.directory") as caught:
        run(programs(repo))
    assert caught.value.location == root
    assert root in str(caught.value)
    for listed in ([root], ["*"], ["", root], ["x", "*"]):
        assert run(programs(repo, **safe(*listed))) == b"ran"
    for listed in ([root, ""], [f"{root}/.git"], [str(Path(root).parent)], ["*", "", "y"]):
        with pytest.raises(DubiousOwnershipError):
            run(programs(repo, **safe(*listed)))


def test_the_repository_cannot_declare_itself_safe(repo: Repo, owners: dict[str, int]) -> None:
    config = repo.get_config()
    config.set((b"safe",), b"directory", b"*")
    config.write_to_path()
    owners[os.path.realpath(repo.path)] = OTHER
    with pytest.raises(DubiousOwnershipError):
        run(programs(repo))


def test_a_bare_repository(tmp_path: Path, owners: dict[str, int]) -> None:
    bare = Repo.init_bare(str(tmp_path / "bare"), mkdir=True)
    owners[os.path.realpath(bare.path)] = OTHER
    with pytest.raises(DubiousOwnershipError):
        run(programs(bare))
    assert run(programs(bare, **safe(os.path.realpath(bare.path)))) == b"ran"


def test_a_git_file_of_another_user(repo: Repo, owners: dict[str, int]) -> None:
    tree = Path(repo.path, "..", "tree").resolve()
    tree.mkdir()
    (tree / ".git").write_text(f"gitdir: {repo.controldir()}\n")
    linked = Repo(str(tree))
    assert run(programs(linked)) == b"ran"
    owners[str(tree / ".git")] = OTHER
    with pytest.raises(DubiousOwnershipError):
        run(programs(linked))
    linked.close()


@pytest.mark.parametrize(
    ("sudo", "trusted"), [("1001", True), ("1000", False), ("", False), ("x", False)]
)
def test_sudo(
    repo: Repo,
    owners: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
    sudo: str,
    *,
    trusted: bool,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: ROOT)
    for part in ("", ".git"):
        owners[os.path.realpath(Path(repo.path, part))] = OTHER
    if trusted:
        assert run(programs(repo, SUDO_UID=sudo)) == b"ran"
        owners[os.path.realpath(repo.path)] = ROOT
        assert run(programs(repo, SUDO_UID=sudo)) == b"ran"
    else:
        with pytest.raises(DubiousOwnershipError):
            run(programs(repo, SUDO_UID=sudo))


def test_a_platform_without_owners(
    repo: Repo, owners: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    owners[os.path.realpath(repo.path)] = OTHER
    monkeypatch.delattr(os, "geteuid")
    assert run(programs(repo)) == b"ran"


@pytest.mark.parametrize(
    "config",
    [
        "[gpg]\n\tprogram = {program}\n",
        '[gpg]\n\tformat = ssh\n[gpg "ssh"]\n\tdefaultKeyCommand = {program}\n',
        '[gpg]\n\tformat = ssh\n[gpg "ssh"]\n\tprogram = {program}\n[user]\n\tsigningKey = key\n',
    ],
)
def test_its_tags_can_be_read_and_its_programs_do_not_run(
    tmp_path: Path, repo: Repo, owners: dict[str, int], config: str
) -> None:
    ran, program = tmp_path / "ran", tmp_path / "program"
    program.write_text(f"#!{sys.executable}\nopen({str(ran)!r}, 'w')\n")
    program.chmod(0o700)
    with Path(repo.controldir(), "config").open("a", encoding="utf-8") as file:
        file.write(config.format(program=program))
    with Registry.open(repo.path) as registry:
        registry.register("m", "v1.0.0", author=ANN)
        owners[os.path.realpath(repo.path)] = OTHER
        with pytest.raises(DubiousOwnershipError, match="safe.directory"):
            registry.register("m", "v2.0.0", author=ANN, sign=True, force=True)
        assert registry["m"].latest == registry["m"]["v1.0.0"]
        assert not registry.verify("m@v1.0.0")
    assert not ran.exists()


def test_a_signature_is_not_checked_by_its_program(
    tmp_path: Path, repo: Repo, owners: dict[str, int]
) -> None:
    signature = "-----BEGIN PGP SIGNATURE-----\n\nx\n-----END PGP SIGNATURE-----\n"
    program = tmp_path / "program"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.stderr.write('[GNUPG:] SIG_CREATED D')\n"
        f"sys.stdout.write({signature!r})\n"
    )
    program.chmod(0o700)
    with Path(repo.controldir(), "config").open("a", encoding="utf-8") as file:
        file.write(f"[gpg]\n\tprogram = {program}\n")
    with Registry.open(repo.path) as registry:
        event = registry.register("m", "v1.0.0", author=ANN, sign=True)
        owners[os.path.realpath(repo.path)] = OTHER
        with pytest.raises(DubiousOwnershipError, match=r"running .*program"):
            registry.verify(event)


def test_a_program_runs_in_the_work_tree(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in Git: relative paths in the configuration are relative to it."""
    monkeypatch.chdir(tmp_path)
    command = [sys.executable, "-c", "import os; print(os.getcwd())"]
    done = programs(repo).run(command)
    assert done.stdout.decode().strip() == os.path.realpath(repo.path)
    assert programs(MemoryRepo()).run(command).stdout.decode().strip() == str(tmp_path)


@pytest.mark.parametrize(
    ("script", "directory"),
    [('[ "$1" = --exec-path ] && echo /core', "/core"), ("exit 1", ""), (None, "")],
)
def test_the_environment_of_a_hook_has_the_programs_of_git(
    tmp_path: Path, script: str | None, directory: str
) -> None:
    if script is not None:
        (tmp_path / "git").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "git").chmod(0o755)
    path = str(tmp_path)
    added = (
        {"GIT_EXEC_PATH": directory, "PATH": f"{directory}{os.pathsep}{path}"} if directory else {}
    )
    assert _with_exec_path({"PATH": path}) == {"PATH": path, **added}


def test_the_environment_may_set_the_directory_of_gits_programs(tmp_path: Path) -> None:
    env = {"PATH": str(tmp_path), "GIT_EXEC_PATH": "/given"}
    assert _with_exec_path(env) == {**env, "PATH": f"/given{os.pathsep}{tmp_path}"}


def test_a_git_that_cannot_be_started(tmp_path: Path) -> None:
    (tmp_path / "git").write_text("#!/does/not/exist\n")
    (tmp_path / "git").chmod(0o755)
    assert _with_exec_path({"PATH": str(tmp_path)}) == {"PATH": str(tmp_path)}
