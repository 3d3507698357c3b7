"""``Registry``: the live door to the models of one repository, to look at and to write."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from modelversions import planning
from modelversions.config import check_allowed, check_stages
from modelversions.errors import InvalidArgumentError, RepositoryNotFoundError
from modelversions.events import Event
from modelversions.identity import Identity
from modelversions.model import Version
from modelversions.semver import SemVer
from modelversions.stores.base import Signature, Store
from modelversions.tags import check_model_name, check_new_stage
from modelversions.view import Revision, View
from modelversions.writing import Options, Writer

if TYPE_CHECKING:
    from dulwich.repo import MemoryRepo, Repo

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


class Registry(View):
    """A registry to look at and to write.

    Every verb is all or nothing: it returns the event that it wrote, or raises and has changed
    nothing. The verbs share their keyword arguments:

    - ``message``: the tag's message, cleaned up as ``git tag`` does, so that lines which begin
      with ``#`` go; GTO's own if left out.
    - ``author``: who does it; the identity that Git is configured with if left out.
    - ``when``: an aware datetime; now if left out, or a second past what the write must supersede
      (F14), so that it takes effect on any clock.
    - ``force``: write what would be refused as pointless, not allowed, or too much for GTO.
    - ``sign``: True, False or a key; as Git's configuration says if left out.
    - ``dry_run``: return the event that would be written, and write nothing.

    Besides the errors that each verb names, all raise ``InvalidNameError`` and
    ``InvalidVersionError`` for names, ``IdentityError`` where there is no author,
    ``InvalidArgumentError`` for a message or time of no use, ``NoEffectError`` for a ``when`` that
    would not supersede, ``ObjectMissingError`` where a tag that matters cannot be read,
    ``WriteConflictError`` where Git cannot create the tag, and ``SigningError``. A tag dated more
    than a minute ahead of this clock gives a ``ClockSkewWarning``.
    """

    @classmethod
    def open(
        cls, path: str | os.PathLike[str] = ".", *, stages: Iterable[str] | None = None
    ) -> Registry:
        """Open the registry of the repository that holds a folder.

        Args:
            path: a folder in a repository, a bare repository, a linked worktree.
            stages: the stages that may be assigned; what the ``.gto`` file says if left out.

        Raises:
            RepositoryNotFoundError: there is none.
            RepositoryError: there is one that cannot be read.
        """
        from modelversions.stores.local import LocalStore  # dulwich costs time to import

        if isinstance(path, str) and _URL.match(path):
            raise RepositoryNotFoundError(
                f"{path!r} is a URL; give the path of a repository on this machine", location=path
            )
        return cls(LocalStore.open(path), stages=stages)

    @classmethod
    def from_repo(cls, repo: Repo | MemoryRepo, *, stages: Iterable[str] | None = None) -> Registry:
        """Look at a repository that dulwich has opened, on disk or in memory; it stays yours."""
        from modelversions.stores.local import LocalStore

        return cls(LocalStore(repo, getattr(repo, "path", "memory")), stages=stages)

    def __init__(self, store: Store, *, stages: Iterable[str] | None = None) -> None:
        """Look at a store; ``Registry.open`` and ``Registry.from_repo`` make one."""
        super().__init__(store, stages=None if stages is None else check_stages(stages))
        self._writer = Writer(store, self._pictures)

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
        version: str | SemVer | None = None,
        *,
        bump: str | None = None,
        commit: Revision = "HEAD",
        message: str | None = None,
        author: Identity | None = None,
        when: datetime | None = None,
        force: bool = False,
        sign: bool | str | None = None,
        dry_run: bool = False,
    ) -> Event:
        """Register a version of a model; one that was deregistered can be registered again.

        Args:
            model: the model's name; it need not exist yet.
            version: the version's name, such as ``"v1.2.0"``. If left out, the next one after the
                greatest that was ever registered, so that no number is handed out twice; the
                first is ``v0.0.1``.
            bump: which number to count up for that: ``"major"``, ``"minor"`` or ``"patch"``.
            commit: a revision, as Git takes it.
            message, author, when, force, sign, dry_run: see ``Registry``.

        Raises:
            VersionExistsError: the version is registered already.
            CommitTakenError: another version is active at the commit, and ``force`` is not given.
            RevisionNotFoundError: there is no such commit.
        """
        check_model_name(model)
        semver = None if version is None else _semver(version)
        if bump is not None:
            SemVer(0, 0, 0).bump(bump)  # refuse a level that there is not, even for the first
            if semver is not None:
                raise InvalidArgumentError(
                    f"give either a version or a bump, not {str(semver)!r} and {bump!r}",
                    argument="bump",
                    value=bump,
                )
        sha = self._resolve(commit)
        options = Options(message, author, when, force, sign, dry_run)
        return self._writer.write(
            model,
            options,
            lambda now, intent: [
                planning.register(now, intent, version=semver, bump=bump, commit=sha)
            ],
        )

    def deregister(
        self,
        model: str,
        version: str | SemVer,
        *,
        message: str | None = None,
        author: Identity | None = None,
        when: datetime | None = None,
        force: bool = False,
        sign: bool | str | None = None,
        dry_run: bool = False,
    ) -> Event:
        """Deregister a version: it stays in the history, and loses its stages.

        Args:
            version: the version's name.
            message, author, when, force, sign, dry_run: see ``Registry``.

        Raises:
            ModelNotFoundError: there is no such model.
            VersionNotFoundError: it was never registered, or was deregistered already.
        """
        semver = _semver(version)
        options = Options(message, author, when, force, sign, dry_run)
        return self._writer.write(
            self._known(model),
            options,
            lambda now, intent: [planning.deregister(now, intent, semver)],
        )

    def assign(
        self,
        model: str,
        version: str | SemVer | None = None,
        stage: str = "",
        *,
        commit: Revision | None = None,
        register: bool = False,
        message: str | None = None,
        author: Identity | None = None,
        when: datetime | None = None,
        force: bool = False,
        sign: bool | str | None = None,
        dry_run: bool = False,
    ) -> Event:
        """Assign a stage to a version, or to a commit: to the version there, or the bare commit.

        Args:
            version: the version's name; or give ``commit``.
            stage: the stage's name, such as ``"prod"``.
            commit: a revision, in place of the version.
            register: register the version first if it is not: at ``commit``, or HEAD; the next
                version if none is named. Author and message are the registration's too.
            message, author, when, force, sign, dry_run: see ``Registry``.

        Raises:
            ModelNotFoundError: there is no such model, and neither ``register`` nor ``force``.
            VersionNotFoundError: the version is not registered, or no longer.
            StageHeldError: it holds the stage already, and ``force`` is not given.
            StageNotAllowedError: the registry allows other stages, and ``force`` is not given.
            ConfigurationError, MissingExtraError: what it allows cannot be read.
            RevisionNotFoundError: there is no such commit.
        """
        check_model_name(model)
        check_new_stage(stage)
        semver = None if version is None else _semver(version)
        if not register:
            _check_one(version, commit)
        if not force:
            check_allowed(model, stage, self._allowed())
        sha = self._resolve(commit or "HEAD") if register or commit else ""
        if not register and not (force and semver is None):
            self._known(model)
        options = Options(message, author, when, force, sign, dry_run)
        plan = planning.register_and_assign if register else planning.assign
        return self._writer.write(
            model,
            options,
            lambda now, intent: plan(now, intent, stage, version=semver, commit=sha),
        )

    def unassign(
        self,
        model: str,
        version: str | SemVer | None = None,
        stage: str = "",
        *,
        commit: Revision | None = None,
        message: str | None = None,
        author: Identity | None = None,
        when: datetime | None = None,
        force: bool = False,
        sign: bool | str | None = None,
        dry_run: bool = False,
    ) -> Event:
        """Take a stage from a version, or from what holds it at a commit.

        The stage falls back to the version that held it before, if that is still in force (F17).

        Args:
            version: the version's name; or give ``commit``.
            stage: the stage's name.
            commit: a revision, in place of the version.
            message, author, when, force, sign, dry_run: see ``Registry``.

        Raises:
            ModelNotFoundError: there is no such model.
            VersionNotFoundError: the version is not registered, or no longer.
            StageNotHeldError: it is not in the stage, and ``force`` is not given.
            RevisionNotFoundError: there is no such commit.
        """
        check_new_stage(stage)
        semver = None if version is None else _semver(version)
        _check_one(version, commit)
        sha = self._resolve(commit) if commit else ""
        options = Options(message, author, when, force, sign, dry_run)
        return self._writer.write(
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
    ) -> Event:
        """Deprecate a model, at the commit of its newest event; any later event revives it (F19).

        Args:
            message, author, when, force, sign, dry_run: see ``Registry``.

        Raises:
            ModelNotFoundError: there is no such model.
            ModelDeprecatedError: it is deprecated already, and ``force`` is not given.
        """
        options = Options(message, author, when, force, sign, dry_run)
        return self._writer.write(
            self._known(model), options, lambda now, intent: [planning.deprecate(now, intent)]
        )

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
        return self._store.signature(self._ref(tag))

    def _known(self, model: str) -> str:
        """Return the name of a model that there is, or raise."""
        return self[model].name


def _semver(version: str | SemVer) -> SemVer:
    return version if isinstance(version, SemVer) else SemVer.parse(version)


def _check_one(version: object, commit: object) -> None:
    if (version is None) == (commit is None):
        raise InvalidArgumentError(
            f"give either a version or a commit, not version={version!r} and commit={commit!r}",
            argument="commit",
            value=commit,
        )
