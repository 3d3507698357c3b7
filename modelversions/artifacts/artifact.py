"""``Artifact``, the annotation of a model at a commit, and its reader (F24)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from modelversions.errors import ArtifactNotFoundError, ConfigurationError, join_names
from modelversions.json_types import record
from modelversions.safe_yaml import brief, invalid, load_mapping
from modelversions.values.problem import Problem, ProblemKind, Problems
from modelversions.values.tag_name import is_model_name

DVC_FILE = "dvc.yaml"
GTO_FILE = "artifacts.yaml"
MAX_ANNOTATIONS = 1 << 20
"""The maximum total size in bytes of the distinct annotation files of a commit; the parser takes
about 20 seconds for them."""
MAX_PATH = 4096
"""The maximum number of characters of a file's path, as in Linux."""


def _frozen(value: object) -> object:
    """Return a value whose mappings and lists cannot be changed."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: _frozen(item) for key, item in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


@attrs.frozen
class Artifact:
    """The annotation of a model at a commit (F24)."""

    model: str
    """The model's name, such as ``churn``, or ``directory:churn`` if in ``directory/dvc.yaml``."""
    path: str | None
    """The path of the model's file or directory, from the repository's root; or a URL. None if the
    annotation has no path."""
    type: str | None
    """The kind of artifact, such as ``"model"``."""
    description: str
    labels: tuple[str, ...]
    metadata: Any = attrs.field(eq=True, hash=False, converter=_frozen)
    """The custom metadata of the annotation: values of YAML, read-only."""
    file: str
    """The file that has the annotation, from the repository's root."""
    commit: str
    """The full SHA of the commit."""

    def to_dict(self) -> dict[str, object]:
        """Return the annotation as JSON types."""
        return record(**{name: getattr(self, name) for name in _FIELDS})

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        """Pickle the fields; a read-only mapping cannot be pickled."""
        return Artifact, tuple(_plain(getattr(self, name)) for name in _FIELDS)


_FIELDS = ("model", "path", "type", "description", "labels", "metadata", "file", "commit")


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value


class Artifacts(Mapping[str, Artifact]):
    """The annotations of a commit, by model, and the problems of invalid ones: read-only."""

    __slots__ = ("_commit", "_found", "problems")

    def __init__(
        self, commit: str, found: Mapping[str, Artifact], problems: tuple[Problem, ...]
    ) -> None:
        """Initialize with the annotations by model, and the problems."""
        self._commit = commit
        self._found = {name: found[name] for name in sorted(found)}
        self.problems = Problems(problems)
        """Problems of files and annotations that cannot be read; ``tag`` is the file's path."""

    def __getitem__(self, model: str) -> Artifact:
        """Return the annotation of a model.

        Raises:
            ArtifactNotFoundError: it has none.
        """
        if isinstance(model, str) and model in self._found:
            return self._found[model]
        raise ArtifactNotFoundError(
            f"the model {model!r} has no annotation at commit {self._commit[:7]}; annotated "
            f"models: {join_names(self._found)}",
            model=model,
            commit=self._commit,
        )

    def __iter__(self) -> Iterator[str]:
        """Iterate over the models' names, sorted."""
        return iter(self._found)

    def __len__(self) -> int:
        """Return the number of annotated models."""
        return len(self._found)

    def __repr__(self) -> str:
        """Return the annotations, like a dict."""
        return repr(self._found)


def files_of(model: str) -> tuple[tuple[str, str], ...]:
    """Return the files that may annotate a model, each with the model's key, by priority."""
    directory, _, name = model.rpartition(":")
    return (posixpath.join(directory, DVC_FILE), name), (GTO_FILE, model)


@attrs.frozen
class AnnotationReader:
    """Reads the annotations in the files of one commit; equal files are parsed once."""

    commit: str
    problems: list[Problem] = attrs.field(factory=list)
    """The problems of the files that were read."""
    _parsed: dict[bytes, tuple[str, Mapping[object, object] | None]] = attrs.field(factory=dict)
    """By content: the first file that has it, and its mapping; None if it is invalid."""

    def read(self, file: str, content: bytes) -> dict[str, Artifact]:
        """Return the annotations of a file, by model.

        Raises:
            MissingExtraError: the parser is not installed.
        """
        found: dict[str, Artifact] = {}
        try:
            entries = self._entries(file, content)
        except ConfigurationError as error:
            self.problems.append(Problem(ProblemKind.ANNOTATION, file, None, str(error)))
            return found
        directory = posixpath.dirname(file)
        for key, entry in entries.items():
            model = f"{directory}:{key}" if directory else str(key)
            if posixpath.basename(file) == GTO_FILE:
                model = str(key).replace("=", ":")
            try:
                found[model] = _artifact(model, file, entry, self.commit)
            except ConfigurationError as error:
                self.problems.append(Problem(ProblemKind.ANNOTATION, file, model, str(error)))
        return found

    def _entries(self, file: str, content: bytes) -> Mapping[object, object]:
        """Return the annotations of a file, by key.

        Raises:
            ConfigurationError: the file is invalid.
        """
        whole = self._mapping(file, content)
        if posixpath.basename(file) == GTO_FILE:
            return whole
        entries = whole.get("artifacts") or {}
        if not isinstance(entries, dict):
            raise invalid(file, f"'artifacts' must be a mapping of names, not {brief(entries)}")
        return entries

    def _mapping(self, file: str, content: bytes) -> Mapping[object, object]:
        """Return the mapping in a file.

        Raises:
            ConfigurationError: the file is invalid.
        """
        if content not in self._parsed:
            if sum(map(len, self._parsed)) + len(content) > MAX_ANNOTATIONS:
                raise invalid(
                    file,
                    f"with it, the annotation files of the commit have more than "
                    f"{MAX_ANNOTATIONS} bytes",
                )
            self._parsed[content] = file, None
            self._parsed[content] = file, load_mapping(content, file)
        first, mapping = self._parsed[content]
        if mapping is None:
            raise invalid(file, f"it equals {first}, which cannot be read")
        return mapping


def _artifact(model: str, file: str, entry: object, commit: str) -> Artifact:
    """Return the annotation of a model.

    Raises:
        ConfigurationError: it is invalid.
    """
    if not is_model_name(model):
        raise invalid(file, f"{model!r} is not a model name")
    if entry is None:
        entry = {}
    if not isinstance(entry, dict):
        raise invalid(file, f"the annotation of {model!r} must be a mapping, not {brief(entry)}")
    is_dvc = posixpath.basename(file) == DVC_FILE
    path = _text(file, model, entry, "path")
    labels = entry.get("labels") or []
    if not isinstance(labels, list) or not all(isinstance(one, str) for one in labels):
        raise invalid(file, f"the labels of {model!r} must be a list of texts, not {brief(labels)}")
    if path is None and is_dvc:
        raise invalid(file, f"the annotation of {model!r} has no path")
    return Artifact(
        model=model,
        path=None if path is None else _from_root(file, model, path),
        type=_text(file, model, entry, "type"),
        description=_text(file, model, entry, "desc" if is_dvc else "description") or "",
        labels=tuple(labels),
        metadata=entry.get("meta" if is_dvc else "custom"),
        file=file,
        commit=commit,
    )


def _text(file: str, model: str, entry: Mapping[object, object], key: str) -> str | None:
    value = entry.get(key)
    if value is not None and not isinstance(value, str):
        raise invalid(file, f"the {key} of {model!r} must be text, not {brief(value)}")
    return value


def _from_root(file: str, model: str, path: str) -> str:
    """Return the path of an annotation relative to the repository's root; a URL is unchanged.

    Raises:
        ConfigurationError: the path is too long, or outside the repository.
    """
    if "://" in path:
        return path
    if len(path) > MAX_PATH:
        raise invalid(file, f"the path of {model!r} has more than {MAX_PATH} characters")
    found = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
    if found.startswith(("/", "../")) or found == "..":
        raise invalid(file, f"the path of {model!r}, {path!r}, is outside the repository")
    return found
