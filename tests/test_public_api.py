"""The public names, errors and modules."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import pickle
import re
import subprocess
import sys
from pkgutil import iter_modules

import pytest

import modelversions
from modelversions import Model, ModelVersionsError, Registry, TagName, Version, errors
from tests.builders import Builder

ERRORS = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and value.__module__ == errors.__name__
]
INTERNAL = {"join_names", "name_of", "redact", "set_message"}
WARNINGS = [value for value in ERRORS if issubclass(value, Warning)]


def test_the_names() -> None:
    assert sorted(modelversions.__all__) == modelversions.__all__
    for name in modelversions.__all__:
        value = getattr(modelversions, name)
        # On Python 3.10, isclass() is true for Callable[...].
        assert not issubclass(type(value), type) or value.__doc__
    values = {"Event", "EventKind", "Identity", "Model", "Problem", "Registry", "SemVer", "TagName"}
    more = {"Version", "Commit", "ProblemKind", "Signature", "SignatureStatus"}
    more |= {
        "Change",
        "ChangeKind",
        "Span",
        "Artifact",
        "Artifacts",
        "is_model_name",
        "is_stage_name",
    }
    more |= {"Events", "Problems", "Commits", "Changes"}
    more |= {"Conflict", "SyncResult", "Credentials", "Progress", "RegistryView", "Revision"}
    more |= {"Catalog", "CatalogEvents", "CatalogProblems"}
    assert values | more | {e.__name__ for e in ERRORS} == set(modelversions.__all__)


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (Registry, "open from_repo close latest resolve at event history problems stages commits"),
        (Registry, "register deregister assign unassign deprecate delete_tags verify push fetch"),
        (
            Model,
            "name latest newest versions all_versions greatest matching stages holders history",
        ),
        (
            Version,
            "model name semver commit tag registered_at author message stages active history",
        ),
        (Registry, "as_of diff changes to_records to_pandas allowed_stages"),
        (Model, "board to_records to_pandas"),
        (TagName, "parse try_parse kind model version stage counter message"),
    ],
)
def test_members_of_classes(owner: type, names: str) -> None:
    for name in names.split():
        assert hasattr(owner, name)


@pytest.mark.parametrize("name", ["credentials", "errors", "rules", "testing"])
def test_all_lists_the_public_names_of_a_module(name: str) -> None:
    module = importlib.import_module(f"modelversions.{name}")
    public = {
        key
        for key, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and not key.startswith("_")
    }
    assert sorted(module.__all__) == sorted(set(module.__all__))
    assert set(module.__all__) - INTERNAL - {"AUTHOR", "Rule", "START"} == public - INTERNAL


def test_the_version_is_that_of_the_package() -> None:
    assert modelversions.__version__ == importlib.metadata.version("modelversions")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = modelversions.nothing


@pytest.mark.parametrize("error", [error for error in ERRORS if error not in WARNINGS])
def test_errors_have_a_common_base_and_a_builtin_base(error: type[ModelVersionsError]) -> None:
    assert issubclass(error, ModelVersionsError)
    if error is not ModelVersionsError:
        assert any(base.__module__ == "builtins" for base in error.__mro__[1:-3])
    names = [name for name in inspect.signature(error).parameters if name != "message"]
    caught = error("the cause and the remedy", **dict.fromkeys(names, "https://u:p@host/x"))
    again = pickle.loads(pickle.dumps(caught))
    assert str(again) == str(caught) == "the cause and the remedy"
    assert again.__dict__ == caught.__dict__ == dict.fromkeys(names, "https://***@host/x")
    assert set(names) <= _annotated(error)


def _annotated(error: type) -> set[str]:
    return {name for base in error.__mro__ for name in getattr(base, "__annotations__", {})}


def test_codes_are_unique_slugs() -> None:
    codes = [error.code for error in ERRORS if issubclass(error, ModelVersionsError)]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", code) for code in codes)


def test_the_docstring_lists_all_errors() -> None:
    listed = set(re.findall(r"\b\w+(?:Error|Warning)\b", errors.__doc__ or ""))
    assert {error.__name__ for error in ERRORS} <= listed


def test_frozen_values_cannot_be_changed(builder: Builder) -> None:
    builder.tags("m@v1.0.0")
    model = builder.registry["m"]
    for value, name in ((model, "name"), (model[0], "commit"), (model.history[0], "tag")):
        with pytest.raises(AttributeError):
            setattr(value, name, "other")


def test_imports_are_lazy() -> None:
    code = (
        "import sys, modelversions; first = set(sys.modules);"
        "from modelversions import SemVer; assert 'modelversions.registry' not in sys.modules;"
        "from modelversions import Registry; assert 'dulwich' not in sys.modules;"
        "assert 'packaging' not in sys.modules and 'modelversions.display' not in sys.modules;"
        "assert 'attr' not in first; assert set(modelversions.__all__) <= set(dir(modelversions))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert {"Registry", "__version__"} < set(dir(modelversions))


PUBLIC_MODULES = {"credentials", "errors", "gto", "plot", "pytest_plugin", "rules", "testing"}


@pytest.mark.parametrize("module", [one.name for one in iter_modules(modelversions.__path__)])
def test_docstrings_state_which_modules_are_private(module: str) -> None:
    doc = importlib.import_module(f"modelversions.{module}").__doc__ or ""
    assert ("is private" in doc) is (module not in PUBLIC_MODULES)
