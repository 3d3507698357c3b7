"""``Models``: the mapping from names to models that a registry is."""

from __future__ import annotations

import difflib
from collections.abc import ItemsView, Iterator, Mapping, ValuesView
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

    def __getitem__(self, name: str) -> Model:
        """Look at one model, and at its tags only.

        Raises:
            ModelNotFoundError: there is no event of that model.
        """
        picture = self._pictures.one(name) if isinstance(name, str) else None
        if picture is None or not picture.exists():
            raise self._no_model(name)
        return Model(name, picture)

    @overload
    def get(self, name: str, /) -> Model | None: ...

    @overload
    def get(self, name: str, /, default: Model | Default) -> Model | Default: ...

    def get(self, name: str, /, default: Model | Default | None = None) -> Model | Default | None:
        """Look at one model; the default if there is none."""
        return self[name] if isinstance(name, str) and name in self else default

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
        return iter([name for name, _ in self._listed()])

    def __len__(self) -> int:
        """Count the models."""
        return sum(1 for _ in self)

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
        close = difflib.get_close_matches(str(name), [one for one in names if one != name], n=1)
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


class _Items(ItemsView[str, Model]):
    """Names and models of one look, where the usual view would look each model up again."""

    _mapping: Models

    def __iter__(self) -> Iterator[tuple[str, Model]]:
        return self._mapping._listed()  # noqa: SLF001  # a part of it


class _Values(ValuesView[Model]):
    """Models of one look."""

    _mapping: Models

    def __iter__(self) -> Iterator[Model]:
        return (model for _, model in self._mapping._listed())  # noqa: SLF001  # a part of it

    def __contains__(self, model: object) -> bool:
        return any(model == one for one in self)
