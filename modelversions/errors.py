"""Every error that modelversions raises.

One root; each leaf is also the builtin that fits, so ``except KeyError`` and ``except ValueError``
work as usual. The message says what was wrong and what to do; the data stands in attributes::

    ModelVersionsError
    ├── InvalidVersionError        ValueError       .text .reason
    ├── InvalidNameError           ValueError       .text .reason
    ├── InvalidTagNameError        ValueError       .text .reason
    ├── InvalidArgumentError       ValueError       .argument .value
    ├── ModelNotFoundError         KeyError         .model
    ├── VersionNotFoundError       KeyError         .model .version
    ├── StageNotFoundError         KeyError         .model .stage
    ├── RepositoryNotFoundError    FileNotFoundError  .location
    ├── RepositoryError            OSError          .location
    ├── RevisionNotFoundError      LookupError      .revision
    │   ├── AmbiguousRevisionError                  .candidates
    │   └── NotACommitError                         .type
    ├── ObjectMissingError         LookupError      .id
    ├── IdentityError              ValueError       .text
    ├── VersionExistsError         ValueError       .model .version .commit .time
    └── WriteConflictError         OSError          .tag
        ├── TagExistsError         FileExistsError
        └── LockedError                             .lock
"""

from __future__ import annotations


class ModelVersionsError(Exception):
    """The root of the tree: catch it to catch everything that this library raises."""

    def __init__(self, message: str, **data: object) -> None:
        """Keep ``message`` and hang each item of ``data`` on the error as an attribute."""
        super().__init__(message)
        self.__dict__.update(data)

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


class RepositoryNotFoundError(ModelVersionsError, FileNotFoundError):
    """There is no Git repository at the place that was named."""

    location: str


class RepositoryError(ModelVersionsError, OSError):
    """The repository is there, but cannot be read or written."""

    location: str


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
    """A tag object that was there when the tags were listed is gone."""

    id: str


class IdentityError(ModelVersionsError, ValueError):
    """Nobody is named as the author, or the name cannot stand in a Git object."""

    text: str


class VersionExistsError(ModelVersionsError, ValueError):
    """The version is registered already."""

    model: str
    version: str
    commit: str
    time: object


class WriteConflictError(ModelVersionsError, OSError):
    """Git cannot create the tag beside what is there."""

    tag: str


class TagExistsError(WriteConflictError, FileExistsError):
    """A tag of that name exists; it was not touched."""


class LockedError(WriteConflictError):
    """A lock file, of another writer or of one that died, is in the way."""

    lock: str
