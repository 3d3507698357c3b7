"""A drop-in replacement for ``gto.api`` 1.10.1.

Replace ``from gto import api`` by ``from modelversions.gto import api``. Signatures, the structure
of results and the names of exceptions are those of GTO; the data is that of ``Registry``. In new
code, use ``Registry``. The classes ``GitRegistry`` and ``RepoIndexManager`` and the command line
have no counterpart.

Intentional differences:

============================== =================================================================
``simple``                     is ignored: a tag gets a counter where the format needs one (F12)
a repository at a URL          is not cloned: tags are read and written on the server
an irregular tag               is skipped; GTO fails for the whole repository
the latest version, the holder are those of F16 and F17; a deregistered version has no stage
a model in ``artifacts.yaml``  without tags is not listed, and its commits are not versions
a version that was moved       is one version at its newest commit; GTO returns two with one name
another version at a commit    is refused even if the first one was deregistered (F12a)
``enrichments``                of a version is empty, as the commits are not read
``truncate_hexsha``            shortens ids only; in ``show(repo)`` GTO cuts ``v3.0.0-rc.1`` too
``describe()``                 reads ``dvc.yaml`` too (F24); ``virtual`` is True
an unknown revision            raises ``RefNotFound``; GTO raises an exception of scmrepo
a message                      is cleaned up as by ``git tag``: lines that begin with ``#`` are
                               removed, and the rest must not be empty
``assign(ref=)``               applies message and author to the registration too
the next version               follows the greatest version in any tag name (F12b)
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
