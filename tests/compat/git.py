"""Run C git as the reference, in an environment that does not depend on the machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import attrs

ENV = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
    "LC_ALL": "C.UTF-8",
}


@attrs.frozen
class Git:
    """Runs git in one directory."""

    path: Path

    def __call__(self, *arguments: str, env: dict[str, str] | None = None, text: str = "") -> str:
        """Run a command and return its output. An empty variable is unset.

        Raises:
            subprocess.CalledProcessError: the command failed.
        """
        variables = {name: value for name, value in {**ENV, **(env or {})}.items() if value}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.path,
            env=variables,
            input=text.encode(errors="surrogatepass"),
            capture_output=True,
            check=True,
        )
        return done.stdout.decode()

    def commit(self, when: int = 1_700_000_000, message: str = "a commit") -> str:
        """Create an empty commit and return its SHA."""
        date = f"@{when} +0000"
        env = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        self("commit", "-q", "--allow-empty", "-m", message, env=env)
        return self("rev-parse", "HEAD").strip()


def init(path: Path, *options: str) -> Git:
    """Create a repository."""
    path.mkdir(parents=True)
    git = Git(path)
    git("init", "-q", "-b", "main", *options)
    return git
