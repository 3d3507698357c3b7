"""Repositories of every kind: where the tags may be, and how a revision finds its commit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dulwich.objects import Commit, ObjectID
from dulwich.refs import DiskRefsContainer, Ref, check_ref_format
from dulwich.repo import MemoryRepo, Repo
from hypothesis import given
from hypothesis import strategies as st

from modelversions import (
    AmbiguousRevisionError,
    ConfigurationError,
    Identity,
    NotACommitError,
    Registry,
    RepositoryError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from modelversions.git.local.local_refs import LocalRefs
from modelversions.git.local.packed_refs import PackedTags, packed_ref, packed_tags
from modelversions.git.store import TagRef
from tests.builders import Builder

ANN = Identity("Ann", "ann@example.com")


def path_of(builder: Builder) -> Path:
    assert isinstance(builder.repo, Repo)
    return Path(builder.repo.path)


class TestOpening:
    def test_a_path_inside_a_repository(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disk.tags("m@v1.0.0")
        inside = path_of(disk) / "a" / "b"
        inside.mkdir(parents=True)
        (inside / "file").write_text("")
        for path in (inside, str(inside), inside / "file", path_of(disk) / ".git"):
            with Registry.open(path) as registry:
                assert list(registry) == ["m"]
        monkeypatch.chdir(inside)
        with Registry.open() as registry:
            assert list(registry) == ["m"]
            assert repr(registry) == f"<Registry {str(path_of(disk))!r}: 1 model>"

    def test_a_bare_repository(self, tmp_path: Path) -> None:
        with Repo.init_bare(str(tmp_path / "bare.git"), mkdir=True) as repo:
            builder = Builder(repo)
            builder.tags("m@v1.0.0")
            with Registry.open(tmp_path / "bare.git") as registry:
                registry.register("m", "v2.0.0", author=ANN, force=True)
                assert registry.latest()["m"].name == "v2.0.0"

    def test_a_linked_worktree(self, disk: Builder, tmp_path: Path) -> None:
        disk.tags("m@v1.0.0")
        assert isinstance(disk.repo, Repo)
        linked = tmp_path / "linked"
        disk.repo.worktrees.add(str(linked), branch=b"side").close()
        with Registry.open(linked) as registry:
            registry.register("m", "v2.0.0", author=ANN, force=True)
        assert disk.registry.latest()["m"].name == "v2.0.0"

    @pytest.mark.usefixtures("impatient")
    def test_reftable(self, tmp_path: Path) -> None:
        Repo.init(str(tmp_path), format=1).close()
        with (tmp_path / ".git" / "config").open("a") as config:
            config.write("[extensions]\n\trefStorage = reftable\n")
        with Repo(str(tmp_path)) as repo:
            builder = Builder(repo)
            builder.tags("m@v1.0.0", "n@v1.0.0")
            builder.ref("refs/tags/m@v3.0.0", builder.commits["c1"])
            with Registry.open(tmp_path) as registry:
                registry.register("m", "v2.0.0", author=ANN, force=True)
                assert registry["m"].latest == registry["m"]["v2.0.0"]
                assert list(registry) == ["m", "n"]
                assert len(registry.problems()) == 2
                lock = tmp_path / ".git" / "reftable" / "tables.list.lock"
                lock.touch()
                with pytest.raises(OSError, match=r"tables.list.lock' and try again"):
                    registry.register("m", "v4.0.0", author=ANN, force=True)

    def test_a_worktree_s_configuration_goes_first(self, disk: Builder) -> None:
        config = path_of(disk) / ".git" / "config"
        config.write_text(
            "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tworktreeConfig = true\n"
            "[user]\n\tname = Local\n\temail = l@example.com\n"
        )
        (path_of(disk) / ".git" / "config.worktree").write_text("[user]\n\tname = Worktree\n")
        with Registry.open(path_of(disk)) as registry:
            event = registry.register("m", "v1.0.0")
        assert event.author == Identity("Worktree", "l@example.com")

    def test_a_user_s_configuration_for_some_folders(
        self, disk: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "work").write_text("[user]\n\tname = Work\n")
        condition = f'[includeIf "gitdir:{path_of(disk)}/"]\n\tpath = {tmp_path}/work\n'
        user = "[user]\n\tname = Home\n\temail = h@example.com\n"
        (tmp_path / "global").write_text(user + condition)
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "global"))
        assert disk.registry.register("m", "v1.0.0").author == Identity("Work", "h@example.com")
        memory = Builder(MemoryRepo())
        memory.commit()
        assert memory.registry.register("m", "v1.0.0").author == Identity("Home", "h@example.com")

    def test_a_configuration_that_cannot_be_read(
        self, disk: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "global").write_text("[user\nname = x")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "global"))
        with pytest.raises(
            ConfigurationError, match="'git config --list --show-origin' shows where"
        ):
            disk.registry.register("m", "v1.0.0")

    def test_sha256(self, tmp_path: Path) -> None:
        with Repo.init(str(tmp_path), object_format="sha256") as repo:
            builder = Builder(repo)
            sha = builder.commit()
            event = builder.registry.register("m", "v1.0.0", author=ANN, commit=sha[:10])
            assert len(event.commit) == 64
            builder.repo.refs.pack_refs(all=True)
            with Registry.open(tmp_path) as registry:
                assert registry["m"].history == (event,)
                assert registry.at(sha)

    def test_alternates(self, disk: Builder, tmp_path: Path) -> None:
        disk.tags("m@v1.0.0")
        tag = disk.raw("m@v2.0.0", f"object {disk.commits['c1']}\ntype commit\ntag m@v2.0.0\n\nx\n")
        with Repo.init(str(tmp_path / "borrower"), mkdir=True) as borrower:
            assert isinstance(disk.repo, Repo)
            borrower.object_store.add_alternate_path(disk.repo.object_store.path)
            for name in ("m@v1.0.0", "m@v2.0.0"):
                ref = Ref(f"refs/tags/{name}".encode())
                borrower.refs[ref] = disk.repo.refs[ref]
            with Registry.open(borrower.path) as registry:
                assert [version.name for version in registry["m"]] == ["v2.0.0", "v1.0.0"]
                assert tag == borrower.refs[Ref(b"refs/tags/m@v2.0.0")].decode()

    def test_an_open_repository_stays_its_owner_s(self) -> None:
        builder = Builder(MemoryRepo())
        builder.tags("m@v1.0.0")
        with Registry.from_repo(builder.repo) as registry:
            assert repr(registry) == "<Registry 'memory': 1 model>"
        assert list(Registry.from_repo(builder.repo)) == ["m"]

    @pytest.mark.parametrize("path", ["nowhere", "./user@host:path", "C:\\nowhere", ""])
    def test_a_mistyped_path_is_never_taken_for_a_url(self, path: str) -> None:
        with pytest.raises(RepositoryNotFoundError, match="there is no") as caught:
            Registry.open(path)
        assert caught.value.location == path
        assert isinstance(caught.value, FileNotFoundError)

    def test_a_folder_that_is_no_repository(self, tmp_path: Path) -> None:
        with pytest.raises(RepositoryNotFoundError, match="is not in a Git repository"):
            Registry.open(tmp_path)

    def test_a_repository_in_a_form_of_the_future(self, disk: Builder) -> None:
        config = path_of(disk) / ".git" / "config"
        config.write_text("[core]\n\trepositoryformatversion = 9\n")
        with pytest.raises(RepositoryError, match="cannot be read"):
            Registry.open(path_of(disk))

    def test_refs_that_cannot_be_read(self, disk: Builder) -> None:
        (path_of(disk) / ".git" / "packed-refs").mkdir()
        with pytest.raises(RepositoryError, match=r"the tags of .* cannot be read"):
            list(disk.registry)


class TestRefs:
    def test_loose_refs_win_over_packed_ones(self, disk: Builder) -> None:
        disk.commit("c2", 1)
        disk.tags("m@v1.0.0", "m@v2.0.0", "a/b@v1.0.0", "m#prod/eu#1")
        disk.pack()
        disk.tag("m@v1.0.0", "c2")
        disk.tag("a/c@v1.0.0", "c2")
        registry = disk.registry
        assert registry["m"]["v1.0.0"].commit == disk.commits["c2"]
        assert registry["m"]["v2.0.0"].commit == disk.commits["c1"]
        assert registry["m"].stages.keys() == {"prod/eu"}
        assert list(registry) == ["a/b", "a/c", "m"]
        assert len(registry["a/b"]) == 1

    def test_a_packed_file_tells_a_lightweight_tag(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0", "n@v1.0.0", "n@v1.0.0!")
        disk.ref("refs/tags/m@v2.0.0", disk.commits["c1"])
        disk.tag("m@v3.0.0", disk.blob(), kind="blob")
        disk.pack()
        registry = disk.registry
        assert {name: version.name for name, version in registry.latest().items()} == {
            "m": "v1.0.0"
        }
        assert registry["m"].latest == registry["m"]["v1.0.0"]
        assert list(registry) == ["m", "n"]

    def test_a_symbolic_ref_counts_under_its_own_name(self, disk: Builder) -> None:
        disk.tag("m@v1.0.0")
        disk.repo.refs.set_symbolic_ref(Ref(b"refs/tags/m@v2.0.0"), Ref(b"refs/tags/m@v1.0.0"))
        assert [version.name for version in disk.registry["m"]] == ["v2.0.0", "v1.0.0"]

    @pytest.mark.parametrize("content", ["", "rubbish", "ref: refs/tags/m@v2.0.0", "ref: ", "12ab"])
    def test_a_ref_that_cannot_be_read_is_a_problem(self, disk: Builder, content: str) -> None:
        disk.tag("m@v1.0.0")
        tags = path_of(disk) / ".git" / "refs" / "tags"
        (tags / "m@v2.0.0").write_text(content)
        (tags / "m@v3.0.0.lock").write_text("")
        registry = disk.registry
        assert [version.name for version in registry["m"]] == ["v1.0.0"]
        assert [problem.message for problem in registry.problems()] == ["the ref cannot be read"]

    def test_a_ref_that_goes_while_it_is_read(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disk.tags("m@v1.0.0")
        monkeypatch.setattr(
            "modelversions.git.local.local_refs._files", lambda *_: iter([b"m@v9.0.0"])
        )
        assert list(disk.registry) == []

    def test_a_packed_file_with_no_traits(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0")
        disk.ref("refs/tags/m@v2.0.0", disk.commits["c1"])
        disk.repo.refs.pack_refs(all=True)
        packed = path_of(disk) / ".git" / "packed-refs"
        lines = [line for line in packed.read_text().splitlines() if line[0] not in "#^"]
        for header in ("", "# pack-refs with: peeled \n"):
            packed.write_text(header + "".join(f"{line}\n" for line in reversed(lines)))
            assert [version.name for version in disk.registry["m"]] == ["v1.0.0"]


def listed(path: Path, *prefixes: str) -> dict[bytes, TagRef]:
    packed = packed_tags(bytes(path), [prefix.encode() for prefix in prefixes], PackedTags())
    return {ref.name.encode(): ref for ref in packed.refs}


SHA = st.integers(0, 2**160 - 1).map("{:040x}".format)
PARTS = st.text("abc@#v1./=!", min_size=1, max_size=5)
NAMES = st.one_of(PARTS.map("refs/tags/{}".format), PARTS.map("refs/{}".format)).filter(
    lambda name: check_ref_format(Ref(name.encode()))
)


@given(
    st.dictionaries(NAMES, st.tuples(SHA, st.one_of(st.none(), SHA)), max_size=12),
    st.lists(st.text("abc@#v", max_size=3), max_size=3),
    st.sampled_from(["", "cut"]),
)
def test_the_binary_search_finds_what_dulwich_reads(
    tmp_path_factory: pytest.TempPathFactory,
    refs: dict[str, tuple[str, str | None]],
    prefixes: list[str],
    end: str,
) -> None:
    root = tmp_path_factory.mktemp("packed")
    lines = ["# pack-refs with: peeled fully-peeled sorted "]
    for name, (sha, peeled) in sorted(refs.items()):
        lines += [f"{sha} {name}", *([f"^{peeled}"] if peeled else [])]
    path = root / "packed-refs"
    path.write_text("\n".join(lines) + "\n" + end)

    def find() -> dict[bytes, TagRef]:
        return listed(path, *prefixes)

    if end:
        with pytest.raises(RepositoryError, match="unexpected line 'cut'"):
            find()
        path.write_text("\n".join(lines) + "\n")
    found = find()
    judge = DiskRefsContainer(str(root)).get_packed_refs()
    assert {name: judge[Ref(name.encode())].decode() for name in refs} == {
        name: sha for name, (sha, _) in refs.items()
    }
    for order in (lines[1:], [line for line in lines[1:] if line[0] != "^"][::-1]):
        path.write_text("".join(f"{line}\n" for line in order))
        assert {ref.id for ref in find().values()} == {ref.id for ref in found.values()}
        path.write_text("\n".join(lines) + "\n")
    wanted = {f"refs/tags/{prefix}" for prefix in prefixes}
    assert {name.decode(): (ref.id, ref.peeled) for name, ref in found.items()} == {
        name.removeprefix("refs/tags/"): (sha, peeled or sha)
        for name, (sha, peeled) in refs.items()
        if name.startswith("refs/tags/") and name.startswith(tuple(wanted))
    }


def test_a_packed_file_that_is_missing_or_empty(tmp_path: Path) -> None:
    path = tmp_path / "packed-refs"
    assert listed(path, "") == {}
    for text in ("", "# pack-refs with: peeled fully-peeled \n"):
        path.write_text(text)
        assert listed(path, "") == {}
        assert packed_ref(bytes(path), b"refs/tags/m") == b""


@pytest.mark.parametrize(
    "rubbish", ["^abc", "rubbish", "# a comment", "abc refs/tags/n", f"^{'a' * 39}", "\n"]
)
@pytest.mark.parametrize("header", ["", "# pack-refs with: peeled fully-peeled sorted \n"])
@pytest.mark.parametrize("place", [1, 3, 5])
def test_a_line_that_git_would_stop_at(
    disk: Builder, header: str, rubbish: str, place: int
) -> None:
    disk.tags("m@v1.0.0", "m@v2.0.0")
    disk.pack()
    packed = path_of(disk) / ".git" / "packed-refs"
    lines = [line for line in packed.read_text().splitlines(keepends=True) if line[0] != "#"]
    lines.insert(place, f"{rubbish}\n")
    packed.write_text(header + "".join(lines))
    for _ in range(2):
        if header and place == 1 and "tags" not in rubbish:  # before all tags
            assert list(disk.registry) == ["m"]
            continue
        with pytest.raises(RepositoryError, match="the refs in .* unexpected line .*; repair"):
            list(disk.registry)
        if not header:
            with pytest.raises(RepositoryError, match="unexpected line"):
                disk.registry.at("nowhere")


def test_names_in_refs_may_be_any_bytes(disk: Builder) -> None:
    disk.tags("m@v1.0.0")
    id = disk.repo.refs[Ref(b"refs/tags/m@v1.0.0")]
    disk.repo.refs[Ref(b"refs/tags/\xff@v1.0.0")] = id
    refs = LocalRefs(disk.repo, "here").tags([""])
    assert [ref.name for ref in refs] == ["m@v1.0.0", "\ufffd@v1.0.0"]
    assert [problem.tag for problem in disk.registry.problems()] == ["\ufffd@v1.0.0"]


class TestRevisions:
    @pytest.fixture(params=["memory", "disk"])
    def many(self, request: pytest.FixtureRequest) -> Builder:
        """Commits c1 <- c2 <- c4 and c1 <- c3 <- c4, a merge."""
        found = request.getfixturevalue("builder" if request.param == "memory" else "disk")
        assert isinstance(found, Builder)
        found.commit("c2", 2, "c1")
        found.commit("c3", 3, "c1")
        found.commit("c4", 4, "c2", "c3")
        found.tag("v1", "c2")
        found.tag("tagged", found.tag("inner", "c3"), kind="tag")
        found.ref("refs/heads/side/one", found.commits["c3"])
        found.ref("refs/remotes/origin/main", found.commits["c2"])
        found.ref("refs/remotes/origin/HEAD", found.commits["c2"])
        return found

    @pytest.mark.parametrize(
        ("revision", "label"),
        [
            ("HEAD", "c4"),
            ("@", "c4"),
            ("main", "c4"),
            ("refs/heads/main", "c4"),
            ("heads/main", "c4"),
            ("side/one", "c3"),
            ("v1", "c2"),
            ("tagged", "c3"),
            ("tagged^{}", "c3"),
            ("tagged^{commit}~", "c1"),
            ("origin/main", "c2"),
            ("origin", "c2"),
            ("HEAD~", "c2"),
            ("HEAD^", "c2"),
            ("HEAD^2", "c3"),
            ("HEAD~2", "c1"),
            ("HEAD^2~1", "c1"),
            ("HEAD^2^", "c1"),
            ("HEAD^^", "c1"),
            ("HEAD~1^0", "c2"),
            ("@~2", "c1"),
        ],
    )
    def test_what_names_a_commit(self, many: Builder, revision: str, label: str) -> None:
        store = many.registry._store
        assert store.resolve(revision) == many.commits[label]
        for length in (40, 12):
            assert store.resolve(many.commits[label][:length].upper()) == many.commits[label]

    @pytest.mark.parametrize(
        "revision",
        [
            "",
            "nowhere",
            "HEAD~9",
            "HEAD^3",
            "~1",
            "a b",
            "a\0b",
            "a" * 5000,
            "a/" * 3000,
            "\udcff",
            "nowhere@{0}",
            "HEAD@{9}",
            "é",
            "0" * 40,
            "ab",
        ],
    )
    def test_what_names_none(self, many: Builder, revision: str) -> None:
        with pytest.raises(RevisionNotFoundError, match="there is no commit") as caught:
            many.registry._store.resolve(revision)
        assert caught.value.revision == revision

    @pytest.mark.parametrize(
        "revision",
        [
            *("^main", "HEAD:x", ":/text", "main..side/one", "HEAD^{/c1}", "HEAD^{tree}"),
            *("HEAD^!", "HEAD^@", "HEAD^-", "@{u}", "main@{upstream}", "@{-1}", "@{yesterday}"),
        ],
    )
    def test_a_form_that_is_not_supported(self, many: Builder, revision: str) -> None:
        with pytest.raises(RevisionNotFoundError, match="is not supported here; name one by its"):
            many.registry._store.resolve(revision)

    def test_what_a_ref_named_before(self, disk: Builder) -> None:
        first, second = disk.commits["c1"], disk.commit("c2", 2, "c1")
        logs = path_of(disk) / ".git" / "logs"
        (logs / "refs" / "heads").mkdir(parents=True, exist_ok=True)
        line = f"{ANN.name} <{ANN.email}> 1700000000 +0000\tx\n"
        (logs / "refs" / "heads" / "main").write_text(
            f"{'0' * 40} {first} {line}rubbish\n{first} {second} {line}"
        )
        (logs / "HEAD").write_text(f"{first} {second} {line}")
        resolve = disk.registry._store.resolve
        for revision in ("@{1}", "main@{1}", "HEAD@{1}", "@{0}~1", "refs/heads/main@{1}"):
            assert resolve(revision) == first
        assert resolve("@{0}") == resolve("HEAD@{0}") == second
        (logs / "HEAD").unlink()
        for revision in ("@{2}", "HEAD@{1}"):
            with pytest.raises(RevisionNotFoundError, match="there is no commit"):
                resolve(revision)

    def test_what_describe_prints(self, many: Builder) -> None:
        sha = many.commits["c3"]
        assert many.registry._store.resolve(f"v1-3-g{sha[:9]}") == sha

    def test_what_is_no_commit(self, many: Builder) -> None:
        blob = many.blob()
        many.ref("refs/tags/a-blob", blob)
        for revision in (blob, blob[:10], "a-blob"):
            with pytest.raises(NotACommitError, match="names a blob, not a commit") as caught:
                many.registry._store.resolve(revision)
            assert caught.value.type == "blob"

    def test_a_short_sha_that_fits_several_commits(self, builder: Builder) -> None:
        shas: dict[str, list[str]] = {}
        for number in range(800):
            sha = builder.commit(f"n{number}", number)
            shas.setdefault(sha[:4], []).append(sha)
        both = next((found for found in shas.values() if len(found) > 1), None)
        assert both is not None
        with pytest.raises(
            AmbiguousRevisionError, match=r"fits . commits, .* more digits"
        ) as caught:
            builder.registry._store.resolve(both[0][:4])
        assert set(caught.value.candidates) == set(both)

    def test_packed_and_symbolic_refs(self, disk: Builder) -> None:
        disk.commit("c2", 2, "c1")
        disk.tag("v1")
        for number in range(8):
            disk.ref(f"refs/heads/b{number}", disk.commits["c1"])
        disk.pack()
        store = disk.registry._store
        for revision, label in {"HEAD": "c2", "main": "c2", "v1": "c1", "b7~0": "c1"}.items():
            assert store.resolve(revision) == disk.commits[label]
        git = path_of(disk) / ".git"
        (git / "FETCH_HEAD").write_text(f"{disk.commits['c1']}\t\tbranch 'x' of y\n")
        assert store.resolve("FETCH_HEAD") == disk.commits["c1"]
        (git / "LOOP").write_text("ref: LOOP\n")
        (git / "config.sha").write_text(disk.commits["c1"])
        for revision in ("LOOP", "config.sha", "../.git/config.sha", "zz", "refs/heads"):
            with pytest.raises(RevisionNotFoundError):
                store.resolve(revision)
        packed = git / "packed-refs"
        packed.write_text(packed.read_text().replace(" sorted", ""))
        assert store.resolve("main") == disk.commits["c2"]
        packed.write_text("")
        with pytest.raises(RevisionNotFoundError):
            store.resolve("main")
        packed.unlink()
        with pytest.raises(RevisionNotFoundError):
            store.resolve("main")

    def test_a_branch_goes_before_a_short_sha(self, many: Builder) -> None:
        short = many.commits["c1"][:6]
        many.ref(f"refs/heads/{short}", many.commits["c4"])
        assert many.registry._store.resolve(short) == many.commits["c4"]


def test_a_commit_that_cannot_be_read_whole(builder: Builder) -> None:
    raw = b"tree %b\n\nmessage\n" % (b"a" * 40)
    from modelversions.git.tag_object import parse_commit

    commit = parse_commit("b" * 40, raw)
    assert (commit.author, commit.subject, commit.time.year) == (None, "message", 1970)
    assert isinstance(builder.repo.object_store[ObjectID(builder.commits["c1"].encode())], Commit)


def test_a_repository_that_went_away_is_no_empty_registry(disk: Builder, tmp_path: Path) -> None:
    disk.tags("m@v1.0.0")
    with Registry.open(path_of(disk)) as registry:
        shutil.move(path_of(disk), tmp_path / "elsewhere")
        with pytest.raises(RepositoryError, match="cannot be read: .*No such file"):
            list(registry)


@pytest.mark.parametrize("commits", [0, 1])
def test_a_repository_without_commits(commits: int) -> None:
    builder = Builder()
    hint = "HEAD names no commit yet; commit something first, or name a branch"
    if commits:
        builder.commit()
        assert builder.registry.commits()
    else:
        with pytest.raises(RevisionNotFoundError, match=hint):
            builder.registry.at()
        with pytest.raises(RevisionNotFoundError, match=hint):
            builder.registry.register("m", author=ANN)
