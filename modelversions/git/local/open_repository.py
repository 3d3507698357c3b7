"""An open local repository, with the objects that read and write its parts."""

from __future__ import annotations

import os
from collections.abc import Mapping

from dulwich.repo import MemoryRepo, Repo

from modelversions.git.config import GitConfig
from modelversions.git.local.discovery import Repository
from modelversions.git.local.local_refs import LocalRefs
from modelversions.git.objects.object_files import ObjectFiles
from modelversions.git.programs import Programs


class OpenRepository:
    """A repository's configuration, programs, objects and refs."""

    def __init__(
        self, repo: MemoryRepo | Repo, location: str, env: Mapping[str, str] | None = None
    ) -> None:
        """Use a repository that dulwich has opened.

        Args:
            repo: the repository.
            location: its path, for messages.
            env: the environment for Git's configuration. Default: ``os.environ``.
        """
        self.repo = repo
        self.location = location
        self.env = os.environ if env is None else env
        self.config = GitConfig(repo, env)
        self.programs = Programs(repo, self.config, env)
        self.files = ObjectFiles(repo, location)
        self.refs = LocalRefs(repo, location, self.programs)

    def reopened(self) -> OpenRepository:
        """Return the same repository with files of its own; one in memory is shared."""
        repo = Repository(self.repo.path) if isinstance(self.repo, Repo) else self.repo
        return OpenRepository(repo, self.location, self.env)

    def close(self) -> None:
        """Close the files. They are opened again on the next use."""
        self.files.close()
        if isinstance(self.repo, Repo):
            self.repo.close()
