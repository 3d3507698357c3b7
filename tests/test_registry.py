"""The registry as a mapping, look-ups, and the tags that they read."""

from __future__ import annotations

import pickle
from collections.abc import ItemsView, Iterable, ValuesView
from datetime import datetime, timedelta, timezone
from typing import Any

import attrs
import pytest
from dulwich.objects import ObjectID
from dulwich.refs import Ref

from modelversions import (
    Event,
    EventKind,
    Identity,
    InvalidArgumentError,
    InvalidTagNameError,
    Model,
    ModelNotFoundError,
    ModelVersionsError,
    ObjectMissingError,
    Registry,
    RegistryView,
    RevisionNotFoundError,
    SemVer,
    StageNotFoundError,
    TagName,
    TagNotFoundError,
    Version,
    VersionNotFoundError,
    registry_view,
)
from modelversions.git.local.local_store import LocalStore
from modelversions.git.store import TagObject, TagRef
from modelversions.model.state import replay_events
from tests.builders import Builder, at

ANN = Identity("Ann", "ann@example.com")


@pytest.fixture
def sample(builder: Builder) -> Builder:
    """Two models and three commits; churn has a pre-release, a stage and a deregistered version."""
    builder.commit("c2", 1, "c1")
    builder.commit("c3", 2, "c2")
    builder.tag("churn@v3.0.0", "c1", 10)
    builder.tag("churn@v3.1.0", "c2", 20)
    builder.tag("churn@v4.0.0-rc.1", "c3", 30)
    builder.tag("churn@v9.0.0", "c3", 31)
    builder.tag("churn@v9.0.0!", "c3", 32)
    builder.tag("churn#prod#1", "c1", 40)
    builder.tag("cv=pool@v0.1.0", "c3", 50)
    builder.tag("release-1", "c3", 60)
    return builder


@pytest.fixture
def registry(sample: Builder) -> Registry:
    return sample.registry


class CountingStore(LocalStore):
    """A store that records reads and listings."""

    def __init__(self, builder: Builder) -> None:
        super().__init__(builder.repo, "memory")
        self.reads: list[list[str]] = []
        self.listed: list[tuple[str, ...]] = []

    def read(self, refs: Iterable[TagRef]) -> list[TagObject]:
        wanted = list(refs)
        self.reads.append([ref.name for ref in wanted])
        return super().read(wanted)

    def tags(self, prefixes: Iterable[str] = ("",)) -> tuple[TagRef, ...]:
        """List the tags with their peeled IDs, as a packed-refs file does."""
        self.listed.append(tuple(prefixes))
        refs = super().tags(tuple(prefixes))
        commits = zip(refs, super().peel(refs))
        return tuple(ref._replace(peeled=commit or ref.id) for ref, commit in commits)


class TestMapping:
    def test_it_is_a_mapping_of_sorted_names(self, registry: Registry) -> None:
        assert list(registry) == ["churn", "cv:pool"]
        assert len(registry) == 2
        assert "churn" in registry
        assert "chur" not in registry
        assert None not in registry
        assert isinstance(registry["cv:pool"], Model)
        assert dict(registry) == {name: registry[name] for name in registry}
        assert registry.get("chur") is None

    def test_items_and_values_list_the_tags_once(self, sample: Builder) -> None:
        store = CountingStore(sample)
        registry = Registry(store)
        items, values = registry.items(), registry.values()
        assert isinstance(items, ItemsView)
        assert isinstance(values, ValuesView)
        found = []
        for name, model in items:
            sample.repo.refs.remove_if_equals(Ref(b"refs/tags/cv=pool@v0.1.0"), None)
            sample.tag("other@v1.0.0")
            found.append((name, len(model.history)))
        assert found == [("churn", 6), ("cv:pool", 1)]
        assert store.listed == [("",)]
        store.listed.clear()
        models = {model.name: model for model in values}
        assert store.listed == [("",)]
        assert (len(items), len(values)) == (2, 2)
        assert ("churn", models["churn"]) in items
        assert models["churn"] in values
        assert models.keys() == {"churn", "other"}
        assert ("churn", models["other"]) not in items
        assert None not in values

    def test_a_deleted_model_is_removed_from_the_cache(self, sample: Builder) -> None:
        registry = sample.registry
        assert len(registry) == len(registry._snapshots._known) == 2
        del sample.repo.refs[Ref(b"refs/tags/cv=pool@v0.1.0")]
        assert "cv:pool" not in registry
        assert list(registry._snapshots._known) == ["churn"]
        sample.tag("other@v1.0.0")
        assert len(registry) == 2
        del sample.repo.refs[Ref(b"refs/tags/other@v1.0.0")]
        assert list(registry) == list(registry._snapshots._known) == ["churn"]

    def test_an_unknown_model(self, registry: Registry) -> None:
        with pytest.raises(ModelNotFoundError, match="no model 'chrun'; did you mean 'churn'") as e:
            registry["chrun"]
        assert isinstance(e.value, KeyError)
        assert e.value.model == "chrun"
        with pytest.raises(ModelNotFoundError, match="models: churn, cv:pool"):
            registry["xyz"]
        with pytest.raises(ModelNotFoundError, match="use registry.resolve.'churn@latest'"):
            registry["churn@latest"]

    def test_a_model_without_events(self, sample: Builder) -> None:
        sample.tag("light@1.0.0")
        sample.ref("refs/tags/lighter@v1.0.0", sample.commits["c1"])
        with pytest.raises(
            ModelNotFoundError, match="its tag 'light@1.0.0' is not an event: '1.0.0' is not a"
        ):
            sample.registry["light"]
        with pytest.raises(ModelNotFoundError, match="'lighter@v1.0.0' is not an event: see p"):
            sample.registry["lighter"]
        problems = [problem for problem in sample.registry.problems() if problem.model == "light"]
        assert repr(problems[0]).startswith("<Problem light@1.0.0: ")
        assert problems[0].kind == "malformed-name" == str(problems[0].kind)

    def test_an_empty_registry(self) -> None:
        registry = Builder().registry
        assert (list(registry), registry.latest(), registry.history()) == ([], {}, ())
        assert (registry.stages(), registry.problems(), registry.commits()) == ((), (), ())
        with pytest.raises(ModelNotFoundError, match="models: none"):
            registry["m"]

    def test_each_access_reads_the_current_tags(self, sample: Builder) -> None:
        registry = sample.registry
        before = registry["churn"]
        sample.tag("churn@v5.0.0", "c1", 70)
        assert registry["churn"].latest != before.latest
        assert before.latest == before[0]
        del sample.repo.refs[b"refs/tags/churn@v5.0.0"]  # type: ignore[arg-type]
        assert registry["churn"] == before
        assert registry.latest()["churn"] == before.latest


class TestModel:
    def test_it_is_a_sequence_of_active_versions(self, registry: Registry) -> None:
        churn = registry["churn"]
        assert [version.name for version in churn] == ["v4.0.0-rc.1", "v3.1.0", "v3.0.0"]
        assert churn[1] == churn["v3.1.0"] == churn[SemVer(3, 1, 0)]
        assert churn[1:] == churn.versions[1:]
        assert len(churn) == 3
        assert "v3.1.0" in churn
        assert SemVer(3, 0, 0) in churn
        assert churn[0] in churn
        assert "v9.0.0" not in churn
        assert churn.all_versions[0].name == "v9.0.0"

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("v9.0.0", "it was deregistered"),
            ("v7.0.0", "active versions: v4.0.0-rc.1, v3.1.0, v3.0.0"),
            ("3.0.0", "must start with 'v', try 'v3.0.0'"),
            ("latest", "use model.latest"),
            ("prod", r"it is a stage; its holder is model.stages\['prod'\]"),
            ("v8.0.0", "its tag 'churn@v8.0.0' is a problem: it is a lightweight tag"),
        ],
    )
    def test_an_unknown_version(
        self, sample: Builder, registry: Registry, name: str, hint: str
    ) -> None:
        sample.ref("refs/tags/churn@v8.0.0", sample.commits["c1"])
        with pytest.raises(VersionNotFoundError, match=hint) as caught:
            registry["churn"][name]
        assert (caught.value.model, caught.value.version) == ("churn", name)

    def test_ranges_match_final_releases(self, registry: Registry) -> None:
        churn = registry["churn"]
        names = [version.name for version in churn.matching(">=3")]
        assert names == ["v3.1.0", "v3.0.0"]
        assert churn.greatest("~=3.0") == churn["v3.1.0"]
        assert churn.greatest("<3.1") == churn["v3.0.0"]
        assert churn.greatest() == churn["v3.1.0"]
        assert churn.greatest(prereleases=True) == churn.latest
        assert churn.greatest(">=5", prereleases=True) is None
        assert churn.greatest(">=4", prereleases=True) == churn["v4.0.0-rc.1"]
        assert churn.greatest("<4", prereleases=True) == churn["v3.1.0"]
        assert churn.greatest("==4.*", prereleases=True) == churn["v4.0.0-rc.1"]
        assert churn.greatest("==4.*") is None

    @pytest.mark.parametrize("text", [">=x", "1.0.0", "^1.2", None, 3, "===1.0.x"])
    def test_an_invalid_range(self, registry: Registry, text: str) -> None:
        with pytest.raises(InvalidArgumentError, match="is not a range of versions"):
            registry["churn"].matching(text)

    @pytest.mark.parametrize(
        "text", [">=3.0.0-rc.1", "==2.5.0+gpu", "<1!2", ">=1.0.post1", "==1.dev0"]
    )
    def test_a_range_with_versions_other_than_final_releases(
        self, registry: Registry, text: str
    ) -> None:
        with pytest.raises(InvalidArgumentError, match="is not a range of final releases"):
            registry["churn"].matching(text)

    def test_a_stage_without_a_holder(self, registry: Registry) -> None:
        stages = registry["churn"].stages
        with pytest.raises(StageNotFoundError, match="'dev'; stages held: 'prod'"):
            stages["dev"]
        assert stages.get("dev") is None
        again = pickle.loads(pickle.dumps(stages))
        assert again == stages
        with pytest.raises(KeyError, match="'churn' is in stage 'x'"):
            again["x"]

    def test_alternative_argument_types(self, registry: Registry) -> None:
        churn = registry["churn"]
        assert churn[churn[0]] == churn[0]
        assert registry.resolve(churn[0]) == churn[0]
        assert registry.event(TagName.parse("churn#prod#1")) == registry.event("churn#prod#1")
        commit = registry.commits()[0]
        assert registry.at(commit) == registry.at(commit.id) == registry.at(churn[0])
        assert registry.at(churn.history[0]) == (churn["v3.0.0"],)
        assert churn._ipython_key_completions_() == ["v4.0.0-rc.1", "v3.1.0", "v3.0.0"]
        assert registry._ipython_key_completions_() == ["churn", "cv:pool"]
        assert {registry: 1}[registry] == 1
        assert registry != Registry(registry._store)

    def test_arguments_of_wrong_types(self, registry: Registry) -> None:
        with pytest.raises(InvalidArgumentError, match="commit must be text"):
            registry.at(b"HEAD")  # type: ignore[arg-type]
        for limit in (-1, "3"):
            with pytest.raises(InvalidArgumentError, match="limit must be a non-negative integer"):
                registry.commits(limit=limit)  # type: ignore[arg-type]
        with pytest.raises(InvalidArgumentError, match="with a time zone") as caught:
            registry.problems(datetime(2024, 1, 1))  # noqa: DTZ001  # naive
        assert caught.value.argument == "now"
        found = registry.problems(datetime.max.replace(tzinfo=timezone.utc))
        assert [problem.tag for problem in found] == [
            "churn@v9.0.0"
        ]  # at a commit with another version
        for name in (None, b"churn", 3):
            with pytest.raises(ModelNotFoundError, match="there is no model"):
                registry[name]  # type: ignore[index]
            assert registry.get(name) is None  # type: ignore[call-overload]

    def test_values_compare_hash_and_pickle(self, registry: Registry) -> None:
        churn = registry["churn"]
        again = pickle.loads(pickle.dumps(churn))
        assert again == churn == registry["churn"]
        assert hash(again) == hash(churn)
        assert (again.latest, again.stages) == (churn.latest, churn.stages)
        assert again != registry["cv:pool"]
        version = pickle.loads(pickle.dumps(registry.latest()["churn"]))
        assert version == churn.latest
        assert {version: 1}[churn[0]] == 1
        assert version != str(version)
        assert version.message == "a tag"
        assert "churn" in pickle.loads(pickle.dumps(dict(registry)))

    def test_a_snapshot_with_a_deleted_object(self, sample: Builder) -> None:
        latest = sample.registry["cv:pool"].latest
        assert latest is not None
        sample.repo.object_store._data.clear()  # type: ignore[attr-defined]
        with pytest.raises(ObjectMissingError, match=r"'cv=pool@v0.1.0' was deleted after"):
            _ = latest.author


class TestLookups:
    @pytest.mark.parametrize(
        ("reference", "expected"),
        [
            ("churn@latest", "churn@v4.0.0-rc.1"),
            ("churn@greatest", "churn@v4.0.0-rc.1"),
            ("churn@v3.0.0", "churn@v3.0.0"),
            ("churn#prod", "churn@v3.0.0"),
            ("churn#prod#1", "churn@v3.0.0"),
            ("refs/tags/churn#prod#1", "churn@v3.0.0"),
            ("refs/tags/churn@v3.1.0", "churn@v3.1.0"),
            ("churn@v9.0.0!", "churn@v9.0.0"),
            ("cv=pool@latest", "cv:pool@v0.1.0"),
            ("cv:pool@latest", "cv:pool@v0.1.0"),
            ("cv:pool@v0.1.0", "cv:pool@v0.1.0"),
        ],
    )
    def test_references(self, registry: Registry, reference: str, expected: str) -> None:
        assert str(registry.resolve(reference)) == expected

    def test_a_tag_that_is_not_an_event(self, sample: Builder) -> None:
        sample.ref("refs/tags/churn#prod#7", sample.commits["c1"])
        with pytest.raises(
            TagNotFoundError, match="cannot be resolved: it is a lightweight tag"
        ) as e:
            sample.registry.resolve("churn#prod#7")
        assert e.value.tag == "churn#prod#7"

    @pytest.mark.parametrize(
        ("reference", "error", "hint"),
        [
            ("churn", InvalidTagNameError, "write 'churn@latest'"),
            ("churn@3.0.0", InvalidTagNameError, "must start with 'v'"),
            ("churn@deprecated", InvalidTagNameError, "it names no version"),
            (
                "churn#prod#7",
                TagNotFoundError,
                "there is no such tag; the newest tags of 'churn': 'churn#prod#1'",
            ),
            ("churn@v9.0.0", VersionNotFoundError, "deregistered"),
            ("churn#dev", StageNotFoundError, "no version of 'churn' is in stage 'dev'; .* 'prod'"),
            ("cv:pool#dev", StageNotFoundError, "stages held: none"),
            ("unknown@latest", ModelNotFoundError, "no model 'unknown'"),
        ],
    )
    def test_invalid_and_unknown_references(
        self, registry: Registry, reference: str, error: type[Exception], hint: str
    ) -> None:
        with pytest.raises(error, match=hint):
            registry.resolve(reference)

    def test_latest_without_active_versions(self, builder: Builder) -> None:
        builder.tags("m@v1.0.0", "m@v1.0.0!", "n#prod!#1", "n@v1.0.0!#2")
        registry = builder.registry
        assert registry.latest() == {}
        with pytest.raises(VersionNotFoundError, match="no active version"):
            registry.resolve("m@latest")
        with pytest.raises(VersionNotFoundError, match="not belong to a registered version of 'n'"):
            registry.resolve("n@v1.0.0!#2")

    def test_versions_at_a_commit(self, registry: Registry) -> None:
        names = [str(version) for version in registry.at("HEAD")]
        assert names == ["churn@v4.0.0-rc.1", "cv:pool@v0.1.0"]
        assert [str(version) for version in registry.at("HEAD~2")] == ["churn@v3.0.0"]
        with pytest.raises(RevisionNotFoundError, match="no commit 'nowhere'"):
            registry.at("nowhere")

    def test_the_event_of_a_tag(self, registry: Registry) -> None:
        event = registry.event("refs/tags/churn#prod#1")
        assert isinstance(event, Event)
        assert (event.kind, event.model, event.stage) == (EventKind.ASSIGNMENT, "churn", "prod")
        assert (event.version, event.counter, event.time) == (SemVer(3, 0, 0), 1, at(40))
        assert str(event) == "2023-11-14 22:14:00+0000 assignment prod churn v3.0.0"
        assert registry.event("release-1") is None
        assert registry.event("churn#prod#2") is None

    def test_history_of_all_models(self, registry: Registry) -> None:
        times = [event.time for event in registry.history()]
        assert times == sorted(times)
        assert len(times) == 7
        assert str(registry.history()[-1]).endswith("registration cv:pool v0.1.0")

    def test_stages_in_use(self, registry: Registry) -> None:
        assert registry.stages() == ("prod",)

    def test_commits(self, registry: Registry, sample: Builder) -> None:
        commits = registry.commits()
        assert [commit.subject for commit in commits] == ["c3", "c2", "c1"]
        assert (commits[0].id, commits[0].time) == (sample.commits["c3"], at(2))
        assert str(commits[0]) == f"{commits[0].id[:7]} c3"
        assert str(commits[0].author) == "Ann <ann@example.com>"
        assert [commit.subject for commit in registry.commits("HEAD~1", 1)] == ["c2"]
        with pytest.raises(RevisionNotFoundError):
            registry.commits("nowhere")

    def test_the_event_of_a_bare_commit_and_of_a_deprecation_as_text(
        self, builder: Builder
    ) -> None:
        builder.tags("m#prod#1", "m@deprecated")
        sha = builder.commits["c1"][:7]
        lines = [str(event).partition("+0000 ")[2] for event in builder.registry.history()]
        assert lines == [f"assignment prod m commit {sha}", "deprecation m"]


def test_errors_in_a_shallow_clone_name_fetch(sample: Builder) -> None:
    head = sample.commits["c2"]
    sample.repo.update_shallow({ObjectID(head.encode())}, None)
    registry = sample.registry
    for call in (
        lambda: registry["other"],
        lambda: registry.resolve("churn@v1.0.0#1"),
        lambda: registry.resolve("churn#prod#9"),
        lambda: registry.verify("churn#prod#9"),
        lambda: registry.as_of(at(60))["other"],
        lambda: registry.resolve("churn#canary"),
        lambda: registry.assign("churn", "v9.0.0", "prod", author=ANN),
        lambda: registry.register("other", author=ANN),
        lambda: registry.assign("other", stage="prod", register=True, author=ANN),
    ):
        with pytest.raises(ModelVersionsError, match=r"shallow .* registry.fetch\(\) fetches them"):
            call()
    with pytest.raises(ModelVersionsError, match="if the model is new, pass the version"):
        registry.register("other", author=ANN)
    registry.register("other", "v1.0.0", commit=head, author=ANN)
    assert registry.register("churn", commit=head, author=ANN, force=True).tag == "churn@v9.0.1"


class TestCost:
    """Tag objects are read only if needed, in bulk and once."""

    def test_latest_reads_no_tag_object(self, sample: Builder) -> None:
        sample.tag("dereg@v1.0.0", "c1", 70)
        store = CountingStore(sample)
        registry = Registry(store)
        del sample.repo.refs[b"refs/tags/churn@v9.0.0!"]  # type: ignore[arg-type]
        assert registry.latest()["churn"].name == "v9.0.0"
        latest = registry["churn"].latest
        assert latest is not None
        assert (latest.name, latest.commit) == ("v9.0.0", sample.commits["c3"])
        assert list(registry) == ["churn", "cv:pool", "dereg"]
        assert store.reads == []

    def test_a_deregistration_reads_the_tags_of_that_version_only(self, sample: Builder) -> None:
        store = CountingStore(sample)
        assert Registry(store).latest()["churn"].name == "v4.0.0-rc.1"
        assert store.reads == [["churn@v9.0.0", "churn@v9.0.0!"]]

    def test_only_versions_of_equal_precedence_are_read(self, sample: Builder) -> None:
        sample.tag("churn@v10.0.0+a", "c1", 70)
        sample.tag("churn@v10.0.0", "c2", 80)
        store = CountingStore(sample)
        assert Registry(store).latest()["churn"].name == "v10.0.0"
        assert store.reads == [["churn@v10.0.0", "churn@v10.0.0+a"]]

    def test_a_deregistration_of_a_smaller_version_reads_nothing(self, sample: Builder) -> None:
        sample.tag("churn@v10.0.0", "c1", 70)
        store = CountingStore(sample)
        assert Registry(store).latest()["churn"].name == "v10.0.0"
        assert store.reads == []

    def test_the_tags_of_a_model_are_read_in_one_call(self, sample: Builder) -> None:
        store = CountingStore(sample)
        churn = Registry(store)["churn"]
        assert store.listed == [("churn@", "churn#")]
        assert churn.stages["prod"].author is not None
        assert len(churn.history) == 6
        assert len(store.reads) == 1

    def test_history_reads_all_tags_in_one_call_and_once(self, sample: Builder) -> None:
        store = CountingStore(sample)
        registry = Registry(store)
        assert len(registry.history()) == 7
        assert len(store.reads[0]) == 7
        registry.history()
        assert registry["churn"].stages
        assert store.reads[1:] == []

    def test_tags_are_read_in_batches(
        self, sample: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("modelversions.model.snapshot.BATCH", 1)
        store = CountingStore(sample)
        assert len(Registry(store).history()) == 7
        assert [len(names) for names in store.reads] == [6, 1]


def test_version_repr_and_str(registry: Registry) -> None:
    version = registry["churn"]["v3.0.0"]
    assert isinstance(version, Version)
    assert str(version) == "churn@v3.0.0"
    assert repr(version) == "<Version churn@v3.0.0>"
    assert (version.model, version.name, version.semver) == ("churn", "v3.0.0", SemVer(3, 0, 0))
    assert (version.tag, version.registered_at, version.active) == ("churn@v3.0.0", at(10), True)
    assert (version.stages, version.message) == (("prod",), "a tag")
    assert [event.kind.value for event in version.history] == ["registration", "assignment"]


def test_only_a_repository_that_was_opened_is_closed(disk: Builder) -> None:
    with Registry.open(disk.repo.path) as registry:  # type: ignore[union-attr]
        assert len(registry) == 0
    registry.close()
    with disk.registry as shared:
        assert len(shared) == 0
    assert len(disk.registry) == 0


class TestSnapshots:
    """``list()`` calls ``__len__`` too, but the tags are listed once."""

    def test_one_listing(self, disk: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
        disk.tags("m@v1.0.0", "n@v1.0.0")
        registry = disk.registry
        listings, tags = [], registry._store.tags

        def counting(*prefixes: Any) -> Any:
            listings.append(prefixes)
            return tags(*prefixes)

        monkeypatch.setattr(registry._store, "tags", counting)
        for function in (list, tuple, sorted):
            assert len(function(registry)) == 2
            assert len(function(registry.items())) == 2
            assert len(list(registry.values())) == 2
        assert len(listings) == 9
        names = iter(registry)
        assert next(names) == "m"
        assert len(registry) == 2
        assert list(names) == ["n"]


def test_a_version_is_pickled_without_its_model(builder: Builder) -> None:
    builder.tags(*(f"m@v0.{number}.0" for number in range(200)), "m#prod#1")
    version = builder.registry["m"].versions[0]
    copy = pickle.loads(pickle.dumps(version))
    assert copy == version
    assert (copy.author, copy.message, copy.stages) == (
        version.author,
        version.message,
        version.stages,
    )
    assert (copy.active, copy.history, copy.registered_at) == (
        version.active,
        version.history,
        version.registered_at,
    )
    assert len(pickle.dumps(version)) < 3000


def test_many_names(builder: Builder) -> None:
    """With quadratic time, this would take minutes."""
    names = [f"team-{number % 100}/model-{number}" for number in range(20_000)]
    found = registry_view._closest("team-7/modl-1907", names)
    assert found == ["team-7/model-1907"]
    tags = [f"m@v1.0.0#{number}" for number in range(1, 3000)]
    events = []
    builder.tags("m@v0.1.0")
    event = builder.registry["m"].history[0]
    for number, tag in enumerate(tags):
        moved = attrs.evolve(event, tag=tag, counter=number, commit=f"{number:040x}")
        events.append(attrs.evolve(moved, time=event.time + timedelta(seconds=number)))
    assert len(replay_events(events).history) == len(tags)
    model = builder.registry["m"]
    assert all("v0.1.0" in model for _ in range(1000))
    assert SemVer(0, 1, 0) in model
    assert "v9.0.0" not in model


def test_versions_sort_by_model_and_precedence(builder: Builder) -> None:
    builder.tag("b@v1.0.0", "c1", 10)
    builder.tag("a@v2.0.0+x", "c1", 20)
    builder.tag("a@v2.0.0", "c1", 30)
    builder.tag("a@v10.0.0-rc", "c1", 40)
    builder.tag("a@v2.0.0+y", "c1", 50)
    builder.tag("a@v2.0.0+x#2", "c1", 60)
    builder.tag("c#dev#1", "c1", 70)
    builder.tag("c#prod#2", builder.commit("c9", 9), 80)
    registry = builder.registry
    bare = tuple(registry["c"].stages.values())
    versions = [*registry["b"], *reversed(registry["a"]), *bare]
    found = sorted(versions)
    assert found[:4] == sorted(registry["a"].versions)[:4] == list(reversed(registry["a"].versions))
    assert [str(one) for one in found[:4]] == [
        "a@v2.0.0+x",
        "a@v2.0.0",
        "a@v2.0.0+y",
        "a@v10.0.0-rc",
    ]
    assert found[4].model == "b"
    assert set(found[5:]) == set(bare)
    assert bare[0] <= max(bare)
    assert max(registry["a"].versions) == registry["a"].latest
    with pytest.raises(TypeError):
        assert found[0] < "a"


def test_stages_are_a_read_only_mapping(builder: Builder) -> None:
    builder.tags("m@v1.0.0", "m#prod#1")
    stages = builder.registry["m"].stages
    assert stages == {"prod": builder.registry["m"]["v1.0.0"]}
    assert repr(stages) == "{'prod': <Version m@v1.0.0>}"
    assert stages._ipython_key_completions_() == ["prod"]
    assert stages.get("dev") is None
    assert len(stages) == 1
    assert not hasattr(stages, "__setitem__")
    assert pickle.loads(pickle.dumps(stages)) == stages


def test_id_and_commit_of_a_commit_are_equal(builder: Builder) -> None:
    commit = builder.registry.commits()[0]
    assert commit.id == commit.commit == builder.commits["c1"]


@pytest.mark.parametrize("repo", ["path", None])
def test_from_repo_requires_a_dulwich_repository(repo: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=f"not {repo!r}; for a path or a URL, use Regi"):
        Registry.from_repo(repo)


@pytest.mark.parametrize("location", [3, None, b"path"])
def test_open_requires_a_path_or_a_url(location: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="at a path or a URL, not .*Registry.from_repo"):
        Registry.open(location)


def test_resolving_a_bare_commit(sample: Builder) -> None:
    """A bare commit is found while it is in a stage, also where it is not the holder."""
    registry = sample.registry
    sample.tag("bare#prod#1", "c1", 90)
    sample.tag("bare#prod#2", "c2", 91)
    sample.tag("bare@v1.0.0", "c3", 92)
    sample.tag("bare#dev#3", "c3", 93)
    bare = registry["bare"].holders("prod")[1]
    assert bare.is_bare_commit
    assert bare.commit == sample.commits["c1"]
    assert registry.resolve(bare) == bare
    sample.tag("bare#prod!#4", "c1", 94)
    with pytest.raises(VersionNotFoundError, match="no stage of 'bare' is assigned to the bare"):
        registry.resolve(bare)


@pytest.mark.parametrize("name", [None, 5, ("light",)])
def test_a_name_of_another_type(sample: Builder, name: Any) -> None:
    with pytest.raises(ModelNotFoundError, match="pass its name, as text"):
        sample.registry[name]


def test_the_methods_that_a_view_lacks() -> None:
    lacking = {name for name in dir(Registry) if not name.startswith("_")} - set(dir(RegistryView))
    assert lacking - {"open", "from_repo"} == registry_view._WRITERS
