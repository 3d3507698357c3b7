"""The exceptions of ``gto.exceptions``; each is a ``ModelVersionsError`` too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from modelversions.errors import (
    CommitTakenError,
    ConfigurationError,
    IdentityError,
    InvalidArgumentError,
    InvalidNameError,
    InvalidTagNameError,
    InvalidVersionError,
    ModelDeprecatedError,
    ModelNotFoundError,
    ModelVersionsError,
    RefusedError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    StageNotAllowedError,
    TagExistsError,
    VersionExistsError,
    VersionNotFoundError,
)


class GTOException(ModelVersionsError):  # GTO's name
    """The base class of all exceptions of GTO."""

    code = "gto"

    def __init__(self, msg: str) -> None:
        """Set the message, which is also the attribute ``msg``."""
        super().__init__(msg)
        self._set(msg=msg, message=msg)


class NoRepo(GTOException):
    """There is no repository."""


class ArtifactNotFound(GTOException):
    """There is no such model."""


class VersionRequired(GTOException):
    """The model has no such version."""


class VersionAlreadyRegistered(GTOException):
    """The version is registered already."""


class VersionExistsForCommit(GTOException):
    """A version was registered at the commit."""


class UnknownStage(GTOException):
    """The stage is not allowed."""


class RefNotFound(GTOException):
    """There is no such revision."""


class InvalidVersion(GTOException):
    """It is not a version name."""


class InvalidTagName(GTOException):
    """It is not the name of an event's tag."""


class TagExists(GTOException):
    """The tag exists."""


class ValidationError(GTOException):
    """It is not a valid name."""


class WrongArgs(GTOException):
    """The arguments contradict each other or the registry's state."""


class NotImplementedInGTO(GTOException):
    """Several versions match where GTO expects one."""


class NotFound(GTOException):
    """Not raised here. It and the following classes exist for scripts that refer to them."""


class WrongConfig(GTOException):
    """The configuration is invalid."""


class WrongArtifactsYaml(GTOException):
    """Not raised here."""


class NoFile(GTOException):
    """Not raised here."""


class UnknownType(GTOException):
    """Not raised here."""


class ArtifactExists(GTOException):
    """Not raised here."""


class PathIsUsed(GTOException):
    """Not raised here."""


class ManyVersions(GTOException):
    """Not raised here."""


class NoActiveAssignment(GTOException):
    """Not raised here."""


class NoStageForVersion(GTOException):
    """Not raised here."""


class AmbiguousArg(GTOException):
    """Not raised here."""


class IncomparableVersions(GTOException):
    """Not raised here."""


class UnknownAction(GTOException):
    """Not raised here."""


class MissingArg(GTOException):
    """Not raised here."""


class TagNotFound(GTOException):
    """Not raised here."""


_TRANSLATIONS: tuple[tuple[type[ModelVersionsError], type[GTOException]], ...] = (
    (RepositoryNotFoundError, NoRepo),
    (ModelNotFoundError, ArtifactNotFound),
    (VersionNotFoundError, VersionRequired),
    (VersionExistsError, VersionAlreadyRegistered),
    (CommitTakenError, VersionExistsForCommit),
    (StageNotAllowedError, UnknownStage),
    (ModelDeprecatedError, WrongArgs),
    (RefusedError, WrongArgs),
    (RevisionNotFoundError, RefNotFound),
    (InvalidVersionError, InvalidVersion),
    (InvalidTagNameError, InvalidTagName),
    (InvalidNameError, ValidationError),
    (TagExistsError, TagExists),
    (InvalidArgumentError, WrongArgs),
    (IdentityError, WrongArgs),
    (ConfigurationError, WrongConfig),
)


@contextmanager
def translated(
    *first: tuple[type[ModelVersionsError], type[GTOException]],
) -> Iterator[None]:
    """Raise the exception of GTO for an error of this library; do not change other exceptions.

    Args:
        first: pairs of an error and an exception that precede those of ``_TRANSLATIONS``.
    """
    try:
        yield
    except GTOException:
        raise
    except ModelVersionsError as error:
        for ours, theirs in (*first, *_TRANSLATIONS):
            if isinstance(error, ours):
                raise theirs(str(error)) from error
        raise
