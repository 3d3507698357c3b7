"""Revisions: which commit ``HEAD~2``, a branch, a tag or a short SHA names, as Git has it."""

from __future__ import annotations

import re

from dulwich.objects import Commit, ObjectID, ShaFile, Tag
from dulwich.objectspec import AmbiguousShortId, parse_object, scan_for_short_id
from dulwich.refs import Ref
from dulwich.repo import BaseRepo

from modelversions.errors import AmbiguousRevisionError, NotACommitError, RevisionNotFoundError
from modelversions.stores.refs import lookup

_REVISION = re.compile(r"(?P<base>[^~^]+)(?P<steps>(?:[~^][0-9]*|\^\{(?:commit)?\})*)", re.DOTALL)
_STEP = re.compile(r"[~^][0-9]*(?!\{)")
_FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT = re.compile(r"[0-9a-f]{4,63}")
_RULES = (
    "{}",
    "refs/{}",
    "refs/tags/{}",
    "refs/heads/{}",
    "refs/remotes/{}",
    "refs/remotes/{}/HEAD",
)


def resolve_commit(repo: BaseRepo, revision: str) -> str:
    """Return the full id of the commit that ``revision`` names, through tags if need be.

    Raises:
        AmbiguousRevisionError: a short SHA fits several commits.
        NotACommitError: it names a tree or a blob.
        RevisionNotFoundError: it names nothing.
    """
    try:
        base, steps = _split(revision)
        commit = _commit(repo, revision, _base(repo, revision, base))
        for step in steps:
            # dulwich takes one step at a time rightly, and several of them not always
            commit = _commit(repo, revision, _parsed(repo, commit.id.decode("ascii") + step))
    except RevisionNotFoundError:
        raise
    except (
        Exception
    ) as error:  # dulwich raises whatever comes: KeyError, ValueError, AssertionError
        if revision in ("HEAD", "@"):
            raise RevisionNotFoundError(
                "the repository has no commits yet; commit something first", revision=revision
            ) from error
        raise RevisionNotFoundError(
            f"there is no commit {revision!r} in the repository; name one by its SHA, a branch, a "
            "tag or a form such as 'HEAD~2'",
            revision=revision,
        ) from error
    return commit.id.decode("ascii")


def _split(revision: str) -> tuple[str, list[str]]:
    match = _REVISION.fullmatch(revision)
    if match is None:
        raise ValueError(revision)
    return match["base"], _STEP.findall(match["steps"])


def _base(repo: BaseRepo, revision: str, base: str) -> ShaFile:
    """Find what the part before ``~`` and ``^`` names: a full SHA, a ref, then a short SHA."""
    if "@{" in base or ":" in base:
        return _parsed(repo, base)
    if _FULL.fullmatch(base.lower()):
        return repo.object_store[ObjectID(base.lower().encode())]
    for rule in _RULES:
        name = Ref(rule.format("HEAD" if base == "@" else base).encode())
        id = lookup(repo.refs, name)
        if id is not None:
            return repo.object_store[id]
    if _SHORT.fullmatch(base.lower()):
        return _short(repo, revision, base.lower())
    raise KeyError(base)


def _short(repo: BaseRepo, revision: str, prefix: str) -> ShaFile:
    try:
        return scan_for_short_id(repo.object_store, prefix.encode(), Commit)
    except AmbiguousShortId as error:
        candidates = tuple(sorted(option.id.decode("ascii") for option in error.options))
        raise AmbiguousRevisionError(
            f"the short SHA {revision!r} fits {len(candidates)} commits, "
            f"{', '.join(sha[: len(prefix) + 4] for sha in candidates[:5])}; write more digits",
            revision=revision,
            candidates=candidates,
        ) from error
    except KeyError:  # no commit: whatever else it is deserves to be named
        return next(repo.object_store[id] for id in repo.object_store.iter_prefix(prefix.encode()))


def _parsed(repo: BaseRepo, text: str) -> ShaFile:
    return parse_object(repo, text.encode())  # type: ignore[arg-type]  # it takes any BaseRepo


def _commit(repo: BaseRepo, revision: str, found: ShaFile) -> Commit:
    """Go through tags to the commit behind."""
    while isinstance(found, Tag):
        found = repo.object_store[found.object[1]]
    if not isinstance(found, Commit):
        kind = found.type_name.decode("ascii")
        raise NotACommitError(
            f"{revision!r} names a {kind}, not a commit; give a commit",
            revision=revision,
            type=kind,
        )
    return found
