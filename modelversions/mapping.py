"""``Models``: the mapping from names to models that a registry is."""

from __future__ import annotations

import difflib
import heapq
import itertools
import weakref
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, ValuesView
from typing import TypeVar, overload

from modelversions.errors import ModelNotFoundError
from modelversions.model import Model
from modelversions.pictures import Pictures
from modelversions.stores.base import Store
from modelversions.tags import TagName, diagnose, model_of

Default = TypeVar("Default")


class Models(Mapping[str, Model]):
    """The models that a repository's tags tell of: a mapping from names, sorted, to models.

    It is live: each look sees the tags that are there now, whoever made them. What it returns are
    values, pictures of that moment. Threads may share it.
    """

    def __init__(self, store: Store) -> None:
        """Look at a store."""
        self._store = store
        self._pictures = Pictures(store)
        self._pending: weakref.ref[_Pairs] | None = None

    def __getitem__(self, name: str) -> Model:
        """Look at one model, and at its tags only.

        Raises:
            ModelNotFoundError: there is no event of that model.
        """
        model = self.get(name)
        if model is None:
            raise self._no_model(name)
        return model

    @overload
    def get(self, name: str, /) -> Model | None: ...

    @overload
    def get(self, name: str, /, default: Model | Default) -> Model | Default: ...

    def get(self, name: str, /, default: Model | Default | None = None) -> Model | Default | None:
        """Look at one model; the default if there is none."""
        picture = self._pictures.one(name) if isinstance(name, str) else None
        return default if picture is None or not picture.exists() else Model(name, picture)

    def __eq__(self, other: object) -> bool:
        """Equal to itself only: what it shows may change."""
        return self is other

    def __hash__(self) -> int:
        """Hash as equality asks."""
        return id(self)

    def __contains__(self, name: object) -> bool:
        """Say whether there is any event of that model."""
        return isinstance(name, str) and self._pictures.one(name).exists()

    def __iter__(self) -> Iterator[str]:
        """Give the models' names, sorted."""
        return (name for name, _ in self._pairs())

    def __len__(self) -> int:
        """Count the models."""
        pairs = list(self._listed())
        pending = None if self._pending is None else self._pending()
        if pending is not None:  # list() asks for the length of what it iterates over
            pending.take(pairs)
        return len(pairs)

    def _pairs(self) -> _Pairs:
        """Give names and models; the tags are listed at the first step."""
        pairs = _Pairs(self._listed)
        self._pending = weakref.ref(pairs)
        return pairs

    def items(self) -> ItemsView[str, Model]:
        """Return names and models: each walk over them is one look at all tags.

        ``dict(registry.items())`` holds them as of one moment; ``dict(registry)`` looks each up.
        """
        return _Items(self)

    def values(self) -> ValuesView[Model]:
        """Return the models: each walk over them is one look at all tags."""
        return _Values(self)

    def _listed(self) -> Iterator[tuple[str, Model]]:
        """Give names and models as they are in one look at all tags, sorted."""
        for name, picture in self._pictures.all().items():
            if picture.exists():
                yield name, Model(name, picture)

    def _no_model(self, name: object) -> ModelNotFoundError:
        tags = self._store.tags()
        names = sorted({model for tag in tags if (model := model_of(tag.name)) is not None})
        close = _closest(str(name), [one for one in names if one != name])
        shown = ", ".join(names[:5]) + (", …" if len(names) > len(names[:5]) else "")
        hint = f"did you mean {close[0]!r}?" if close else f"models: {shown or 'none'}"
        own = next((tag.name for tag in tags if model_of(tag.name) == name), None)
        if own is not None:
            hint = f"of its tag {own!r}, {diagnose(own) or 'it is no event, see problems()'}"
        elif TagName.try_parse(str(name)) or str(name).endswith(("@latest", "@greatest")):
            hint = f"use registry.resolve({name!r})"
        return ModelNotFoundError(f"there is no model {name!r}; {hint}", model=name)

    def _ipython_key_completions_(self) -> list[str]:
        """Offer the models' names for ``registry["<TAB>``."""
        return list(self)


def _closest(name: str, names: Iterable[str]) -> list[str]:
    """Return the name that is most like another, if one is; difflib alone takes long for many."""
    pairs = set(itertools.pairwise(name))
    near = heapq.nlargest(50, names, lambda one: len(pairs.intersection(itertools.pairwise(one))))
    return difflib.get_close_matches(name, near, n=1)


class _Pairs(Iterator[tuple[str, Model]]):
    """Names and models of one listing, made at the first step or by ``len()`` before it."""

    def __init__(self, listed: Callable[[], Iterator[tuple[str, Model]]]) -> None:
        self._listed = listed
        self._found: Iterator[tuple[str, Model]] | None = None

    def take(self, pairs: Iterable[tuple[str, Model]]) -> None:
        if self._found is None:
            self._found = iter(pairs)

    def __next__(self) -> tuple[str, Model]:
        if self._found is None:
            self._found = self._listed()
        return next(self._found)


class _Items(ItemsView[str, Model]):
    """Names and models of one look, where the usual view would look each model up again."""

    _mapping: Models

    def __iter__(self) -> Iterator[tuple[str, Model]]:
        return self._mapping._pairs()  # noqa: SLF001  # a part of it


class _Values(ValuesView[Model]):
    """Models of one look."""

    _mapping: Models

    def __iter__(self) -> Iterator[Model]:
        return (model for _, model in self._mapping._pairs())  # noqa: SLF001  # a part of it

    def __contains__(self, model: object) -> bool:
        return any(model == one for one in self)
