"""``Registry``: the live door to the models of one repository, here or on a server."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict, overload

from modelversions.errors import InvalidArgumentError
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
from modelversions.registry_view import RegistryView, Revision
from modelversions.values.event import Event
from modelversions.values.identity import Identity
from modelversions.values.semver import SemVer
from modelversions.values.tag_name import TagName, check_model_name, check_new_stage
from modelversions.write import plan as planning
from modelversions.write.allowed_stages import check_allowed, check_stages
from modelversions.write.writer import Planner, WriteOptions, Writer

if TYPE_CHECKING:
    from dulwich.repo import MemoryRepo, Repo
    from typing_extensions import Unpack

VersionName = str | SemVer | Version
"""What names a version of a model."""


class VerbOptions(TypedDict, total=False):
    """The keyword arguments that all verbs share: see ``Registry``."""

    message: str | None
    author: Identity | None
    when: datetime | None
    force: bool
    sign: bool | str | None
    dry_run: bool
    push: bool | str


class Registry(RegistryView):
    """A registry to look at and to write.

    Every verb is all or nothing: it returns the event that it wrote, or raises and has changed
    nothing. (Only where a server's answer is lost on the way nobody can tell; the error says so.)
    The verbs share their keyword arguments:

    - ``message``: the tag's message, cleaned up as ``git tag`` does, so that lines which begin
      with ``#`` go; GTO's own if left out.
    - ``author``: who does it; the identity that Git is configured with if left out.
    - ``when``: an aware datetime; now if left out, or a second past what the write must supersede
      (F14), so that it takes effect on any clock.
    - ``force``: write what would be refused as pointless, not allowed, or too much for GTO.
    - ``sign``: True, False or a key; as Git's configuration says if left out.
    - ``dry_run``: return the event that would be written, and write nothing.
    - ``push``: push the tag once it is written here: True for the remote ``origin``, or a remote's
      name, a URL or a path. At a URL each verb writes on the server, and there is no more to push.

    Besides the errors that each verb names, all raise ``InvalidNameError`` and
    ``InvalidVersionError`` for names, ``IdentityError`` where there is no author,
    ``InvalidArgumentError`` for a message or time of no use, ``NoEffectError`` for a ``when`` that
    would not supersede, ``ObjectMissingError`` where a tag that matters cannot be read,
    ``WriteConflictError`` where Git cannot create the tag (``PushRejectedError`` where a server
    refuses it), ``NotPushedError`` where the tag was written and could not be pushed, and
    ``SigningError``. A tag dated more than a minute ahead of this clock gives a
    ``ClockSkewWarning``.
    """

    def __init__(self, store: Store, *, stages: Iterable[str] | None = None) -> None:
        """Look at a store; ``Registry.open`` and ``Registry.from_repo`` make one."""
        if isinstance(store, (str, os.PathLike)):
            raise InvalidArgumentError(
                f"Registry takes no path or URL; call Registry.open({os.fspath(store)!r})",
                argument="store",
                value=store,
            )
        super().__init__(store, stages=None if stages is None else check_stages(stages, "stages="))
        self._writer = Writer(store, self._snapshots)

    @classmethod
    def open(
        cls,
        location: str | os.PathLike[str] = ".",
        *,
        stages: Iterable[str] | None = None,
        credentials: Credentials | None = None,
        progress: Progress | None = None,
        timeout: float | None = 60.0,
    ) -> Registry:
        """Open the registry of the repository that holds a folder, or that is at a URL.

        Args:
            location: a folder in a repository, a bare repository, a linked worktree. It is found as
                Git finds it, by ``GIT_CEILING_DIRECTORIES`` and, for the current folder, by
                ``GIT_DIR``. Or a URL:
                ``https://``, ``http://``, ``ssh://``, ``git://``, ``file://`` or
                ``user@host:path``. Nothing is sent to a server before the first look, and nothing
                of it is kept on disk.
            stages: the stages that may be assigned; what the ``.gto`` file says if left out.
            credentials: is asked, with the URL and the user's name in it, for a name and a
                password when a server wants them; ``modelversions.credentials`` has some ready.
            progress: is called with what is done, the total or None, and what it is about, while
                a server is read or written.
            timeout: how many seconds a server may be silent; None for as long as it likes.

        Raises:
            RepositoryNotFoundError: there is none; of a server that is known at the first look.
            RepositoryError: there is one that cannot be read.
        """
        options = _remote_options(credentials, progress, timeout)
        from modelversions.git.open import open_store  # dulwich costs time to import

        return cls(open_store(location, options), stages=stages)

    @classmethod
    def from_repo(cls, repo: Repo | MemoryRepo, *, stages: Iterable[str] | None = None) -> Registry:
        """Look at a repository that dulwich has opened, on disk or in memory; it stays yours."""
        from modelversions.git.local.local_store import LocalStore

        return cls(LocalStore(repo, getattr(repo, "path", "memory")), stages=stages)

    def close(self) -> None:
        """Close the files that were opened here; optional, and nothing is lost by it."""
        self._store.close()

    def __enter__(self) -> Registry:
        """Return the registry; the block's end closes it."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close it."""
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
        push: bool | str = False,
    ) -> Event:
        """Register a version of a model; one that was deregistered can be registered again.

        Args:
            model: the model's name; it need not exist yet.
            version: the version's name, such as ``"v1.2.0"``. If left out, the next one after the
                greatest that was ever registered, so that no number is handed out twice; the
                first is ``v0.0.1``.
            bump: which number to count up for that: ``"major"``, ``"minor"`` or ``"patch"``.
            commit: a revision, as Git takes it.
            message, author, when, force, sign, dry_run, push: see ``Registry``.

        Raises:
            VersionExistsError: the version is registered already.
            CommitTakenError: another version was ever registered at the commit, and ``force`` is
                not given (F12a).
            RevisionNotFoundError: there is no such commit.
        """
        check_model_name(model)
        semver = None if version is None else _semver(model, version)
        if bump is not None:
            SemVer(0, 0, 0).bump(bump)  # refuse a level that there is not, even for the first
            if semver is not None:
                raise InvalidArgumentError(
                    f"give either a version or a bump, not {str(semver)!r} and {bump!r}",
                    argument="bump",
                    value=bump,
                )
        sha = self._resolve(commit)
        options = WriteOptions(message, author, when, force, sign, dry_run, push)
        return self._write(
            model,
            options,
            lambda now, intent: [
                planning.register(now, intent, version=semver, bump=bump, commit=sha)
            ],
        )

    def deregister(
        self,
        model: str,
        version: VersionName,
        *,
        message: str | None = None,
        author: Identity | None = None,
        when: datetime | None = None,
        force: bool = False,
        sign: bool | str | None = None,
        dry_run: bool = False,
        push: bool | str = False,
    ) -> Event:
        """Deregister a version: it stays in the history, and loses its stages.

        Args:
            version: the version's name.
            message, author, when, force, sign, dry_run, push: see ``Registry``.

        Raises:
            ModelNotFoundError: there is no such model.
            VersionNotFoundError: it was never registered, or was deregistered already.
        """
        semver = _semver(model, version)
        options = WriteOptions(message, author, when, force, sign, dry_run, push)
        return self._write(
            self._known(model),
            options,
            lambda now, intent: [planning.deregister(now, intent, semver)],
        )

    @overload
    def assign(
        self,
        model: str,
        version: VersionName | None,
        stage: str,
        *,
        commit: Revision | None = None,
        register: bool = False,
        **options: Unpack[VerbOptions],
    ) -> Event: ...

    @overload
    def assign(
        self,
        model: str,
        *,
        stage: str,
        commit: Revision | None = None,
        register: bool = False,
        **options: Unpack[VerbOptions],
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
        push: bool | str = False,
    ) -> Event:
        """Assign a stage to a version, or to a commit: to the version there, or the bare commit.

        Args:
            version: the version's name; or give ``commit``.
            stage: the stage's name, such as ``"prod"``.
            commit: a revision, in place of the version.
            register: register the version first if it is not: at ``commit``, or HEAD; the next
                version if none is named. Author and message are the registration's too.
            message, author, when, force, sign, dry_run, push: see ``Registry``.

        Raises:
            ModelNotFoundError: there is no such model, and neither ``register`` nor ``force``.
            VersionNotFoundError: the version is not registered, or no longer.
            VersionExistsError: with ``register``, it is registered at another commit than
                ``commit``.
            StageHeldError: it holds the stage already, and ``force`` is not given.
            StageNotAllowedError: the registry allows other stages, and ``force`` is not given.
            ConfigurationError, MissingExtraError: what it allows cannot be read.
            RevisionNotFoundError: there is no such commit.
        """
        check_model_name(model)
        stage = check_new_stage(stage)
        semver = None if version is None else _semver(model, version)
        if not register:
            _check_one(version, commit)
        if not force:
            check_allowed(model, stage, self.allowed_stages())
        named = commit is not None
        sha = self._resolve("HEAD" if commit is None else commit) if register or named else ""
        if not register and not (force and semver is None):
            self._known(model)
        options = WriteOptions(message, author, when, force, sign, dry_run, push)
        if not register:
            return self._write(
                model,
                options,
                lambda now, intent: planning.assign(now, intent, stage, version=semver, commit=sha),
            )
        return self._write(
            model,
            options,
            lambda now, intent: planning.register_and_assign(
                now, intent, stage, version=semver, commit=sha, at_commit=named
            ),
        )

    @overload
    def unassign(
        self,
        model: str,
        version: VersionName,
        stage: str,
        **options: Unpack[VerbOptions],
    ) -> Event: ...

    @overload
    def unassign(
        self,
        model: str,
        *,
        stage: str,
        commit: Revision,
        **options: Unpack[VerbOptions],
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
        push: bool | str = False,
    ) -> Event:
        """Take a stage from a version, or from what holds it at a commit.

        The stage falls back to the version that held it before, if that is still in force (F17).

        Args:
            version: the version's name; or give ``commit``.
            stage: the stage's name.
            commit: a revision, in place of the version.
            message, author, when, force, sign, dry_run, push: see ``Registry``.

        Raises:
            ModelNotFoundError: there is no such model.
            VersionNotFoundError: the version is not registered, or no longer.
            StageNotHeldError: it is not in the stage, and ``force`` is not given.
            RevisionNotFoundError: there is no such commit.
        """
        stage = check_new_stage(stage)
        semver = None if version is None else _semver(model, version)
        _check_one(version, commit)
        sha = "" if commit is None else self._resolve(commit)
        options = WriteOptions(message, author, when, force, sign, dry_run, push)
        return self._write(
            self._known(model),
            options,
            lambda now, intent: [planning.unassign(now, intent, stage, version=semver, commit=sha)],
        )

    def deprecate(
        self,
        model: str,
        *,
        message: str | None = None,
        author: Identity | None = None,
        when: datetime | None = None,
        force: bool = False,
        sign: bool | str | None = None,
        dry_run: bool = False,
        push: bool | str = False,
    ) -> Event:
        """Deprecate a model, at the commit of its newest event; any later event revives it (F19).

        Args:
            message, author, when, force, sign, dry_run, push: see ``Registry``.

        Raises:
            ModelNotFoundError: there is no such model.
            ModelDeprecatedError: it is deprecated already, and ``force`` is not given.
        """
        options = WriteOptions(message, author, when, force, sign, dry_run, push)
        return self._write(
            self._known(model), options, lambda now, intent: [planning.deprecate(now, intent)]
        )

    def push(self, *tags: str | Event | Version, remote: str = "origin") -> SyncResult:
        """Push tags of events to another repository; none that is there is overwritten.

        Args:
            tags: which, by name, or as the events and versions themselves; all that the remote
                lacks if none is given. None is no tag: ``Registry.event`` returns it for a name
                that is no event's.
            remote: the name of a remote, a URL or a path.

        Returns:
            What was pushed, what was there already, and what is something else there.

        Raises:
            InvalidArgumentError: one is None, or nothing else that names a tag; none was pushed.
            TagNotFoundError: there is no such tag here; none was pushed.
            RepositoryNotFoundError: there is no such remote.
            PushRejectedError: it refused a tag, with its own words.
            RemoteError, AuthenticationError: it cannot be used.
        """
        refs = [self._ref(tag, event_only=True) for tag in tags] if tags else self._events()
        with closing(self._connect(remote)) as exchange:
            return sync.push(exchange, refs)

    def fetch(self, *, remote: str = "origin") -> SyncResult:
        """Fetch the tags of events that another repository has; none that is here is overwritten.

        Args:
            remote: the name of a remote, a URL or a path.

        Returns:
            What was fetched, what was here already, and what is something else here.

        Raises:
            RepositoryNotFoundError: there is no such remote.
            RemoteError, AuthenticationError: it cannot be used.
        """
        with closing(self._connect(remote)) as exchange:
            return sync.fetch(exchange, self._store)

    def delete_tags(self, *tags: str | Event | Version, dry_run: bool = False) -> dict[str, str]:
        """Delete tags: what they said is gone, with no trace that it ever was.

        To end a version or a stage, ``deregister`` and ``unassign`` keep the history instead.

        Args:
            tags: events' tags, by name or full ref, or as the events and versions themselves.
            dry_run: return what would be deleted, and delete nothing.

        Returns:
            What was deleted: the tags' names, and the ids of their objects, from which
            ``git update-ref`` brings them back until Git collects its garbage.

        Raises:
            TagNotFoundError: there is no such tag; none was deleted.
            InvalidTagNameError: it is not an event's tag, and for Git to delete.
            WriteConflictError: somebody changed one meanwhile; none was deleted.
        """
        refs = [self._ref(tag, event_only=True) for tag in tags]
        if not dry_run:
            self._store.delete(refs)
        return {ref.name: ref.id for ref in refs}

    def verify(self, tag: str | Event | Version) -> Signature:
        """Check who signed a tag, by the keys that Git is configured to trust.

        Args:
            tag: a tag's name or full ref, an event or a version.

        Returns:
            The signer, and whether the signature holds; true exactly where it does.

        Raises:
            TagNotFoundError: there is no such tag.
            SigningError: the program that checks signatures is not there.
        """
        return self._store.verify_signature(self._ref(tag))

    def _connect(self, remote: str) -> Remote:
        from modelversions.git.exchange import connect  # clients cost time to import

        return connect(self._store, remote)

    def _write(self, model: str, options: WriteOptions, plan: Planner) -> Event:
        """Write what a plan says, and push it if that is wanted; return the last event.

        Raises:
            NotPushedError: the tags are written, and could not be pushed.
        """
        remote = "origin" if options.push is True else options.push
        if not remote:
            return self._writer.write(model, options, plan)[-1]
        with closing(self._connect(remote)) as exchange:
            events = self._writer.write(model, options, plan)
            if not options.dry_run:
                sync.push_written(exchange, self._store, [event.tag for event in events])
        return events[-1]

    def _events(self) -> list[TagRef]:
        """List the tags that are events'."""
        refs = [ref for ref in self._store.tags() if TagName.try_parse(ref.name)]
        commits = self._store.peel(refs)
        return [ref for ref in refs if commits[ref.id] is not None]

    def _known(self, model: str) -> str:
        """Return the name of a model that there is, or raise."""
        return self[model].name


def _remote_options(
    credentials: Credentials | None, progress: Progress | None, timeout: float | None
) -> RemoteOptions:
    """Check what the caller chose; a secret in the wrong place is not repeated."""
    for name, value in (("credentials", credentials), ("progress", progress)):
        if value is not None and not callable(value):
            raise InvalidArgumentError(
                f"{name} must be a callable, not a {type(value).__name__}; see Registry.open",
                argument=name,
                value=None,
            )
    if timeout is not None and not (isinstance(timeout, (int, float)) and timeout > 0):
        raise InvalidArgumentError(
            f"timeout must be a number of seconds above 0, or None, not {timeout!r}",
            argument="timeout",
            value=timeout,
        )
    return RemoteOptions(credentials, progress, timeout)


def _semver(model: str, version: VersionName) -> SemVer:
    """Return the version that an argument names.

    Raises:
        InvalidVersionError: it is not a version name.
        InvalidArgumentError: it is a version of another model, or a bare commit.
    """
    if isinstance(version, SemVer):
        return version
    if not isinstance(version, Version):
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


def _check_one(version: object, commit: object) -> None:
    if (version is None) == (commit is None):
        raise InvalidArgumentError(
            f"give either a version or a commit, not version={version!r} and commit={commit!r}",
            argument="commit",
            value=commit,
        )
