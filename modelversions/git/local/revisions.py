"""Resolve revisions such as ``HEAD~2``, branches, tags and short SHAs, as Git does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from dulwich.objects import ObjectID
from dulwich.refs import Ref
from dulwich.repo import MemoryRepo, Repo

from modelversions.errors import (
    AmbiguousRevisionError,
    NotACommitError,
    RepositoryError,
    RevisionNotFoundError,
)
from modelversions.git.local.replacements import Replacements
from modelversions.git.local.single_refs import lookup, read_reflog
from modelversions.git.objects.commits import Commits
from modelversions.git.objects.object_files import ObjectFiles
from modelversions.git.objects.pack_files import MAX_OBJECT
from modelversions.git.store import Commit, FileAt, sha_hint

_REVISION = re.compile(r"(?P<base>[^~^:]+)(?P<steps>(?:[~^][0-9]*|\^\{(?:commit)?\})*)", re.DOTALL)
_STEP = re.compile(r"([~^])([0-9]*)(?!\{)")
_OTHER_FORM = re.compile(r"^\^|^:|.:|\.\.|\^[{!@-]|@\{", re.DOTALL)
_LOGGED = re.compile(r"(?P<ref>.*)@\{(?P<back>[0-9]{1,9})\}", re.DOTALL)
_DESCRIBED = re.compile(r".+-g([0-9a-f]{4,64})", re.DOTALL)
_SHORT = re.compile(r"[0-9a-f]{4,63}")
_MAX_DIGITS = 9
"""The maximum number of digits of a number of generations."""
_RULES = (
    "{}",
    "refs/{}",
    "refs/tags/{}",
    "refs/heads/{}",
    "refs/remotes/{}",
    "refs/remotes/{}/HEAD",
)


class Revisions:
    """Finds the commits of one repository."""

    def __init__(
        self,
        repo: MemoryRepo | Repo,
        files: ObjectFiles,
        location: str,
        replacements: Replacements,
    ) -> None:
        """Initialize with a repository and its objects; ``location`` is for messages."""
        self._replacements = replacements
        self._repo = repo
        self._files = files
        self._location = location
        self._width = repo.object_format.oid_length
        self._commits = Commits(files, self._width, location)

    def resolve(self, revision: str) -> str:
        """Return the full id of the commit that ``revision`` names; tags are peeled.

        Raises:
            AmbiguousRevisionError: a short SHA matches several commits.
            NotACommitError: the revision names a tree or a blob.
            RevisionNotFoundError: there is no such object, or the form is not supported.
            RepositoryError: an object is missing.
        """
        match = _REVISION.fullmatch(revision)
        try:
            id = self._base(revision, match["base"]) if match else None
        except RepositoryError:
            raise
        except OSError as error:
            raise self._commits.unreadable(error) from error
        if match is None or id is None:
            raise self._not_found(revision)
        id = self._commits.peel(revision, id)
        for sign, digits in _STEP.findall(match["steps"]):
            if len(digits) > _MAX_DIGITS:
                raise self._not_found(revision)
            id = self._step(revision, id, sign, int(digits or 1))
        return id

    def walk(self, start: str) -> Iterator[Commit]:
        """Yield a commit and those of its ancestors that exist in the repository, newest first."""
        return self._commits.walk(start, self._boundaries())

    def file(self, commit: str, path: str) -> bytes | None:
        """Return the content of a file at a commit; None if there is no such file."""
        return self._commits.file(commit, path)

    def file_at(self, commit: str, path: str, *, bounded: bool) -> FileAt | None:
        """Return the entry at a path in a commit's files; None if there is none."""
        entry = self._commits.entry(commit, path)
        if entry is None:
            return None
        if entry.kind not in ("file", "symlink"):
            return FileAt(entry.kind, b"")
        limit = MAX_OBJECT if bounded else None
        return FileAt(entry.kind, self._commits.content(commit, entry, limit))

    def paths_at(self, commit: str, name: str) -> list[str]:
        """Return the paths of all files of one name in a commit's files, sorted."""
        return sorted(self._commits.paths(commit, name))

    def _base(self, revision: str, base: str) -> str | None:
        """Resolve the part before ``~`` and ``^``: a full SHA, a ref, or a short SHA."""
        digits = base.lower()
        log = _LOGGED.fullmatch(base)
        if log is not None:
            return self._logged(log["ref"], int(log["back"]))
        if self._files.fits(digits) and re.fullmatch("[0-9a-f]*", digits):
            return digits if self._files.type(digits) else None
        found = self._ref(base)
        if found is not None:
            return found[1]
        described = _DESCRIBED.fullmatch(base)
        digits = described[1] if described else digits
        if not _SHORT.fullmatch(digits):
            return None
        return self._short(revision, digits, described=described is not None)

    def _ref(self, base: str) -> tuple[Ref, str] | None:
        """Return the full name and the object of a ref, given its short name."""
        for rule in _RULES:
            full = rule.format("HEAD" if base == "@" else base)
            name = Ref(full.encode(errors="replace"))
            id = lookup(self._repo.refs, name)
            if id is not None:
                return name, id.decode("ascii")
        return None

    def _logged(self, base: str, back: int) -> str | None:
        """Return the object of a reflog entry of a ref, by default of the current branch."""
        found = self._ref(base or "HEAD")
        if found is None or not isinstance(self._repo, Repo):
            return None
        if not base and not back:
            return found[1]
        values = read_reflog(self._repo, found[0] if base else Ref(b""))
        return values[-1 - back] if back < len(values) else None

    def _short(self, revision: str, prefix: str, *, described: bool) -> str | None:
        """Return the object of a short SHA.

        As in Git, if several objects match, the only one that is a commit or a tag of a commit is
        used; in the output of ``git describe``, the only commit.
        """
        found = sorted(self._files.with_prefix(prefix) or self._files.with_prefix(prefix))
        if len(found) < 2:  # noqa: PLR2004  # not ambiguous
            return next(iter(found), None)
        kinds = ("commit",) if described else ("commit", "tag")
        matching = [
            id for id in found if self._files.type(id) in kinds and self._leads_to_commit(id)
        ]
        if len(matching) == 1:
            return matching[0]
        candidates = matching or found
        what = "objects" if {self._files.type(id) for id in candidates} != {"commit"} else "commits"
        raise AmbiguousRevisionError(
            f"the short SHA {revision!r} matches {len(candidates)} {what}, "
            f"{', '.join(sha[: len(prefix) + 4] for sha in candidates[:5])}; pass more digits",
            revision=revision,
            candidates=tuple(candidates),
        )

    def _leads_to_commit(self, id: str) -> bool:
        try:
            self._commits.peel(id, id)
        except (NotACommitError, RepositoryError):
            return False
        return True

    def _step(self, revision: str, id: str, sign: str, number: int) -> str:
        """Return the parent or ancestor of a commit for one ``^`` or ``~``."""
        boundaries = self._boundaries()
        for _ in range(number if sign == "~" else min(number, 1)):
            found = self._commits.parents(id, boundaries)
            index = 0 if sign == "~" else number - 1
            if index >= len(found):
                raise self._not_found(revision)
            id = self._commits.peel(revision, found[index])
        return id

    def _boundaries(self) -> Mapping[str, Sequence[str]]:
        """Return the parents of commits that are replaced by grafts or a shallow clone."""
        try:
            shallow = {ObjectID(id).decode("ascii") for id in self._repo.get_shallow()}
        except Exception as error:
            raise self._commits.unreadable(error) from error
        return {**self._replacements.parents(), **dict.fromkeys(shallow, ())}

    def _not_found(self, revision: str) -> RevisionNotFoundError:
        forms = "pass a SHA, a branch, a tag or an expression such as 'HEAD~2'"
        hint = sha_hint(revision, self._width * 2)
        if hint:
            sentence = f"there is no commit {revision!r} in the repository: {hint}"
        elif revision in ("HEAD", "@"):
            sentence = (
                "HEAD names no commit yet; create one first, or pass another branch or a commit"
            )
        elif _OTHER_FORM.search(revision) and not _LOGGED.match(revision):
            sentence = f"the form of {revision!r} is not supported; {forms}"
        else:
            sentence = f"there is no commit {revision!r} in the repository; {forms}"
        return RevisionNotFoundError(sentence, revision=revision)
