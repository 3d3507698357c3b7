"""Git's configuration of one repository, each file before those that it overrules."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from dulwich.config import ConfigFile, StackedConfig
from dulwich.repo import MemoryRepo, Repo

from modelversions.errors import ConfigurationError


class GitConfig:
    """Reads the files anew at each question: others may have changed them."""

    def __init__(self, repo: MemoryRepo | Repo | None) -> None:
        """Read the configuration that holds for ``repo``; the user's own where there is none."""
        self._repo = repo

    def get(self, key: str) -> str | None:
        """Return the value of a key such as ``"gpg.ssh.program"``; None where there is none.

        Raises:
            ConfigurationError: a file cannot be read.
        """
        section, *middle, name = key.split(".")
        path = tuple(part.encode() for part in (section, *middle))
        try:
            for file in self._files():
                with contextlib.suppress(KeyError):
                    return file.get(path, name.encode()).decode(errors="replace")
        except (ValueError, OSError) as error:
            raise _unreadable(error) from error
        return None

    def stack(self) -> StackedConfig:
        """Return all files as one configuration, for dulwich's own use.

        Raises:
            ConfigurationError: a file cannot be read.
        """
        try:
            return StackedConfig(list(self._files()))
        except (ValueError, OSError) as error:
            raise _unreadable(error) from error

    def _files(self) -> Iterator[ConfigFile]:
        if self._repo is not None:
            local = self._repo.get_config()
            if local.get_boolean((b"extensions",), b"worktreeConfig", default=False):
                yield self._repo.get_worktree_config()
            yield local
        for file in StackedConfig.default_backends():
            yield self._with_conditions(file)

    def _with_conditions(self, file: ConfigFile) -> ConfigFile:
        """Read a user's file once more where it includes others if the repository is so or so.

        dulwich heeds ``includeIf`` in a repository's own files only.
        """
        conditional = any(section[0].lower() == b"includeif" for section in file.sections())
        if not conditional or file.path is None or not isinstance(self._repo, Repo):
            return file
        matchers = self._repo._get_config_condition_matchers()  # noqa: SLF001  # no other way to them
        return ConfigFile.from_path(file.path, condition_matchers=matchers)


def _unreadable(error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"Git's configuration cannot be read, as 'git config --list' will show: {error}",
        file="git config",
    )
