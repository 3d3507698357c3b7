"""A model registry in Git tags: the versions of models, and the stages assigned to them.

>>> from modelversions.testing import memory_registry
>>> registry = memory_registry({"churn": ["v3.0.0", "v3.1.0"]})  # or Registry.open("path or URL")
>>> registry["churn"].latest
<Version churn@v3.1.0>

Start with ``help(modelversions.Registry)``. Its methods return a ``Model``, ``Version`` or
``Event``, or raise a ``ModelVersionsError``. Rules such as F17 are in ``FORMAT.md``, in the
directory of this package.

The public API consists of the names in this module and in ``credentials``, ``errors``, ``gto``,
``plot``, ``pytest_plugin``, ``rules`` and ``testing``.

The logger ``modelversions`` reports writes, pushes and fetches (INFO), requests to servers and
retries (DEBUG), and failed requests of ``watch()`` (WARNING), without passwords and tokens.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelversions.artifacts.artifact import Artifact, Artifacts
    from modelversions.catalog.catalog import Catalog
    from modelversions.catalog.sequences import CatalogEvents, CatalogProblems
    from modelversions.errors import (
        AmbiguousRevisionError,
        ArtifactNotFoundError,
        AuthenticationError,
        CatalogFileWarning,
        ClockSkewWarning,
        CommitTakenError,
        ConfigurationError,
        DubiousOwnershipError,
        FileNotInGitError,
        FileNotWrittenError,
        IdentityError,
        InvalidArgumentError,
        InvalidNameError,
        InvalidTagNameError,
        InvalidVersionError,
        LockedError,
        MissingExtraError,
        ModelDeprecatedError,
        ModelNotFoundError,
        ModelVersionsError,
        NoEffectError,
        NotACommitError,
        NotInCatalogError,
        NotPushedError,
        ObjectMissingError,
        PartlyDeletedError,
        PushRejectedError,
        ReadCancelledError,
        RefusedError,
        RemoteAheadError,
        RemoteError,
        RemoteTimeoutError,
        RepositoryError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
        RuleViolationError,
        SigningError,
        StageHeldError,
        StageNotAllowedError,
        StageNotFoundError,
        StageNotHeldError,
        TagExistsError,
        TagNotFoundError,
        VersionExistsError,
        VersionNotFoundError,
        WriteConflictError,
    )
    from modelversions.git.store import (
        Commit,
        Credentials,
        Progress,
        Signature,
        SignatureStatus,
    )
    from modelversions.git.sync import Conflict, SyncResult
    from modelversions.model.commits import Commits
    from modelversions.model.diff import Change, ChangeKind, Changes
    from modelversions.model.model import Model, Span, Version
    from modelversions.registry import Registry
    from modelversions.registry_view import RegistryView, Revision
    from modelversions.values.event import Event, Events
    from modelversions.values.identity import Identity
    from modelversions.values.problem import Problem, ProblemKind, Problems
    from modelversions.values.semver import SemVer
    from modelversions.values.tag_name import EventKind, TagName, is_model_name, is_stage_name

    __version__: str

__all__ = [
    "AmbiguousRevisionError",
    "Artifact",
    "ArtifactNotFoundError",
    "Artifacts",
    "AuthenticationError",
    "Catalog",
    "CatalogEvents",
    "CatalogFileWarning",
    "CatalogProblems",
    "Change",
    "ChangeKind",
    "Changes",
    "ClockSkewWarning",
    "Commit",
    "CommitTakenError",
    "Commits",
    "ConfigurationError",
    "Conflict",
    "Credentials",
    "DubiousOwnershipError",
    "Event",
    "EventKind",
    "Events",
    "FileNotInGitError",
    "FileNotWrittenError",
    "Identity",
    "IdentityError",
    "InvalidArgumentError",
    "InvalidNameError",
    "InvalidTagNameError",
    "InvalidVersionError",
    "LockedError",
    "MissingExtraError",
    "Model",
    "ModelDeprecatedError",
    "ModelNotFoundError",
    "ModelVersionsError",
    "NoEffectError",
    "NotACommitError",
    "NotInCatalogError",
    "NotPushedError",
    "ObjectMissingError",
    "PartlyDeletedError",
    "Problem",
    "ProblemKind",
    "Problems",
    "Progress",
    "PushRejectedError",
    "ReadCancelledError",
    "RefusedError",
    "Registry",
    "RegistryView",
    "RemoteAheadError",
    "RemoteError",
    "RemoteTimeoutError",
    "RepositoryError",
    "RepositoryNotFoundError",
    "Revision",
    "RevisionNotFoundError",
    "RuleViolationError",
    "SemVer",
    "Signature",
    "SignatureStatus",
    "SigningError",
    "Span",
    "StageHeldError",
    "StageNotAllowedError",
    "StageNotFoundError",
    "StageNotHeldError",
    "SyncResult",
    "TagExistsError",
    "TagName",
    "TagNotFoundError",
    "Version",
    "VersionExistsError",
    "VersionNotFoundError",
    "WriteConflictError",
    "is_model_name",
    "is_stage_name",
]

logging.getLogger(__name__).addHandler(logging.NullHandler())

_MODULES = {
    "Artifact": "artifacts.artifact",
    "Artifacts": "artifacts.artifact",
    "Catalog": "catalog.catalog",
    "CatalogEvents": "catalog.sequences",
    "CatalogProblems": "catalog.sequences",
    "Change": "model.diff",
    "ChangeKind": "model.diff",
    "Changes": "model.diff",
    "Commit": "git.store",
    "Commits": "model.commits",
    "Conflict": "git.sync",
    "Credentials": "git.store",
    "Event": "values.event",
    "EventKind": "values.tag_name",
    "Events": "values.event",
    "Identity": "values.identity",
    "Model": "model.model",
    "Problem": "values.problem",
    "ProblemKind": "values.problem",
    "Problems": "values.problem",
    "Progress": "git.store",
    "Registry": "registry",
    "RegistryView": "registry_view",
    "Revision": "registry_view",
    "SemVer": "values.semver",
    "Signature": "git.store",
    "SignatureStatus": "git.store",
    "Span": "model.model",
    "SyncResult": "git.sync",
    "TagName": "values.tag_name",
    "Version": "model.model",
    "is_model_name": "values.tag_name",
    "is_stage_name": "values.tag_name",
}
"""The module of each public name that is not an error; it is imported on first use."""


def __getattr__(name: str) -> object:
    """Import a public name from its module on first use."""
    if name == "__version__":
        from importlib.metadata import version

        return version("modelversions")
    if name in __all__:
        module = import_module(f"modelversions.{_MODULES.get(name, 'errors')}")
        return globals().setdefault(name, getattr(module, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
