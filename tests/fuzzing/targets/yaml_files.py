"""The YAML files of a repository: ``.gto``, ``dvc.yaml``, ``artifacts.yaml``, ``dvc.lock``."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

from modelversions.artifacts.artifact import AnnotationReader
from modelversions.artifacts.tracked import is_dvc_output, is_lfs_pointer
from modelversions.errors import ConfigurationError
from modelversions.safe_yaml import load_mapping
from modelversions.values.tag_name import is_model_name
from modelversions.write.allowed_stages import read_stages, read_types
from tests.conformance.building import Built
from tests.fuzzing import seeds as cases

MODULES = (
    "modelversions.safe_yaml",
    "modelversions.yaml_merges",
    "modelversions.artifacts.artifact",
    "modelversions.artifacts.tracked",
    "modelversions.write.allowed_stages",
)
_LOCK = b"schema: '2.0'\nstages: {train: {cmd: x, outs: [{path: m.pkl}]}}\n"
_MERGES = b"a: &a {x: 1}\nb: {<<: [*a, *a], y: 2}\nc: &c [*a, {<<: *a}]\n"


def seeds() -> Iterator[bytes]:
    """Yield the files of the cases."""
    yield from (_LOCK, _MERGES, b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    for case, _ in cases.built():
        described = [case.repository.get("worktree", {})]
        described += [
            commit.get("files", {})
            for commit in case.repository.get("commits", ())
            if isinstance(commit, dict)
        ]
        for files in described:
            for content in files.values():
                raw = Built.content(_NO_IDS, content)
                if len(raw) < cases.LARGEST:
                    yield raw


_NO_IDS = object.__new__(Built)
_NO_IDS.ids = {}


def check(data: bytes) -> None:
    """Read the bytes as each of the files."""
    for read in (
        lambda: load_mapping(data, ".gto"),
        lambda: read_stages(data),
        lambda: read_types(data),
    ):
        try:
            read()
        except ConfigurationError as error:
            assert str(error)  # any other exception is a finding
    for file in ("dvc.yaml", "a/dvc.yaml", "artifacts.yaml"):
        reader = AnnotationReader("c" * 40)
        found = reader.read(file, data)
        for name, artifact in found.items():
            assert is_model_name(name)
            assert artifact.path is None or "://" in artifact.path or artifact.path[:3] != "../"
            assert pickle.loads(pickle.dumps(artifact)) == artifact
            artifact.to_dict()
        assert all(str(problem) for problem in reader.problems)
    is_dvc_output("a/m.pkl", lambda path: None if path.endswith(".dvc") else data)
    is_lfs_pointer(data)
