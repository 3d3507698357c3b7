"""``progress=True``: bars of tqdm."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from modelversions import Catalog, InvalidArgumentError, MissingExtraError, Registry
from modelversions.git.objects import tag_reader
from modelversions.git.remote import remote_tags
from modelversions.progress_bar import ProgressBars, check_progress
from tests.builders import Builder
from tests.servers import served


class Bar:
    """Record the arguments of a bar."""

    created: list[Bar]

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.total = options["total"]
        self.n = 0
        self.closed = False
        self.created.append(self)

    def update(self, amount: int) -> None:
        self.n += amount

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[Bar]:
    monkeypatch.setattr("tqdm.auto.tqdm", Bar)
    Bar.created = []
    return Bar.created


def test_a_bar_for_each_kind_of_work(bars: list[Bar]) -> None:
    show = ProgressBars()
    show(10, None, "bytes received")
    show(1, 4, "tags read")
    show(25, None, "bytes received")
    received, read = bars
    assert (received.n, received.total, received.closed) == (25, None, False)
    assert (read.n, read.total, read.closed) == (1, 4, False)
    assert (received.options["unit"], received.options["leave"]) == ("B", False)
    assert (read.options["desc"], read.options["leave"]) == ("tags read", True)
    show(25, 25, "bytes received")
    show(4, 4, "tags read")
    assert [(bar.n, bar.total, bar.closed) for bar in bars] == [(25, 25, True), (4, 4, True)]


def test_a_smaller_amount_starts_a_new_bar(bars: list[Bar]) -> None:
    show = ProgressBars()
    show(9, None, "bytes received")
    show(3, None, "bytes received")
    show(3, 3, "bytes received")
    show(2, 2, "bytes received")
    assert [(bar.n, bar.closed) for bar in bars] == [(9, True), (3, True), (2, True)]


def test_values_of_progress() -> None:
    def report(done: int, total: int | None, what: str) -> None:
        raise NotImplementedError

    assert check_progress(report, "Catalog") is report
    assert check_progress(None, "Catalog") is None
    assert check_progress(False, "Catalog") is None  # noqa: FBT003  # the value under test
    with pytest.raises(InvalidArgumentError, match="a callable, not a str; see Catalog"):
        check_progress("yes", "Catalog")  # type: ignore[arg-type]


@pytest.mark.parametrize("factory", [lambda **options: Registry.open(".", **options), Catalog])
def test_without_tqdm(factory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    options: dict[str, Any] = {"sources": []} if factory is Catalog else {}
    with pytest.raises(MissingExtraError, match=r"pip install 'modelversions\[notebook\]'"):
        factory(progress=True, **options)


def test_a_server_s_tags(
    served_repo: Builder, bars: list[Bar], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_tags, "HAVES", 1)
    served_repo.commit("c3", 2)
    served_repo.tag("m@v1.0.0", "c1", 1)
    served_repo.tag("m@v1.1.0", "c3", 2)
    with served("http", served_repo.repo) as url, Registry.open(url, progress=True) as registry:
        assert len(registry["m"].history) == 2
    read = [(bar.n, bar.total) for bar in bars if bar.options["desc"] == "tags read"]
    received = [bar for bar in bars if bar.options["desc"] == "bytes received"]
    assert read == [(2, 2)]
    assert received
    assert all(bar.closed and bar.n == bar.total > 0 for bar in bars)


def test_a_local_repository_s_tags(disk: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.tags(*(f"m@v1.0.{number}" for number in range(5)))
    steps: list[tuple[int, int | None, str]] = []
    with Registry.open(str(disk.git_dir), progress=lambda *step: steps.append(step)) as registry:
        assert len(registry["m"]) == 5
        assert steps == []  # too few tags for a report
    monkeypatch.setattr(tag_reader, "STEP", 2)
    with Registry.open(str(disk.git_dir), progress=lambda *step: steps.append(step)) as registry:
        assert len(registry["m"]) == 5
    assert steps == [(2, 5, "tags read"), (4, 5, "tags read"), (5, 5, "tags read")]


def test_a_catalog_s_repositories(disk: Builder, bars: list[Bar]) -> None:
    disk.tags("m@v1.0.0")
    catalog = Catalog([str(disk.git_dir)], progress=True)
    assert len(catalog.latest()) == 1
    (bar,) = bars
    assert (bar.options["desc"], bar.n, bar.closed) == ("repositories read", 1, True)


def test_the_bars_of_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show = ProgressBars()
    show(1, 2, "tags read")
    show(2, 2, "tags read")
    assert "tags read: 100%" in capsys.readouterr().err
