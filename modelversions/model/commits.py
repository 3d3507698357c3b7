"""``Commits``: the commits of a repository, and the versions that are registered at them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from modelversions.git.store import Commit
from modelversions.model.model import Version
from modelversions.values.sequences import FindPages, ValueTuple

if TYPE_CHECKING:
    from typing_extensions import Self

VersionsByCommit = Mapping[str, tuple[Version, ...]]
"""Active versions by the commit at which they are registered."""

FindVersions = Callable[[Sequence[Commit]], VersionsByCommit]
"""Returns the active versions that are registered at commits."""


class Commits(ValueTuple[Commit]):
    """Commits, newest first: a tuple that is displayed as a table, with the versions at each."""

    _versions: VersionsByCommit | FindVersions
    has_more: bool
    """Whether there are older commits, beyond the limit."""

    def __new__(
        cls,
        items: Iterable[Commit] = (),
        pages: FindPages | None = None,
        versions: VersionsByCommit | FindVersions | None = None,
        *,
        has_more: bool = False,
    ) -> Self:
        """Return commits as a tuple.

        Args:
            items: the commits.
            pages: returns the web pages of the repository, for links.
            versions: the versions by commit, or a callable that reads them when they are needed.
            has_more: whether there are older commits, beyond the limit.
        """
        self = super().__new__(cls, items, pages)
        self._versions = {} if versions is None else versions
        self.has_more = has_more
        return self

    @property
    def versions(self) -> VersionsByCommit:
        """The active versions by commit; commits without one are omitted. Read on first use."""
        if callable(self._versions):
            self._versions = self._versions(self)
        return self._versions

    def _with_items(self, items: tuple[Commit, ...]) -> Self:
        return type(self)(items, self._pages, self._versions)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the commits and the versions, which are read if they were not."""
        return _restored, (tuple(self), dict(self.versions), self.has_more)

    def to_records(self) -> list[dict[str, object]]:
        """Return a row of flat values for each commit; its versions are one text."""
        from modelversions.display.records import commit_record

        return [commit_record(one, self.versions.get(one.commit, ())) for one in self]

    def __str__(self) -> str:
        """Return a table of the commits."""
        from modelversions.display.tables import commit_table

        return commit_table(self).text()

    def _repr_html_(self) -> str:
        """Return the table as HTML, for a notebook."""
        from modelversions.display.sequences import commits_html

        return commits_html(self, self._pages)


def _restored(
    items: Iterable[Commit],
    versions: VersionsByCommit,
    has_more: bool,  # noqa: FBT001  # for pickle
) -> Commits:
    return Commits(items, None, versions, has_more=has_more)
