"""The objects that a push sends: all that the remote lacks, and few others."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from dulwich.objects import Blob, ObjectID, Tree
from dulwich.repo import MemoryRepo, Repo

from modelversions import Identity, Registry
from modelversions.git.local.single_refs import ids_below
from modelversions.git.objects.object_files import ObjectFiles
from modelversions.git.objects.outgoing import Outgoing, links
from tests.builders import Builder
from tests.servers import git_server

ANN = Identity("Ann", "ann@example.com")


def outgoing(builder: Builder, **boundaries: tuple[str, ...]) -> Outgoing:
    return Outgoing(ObjectFiles(builder.repo, "memory"), 20, boundaries)


def reachable(builder: Builder, ids: set[str]) -> set[str]:
    """Return all objects that are reachable from some objects."""
    files, found, queue = ObjectFiles(builder.repo, "memory"), set(), list(ids)
    while queue:
        id = queue.pop()
        if id not in found:
            found.add(id)
            queue += links(files.raw(id), 20)
    return found


@pytest.mark.parametrize("seed", range(40))
def test_the_remote_is_complete_afterwards(builder: Builder, seed: int) -> None:
    """Random histories, with dates that may be out of order."""
    chance = random.Random(seed)  # noqa: S311  # reproducible from its seed
    labels = ["c1"]
    for number in range(2, 30):
        blob, tree = builder.blob(str(chance.randrange(6))), Tree()
        tree.add(b"a", 0o100644, ObjectID(blob.encode()))
        tree.add(b"link", 0o160000, ObjectID(b"12" * 20))
        label = f"c{number}"
        parents = chance.sample(labels, min(len(labels), chance.choice([1, 1, 1, 2])))
        builder.commit(label, chance.randrange(40), *parents, tree=builder.add(tree))
        labels.append(label)
    tags = [builder.tag(f"t{label}", label) for label in chance.sample(labels, 3)]
    inner = builder.tag("outer", tags[0], kind="tag")
    haves = {builder.commits[label] for label in chance.sample(labels, 4)}
    wants = {*tags, inner}
    sent = outgoing(builder).objects(sorted(wants), [*sorted(haves), "ab" * 20])
    assert len(sent) == len(set(sent))
    on_remote = reachable(builder, haves)
    assert reachable(builder, wants) <= {*sent, *on_remote}


def test_only_the_tag_is_sent_if_the_commit_exists(builder: Builder) -> None:
    builder.commit("c2", 1, "c1")
    builder.commit("c3", 2, "c2")
    tag = builder.tag("m@v1.0.0", "c1")
    for have in ("c1", "c2", "c3"):
        assert outgoing(builder).objects([tag], [builder.commits[have]]) == [tag]
    sent = outgoing(builder).objects([builder.tag("n@v1.0.0", "c3")], [builder.commits["c2"]])
    assert sent[1:] == [builder.commits["c3"]]


def test_a_shallow_boundary_and_other_objects(builder: Builder) -> None:
    builder.commit("c2", 1, "c1")
    tag = builder.tag("m@v1.0.0", "c2")
    sent = outgoing(builder, **{builder.commits["c2"]: ()}).objects([tag], [])
    assert builder.commits["c1"] not in sent
    blob = builder.blob("x")
    of_blob = builder.tag("b", blob, kind="blob")
    assert outgoing(builder).objects([of_blob, blob], []) == [of_blob, blob]
    timeless = builder.add(Blob.from_string(b"y"))
    assert outgoing(builder).objects([timeless], []) == [timeless]


def test_the_haves_are_those_of_all_refs(disk: Builder, tmp_path: Path) -> None:
    with Repo.init_bare(str(tmp_path / "other"), mkdir=True) as repo:
        other = Builder(repo)
        other.commit()
        other.tags("m@v1.0.0", "m@v2.0.0")
        with git_server(repo) as url:
            assert disk.registry.fetch(remote=url).transferred == ("m@v1.0.0", "m@v2.0.0")
            disk.repo.refs.remove_if_equals(b"refs/heads/main", None)  # type: ignore[arg-type]
            disk.ref("refs/remotes/origin/x/y", disk.commits["c1"])
            with Registry.open(disk.repo.path) as registry:  # type: ignore[union-attr]
                event = registry.register("n", "v1.0.0", commit=disk.commits["c1"], author=ANN)
                inner = registry._store.tags([event.tag])[0].id
                disk.tag("o@v1.0.0", inner, kind="tag")
                assert registry.push(event, "o@v1.0.0", remote=url).transferred == (
                    event.tag,
                    "o@v1.0.0",
                )


def test_refs_below_a_name(disk: Builder) -> None:
    disk.ref("refs/heads/a/b", disk.commits["c1"])
    disk.pack()
    disk.ref("refs/heads/c", disk.commits["c1"])
    assert isinstance(disk.repo, Repo)
    (Path(disk.repo.controldir()) / "refs" / "heads" / "bad").write_text("nonsense")
    (Path(disk.repo.controldir()) / "refs" / "heads" / "loop").symlink_to("loop")
    assert ids_below(disk.repo.refs, b"refs/heads/").keys() == {b"a/b", b"c", b"main"}
    memory = Builder(MemoryRepo())
    memory.commit()
    assert ids_below(memory.repo.refs, b"refs/heads/").keys() == {b"main"}
