"""Build the repository of a case: the files of a Git repository, written without Git."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

START = 1_700_000_000
"""Times in cases are seconds after this time."""
ANN = "Ann <ann@example.com>"
_LABEL = re.compile(r"\$\{([^}]*)\}")


@attrs.define
class Built:
    """A repository on disk."""

    path: Path
    """The work tree, or the repository if it is bare."""
    git: Path
    """The directory of the repository."""
    format: str = "sha1"
    """The hash function of object IDs."""
    ids: dict[str, str] = attrs.Factory(dict)
    """The object IDs by label."""

    def content(self, content: Any) -> bytes:
        """Return the bytes that a case describes by a text or a list of parts."""
        if isinstance(content, str):
            return _LABEL.sub(lambda match: self._id(match[1]), content).encode()
        if isinstance(content, list):
            return b"".join(map(self.content, content))
        if "repeat" in content:
            text, count = content["repeat"]
            return self.content(text) * int(count)
        return base64.b64decode(content["base64"])

    def text(self, content: Any) -> str:
        """Return the text that a case describes."""
        return self.content(content).decode()

    def _id(self, label: str) -> str:
        """Return the ID of a label, in upper case if the label is."""
        return self.ids[label] if label in self.ids else self.ids[label.lower()].upper()

    def label(self, id: str) -> str:
        """Return the label of an ID; other texts unchanged."""
        return next((name for name, value in self.ids.items() if value == id), id)

    def object_at(self, tag: str) -> str:
        """Return the content of the tag object of a ref as text."""
        id = (self.git / "refs" / "tags" / tag).read_text().strip()
        return zlib.decompress(self._object(id).read_bytes()).partition(b"\0")[2].decode()

    def add(self, label: str, kind: str, content: bytes) -> str:
        """Write a loose object; return its ID."""
        whole = b"%b %d\0%b" % (kind.encode(), len(content), content)
        id = hashlib.new(self.format, whole).hexdigest()
        self._object(id).parent.mkdir(exist_ok=True)
        self._object(id).write_bytes(zlib.compress(whole, 1))
        self.ids[label] = id
        return id

    def write(self, path: Path, content: bytes) -> None:
        """Write a file and its parent directories."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def commit(self, number: int, described: Any) -> None:
        """Write a commit whose parent is the previous one."""
        entry: Mapping[str, Any] = {"label": described} if isinstance(described, str) else described
        if "content" in entry:
            self.add(entry["label"], "commit", self.content(entry["content"]))
            return
        tree = self._tree(
            {name: self.content(text) for name, text in entry.get("files", {}).items()}
        )
        parent = list(self.ids.values())[-1:] if number else []
        person = f"{ANN} {START + entry.get('at', number - 1000)} {entry.get('zone', '+0000')}"
        lines = [f"tree {tree}", *(f"parent {id}" for id in parent)]
        lines += [f"author {person}", f"committer {person}", "", entry["label"], ""]
        self.add(entry["label"], "commit", "\n".join(lines).encode())

    def tag(self, described: Any) -> None:
        """Write a tag: its object, unless it is lightweight, and its ref."""
        if isinstance(described, list):
            name, commit, at = described
            described = {"name": name, "commit": commit, "at": at}
        name = described["name"]
        id = self.ids.get(described.get("commit", "c1"), described.get("commit"))
        if "object" in described:
            id = self.add(name, "tag", self.content(described["object"]))
        elif not described.get("lightweight"):
            id = self.add(name, "tag", self._tag(described, id))
        self.write(self.git / "refs" / "tags" / name, f"{id}\n".encode())

    def damage(self, label: str, size: int) -> None:
        """Truncate the file of an object."""
        path = self._object(self.ids[label])
        path.write_bytes(path.read_bytes()[:size])

    def _object(self, id: str) -> Path:
        return self.git / "objects" / id[:2] / id[2:]

    def _tag(self, entry: Mapping[str, Any], id: str) -> bytes:
        tagger = entry.get(
            "tagger", f"{ANN} {START + entry.get('at', 0)} {entry.get('zone', '+0000')}"
        )
        name = entry.get("inner", entry["name"])
        head = f"object {id}\ntype commit\ntag {name}\n"
        header = "" if tagger is None else f"tagger {tagger}\n"
        return f"{head}{header}\n".encode() + self.content(entry.get("message", "a tag")) + b"\n"

    def _tree(self, files: Mapping[str, bytes]) -> str:
        """Write the trees of files by path; return the ID of the root."""
        entries: dict[str, tuple[str, str]] = {}
        below: dict[str, dict[str, bytes]] = {}
        for path, content in files.items():
            directory, slash, rest = path.partition("/")
            if slash:
                below.setdefault(directory, {})[rest] = content
            else:
                entries[path] = ("100644", self.add(f"file {path}", "blob", content))
        for directory, inner in below.items():
            entries[directory] = ("40000", self._tree(inner))
        order = sorted(entries, key=lambda name: name + "/" * (entries[name][0] == "40000"))
        rows = [(*entries[name], name) for name in order]
        content = b"".join(
            f"{mode} {name}\0".encode() + bytes.fromhex(id) for mode, id, name in rows
        )
        return self.add("tree", "tree", content)


def build(repository: Mapping[str, Any], path: Path) -> Built:
    """Build a repository in a directory that does not exist."""
    bare = repository.get("bare", False)
    format = repository.get("format", "sha1")
    built = Built(path, path if bare else path / ".git", format)
    for directory in ("objects/pack", "objects/info", "refs/tags", "refs/heads"):
        (built.git / directory).mkdir(parents=True)
    built.write(built.git / "HEAD", b"ref: refs/heads/main\n")
    core = f"[core]\n\trepositoryformatversion = 1\n\tbare = {str(bare).lower()}\n"
    config = f"{core}[extensions]\n\tobjectFormat = {format}\n"
    built.write(
        built.git / "config", (config if format != "sha1" else core.replace("1", "0")).encode()
    )
    commits = repository.get("commits", ["c1"])
    for number, commit in enumerate(commits):
        built.commit(number, commit)
    head = list(built.ids.values())[-1]
    built.write(built.git / "refs" / "heads" / "main", f"{head}\n".encode())
    for entry in repository.get("objects", ()):
        for _ in range(entry.get("times", 1)):
            built.add(entry["label"], entry["type"], built.content(entry["content"]))
    for tag in repository.get("tags", ()):
        built.tag(tag)
    _write_files(repository, built)
    for label, size in repository.get("damaged", {}).items():
        built.damage(label, size)
    return built


def _write_files(repository: Mapping[str, Any], built: Built) -> None:
    """Write the files of the work tree, then those of the repository directory."""
    for name, content in repository.get("worktree", {}).items():
        built.write(built.path / name, built.content(content))
    for name, content in repository.get("files", {}).items():
        path = built.git / built.text(name)
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            built.write(path, built.content(content))
