"""The errors that modelversions raises, and its warning.

All derive from ``ModelVersionsError``, and each from the builtin exception that fits, so that
``except KeyError`` and ``except ValueError`` work. The message names the problem and a remedy. The
data are attributes, and ``code`` is a stable name such as ``"version-exists"``::

    ModelVersionsError
    ├── InvalidVersionError        ValueError         .text .reason
    ├── InvalidNameError           ValueError         .text .reason
    ├── InvalidTagNameError        ValueError         .text .reason
    ├── InvalidArgumentError       ValueError         .argument .value
    ├── ModelNotFoundError         KeyError           .model
    ├── VersionNotFoundError       KeyError           .model .version
    ├── StageNotFoundError         KeyError           .model .stage
    ├── TagNotFoundError           LookupError        .tag
    ├── ArtifactNotFoundError      KeyError           .model .commit
    ├── FileNotInGitError          FileNotFoundError  .path .commit .reason
    ├── ObjectMissingError         LookupError        .id
    ├── RepositoryNotFoundError    FileNotFoundError  .location
    ├── RepositoryError            OSError            .location
    │   ├── RemoteError            ConnectionError    .status
    │   │   └── RemoteTimeoutError TimeoutError
    │   ├── AuthenticationError    PermissionError
    │   └── DubiousOwnershipError  PermissionError
    ├── RevisionNotFoundError      LookupError        .revision
    │   ├── AmbiguousRevisionError                    .candidates
    │   └── NotACommitError                           .type
    ├── NotInCatalogError          KeyError           .repository
    ├── FileNotWrittenError        OSError            .path
    ├── ReadCancelledError         RuntimeError
    ├── IdentityError              ValueError         .text
    ├── SigningError               RuntimeError       .program
    ├── ConfigurationError         ValueError         .file
    ├── MissingExtraError          ImportError        .extra
    ├── RefusedError               ValueError         .model
    │   ├── VersionExistsError                        .version .commit .time
    │   ├── CommitTakenError                          .version .commit
    │   ├── StageHeldError                            .version .stage
    │   ├── StageNotHeldError                         .version .stage
    │   ├── StageNotAllowedError                      .stage .allowed
    │   ├── RuleViolationError                        .rule .reason .tag
    │   ├── ModelDeprecatedError                      .time
    │   └── NoEffectError                             .tag
    ├── NotPushedError             OSError            .tag .location
    ├── PartlyDeletedError         OSError            .tags .location
    └── WriteConflictError         OSError            .tag
        ├── RemoteAheadError                          .location
        ├── TagExistsError         FileExistsError
        ├── PushRejectedError      PermissionError    .location .reason
        └── LockedError                               .lock
    ClockSkewWarning               UserWarning
    CatalogFileWarning             UserWarning
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar

from modelversions.json_types import data_record, record

__all__ = [
    "AmbiguousRevisionError",
    "ArtifactNotFoundError",
    "AuthenticationError",
    "CatalogFileWarning",
    "ClockSkewWarning",
    "CommitTakenError",
    "ConfigurationError",
    "DubiousOwnershipError",
    "FileNotInGitError",
    "FileNotWrittenError",
    "IdentityError",
    "InvalidArgumentError",
    "InvalidNameError",
    "InvalidTagNameError",
    "InvalidVersionError",
    "LockedError",
    "MissingExtraError",
    "ModelDeprecatedError",
    "ModelNotFoundError",
    "ModelVersionsError",
    "NoEffectError",
    "NotACommitError",
    "NotInCatalogError",
    "NotPushedError",
    "ObjectMissingError",
    "PartlyDeletedError",
    "PushRejectedError",
    "ReadCancelledError",
    "RefusedError",
    "RemoteAheadError",
    "RemoteError",
    "RemoteTimeoutError",
    "RepositoryError",
    "RepositoryNotFoundError",
    "RevisionNotFoundError",
    "RuleViolationError",
    "SigningError",
    "StageHeldError",
    "StageNotAllowedError",
    "StageNotFoundError",
    "StageNotHeldError",
    "TagExistsError",
    "TagNotFoundError",
    "VersionExistsError",
    "VersionNotFoundError",
    "WriteConflictError",
]

_LOGIN = re.compile(
    r"""(?:(?<=\bhttp)|(?<=\bhttps))://(?=[^\s/]*@)\S*@    # of http: a name alone may be a token
    # with "/" in the password: no port follows the ":"
    |(?:(?<=\bhttp)|(?<=\bhttps))://(?=[^\s/@:]+:(?![0-9]*/)[^\s@]*@)[^\s@]*@
    |(?<=[a-z0-9+.-])://(?=[^\s/@:]*:[^\s/]*@)\S*@""",
    re.VERBOSE | re.IGNORECASE,
)

_WORD = re.compile(r"[^\s'\"]+")
_WEB = re.compile(r"\bhttps?://", re.IGNORECASE)


def redact(text: str) -> str:
    """Return a text with ``***`` in place of the logins and queries in its URLs.

    A password may contain ``/`` or ``@``. A query may have a token.
    """
    return _WORD.sub(_without_query, _LOGIN.sub("://***@", text))


def _without_query(match: re.Match[str]) -> str:
    word = match[0]
    scheme = _WEB.search(word)
    query = word.find("?", scheme.end()) + 1 if scheme else 0
    return f"{word[:query]}***" if 0 < query < len(word) else word


def _rebuild(
    cls: type[ModelVersionsError], args: tuple[object, ...], data: dict[str, object]
) -> ModelVersionsError:
    """Restore a pickled error."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(data)
    return error


def join_names(names: Collection[object], most: int = 10) -> str:
    """Join at most ``most`` names, for a message."""
    shown = ", ".join(map(str, islice(names, most)))
    return shown + (", …" if len(names) > most else "") or "none"


def set_message(error: ModelVersionsError, message: str) -> None:
    """Replace the message of an error; logins in its URLs are redacted."""
    error.args = (redact(message),)


class ModelVersionsError(Exception):
    """The base class of all errors that this library raises."""

    code: ClassVar[str] = "error"
    """A stable name of the kind of error, for programs."""

    def __init__(self, message: str) -> None:
        """Set the message; logins in its URLs are redacted."""
        super().__init__(redact(message))

    def _set(self, **data: object) -> None:
        """Set attributes; logins in their URLs are redacted."""
        for name, value in data.items():
            self.__dict__[name] = redact(value) if isinstance(value, str) else value

    def __str__(self) -> str:
        """Return the message, without the decoration that ``KeyError`` and ``OSError`` add."""
        return str(self.args[0])

    def to_dict(self) -> dict[str, object]:
        """Return code, message and data as JSON types."""
        return record(code=self.code, message=str(self), data=data_record(self.__dict__))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the message and the data."""
        return _rebuild, (type(self), self.args, self.__dict__)


class InvalidVersionError(ModelVersionsError, ValueError):
    """A text is not a version name (F1)."""

    code = "invalid-version"
    text: object
    """The value that was given."""
    reason: str
    """Which part is wrong."""

    def __init__(self, message: str, *, text: object, reason: str) -> None:
        super().__init__(message)
        self._set(text=text, reason=reason)


class InvalidNameError(ModelVersionsError, ValueError):
    """A model or stage name breaks F3-F5, or Git does not allow the tag name that it needs."""

    code = "invalid-name"
    text: object
    """The value that was given."""
    reason: str
    """What is wrong with it."""

    def __init__(self, message: str, *, text: object, reason: str) -> None:
        super().__init__(message)
        self._set(text=text, reason=reason)


class InvalidTagNameError(ModelVersionsError, ValueError):
    """A tag name is not an event's (F6)."""

    code = "invalid-tag-name"
    text: object
    """The value that was given."""
    reason: str
    """Which part is wrong."""

    def __init__(self, message: str, *, text: object, reason: str) -> None:
        super().__init__(message)
        self._set(text=text, reason=reason)


class InvalidArgumentError(ModelVersionsError, ValueError):
    """An argument has an unacceptable value."""

    code = "invalid-argument"
    argument: str
    """The name of the argument."""
    value: object
    """The value; None if it may contain a secret."""

    def __init__(self, message: str, *, argument: str, value: object) -> None:
        super().__init__(message)
        self._set(argument=argument, value=value)


class ModelNotFoundError(ModelVersionsError, KeyError):
    """The registry has no model of that name."""

    code = "model-not-found"
    model: str
    """The model's name."""

    def __init__(self, message: str, *, model: str) -> None:
        super().__init__(message)
        self._set(model=model)


class VersionNotFoundError(ModelVersionsError, KeyError):
    """The model has no such active version."""

    code = "version-not-found"
    model: str
    """The model's name."""
    version: str
    """The version that was given."""

    def __init__(self, message: str, *, model: str, version: str) -> None:
        super().__init__(message)
        self._set(model=model, version=version)


class StageNotFoundError(ModelVersionsError, KeyError):
    """No version of the model is in that stage."""

    code = "stage-not-found"
    model: str
    """The model's name."""
    stage: str
    """The stage's name."""

    def __init__(self, message: str, *, model: str, stage: str) -> None:
        super().__init__(message)
        self._set(model=model, stage=stage)


class TagNotFoundError(ModelVersionsError, LookupError):
    """There is no such tag."""

    code = "tag-not-found"
    tag: str
    """The tag's name."""

    def __init__(self, message: str, *, tag: str) -> None:
        super().__init__(message)
        self._set(tag=tag)


class RepositoryNotFoundError(ModelVersionsError, FileNotFoundError):
    """There is no Git repository at that path or URL."""

    code = "repository-not-found"
    location: str
    """The path or URL of the repository, without secrets."""

    def __init__(self, message: str, *, location: str) -> None:
        super().__init__(message)
        self._set(location=location)


class RepositoryError(ModelVersionsError, OSError):
    """The repository exists, but cannot be read or written."""

    code = "repository-error"
    location: str
    """The path or URL of the repository, without secrets."""

    def __init__(self, message: str, *, location: str) -> None:
        super().__init__(message)
        self._set(location=location)


class RemoteError(RepositoryError, ConnectionError):
    """A server cannot be reached, closes the connection, or violates Git's protocol."""

    code = "remote-error"
    status: int | None
    """The HTTP status that is the reason; None if there is none."""

    def __init__(self, message: str, *, location: str, status: int | None = None) -> None:
        super().__init__(message, location=location)
        self._set(status=status)


class RemoteTimeoutError(RemoteError, TimeoutError):
    """A server sent nothing for longer than ``timeout``."""

    code = "remote-timeout"


class AuthenticationError(RepositoryError, PermissionError):
    """A server requires credentials, or rejected those that it was given."""

    code = "authentication-failed"


class DubiousOwnershipError(RepositoryError, PermissionError):
    """Another user owns the repository, so no program that its configuration names is run."""

    code = "dubious-ownership"


class RevisionNotFoundError(ModelVersionsError, LookupError):
    """The repository has no such revision."""

    code = "revision-not-found"
    revision: str
    """The revision that was given."""

    def __init__(self, message: str, *, revision: str) -> None:
        super().__init__(message)
        self._set(revision=revision)


class AmbiguousRevisionError(RevisionNotFoundError):
    """A short SHA matches several commits, or tags of commits."""

    code = "ambiguous-revision"
    candidates: tuple[str, ...]
    """The full SHAs that match."""

    def __init__(self, message: str, *, revision: str, candidates: tuple[str, ...]) -> None:
        super().__init__(message, revision=revision)
        self._set(candidates=candidates)


class NotACommitError(RevisionNotFoundError):
    """A revision names an object that does not peel to a commit."""

    code = "not-a-commit"
    type: str
    """The type of the object, such as ``tree`` or ``blob``."""

    def __init__(self, message: str, *, revision: str, type: str) -> None:
        super().__init__(message, revision=revision)
        self._set(type=type)


class ArtifactNotFoundError(ModelVersionsError, KeyError):
    """The model has no annotation at the commit (F24)."""

    code = "artifact-not-found"
    model: str
    """The model's name."""
    commit: str
    """The full SHA of the commit."""

    def __init__(self, message: str, *, model: str, commit: str) -> None:
        super().__init__(message)
        self._set(model=model, commit=commit)


class FileNotInGitError(ModelVersionsError, FileNotFoundError):
    """Git has no such file at the commit, or only a pointer of DVC or Git LFS."""

    code = "file-not-in-git"
    path: str
    """The path of the file in the repository."""
    commit: str
    """The full SHA of the commit."""
    reason: str
    """``"missing"``, ``"directory"``, ``"submodule"``, ``"symlink"``, ``"dvc"`` or ``"lfs"``."""

    def __init__(self, message: str, *, path: str, commit: str, reason: str) -> None:
        super().__init__(message)
        self._set(path=path, commit=commit, reason=reason)


class ObjectMissingError(ModelVersionsError, LookupError):
    """A tag's object is missing: deleted since the tags were listed, or never fetched."""

    code = "missing-object"
    id: str
    """The id of the object, or the name of its tag."""

    def __init__(self, message: str, *, id: str) -> None:
        super().__init__(message)
        self._set(id=id)


class IdentityError(ModelVersionsError, ValueError):
    """There is no author, or Git does not allow the name or address."""

    code = "invalid-identity"
    text: object
    """The value that was given."""

    def __init__(self, message: str, *, text: object) -> None:
        super().__init__(message)
        self._set(text=text)


class SigningError(ModelVersionsError, RuntimeError):
    """The program that signs or verifies is missing, or failed."""

    code = "signing-failed"
    program: str
    """The program that signs or verifies, or an invalid ``gpg.format``."""

    def __init__(self, message: str, *, program: str) -> None:
        super().__init__(message)
        self._set(program=program)


class ConfigurationError(ModelVersionsError, ValueError):
    """A configuration file or variable has an invalid or unsupported value."""

    code = "invalid-configuration"
    file: str
    """The file, setting, variable or argument with the value."""

    def __init__(self, message: str, *, file: str) -> None:
        super().__init__(message)
        self._set(file=file)


class MissingExtraError(ModelVersionsError, ImportError):
    """A function needs a package that is installed with an extra."""

    code = "missing-extra"
    extra: str
    """The name of the extra, such as ``yaml``."""

    def __init__(self, message: str, *, extra: str) -> None:
        super().__init__(message)
        self._set(extra=extra)


class RefusedError(ModelVersionsError, ValueError):
    """The write conflicts with the model's current state; nothing was written."""

    code = "refused"
    model: str
    """The model's name."""

    def __init__(self, message: str, *, model: str) -> None:
        super().__init__(message)
        self._set(model=model)


class VersionExistsError(RefusedError):
    """The version is registered already."""

    code = "version-exists"
    version: str
    """The version's name."""
    commit: str
    """The full SHA of the commit at which the version is registered."""
    time: datetime
    """When it was registered."""

    def __init__(
        self, message: str, *, model: str, version: str, commit: str, time: datetime
    ) -> None:
        super().__init__(message, model=model)
        self._set(version=version, commit=commit, time=time)


class CommitTakenError(RefusedError):
    """Another version was registered at the commit (F12a); ``force`` overrides it."""

    code = "commit-taken"
    version: str
    """The version that was registered at the commit."""
    commit: str
    """The full SHA of the commit."""

    def __init__(self, message: str, *, model: str, version: str, commit: str) -> None:
        super().__init__(message, model=model)
        self._set(version=version, commit=commit)


class StageHeldError(RefusedError):
    """The version is in the stage already."""

    code = "stage-held"
    version: str
    """The version's name."""
    stage: str
    """The stage's name."""

    def __init__(self, message: str, *, model: str, version: str, stage: str) -> None:
        super().__init__(message, model=model)
        self._set(version=version, stage=stage)


class StageNotHeldError(RefusedError):
    """The version is not in the stage, and no assignment of it is in force."""

    code = "stage-not-held"
    version: str
    """The version's name."""
    stage: str
    """The stage's name."""

    def __init__(self, message: str, *, model: str, version: str, stage: str) -> None:
        super().__init__(message, model=model)
        self._set(version=version, stage=stage)


class RuleViolationError(RefusedError):
    """A rule of the registry refuses the event; see ``modelversions.rules``."""

    code = "rule-violation"
    rule: str
    """The rule's name."""
    reason: str
    """The reason that the rule returned."""
    tag: str
    """The tag that would have been written."""

    def __init__(self, message: str, *, model: str, rule: str, reason: str, tag: str) -> None:
        super().__init__(message, model=model)
        self._set(rule=rule, reason=reason, tag=tag)


class StageNotAllowedError(RefusedError):
    """The registry does not allow the stage (F23)."""

    code = "stage-not-allowed"
    stage: str
    """The stage's name."""
    allowed: tuple[str, ...]
    """The stages that are allowed."""

    def __init__(self, message: str, *, model: str, stage: str, allowed: tuple[str, ...]) -> None:
        super().__init__(message, model=model)
        self._set(stage=stage, allowed=allowed)


class ModelDeprecatedError(RefusedError):
    """The model is deprecated already."""

    code = "model-deprecated"
    time: datetime
    """When it was deprecated."""

    def __init__(self, message: str, *, model: str, time: datetime) -> None:
        super().__init__(message, model=model)
        self._set(time=time)


class NoEffectError(RefusedError):
    """A newer event would supersede the write (F14), or it would affect another version (F12c)."""

    code = "no-effect"
    tag: str
    """The tag that would have been written."""

    def __init__(self, message: str, *, model: str, tag: str) -> None:
        super().__init__(message, model=model)
        self._set(tag=tag)


class WriteConflictError(ModelVersionsError, OSError):
    """Git cannot create or delete the tag."""

    code = "write-conflict"
    tag: str
    """The tag's name."""

    def __init__(self, message: str, *, tag: str) -> None:
        super().__init__(message)
        self._set(tag=tag)


class TagExistsError(WriteConflictError, FileExistsError):
    """A tag of that name exists; it was not changed."""

    code = "tag-exists"


class PushRejectedError(WriteConflictError, PermissionError):
    """A server rejected a tag."""

    code = "push-rejected"
    location: str
    """The path or URL of the remote, without secrets."""
    reason: str
    """The reason that the server gave."""

    def __init__(self, message: str, *, tag: str, location: str, reason: str) -> None:
        super().__init__(message, tag=tag)
        self._set(location=location, reason=reason)


class LockedError(WriteConflictError):
    """A lock file exists: another process is writing, or was killed."""

    code = "locked"
    lock: str
    """The path of the lock file."""

    def __init__(self, message: str, *, tag: str, lock: str) -> None:
        super().__init__(message, tag=tag)
        self._set(lock=lock)


class RemoteAheadError(WriteConflictError):
    """The remote to push to has tags of the model that were not fetched; nothing was written."""

    code = "remote-ahead"
    location: str
    """The path or URL of the remote, without secrets."""

    def __init__(self, message: str, *, tag: str, location: str) -> None:
        super().__init__(message, tag=tag)
        self._set(location=location)


class NotPushedError(ModelVersionsError, OSError):
    """A tag was created locally, but could not be pushed."""

    code = "not-pushed"
    tag: str
    """The tag's name."""
    location: str
    """The path or URL of the remote, without secrets."""

    def __init__(self, message: str, *, tag: str, location: str) -> None:
        super().__init__(message)
        self._set(tag=tag, location=location)


class PartlyDeletedError(ModelVersionsError, OSError):
    """Tags were deleted at a remote, but not all of them, or not locally."""

    code = "partly-deleted"
    tags: tuple[str, ...]
    """The tags that were deleted at the remote."""
    location: str
    """The location of the remote, without secrets."""

    def __init__(self, message: str, *, tags: tuple[str, ...], location: str) -> None:
        super().__init__(message)
        self._set(tags=tags, location=location)


class NotInCatalogError(ModelVersionsError, KeyError):
    """The catalog has no repository with this name."""

    code = "not-in-catalog"
    repository: str
    """The name that was given."""

    def __init__(self, message: str, *, repository: str) -> None:
        super().__init__(message)
        self._set(repository=repository)


class FileNotWrittenError(ModelVersionsError, OSError):
    """The file of ``to_html()`` cannot be written."""

    code = "file-not-written"
    path: str
    """The path of the file."""

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self._set(path=path)


class ReadCancelledError(ModelVersionsError, RuntimeError):
    """Reading a catalog was cancelled by ``Catalog.cancel()``."""

    code = "read-cancelled"


class CatalogFileWarning(UserWarning):
    """A file of ``Catalog.save()`` is damaged; it is ignored."""


class ClockSkewWarning(UserWarning):
    """A tag was dated more than a minute ahead of this clock, after what it supersedes (F14)."""
