"""The pictures of all models: those that are still true are used again, others read in bulk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from modelversions.git.store import Listing, Store, TagRef
from modelversions.model.preview import Glance
from modelversions.model.snapshot import BATCH, Picture, Reading
from modelversions.values.tag_name import is_model_name

Work = TypeVar("Work", Reading, Glance)


def _batches(
    pictures: Iterable[Picture], begin: Callable[[Picture], Work]
) -> Iterator[list[tuple[Picture, Work]]]:
    """Put pictures together until they hold a good number of tags, and no more than that."""
    batch: list[tuple[Picture, Work]] = []
    held = 0
    for picture in pictures:
        work = begin(picture)
        batch.append((picture, work))
        held += len(work.tags)
        if held >= BATCH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


class Pictures:
    """The pictures of a store's models; one that is still true is used again."""

    def __init__(self, store: Store) -> None:
        """Look at the tags of ``store``."""
        self._store = store
        self._known: dict[str, Picture] = {}

    def one(self, model: str) -> Picture:
        """Look at the tags of one model, which may be none."""
        spelled = model.replace(":", "=")
        possible = [f"{spelled}@", f"{spelled}#"] if is_model_name(model) else []
        refs = Listing.of(self._store.tags(possible) if possible else ())
        if not refs:
            self._known.pop(model, None)
            return Picture(refs, self._store)
        return self._current(model, refs)

    def all(self) -> dict[str, Picture]:
        """Look at all tags, by model, in the order of names."""
        found = self.grouped(self._store.tags())
        self._known = dict(found)  # whatever is gone need not be known any more
        return found

    def grouped(self, refs: Sequence[TagRef]) -> dict[str, Picture]:
        """Sort refs by model."""
        families = Listing.of(refs).families()
        models = {name.replace("=", ":"): one for name, one in families.items() if ":" not in name}
        names = filter(is_model_name, sorted(models))
        return {name: self._current(name, models[name]) for name in names}

    def filled(self, pictures: Mapping[str, Picture]) -> Mapping[str, Picture]:
        """Read what is not read yet, for all models at once."""
        unread = [picture for picture in pictures.values() if not picture.is_read]
        for batch in _batches(unread, Reading):
            tags = [tag for _, reading in batch for tag in reading.tags]
            objects = self._store.read([ref for _, ref in tags])
            for picture, reading in batch:
                reading.take(reading.tags, objects)
                picture.fill(reading)
        return pictures

    def glanced(self, pictures: Mapping[str, Picture]) -> Mapping[str, Picture]:
        """See who holds which stage in all models; what that takes more than a glance is read."""
        new = [
            picture for picture in pictures.values() if picture.is_new and picture.refs.is_at_hand
        ]
        for batch in _batches(new, lambda picture: Glance(picture.refs.refs())):
            looks = [look for _, look in batch if look.may_do]
            objects = dict(self._store.read([ref for look in looks for ref in look.staged()]))
            beside = [ref for look in looks for ref in look.beside(objects)]
            objects.update(self._store.read(beside))
            for picture, look in batch:
                picture.glance(look, objects)
        self.filled({name: one for name, one in pictures.items() if not one.knows_stages})
        return pictures

    def _current(self, model: str, refs: Listing) -> Picture:
        known = self._known.get(model)
        if known is None or not known.is_lasting:
            known = None
        elif known.refs == refs:
            return known
        before = known if known is None or known.is_read else known.before
        picture = Picture(refs, self._store, before)
        if known is not None and known.identity == picture.identity:
            known.refs = refs  # the same tags, in other places
            return known
        self._known[model] = picture
        return picture
