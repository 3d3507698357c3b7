"""The private names of dulwich that are used; a new dulwich that changes them fails here."""

from __future__ import annotations

import inspect
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from dulwich.client import GitClient, HttpGitClient, SSHGitClient, TCPGitClient
from dulwich.repo import Repo

from modelversions import git
from modelversions.git import _dulwich

CONNECT = ["self", "cmd", "path", "protocol_version"]


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (TCPGitClient, "_connect", CONNECT),
        (SSHGitClient, "_connect", CONNECT),
        (HttpGitClient, "_http_request", ["self", "url", "headers", "data", "raise_for_status"]),
        (GitClient, "_warn_filter_objects", []),
        (Repo, "_reflog_path", ["self", "ref"]),
    ],
)
def test_a_private_method_has_the_signature(owner: type, name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(owner, name)).parameters) == parameters


def test_a_client_has_host_and_port() -> None:
    client = TCPGitClient("host", port=7)
    assert (client._host, client._port) == ("host", 7)


def test_no_other_module_uses_private_names() -> None:
    root = Path(_dulwich.__file__).parent
    private = re.compile(
        r"_connect\(\s*self|_http_request|_warn_filter_objects|_get_config_condition_matchers|"
        r"_reflog_path|from dulwich\S* import _|SLF001"
    )
    using = [
        path.name for path in root.rglob("*.py") if private.search(path.read_text(encoding="utf-8"))
    ]
    assert using == ["_dulwich.py"]


def classes() -> Iterator[type]:
    """Yield the classes of the package that have dulwich's as base classes."""
    for module in pkgutil.walk_packages(git.__path__, "modelversions.git."):
        for value in vars(import_module(module.name)).values():
            is_own = isinstance(value, type) and value.__module__ == module.name
            if is_own and any(base.__module__.startswith("dulwich") for base in value.__mro__):
                yield value


def test_no_other_class_uses_private_attributes_of_its_base_class() -> None:
    found = set()
    for owner in classes():
        ours = set(re.findall(r"self\.(_[a-z]\w*)", inspect.getsource(owner)))
        for base in owner.__mro__:
            if base.__module__.startswith("dulwich"):
                theirs = {*vars(base), *re.findall(r"self\.(_\w+)", inspect.getsource(base))}
                found |= {(owner.__module__, name) for name in ours & theirs}
    assert found == {
        ("modelversions.git._dulwich", "_host"),
        ("modelversions.git._dulwich", "_port"),
    }


def test_a_client_without_send_is_abstract() -> None:
    client = _dulwich.HttpClient("http://host/")
    with pytest.raises(NotImplementedError):
        client._http_request("http://host/", {})
