"""``Commits``: the commits of a repository, and the versions that are registered at them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from modelversions.git.store import Commit
from modelversions.model.model import Version
from modelversions.values.sequences import FindPages, ValueTuple

if TYPE_CHECKING:
    from typing_extensions import Self

Carried = Mapping[str, tuple[Version, ...]]
"""Active versions by the commit at which they are registered."""

FindVersions = Callable[[Sequence[Commit]], Carried]


class Commits(ValueTuple[Commit]):
    """Commits, newest first: a tuple that is displayed as a table, with the versions at each."""

    _carried: Carried | FindVersions
    has_more: bool
    """Whether there are older commits, which were not asked for."""

    def __new__(
        cls,
        items: Iterable[Commit] = (),
        pages: FindPages | None = None,
        carried: Carried | FindVersions | None = None,
        *,
        has_more: bool = False,
    ) -> Self:
        """Return commits as a tuple.

        Args:
            items: the commits.
            pages: finds the web pages of the repository, for links.
            carried: the versions by commit, or what reads them when they are needed.
            has_more: whether there are older commits, beyond the limit.
        """
        made = super().__new__(cls, items, pages)
        made._carried = {} if carried is None else carried
        made.has_more = has_more
        return made

    @property
    def versions(self) -> Carried:
        """The active versions by commit; commits without one are omitted. Read on first use."""
        if callable(self._carried):
            self._carried = self._carried(self)
        return self._carried

    def _sliced(self, items: tuple[Commit, ...]) -> Self:
        return type(self)(items, self._pages, self._carried)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle commits and versions, which are read if they were not."""
        return _restored, (tuple(self), dict(self.versions), self.has_more)

    def to_records(self) -> list[dict[str, object]]:
        """Return a row of flat values for each commit, with the versions as one text."""
        from modelversions.display.records import commit_record

        return [commit_record(one, self.versions.get(one.commit, ())) for one in self]

    def __str__(self) -> str:
        """Return a table of the commits."""
        from modelversions.display.tables import commit_table

        return commit_table(self).text()

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        from modelversions.display.sequences import commits_html

        return commits_html(self, self._pages)


def _restored(items: Iterable[Commit], carried: Carried, has_more: bool) -> Commits:  # noqa: FBT001  # for pickle
    return Commits(items, None, carried, has_more=has_more)
