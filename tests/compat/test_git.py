"""C git writes the same bytes, and reads the same revisions, refs, names and times."""

from __future__ import annotations

import itertools
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelversions import Identity, InvalidNameError, Registry, RevisionNotFoundError
from modelversions.git.local.local_store import LocalStore
from modelversions.git.store import NewTag
from modelversions.git.tag_object import clean_message
from tests.compat.git import Git, init

pytestmark = pytest.mark.compat

ANN = Identity("Ann", "ann@example.com")
WHEN = datetime(2024, 2, 29, 12, 30, 15, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))

LINES = st.text("ab# \t\r\v\fé;", max_size=6)
MESSAGES = st.one_of(
    st.lists(LINES, max_size=6).map("\n".join),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30),
)


def rev_parsed(git: Git, revision: str) -> str:
    """Return the result of ``git rev-parse``; empty if the revision does not exist."""
    command = ["git", "rev-parse", "-q", "--verify", revision]
    done = subprocess.run(command, cwd=git.path, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def resolved(store: LocalStore, revision: str) -> str:
    """Return the result of this library; empty if the revision does not exist."""
    try:
        return store.resolve(revision)
    except RevisionNotFoundError:
        return ""


@pytest.fixture
def git(tmp_path: Path) -> Git:
    git = init(tmp_path / "repo")
    git.commit()
    return git


def test_short_shas(tmp_path: Path) -> None:
    """There are so many objects of each kind that some begin with the same digits."""
    git = init(tmp_path / "repo")
    who = "Ann <ann@example.com>"
    lines: list[str] = []
    for number in range(700):
        lines.append(f"blob\nmark :{2 * number + 1}\ndata {len(str(number))}\n{number}\n")
        lines.append(
            f"commit refs/heads/main\nmark :{2 * number + 2}\n"
            f"committer {who} {1_700_000_000 + number} +0000\ndata 0\n"
        )
        for name, mark in (("c", 2 * number + 2), ("b", 2 * number + 1)):
            when = 1_700_000_000 + number
            lines.append(f"tag {name}{number}\nfrom :{mark}\ntagger {who} {when} +0000\ndata 0\n")
    git("fast-import", "--quiet", text="".join(lines))
    ids = [
        line.split()[0]
        for line in git("cat-file", "--batch-all-objects", "--batch-check").splitlines()
    ]
    shared = {id[:4] for id, after in itertools.pairwise(ids) if id[:4] == after[:4]}
    assert len(shared) > 20
    revisions = [form.format(short) for short in sorted(shared) for form in ("{}", "x-3-g{}")]
    text = "".join(f"{revision}^{{commit}}\n" for revision in revisions)
    answers = git("cat-file", "--batch-check", text=text).splitlines()
    store = LocalStore.open(git.path)
    for revision, answer in zip(revisions, answers, strict=True):
        words = answer.split()
        expected = words[0] if words[1] == "commit" else ""
        assert resolved(store, revision) == expected, (revision, answer)
    store.close()


def test_the_order_of_commits_with_times_after_the_year_9999(git: Git) -> None:
    tree, first = git("rev-parse", "HEAD^{tree}", "HEAD").split()

    def commit(time: int, *parents: str) -> str:
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines += [f"{who} Ann <a@b> {time} +0000" for who in ("author", "committer")]
        text = "\n".join([*lines, "", f"at {time}", ""])
        return git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", text=text).strip()

    times = (253_402_300_800, 10**17, 1_700_000_001, 2**64 + 9, 2**63 + 1, 99_999_999_999_999)
    git("update-ref", "refs/heads/main", commit(10**18, *(commit(time, first) for time in times)))
    log = git("log", "--format=%H").split()
    assert len(log) == len(times) + 2
    with Registry.open(git.path) as registry:
        assert [found.commit for found in registry.commits(limit=None)] == log


@settings(max_examples=150)
@given(message=MESSAGES, comment=st.sampled_from("#;a"))
@example(message=" \n# x\n\n\n y \n", comment="#")
def test_messages_are_cleaned_up_as_by_git(
    tmp_path_factory: pytest.TempPathFactory, message: str, comment: str
) -> None:
    git = Git(tmp_path_factory.getbasetemp())
    config = ("-c", f"core.commentChar={comment}")
    assert clean_message(message, comment) == git(*config, "stripspace", "-s", text=message)


def test_tags_have_the_same_bytes_as_those_of_git_tag(tmp_path: Path) -> None:
    theirs, ours = init(tmp_path / "theirs"), init(tmp_path / "ours")
    assert theirs.commit() == ours.commit()
    counter = itertools.count()

    @settings(max_examples=60)
    @given(
        message=MESSAGES.filter(lambda text: clean_message(text, "#") != ""),
        seconds=st.integers(100_000_000, 4_000_000_000),
        minutes=st.integers(-14 * 60, 14 * 60),
    )
    def compare(message: str, seconds: int, minutes: int) -> None:
        name = f"dir=m@v1.0.{next(counter)}"
        zone = timezone(timedelta(minutes=minutes))
        when = datetime.fromtimestamp(seconds, zone)
        date = f"@{seconds} {when:%z}"
        theirs("tag", "-a", "-m", message, name, env={"GIT_COMMITTER_DATE": date})
        with Registry.open(ours.path) as registry:
            model, _, version = name.replace("=", ":").partition("@")
            registry.register(model, version, message=message, author=ANN, when=when, force=True)
        ref = f"refs/tags/{name}"
        assert ours("rev-parse", ref) == theirs("rev-parse", ref)

    compare()
    assert theirs("for-each-ref") == ours("for-each-ref")


def test_git_reads_tags_of_this_library(git: Git, tmp_path: Path) -> None:
    with Registry.open(git.path) as registry:
        event = registry.register("m", "v1.0.0", author=ANN, when=WHEN, message="Why\n\n  so")
        registry.register("cv:pool", "v0.1.0-rc.1+b", author=ANN, when=WHEN)
    assert git("fsck", "--strict", "--no-dangling") == ""
    assert git("tag", "-l").split() == ["cv=pool@v0.1.0-rc.1+b", "m@v1.0.0"]
    assert (
        "Tagger: Ann <ann@example.com>\nDate:   Thu Feb 29 12:30:15 2024 -0330\n\nWhy\n\n  so"
        in git("show", "m@v1.0.0")
    )
    assert git("describe", event.commit).strip() in ("m@v1.0.0", "cv=pool@v0.1.0-rc.1+b")
    bare = init(tmp_path / "bare", "--bare")
    git("push", "-q", str(bare.path), "--tags")
    with Registry.open(bare.path) as pushed:
        assert pushed["m"].history == (event,)
    git("pack-refs", "--all")
    git("gc", "-q", "--prune=now")
    with Registry.open(git.path) as packed:
        assert packed["m"].history == (event,)


def test_a_tag_created_by_git_is_read_at_the_next_access(git: Git) -> None:
    with Registry.open(git.path) as registry:
        for number in range(3):
            git("tag", "-a", "-m", "x", f"m@v1.0.{number}")
            assert registry.latest()["m"].name == f"v1.0.{number}"
            assert len(registry["m"]) == number + 1
            git("pack-refs", "--all")
            assert len(registry["m"]) == number + 1
        git("tag", "-d", "m@v1.0.2")
        assert registry.latest()["m"].name == "v1.0.1"


def test_refs_equal_those_of_for_each_ref(git: Git) -> None:
    first, second = git.commit(), git.commit(1_700_000_100)
    names = ["m@v1.0.0", "a/b@v1.0.0", "a/b#prod/eu#1", "a-b@v1.0.0", "m#dev#1", "m@v1.0.0-rc", "z"]
    for number, name in enumerate(names):
        git("tag", "-a", "-m", "x", name, first)
        git("tag", f"light{number}", first)
    git("pack-refs", "--all")
    git("tag", "-d", "m#dev#1", "light2")
    git("tag", "-f", "-a", "-m", "y", "m@v1.0.0", second)
    git("tag", "nested", "refs/tags/z")
    git("tag", "-a", "-m", "x", "deep", "refs/tags/z")
    git("symbolic-ref", "refs/tags/alias", "refs/tags/z")
    fields = "%(refname:strip=2) %(objectname) %(*objectname)"

    def listed(*prefixes: str) -> list[list[str]]:
        lines = git("for-each-ref", f"--format={fields}", "refs/tags").splitlines()
        return [line.split() for line in lines if line.startswith(prefixes)]

    store = LocalStore.open(git.path)
    for prefixes in ([""], ["m@", "m#"], ["a/b@", "a/b#"], ["nothing@"]):
        refs = store.tags(prefixes)
        expected = [line for line in listed(*prefixes) if line[0] != "deep"]
        found = [
            [ref.name, ref.id, *([commit] if (commit := store.peel([ref])[0]) else [])]
            for ref in refs
            if ref.name != "deep"  # git 2.39 peels once, this library to the commit
        ]
        assert sorted(found) == sorted(expected)
    deep = store.tags(["deep"])[0]
    assert store.peel([deep]) == [first]
    store.close()


def test_times_equal_creatordate(git: Git) -> None:
    sha = git.commit(1_600_000_000)
    heads = {
        "m@v1.0.0": "tagger A <a@b> 1700000000 +0900\n",
        "m@v1.0.1": "tagger A <a@b> 1700000000 -0330\n",
        "m@v1.0.2": "",
    }
    for name, tagger in heads.items():
        text = f"object {sha}\ntype commit\ntag {name}\n{tagger}\nx\n"
        id = git("hash-object", "-t", "tag", "-w", "--literally", "--stdin", text=text).strip()
        git("update-ref", f"refs/tags/{name}", id)
    with Registry.open(git.path) as registry:
        expected = git(
            "for-each-ref", "--format=%(refname:strip=2) %(creatordate:raw)", "refs/tags"
        )
        ours = [f"{e.tag} {int(e.time.timestamp())} {e.time:%z}" for e in registry.history()]
    # git has no date for a tag without a tagger; F10 uses the commit's
    shown = [
        line if line[-1] != " " else f"{line}1600000000 +0000" for line in expected.splitlines()
    ]
    assert sorted(ours) == sorted(shown)


TAGGERS = [
    "A <a@b> 1700000000 +0100",
    "A <<a>> 1700000000 +0100",
    "A < B <a> 1700000000 +0100",
    "A < a > 1700000000 +0100",
    "A <a> 1700000000\t+0100",
    "A <a> 1700000000 \t -0330",
    "A <a> 1700000000 0100",
    "A <a> 1700000000 100",
    "A <a> 1700000000 +1",
    "A <a> 1700000000+0100",
    "A <a> +1700000000 +0100",
    "A <a>   1700000000   -0330",
    "A <a> 1700000000 +01000",
    "A <a> 1700000000 UTC",
    "A <a> 1700000000 - 0100",
    "A <a> 1700000000 +0100 more",
    "A <a> 1700000000",
    "<a> 1700000000 +0100",
]


def test_taggers_are_read_as_by_git(git: Git) -> None:
    sha = git.commit(1_600_000_000)
    for number, tagger in enumerate(TAGGERS):
        for end, patch in (("\n\nx\n", 0), ("\n", 1), ("", 2)):
            name = f"m@v1.{number}.{patch}"
            text = f"object {sha}\ntype commit\ntag {name}\ntagger {tagger}{end}"
            id = git("hash-object", "-t", "tag", "-w", "--literally", "--stdin", text=text).strip()
            git("update-ref", f"refs/tags/{name}", id)
    fields = "%(refname:strip=2)|%(taggername)|%(taggeremail)|%(taggerdate:raw)"
    expected = git("for-each-ref", f"--format={fields}", "refs/tags").splitlines()
    with Registry.open(git.path) as registry:
        ours = [
            f"{e.tag}|{e.author.name}|<{e.author.email}>|{int(e.time.timestamp())} {e.time:%z}"
            for e in registry.history()
            if e.author is not None
        ]
    assert sorted(ours) == sorted(expected)


def test_reflogs_are_read_as_by_git(git: Git) -> None:
    for number in (1, 2):
        git.commit(1_700_000_000 + number)
    git("checkout", "-q", "-b", "side", "HEAD~1")
    git.commit(1_700_000_009, "aside")
    git("checkout", "-q", "main")
    store = LocalStore.open(git.path)
    for ref, back, steps in itertools.product(
        ("", "HEAD", "main", "side", "refs/heads/side", "nowhere", "@"), range(9), ("", "~1")
    ):
        revision = f"{ref}@{{{back}}}{steps}"
        # git does not parse this with ^{commit}
        assert resolved(store, revision) == rev_parsed(git, revision), revision
    store.close()


def test_commits_are_listed_as_by_git_log(git: Git, tmp_path: Path) -> None:
    times = iter((5, 9, 7, 7, 3, 12, 12, 1, 20))
    for branch in ("main", "side", "aside"):
        git("checkout", "-q", "-B", branch)
        for _ in range(3):
            git.commit(1_700_000_000 + next(times), branch)
    git("checkout", "-q", "main")
    git("merge", "-q", "--no-ff", "-m", "both", "aside")
    git("clone", "-q", "--depth=3", f"file://{git.path}", str(tmp_path / "shallow"))
    for repository in (git, Git(tmp_path / "shallow")):
        with Registry.open(repository.path) as registry:
            ours = [commit.id for commit in registry.commits(limit=None)]
            assert ours == repository("log", "--format=%H").split()
            assert ours[:2] == [commit.id for commit in registry.commits(limit=2)]


def test_an_empty_directory_with_the_name_of_a_tag(git: Git) -> None:
    tags = git.path / ".git" / "refs" / "tags"
    for name in ("m@v1.0.0", "m@v2.0.0"):
        (tags / name / "a" / "b").mkdir(parents=True)
    git("tag", "-a", "-m", "x", "m@v1.0.0")
    with Registry.open(git.path) as registry:
        assert registry.register("m", "v2.0.0", author=ANN, force=True).tag == "m@v2.0.0"
    assert git("tag", "-l").split() == ["m@v1.0.0", "m@v2.0.0"]


REVISIONS = [
    "".join(parts)
    for parts in itertools.product(
        ("HEAD", "@", "main", "side", "v1", "nested", "refs/tags/v1", "heads/side", "nowhere"),
        ("", "~", "~2", "^", "^2", "^2~1", "~1^2", "^^", "^0", "^{}", "^{commit}", "~9", "^3"),
    )
]


def test_revisions_are_resolved_as_by_rev_parse(git: Git) -> None:
    git("checkout", "-q", "-b", "side")
    side = git.commit(1_700_000_001, "on side")
    git("checkout", "-q", "main")
    git.commit(1_700_000_002)
    git("merge", "-q", "--no-ff", "-m", "both", "side")
    git("tag", "-a", "-m", "x", "v1", side)
    git("tag", "-a", "-m", "x", "nested", "v1")
    store = LocalStore.open(git.path)
    for revision in (*REVISIONS, side, side[:7], side.upper(), "HEAD:", "", "@{0}", "HEAD@{1}"):
        theirs = rev_parsed(git, f"{revision}^{{commit}}")
        assert resolved(store, revision) == theirs, revision
    store.close()


@settings(max_examples=150)
@given(name=st.text("ab.@{/-~^:\\ \x07lock*é", min_size=1, max_size=10))
@example(name="a.lock/b")
def test_names_that_git_rejects_are_rejected(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    base = tmp_path_factory.getbasetemp() / "names"
    if not base.exists():
        init(base)
    command = ["git", "check-ref-format", f"refs/tags/{name}"]
    is_valid = subprocess.run(command, check=False).returncode == 0 and not name.startswith("-")
    store = LocalStore.open(base)
    try:
        store.check_tag_name(name)
        ours = True
    except InvalidNameError:
        ours = False
    store.close()
    assert ours == is_valid


class TestKindsOfRepositories:
    """C git creates them, this library reads and writes them, and C git checks them."""

    @pytest.fixture(
        params=["plain", "bare", "worktree", "shared", "sha256", "shallow", "submodule"]
    )
    def repository(self, request: pytest.FixtureRequest, git: Git, tmp_path: Path) -> Git:
        git("tag", "-a", "-m", "x", "m@v1.0.0")
        git.commit(1_700_000_050)
        path = tmp_path / "copy"
        match request.param:
            case "bare":
                git("clone", "-q", "--bare", str(git.path), str(path))
            case "worktree":
                git("worktree", "add", "-q", "-b", "side", str(path))
            case "shared":
                git("clone", "-q", "--shared", str(git.path), str(path))
            case "shallow":
                git(
                    "clone",
                    "-q",
                    "--depth=1",
                    "--no-single-branch",
                    f"file://{git.path}",
                    str(path),
                )
            case "sha256":
                init(path, "--object-format=sha256").commit()
                Git(path)("tag", "-a", "-m", "x", "m@v1.0.0")
            case "submodule":
                outer = init(tmp_path / "outer")
                allow = ("-c", "protocol.file.allow=always")
                outer(*allow, "submodule", "-q", "add", str(git.path), "inner")
                path = outer.path / "inner"
            case _:
                path = git.path
        return Git(path)

    def test_reading_and_writing(self, repository: Git) -> None:
        with Registry.open(repository.path) as registry:
            old = set(registry.get("m", ()))
            event = registry.register("m", "v2.0.0", author=ANN, when=WHEN, force=True)
            assert registry.latest()["m"].name == "v2.0.0"
            assert {version.name for version in registry["m"]} == {
                "v2.0.0",
                *(version.name for version in old),
            }
        assert repository("rev-parse", "m@v2.0.0^{}").strip() == event.commit
        assert repository("fsck", "--strict", "--no-dangling") == ""
        assert repository("cat-file", "tag", "m@v2.0.0").endswith(
            "\n\nRegistering artifact m version v2.0.0\n"
        )


def test_the_configured_comment_character_and_identity_are_used_as_by_git(git: Git) -> None:
    git("config", "core.commentChar", ";")
    git("config", "user.name", "Örs.")
    git("config", "user.email", "<o@example.com>")
    unset = {"GIT_COMMITTER_NAME": "", "GIT_COMMITTER_EMAIL": ""}
    git("tag", "-a", "-m", "#kept\n;gone", "theirs", env=unset)
    with Registry.open(git.path) as registry:
        registry.register("m", "v1.0.0", message="#kept\n;gone")
    formatted = git("for-each-ref", "--format=%(taggername)|%(taggeremail)|%(subject)", "refs/tags")
    ours, theirs = formatted.splitlines()
    assert ours == theirs == "Örs|<o@example.com>|#kept"


def test_an_existing_tag_of_git_is_not_overwritten(git: Git) -> None:
    git("tag", "-a", "-m", "theirs", "m@v1.0.0")
    before = git("for-each-ref")
    store = LocalStore.open(git.path)
    sha = store.resolve("HEAD")
    with pytest.raises(FileExistsError):
        store.create([NewTag("m@v1.0.0", sha, "ours\n", ANN, WHEN)])
    assert git("for-each-ref") == before
    store.close()
