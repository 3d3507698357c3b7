"""A sample of the mutants is killed, and the table of survivors matches the code."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.mutation.code import ROOT, Code
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.processes import Outcome
from tests.mutation.reach import Reach
from tests.mutation.results import TABLE, ModuleResult, Survivor, load, package, summary, tables
from tests.mutation.settings import Settings

pytestmark = pytest.mark.mutation

SETTINGS = Settings.load()
RESULTS = load()

SOURCE = '''"""A module."""
from typing import overload

LIMIT: int | None = 3


@overload
def double(number: int) -> int: ...


@cached
def double(number: int | str = 1, *, more: bool = False) -> int | str:
    """Double it."""
    if number > LIMIT and (
        number
    ):
        call(number, key=1)
    return number * 2
'''


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Mutant]:
    """The mutants of ``SOURCE``."""
    path = tmp_path_factory.mktemp("source") / "module.py"
    path.write_text(SOURCE, encoding="utf-8")
    return list(mutants(str(path)))


def changes(found: list[Mutant], operator: str) -> list[tuple[str, str, str]]:
    return [one.key[1:] for one in found if one.operator.startswith(operator)]


def test_a_mutant_has_one_change(found: list[Mutant]) -> None:
    text = " ".join(SOURCE.split())
    for mutant in found:
        compile(mutant.source, "mutant", "exec")
        before, after = " ".join(mutant.before.split()), " ".join(mutant.after.split())
        changed = text.replace(before, after, 1)
        assert " ".join(changed.split()) == " ".join(mutant.source.split())
    assert len({one.source for one in found}) == len(found)


def test_annotations_and_overloads_are_not_changed(found: list[Mutant]) -> None:
    assert not changes(found, "ReplaceBinaryOperator_BitOr")
    assert {one.line for one in found if "BinaryOperator" in one.operator} == {18}
    assert [one.line for one in found if one.operator == "RemoveDecorator"] == [11]


def test_operators_in_addition_to_those_of_cosmic_ray(found: list[Mutant]) -> None:
    call = "call(number, key=1)"
    assert changes(found, "RemoveStatement") == [("double", call, "pass")]
    assert changes(found, "RemoveKeywordArgument") == [("double", call, "call(number,)")]
    assert changes(found, "ReturnNone") == [("double", "return number * 2", "return None")]


def test_the_lines_that_reach_a_change() -> None:
    code = Code(SOURCE)
    assert code.reached_by(4) is None, "the import runs it"
    assert code.reached_by(12) == range(13, 19), "the header of a function is tested by its body"
    assert code.reached_by(15) == range(14, 17)
    assert code.reached_by(18) == range(18, 19)
    assert [code.function(line) for line in (4, 12, 18)] == ["", "double", "double"]


def test_code_of_an_import_is_tested_by_all_tests_of_the_module() -> None:
    path, near = "modelversions/p/a.py", "tests/p/test_a.py"
    seconds = {"slow": 4.0, "medium": 2.0, "fast": 1.0, near: 3.0}
    reach = Reach({path: {1: 0b1110, 2: 0b0010}}, seconds)
    assert reach.tests(path, range(2, 3), 9) == ["medium"]
    assert reach.tests(path, None, 9) == ["fast", "medium", near]
    assert reach.tests(path, None, 9, "tests/p/") == [near, "fast", "medium"]
    assert reach.tests(path, None, 4.5, "tests/p/") == [near, "fast"]
    assert reach.tests("modelversions/p/b.py", None, 9) == []


def test_the_reasons_of_survivors_are_kept() -> None:
    mutant = Mutant("a.py", "f", "operator", 1, "a | b", "a & b", "")
    known = ModuleResult(9, 0, (Survivor("f", "a | b", "a & b", "equal"), Survivor("f", "c", "d")))
    outcomes = [(mutant, Outcome.SURVIVED), (mutant, Outcome.KILLED), (mutant, Outcome.TIMEOUT)]
    result = summary(outcomes, 2, known)
    assert result == ModuleResult(3, 1, (Survivor("f", "a | b", "a & b", "equal"),), 2)
    assert str(result) == "2 of 3 killed (66.7 %)"
    table = tables({"modelversions/x/a.py": result})
    assert "| modelversions/x/a.py (one in 2) | 3 | 2 | 1 | 1 | 66.7 % |" in table
    assert "| x/a.py<br>f | <code>a &#124; b</code> | <code>a &amp; b</code> | equal |" in table


@pytest.mark.parametrize("path", list(SETTINGS.paths()))
def test_the_code_of_survivors_exists(path: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    text = " ".join(filter(None, map(str.strip, source.splitlines())))
    names = Code(source).names
    for survivor in RESULTS[path].survivors:
        assert survivor.before in text, f"run python -m tests.mutation {path}"
        assert survivor.function in names
        assert survivor.reason


def test_the_table_is_current() -> None:
    assert TABLE.read_text(encoding="utf-8").endswith(tables(RESULTS))
    assert set(RESULTS) == set(SETTINGS.paths())


@pytest.mark.parametrize("name", SETTINGS.packages)
def test_enough_mutants_are_killed(name: str) -> None:
    assert package(RESULTS, name).percent >= SETTINGS.percent


def test_enough_mutants_of_a_sample_are_killed() -> None:
    """A new process is needed, as it must import the package for the first time."""
    command = [sys.executable, "-m", "tests.mutation", "--one-in", "30", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
