"""F24: annotations of models, and the files of a version."""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dulwich.objects import Blob, ObjectID, Tree
from dulwich.repo import MemoryRepo, Repo

from modelversions import (
    Artifact,
    ArtifactNotFoundError,
    ConfigurationError,
    FileNotInGitError,
    InvalidArgumentError,
    MissingExtraError,
    ProblemKind,
    Registry,
    RemoteError,
    RemoteTimeoutError,
    RepositoryError,
    RevisionNotFoundError,
    StageNotFoundError,
    VersionNotFoundError,
)
from modelversions.artifacts import artifact
from modelversions.git.objects import commits
from modelversions.git.objects.received_packs import Fetched
from modelversions.git.remote import transport
from modelversions.safe_yaml import load_mapping
from tests.builders import Builder
from tests.servers import git_server

FILE, LINK, MODULE = 0o100644, 0o120000, 0o160000
DVC = """
artifacts:
  churn:
    path: models/churn.pkl
    type: model
    desc: who leaves
    labels: [tabular, daily]
    meta: {framework: sklearn, layers: [1, 2]}
  raw:
    path: data/raw.csv
"""
NESTED = "artifacts: {ner: {path: ../shared/ner.bin, type: model}}\n"
GTO = """
churn: {path: elsewhere, description: the older file}
old: {type: dataset, path: "s3://bucket/old", custom: 3, labels: [a]}
bare:
"""

Files = dict[str, str | bytes | tuple[int, str]]


def commit(builder: Builder, files: Files, label: str = "c1", at: int = 0) -> str:
    """Create a commit with these files, each text, bytes, or a mode and an ID or target."""
    return builder.commit(label, at, tree=_tree(builder, files))


def _tree(builder: Builder, files: Files) -> str:
    tree, below = Tree(), dict[str, Files]()
    for path, content in files.items():
        first, slash, rest = path.partition("/")
        if slash:
            below.setdefault(first, {})[rest] = content
            continue
        mode, value = content if isinstance(content, tuple) else (FILE, content)
        if mode != MODULE:
            blob = Blob.from_string(value if isinstance(value, bytes) else value.encode())
            value = builder.add(blob)
        tree.add(path.encode(), mode, ObjectID(str(value).encode()))
    for name, inner in below.items():
        tree.add(name.encode(), 0o040000, ObjectID(_tree(builder, inner).encode()))
    return builder.add(tree)


@pytest.fixture(params=["memory", "disk", "url"])
def open_with(
    request: pytest.FixtureRequest, disk: Builder
) -> Iterator[Callable[[Files], Registry]]:
    """Return a function that creates a commit with ``churn@v1.0.0``, and opens the registry."""
    builder = Builder(MemoryRepo()) if request.param == "memory" else disk
    servers: list[Any] = []

    def create_and_open(files: Files) -> Registry:
        commit(builder, files)
        builder.tag("churn@v1.0.0", "c1", 10)
        builder.tag("nlp/ner=ner@v1.0.0", "c1", 20)
        commit(builder, {"README": "later"}, "c2", 30)
        if request.param != "url":
            return builder.registry
        assert isinstance(builder.repo, Repo)
        server = git_server(builder.repo)
        servers.append(server)
        return Registry.open(server.__enter__())

    yield create_and_open
    for server in servers:
        server.__exit__(None, None, None)


Open = Callable[[Files], Registry]


class TestArtifact:
    def test_it_is_read_at_the_commit_of_the_version(self, open_with: Open) -> None:
        registry = open_with({"dvc.yaml": DVC, "artifacts.yaml": GTO})
        found = registry.artifact("churn@v1.0.0")
        assert found == registry.artifact(registry["churn"][0])
        assert found.to_dict() == {
            "schema": 1,
            "model": "churn",
            "path": "models/churn.pkl",
            "type": "model",
            "description": "who leaves",
            "labels": ["tabular", "daily"],
            "metadata": {"framework": "sklearn", "layers": [1, 2]},
            "file": "dvc.yaml",
            "commit": registry["churn"][0].commit,
        }
        assert registry.artifacts("HEAD") == {}
        assert pickle.loads(pickle.dumps(found)) == found
        with pytest.raises(TypeError):
            found.metadata["framework"] = "torch"

    def test_a_model_in_a_directory(self, open_with: Open) -> None:
        registry = open_with({"nlp/ner/dvc.yaml": NESTED})
        found = registry.artifact("nlp/ner:ner@latest")
        assert (found.model, found.path, found.file) == (
            "nlp/ner:ner",
            "nlp/shared/ner.bin",
            "nlp/ner/dvc.yaml",
        )

    def test_artifacts_yaml(self, open_with: Open) -> None:
        registry = open_with({"artifacts.yaml": GTO})
        found = registry.artifact("churn@latest")
        assert (found.path, found.description) == ("elsewhere", "the older file")

    def test_more_directories_than_the_limit(
        self, builder: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(commits, "MAX_DIRECTORIES", 1000)
        inner = builder.add(Tree())
        for _ in range(12):
            tree = Tree()
            for index in range(10):
                tree.add(f"d{index}".encode(), 0o040000, ObjectID(inner.encode()))
            inner = builder.add(tree)
        builder.commit("c1", 0, tree=inner)
        with pytest.raises(RepositoryError, match="more than 1000 directories"):
            builder.registry.artifacts()

    def test_a_model_without_annotation(self, open_with: Open) -> None:
        registry = open_with({"dvc.yaml": "stages: {}\n"})
        for reference, files in (
            ("churn@v1.0.0", "dvc.yaml nor in artifacts.yaml"),
            ("nlp/ner:ner@v1.0.0", "nlp/ner/dvc.yaml nor in artifacts.yaml"),
        ):
            with pytest.raises(ArtifactNotFoundError, match=f"annotation .*, neither in {files}; "):
                registry.artifact(reference)

    def test_all_artifacts_of_a_commit(self, open_with: Open) -> None:
        registry = open_with({"dvc.yaml": DVC, "artifacts.yaml": GTO, "nlp/ner/dvc.yaml": NESTED})
        found = registry.artifacts(registry["churn"][0])
        assert list(found) == ["bare", "churn", "nlp/ner:ner", "old", "raw"]
        assert found["churn"].file == "dvc.yaml"
        assert found["old"] == Artifact(
            model="old",
            path="s3://bucket/old",
            type="dataset",
            description="",
            labels=("a",),
            metadata=3,
            file="artifacts.yaml",
            commit=registry["churn"][0].commit,
        )
        assert (found["bare"].path, found["bare"].metadata) == (None, None)
        assert found.problems == ()
        assert repr(found).startswith("{'bare': Artifact(")
        assert len(found) == 5
        with pytest.raises(RevisionNotFoundError):
            registry.artifacts("nowhere")


class TestWrongResultsOfDvc:
    """Cases in which the result of ``dvc.api.artifacts_show`` of DVC 3.67.1 is wrong."""

    @pytest.fixture
    def registry(self, builder: Builder) -> Registry:
        commit(builder, {"dvc.yaml": DVC, "models/churn.pkl": "one"}, "c1")
        commit(builder, {"dvc.yaml": DVC, "models/churn.pkl": "two"}, "c2", 1)
        builder.tag("churn@v1.0.0", "c1", 10)
        builder.tag("churn@v2.0.0", "c2", 20)
        builder.tag("churn@v2.0.0!", "c2", 30)
        builder.tag("churn#prod#1", "c1", 40)
        builder.tag("churn#prod!#2", "c1", 50)
        builder.tag("other#dev#1", "c2", 60)
        return builder.registry

    def test_latest_is_not_a_deregistered_version(self, registry: Registry) -> None:
        # DVC: the commit of v2.0.0
        assert registry.artifact("churn@latest").commit == registry["churn"]["v1.0.0"].commit
        assert registry.read_bytes("churn@latest") == b"one"

    def test_a_deregistered_version(self, registry: Registry) -> None:
        # DVC: the commit of v2.0.0
        with pytest.raises(VersionNotFoundError, match="it was deregistered"):
            registry.artifact("churn@v2.0.0")

    def test_an_unassigned_stage(self, registry: Registry) -> None:
        # DVC: the commit of v1.0.0
        with pytest.raises(StageNotFoundError, match="no version of 'churn' is in stage 'prod'"):
            registry.artifact("churn#prod")

    def test_a_model_with_stages_only(self, registry: Registry) -> None:
        # DVC: IndexError: list index out of range
        with pytest.raises(VersionNotFoundError, match="'other' has no active version"):
            registry.artifact("other@latest")
        with pytest.raises(ArtifactNotFoundError):
            registry.artifact("other#dev")


class TestInvalidFiles:
    @pytest.mark.parametrize(
        ("file", "content", "model", "reason"),
        [
            ("dvc.yaml", "a: [", None, "it is not YAML"),
            ("dvc.yaml", "- a\n", None, "it must be a mapping"),
            ("dvc.yaml", "artifacts: [churn]\n", None, "'artifacts' must be a mapping of names"),
            ("dvc.yaml", "artifacts: {churn: [1]}\n", "churn", "must be a mapping, not"),
            ("dvc.yaml", "artifacts: {churn: {type: model}}\n", "churn", "has no path"),
            ("dvc.yaml", "artifacts: {churn: {path: 3}}\n", "churn", "the path of 'churn' must"),
            ("dvc.yaml", "artifacts: {churn: {path: ../x}}\n", "churn", "outside the repository"),
            ("dvc.yaml", "artifacts: {churn: {path: /x}}\n", "churn", "outside the repository"),
            (
                "dvc.yaml",
                f"artifacts: {{churn: {{path: {'a/' * 2048}x}}}}",
                "churn",
                "more than 4096",
            ),
            ("dvc.yaml", "artifacts: {churn: {path: x, labels: a}}\n", "churn", "must be a list"),
            ("dvc.yaml", "artifacts: {churn: {path: x, labels: [1]}}\n", "churn", "must be a list"),
            ("artifacts.yaml", "churn: {description: [1]}\n", "churn", "the description of"),
            ("artifacts.yaml", f"churn: {{a: 0x{'f' * 5000}}}\n", None, "more than 1024 bits"),
            ("artifacts.yaml", f"? 0x{'f' * 5000}\n: a\n", None, "more than 1024 bits"),
            ("artifacts.yaml", f"a: !!set {{0x{'f' * 5000}}}\n", None, "more than 1024 bits"),
            ("artifacts.yaml", f"a: *{'x' * 50_000}\n", None, "x…$"),
        ],
    )
    def test_an_invalid_file_is_a_problem_of_its_commit_only(
        self, open_with: Open, file: str, content: str, model: str | None, reason: str
    ) -> None:
        registry = open_with({file: content, "nlp/ner/dvc.yaml": NESTED})
        with pytest.raises(ConfigurationError, match=reason) as caught:
            registry.artifact("churn@v1.0.0")
        assert caught.value.file == file
        found = registry.artifacts(registry["churn"][0])
        assert list(found) == ["nlp/ner:ner"]
        (problem,) = found.problems
        assert (problem.kind, problem.tag, problem.model) == (ProblemKind.ANNOTATION, file, model)
        assert registry.problems() == ()
        assert registry.artifacts("HEAD").problems == ()

    def test_another_model_is_not_affected(self, open_with: Open) -> None:
        registry = open_with({"dvc.yaml": f"{DVC}  'not valid!': {{path: x}}\n"})
        assert registry.artifact("churn@v1.0.0").path == "models/churn.pkl"
        (problem,) = registry.artifacts(registry["churn"][0]).problems
        assert "'not valid!' is not a model name" in problem.message

    def test_types_that_are_not_allowed(self, builder: Builder) -> None:
        commit(builder, {"dvc.yaml": DVC, ".gto": "types: [dataset]\n"})
        registry = builder.registry
        assert registry.allowed_types() == ("dataset",)
        found = registry.artifacts()
        assert list(found) == ["churn", "raw"]
        assert [problem.model for problem in found.problems] == ["churn"]
        assert "type 'model' is not allowed; allowed: " in found.problems[0].message
        commit(builder, {"dvc.yaml": DVC, ".gto": "types: model\n"}, "c2")
        assert [problem.kind for problem in registry.artifacts().problems] == [
            ProblemKind.CONFIGURATION
        ]
        with pytest.raises(ConfigurationError, match="'types' must be a list of texts, not 'mod"):
            registry.allowed_types()
        commit(builder, {"dvc.yaml": DVC, ".gto": "stages: [a]\n"}, "c3")
        assert registry.allowed_types() is None

    def test_equal_files_are_parsed_once(
        self, builder: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parsed: list[str] = []

        def recording(content: bytes, file: str) -> dict[object, object]:
            parsed.append(file)
            return load_mapping(content, file)

        monkeypatch.setattr(artifact, "load_mapping", recording)
        content = "artifacts: {churn: {path: p}}\n"
        files: Files = {f"{name}/dvc.yaml": content for name in "abc"}
        files |= {f"{name}/dvc.yaml": "a: [" for name in "xy"}
        commit(builder, files)
        found = builder.registry.artifacts()
        assert [(name, found[name].path) for name in found] == [
            ("a:churn", "a/p"),
            ("b:churn", "b/p"),
            ("c:churn", "c/p"),
        ]
        assert parsed == ["a/dvc.yaml", "x/dvc.yaml"]
        assert [problem.tag for problem in found.problems] == ["x/dvc.yaml", "y/dvc.yaml"]
        assert "it equals x/dvc.yaml, which cannot be read" in found.problems[1].message

    def test_more_files_than_the_limit(
        self, builder: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(artifact, "MAX_ANNOTATIONS", 100)
        files: Files = {
            f"{name}/dvc.yaml": f"artifacts: {{churn: {{path: {name * 10}}}}}\n" for name in "abc"
        }
        commit(builder, files)
        found = builder.registry.artifacts()
        assert list(found) == ["a:churn", "b:churn"]
        assert [problem.tag for problem in found.problems] == ["c/dvc.yaml"]
        assert (
            "annotation files of the commit have more than 100 bytes" in found.problems[0].message
        )

    def test_messages_are_short(self, builder: Builder) -> None:
        long = f"artifacts: {{churn: [{', '.join(['a'] * 5000)}]}}\n"
        commit(builder, {"dvc.yaml": long})
        (problem,) = builder.registry.artifacts().problems
        assert len(problem.message) < 300

    def test_values_without_a_json_type(self, builder: Builder) -> None:
        meta = "{a: .nan, c: !!binary aGk=, d: 1e999, e: !!set {y, x}, 3: t}"
        commit(builder, {"dvc.yaml": f"artifacts: {{churn: {{path: p, meta: {meta}}}}}\n"})
        data = builder.registry.artifacts()["churn"].to_dict()
        metadata = json.loads(json.dumps(data, allow_nan=False))["metadata"]
        assert metadata == {"a": "nan", "c": "b'hi'", "d": "inf", "e": ["x", "y"], "3": "t"}

    def test_aliases_are_copied(self, builder: Builder) -> None:
        commit(builder, {"dvc.yaml": "x: &x {a: [1]}\nartifacts: {churn: {path: p, meta: *x}}\n"})
        assert dict(builder.registry.artifacts()["churn"].metadata) == {"a": (1,)}

    def test_without_the_yaml_parser(
        self, builder: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit(builder, {"dvc.yaml": DVC})
        monkeypatch.setitem(sys.modules, "ruamel.yaml", None)
        with pytest.raises(MissingExtraError, match="to read the file dvc.yaml, .*'yaml' extra"):
            builder.registry.artifacts()


FILES: Files = {
    "dvc.yaml": DVC,
    "models/churn.pkl": b"\x80\x00",
    "nlp/ner/dvc.yaml": NESTED,
    "nlp/shared/ner.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n",
    "link": (LINK, "models/churn.pkl"),
    "module": (MODULE, "ab" * 20),
    "one.dvc": "outs: [{path: one}]\n",
    "dir.dvc": "outs: [{path: dir}]\n",
    "train/dvc.lock": "stages: {train: {outs: [{path: out/model}, 3]}, other: 3}\n",
    "broken/dvc.lock": "stages: [",
    "large/dvc.lock": f"#{' ' * (1 << 17)}\n  - path: out/model\n    size: 3\n",
    "dirlink": (LINK, "models"),
    "wd/dvc.yaml": "stages: {a: {wdir: .., cmd: x}, b: {wdir: 3}, c: 3}\n",
    "wd/dvc.lock": "stages: {a: {outs: [{path: wout}]}, b: {outs: [{path: bout}]}}\n",
    "old": "version https://hawser.github.com/spec/v1\noid sha256:1\nsize 2\n",
}


class TestFiles:
    def test_the_file_of_the_annotation(self, open_with: Open) -> None:
        registry = open_with(FILES)
        assert registry.read_bytes("churn@v1.0.0") == b"\x80\x00"
        assert registry.read_bytes("churn@latest", "./models/churn.pkl") == b"\x80\x00"
        with registry.open_file(registry["churn"][0], "dvc.yaml") as file:
            assert file.read().decode() == DVC

    @pytest.mark.parametrize(
        ("path", "reason", "hint"),
        [
            ("none", "missing", "there is no file 'none' at commit"),
            ("README", "missing", "pass a path from the repository's root"),
            ("models/churn.pkl/x", "missing", "there is no file"),
            ("models", "directory", "pass the path of a file in it"),
            ("link", "symlink", "pass the path of its target"),
            ("module", "submodule", "open its own repository"),
            ("one", "dvc", r"call dvc.api.read\('one', repo='.*', rev='[0-9a-f]{40}', mode='rb'\)"),
            ("dir/a/b", "dvc", "call dvc.api.read"),
            ("train/out/model", "dvc", "call dvc.api.read"),
            ("train/out/other", "missing", "there is no file"),
            ("broken/x", "missing", "there is no file"),
            ("wout", "missing", "there is no file"),
            ("wd/wout", "missing", "there is no file"),
            ("wd/bout", "dvc", "call dvc.api.read"),
            ("large/out/model", "dvc", "call dvc.api.read"),
            ("large/out/other", "missing", "there is no file"),
            ("old", "lfs", "git lfs pull --include=old"),
            ("nlp/shared/ner.bin", "lfs", "git lfs pull --include=nlp/shared/ner.bin"),
        ],
    )
    def test_files_that_are_not_in_git(
        self, open_with: Open, path: str, reason: str, hint: str
    ) -> None:
        registry = open_with(FILES)
        with pytest.raises(FileNotInGitError, match=hint) as caught:
            registry.read_bytes("churn@v1.0.0", path)
        assert (caught.value.path, caught.value.reason) == (path, reason)
        assert caught.value.commit == registry["churn"][0].commit

    @pytest.mark.parametrize(("path", "kind"), [("dirlink", "symlink"), ("module", "submodule")])
    def test_a_link_instead_of_a_directory(self, open_with: Open, path: str, kind: str) -> None:
        registry = open_with(FILES)
        with pytest.raises(FileNotInGitError, match=f"'{path}' is a ") as caught:
            registry.read_bytes("churn@v1.0.0", f"{path}/a/churn.pkl")
        assert (caught.value.path, caught.value.reason) == (path, kind)

    def test_a_blob_with_the_mode_of_a_directory(self, builder: Builder) -> None:
        commit(builder, {"fake": (0o040000, "a file")})
        builder.tag("churn@v1.0.0")
        with pytest.raises(FileNotInGitError, match="there is no file 'fake/x'"):
            builder.registry.read_bytes("churn@latest", "fake/x")

    def test_an_annotation_without_a_path_in_the_repository(self, builder: Builder) -> None:
        commit(builder, {"artifacts.yaml": GTO})
        builder.tag("old@v1.0.0")
        builder.tag("bare@v1.0.0", at=20)
        for model in ("old", "bare"):
            with pytest.raises(FileNotInGitError, match="is not a file in the repository; pass"):
                builder.registry.read_bytes(f"{model}@latest")

    @pytest.mark.parametrize(
        "path", ["", "/etc/passwd", "../x", "a/../../x", ".", "..", 3, b"x", "\0"]
    )
    def test_invalid_paths(self, builder: Builder, path: Any) -> None:
        builder.tags("churn@v1.0.0")
        with pytest.raises(InvalidArgumentError, match="path must be the path of a file"):
            builder.registry.read_bytes("churn@latest", path)
        with pytest.raises(InvalidArgumentError, match="cannot be encoded as UTF-8"):
            builder.registry.read_bytes("churn@latest", "\ud800")
        with pytest.raises(InvalidArgumentError, match="has 80001 characters; the maximum is"):
            builder.registry.read_bytes("churn@latest", "a/" * 40_000 + "x")

    def test_a_path_of_the_annotation_that_is_missing(self, builder: Builder) -> None:
        commit(builder, {"dvc.yaml": "artifacts: {churn: {path: none}}\n"})
        builder.tag("churn@v1.0.0")
        message = r"no file 'none' .* \(the path is that of the annotation in dvc.yaml\)"
        with pytest.raises(FileNotInGitError, match=message) as caught:
            builder.registry.read_bytes("churn@latest")
        assert (caught.value.path, caught.value.reason) == ("none", "missing")

    def test_a_model_without_an_annotation(self, builder: Builder) -> None:
        commit(builder, {"dvc.yaml": DVC})
        found = builder.registry.artifacts()
        with pytest.raises(ArtifactNotFoundError, match="'none' .* annotated models: churn, raw"):
            found["none"]
        assert "none" not in found
        assert found.get("none") is None

    def test_in_the_past(self, builder: Builder) -> None:
        commit(builder, FILES)
        builder.tag("churn@v1.0.0", "c1", 10)
        view = builder.registry.as_of(builder.registry.history()[0])
        assert view.artifact("churn@latest").path == "models/churn.pkl"
        assert view.read_bytes("churn@latest") == b"\x80\x00"
        assert list(view.artifacts()) == ["churn", "nlp/ner:ner", "raw"]


class TestAtAUrl:
    """Servers that send fewer objects than those of Git."""

    def test_a_single_file_is_fetched_if_the_server_allows_it(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit(disk, {"dvc.yaml": DVC, "models/churn.pkl": "model"})
        disk.tag("churn@v1.0.0", "c1", 10)
        real = transport.Transport.fetch
        answers: list[Exception | None] = [None]
        requests: list[object] = []

        def fetch(self: Any, wants: Any, **options: Any) -> Any:
            is_file = isinstance(disk.repo[ObjectID(wants[0].encode())], Blob)
            requests.append(options.get("filter") or ("one file" if is_file else "all"))
            if not is_file:
                found = real(self, wants, **options)
                if options.get("filter"):  # like a server with filters
                    found._raw = {id: raw for id, raw in found._raw.items() if raw[0] != 3}
                return found
            if answers[0] is not None:
                raise answers[0]
            found = Fetched()
            found.add_object(disk.repo[wants[0].encode()])
            return found

        monkeypatch.setattr(transport.Transport, "fetch", fetch)
        assert isinstance(disk.repo, Repo)
        with git_server(disk.repo) as url, Registry.open(url) as registry:
            version = registry["churn"][0]
            requests.clear()
            assert registry.read_bytes(version, "models/churn.pkl") == b"model"
            assert requests == ["blob:none", "one file"]
            answers[0] = RemoteTimeoutError("slow", location="x")
            with pytest.raises(RemoteTimeoutError):
                registry.read_bytes(version, "models/churn.pkl")
            answers[0] = RemoteError("not our ref", location="x")
            requests.clear()
            assert registry.read_bytes(version, "models/churn.pkl") == b"model"
            assert requests == ["one file", "all"]

    def test_all_files_are_fetched_if_the_first_bytes_do_not_contain_a_tree(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit(disk, {"nlp/ner/dvc.yaml": NESTED, "model": "small"})
        disk.tag("nlp/ner=ner@v1.0.0", "c1", 10)
        root = disk.repo[disk.repo.head()].tree  # type: ignore[attr-defined]
        real = transport.Transport.fetch

        def fetch(self: Any, wants: Any, **options: Any) -> Any:
            found = real(self, wants, **options)
            if options.get("filter"):  # a server without filters, and a large repository
                kept = {id: raw for id, raw in found._raw.items() if id == root or raw[0] == 1}
                found._raw = kept
            return found

        assert isinstance(disk.repo, Repo)
        with git_server(disk.repo) as url, Registry.open(url) as registry:
            version = registry["nlp/ner:ner"][0]
            monkeypatch.setattr(transport.Transport, "fetch", fetch)
            assert registry.artifact(version).type == "model"
            assert registry.read_bytes(version, "model") == b"small"

    def test_a_file_from_a_server_without_filters_is_read_despite_large_other_files(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content = os.urandom(5000)
        commit(disk, {"dvc.yaml": DVC, "small": "1", "models/churn.pkl": content})
        disk.tag("churn@v1.0.0", "c1", 10)
        real = transport.Transport.fetch

        def fetch(self: Any, wants: Any, **options: Any) -> Any:
            if options.get("filter"):
                return Fetched()  # the transfer ended before the trees
            if isinstance(disk.repo[ObjectID(wants[0].encode())], Blob):
                raise RemoteError("single files are not sent", location="x")
            return real(self, wants, **options)

        monkeypatch.setattr(transport, "MAX_BYTES", 1000)
        assert isinstance(disk.repo, Repo)
        with git_server(disk.repo) as url, Registry.open(url) as registry:
            version = registry["churn"][0]
            monkeypatch.setattr(transport.Transport, "fetch", fetch)
            assert registry.read_bytes(version, "small") == b"1"
            assert registry.read_bytes(version, "models/churn.pkl") == content
            monkeypatch.setattr(registry._store, "_trees", None)
            with pytest.raises(RemoteError, match="more than 1000 bytes"):
                registry.artifact(version)

    @pytest.mark.parametrize("error", [RemoteError, RemoteTimeoutError])
    def test_a_server_that_does_not_send_the_commit(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch, error: type[RemoteError]
    ) -> None:
        disk.tags("churn@v1.0.0")
        requests: list[object] = []

        def fetch(_: Any, wants: Any, **__: Any) -> Any:
            requests.append(wants)
            raise error("not our ref", location="x")

        assert isinstance(disk.repo, Repo)
        with git_server(disk.repo) as url, Registry.open(url) as registry:
            head = registry.resolve("churn@latest").commit
            monkeypatch.setattr(transport.Transport, "fetch", fetch)
            for commit in (head, "ab" * 20):
                with pytest.raises(error):
                    registry._store.paths_at(commit, "dvc.yaml")
        assert len(requests) == (3 if error is RemoteError else 2)
