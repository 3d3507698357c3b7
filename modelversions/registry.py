"""``Registry``: read and write the model registry of a local or remote repository.

This module is private. Import its public names from ``modelversions``.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypedDict, overload

from modelversions.errors import (
    InvalidArgumentError,
    InvalidVersionError,
    MissingExtraError,
    ModelNotFoundError,
    RuleViolationError,
)
from modelversions.git import sync
from modelversions.git.store import (
    Credentials,
    Progress,
    Remote,
    RemoteOptions,
    Signature,
    Store,
    TagRef,
)
from modelversions.git.sync import SyncResult
from modelversions.model.model import Version
from modelversions.progress_bar import check_progress
from modelversions.registry_view import RegistryView, Revision, ViewSettings
from modelversions.rules import FACTORIES, Rule, name_of
from modelversions.values.arguments import Clock, check_flag, is_seconds
from modelversions.values.event import Event
from modelversions.values.identity import Identity
from modelversions.values.semver import LEVELS, SemVer
from modelversions.values.tag_name import (
    TagName,
    check_model_name,
    check_new_stage,
    is_stage_name,
    prefixes_of,
)
from modelversions.values.web_pages import CommitUrl, check_commit_url
from modelversions.write import plan as planning
from modelversions.write.allowed_stages import check_allowed, check_stages
from modelversions.write.writer import (
    Planner,
    WriteOptions,
    Writer,
    check_author,
)

if TYPE_CHECKING:
    from dulwich.repo import MemoryRepo, Repo
    from typing_extensions import Unpack

    from modelversions.display.form.registry_form import RegistryForm

_LOG = logging.getLogger(__name__)

VersionName = str | SemVer | Version
"""What names a version of a model."""


class WriteKeywords(TypedDict, total=False):
    """The keyword arguments that all methods that write share, for their overloads."""

    message: str | None
    author: Identity | None
    when: datetime | None
    force: bool
    sign: bool | str | None
    dry_run: bool
    push: bool | str | RegistryView


class Registry(RegistryView):
    """A registry to read and to write.

    Each method that writes is atomic: it raises an error and changes nothing, or it returns the
    event that it wrote (the last one, if it wrote two). If the connection to a server breaks before
    its answer, the outcome may be unknown; the error states this. ``register``, ``deregister``,
    ``assign``, ``unassign`` and ``deprecate`` share keyword arguments:

    - ``message``: the tag's message, cleaned up as by ``git tag``, which removes lines that begin
      with ``#``. Default: GTO's message.
    - ``author``: the tagger. Default: the identity in Git's configuration.
    - ``when``: an aware datetime. Default: now, or one second after the events that the write must
      supersede (F14). ``GIT_COMMITTER_DATE`` is not read.
    - ``force``: write in spite of a refusal that allows it (F12a, F12c, F23).
    - ``sign``: True, False or a key. Default: as Git is configured.
    - ``dry_run``: return the event that would be written, and write nothing.
    - ``push``: push the tag once it is created, and the model's other events that the remote lacks:
      True for the remote ``origin``, or the name of a remote, a URL, a path or another registry. If
      the remote has events of the model that were not fetched, nothing is written. In a registry at
      a URL, tags are created on the server.

    In addition to the errors that each method names, all raise ``InvalidNameError`` and
    ``InvalidVersionError`` for names, ``IdentityError`` without an author,
    ``InvalidArgumentError`` for an invalid message or time, ``NoEffectError`` for a ``when`` that
    does not supersede, ``ObjectMissingError`` if a relevant tag cannot be read,
    ``WriteConflictError`` if Git cannot create the tag (``PushRejectedError`` if a server rejects
    it), ``RemoteAheadError`` if the remote has to be fetched first, ``NotPushedError`` if the tag
    was created and not pushed, and ``SigningError``. A tag dated more than a minute ahead of the
    clock, without ``when``, causes a ``ClockSkewWarning``.
    """

    _store: Store

    def __init__(
        self,
        store: Store,
        *,
        stages: Iterable[str] | None = None,
        author: Identity | None = None,
        clock: Clock | None = None,
        rules: Iterable[Rule] = (),
    ) -> None:
        """Use a store; ``Registry.open`` and ``Registry.from_repo`` create one."""
        if isinstance(store, (str, os.PathLike)):
            raise InvalidArgumentError(
                f"Registry takes no path or URL; call Registry.open({os.fspath(store)!r})",
                argument="store",
                value=store,
            )
        if clock is not None and not callable(clock):
            raise InvalidArgumentError(
                f"clock must be a callable that returns the present time, not {clock!r}",
                argument="clock",
                value=clock,
            )
        if author is not None:
            check_author(author)
        allowed = None if stages is None else check_stages(stages, "stages=")
        super().__init__(store, stages=allowed, clock=clock)
        checked = _checked_rules(rules)
        # not a method of this object: the cycle would keep everything that was read in memory
        check = functools.partial(_check_rules, store, self._settings, checked)
        self._writer = Writer(store, self._snapshots, author, clock, check)

    @classmethod
    def open(
        cls,
        location: str | os.PathLike[str] = ".",
        *,
        stages: Iterable[str] | None = None,
        credentials: Credentials | None = None,
        progress: Progress | bool | None = None,
        timeout: float | None = 60.0,
        author: Identity | None = None,
        clock: Clock | None = None,
        rules: Iterable[Rule] = (),
        commit_url: CommitUrl | None = None,
    ) -> Registry:
        """Open the registry of the repository that contains a directory, or of one at a URL.

        Args:
            location: a directory in a repository, which is found as by Git: a bare repository, a
                work tree, or a directory below one. For the current directory, ``GIT_DIR`` and
                ``GIT_WORK_TREE`` apply. Or a URL: ``https://``, ``http://``, ``ssh://``,
                ``git://``, ``file://`` or ``user@host:path``. No server is contacted before the
                first access, and nothing is written to disk.
            stages: the stages that may be assigned. Default: those of the ``.gto`` file.
            credentials: returns user name and password for a URL and, if known, a user name, when
                a server requires them; see ``modelversions.credentials``.
            progress: is called with the amount done, the total or None, and a description, while
                data is transferred or many tags are read. True shows progress bars, in notebooks
                too (extra ``notebook``).
            timeout: the seconds that a server may send nothing; None for no limit.
            author: the author of events, unless a method is given another one. Default: the
                identity in Git's configuration.
            clock: returns the present time, as an aware datetime. Default: the system's clock.
            rules: callables that may refuse an event; see ``modelversions.rules``.
            commit_url: the URL of a commit's web page with ``{commit}`` for its SHA, or a callable
                that returns it, for links in notebooks. Default: by the remote's host, for GitHub,
                GitLab, Bitbucket, Gitea and Forgejo.

        Raises:
            RepositoryNotFoundError: there is no repository; at a server, on first access.
            RepositoryError: the repository cannot be read.
            ConfigurationError: Git's configuration or ``stages`` is invalid.
            InvalidArgumentError: another argument is invalid.
            MissingExtraError: with ``progress=True``, tqdm is not installed.
        """
        options = _remote_options(credentials, progress, timeout, commit_url)
        from modelversions.git.open import open_store  # importing dulwich takes time

        store = open_store(location, options)
        return cls(store, stages=stages, author=author, clock=clock, rules=rules)

    @classmethod
    def from_repo(
        cls,
        repo: Repo | MemoryRepo,
        *,
        stages: Iterable[str] | None = None,
        author: Identity | None = None,
        clock: Clock | None = None,
        rules: Iterable[Rule] = (),
        commit_url: CommitUrl | None = None,
    ) -> Registry:
        """Use a repository that dulwich has opened, on disk or in memory; you close it.

        Args:
            repo: the repository.
            stages, author, clock, rules, commit_url: see ``open()``.

        Raises:
            InvalidArgumentError: it is not a repository of dulwich.
        """
        from modelversions.git.local.discovery import check_repo
        from modelversions.git.local.local_store import LocalStore

        check_repo(repo)
        options = RemoteOptions(commit_url=check_commit_url(commit_url))
        store = LocalStore(repo, getattr(repo, "path", "memory"), options=options)
        return cls(store, stages=stages, author=author, clock=clock, rules=rules)

    def close(self) -> None:
        """Close files and connections; they are reopened on the next access."""
        self._store.close()

    def __enter__(self) -> Registry:
        """Return the registry."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the registry."""
        self.close()

    def register(
        self,
        model: str,
        version: VersionName | None = None,
        *,
        bump: str | None = None,
        commit: Revision = "HEAD",
        message: str | None = None,
        author: Identity | None = None,
        when: datetime | None = None,
        force: bool = False,
        sign: bool | str | None = None,
        dry_run: bool = False,
        push: bool | str | RegistryView = False,
    ) -> Event:
        """Register a version of a model. A deregistered version can be registered again.

        If that is at the same commit, the version is in its stages again, as they were not
        unassigned (F17.4).

        Args:
            model: the model's name; it need not exist yet.
            version: the version, such as ``"v1.2.0"``. Default: the next version (F12b).
            bump: the number to increment for the next version: ``"major"``, ``"minor"`` or
                ``"patch"``, the default.
            commit: a revision as for Git, or a ``Commit``, ``Version`` or ``Event``.
            message, author, when, force, sign, dry_run, push: see ``Registry``.

        Raises:
            VersionExistsError: the version is registered already.
            CommitTakenError: another version was ever registered at the commit, and ``force`` is
                not given (F12a).
            ModelNotFoundError: the next version is unknown, as the clone is shallow and has no tag
                of the model.
            RevisionNotFoundError: there is no such commit.
        """
        check_model_name(model)
        semver = None if version is None else _semver(model, version)
        if bump is not None:
            SemVer(0, 0, 0).bump(bump)  # raises an error for another word
            if semver is not None:
                raise InvalidArgumentError(
                    f"pass either a version or a bump, not {str(semver)!r} and {bump!r}",
                    argument="bump",
                    value=bump,
                )
        if semver is None:
            self._check_complete(model, push)
        sha = self._resolve(commit)
        options = WriteOptions(message, author, when, force, sign, dry_run, push)
        return self._write(
            model,
            options,
            lambda context, request: [
                planning.register(context, request, version=semver, bump=bump, commit=sha)
            ],
        )

    @overload
    def deregister(
        self, model: str, version: VersionName, **options: Unpack[WriteKeywords]
    ) -> Event: ...

    @overload
    def deregister(
        self, model: str, *, commit: Revision, **options: Unpack[WriteKeywords]
    ) -> Event: ...

    def deregister(
        self,
        model: str,
        version: VersionName | None = None,
        *,
        commit: Revision | None = None,
        message: str | None = None,
        author: Identity | None = None,
        when: datetime | None = None,
        force: bool = False,
        sign: bool | str | None = None,
        dry_run: bool = False,
        push: bool | str | RegistryView = False,
    ) -> Event:
        """Deregister a version. It stays in the history, and its stages are no longer in force.

        They are again if the version is registered again at the same commit (F17.4); to prevent
        this, unassign them first.

        Args:
            model: the model's name.
            version: the version; or pass ``commit``.
            commit: a revision, instead of the version that is registered there.
            message, author, when, force, sign, dry_run, push: see ``Registry``.

        Raises:
            ModelNotFoundError: there is no such model.
            VersionNotFoundError: it was never registered, or was deregistered already; or no
                version is registered at the commit.
            InvalidArgumentError: several versions are registered at the commit.
            RevisionNotFoundError: there is no such commit.
        """
        check_model_name(model)
        semver = None if version is None else _semver(model, version)
        _check_version_or_commit(version, commit)
        sha = "" if commit is None else self._resolve(commit)
        options = WriteOptions(message, author, when, force, sign, dry_run, push)
        return self._write(
            self._require_model(model),
            options,
            lambda context, request: [
                planning.deregister(context, request, semver or context.version_at(sha))
            ],
        )

    @overload
    def assign(
        self,
        model: str,
        version: VersionName,
        stage: str,
        *,
        register: bool = False,
        **options: Unpack[WriteKeywords],
    ) -> Event: ...

    @overload
    def assign(
        self,
        model: str,
        *,
        stage: str,
        commit: Revision,
        register: bool = False,
        **options: Unpack[WriteKeywords],
    ) -> Event: ...

    @overload
    def assign(
        self,
        model: str,
        version: VersionName | None = None,
        *,
        stage: str,
        commit: Revision | None = None,
        register: Literal[True],
        **options: Unpack[WriteKeywords],
    ) -> Event: ...

    @overload
    def assign(
        self,
        model: str,
        version: VersionName | None,
        stage: str,
        *,
        commit: Revision | None = None,
        register: Literal[True],
        **options: Unpack[WriteKeywords],
    ) -> Event: ...

    def assign(
        self,
        model: str,
        version: VersionName | None = None,
        stage: str | None = None,
        *,
        commit: Revision | None = None,
        register: bool = False,
        message: str | None = None,
        author: Identity | None = None,
        when: datetime | None = None,
        force: bool = False,
        sign: bool | str | None = None,
        dry_run: bool = False,
        push: bool | str | RegistryView = False,
    ) -> Event:
        """Assign a stage to a version, or to the version at a commit (F18).

        Args:
            model: the model's name.
            version: the version; or pass ``commit``.
            stage: the stage's name, such as ``"prod"``.
            commit: a revision, instead of the version. If no version is registered there, the
                commit itself is in the stage, which is a problem of ``problems()`` (F18); to
                register the next version there, pass ``register=True``.
            register: register the version first if it is not registered, at ``commit`` or HEAD;
                the next version if none is given. Author and message apply to both events.
            message, author, when, force, sign, dry_run, push: see ``Registry``.

        Raises:
            ModelNotFoundError: there is no such model, without ``register``. With ``commit``,
                ``force`` allows it.
            VersionNotFoundError: the version is not active.
            VersionExistsError: with ``register``, it is registered at another commit than
                ``commit``.
            StageHeldError: it is in the stage already, without ``force``.
            StageNotAllowedError: the stage is not allowed, without ``force``.
            ConfigurationError, MissingExtraError: the ``.gto`` file cannot be read.
            RevisionNotFoundError: there is no such commit.
        """
        check_model_name(model)
        stage, semver = _stage_and_version(model, stage, version)
        check_flag("register", register)
        if not register:
            _check_version_or_commit(version, commit)
        elif semver is None:
            self._check_complete(model, push)
        if not force:
            check_allowed(model, stage, self.allowed_stages())
        named = commit is not None
        sha = self._resolve("HEAD" if commit is None else commit) if register or named else ""
        if not register and not (force and semver is None):
            self._require_model(model)
        options = WriteOptions(message, author, when, force, sign, dry_run, push)
        if not register:
            return self._write(
                model,
                options,
                lambda context, request: planning.assign(
                    context, request, stage, version=semver, commit=sha
                ),
            )
        return self._write(
            model,
            options,
            lambda context, request: planning.register_and_assign(
                context, request, stage, version=semver, commit=sha, at_commit=named
            ),
        )

    @overload
    def unassign(
        self,
        model: str,
        version: VersionName,
        stage: str,
        **options: Unpack[WriteKeywords],
    ) -> Event: ...

    @overload
    def unassign(
        self,
        model: str,
        *,
        stage: str,
        commit: Revision,
        **options: Unpack[WriteKeywords],
    ) -> Event: ...

    def unassign(
        self,
        model: str,
        version: VersionName | None = None,
        stage: str | None = None,
        *,
        commit: Revision | None = None,
        message: str | None = None,
        author: Identity | None = None,
        when: datetime | None = None,
        force: bool = False,
        sign: bool | str | None = None,
        dry_run: bool = False,
        push: bool | str | RegistryView = False,
    ) -> Event:
        """Unassign a stage from a version, or from the version at a commit.

        The version of the previous assignment in force then holds the stage (F17).

        Args:
            model: the model's name.
            version: the version; or pass ``commit``.
            stage: the stage's name.
            commit: a revision, instead of the version.
            message, author, when, force, sign, dry_run, push: see ``Registry``.

        Raises:
            ModelNotFoundError: there is no such model.
            VersionNotFoundError: the version is not active.
            StageNotHeldError: it is not in the stage, without ``force``.
            RevisionNotFoundError: there is no such commit.
        """
        stage, semver = _stage_and_version(model, stage, version)
        _check_version_or_commit(version, commit)
        sha = "" if commit is None else self._resolve(commit)
        options = WriteOptions(message, author, when, force, sign, dry_run, push)
        return self._write(
            self._require_model(model),
            options,
            lambda context, request: [
                planning.unassign(context, request, stage, version=semver, commit=sha)
            ],
        )

    def deprecate(
        self,
        model: str,
        *,
        commit: Revision | None = None,
        message: str | None = None,
        author: Identity | None = None,
        when: datetime | None = None,
        force: bool = False,
        sign: bool | str | None = None,
        dry_run: bool = False,
        push: bool | str | RegistryView = False,
    ) -> Event:
        """Deprecate a model as a whole. A later event ends that (F19).

        Args:
            model: the model's name.
            commit: the revision to put the tag on. Default: the commit of the newest event.
            message, author, when, force, sign, dry_run, push: see ``Registry``.

        Raises:
            ModelNotFoundError: there is no such model.
            ModelDeprecatedError: it is deprecated already, without ``force``.
            RevisionNotFoundError: there is no such commit.
        """
        check_model_name(model)
        sha = None if commit is None else self._resolve(commit)
        options = WriteOptions(message, author, when, force, sign, dry_run, push)
        return self._write(
            self._require_model(model),
            options,
            lambda context, request: [planning.deprecate(context, request, sha)],
        )

    def push(
        self, *tags: str | Event | Version, remote: str | RegistryView = "origin"
    ) -> SyncResult:
        """Push the tags of events to another repository; overwrite none.

        Args:
            tags: tag names, events or versions. Default: all events' tags. None is an error:
                ``event()`` returns it for a tag that does not exist.
            remote: the name of a remote, a URL, a path or another registry, such as one in memory.

        Returns:
            The tags that were pushed, those that the remote had, and those that differ there.

        Raises:
            InvalidArgumentError: one of ``tags`` does not name a tag; nothing was pushed.
            TagNotFoundError: there is no such tag; nothing was pushed.
            RepositoryNotFoundError: there is no such remote.
            PushRejectedError: the remote rejected a tag.
            RemoteError, AuthenticationError: the remote cannot be used.
        """
        refs = self._refs(tags, event_only=True) if tags else self._event_refs()
        with closing(self._connect(remote)) as connected:
            return sync.push(connected, refs)

    def fetch(self, remote: str | RegistryView = "origin") -> SyncResult:
        """Fetch the tags of events from another repository; overwrite none.

        Args:
            remote: the name of a remote, a URL, a path or another registry, such as one in memory.

        Returns:
            The tags that were fetched, those that existed, and those that differ.

        Raises:
            RepositoryNotFoundError: there is no such remote.
            RemoteError, AuthenticationError: the remote cannot be used.
        """
        with closing(self._connect(remote)) as connected:
            return sync.fetch(connected, self._store)

    def delete_tags(
        self,
        *tags: str | Event | Version,
        dry_run: bool = False,
        push: bool | str | RegistryView = False,
    ) -> dict[str, str]:
        """Delete the tags of events, which removes them from the history.

        ``deregister`` and ``unassign`` end a version or an assignment and keep the history.

        Args:
            tags: tag names, full refs, events or versions.
            dry_run: return the tags that would be deleted, and delete nothing.
            push: delete the tags from a remote first: True for ``origin``, or the name of a remote,
                a URL, a path or another registry. Tags that it does not have are ignored.

        Returns:
            The object ids of the deleted tags, by name. ``git update-ref`` can restore a tag from
            it until ``git gc`` prunes the object.

        Raises:
            TagNotFoundError: there is no such tag; nothing was deleted.
            InvalidTagNameError: a tag is not an event's; nothing was deleted.
            WriteConflictError: a tag changed concurrently, or differs at the remote; nothing was
                deleted.
            PushRejectedError: the remote rejected a deletion; nothing was deleted.
            PartlyDeletedError: with ``push``, tags were deleted at the remote, but not all of
                them, or not locally.
            RepositoryNotFoundError: there is no such remote.
            RemoteError, AuthenticationError: the remote cannot be used.
        """
        refs = self._refs(tags, event_only=True)
        check_flag("dry_run", dry_run)
        remote = _remote_of(push=push)
        if remote is self:
            raise InvalidArgumentError(
                f"push= names this registry itself, {remote!r}; pass the remote",
                argument="push",
                value=remote,
            )
        if remote is not None:
            with closing(self._connect(remote)) as connected:
                if refs and not dry_run:
                    sync.delete(connected, self._store, refs)
        elif not dry_run:
            self._store.delete(refs)
        for ref in () if dry_run else refs:
            _LOG.info("deleted the tag %r, %s in %r", ref.name, ref.id, self._store.location)
        return {ref.name: ref.id for ref in refs}

    def verify(self, tag: str | Event | Version) -> Signature:
        """Verify the signature of a tag with the keys that Git is configured to trust.

        In notebooks, the version is displayed with the result from then on.

        Args:
            tag: a tag name, full ref, event or version.

        Returns:
            The signer and the status of the signature; it is true if the signature is good.

        Raises:
            TagNotFoundError: there is no such tag.
            SigningError: the program that verifies signatures cannot be run.
            DubiousOwnershipError: another user owns the repository.
            ConfigurationError: Git's configuration is invalid.
        """
        (ref,) = self._refs([tag])
        found = self._snapshots.signatures[ref.id] = self._store.verify_signature(ref)
        return found

    def form(self) -> RegistryForm:
        """Return a form for notebooks to write events (extra ``notebook``).

        It registers and deregisters versions, and assigns and unassigns stages; ``push()`` sends
        the tags from a clone to its remote. Nothing is written before the button is clicked; an
        error is shown at the field with the wrong value. In a local repository, rules are called
        while the user types; at a URL, when the button is clicked.

        Raises:
            MissingExtraError: ipywidgets is not installed.
        """
        try:
            from modelversions.display.form.registry_form import RegistryForm
        except ImportError as error:
            raise MissingExtraError(
                "form() needs the 'notebook' extra: pip install 'modelversions[notebook]'",
                extra="notebook",
            ) from error
        store = self._store
        return RegistryForm(self, is_local=store.is_local, is_shallow=store.is_shallow)

    def _connect(self, remote: object) -> Remote:
        from modelversions.git.exchange import connect  # importing clients takes time

        other = remote._store if isinstance(remote, Registry) else remote  # noqa: SLF001  # its class
        return connect(self._store, other)

    def _write(self, model: str, options: WriteOptions, plan: Planner) -> Event:
        """Plan and write events, and push them if requested; return the last one.

        Raises:
            RemoteAheadError: the remote has events of the model that were not fetched.
            NotPushedError: the tags were created and could not be pushed.
        """
        remote = _remote_of(push=options.push)
        if remote is None:
            with self._shallow_hint():
                return self._writer.write(model, options, plan)[-1]
        with closing(self._connect(remote)) as connected:
            sync.check_fetched(connected, self._store, model)
            with self._shallow_hint():
                events = self._writer.write(model, options, plan)
            if not options.dry_run:
                refs = self._event_refs(prefixes_of(model))
                sync.push_written(connected, refs, [event.tag for event in events])
        return events[-1]

    def _event_refs(self, prefixes: Sequence[str] = ("",)) -> list[TagRef]:
        """List the tags of events whose names begin with one of ``prefixes``."""
        refs = [ref for ref in self._store.tags(prefixes) if TagName.try_parse(ref.name)]
        return [ref for ref, commit in zip(refs, self._store.peel(refs)) if commit is not None]

    def _check_complete(self, model: str, push: object) -> None:
        """Check that the next version of a model can be computed in a shallow clone.

        Raises:
            ModelNotFoundError: the clone is shallow, has no tag of the model, and ``push`` is not
                given.
        """
        if self._fetch_hint and not push and model not in self:
            raise ModelNotFoundError(
                f"the next version of {model!r} is not known{self._fetch_hint}; if the model is "
                "new, pass the version, or push=True",
                model=model,
            )

    def _require_model(self, model: str) -> str:
        """Return the name of a model, or raise an error if it does not exist."""
        return self[model].name


def _checked_rules(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    found = tuple(rules) if isinstance(rules, Iterable) else (rules,)
    for rule in found:
        if rule in FACTORIES:
            name = name_of(rule)
            raise InvalidArgumentError(
                f"{name} returns a rule, and must be called: pass rules=[{name}(...)]",
                argument="rules",
                value=rule,
            )
        if not callable(rule):
            raise InvalidArgumentError(
                f"a rule must be a callable, not {rule!r}; see modelversions.rules",
                argument="rules",
                value=rule,
            )
    return found


def _remote_options(
    credentials: Credentials | None,
    progress: Progress | bool | None,  # noqa: FBT001  # as in open()
    timeout: float | None,
    commit_url: CommitUrl | None,
) -> RemoteOptions:
    """Validate the options; a value that may be a secret is not shown."""
    if credentials is not None and not callable(credentials):
        raise InvalidArgumentError(
            f"credentials must be a callable, not a {type(credentials).__name__}; "
            "modelversions.credentials has some, such as token_from_env('NAME')",
            argument="credentials",
            value=None,
        )
    report = check_progress(progress, "Registry.open")
    if timeout is not None and not is_seconds(timeout):
        raise InvalidArgumentError(
            f"timeout must be a number of seconds above 0, or None, not {timeout!r}",
            argument="timeout",
            value=timeout,
        )
    return RemoteOptions(credentials, report, timeout, check_commit_url(commit_url))


def _remote_of(*, push: object) -> object | None:
    """Return the remote to push to, if any; an empty registry is false, but it is one."""
    if isinstance(push, RegistryView):
        return push
    return "origin" if push is True else push or None


def _semver(model: str, version: VersionName) -> SemVer:
    """Return the version that an argument names.

    Raises:
        InvalidVersionError: it is not a version name.
        InvalidArgumentError: it is a version of another model, or a bare commit.
    """
    if isinstance(version, SemVer):
        return version
    if not isinstance(version, Version):
        _check_not_keyword(model, version)
        return SemVer.parse(version)
    if version.model != model:
        raise InvalidArgumentError(
            f"{str(version)!r} is not a version of model {model!r}; pass one of its versions",
            argument="version",
            value=version,
        )
    if version.semver is None:
        raise InvalidArgumentError(
            f"{str(version)!r} is a commit without a version; pass commit={version.commit!r}",
            argument="version",
            value=version,
        )
    return version.semver


def _check_not_keyword(model: str, version: object) -> None:
    """Check that the version is not ``latest``, ``greatest`` or a word for a bump.

    Raises:
        InvalidVersionError: it is one of these.
    """
    if version in LEVELS:
        reason = f"for the next version, call register({model!r}, bump={version!r})"
    elif version in ("latest", "greatest"):
        reason = f"pass the version, such as registry.resolve('{model}@latest')"
    else:
        return
    raise InvalidVersionError(
        f"{version!r} is not a version name: {reason}", text=str(version), reason=reason
    )


def _stage_and_version(
    model: str, stage: str | None, version: VersionName | None
) -> tuple[str, SemVer | None]:
    """Return a valid stage and version; if only one is given, the version is checked first."""
    if stage is None and version is not None:
        _check_not_stage(version)
        _semver(model, version)
    name = check_new_stage(stage)
    return name, None if version is None else _semver(model, version)


def _check_not_stage(version: object) -> None:
    """Check that the version, given without a stage, is not the name of a stage.

    Raises:
        InvalidVersionError: it is one.
    """
    if isinstance(version, str) and version.isalpha() and is_stage_name(version):
        reason = f"for the stage of that name, write stage={version!r}"
        raise InvalidVersionError(
            f"{version!r} is not a version name: {reason}", text=version, reason=reason
        )


def _check_version_or_commit(version: object, commit: object) -> None:
    if (version is None) == (commit is None):
        both = "" if version is None else f", not version={version!r} and commit={commit!r}"
        raise InvalidArgumentError(
            f"pass either a version or a commit{both}",
            argument="commit",
            value=commit,
        )


def _check_rules(store: Store, settings: ViewSettings, rules: Sequence[Rule], event: Event) -> None:
    """Check an event that is to be written.

    Raises:
        RuleViolationError: a rule refuses it.
    """
    before = RegistryView(store, **settings)
    for rule in rules:
        reason = rule(event, before)
        name = name_of(rule)
        if not isinstance(reason, (str, type(None))):
            raise InvalidArgumentError(
                f"the rule {name} returned {reason!r}; a rule returns None to accept an event, "
                "or the reason to refuse it, as text",
                argument="rules",
                value=reason,
            )
        if reason is not None:
            raise RuleViolationError(
                f"the rule {name} refuses {event.tag!r}: {reason}; nothing was written",
                model=event.model,
                rule=name,
                reason=reason,
                tag=event.tag,
            )
