"""The events and problems of a catalog: tuples of pairs that are displayed as tables."""

from __future__ import annotations

from modelversions.values.event import Event
from modelversions.values.problem import Problem
from modelversions.values.sequences import Item, ValueTuple


class Pairs(ValueTuple[tuple[str, Item]]):
    """Pairs of the name of a repository and a value."""

    def __repr__(self) -> str:
        """Return the number of values."""
        name = type(self).__name__
        noun = name.removeprefix("Catalog").lower()
        return f"<{name}: {len(self)} {noun.removesuffix('s') if len(self) == 1 else noun}>"

    @property
    def _names(self) -> list[str]:
        return [name for name, _ in self]

    @property
    def _values(self) -> list[Item]:
        return [value for _, value in self]


class CatalogEvents(Pairs[Event]):
    """Events with the names of their repositories, oldest first."""

    def to_records(self) -> list[dict[str, object]]:
        """Return a row of flat values for each event, as ``Catalog.to_records("history")``."""
        from modelversions.display.records import event_record

        return [{"repository": name, **event_record(event)} for name, event in self]

    def __str__(self) -> str:
        """Return a table of the events."""
        from modelversions.display.tables import event_table

        return event_table(self._values).with_repositories(self._names).text()

    def _repr_html_(self) -> str:
        """Return the table as HTML, for a notebook."""
        from modelversions.display.sequences import events_html

        return events_html(self._values, None, self._names)


class CatalogProblems(Pairs[Problem]):
    """Problems with the names of their repositories."""

    def to_records(self) -> list[dict[str, object]]:
        """Return a row of flat values for each problem, as ``Catalog.to_records("problems")``."""
        from modelversions.display.records import problem_record

        return [{"repository": name, **problem_record(problem)} for name, problem in self]

    def __str__(self) -> str:
        """Return a table of the problems."""
        from modelversions.display.tables import problem_table

        return problem_table(self._values).with_repositories(self._names).text()

    def _repr_html_(self) -> str:
        """Return the table as HTML, for a notebook."""
        from modelversions.display.sequences import problems_html

        return problems_html(self._values, None, self._names)
