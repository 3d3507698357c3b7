"""Build repositories for tests with dulwich's low-level API, with full control of all bytes."""

from __future__ import annotations

import json
import zlib
from datetime import datetime, timedelta, timezone
from itertools import zip_longest
from pathlib import Path
from typing import Any

import attrs
from dulwich.errors import ObjectFormatException
from dulwich.object_store import PackBasedObjectStore
from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tag, Tree
from dulwich.refs import Ref
from dulwich.repo import MemoryRepo, Repo

from modelversions import Registry

ANN = "Ann <ann@example.com>"
START = 1_700_000_000
CORPORA = Path(__file__).parents[2] / "shared" / "corpora"


@attrs.define
class Builder:
    """Adds commits and tags to a repository; times are seconds after ``START``."""

    repo: Repo | MemoryRepo = attrs.Factory(MemoryRepo)
    commits: dict[str, str] = attrs.Factory(dict)

    def add(self, obj: ShaFile) -> str:
        """Store an object; return its ID."""
        self.repo.object_store.add_object(obj)
        return obj.get_id(self.repo.object_format).decode()

    def commit(self, label: str = "c1", at: int = 0, *parents: str, tree: str | None = None) -> str:
        """Create a commit with a label on the branch of HEAD; return its ID."""
        commit = Commit()
        commit.tree = ObjectID((tree or self.add(self._empty(Tree()))).encode())
        commit.parents = [ObjectID(self.commits.get(p, p).encode()) for p in parents]
        commit.author = commit.committer = ANN.encode()
        commit.author_time = commit.commit_time = START + at
        commit.author_timezone = commit.commit_timezone = 0
        commit.message = f"{label}\n".encode()
        commit.object_format = self.repo.object_format
        self.commits[label] = self.add(commit)
        self.ref("refs/heads/main", self.commits[label])
        self.repo.refs.set_symbolic_ref(Ref(b"HEAD"), Ref(b"refs/heads/main"))
        return self.commits[label]

    def commit_file(self, path: str, text: str, label: str = "file", at: int = 0) -> str:
        """Create a commit that contains one file; return its ID."""
        tree = self._empty(Tree())
        tree.add(path.encode(), 0o100644, ObjectID(self.blob(text).encode()))  # type: ignore[attr-defined]
        return self.commit(label, at, tree=self.add(tree))

    def blob(self, text: str = "blob") -> str:
        """Store a blob; return its ID."""
        blob = self._empty(Blob())
        blob.data = text.encode()  # type: ignore[attr-defined]
        return self.add(blob)

    def _empty(self, obj: ShaFile) -> ShaFile:
        obj.object_format = self.repo.object_format
        return obj

    def ref(self, name: str, id: str) -> None:
        """Point a ref at an object."""
        self.repo.refs[Ref(name.encode())] = ObjectID(id.encode())

    def raw(self, ref: str, text: str | bytes) -> str:
        """Create a tag object with exactly these bytes, and a ref to it; return its ID."""
        content = text.encode() if isinstance(text, str) else text
        format = self.repo.object_format
        try:
            id = self.add(Tag.from_raw_string(Tag.type_num, content, object_format=format))
        except (
            ObjectFormatException,
            IndexError,
            ValueError,
        ):  # dulwich does not write objects that it cannot parse
            id = self._loose(b"tag %d\0%b" % (len(content), content))
        self.ref(f"refs/tags/{ref}", id)
        return id

    def _loose(self, whole: bytes) -> str:
        assert isinstance(self.repo, Repo)
        id = str(self.repo.object_format.hash_func(whole).hexdigest())  # type: ignore[call-arg]
        directory = Path(self.repo.controldir(), "objects", id[:2])
        directory.mkdir(exist_ok=True)
        (directory / id[2:]).write_bytes(zlib.compress(whole))
        return id

    def tag(
        self,
        name: str,
        commit: str = "c1",
        at: int = 0,
        *,
        kind: str = "commit",
        inner: str | None = None,
        tagger: str | None = ANN,
        zone: str = "+0000",
        message: str | bytes = "a tag",
    ) -> str:
        """Create an annotated tag; ``inner`` is the name in the object, if it differs."""
        target = self.commits.get(commit, commit)
        header = "" if tagger is None else f"tagger {tagger} {START + at} {zone}\n"
        head = f"object {target}\ntype {kind}\ntag {inner or name}\n{header}\n".encode()
        body = message if isinstance(message, bytes) else message.encode()
        return self.raw(name, head + body + b"\n")

    def tags(self, *names: str, commit: str = "c1") -> Builder:
        """Create tags on a commit, ten seconds apart, and the commit if there is none."""
        if not self.commits:
            self.commit()
        for number, name in enumerate(names, start=1):
            self.tag(name, commit, 10 * number)
        return self

    def pack(self) -> None:
        """Pack all objects and refs, with a packed-refs file like that of Git."""
        assert isinstance(self.repo, Repo)
        assert isinstance(self.repo.object_store, PackBasedObjectStore)
        self.repo.object_store.pack_loose_objects()
        lines = ["# pack-refs with: peeled fully-peeled sorted "]
        for name, id in sorted(self.repo.refs.as_dict(Ref(b"refs")).items()):
            lines.append(f"{id.decode()} refs/{name.decode()}")
            found = peeled = self.repo.object_store[id]
            while isinstance(peeled, Tag):
                peeled = self.repo.object_store[peeled.object[1]]
            lines += [f"^{peeled.id.decode()}"] if found is not peeled else []
        Path(self.repo.controldir(), "packed-refs").write_text("\n".join([*lines, ""]))
        for name in self.repo.refs.keys(Ref(b"refs")):
            Path(self.repo.controldir(), "refs", name.decode()).unlink(missing_ok=True)

    @property
    def git_dir(self) -> Path:
        """The control directory of a repository on disk."""
        assert isinstance(self.repo, Repo)
        return Path(self.repo.controldir())

    def configure(self, name: str, value: str) -> None:
        """Set a key of the section ``core`` in the repository's configuration."""
        config = self.repo.get_config()
        config.set((b"core",), name.encode(), value.encode())
        config.write_to_path()

    @property
    def registry(self) -> Registry:
        """A registry of the repository."""
        return Registry.from_repo(self.repo)


def at(seconds: int) -> datetime:
    """Return the time this number of seconds after ``START``."""
    return datetime.fromtimestamp(START, timezone.utc) + timedelta(seconds=seconds)


def corpus(name: str, builder: Builder) -> dict[str, Any]:
    """Rebuild a real registry; return its data and the results of GTO."""
    data: dict[str, Any] = json.loads((CORPORA / f"{name}.json").read_text())
    for commit in data["commits"]:
        builder.commit(commit["label"], commit["time"] - START)
    for tag in data["tags"]:
        if not tag["annotated"]:
            builder.ref(f"refs/tags/{tag['ref']}", builder.commits[tag["commit"]])
            continue
        tagger = f"{tag['tagger']} <{tag['tagger'].replace(' ', '')}@example.com>"
        builder.tag(
            tag["ref"],
            tag["commit"],
            tag["time"] - START,
            tagger=tagger,
            zone=tag["tz"],
            message=tag["message"],
        )
    return data


def irregular_tags(builder: Builder) -> Builder:
    """Add regular and irregular tags."""
    builder.commit("c2", 10, "c1")
    builder.tags("m@v1.0.0", "m#prod#1", "n@v1.0.0")
    builder.tag("m@v2.0.0", "c2", 40, zone="+0530", message="two\n\nlines")
    builder.ref("refs/tags/m@v3.0.0", builder.commits["c2"])
    builder.tag("m@v1.1.0", "c2", tagger=None)
    builder.tag("n@v1.1.0", builder.blob(), kind="blob")
    inner = builder.tag("inner", "c2", 50)
    builder.tag("n@v2.0.0", inner, 60, kind="tag", inner="n@v9.9.9")
    builder.tag("m@v1", "c2", 70)
    return builder


def same(ours: Registry, theirs: Registry) -> bool:
    """Return True if two registries are equal in all respects; otherwise fail at the difference."""
    for left, right in zip_longest(ours.history(), theirs.history()):
        assert left == right
    assert list(ours) == list(theirs)
    then = at(10**9)  # so that events in the future are not problems
    assert ours.problems(then) == theirs.problems(then)
    assert ours.latest() == theirs.latest()
    assert str(ours) == str(theirs)
    for name in theirs:
        our, their = ours[name], theirs[name]
        assert (str(our), our.stages) == (str(their), their.stages)
        assert our.all_versions == their.all_versions
    return True
