"""Files that Git holds as pointers: those of DVC and of Git LFS."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from modelversions.errors import ConfigurationError, FileNotInGitError
from modelversions.safe_yaml import MAX_SIZE, load_mapping

_LFS = (b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/")
"""How its pointers begin; those of its first releases had the second URL."""
_PATH = re.compile(rb"^ *(?:- )?path: (.+)$", re.MULTILINE)
_MAX_POINTER = 1024
"""The maximal size of a pointer of Git LFS, by its specification."""


def is_lfs_pointer(content: bytes) -> bool:
    """Return whether a file's content is a pointer of Git LFS."""
    return len(content) < _MAX_POINTER and content.startswith(_LFS)


def is_dvc_output(path: str, read: Callable[[str], bytes | None]) -> bool:
    """Return whether DVC tracks a file, or a folder that it is in.

    Args:
        path: the file's path.
        read: returns the content of a file of the same commit, or None.
    """
    above = list(_with_parents(path))
    if any(read(f"{one}.dvc") is not None for one in above):
        return True
    for folder in {posixpath.dirname(one) for one in above}:
        content = read(posixpath.join(folder, "dvc.lock"))
        if content is None:
            continue
        stages = read(posixpath.join(folder, "dvc.yaml")) or b""
        folders = _working_folders(stages, folder)
        for stage, output in _outputs(content):
            if posixpath.normpath(posixpath.join(folders.get(stage, folder), output)) in above:
                return True
    return False


def _working_folders(content: bytes, folder: str) -> dict[object, str]:
    """Return the folders (``wdir``) of the stages in a ``dvc.yaml`` file that have another one."""
    return {
        name: posixpath.join(folder, stage["wdir"])
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

    Of a large file, which the parser would need minutes for, they are all paths that are written as
    DVC writes them, dependencies included.
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
    """Return the error for a path that Git has no file for.

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
        "missing": f"there is no file {path!r} {at}; a path begins at the repository's root",
        "directory": f"{path!r} is a directory {at}; name a file in it",
        "submodule": f"{path!r} is a submodule {at}; open its own repository",
        "symlink": f"{path!r} is a symbolic link {at}; name the file that it leads to",
        "dvc": f"{path!r} is tracked by DVC {at}, not by Git; call {call}",
        "lfs": f"{path!r} is in Git LFS {at}, and Git has a pointer only; in a clone, run "
        f"'git checkout {commit}' and 'git lfs pull --include={path}', and read the file there",
    }
    return FileNotInGitError(sentences[reason], path=path, commit=commit, reason=reason)
