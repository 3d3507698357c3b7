"""A registry at a URL, served by dulwich on loopback: read without a clone, written by pushes."""

from __future__ import annotations

import errno
import os
import pickle
import runpy
from pathlib import Path
from typing import Any

import pytest
from dulwich.objects import Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from modelversions import (
    CommitTakenError,
    InvalidArgumentError,
    InvalidNameError,
    ModelNotFoundError,
    ProblemKind,
    Registry,
    RemoteError,
    RepositoryError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    StageHeldError,
    TagExistsError,
    VersionExistsError,
    WriteConflictError,
)
from modelversions.git import store as base
from modelversions.git import tag_object as tag_format
from modelversions.git.objects.received_packs import Fetched
from modelversions.git.remote import remote_tags
from modelversions.git.remote.remote_store import RemoteStore
from modelversions.git.remote.transport import PushResult, Transport
from modelversions.git.urls import Url
from tests.builders import CORPORA, Builder, corpus, irregular_tags, same
from tests.git.remote.helpers import ANN, WHEN
from tests.servers import PATH, git_server, http_server
from tests.test_corpora import NAMES


def test_a_server_returns_what_its_repository_contains(
    remote_registry: Registry, served_repo: Builder
) -> None:
    irregular_tags(served_repo)
    assert same(remote_registry, served_repo.registry)
    assert (
        remote_registry["m"]["v1.1.0"].registered_at
        == served_repo.registry["m"]["v1.1.0"].registered_at
    )
    assert remote_registry.at("main") == served_repo.registry.at("main")
    assert remote_registry.event("m@v2.0.0") == served_repo.registry.event("m@v2.0.0")


@pytest.mark.skipif(not CORPORA.is_dir(), reason=f"the corpora are not at {CORPORA}")
@pytest.mark.parametrize("name", NAMES)
def test_a_server_returns_what_real_registries_contain(name: str, tmp_path: Path) -> None:
    with Repo.init_bare(str(tmp_path)) as repo:
        builder = Builder(repo)
        corpus(name, builder)
        with git_server(repo) as url, Registry.open(url) as remote_registry:
            assert same(remote_registry, builder.registry)


def test_many_commits_are_requested_in_batches(
    served_repo: Builder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_tags, "HAVES", 2)
    for number in range(5):
        served_repo.commit(f"d{number}", number)
        served_repo.tag(f"m@v1.0.{number}", f"d{number}", number)
        served_repo.tag(f"n@v1.0.{number}", f"d{number}", number)
    steps: list[tuple[int, int | None, str]] = []
    with Registry.open(url, progress=lambda *step: steps.append(step)) as remote_registry:
        assert same(remote_registry, served_repo.registry)
        reported = [step for step in steps if step[2] == "tags read"]
        assert reported[-1] == (2, 2, "tags read") or reported[-1][0] == reported[-1][1]
        assert any(what == "bytes received" and total is None for _, total, what in steps)
        steps.clear()
        assert len(remote_registry.history()) == 10
        assert not steps  # what was read is cached


def test_the_latest_version_needs_only_its_own_tag_object(
    served_repo: Builder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_repo.tags("m@v1.0.0", "m@v2.0.0", "n@v1.0.0")
    wanted: list[Any] = []
    fetch = Transport.fetch

    def record(transport: Transport, wants: Any, **options: Any) -> Fetched:
        wanted.append(wants)
        return fetch(transport, wants, **options)

    monkeypatch.setattr(Transport, "fetch", record)
    with Registry.open(url) as remote_registry:
        latest = remote_registry["m"].latest
        assert latest is not None
        assert (latest.name, latest.commit) == ("v2.0.0", served_repo.commits["c1"])
        assert str(remote_registry.latest()["m"]) == "m@v2.0.0"
        tags = (b"refs/tags/m@v2.0.0", b"refs/tags/n@v1.0.0")
        ids = [served_repo.repo.refs[Ref(tag)].decode() for tag in tags]
        assert wanted == [[id] for id in ids]
        assert len(remote_registry.latest()) == 2
        assert len(wanted) == 2  # they are cached


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/m", "git://127.0.0.1:1/m"])
def test_a_server_that_cannot_be_reached_is_an_error_with_the_reason(url: str) -> None:
    reason = os.strerror(errno.ECONNREFUSED)
    with Registry.open(url, timeout=5) as remote_registry, pytest.raises(RemoteError) as caught:
        len(remote_registry)
    assert f"{reason}; check that it is a Git server" in str(caught.value)
    assert len(str(caught.value)) < 180


@pytest.mark.parametrize("name", ["a\nb", "a\0b", "", "-a", "ü", "a@b"])
def test_an_invalid_model_name_sends_no_request(
    remote_registry: Registry, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with monkeypatch.context() as context:
        context.setattr(Transport, "refs", None)
        assert name not in remote_registry
        assert remote_registry.get(name) is None
    with pytest.raises(ModelNotFoundError):
        remote_registry[name]


def test_opening_a_url_sends_nothing() -> None:
    remote_registry = Registry.open("git://127.0.0.1:1/absent.git", timeout=5)
    with pytest.raises(RemoteError, match="cannot reach 'git://127.0.0.1:1/absent.git'"):
        list(remote_registry)
    remote_registry.close()
    remote_registry.close()


def test_every_write_works_at_a_url(remote_registry: Registry, served_repo: Builder) -> None:
    local = served_repo.registry
    commit = served_repo.commits["c1"]
    event = remote_registry.register("m", "v1.0.0", author=ANN, when=WHEN, message="first")
    assert local.event("m@v1.0.0") == event
    remote_registry.assign("m", "v1.0.0", "prod", author=ANN)
    assert remote_registry["m"].stages["prod"].commit == commit
    remote_registry.unassign("m", "v1.0.0", "prod", author=ANN)
    assert not remote_registry["m"].stages
    both = remote_registry.assign("n", stage="dev", register=True, author=ANN, commit=commit)
    assert [event.tag for event in local["n"].history] == ["n@v0.0.1", both.tag]
    remote_registry.deregister("m", "v1.0.0", author=ANN)
    remote_registry.deprecate("m", author=ANN)
    assert local["m"].deprecated
    planned = remote_registry.register("o", author=ANN, dry_run=True)
    assert planned.tag == "o@v0.0.1"
    assert "o" not in local
    assert same(remote_registry, local)


def test_the_same_bytes_are_written_as_in_a_repository(
    remote_registry: Registry, served_repo: Builder
) -> None:
    event = remote_registry.register(
        "m", "v1.0.0", author=ANN, when=WHEN, message="first\n# a comment\n"
    )
    id = served_repo.repo.refs[b"refs/tags/m@v1.0.0"]  # type: ignore[index]
    remote_registry.delete_tags(event)
    served_repo.registry.register(
        "m", "v1.0.0", author=ANN, when=WHEN, message="first\n# a comment\n"
    )
    assert served_repo.repo.refs[b"refs/tags/m@v1.0.0"] == id  # type: ignore[index]


def test_tags_that_changed_are_not_deleted(
    remote_registry: Registry, served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_repo.tags("m@v1.0.0", "m@v2.0.0")
    first, second = remote_registry["m"].history
    seen = RemoteStore.tags
    changed = served_repo.tag("other", "c1", 99)

    def change_concurrently(store: RemoteStore, prefixes: Any = ("",)) -> Any:
        found = seen(store, prefixes)
        served_repo.ref("refs/tags/m@v1.0.0", changed)
        return found

    monkeypatch.setattr(RemoteStore, "tags", change_concurrently)
    with pytest.raises(WriteConflictError, match="'m@v1.0.0' was changed concurrently"):
        remote_registry.delete_tags(first)
    monkeypatch.undo()
    assert remote_registry.delete_tags() == {}
    assert list(remote_registry.delete_tags(second)) == ["m@v2.0.0"]
    assert "m" in served_repo.registry


def test_an_existing_tag_is_not_overwritten(
    remote_registry: Registry, served_repo: Builder
) -> None:
    served_repo.tags("m@v1.0.0")
    with pytest.raises(VersionExistsError, match="registered already"):
        remote_registry.register("m", "v1.0.0", author=ANN)
    with pytest.raises(CommitTakenError):
        remote_registry.register("m", "v2.0.0", author=ANN)
    again = base.NewTag("m@v1.0.0", served_repo.commits["c1"], "m\n", ANN, WHEN)
    with pytest.raises(TagExistsError, match="'m@v1.0.0' exists already in '(git|http)://"):
        remote_registry._store.create([again])
    with pytest.raises(TagExistsError):
        remote_registry._store.check_tag_name("m@v1.0.0")
    with pytest.raises(WriteConflictError, match="one would be a directory of the other"):
        remote_registry._store.create(
            [base.NewTag("m@v1.0.0/x", served_repo.commits["c1"], "m\n", ANN, WHEN)]
        )


def test_a_tag_is_signed_before_it_is_sent(
    remote_registry: Registry, served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    signature = "-----BEGIN SSH SIGNATURE-----\n"
    monkeypatch.setattr(
        tag_format, "sign", lambda *arguments: f"{signature}{arguments[3]}\n".encode()
    )
    remote_registry.register("m", "v1.0.0", author=ANN, sign="my key")
    remote_registry.register("n", "v1.0.0", author=ANN, sign=True)
    raw = served_repo.repo[b"refs/tags/m@v1.0.0"].as_raw_string().decode()
    assert raw.endswith(f"\n\nRegistering artifact m version v1.0.0\n{signature}my key\n")
    assert served_repo.repo[b"refs/tags/n@v1.0.0"].as_raw_string().endswith(b"\nNone\n")


def test_an_invalid_ref_name_is_refused_before_anything_is_sent(
    remote_registry: Registry,
) -> None:
    with pytest.raises(InvalidNameError, match="Git does not allow such a tag name"):
        remote_registry.register("a//b", "v1.0.0", author=ANN)


def test_a_write_is_planned_with_the_current_tags(
    remote_registry: Registry, served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_repo.tags("m@v1.0.0")
    real = Transport.send

    def assign_first(transport: Transport, *arguments: Any, **options: Any) -> PushResult:
        monkeypatch.undo()
        served_repo.registry.assign("m", "v1.0.0", "prod", author=ANN)
        return real(transport, *arguments, **options)

    monkeypatch.setattr(Transport, "send", assign_first)
    with pytest.raises(StageHeldError):
        remote_registry.assign("m", "v1.0.0", "prod", author=ANN)
    assert remote_registry.assign("m", "v1.0.0", "prod", author=ANN, force=True).counter == 2


@pytest.mark.parametrize("revision", ["HEAD", "@", "main", "heads/main", "refs/heads/main", "t"])
def test_a_commit_is_named_by_a_ref_that_the_server_lists(
    remote_registry: Registry, served_repo: Builder, revision: str
) -> None:
    served_repo.tag("t", "c1")
    assert (
        remote_registry.register("m", author=ANN, commit=revision).commit
        == served_repo.commits["c1"]
    )


def test_a_commit_is_named_by_its_full_sha(remote_registry: Registry, served_repo: Builder) -> None:
    sha = served_repo.commits["c1"]
    assert remote_registry.register("m", author=ANN, commit=sha.upper()).commit == sha


@pytest.mark.parametrize("revision", ["HEAD~1", "abcdef0", "main^", "HEAD:file", "@{1}", "a\0b"])
def test_a_revision_that_needs_a_clone_is_an_error(
    remote_registry: Registry, revision: str
) -> None:
    with pytest.raises(RevisionNotFoundError, match="cannot be resolved at a URL: short SHAs"):
        remote_registry.register("m", author=ANN, commit=revision)


def test_a_branch_that_does_not_exist_is_an_error(remote_registry: Registry) -> None:
    with pytest.raises(RevisionNotFoundError, match="there is no branch or tag 'nope' at "):
        remote_registry.register("m", author=ANN, commit="nope")


def test_an_empty_server_has_no_models_and_no_commits(tmp_path: Path) -> None:
    with (
        Repo.init_bare(str(tmp_path)) as repo,
        http_server(repo) as url,
        Registry.open(url) as remote_registry,
    ):
        assert not remote_registry
        assert remote_registry.problems() == ()
        assert remote_registry.commits() == ()
        assert remote_registry.stages() == ()
        with pytest.raises(ModelNotFoundError):
            remote_registry["m"]
        with pytest.raises(RevisionNotFoundError, match="HEAD names no commit yet; push one first"):
            remote_registry.register("m", author=ANN)


def test_commits_are_listed_as_in_a_repository(
    remote_registry: Registry, served_repo: Builder
) -> None:
    for number in range(2, 6):
        served_repo.commit(f"c{number}", number, f"c{number - 1}")
    assert remote_registry.commits(limit=3) == served_repo.registry.commits(limit=3)
    assert remote_registry.commits(limit=None) == served_repo.registry.commits(limit=None)
    assert remote_registry.commits(limit=0) == ()


def test_the_configuration_is_read_from_the_servers_head(
    remote_registry: Registry, served_repo: Builder
) -> None:
    served_repo.tags("m@v1.0.0")
    store = remote_registry._store
    assert store.read_file(".gto") is None
    served_repo.commit_file(".gto", "stages: [prod]\n")
    assert store.read_file(".gto") == b"stages: [prod]\n"
    assert store.read_file(".gto") == b"stages: [prod]\n"
    assert store.read_file("other") is None
    tree = served_repo.repo[served_repo.repo[b"HEAD"].tree].copy()  # type: ignore[attr-defined]
    tree.add(b"directory", 0o40000, served_repo.repo[b"HEAD"].tree)  # type: ignore[attr-defined]
    served_repo.commit("directory", 5, tree=served_repo.add(tree))
    assert store.read_file("directory") is None


def test_a_file_that_was_filtered_out_is_fetched_by_its_id(
    remote_registry: Registry, served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_repo.commit_file(".gto", "stages: [prod]\n")
    real = Transport.fetch

    def filtering(transport: Transport, wants: Any, **options: Any) -> Fetched:
        if "depth" not in options:  # the blob, which dulwich's server does not send by its id
            objects = Fetched()
            objects.add_object(served_repo.repo[wants[0].encode()])
            return objects
        objects = real(transport, wants, **options)
        for id in [id for id in objects if objects[id].type_name == b"blob"]:
            del objects._raw[id]
        return objects

    monkeypatch.setattr(Transport, "fetch", filtering)
    assert remote_registry._store.read_file(".gto") == b"stages: [prod]\n"


def test_a_server_that_does_not_send_the_configuration_is_an_error(
    remote_registry: Registry, served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_repo.commit_file(".gto", "stages: [prod]\n")
    monkeypatch.setattr(Transport, "fetch", lambda *_, **__: Fetched())
    with pytest.raises(RemoteError, match="did not send '.gto' of its HEAD; pass stages= to"):
        remote_registry._store.read_file(".gto")


def test_a_head_that_is_not_a_commit_has_no_files(
    remote_registry: Registry, served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = served_repo.repo[served_repo.repo[b"HEAD"].tree]  # type: ignore[attr-defined]

    def other(_: Transport, wants: Any, **__: Any) -> Fetched:
        objects = Fetched()
        objects._raw[wants[0].encode()] = (tree.type_num, tree.as_raw_string())
        return objects

    monkeypatch.setattr(Transport, "fetch", other)
    assert remote_registry._store.read_file(".gto") is None


def test_files_that_are_not_wanted_are_received_up_to_a_limit(
    remote_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelversions.git.remote.transport.MAX_BYTES", 10)
    with pytest.raises(RemoteError, match="more than 10 bytes, having"):
        remote_registry.commits()


def test_a_filter_that_a_server_does_not_support_is_omitted(
    remote_registry: Registry, served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Transport.fetch_pack

    def without_filters(transport: Transport, *arguments: Any, **options: Any) -> None:
        if options.get("filter"):
            raise RemoteError("filter 'tree' not supported", location="server")
        real(transport, *arguments, **options)

    monkeypatch.setattr(Transport, "fetch_pack", without_filters)
    assert remote_registry.commits() == served_repo.registry.commits()


def test_the_allowed_stages_of_a_server_apply(
    remote_registry: Registry, served_repo: Builder
) -> None:
    served_repo.tags("m@v1.0.0")
    served_repo.commit_file(".gto", "stages: [prod]\n")
    with pytest.raises(ValueError, match="stage 'dev' is not allowed; allowed: "):
        remote_registry.assign("m", "v1.0.0", "dev", author=ANN)
    assert remote_registry.assign("m", "v1.0.0", "prod", author=ANN).stage == "prod"


def test_a_signature_is_checked_from_the_servers_bytes(
    remote_registry: Registry, served_repo: Builder
) -> None:
    served_repo.tags("m@v1.0.0")
    served_repo.ref("refs/tags/m@v2.0.0", served_repo.commits["c1"])
    assert str(remote_registry.verify("m@v1.0.0").status) == "unsigned"
    assert str(remote_registry.verify("m@v2.0.0").status) == "unsigned"


def test_a_server_neither_pushes_nor_fetches(remote_registry: Registry) -> None:
    with pytest.raises(InvalidArgumentError, match="is a server, where changes are made at once"):
        remote_registry.push()
    with pytest.raises(InvalidArgumentError, match="is a server"):
        remote_registry.register("m", author=ANN, push=True)
    assert "m" not in remote_registry


def test_values_are_pickled_without_a_server(
    remote_registry: Registry, served_repo: Builder
) -> None:
    irregular_tags(served_repo)
    assert pickle.loads(pickle.dumps(remote_registry["m"])) == served_repo.registry["m"]


def test_a_sha256_repository_is_read_but_not_written(tmp_path: Path) -> None:
    with Repo.init_bare(str(tmp_path), object_format="sha256") as repo:
        builder = Builder(repo).tags("m@v1.0.0")
        objects = Fetched(object_format=repo.object_format)
        for id in repo.object_store:
            objects.add_object(repo.object_store[id])
        store = RemoteStore(Url.parse("git://host/m"), base.RemoteOptions())
        refs = builder.registry._store.tags()
        parsed = store._tags._parse_fetched(
            [refs[0]._replace(peeled=builder.commits["c1"])], objects
        )
        assert parsed[refs[0].id].commit == builder.commits["c1"]
        with pytest.raises(RepositoryError, match="uses SHA-256; pushing to a SHA-256 .* not supp"):
            store.delete(refs)
        with pytest.raises(RepositoryError, match="uses SHA-256; pushing to a SHA-256 .* not supp"):
            store.create([base.NewTag("m@v2.0.0", refs[0].id, "m\n", ANN, WHEN)])


def test_the_example_shows_its_progress(
    remote_registry: Registry, served_repo: Builder, capsys: pytest.CaptureFixture[str]
) -> None:
    served_repo.tags("m@v1.0.0", "m#prod#1")
    example = Path(__file__).parents[3] / "examples" / "progress.py"
    runpy.run_path(str(example))["main"](remote_registry._store.location)
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == "2 events"
    assert "tags read" in shown.err


def test_a_file_url_is_a_local_repository(served_repo: Builder) -> None:
    served_repo.tags("m@v1.0.0")
    assert isinstance(served_repo.repo, Repo)
    with Registry.open(f"file://{served_repo.repo.path}") as remote_registry:
        assert same(remote_registry, served_repo.registry)
    with pytest.raises(RepositoryNotFoundError, match="is not in a Git repository"):
        Registry.open(f"file://{served_repo.repo.path}/objects")


def test_a_url_may_be_rewritten_by_the_configuration(served_repo: Builder, url: str) -> None:
    served_repo.tags("m@v1.0.0")
    text = f'[url "{url.removesuffix(PATH)}/"]\n\tinsteadOf = models:\n'
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text(text)
    with Registry.open(f"models:{PATH[1:]}") as remote_registry:
        assert same(remote_registry, served_repo.registry)


def test_a_url_may_be_rewritten_to_a_path(served_repo: Builder) -> None:
    served_repo.tags("m@v1.0.0")
    assert isinstance(served_repo.repo, Repo)
    text = f'[url "{served_repo.repo.path}"]\n\tinsteadOf = https://host/models\n'
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text(text)
    with Registry.open("https://host/models") as registry:
        assert same(registry, served_repo.registry)


def test_lightweight_tags_are_problems_as_in_the_repository(
    remote_registry: Registry, served_repo: Builder
) -> None:
    served_repo.ref("refs/tags/m@v1.0.0", served_repo.commits["c1"])
    assert [problem.kind for problem in remote_registry.problems()] == [ProblemKind.LIGHTWEIGHT]
    assert remote_registry.problems() == served_repo.registry.problems()


def test_the_author_at_a_url_is_the_configured_one(
    remote_registry: Registry, served_repo: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "2")
    for number, part in enumerate(("name", "email")):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", f"user.{part}")
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", part)
    event = remote_registry.register("m", "v9.0.0", commit=served_repo.commit())
    assert str(event.author) == "name <email>"


def test_a_tag_of_a_tree_is_not_a_version(served_repo: Builder, url: str) -> None:
    """The refs that a server lists do not show that it is not a commit."""
    served_repo.tag("m@v1.0.0", "c1", 10)
    tree = served_repo.add(Tree())
    for minor in range(2):
        served_repo.tag(f"m@v2.{minor}.0", tree, 20, kind="tree")
    served_repo.tag("n@v1.0.0", served_repo.blob(), 30, kind="blob")
    with Registry.open(url) as registry:
        assert str(registry["m"].latest) == "m@v1.0.0"
    with Registry.open(url) as registry:
        latest = registry.latest()
        assert list(latest) == ["m"]
        assert same(registry, served_repo.registry)
        assert latest == registry.latest() == {"m": registry["m"]["v1.0.0"]}


def test_models_exist_by_the_list_until_their_tags_are_read(served_repo: Builder, url: str) -> None:
    served_repo.tag("n@v1.0.0", served_repo.blob(), 30, kind="blob")
    with Registry.open(url) as registry:
        assert list(registry) == ["n"]
        refs = registry._store.tags()
        assert registry._store.peel(refs) == [refs[0].peeled]
        assert not registry.history()
        assert not list(registry)
        assert registry._store.peel(refs) == [None]


def test_zero_commits_are_listed(url: str) -> None:
    with Registry.open(url) as registry:
        assert tuple(registry._store.commits("HEAD", 0)) == ()
        assert len(tuple(registry._store.commits("HEAD", 1))) == 1
