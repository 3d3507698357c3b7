"""A model registry in Git tags: which versions of which models there are, and who stands where.

>>> from modelversions import Registry                                  # doctest: +SKIP
>>> registry = Registry.open()                                          # doctest: +SKIP
>>> registry["churn"].latest                                            # doctest: +SKIP
<Version churn@v3.1.0>
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelversions.errors import (
        AmbiguousRevisionError,
        AuthenticationError,
        ClockSkewWarning,
        CommitTakenError,
        ConfigurationError,
        DubiousOwnershipError,
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
        NotPushedError,
        ObjectMissingError,
        PushRejectedError,
        RefusedError,
        RemoteError,
        RemoteTimeoutError,
        RepositoryError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
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
    from modelversions.events import Event
    from modelversions.identity import Identity
    from modelversions.model import Model, Version
    from modelversions.problems import Problem, ProblemKind
    from modelversions.registry import Registry
    from modelversions.semver import SemVer
    from modelversions.stores.base import Commit, Signature, SignatureStatus
    from modelversions.sync import Conflict, SyncResult
    from modelversions.tags import EventKind, TagName

    __version__: str

__all__ = [
    "AmbiguousRevisionError",
    "AuthenticationError",
    "ClockSkewWarning",
    "Commit",
    "CommitTakenError",
    "ConfigurationError",
    "Conflict",
    "DubiousOwnershipError",
    "Event",
    "EventKind",
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
    "NotPushedError",
    "ObjectMissingError",
    "Problem",
    "ProblemKind",
    "PushRejectedError",
    "RefusedError",
    "Registry",
    "RemoteError",
    "RemoteTimeoutError",
    "RepositoryError",
    "RepositoryNotFoundError",
    "RevisionNotFoundError",
    "SemVer",
    "Signature",
    "SignatureStatus",
    "SigningError",
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
]

_ROOMS = (
    "errors",
    "semver",
    "tags",
    "identity",
    "problems",
    "events",
    "stores.base",
    "model",
    "sync",
    "registry",
)
"""Where the names are, the light rooms first: whoever wants a parser waits for no registry."""


def __getattr__(name: str) -> object:
    """Fetch a name from its room when somebody asks for it first."""
    if name == "__version__":
        from importlib.metadata import version

        return version("modelversions")
    if name in __all__:
        rooms = (vars(import_module(f"modelversions.{room}")) for room in _ROOMS)
        return globals().setdefault(name, next(room[name] for room in rooms if name in room))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the names, those too that nobody has asked for yet."""
    return sorted({*globals(), *__all__, "__version__"})
