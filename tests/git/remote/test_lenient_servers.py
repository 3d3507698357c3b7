"""Servers that are more lenient than C git: dulwich's own servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dulwich.objects import Tree
from dulwich.refs import Ref
from dulwich.repo import Repo
from dulwich.server import ReceivePackHandler

from modelversions import (
    Identity,
    NotACommitError,
    PushRejectedError,
    Registry,
    VersionExistsError,
)
from tests.builders import Builder
from tests.servers import served

ANN = Identity("Ann", "ann@example.com")


@pytest.fixture
def overtaken(served_repo: Builder, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Refs and ids that the server sets for another client before it applies a push."""
    first: dict[str, str] = {}
    apply = ReceivePackHandler._apply_pack

    def change_first(handler: Any, refs: Any) -> Any:
        for name in list(first):
            served_repo.repo.refs.set_if_equals(Ref(name.encode()), None, first.pop(name).encode())  # type: ignore[arg-type]
        return apply(handler, refs)

    monkeypatch.setattr(ReceivePackHandler, "_apply_pack", change_first)
    return first


class TestRevisions:
    """A ref outside of ``refs/heads`` may lead to an object that is not a commit."""

    @pytest.mark.parametrize("kind", ["blob", "tree"])
    @pytest.mark.parametrize("annotated", [True, False])
    def test_a_ref_to_another_object_is_refused(
        self, served_repo: Builder, registry: Registry, kind: str, annotated: bool
    ) -> None:
        target = served_repo.blob("x") if kind == "blob" else served_repo.add(Tree())
        if annotated:
            served_repo.tag("t", target, kind=kind)
        else:
            served_repo.ref("refs/tags/t", target)
        for dry_run in (True, False):
            for name in ("t", "refs/tags/t"):
                with pytest.raises(NotACommitError):
                    registry.register("m", "v1.0.0", commit=name, author=ANN, dry_run=dry_run)
        with pytest.raises(NotACommitError):
            registry.at("t")
        assert served_repo.registry.history() == ()

    @pytest.mark.parametrize("ref", ["tags/light", "pull/1/head", "tags/annotated", "tags/nested"])
    def test_a_ref_to_a_commit_that_no_branch_names(
        self, served_repo: Builder, registry: Registry, ref: str
    ) -> None:
        if ref in ("tags/light", "pull/1/head"):
            served_repo.ref(f"refs/{ref}", served_repo.commits["c1"])
        else:
            inner = served_repo.tag("annotated", "c1")
            served_repo.tag("nested", inner, kind="tag")
        event = registry.register("m", "v1.0.0", commit=f"refs/{ref}", author=ANN)
        assert event.commit == served_repo.commits["c1"]
        assert served_repo.registry.history() == (event,)
        assert served_repo.registry.problems() == ()


class TestPushes:
    """dulwich's server reports "ok" for a ref that it did not set as it had changed."""

    def test_a_registration_that_another_client_made_first(
        self, served_repo: Builder, registry: Registry, overtaken: dict[str, str]
    ) -> None:
        other = served_repo.tag("other")
        overtaken["refs/tags/m@v1.0.0"] = other
        with pytest.raises(VersionExistsError):
            registry.register("m", "v1.0.0", author=ANN)
        assert not overtaken
        assert served_repo.repo.refs[Ref(b"refs/tags/m@v1.0.0")].decode() == other

    def test_a_deletion_of_a_tag_that_another_client_changed(
        self, served_repo: Builder, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        served_repo.tags("m@v1.0.0")
        other = served_repo.tag("other")
        apply = ReceivePackHandler._apply_pack

        def change_first(handler: Any, refs: Any) -> Any:
            served_repo.ref("refs/tags/m@v1.0.0", other)
            return apply(handler, refs)

        monkeypatch.setattr(ReceivePackHandler, "_apply_pack", change_first)
        with pytest.raises(PushRejectedError, match="did not set it: it was changed"):
            registry.delete_tags("m@v1.0.0")
        assert served_repo.repo.refs[Ref(b"refs/tags/m@v1.0.0")].decode() == other

    @pytest.mark.parametrize("kind", ["git", "http"])
    def test_a_push_from_a_clone(
        self, served_repo: Builder, kind: str, overtaken: dict[str, str], tmp_path: Path
    ) -> None:
        with (
            served(kind, served_repo.repo) as url,
            Repo.init(str(tmp_path / "clone"), mkdir=True) as repo,
        ):
            clone = Builder(repo)
            clone.commit()
            clone.tags("m@v1.0.0", "n@v1.0.0")
            overtaken["refs/tags/m@v1.0.0"] = served_repo.tag("other")
            with pytest.raises(PushRejectedError, match="'m@v1.0.0'.*was changed") as caught:
                clone.registry.push(remote=url)
            assert caught.value.tag == "m@v1.0.0"

    def test_accepted_refs_are_listed_again(self, served_repo: Builder, registry: Registry) -> None:
        event = registry.register("m", "v1.0.0", author=ANN)
        registry.assign("n", stage="dev", register=True, author=ANN)
        assert list(registry.delete_tags(event)) == ["m@v1.0.0"]
        assert [one.tag for one in served_repo.registry.history()] == ["n@v0.0.1", "n#dev#1"]
