"""Run the programs that a repository's configuration names, if Git would run them.

The configuration of another user's repository may name any program (CVE-2022-24765). Git refuses
such a repository. This library reads its tags, which runs no program, and refuses to run one.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from tempfile import TemporaryFile

from dulwich.repo import MemoryRepo, Repo

from modelversions.errors import DubiousOwnershipError
from modelversions.git.config import GitConfig

_ROOT_UID = 0

_MAX_OUTPUT = 10_000
"""The maximum number of bytes of a hook's output that are kept."""
_REPOSITORY_VARIABLES = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_WORK_TREE",
    }
)
"""The environment variables that name parts of a repository, perhaps of another one."""


class Programs:
    """Runs programs for one repository, after Git's check of its owner."""

    def __init__(
        self,
        repo: Repo | MemoryRepo | None,
        config: GitConfig,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Initialize with a repository.

        Args:
            repo: the repository; None, or one in memory, has no owner.
            config: its configuration, with ``safe.directory``.
            env: the environment, which is only read. Default: ``os.environ``.
        """
        self._repo = repo
        self.config = config
        self._env = os.environ if env is None else env

    def run(
        self, command: Sequence[str] | str, *, stdin: bytes = b"", shell: bool = False
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program that Git's configuration names, and capture its output.

        Raises:
            DubiousOwnershipError: another user owns the repository, and ``safe.directory`` does not
                list it.
            OSError: the program cannot be started.
        """
        shown = command if isinstance(command, str) else command[0]
        self.require_trusted(f"running {shown!r} for its configuration")
        top = (
            self._repo.path if isinstance(self._repo, Repo) else None
        )  # as Git, for relative paths
        return subprocess.run(  # noqa: S603  # the owner of the repository is checked
            command, input=stdin, capture_output=True, check=False, shell=shell, cwd=top
        )

    def hook(self, name: str) -> str | None:
        """Return the path of a hook that Git would run; None if there is none."""
        if not isinstance(self._repo, Repo):
            return None
        directory = self.config.get_path("core.hooksPath")
        if directory is None:
            directory = os.path.join(self._repo.commondir(), "hooks")
        path = os.path.abspath(os.path.join(self._repo.path, directory, name))
        return path if os.path.isfile(path) and os.access(path, os.X_OK) else None

    def run_hook(
        self, hook: str, *arguments: str, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a hook in the directory and with the environment that Git uses.

        Raises:
            DubiousOwnershipError: another user owns it, and ``safe.directory`` does not list it.
            OSError: the hook cannot be started.
        """
        assert isinstance(self._repo, Repo)
        self.require_trusted(f"running its hook {hook!r}")
        try:
            return self._run_hook([hook, *arguments], stdin)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            return self._run_hook(["sh", hook, *arguments], stdin)  # without "#!", as Git

    def _run_hook(self, command: Sequence[str], stdin: bytes) -> subprocess.CompletedProcess[bytes]:
        """Run a hook; its output goes to files, as programs that it started may keep it open."""
        assert isinstance(self._repo, Repo)
        with TemporaryFile() as out, TemporaryFile() as err:
            done = subprocess.run(  # noqa: S603  # the owner of the repository is checked
                command,
                input=stdin,
                stdout=out,
                stderr=err,
                check=False,
                cwd=self._repo.path,
                env=_with_exec_path(self._hook_environment(self._repo)),
            )
            parts = []
            for file in (out, err):
                file.seek(0)
                parts.append(file.read(_MAX_OUTPUT))
        return subprocess.CompletedProcess(command, done.returncode, *parts)

    def _hook_environment(self, repo: Repo) -> dict[str, str]:
        """Return the environment of a hook.

        As in Git, ``GIT_DIR`` is not set in an ordinary work tree: a hook may use other
        repositories.
        """
        git_dir = os.path.abspath(repo.controldir())
        given = self._env.get("GIT_DIR")
        if given is not None and os.path.realpath(given) == os.path.realpath(git_dir):
            return dict(self._env)
        env = {
            name: value for name, value in self._env.items() if name not in _REPOSITORY_VARIABLES
        }
        if repo.bare or git_dir != os.path.join(os.path.abspath(repo.path), ".git"):
            env["GIT_DIR"] = git_dir
        return env

    def require_trusted(self, action: str) -> None:
        """Check that the configuration of the repository may run programs.

        Args:
            action: the action that requires it, for the message.

        Raises:
            DubiousOwnershipError: another user owns it, and ``safe.directory`` does not list it.
        """
        if not isinstance(self._repo, Repo):
            return
        paths = list(_owned_paths(self._repo))
        if all(_is_own(path, self._env) for path in paths):
            return
        directory = os.path.realpath(paths[-1])
        if not self._is_safe(directory):
            raise DubiousOwnershipError(
                f"dubious ownership of {directory!r}: another user owns it, so {action} is "
                "refused; to trust it, run 'git config --global --add safe.directory "
                f"{directory}'",
                location=directory,
            )

    def _is_safe(self, directory: str) -> bool:
        """Return whether ``safe.directory`` lists a directory; an empty value clears the list."""
        safe = False
        for value in self.config.get_all("safe.directory", protected=True):
            if not value:
                safe = False
            elif value == "*" or os.path.expanduser(value) == directory:
                safe = True
        return safe


def _with_exec_path(env: Mapping[str, str]) -> dict[str, str]:
    """Add Git's own programs to an environment, such as ``git-sh-setup``, if Git is installed."""
    path = env.get("PATH", os.defpath)
    git = shutil.which("git", path=path)
    directory = env.get("GIT_EXEC_PATH") or (git and _exec_path(git))
    if not directory:
        return dict(env)
    return {**env, "GIT_EXEC_PATH": directory, "PATH": os.pathsep.join([directory, path])}


@cache
def _exec_path(git: str) -> str:
    """Return the directory of Git's own programs; empty if ``git`` does not report it."""
    try:
        done = subprocess.run([git, "--exec-path"], capture_output=True, check=False)  # noqa: S603
    except OSError:
        return ""
    return os.fsdecode(done.stdout.rstrip(b"\r\n")) if done.returncode == 0 else ""


def _owned_paths(repo: Repo) -> Iterator[str]:
    """Yield the paths whose owner Git checks; the last one is matched with ``safe.directory``."""
    yield os.fspath(repo.controldir())
    if not repo.bare:
        git_file = os.path.join(repo.path, ".git")
        if os.path.isfile(git_file):
            yield git_file
        yield os.fspath(repo.path)


def _owner(path: str) -> int:
    return os.lstat(path).st_uid


def _is_own(path: str, env: Mapping[str, str]) -> bool:
    """Return whether this user owns a path; under ``sudo``, also the user who called it."""
    if not hasattr(os, "geteuid"):
        return True  # this platform has no user ids
    owner, user = _owner(path), os.geteuid()
    sudo = env.get("SUDO_UID", "")
    if user == _ROOT_UID and owner != _ROOT_UID and sudo.isascii() and sudo.isdecimal():
        user = int(sudo)
    return owner == user
