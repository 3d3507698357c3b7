"""Stages: assign, unassign, and the stages that are allowed."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dulwich.repo import Repo

from modelversions import (
    ConfigurationError,
    InvalidArgumentError,
    InvalidNameError,
    MissingExtraError,
    ModelNotFoundError,
    NoEffectError,
    ProblemKind,
    Registry,
    RepositoryError,
    SemVer,
    StageHeldError,
    StageNotAllowedError,
    StageNotHeldError,
    VersionNotFoundError,
)
from tests.builders import Builder
from tests.write.helpers import ANN, do, held
from tests.write.test_register import everything


class TestAssign:
    def test_by_version(self, example: Builder) -> None:
        registry = example.registry
        event = do(registry, "assign", "m", "v1.0.0", "prod")
        assert (event.tag, event.version, event.stage) == ("m#prod#3", SemVer(1, 0, 0), "prod")
        assert event.message == "Assigning stage prod to artifact m version v1.0.0"
        assert held(registry) == {"prod": "v1.0.0"}
        assert event == registry.event("m#prod#3")

    def test_by_commit(self, example: Builder) -> None:
        registry = example.registry
        assert do(registry, "assign", "m", stage="dev", commit="HEAD~1").version == SemVer(2, 0, 0)
        event = do(registry, "assign", "m", stage="dev", commit="HEAD")
        sha = example.commits["c3"]
        assert event.message == f"Assigning stage dev to artifact m commit {sha}"
        assert held(registry) == {"dev": sha, "prod": "v2.0.0"}
        with pytest.raises(StageHeldError, match=sha):
            do(registry, "assign", "m", stage="dev", commit="HEAD")

    def test_register_first(self, example: Builder) -> None:
        registry = example.registry
        event = do(registry, "assign", "m", stage="prod", register=True, message="Both")
        assert (str(event.version), event.tag) == ("v2.0.1", "m#prod#3")
        version = registry["m"]["v2.0.1"]
        assert (version.message, version.author, event.message) == ("Both", ANN, "Both")
        assert held(registry) == {"prod": "v2.0.1"}
        again = do(registry, "assign", "m", stage="dev", commit="HEAD", register=True)
        assert again.version == event.version
        assert len(registry["m"]) == 3

    def test_register_first_by_name(self, example: Builder) -> None:
        registry = example.registry
        do(registry, "deregister", "m", "v2.0.0")
        event = do(registry, "assign", "m", "v2.0.0", "dev", commit="HEAD", register=True)
        assert event.counter == 4
        assert registry["m"]["v2.0.0"].tag == "m@v2.0.0#3"
        assert do(registry, "assign", "m", "v1.0.0", "dev", register=True).version == SemVer(
            1, 0, 0
        )
        assert str(do(registry, "assign", "new", stage="dev", register=True).version) == "v0.0.1"

    def test_a_stage_that_the_version_holds_already(self, example: Builder) -> None:
        registry = example.registry
        with pytest.raises(
            StageHeldError, match="'v2.0.0' of model 'm' is in stage 'prod' already"
        ):
            do(registry, "assign", "m", "v2.0.0", "prod")
        assert do(registry, "assign", "m", "v2.0.0", "prod", force=True).counter == 3

    def test_a_version_that_is_not_registered(self, example: Builder) -> None:
        registry = example.registry
        with pytest.raises(VersionNotFoundError, match="never registered"):
            do(registry, "assign", "m", "v9.0.0", "prod")
        with pytest.raises(ModelNotFoundError):
            do(registry, "assign", "new", "v1.0.0", "prod")
        with pytest.raises(ModelNotFoundError):
            do(registry, "assign", "new", stage="prod", commit="HEAD")
        assert (
            do(registry, "assign", "new", stage="prod", commit="HEAD", force=True).version is None
        )

    def test_a_commit_whose_versions_are_all_deregistered(self, example: Builder) -> None:
        registry = example.registry
        do(registry, "deregister", "m", "v2.0.0")
        with pytest.raises(VersionNotFoundError, match="'v2.0.0' .* was deregistered already"):
            do(registry, "assign", "m", stage="dev", commit="HEAD~1")
        do(registry, "register", "m", "v2.0.0", commit="HEAD")
        old, new = (example.commits[one][:7] for one in ("c2", "c3"))
        message = f"is registered at commit {new}, no longer at {old}; pass the version instead"
        with pytest.raises(NoEffectError, match=message):
            do(registry, "assign", "m", stage="dev", commit="HEAD~1")

    def test_a_commit_that_two_versions_share(self, example: Builder) -> None:
        registry = example.registry
        do(registry, "register", "m", "v3.0.0", commit="HEAD~1", force=True)
        message = f"assignment at commit {example.commits['c2'][:7]} applies to 'v3.0.0'; register"
        with pytest.raises(NoEffectError, match=message):
            do(registry, "assign", "m", "v2.0.0", "dev")
        assert do(registry, "assign", "m", "v3.0.0", "dev").version == SemVer(3, 0, 0)

    @pytest.mark.parametrize(
        ("arguments", "options"),
        [(("m", None, "prod"), {}), (("m", "v1.0.0", "prod"), {"commit": "HEAD"})],
    )
    @pytest.mark.parametrize("method", ["assign", "unassign"])
    def test_either_a_version_or_a_commit(
        self, example: Builder, method: str, arguments: tuple[str, ...], options: dict[str, str]
    ) -> None:
        with pytest.raises(InvalidArgumentError, match="either a version or a commit"):
            do(example.registry, method, *arguments, **options)

    @pytest.mark.parametrize("stage", ["v1.0.0", "latest", "", "a b"])
    @pytest.mark.parametrize("method", ["assign", "unassign"])
    def test_invalid_stage_names(self, example: Builder, method: str, stage: str) -> None:
        with pytest.raises(InvalidNameError, match="cannot name a stage"):
            do(example.registry, method, "m", "v1.0.0", stage)


class TestUnassign:
    def test_the_previous_version_holds_the_stage_again(self, example: Builder) -> None:
        registry = example.registry
        event = do(registry, "unassign", "m", "v2.0.0", "prod")
        assert (event.tag, event.version) == ("m#prod!#3", SemVer(2, 0, 0))
        assert event.message == "Unassigning stage 'prod' to artifact 'm' version 'v2.0.0'"
        assert held(registry) == {"prod": "v1.0.0"}

    def test_by_commit(self, example: Builder) -> None:
        registry = example.registry
        do(registry, "unassign", "m", stage="prod", commit="HEAD~1")
        assert held(registry) == {"prod": "v1.0.0"}
        do(registry, "assign", "m", stage="dev", commit="HEAD")
        event = do(registry, "unassign", "m", stage="dev", commit="HEAD")
        assert event.message.endswith(f"version '{example.commits['c3']}'")
        assert held(registry) == {"prod": "v1.0.0"}

    def test_a_version_that_is_not_the_holder(self, example: Builder) -> None:
        registry = example.registry
        do(registry, "unassign", "m", "v1.0.0", "prod")
        assert [version.name for version in registry["m"].holders("prod")] == ["v2.0.0"]

    def test_a_stage_that_the_version_does_not_hold(self, example: Builder) -> None:
        registry = example.registry
        message = "^version 'v1.0.0' .* not in stage 'dev'; versions in the stage: none; unassign"
        with pytest.raises(StageNotHeldError, match=message):
            do(registry, "unassign", "m", "v1.0.0", "dev")
        with pytest.raises(StageNotHeldError, match="versions in the stage: v2.0.0, v1.0.0; una"):
            do(registry, "unassign", "m", stage="prod", commit="HEAD")
        assert do(registry, "unassign", "m", "v1.0.0", "dev", force=True).tag == "m#dev!#3"
        with pytest.raises(ModelNotFoundError):
            do(registry, "unassign", "new", "v1.0.0", "dev")

    def test_a_version_that_shares_its_commit_with_another(self, example: Builder) -> None:
        registry = example.registry
        do(registry, "register", "m", "v3.0.0", commit="HEAD~1", force=True)
        do(registry, "assign", "m", "v3.0.0", "prod")
        before = everything(example)
        message = f"at commit {example.commits['c2'][:7]} applies to 'v3.0.0'; unassign 'v3.0.0'"
        for force in (False, True):
            with pytest.raises(NoEffectError, match=message):
                do(registry, "unassign", "m", "v2.0.0", "prod", force=force)
        assert everything(example) == before
        do(registry, "unassign", "m", "v3.0.0", "prod")
        assert held(registry) == {"prod": "v2.0.0"}
        do(registry, "unassign", "m", "v2.0.0", "prod")
        assert held(registry) == {"prod": "v1.0.0"}


ALIASES = "a: &a [1, 2]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcd", "bcde")
)
"""Five lines with aliases of more than ten thousand values."""


class TestStages:
    """F23: which stages may be assigned."""

    @pytest.fixture
    def gto(self, disk: Builder) -> Callable[[str], Registry]:
        disk.tags("m@v1.0.0", "m#old#1")

        def write(content: str) -> Registry:
            assert isinstance(disk.repo, Repo)
            Path(disk.repo.path, ".gto").write_text(content)
            return disk.registry

        return write

    def test_stages_from_the_file(self, gto: Callable[[str], Registry]) -> None:
        registry = gto("# the stages\nstages: [dev, on]\n")
        message = r"'prod' is not allowed; allowed: dev, on \(see .gto or stages=\); assign one"
        with pytest.raises(StageNotAllowedError, match=message) as caught:
            do(registry, "assign", "m", "v1.0.0", "prod")
        assert caught.value.allowed == ("dev", "on")
        assert do(registry, "assign", "m", "v1.0.0", "on").stage == "on"
        assert do(registry, "assign", "m", "v1.0.0", "prod", force=True).stage == "prod"
        assert registry.stages() == ("old", "on", "prod")
        kinds = [problem.kind for problem in registry.problems()]
        assert kinds == [ProblemKind.STAGE_NOT_ALLOWED] * 2

    def test_an_empty_list(self, gto: Callable[[str], Registry]) -> None:
        with pytest.raises(StageNotAllowedError, match="allowed: none .see .gto"):
            do(gto("stages: []\n"), "assign", "m", "v1.0.0", "prod")
        assert len(gto("stages: []\n").problems()) == 1

    @pytest.mark.parametrize("content", ["", "# nothing\n", "index: x\n", "stages:\n"])
    def test_any_stage(self, gto: Callable[[str], Registry], content: str) -> None:
        assert do(gto(content), "assign", "m", "v1.0.0", "prod").stage == "prod"

    def test_an_asterisk_in_a_comment(self, gto: Callable[[str], Registry]) -> None:
        registry = gto("stages: [dev]  # *all* of them\n")
        assert do(registry, "assign", "m", "v1.0.0", "dev").stage == "dev"

    @pytest.mark.parametrize(
        ("content", "hint"),
        [
            ("stages: [a", "it is not YAML"),
            ("stages: [a  # *", "it is not YAML"),
            ("\x00", "it is not YAML"),
            ("- a\n", "it must be a mapping"),
            ("stages: prod\n", "'stages' must be a list of names, not 'prod'"),
            ("stages: 3\n", "'stages' must be a list of names, not 3"),
            ("stages: [1]\n", "1 cannot name a stage"),
            ("x: 2024-13-45\n", "ValueError: month must be in 1..12"),
            ("a: !!bool maybe\n", "it is not YAML: KeyError"),
            ("stages: {dev: 1}\n", "'stages' must be a list of names, not {'dev': 1}"),
            pytest.param("[" * 3000, "brackets are nested more than 100 deep", id="brackets"),
            pytest.param("#" * (1 << 17) + "\n", "it has 131073 bytes; at most 131072", id="size"),
            ("x: &x [*x]\n", "values are nested more than 100 deep"),
            pytest.param(ALIASES, "it has more than 20000 values", id="aliases"),
            pytest.param("- " * 3000, "it is not YAML: RecursionError", id="nesting"),
            ("stages: [latest]\n", "'latest' cannot name a stage: it would be read as a version"),
            ("stages: [v1.0.0]\n", "it is a version name; remove it from the list$"),
            ("stages: ['']\n", "'' cannot name a stage: it is empty; remove it from the list$"),
            ("stages: [~]\n", "None cannot name a stage: it is empty; remove it from the list$"),
        ],
    )
    def test_a_file_that_cannot_be_read(
        self, gto: Callable[[str], Registry], content: str, hint: str
    ) -> None:
        registry = gto(content)
        with pytest.raises(ConfigurationError, match=hint) as caught:
            do(registry, "assign", "m", "v1.0.0", "prod")
        assert caught.value.file == ".gto"
        assert [problem.kind for problem in registry.problems()] == [ProblemKind.CONFIGURATION]
        assert do(registry, "assign", "m", "v1.0.0", "prod", force=True).stage == "prod"

    def test_without_the_extra(
        self, gto: Callable[[str], Registry], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = builtins.__import__

        def missing(name: str, *rest: Any) -> Any:
            if name.startswith("ruamel"):
                raise ImportError(name)
            return found(name, *rest)

        monkeypatch.setattr(builtins, "__import__", missing)
        registry = gto("stages: [dev]\n")
        with pytest.raises(
            MissingExtraError, match=r"pip install 'modelversions\[yaml\]'"
        ) as caught:
            do(registry, "assign", "m", "v1.0.0", "dev")
        assert caught.value.extra == "yaml"
        assert isinstance(caught.value, ImportError)

    def test_a_directory_of_that_name_is_ignored(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0")
        assert isinstance(disk.repo, Repo)
        Path(disk.repo.path, ".gto").mkdir()
        assert do(disk.registry, "assign", "m", "v1.0.0", "prod").stage == "prod"

    def test_a_file_without_read_permission(
        self, disk: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        disk.tags("m@v1.0.0")
        (disk.git_dir.parent / ".gto").touch()
        opened = open

        def refuse(path: Any, *rest: Any) -> Any:
            if str(path).endswith(".gto"):
                raise PermissionError(13, "Permission denied")
            return opened(path, *rest)

        monkeypatch.setattr("modelversions.git.local.local_store.open", refuse, raising=False)
        with pytest.raises(RepositoryError, match="'.gto' in .* cannot be read: .*denied"):
            do(disk.registry, "assign", "m", "v1.0.0", "prod")

    def test_stages_from_the_argument(self, disk: Builder) -> None:
        disk.tags("m@v1.0.0")
        assert isinstance(disk.repo, Repo)
        with Registry.open(disk.repo.path, stages=["dev"]) as registry:
            with pytest.raises(StageNotAllowedError):
                do(registry, "assign", "m", "v1.0.0", "prod")
            assert do(registry, "assign", "m", "v1.0.0", "dev").stage == "dev"
        with pytest.raises(ConfigurationError, match="^invalid stages=: .*must be a list of names"):
            Registry.from_repo(disk.repo, stages="dev")

    def test_a_bare_repository_has_the_file_in_head(self, tmp_path: Path, builder: Builder) -> None:
        builder.tags("m@v1.0.0")
        builder.commit_file(".gto", "stages: [dev]\n")
        with pytest.raises(StageNotAllowedError):
            do(builder.registry, "assign", "m", "v1.0.0", "prod")
        with Repo.init_bare(str(tmp_path)) as repo:
            assert Registry.from_repo(repo).allowed_stages() is None
