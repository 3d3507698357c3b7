"""Files of which Git contains only a pointer: those of DVC and of Git LFS."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from modelversions.errors import ConfigurationError, FileNotInGitError
from modelversions.safe_yaml import MAX_SIZE, load_mapping

_LFS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")
"""The prefixes of pointers of Git LFS; its first releases wrote the second one."""
_PATH = re.compile(rb"^ *(?:- )?path: (.+)$", re.MULTILINE)
_MAX_POINTER = 1024
"""The maximum size of a pointer of Git LFS, according to its specification."""


def is_lfs_pointer(content: bytes) -> bool:
    """Return whether a file's content is a pointer of Git LFS."""
    return len(content) < _MAX_POINTER and content.startswith(_LFS)


def is_dvc_output(path: str, read: Callable[[str], bytes | None]) -> bool:
    """Return whether DVC tracks a file, or a directory that contains it.

    Args:
        path: the file's path.
        read: returns the content of a file of the same commit, or None.
    """
    above = list(_with_parents(path))
    if any(read(f"{one}.dvc") is not None for one in above):
        return True
    for directory in {posixpath.dirname(one) for one in above}:
        content = read(posixpath.join(directory, "dvc.lock"))
        if content is None:
            continue
        stages = read(posixpath.join(directory, "dvc.yaml")) or b""
        working = _working_directories(stages, directory)
        for stage, output in _outputs(content):
            if posixpath.normpath(posixpath.join(working.get(stage, directory), output)) in above:
                return True
    return False


def _working_directories(content: bytes, directory: str) -> dict[object, str]:
    """Return the working directories (``wdir``) of stages in a ``dvc.yaml`` file, where set."""
    return {
        name: posixpath.join(directory, stage["wdir"])
        for name, stage in _stages(content, "dvc.yaml").items()
        if isinstance(stage, dict) and isinstance(stage.get("wdir"), str)
    }


def _stages(content: bytes, file: str) -> dict[object, object]:
    """Return the stages in a file of DVC; none if it is invalid."""
    try:
        stages = load_mapping(content, file).get("stages")
    except ConfigurationError:
        return {}
    return stages if isinstance(stages, dict) else {}


def _with_parents(path: str) -> Iterator[str]:
    while path:
        yield path
        path = posixpath.dirname(path)


def _outputs(content: bytes) -> Iterator[tuple[object, str]]:
    """Yield the stages and outputs in a ``dvc.lock`` file; none if it is invalid.

    A large file, for which the parser would need minutes, is not parsed: all paths that have DVC's
    formatting are yielded, including those of dependencies.
    """
    if len(content) > MAX_SIZE:
        paths = _PATH.findall(content)
        yield from (("", path.decode(errors="replace")) for path in paths)
        return
    for name, stage in _stages(content, "dvc.lock").items():
        outputs = stage.get("outs") if isinstance(stage, dict) else None
        for output in outputs if isinstance(outputs, list) else ():
            if isinstance(output, dict) and isinstance(output.get("path"), str):
                yield name, output["path"]


def not_in_git(path: str, commit: str, location: str, reason: str) -> FileNotInGitError:
    """Return the error for a path for which Git does not contain a file.

    Args:
        path: the path.
        commit: the commit.
        location: the repository, for messages.
        reason: ``"missing"``, ``"directory"``, ``"submodule"``, ``"symlink"``, ``"dvc"`` or
            ``"lfs"``.
    """
    at = f"at commit {commit[:7]}"
    call = f"dvc.api.read({path!r}, repo={location!r}, rev={commit!r}, mode='rb')"
    sentences = {
        "missing": f"there is no file {path!r} {at}; pass a path from the repository's root",
        "directory": f"{path!r} is a directory {at}; pass the path of a file in it",
        "submodule": f"{path!r} is a submodule {at}; open its own repository",
        "symlink": f"{path!r} is a symbolic link {at}; pass the path of its target",
        "dvc": f"{path!r} is tracked by DVC {at}, not by Git; call {call}",
        "lfs": f"{path!r} is in Git LFS {at}, and Git contains only a pointer; in a clone, run "
        f"'git checkout {commit}' and 'git lfs pull --include={path}', then read the file",
    }
    return FileNotInGitError(sentences[reason], path=path, commit=commit, reason=reason)
