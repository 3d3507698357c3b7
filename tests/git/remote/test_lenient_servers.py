"""Servers that accept or report what C git does not: dulwich's own, served by the tests."""

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
def overtaken(far: Builder, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Refs and ids that the server sets for another client before it applies a push."""
    first: dict[str, str] = {}
    apply = ReceivePackHandler._apply_pack

    def late(handler: Any, refs: Any) -> Any:
        for name in list(first):
            far.repo.refs.set_if_equals(Ref(name.encode()), None, first.pop(name).encode())  # type: ignore[arg-type]
        return apply(handler, refs)

    monkeypatch.setattr(ReceivePackHandler, "_apply_pack", late)
    return first


class TestRevisions:
    """A ref outside of ``refs/heads`` may lead to something that is no commit."""

    @pytest.mark.parametrize("kind", ["blob", "tree"])
    @pytest.mark.parametrize("annotated", [True, False])
    def test_a_ref_to_another_object_is_refused(
        self, far: Builder, registry: Registry, kind: str, annotated: bool
    ) -> None:
        target = far.blob("x") if kind == "blob" else far.add(Tree())
        if annotated:
            far.tag("t", target, kind=kind)
        else:
            far.ref("refs/tags/t", target)
        for dry_run in (True, False):
            for name in ("t", "refs/tags/t"):
                with pytest.raises(NotACommitError):
                    registry.register("m", "v1.0.0", commit=name, author=ANN, dry_run=dry_run)
        with pytest.raises(NotACommitError):
            registry.at("t")
        assert far.registry.history() == ()

    @pytest.mark.parametrize("ref", ["tags/light", "pull/1/head", "tags/annotated", "tags/nested"])
    def test_a_ref_to_a_commit_that_no_branch_names(
        self, far: Builder, registry: Registry, ref: str
    ) -> None:
        if ref in ("tags/light", "pull/1/head"):
            far.ref(f"refs/{ref}", far.commits["c1"])
        else:
            inner = far.tag("annotated", "c1")
            far.tag("nested", inner, kind="tag")
        event = registry.register("m", "v1.0.0", commit=f"refs/{ref}", author=ANN)
        assert event.commit == far.commits["c1"]
        assert far.registry.history() == (event,)
        assert far.registry.problems() == ()


class TestPushes:
    """dulwich's server reports "ok" for a ref that was changed meanwhile, and keeps it."""

    def test_a_registration_that_another_client_made_first(
        self, far: Builder, registry: Registry, overtaken: dict[str, str]
    ) -> None:
        other = far.tag("other")
        overtaken["refs/tags/m@v1.0.0"] = other
        with pytest.raises(VersionExistsError):
            registry.register("m", "v1.0.0", author=ANN)
        assert not overtaken
        assert far.repo.refs[Ref(b"refs/tags/m@v1.0.0")].decode() == other

    def test_a_deletion_of_a_tag_that_another_client_changed(
        self, far: Builder, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        far.tags("m@v1.0.0")
        other = far.tag("other")
        apply = ReceivePackHandler._apply_pack

        def late(handler: Any, refs: Any) -> Any:
            far.ref("refs/tags/m@v1.0.0", other)
            return apply(handler, refs)

        monkeypatch.setattr(ReceivePackHandler, "_apply_pack", late)
        with pytest.raises(PushRejectedError, match="did not set it: it was changed"):
            registry.delete_tags("m@v1.0.0")
        assert far.repo.refs[Ref(b"refs/tags/m@v1.0.0")].decode() == other

    @pytest.mark.parametrize("kind", ["git", "http"])
    def test_a_push_from_a_clone(
        self, far: Builder, kind: str, overtaken: dict[str, str], tmp_path: Path
    ) -> None:
        with served(kind, far.repo) as url, Repo.init(str(tmp_path / "clone"), mkdir=True) as repo:
            clone = Builder(repo)
            clone.commit()
            clone.tags("m@v1.0.0", "n@v1.0.0")
            overtaken["refs/tags/m@v1.0.0"] = far.tag("other")
            with pytest.raises(PushRejectedError, match="'m@v1.0.0'.*was changed") as caught:
                clone.registry.push(remote=url)
            assert caught.value.tag == "m@v1.0.0"

    def test_what_went_through_is_listed_once_more(self, far: Builder, registry: Registry) -> None:
        event = registry.register("m", "v1.0.0", author=ANN)
        registry.assign("n", stage="dev", register=True, author=ANN)
        assert list(registry.delete_tags(event)) == ["m@v1.0.0"]
        assert [one.tag for one in far.registry.history()] == ["n@v0.0.1", "n#dev#1"]
