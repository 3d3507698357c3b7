"""Repeated reads of one registry return the same as a newly opened registry."""

from __future__ import annotations

import gc
import pickle
import random
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from dulwich.refs import Ref, check_ref_format
from dulwich.repo import Repo
from hypothesis import given
from hypothesis import strategies as st

from modelversions import Model, Registry, Signature, SignatureStatus
from modelversions.git.local.local_refs import LocalRefs
from modelversions.git.local.local_store import LocalStore
from modelversions.git.remote.remote_store import RemoteStore
from modelversions.git.store import RemoteOptions, TagObject, TagRef
from modelversions.git.urls import Url
from modelversions.model.snapshot import SnapshotCache
from tests.builders import Builder, at

NAMES = [
    f"{model}{tag}"
    for model in ("m", "m-2", "m/x", "d=m")
    for tag in ("@v1.0.0", "@v1.0.0+x", "@v2.0.0-rc", "@v2.0.0", "@v1.0.0!", "#a#1", "#a!#2", "#b")
]
IRREGULAR = [
    "m@deprecated",
    "m@",
    "m#",
    "n@v1.0",
    "release-1",
    "\u00e4@v1.0.0",
    "m@created",
    "a/b/c@v1.0.0",
]
NOW = at(10**6)


class CountingStore(LocalStore):
    """Records the names of the tags whose objects are read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.read_names: list[str] = []

    def read(self, refs: Iterable[TagRef]) -> list[TagObject]:
        listed = list(refs)
        self.read_names += [ref.name for ref in listed]
        return super().read(listed)


def query_all(registry: Registry) -> dict[str, Any]:
    """Return the results of all queries, of which those from tag names are made first."""
    table = str(registry)
    held = {name: dict(model.stages) for name, model in registry.items()}
    latest = {name: (one.name, one.commit, one.tag) for name, one in registry.latest().items()}
    alone = {name: model.latest for name in ("m", "d:m") if (model := registry.get(name))}
    models = {
        name: ([str(one) for one in model.all_versions], str(model.stages), model.deprecated)
        for name, model in registry.items()
    }
    history, problems = registry.history(), registry.problems(NOW)
    read = {
        name: (model.versions[0].name, model.versions[0].commit, model.versions[0].tag)
        for name, model in registry.items()
        if len(model)
    }
    assert latest == read
    assert table == str(registry)
    for name, model in registry.items():
        for stage, holder in held[name].items():
            assert model.stages[stage] == holder == model.holders(stage)[0]
            assert holder.stages == model.stages[stage].stages
    return {
        "latest": latest,
        "alone": {name: one and (one.name, one.tag) for name, one in alone.items()},
        "models": models,
        "history": history,
        "problems": problems,
        "names": list(registry),
        "stages": registry.stages(),
    }


class RandomWriter:
    """Randomly creates, deletes, moves and packs tags of a repository."""

    def __init__(self, repo: Repo, seed: int) -> None:
        self.random_ = random.Random(seed)  # noqa: S311  # reproducible
        self.builder = Builder(repo)
        self.commits = [self.builder.commit(f"c{number}", number) for number in range(3)]
        self.path = Path(repo.controldir())

    def step(self) -> None:
        draw = self.random_.choice
        turn = self.random_.random()
        name = draw(NAMES if turn < 0.9 else IRREGULAR)
        if turn < 0.55 or turn > 0.9:
            self.builder.tag(name, draw(self.commits), self.random_.randint(0, 50))
        elif turn < 0.6:
            self.builder.ref(f"refs/tags/{name}", draw([*self.commits, "b" * 40]))
        elif turn < 0.7:
            self.delete()
        elif turn < 0.75:
            (self.path / "refs" / "tags" / "m@v3.0.0").write_text(draw(["", "ref: refs/tags/m#b"]))
        elif turn < 0.8:
            self.builder.repo.refs.pack_refs(all=True)
        else:
            pack_with_git(self.builder)

    def delete(self) -> None:
        tags = sorted(self.builder.repo.refs.keys(Ref(b"refs/tags")))
        if tags:
            self.builder.repo.refs.remove_if_equals(
                Ref(b"refs/tags/" + self.random_.choice(tags)), None
            )


@pytest.mark.parametrize("seed", range(12))
def test_each_refresh_returns_the_same_as_a_new_registry(disk: Builder, seed: int) -> None:
    assert isinstance(disk.repo, Repo)
    writer = RandomWriter(disk.repo, seed)
    kept = writer.builder.registry
    for _ in range(12):
        for _ in range(writer.random_.randint(1, 4)):
            writer.step()
        if writer.random_.random() < 0.3:
            kept.get("m")
        fresh, read = writer.builder.registry, writer.builder.registry
        table = str(kept)
        assert table == str(fresh)
        assert query_all(kept) == query_all(fresh)
        assert read.history() == fresh.history()
        assert table == str(read)


TABLE_TAGS = ["m@v1.0.0", "m@v1.0.0+x", "m@v2.0.0", "m@v1.0.0!", "m#a#1", "m#a#2", "m#a#3", "m#b"]


@pytest.mark.parametrize("seed", range(40))
def test_the_table_is_the_same_after_a_full_read(disk: Builder, seed: int) -> None:
    random_ = random.Random(seed)  # noqa: S311  # reproducible
    commits = [disk.commit(f"c{number}", number) for number in range(random_.randint(1, 3))]
    irregular_tags = [disk.blob(), "b" * 40, commits[0]]
    names = [*TABLE_TAGS, *random_.sample(["m#b!", "m@deprecated", "m#b#7"], seed % 3)]
    for round in range(4):
        for name in random_.sample(names, 4):
            if random_.random() < 0.1:
                disk.ref(f"refs/tags/{name}", random_.choice(irregular_tags))
            else:
                disk.tag(name, random_.choice(commits), random_.randint(0, 9))
        if random_.random() < 0.7:
            disk.repo.refs.pack_refs(all=True) if round % 2 else pack_with_git(disk)
        fresh, read = disk.registry, disk.registry
        read.history()
        assert str(fresh) == str(read)
        for name, model in fresh.items():
            assert model.stages == read[name].stages
            assert model.deprecated == read[name].deprecated


def pack_with_git(builder: Builder) -> None:
    """Pack objects and refs as Git does; only refs if an object is missing."""
    try:
        builder.pack()
    except KeyError:  # a ref that names a missing object
        builder.repo.refs.pack_refs(all=True)


def counting(builder: Builder) -> tuple[Registry, CountingStore]:
    store = CountingStore(builder.repo, "here")
    return Registry(store), store


def test_names_that_are_not_utf8_are_decoded_with_replacements(disk: Builder) -> None:
    disk.tags("m@v1.0.0")
    for name in (b"\xff@v1", b"\xfe@v1"):
        disk.repo.refs[Ref(b"refs/tags/" + name)] = disk.repo.refs[Ref(b"refs/tags/m@v1.0.0")]
    for _ in range(2):
        tags = [problem.tag for problem in disk.registry.problems(NOW)]
        assert tags == ["\ufffd@v1", "\ufffd@v1"]
        assert list(disk.registry) == ["m"]
        disk.repo.refs.pack_refs(all=True)


class TestReadAgain:
    """A tag object never changes, so it is read once."""

    def test_only_the_objects_of_new_tags_are_read(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "m@v2.0.0", "m#prod#1", "n@v1.0.0").pack()
        registry, store = counting(disk)
        assert len(registry.history()) == 4
        store.read_names.clear()
        disk.tag("m@v3.0.0", at=90)
        registry["m"].latest  # noqa: B018  # a separate read
        disk.tag("m#prod#2", at=99)
        assert len(registry.history()) == 6
        assert store.read_names == ["m#prod#2", "m@v3.0.0"]
        assert registry.history() == disk.registry.history()

    def test_packed_tags_are_not_read_again(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "m#prod#1")
        registry, store = counting(disk)
        model = registry["m"]
        assert len(model.history) == 2
        store.read_names.clear()
        for _ in range(2):
            disk.pack()
            assert registry["m"].history == model.history
            assert registry["m"] == model
        assert store.read_names == []

    def test_a_model_with_a_missing_object_is_read_again(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0").ref("refs/tags/m@v2.0.0", "b" * 40)
        registry, store = counting(disk)
        assert len(registry["m"]) == 1
        store.read_names.clear()
        disk.tag("m@v3.0.0", at=90)
        assert len(registry["m"]) == 2
        assert store.read_names == ["m@v1.0.0", "m@v2.0.0", "m@v3.0.0"]

    def test_problems_are_kept_in_the_order_of_tags(self, disk: Builder) -> None:
        disk.tag("m@v2.0.0", disk.commit(), tagger=None)
        disk.ref("refs/tags/m@v4.0.0", disk.commits["c1"])
        registry = disk.registry
        assert len(registry["m"].problems) == 2
        disk.tag("m@v3.0.0", tagger=None)
        assert registry["m"].problems == disk.registry["m"].problems
        assert [one.tag for one in registry["m"].problems[:3]] == [
            "m@v2.0.0",
            "m@v3.0.0",
            "m@v4.0.0",
        ]


SHA = st.integers(0, 2**160 - 1).map("{:040x}".format)
NAME = st.text("ab@#v1./-", min_size=1, max_size=6).filter(
    lambda name: check_ref_format(Ref(f"tags/{name}".encode()))
)
REFS = st.dictionaries(NAME, SHA, max_size=8)


@given(REFS, REFS)
def test_loose_refs_take_precedence_over_packed_ones(
    tmp_path_factory: pytest.TempPathFactory, loose: dict[str, str], others: dict[str, str]
) -> None:
    loose = {name: sha for name, sha in loose.items() if not _conflicts(name, loose)}
    with Repo.init_bare(str(tmp_path_factory.mktemp("repo"))) as repo:
        lines = [f"{sha} refs/tags/{name}\n^{sha}\n" for name, sha in sorted(others.items())]
        root = Path(repo.path)
        (root / "packed-refs").write_text(
            "# pack-refs with: fully-peeled sorted\n" + "".join(lines)
        )
        for name, sha in loose.items():
            path = root / "refs" / "tags" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{sha}\n")
        refs = LocalRefs(repo, "here")
        found = refs.tags([""])
        assert {ref.name: ref.id for ref in found} == {**others, **loose}
        assert [ref.name for ref in found] == sorted({**others, **loose})
        assert refs.tags([""]) == found
        for prefix in {name[:2] for name in (*loose, *others)}:
            expected = [ref for ref in found if ref.name.startswith(prefix)]
            assert list(refs.tags([prefix])) == expected


def _conflicts(name: str, names: Iterable[str]) -> bool:
    """Return whether a ref has the name of a directory that another one needs."""
    return any(other.startswith(f"{name}/") for other in names)


def test_tags_are_grouped_by_model(disk: Builder) -> None:
    sha = disk.commits["c1"]
    for number in range(1000):
        disk.ref(f"refs/tags/m@v1.0.{number}", sha)
    for number in range(500):
        disk.ref(f"refs/tags/n{number}@v1.0.0", sha)
    snapshots = SnapshotCache(LocalStore(disk.repo, "here")).all()
    assert len(snapshots) == 501
    assert list(snapshots) == sorted(snapshots)
    assert len(snapshots["m"].refs) == 1000


def test_reading_no_refs_sends_no_request() -> None:
    url = Url.parse("https://nowhere.invalid/models.git")
    assert url is not None
    assert RemoteStore(url, RemoteOptions()).read([]) == []


def test_a_decorated_function_keeps_its_name_and_docstring(disk: Builder) -> None:
    assert disk.tags("m@v1.0.0").registry["m"].timeline() == ()
    assert Model.timeline.__qualname__ == "Model.timeline"
    assert (Model.timeline.__doc__ or "").startswith("Return the spans of time during which")


def test_the_garbage_collector_is_paused_and_resumed(disk: Builder) -> None:
    disk.tags("m@v1.0.0")
    store = LocalStore(disk.repo, "here")
    enabled: list[bool] = []

    class RecordingStore(LocalStore):
        def tags(self, prefixes: Sequence[str] = ("",)) -> tuple[TagRef, ...]:
            enabled.append(gc.isenabled())
            return store.tags(prefixes)

    registry = Registry(RecordingStore(disk.repo, "here"))
    assert gc.isenabled()
    assert len(registry.history()) == 1
    assert gc.isenabled()
    gc.disable()
    try:
        assert len(registry.history()) == 1
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert enabled == [False, False]


def test_a_registry_is_released_without_the_garbage_collector(disk: Builder) -> None:
    disk.tags("m@v1.0.0", "m#prod#1")
    gc.disable()
    try:
        with Registry.open(disk.git_dir, rules=[lambda *_: None]) as registry:
            event = registry.history()[0]
            assert list(registry) == ["m"]
            assert registry.latest()["m"].stages == ("prod",)
        released = weakref.ref(event)
        del registry, event
        assert released() is None
    finally:
        gc.enable()


def test_the_signature_of_a_version_is_that_of_its_tag(disk: Builder) -> None:
    disk.tags("m@v1.0.0", "m@v2.0.0", "m@v3.0.0")
    registry = disk.registry
    model = registry["m"]
    ids = {ref.name: ref.id for ref in LocalStore(disk.repo, "here").tags()}
    assert [version._signature for version in model.versions] == [None] * 3
    good = Signature(SignatureStatus.GOOD, "Ann")
    registry._snapshots.signatures[ids["m@v2.0.0"]] = good
    assert [version._signature for version in model.versions] == [None, good, None]
    again = pickle.loads(pickle.dumps(model))
    assert again["v2.0.0"]._signature is None
