"""A drop-in for GTO's Python API: the functions of ``gto.api`` 1.10.1, by their names.

A script changes one import, ``from modelversions.gto import api`` in place of ``from gto import
api``, and keeps working. Signatures, shapes of results and names of exceptions are GTO's; the
answers are those of ``Registry``. It is a translation only. For new code, use ``Registry``. The
classes ``GitRegistry`` and ``RepoIndexManager``, and the command line, have no counterpart.

What differs on purpose:

============================== =================================================================
``simple``                     is ignored: a tag gets a counter where the format needs one (F12)
a repository at a URL          is not cloned: tags are read and written at the server
an irregular tag               is skipped; GTO fails for the whole repository
the latest version, the holder are those of F16 and F17; a deregistered version has no stage
a model in ``artifacts.yaml``  without tags is not listed, and a commit is no version of it
a version that was moved       is one version at its newest commit; GTO has two of one name
another version at a commit    is refused even if the first one was deregistered (F12a)
``enrichments``                of a version is empty: the commits are not read for them
``truncate_hexsha``            shortens ids only; in ``show(repo)`` GTO cuts ``v3.0.0-rc.1`` too
``describe()``                 reads ``dvc.yaml`` too (F24); ``virtual`` is True
an unknown revision            is a ``RefNotFound``; GTO raises an exception of scmrepo
a message                      is cleaned up as by ``git tag``: lines that begin with ``#`` are
                               removed, and what is left must not be empty
``assign(ref=)``               applies message and author to the registration too
the next version               follows the greatest that any tag named (F12b)
============================== =================================================================
"""

from __future__ import annotations

from modelversions.gto import api, base, constants, exceptions
from modelversions.gto.api import (
    assign,
    check_ref,
    deprecate,
    deregister,
    describe,
    find_latest_version,
    find_versions_in_stage,
    get_stages,
    history,
    parse_tag,
    register,
    show,
    unassign,
)

__all__ = [
    "api",
    "assign",
    "base",
    "check_ref",
    "constants",
    "deprecate",
    "deregister",
    "describe",
    "exceptions",
    "find_latest_version",
    "find_versions_in_stage",
    "get_stages",
    "history",
    "parse_tag",
    "register",
    "show",
    "unassign",
]
