"""Every error that modelversions raises, and the one warning.

One root; each leaf is also the builtin that fits, so ``except KeyError`` and ``except ValueError``
work as usual. The message says what was wrong and what to do; the data stands in attributes::

    ModelVersionsError
    ├── InvalidVersionError        ValueError         .text .reason
    ├── InvalidNameError           ValueError         .text .reason
    ├── InvalidTagNameError        ValueError         .text .reason
    ├── InvalidArgumentError       ValueError         .argument .value
    ├── ModelNotFoundError         KeyError           .model
    ├── VersionNotFoundError       KeyError           .model .version
    ├── StageNotFoundError         KeyError           .model .stage
    ├── TagNotFoundError           LookupError        .tag
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
    │   ├── ModelDeprecatedError                      .time
    │   └── NoEffectError                             .tag
    ├── NotPushedError             OSError            .tag .location
    └── WriteConflictError         OSError            .tag
        ├── TagExistsError         FileExistsError
        ├── PushRejectedError      PermissionError    .location .reason
        └── LockedError                               .lock
    ClockSkewWarning               UserWarning
"""

from __future__ import annotations

import re
from datetime import datetime

_LOGIN = re.compile(
    r"""(?P<scheme>\bhttps?://)(?=[^\s/]*@)\S*@    # of http, the name alone may be a token
    |(?P<other>\b[a-z][a-z0-9+.-]*://)(?=[^\s/@]*:[^\s/]*@)\S*@""",
    re.VERBOSE | re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return a text without the names and passwords in its URLs.

    A password that holds ``/`` or ``@`` itself is left out to its end.
    """
    return _LOGIN.sub(lambda match: f"{match['scheme'] or match['other']}***@", text)


class ModelVersionsError(Exception):
    """The root of the tree: catch it to catch everything that this library raises."""

    def __init__(self, message: str, **data: object) -> None:
        """Keep ``message`` and hang each item of ``data`` on the error as an attribute."""
        super().__init__(redact(message))
        for name, value in data.items():
            self.__dict__[name] = redact(value) if isinstance(value, str) else value

    def __str__(self) -> str:  # KeyError and OSError would decorate it
        """Return the message as it was written."""
        return str(self.args[0])


class InvalidVersionError(ModelVersionsError, ValueError):
    """A text is no version name (rule F1); ``reason`` says which part is wrong."""

    text: object
    reason: str


class InvalidNameError(ModelVersionsError, ValueError):
    """A model or stage name breaks F3-F5, or Git could not keep the tag that it asks for."""

    text: object
    reason: str


class InvalidTagNameError(ModelVersionsError, ValueError):
    """A tag name is none of the five kinds of F6; ``reason`` says which part is wrong."""

    text: object
    reason: str


class InvalidArgumentError(ModelVersionsError, ValueError):
    """An argument has a value that its function cannot take."""

    argument: str
    value: object


class ModelNotFoundError(ModelVersionsError, KeyError):
    """The registry has no model of that name."""

    model: str


class VersionNotFoundError(ModelVersionsError, KeyError):
    """The model has no such active version, or none that fits."""

    model: str
    version: str


class StageNotFoundError(ModelVersionsError, KeyError):
    """No version of the model is in that stage."""

    model: str
    stage: str


class TagNotFoundError(ModelVersionsError, LookupError):
    """There is no such tag."""

    tag: str


class RepositoryNotFoundError(ModelVersionsError, FileNotFoundError):
    """There is no Git repository at the place that was named."""

    location: str


class RepositoryError(ModelVersionsError, OSError):
    """The repository is there, but cannot be read or written."""

    location: str


class RemoteError(RepositoryError, ConnectionError):
    """A server cannot be reached, breaks off, or says what Git's protocol has no place for.

    ``status`` is the HTTP status that it answered with, if that was the reason, else None.
    """

    status: int | None = None


class RemoteTimeoutError(RemoteError, TimeoutError):
    """A server was silent for longer than ``timeout``."""


class AuthenticationError(RepositoryError, PermissionError):
    """A server wants credentials, or other ones."""


class DubiousOwnershipError(RepositoryError, PermissionError):
    """Another user owns the repository, so no program is run that its configuration names."""


class RevisionNotFoundError(ModelVersionsError, LookupError):
    """A revision names nothing in the repository."""

    revision: str


class AmbiguousRevisionError(RevisionNotFoundError):
    """A short SHA fits several commits."""

    candidates: tuple[str, ...]


class NotACommitError(RevisionNotFoundError):
    """A revision names an object that is no commit and does not lead to one."""

    type: str


class ObjectMissingError(ModelVersionsError, LookupError):
    """A tag's object is not there: gone since the tags were listed, or lost to the repository."""

    id: str


class IdentityError(ModelVersionsError, ValueError):
    """Nobody is named as the author, or the name cannot stand in a Git object."""

    text: str


class SigningError(ModelVersionsError, RuntimeError):
    """The program that signs or verifies is not there, or failed; ``program`` names it."""

    program: str


class ConfigurationError(ModelVersionsError, ValueError):
    """A configuration file holds what it may not."""

    file: str


class MissingExtraError(ModelVersionsError, ImportError):
    """What was asked for needs a package that comes with an extra."""

    extra: str


class RefusedError(ModelVersionsError, ValueError):
    """The state of the model speaks against a write; nothing was written."""

    model: str


class VersionExistsError(RefusedError):
    """The version is registered already."""

    version: str
    commit: str
    time: datetime


class CommitTakenError(RefusedError):
    """Another version is active at the commit, which GTO cannot read; ``force`` allows it."""

    version: str
    commit: str


class StageHeldError(RefusedError):
    """The version holds the stage already."""

    version: str
    stage: str


class StageNotHeldError(RefusedError):
    """The version does not hold the stage, nor would it if others lost it."""

    version: str
    stage: str


class StageNotAllowedError(RefusedError):
    """The registry allows other stages only (F23)."""

    stage: str
    allowed: tuple[str, ...]


class ModelDeprecatedError(RefusedError):
    """The model is deprecated already."""

    time: datetime


class NoEffectError(RefusedError):
    """The tag would be written and change nothing: what it must supersede is newer (F14)."""

    tag: str


class WriteConflictError(ModelVersionsError, OSError):
    """Git cannot create the tag beside what is there."""

    tag: str


class TagExistsError(WriteConflictError, FileExistsError):
    """A tag of that name exists; it was not touched."""


class PushRejectedError(WriteConflictError, PermissionError):
    """A server refused a tag; ``reason`` is what it said."""

    location: str
    reason: str


class LockedError(WriteConflictError):
    """A lock file, of another writer or of one that died, is in the way."""

    lock: str


class NotPushedError(ModelVersionsError, OSError):
    """A tag was written here, and could not be pushed: it stays, to be pushed later."""

    tag: str
    location: str


class ClockSkewWarning(UserWarning):
    """A tag was dated more than a minute ahead of this clock, after what it supersedes (F14)."""
