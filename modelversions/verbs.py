"""``Verbs``: a view that writes; each verb is one call with one effect, or none."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime

from modelversions import planning
from modelversions.config import check_allowed, check_stages
from modelversions.errors import InvalidArgumentError
from modelversions.events import Event
from modelversions.identity import Identity
from modelversions.semver import SemVer
from modelversions.stores.base import Store
from modelversions.tags import check_model_name, check_new_stage
from modelversions.view import Revision, View
from modelversions.writing import Options, Writer


class Verbs(View):
    """The verbs of a registry; ``Registry`` says what they share."""

    def __init__(self, store: Store, *, stages: Iterable[str] | None = None) -> None:
        """Look at a store; ``Registry.open`` and ``Registry.from_repo`` make one."""
        if isinstance(store, (str, os.PathLike)):
            raise InvalidArgumentError(
                f"Registry takes no path or URL; call Registry.open({os.fspath(store)!r})",
                argument="store",
                value=store,
            )
        super().__init__(store, stages=None if stages is None else check_stages(stages, "stages="))
        self._writer = Writer(store, self._pictures)

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
        options = Options(message, author, when, force, sign, dry_run, push)
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
        semver = _semver(version)
        options = Options(message, author, when, force, sign, dry_run, push)
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
        check_new_stage(stage)
        semver = None if version is None else _semver(version)
        if not register:
            _check_one(version, commit)
        if not force:
            check_allowed(model, stage, self._allowed())
        named = commit is not None
        sha = self._resolve("HEAD" if commit is None else commit) if register or named else ""
        if not register and not (force and semver is None):
            self._known(model)
        options = Options(message, author, when, force, sign, dry_run, push)
        if not register:
            return self._writer.write(
                model,
                options,
                lambda now, intent: planning.assign(now, intent, stage, version=semver, commit=sha),
            )
        return self._writer.write(
            model,
            options,
            lambda now, intent: planning.register_and_assign(
                now, intent, stage, version=semver, commit=sha, at_commit=named
            ),
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
        check_new_stage(stage)
        semver = None if version is None else _semver(version)
        _check_one(version, commit)
        sha = "" if commit is None else self._resolve(commit)
        options = Options(message, author, when, force, sign, dry_run, push)
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
        push: bool | str = False,
    ) -> Event:
        """Deprecate a model, at the commit of its newest event; any later event revives it (F19).

        Args:
            message, author, when, force, sign, dry_run, push: see ``Registry``.

        Raises:
            ModelNotFoundError: there is no such model.
            ModelDeprecatedError: it is deprecated already, and ``force`` is not given.
        """
        options = Options(message, author, when, force, sign, dry_run, push)
        return self._writer.write(
            self._known(model), options, lambda now, intent: [planning.deprecate(now, intent)]
        )

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
