"""The files of a repository's commits: their content and annotations (F24)."""

from __future__ import annotations

import posixpath

from modelversions.artifacts.artifact import (
    DVC_FILE,
    GTO_FILE,
    MAX_PATH,
    AnnotationReader,
    Artifact,
    files_of,
)
from modelversions.artifacts.tracked import is_dvc_output, is_lfs_pointer, not_in_git
from modelversions.errors import (
    ArtifactNotFoundError,
    ConfigurationError,
    FileNotInGitError,
    InvalidArgumentError,
    set_message,
)
from modelversions.git.store import ReadStore
from modelversions.values.problem import Problem


class CommitFiles:
    """Reads the files of commits of one repository."""

    def __init__(self, store: ReadStore) -> None:
        """Initialize with a store."""
        self._store = store

    def annotation(self, model: str, commit: str) -> Artifact:
        """Return the annotation of a model at a commit.

        Raises:
            ArtifactNotFoundError: it has no annotation.
            ConfigurationError: the file that should have the annotation is invalid.
            MissingExtraError: the ``yaml`` extra is not installed.
            RepositoryError: the files of the commit cannot be read.
        """
        reader = AnnotationReader(commit)
        for file, _ in files_of(model):
            found = self._read_annotations(reader, file).get(model)
            if found is not None:
                return found
        own = next((one for one in reader.problems if one.model in (None, model)), None)
        if own is not None:
            raise ConfigurationError(own.message, file=own.tag)
        names = " nor in ".join(file for file, _ in files_of(model))
        raise ArtifactNotFoundError(
            f"the model {model!r} has no annotation at commit {commit[:7]}, neither in "
            f"{names}; artifacts() returns all annotations of a commit",
            model=model,
            commit=commit,
        )

    def annotations(self, commit: str) -> tuple[dict[str, Artifact], list[Problem]]:
        """Return the annotations at a commit, by model, and the problems of invalid ones.

        Raises:
            MissingExtraError, RepositoryError: as for ``annotation()``.
        """
        reader = AnnotationReader(commit)
        found: dict[str, Artifact] = {}
        for file in (GTO_FILE, *self._store.paths_at(commit, DVC_FILE)):
            found |= self._read_annotations(reader, file)
        return found, reader.problems

    def _read_annotations(self, reader: AnnotationReader, file: str) -> dict[str, Artifact]:
        """Return the annotations in a file of a commit; none if the file does not exist."""
        content = self._regular(reader.commit, file)
        return {} if content is None else reader.read(file, content)

    def annotated_content(self, model: str, commit: str) -> bytes:
        """Return the content of the file in the annotation of a model.

        Raises:
            FileNotInGitError: the path is not a file in the repository, or Git does not contain it.
            ArtifactNotFoundError, ConfigurationError, MissingExtraError, RepositoryError: as for
                ``annotation()``.
        """
        artifact = self.annotation(model, commit)
        if artifact.path is None or "://" in artifact.path:
            raise FileNotInGitError(
                f"the annotation of {model!r} in {artifact.file} has the path {artifact.path!r}, "
                "which is not a file in the repository; pass path=",
                path=artifact.path or "",
                commit=commit,
                reason="missing",
            )
        try:
            return self.content(commit, checked_path(artifact.path))
        except FileNotInGitError as error:
            set_message(error, f"{error} (the path is that of the annotation in {artifact.file})")
            raise

    def content(self, commit: str, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            FileNotInGitError: Git does not contain the file, or only a pointer of DVC or Git LFS.
            RepositoryError: it cannot be read.
        """
        found = self._store.file_at(commit, path, bounded=False)
        location = self._store.location
        if found is None:
            self._check_directories(commit, path)
            is_output = is_dvc_output(path, lambda one: self._regular(commit, one))
            raise not_in_git(path, commit, location, "dvc" if is_output else "missing")
        if found.kind != "file":
            raise not_in_git(path, commit, location, found.kind)
        if is_lfs_pointer(found.content):
            raise not_in_git(path, commit, location, "lfs")
        return found.content

    def _check_directories(self, commit: str, path: str) -> None:
        """Check that no directory of a path is a symbolic link or a submodule.

        Raises:
            FileNotInGitError: one is.
        """
        directory = posixpath.dirname(path)
        while directory:
            found = self._store.file_at(commit, directory)
            if found is not None and found.kind in ("symlink", "submodule"):
                raise not_in_git(directory, commit, self._store.location, found.kind)
            directory = posixpath.dirname(directory)

    def _regular(self, commit: str, path: str) -> bytes | None:
        """Return the content of a regular file; None if there is no such file at the path."""
        found = self._store.file_at(commit, path)
        return found.content if found is not None and found.kind == "file" else None


def checked_path(path: object) -> str:
    """Return the normalized path of a file in the repository.

    Raises:
        InvalidArgumentError: it is absolute, too long, outside the repository, or not encodable.
    """
    found = posixpath.normpath(path) if isinstance(path, str) and path else ""
    if len(found) > MAX_PATH:
        raise InvalidArgumentError(
            f"the path has {len(found)} characters; the maximum is {MAX_PATH}",
            argument="path",
            value=None,
        )
    if not found or found.startswith(("/", "../")) or found in (".", "..") or "\0" in found:
        raise InvalidArgumentError(
            f"path must be the path of a file from the repository's root, with '/', not {path!r}",
            argument="path",
            value=path,
        )
    try:
        found.encode(errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise InvalidArgumentError(
            f"the path {path!r} cannot be encoded as UTF-8; correct it",
            argument="path",
            value=path,
        ) from error
    return found
