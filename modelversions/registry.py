"""``Registry``: the live door to the models of one repository."""

from __future__ import annotations

import difflib
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from modelversions.errors import (
    InvalidArgumentError,
    InvalidTagNameError,
    ModelNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    TagExistsError,
    VersionNotFoundError,
)
from modelversions.events import Event, NamedTag
from modelversions.identity import Identity
from modelversions.model import Model, Version
from modelversions.picture import Picture
from modelversions.problems import Problem, ProblemKind
from modelversions.semver import SemVer
from modelversions.stores.base import Commit, Store, TagRef
from modelversions.tags import EventKind, TagName, check_model_name, diagnose, is_reserved
from modelversions.writing import Intent, check_time, event_of, registration

if TYPE_CHECKING:
    from dulwich.repo import MemoryRepo, Repo

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_TAGS = "refs/tags/"


class Registry(Mapping[str, Model]):
    """The models that a repository's tags tell of: a mapping from names, sorted, to models.

    It is live: each look sees the tags that are there now, whoever made them. What it returns are
    values, pictures of that moment. Threads may share it.
    """

    def __init__(self, store: Store) -> None:
        """Look at a store; ``Registry.open`` and ``Registry.from_repo`` make one."""
        self._store = store
        self._pictures: dict[str, Picture] = {}

    @classmethod
    def open(cls, path: str | os.PathLike[str] = ".") -> Registry:
        """Open the registry of the repository that holds a folder.

        Args:
            path: a folder in a repository, a bare repository, a linked worktree.

        Raises:
            RepositoryNotFoundError: there is none.
            RepositoryError: there is one that cannot be read.
        """
        from modelversions.stores.local import LocalStore  # dulwich costs time to import

        if isinstance(path, str) and _URL.match(path):
            raise RepositoryNotFoundError(
                f"{path!r} is a URL; give the path of a repository on this machine", location=path
            )
        return cls(LocalStore.open(path))

    @classmethod
    def from_repo(cls, repo: Repo | MemoryRepo) -> Registry:
        """Look at a repository that dulwich has opened, on disk or in memory; it stays yours."""
        from modelversions.stores.local import LocalStore

        return cls(LocalStore(repo, getattr(repo, "path", "memory")))

    def close(self) -> None:
        """Close the files that were opened here; optional, and nothing is lost by it."""
        self._store.close()

    def __enter__(self) -> Registry:
        """Return the registry; the block's end closes it."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close it."""
        self.close()

    def __getitem__(self, name: str) -> Model:
        """Look at one model, and at its tags only.

        Raises:
            ModelNotFoundError: there is no event of that model.
        """
        picture = self._picture(name)
        if not picture.exists():
            raise self._no_model(name)
        return Model(name, picture)

    def __contains__(self, name: object) -> bool:
        """Say whether there is any event of that model."""
        return isinstance(name, str) and self._picture(name).exists()

    def __iter__(self) -> Iterator[str]:
        """Give the models' names, sorted."""
        return iter([name for name, picture in self._listed().items() if picture.exists()])

    def __len__(self) -> int:
        """Count the models."""
        return sum(1 for _ in self)

    def latest(self) -> dict[str, Version]:
        """Return each model's latest version (F16), from names alone where they suffice.

        Models without an active version are left out.
        """
        latest = {name: Model(name, pic).latest for name, pic in self._listed().items()}
        return {name: version for name, version in latest.items() if version is not None}

    def resolve(self, reference: str) -> Version:
        """Return the version that a reference names now (F22).

        Args:
            reference: ``model@latest``, ``model@greatest``, ``model@v1.2.3``, ``model#stage``, or
                a tag, by its name or its full ref.

        Raises:
            InvalidTagNameError: it is none of these.
            ModelNotFoundError, VersionNotFoundError, StageNotFoundError: it names nothing.
        """
        tag = reference.removeprefix(_TAGS).replace(":", "=")
        model, _, last = tag.rpartition("@")
        if model and last in ("latest", "greatest"):
            return self._latest(model.replace("=", ":"))
        name = TagName.try_parse(tag)
        if name is None or name.kind is EventKind.DEPRECATION:
            raise _no_reference(reference)
        if tag != reference.replace(":", "=") or name.counter is not None or "!" in tag:
            return self._about(self[name.model], tag)
        if name.version is not None:
            return self[name.model][name.version]
        return self[name.model].in_stage(str(name.stage))

    def at(self, commit: str = "HEAD") -> tuple[Version, ...]:
        """Return the active versions that are registered at a commit: which model is this?

        Raises:
            RevisionNotFoundError: there is no such commit.
        """
        id = self._store.resolve(commit)
        near = {
            name: picture
            for name, picture in self._listed().items()
            if any(ref.peeled in (None, id) for tag, ref in picture.tags if tag.version)
        }
        models = self._read(near)
        return tuple(one for model in models.values() for one in model.versions if one.commit == id)

    def event(self, ref: str) -> Event | None:
        """Return what a tag means, given its name or full ref; None if it is no event's."""
        tag = ref.removeprefix(_TAGS)
        name = TagName.try_parse(tag)
        if name is None:
            return None
        history = self._picture(name.model).state.history
        return next((event for event in history if event.tag == tag), None)

    def history(self) -> tuple[Event, ...]:
        """Return all events of all models, oldest first (F13)."""
        models = self._read(self._listed()).values()
        events = (event for model in models for event in model.history)
        return tuple(sorted(events, key=lambda event: event.order))

    def stages(self) -> tuple[str, ...]:
        """Return the names of the stages that some version holds, sorted."""
        models = self._read(self._listed()).values()
        return tuple(sorted({stage for model in models for stage in model.stages}))

    def problems(self, now: datetime | None = None) -> tuple[Problem, ...]:
        """Return what is odd about the tags, in the order of their names.

        Args:
            now: the time by which an event is in the future; the present if left out.
        """
        refs = self._store.tags()
        states = [picture.state for picture in self._filled(self._grouped(refs)).values()]
        found = [*_foreign(refs), *(problem for state in states for problem in state.problems)]
        events = [event for state in states for event in state.history]
        missing = self._store.missing({event.commit for event in events})
        now = now or datetime.now(timezone.utc)
        for event in events:
            if event.time > now:
                sentence = f"its time, {event.time}, has not come yet"
                found.append(Problem(ProblemKind.FUTURE, event.tag, event.model, sentence))
            if event.commit in missing:
                sentence = f"its commit {event.commit} is not in the repository"
                found.append(Problem(ProblemKind.MISSING, event.tag, event.model, sentence))
        return tuple(sorted(found, key=lambda problem: (problem.tag, problem.kind.value)))

    def commits(self, revision: str = "HEAD", limit: int | None = 20) -> tuple[Commit, ...]:
        """Return the commits that lead to a revision, newest first: the ones to choose from.

        Args:
            revision: where to start; a repository without commits has none to offer.
            limit: how many at most; None for all.

        Raises:
            RevisionNotFoundError: there is no such commit.
        """
        try:
            return tuple(self._store.commits(revision, limit))
        except RevisionNotFoundError:
            if revision == "HEAD":
                return ()
            raise

    def register(
        self,
        model: str,
        version: str | SemVer,
        *,
        commit: str = "HEAD",
        message: str | None = None,
        author: Identity | None = None,
        when: datetime | None = None,
    ) -> Event:
        """Register a version of a model: write one annotated tag, or nothing.

        Args:
            model: the model's name; it need not exist yet.
            version: the version's name, such as ``"v1.2.0"``.
            commit: a revision, as Git takes it.
            message: the tag's message, cleaned up as ``git tag`` does; GTO's own if left out.
            author: who registers; the identity that Git is configured with if left out.
            when: aware; now if left out, or a second past what it must supersede (F14).

        Returns:
            The event that was written.

        Raises:
            InvalidNameError, InvalidVersionError: a name is not valid.
            RevisionNotFoundError: there is no such commit.
            VersionExistsError: the version is registered already.
            IdentityError: there is nobody to name as the author.
            InvalidArgumentError: the message is empty, or the time is of no use.
            WriteConflictError: Git cannot create the tag; nothing has changed.
        """
        check_model_name(model)
        semver = version if isinstance(version, SemVer) else SemVer.parse(version)
        intent = self._intent(commit, message, author, when)
        while True:
            tag = registration(self._picture(model), model, semver, intent)
            try:
                self._store.create(tag)
            except TagExistsError:
                if any(ref.name == tag.name for ref in self._store.tags([tag.name])):
                    continue  # somebody was faster: look again, and say what there is now
                raise
            return event_of(tag, semver)

    def __str__(self) -> str:
        """Return a table: a line a model, with its latest version and who holds which stage."""
        from modelversions.display.tables import registry_table

        return registry_table(self._read(self._listed())).text()

    def __repr__(self) -> str:
        """Return the place and the number of models."""
        count = len(self)
        return f"<Registry {self._store.location!r}: {count} model{'s' * (count != 1)}>"

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        from modelversions.display.tables import registry_table

        return registry_table(self._read(self._listed())).html()

    def _intent(
        self, commit: str, message: str | None, author: Identity | None, when: datetime | None
    ) -> Intent:
        return Intent(
            commit=self._store.resolve(commit),
            author=(author or Identity.from_git(self._store.config)).checked(),
            message=None if message is None else self._cleaned(message),
            now=datetime.now().astimezone(),
            when=None if when is None else check_time(when),
        )

    def _cleaned(self, message: str) -> str:
        cleaned = self._store.clean(message)
        what = ""
        if not cleaned:
            what = "is empty, once Git has cleaned it up"
        elif "\0" in cleaned:
            what = "holds a NUL"
        elif cleaned.encode(errors="replace") != cleaned.encode(errors="surrogatepass"):
            what = "cannot be encoded as UTF-8"
        if what:
            raise InvalidArgumentError(
                f"the message {message!r} {what}; write one, or leave it out for the usual one",
                argument="message",
                value=message,
            )
        return cleaned

    def _picture(self, model: str) -> Picture:
        """Look at the tags of one model; a picture that is still true is used again."""
        spelled = model.replace(":", "=")
        refs = self._store.tags([f"{spelled}@", f"{spelled}#"])
        return self._grouped(refs).get(model) or self._new_picture(())

    def _listed(self) -> dict[str, Picture]:
        """Look at all tags."""
        return self._grouped(self._store.tags())

    def _grouped(self, refs: Iterable[TagRef]) -> dict[str, Picture]:
        """Sort refs by model; a picture that is still true is used again."""
        grouped: dict[str, list[NamedTag]] = defaultdict(list)
        for ref in refs:
            name = TagName.try_parse(ref.name)
            if name is not None:
                grouped[name.model].append((name, ref))
        for model, tags in grouped.items():
            picture, known = self._new_picture(tags), self._pictures.get(model)
            if known is None or known.identity != picture.identity:
                self._pictures[model] = picture
        return {model: self._pictures[model] for model in sorted(grouped)}

    def _new_picture(self, tags: Iterable[NamedTag]) -> Picture:
        return Picture(tuple(tags), self._store.read, self._store.commit)

    def _read(self, pictures: Mapping[str, Picture]) -> dict[str, Model]:
        """Return the models, read; tags that are no events make none."""
        filled = self._filled(pictures)
        return {name: Model(name, pic) for name, pic in filled.items() if pic.state.history}

    def _filled(self, pictures: Mapping[str, Picture]) -> Mapping[str, Picture]:
        """Read what is not read yet, for all models at once."""
        unread = [picture for picture in pictures.values() if not picture.is_read]
        objects = self._store.read(ref for picture in unread for _, ref in picture.tags)
        for picture in unread:
            picture.fill(objects)
        return pictures

    def _latest(self, name: str) -> Version:
        latest = self[name].latest
        if latest is None:
            raise VersionNotFoundError(
                f"model {name!r} has no active version; all_versions lists the deregistered ones",
                model=name,
                version="latest",
            )
        return latest

    def _about(self, model: Model, tag: str) -> Version:
        """Return the version that one of a model's tags is about."""
        event = next((event for event in model.history if event.tag == tag), None)
        if event is None:
            raise _no_reference(tag)
        return model.of_event(event)

    def _no_model(self, name: str) -> ModelNotFoundError:
        names = list(self)
        close = difflib.get_close_matches(str(name), names, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"models: {', '.join(names) or 'none'}"
        return ModelNotFoundError(f"there is no model {name!r}; {hint}", model=name)


def _no_reference(reference: str) -> InvalidTagNameError:
    tag = reference.removeprefix(_TAGS).replace(":", "=")
    reason = diagnose(tag) or "it names no version"
    return InvalidTagNameError(
        f"{reference!r} cannot be resolved: {reason}; write 'model@latest', 'model@v1.2.3', "
        "'model#stage' or the name of an event's tag",
        text=reference,
        reason=reason,
    )


def _foreign(refs: Iterable[TagRef]) -> Iterator[Problem]:
    """Report names that are nearly an event's; tags that are nothing like one are let be."""
    for ref in refs:
        reason = diagnose(ref.name)
        if reason is not None:
            kind = ProblemKind.RESERVED if is_reserved(ref.name) else ProblemKind.NEAR_NAME
            yield Problem(kind, ref.name, None, reason)
