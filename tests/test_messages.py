"""Errors name the cause and a remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from dulwich.errors import HangupException, NotGitRepository, ObjectFormatException
from dulwich.objects import Tree
from dulwich.repo import MemoryRepo, Repo

from modelversions import (
    Catalog,
    Identity,
    IdentityError,
    InvalidArgumentError,
    InvalidNameError,
    InvalidTagNameError,
    InvalidVersionError,
    Registry,
    RemoteError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
    StageNotFoundError,
    TagNotFoundError,
    VersionNotFoundError,
    is_model_name,
    is_stage_name,
)
from modelversions.git.remote.error_translation import translate_error
from modelversions.git.remote.transport import PushResult
from modelversions.git.store import sha_hint
from modelversions.testing import FixedClock, memory_registry
from tests.builders import Builder, at
from tests.servers import git_server

ANN = Identity("Ann", "ann@example.com")


@pytest.fixture
def served_url(bare: Builder) -> Iterator[str]:
    bare.tags("m@v1.0.0")
    assert isinstance(bare.repo, Repo)
    with git_server(bare.repo) as url:
        yield url


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("churn", "it names no version; write 'churn@latest', or name a version or a stage"),
        ("churn@prod", "'prod' is not a version; for a stage, write 'churn#prod'"),
        ("churn@prod/eu", "write 'churn#prod/eu'"),
        ("churn@v1", "'v1' is not a version name: the patch"),
        ("churn@1.0.0", "'1.0.0' is not a version name"),
        ("churn@deprecated", "write 'model@latest', 'model@v1.2.3'"),
    ],
)
def test_invalid_references(builder: Builder, reference: str, text: str) -> None:
    with pytest.raises(InvalidTagNameError) as caught:
        builder.registry.resolve(reference)
    assert text.split("the patch", maxsplit=1)[0] in str(caught.value)


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("a b", "it contains ' '; allowed are ASCII letters, digits, '-', '_', '/', and one ':'"),
        ("m\u00e4h", "it contains '\u00e4'"),
        ("dir:a.b", "it contains '.'"),
        ("m@x", "it contains '@'"),
        ("-m", "it must begin and end with a letter or a digit"),
    ],
)
def test_invalid_model_names(builder: Builder, model: str, text: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        builder.registry.register(model, "v1.0.0", author=ANN)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("stage", "text"),
    [
        ("", "it is empty or missing; pass one, such as stage='prod'"),
        ("a:b", "it contains ':'; allowed are ASCII letters, digits, '-', '_' and '/'"),
        ("pr od", "it contains ' '"),
        ("prod-", "it must begin and end with a letter or a digit"),
    ],
)
def test_invalid_stage_names(builder: Builder, stage: str, text: str) -> None:
    builder.tags("m@v1.0.0")
    with pytest.raises(InvalidNameError) as caught:
        builder.registry.assign("m", "v1.0.0", stage, author=ANN)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("revision", "hint"),
    [
        ("a" * 39 + "g", "a full SHA has 40 hexadecimal digits; 'g' is not one"),
        ("a" * 39, "a full SHA has 40 hexadecimal digits; this one has 39"),
        ("a" * 41, "this one has 41"),
        ("a" * 30, ""),
        ("a" * 40, ""),
        ("feature-branch-of-about-forty-characters", ""),
        ("featurebranchofaboutfortycharactersxxyyz", ""),
    ],
)
def test_mistyped_shas(disk: Builder, served_url: str, revision: str, hint: str) -> None:
    assert sha_hint(revision).endswith(hint)
    assert bool(hint) == bool(sha_hint(revision))
    with Registry.open(served_url) as remote:
        for registry in (disk.registry, remote):
            with pytest.raises(RevisionNotFoundError) as caught:
                registry.at(revision)
            assert hint in str(caught.value)


def test_an_object_that_dulwich_cannot_parse() -> None:
    error = translate_error(ObjectFormatException("no zone"), "there", 1, [])
    assert type(error) is RemoteError
    assert "cannot be parsed by dulwich: no zone; nothing was changed at 'there'" in str(error)


def test_output_of_a_hook_that_resembles_git_s_errors() -> None:
    error = HangupException([b"hook: jq: command foo not found, permission denied"])
    for reached, kind in ((False, RepositoryNotFoundError), (True, RemoteError)):
        assert type(translate_error(error, "there", 1, [], reached=reached)) is kind
    assert isinstance(
        translate_error(NotGitRepository(), "there", 1, [], reached=True), RepositoryNotFoundError
    )


def test_the_tag_that_a_hook_rejected_in_an_atomic_push() -> None:
    results = {"refs/tags/a": "atomic push failure", "refs/tags/b": "hook declined"}
    assert PushResult(results, frozenset(), "").cause == ("refs/tags/b", "hook declined")
    results = {"refs/tags/a": "atomic push failure"}
    assert PushResult(results, frozenset(), "").cause == ("refs/tags/a", "atomic push failure")


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("refs/heads/main", "'refs/heads/main' is not the tag of an event: it is not a tag; pass"),
        ("refs/heads/m@v1.0.0", "'refs/heads/m@v1.0.0' is not the tag of an event: it is not a"),
        ("release-1", "it is not a tag of the form model@version or model#stage"),
        ("m@1.0.0", "must start with 'v', try 'v1.0.0'"),
        (
            "refs/tags/m@v9.0.0",
            "there is no tag 'm@v9.0.0' in 'memory'; if the remote has it, run 'git fetch --force ",
        ),
        ("light@v1.0.0", "it is a lightweight tag, .*, as some CI systems fetch annotated tags as"),
    ],
)
def test_a_ref_without_an_event(builder: Builder, ref: str, message: str) -> None:
    builder.tags("m@v1.0.0")
    builder.ref("refs/tags/light@v1.0.0", builder.commits["c1"])
    registry = builder.registry
    assert registry.event(ref) is None
    with pytest.raises((InvalidTagNameError, TagNotFoundError), match=message):
        registry.event(ref, strict=True)
    assert registry.event("refs/tags/m@v1.0.0", strict=True) is not None


def test_a_tag_of_a_tree(builder: Builder) -> None:
    builder.tag("m@v1.0.0", builder.add(Tree()), kind="tree")
    with pytest.raises(TagNotFoundError, match="peels to a tree, not to a commit, .* event$"):
        builder.registry.event("m@v1.0.0", strict=True)


def test_an_event_after_the_time_of_a_view(builder: Builder) -> None:
    builder.tag("m@v1.0.0", "c1", 10)
    view = builder.registry.as_of(at(5))
    with pytest.raises(
        TagNotFoundError, match=f"registry as of {re.escape(str(at(5)))}, and the t"
    ):
        view.event("m@v1.0.0", strict=True)


def test_a_view_has_no_methods_that_write(builder: Builder) -> None:
    builder.tag("m@v1.0.0", "c1", 10)
    view: Any = builder.registry.as_of(at(50))
    with pytest.raises(AttributeError, match="'register'; a view only reads: call it on the Reg"):
        view.register("m")
    with pytest.raises(AttributeError, match="'RegistryView' object has no attribute 'registr'$"):
        view.registr("m")
    assert not hasattr(builder.registry, "registr")


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("v1.0.0", "it is a version; the order of arguments is model, version"),
        ("churn@v1.2.0", "it is a tag's name; pass the model, 'churn'"),
        ("dir=churn#prod#1", "it is a tag's name; pass the model, 'dir:churn'"),
    ],
)
def test_a_version_or_tag_as_a_model(builder: Builder, model: str, reason: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        builder.registry.register(model, "v1.0.0", author=ANN)
    assert caught.value.reason == reason
    assert not is_model_name(model)


@pytest.mark.parametrize("method", ["assign", "unassign"])
def test_a_stage_as_a_version(builder: Builder, method: str) -> None:
    builder.tags("m@v1.0.0", "m#prod#1")
    with pytest.raises(InvalidVersionError) as caught:
        getattr(builder.registry, method)("m", "prod")
    assert caught.value.reason == "for the stage of that name, write stage='prod'"
    with pytest.raises(InvalidVersionError, match="must start with 'v'"):
        getattr(builder.registry, method)("m", "1.0.0")


def test_names_of_other_types(builder: Builder) -> None:
    builder.tags("m@v1.0.0", "m#prod#1")
    model: Any = builder.registry["m"]
    assert not is_model_name(cast("Any", 5))
    assert not is_stage_name(cast("Any", None))
    assert model.holders([]) == ()
    assert [] not in model.stages
    with pytest.raises(StageNotFoundError, match=r"is in stage \[\]"):
        model.stages[[]]


def test_values_of_other_types(builder: Builder) -> None:
    builder.tags("m@v1.0.0")
    registry: Any = builder.registry
    event = registry.event("m@v1.0.0")
    for value in (None, 5, registry["m"]):
        with pytest.raises(InvalidArgumentError, match="a reference must be text such as 'churn@"):
            registry.resolve(value)
    with pytest.raises(InvalidArgumentError, match="; of an event, pass its tag"):
        registry.resolve(event)
    for value in (None, 5, event):
        with pytest.raises(InvalidArgumentError, match="ref must be the name or the full ref of "):
            registry.event(value)
    with pytest.raises(InvalidArgumentError, match="strict must be True or False, not 'yes'"):
        registry.event("m@v1.0.0", strict="yes")
    with pytest.raises(InvalidArgumentError, match="register must be True or False, not 'yes'"):
        registry.assign("m", "v1.0.0", "prod", register="yes", author=ANN)
    with pytest.raises(InvalidArgumentError, match="commit must be text such as a SHA"):
        registry.commits(5)
    assert registry.commits(event) == registry.commits(event.commit)
    with pytest.raises(InvalidArgumentError, match="pass one of the model's events, not 5"):
        registry["m"].of_event(5)
    with pytest.raises(InvalidArgumentError, match=r"pass another repository as remote= of push"):
        registry.push(registry)
    for call in (registry.push, registry.verify, registry.delete_tags):
        with pytest.raises(
            InvalidArgumentError, match="a Version, not 5; pass one such as 'churn@"
        ):
            call(5)


@pytest.mark.parametrize("clock", [lambda: 5, lambda: datetime(2024, 1, 1)])  # noqa: DTZ001
def test_a_clock_that_returns_an_invalid_time(clock: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="clock must be a datetime with a time zone"):
        memory_registry(clock=clock)


def test_invalid_arguments_of_a_fixed_clock() -> None:
    values: list[dict[str, Any]] = [{"start": "2020"}, {"start": datetime(2024, 1, 1)}, {"step": 5}]  # noqa: DTZ001
    for options in values:
        with pytest.raises(InvalidArgumentError, match=f"{next(iter(options))} must be a "):
            FixedClock(**options)
    assert repr(FixedClock()) == "<FixedClock 2024-01-01 00:00:00+00:00, step 0:00:01>"


def test_texts_that_cannot_be_encoded(disk: Builder) -> None:
    disk.tags("m@v1.0.0")
    registry = disk.registry
    for call in (
        lambda: registry.fetch("\ud800"),
        lambda: registry.register("m", "v2.0.0", author=ANN, push="\ud800"),
        lambda: registry.register("m", "v2.0.0", author=ANN, sign="\ud800"),
    ):
        with pytest.raises(InvalidArgumentError):
            call()
    assert len(registry.commits("refs/tags/m@v1.0.0", limit=10**30)) == 1


def test_author_and_clock_of_another_type() -> None:
    options: list[Any] = [{"author": "Ann"}, {"clock": at(0)}]
    for one in options:
        with pytest.raises((IdentityError, InvalidArgumentError), match=" not "):
            Registry.from_repo(MemoryRepo(), **one)


def test_a_registry_that_is_its_own_remote() -> None:
    registry = memory_registry({"m": ["v1.0.0"]})
    with pytest.raises(InvalidArgumentError, match="push= names this registry itself, <Registry "):
        registry.delete_tags("m@v1.0.0", push=registry)
    assert registry.fetch(registry).unchanged == ("m@v1.0.0",)


def test_names_in_messages_are_bounded() -> None:
    versions = [f"v1.{minor}.0" for minor in range(50)]
    registry = memory_registry({"m": versions})
    with pytest.raises(
        VersionNotFoundError, match=r"pass an active one: v1.49.0, .*, …$"
    ) as caught:
        registry.assign("m", "v9.9.9", "prod")
    assert len(str(caught.value)) < 200


def test_an_unreadable_repository_of_a_catalog(tmp_path: Path) -> None:
    with pytest.raises(RepositoryNotFoundError, match=r"^there is no "):
        Catalog([{"name": "a", "path": tmp_path / "absent"}]).resolve("a/m@latest")
