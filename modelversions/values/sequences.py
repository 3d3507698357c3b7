"""Tuples of values that are displayed as tables: the base class of ``Events`` and others."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, SupportsIndex, TypeVar, overload

from modelversions.values.web_pages import WebPages

if TYPE_CHECKING:
    from typing_extensions import Self

Item = TypeVar("Item")

FindPages = Callable[[], WebPages]
"""Returns the web pages of a repository; it is called when they are needed."""


class ValueTuple(tuple[Item, ...]):  # noqa: SLOT001  # a tuple cannot have slots
    """A tuple of values that is displayed as a table and converted to rows for data frames.

    It equals a plain tuple of the same values. A slice has the same class.
    """

    _pages: FindPages | None

    def __new__(cls, items: Iterable[Item] = (), pages: FindPages | None = None) -> Self:
        """Return the items as a tuple.

        Args:
            items: the items.
            pages: returns the web pages of the repository, for links. It is not pickled.
        """
        self = super().__new__(cls, items)
        self._pages = pages
        return self

    @overload
    def __getitem__(self, index: SupportsIndex) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> Self: ...

    def __getitem__(self, index: SupportsIndex | slice) -> Item | Self:
        """Return an item, or for a slice a sequence of the same class."""
        if isinstance(index, slice):
            return self._with_items(super().__getitem__(index))
        return super().__getitem__(index)

    def _with_items(self, items: tuple[Item, ...]) -> Self:
        return type(self)(items, self._pages)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the items."""
        return type(self), (tuple(self),)

    @abstractmethod
    def to_records(self) -> list[dict[str, object]]:
        """Return a row of flat values for each item, as ``RegistryView.to_records`` does."""

    @abstractmethod
    def __str__(self) -> str:
        """Return the items as a text table."""

    @abstractmethod
    def _repr_html_(self) -> str:
        """Return the table as HTML, for a notebook."""

    def __repr__(self) -> str:
        """Return the number of items."""
        name = type(self).__name__
        noun = name.lower()
        return f"<{name}: {len(self)} {noun.removesuffix('s') if len(self) == 1 else noun}>"

    def __rich_repr__(self) -> Iterable[object]:
        """Iterate over the items, so that ``rich`` does not display a plain tuple."""
        return iter(self)
