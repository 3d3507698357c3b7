"""The page: one HTML file with the dashboard and the details of all models."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import threading
from base64 import b64encode
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from modelversions import (
    Catalog,
    EventKind,
    FileNotWrittenError,
    Identity,
    InvalidArgumentError,
    Model,
    Problem,
    ProblemKind,
    Registry,
)
from modelversions.display.page import encoding
from modelversions.display.page.content import PageContent, RepositoryContent
from modelversions.display.page.document import page_text, template
from modelversions.testing import memory_registry
from modelversions.values.web_pages import WebPages
from tests.builders import Builder
from tests.display.helpers import START, large_model, model, row
from tests.display.test_html import HOSTILE
from tests.servers import served

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=timezone(timedelta(hours=2)))


RAW = ("script", "style", "title")


class Document(HTMLParser):
    """Parses a page as a browser does: scripts and styles are not markup."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.contents: list[tuple[str, str]] = []
        """The text of each script, style and title."""
        self._open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag
        if tag in RAW:
            self.contents.append((tag, ""))

    def handle_endtag(self, _tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in RAW:
            tag, text = self.contents.pop()
            self.contents.append((tag, text + data))

    @property
    def json(self) -> list[Any]:
        kinds = [attrs.get("type") for tag, attrs in self.elements if tag == "script"]
        scripts = [text for tag, text in self.contents if tag == "script"]
        assert len(kinds) == len(scripts)
        return [
            json.loads(text) for kind, text in zip(kinds, scripts) if kind == "application/json"
        ]


def content(*models: Model, **changes: Any) -> RepositoryContent:
    fields: dict[str, Any] = {
        "name": "",
        "location": "here",
        "pages": WebPages(),
        "models": {one.name: one for one in models},
        "problems": [],
    }
    return RepositoryContent(**{**fields, **changes})


def data(*models: Model, **changes: Any) -> list[Any]:
    text = page_text(PageContent("Models", NOW, [content(*models, **changes)]))
    return Document(text).json


@pytest.fixture
def registry(builder: Builder) -> Registry:
    builder.commit("c2", 5)
    builder.tag("churn@v3.0.0", "c1", 10, zone="+0130")
    builder.tag("churn@v3.1.0", "c2", 20, message="first line\n\nmore", tagger=None)
    builder.tag(
        "churn#prod#1", "c1", 30, message="Assigning stage prod to artifact churn version v3.0.0"
    )
    builder.tag("churn#dev#02", "c2", 40)
    builder.tag("cv=pool#prod#1", "c2", 50)
    builder.tag("old@v1.0.0", "c1", 60)
    builder.tag("old@v1.0.0!", "c1", 65)
    builder.tag("old@deprecated", "c1", 70)
    builder.tag("churn@v1.0", "c1", 80)
    builder.tag("gone@created", "c1", 80)
    return builder.registry


class TestData:
    def test_the_dashboard(self, registry: Registry, builder: Builder) -> None:
        head = Document(registry.to_html(now=NOW, title="Our models")).json[0]
        assert head["title"] == "Our models"
        assert datetime.fromtimestamp(head["now"], timezone.utc) == NOW
        assert not head["is_catalog"]
        assert head["version_count"] == 2
        models = head["models"]
        assert models["names"] == ["churn", "cv:pool", "old"]
        assert models["latest"] == ["v3.1.0", None, None]
        assert models["versions"] == [2, 0, 0]
        assert models["deprecated"] == [2]
        assert models["repositories"] == 0
        names = [name for name, _ in head["stages"]]
        held = [names[at] if isinstance(at, int) else at for at in models["holders"][0]]
        assert held == ["dev", "v3.1.0", "prod", "v3.0.0"]
        assert models["holders"][1][1] == builder.commits["c2"]
        assert models["times"][0] + 30 == models["times"][2]
        assert models["authors"] == 0
        assert head["authors"] == [["Ann", "ann@example.com"]]

    def test_problems_belong_to_a_model_or_to_the_registry(self, registry: Registry) -> None:
        head, churn, pool, _ = Document(registry.to_html(now=NOW)).json
        kinds = head["problem_kinds"]
        assert [(kinds[kind], tag) for kind, tag, _ in churn["problems"]] == [
            ("malformed-name", "churn@v1.0"),
            ("no-tagger", "churn@v3.1.0"),
        ]
        assert [kinds[kind] for kind, _, _ in pool["problems"]] == ["unversioned-stage"]
        assert [(kinds[kind], tag) for kind, tag, _ in head["problems"]] == [
            ("reserved-name", "gone@created")
        ]
        assert (head["problem_count"], churn["problem_count"]) == (1, 2)
        assert head["model_problems"] == [2, 1, 0]

    def test_the_details_of_a_model(self, registry: Registry, builder: Builder) -> None:
        head, churn, *_ = Document(registry.to_html(now=NOW)).json
        c1, c2 = builder.commits["c1"], builder.commits["c2"]
        assert churn["names"] == ["v3.1.0", "v3.0.0"]
        assert churn["kinds"] == "0022"
        assert churn["version_of"] == [0, 1, 1, 0]
        assert churn["origins"] == [0, 1]
        assert churn["inactive"] == []
        assert [churn["commits"][at * 40 :][:40] for at in churn["commit_of"]] == [c2, c1, c1, c2]
        assert churn["width"] == 40
        assert churn["times"][1:] == [5, 20, 10]  # without a tagger, the commit's time is used
        assert churn["offsets"] == [0, 90, 0, 0]
        assert churn["author_of"] == [-1, 0, 0, 0]
        messages = [-1 if at < 0 else churn["messages"][at] for at in churn["message_of"]]
        assert messages == ["first line\n\nmore", "a tag", -1, "a tag"]  # -1: the default message
        assert churn["counters"] == [-1, -1, 1, -1]
        assert churn["tags"] == {"3": "churn#dev#02"}  # the others are derived
        dev, prod = (
            next(at for at, (name, _) in enumerate(head["stages"]) if name == one)
            for one in ("dev", "prod")
        )
        assert churn["holders"] == [dev, 0, prod, 1]
        assert churn["spans"] == [prod, 1, 25, -1, dev, 0, 35, -1]

    def test_commits_without_versions_and_ended_spans(self, registry: Registry) -> None:
        _, _, pool, old = Document(registry.to_html(now=NOW)).json
        assert pool["names"] == []
        assert pool["holders"][1] == pool["spans"][1] == -1
        assert pool["version_of"] == -1
        assert old["inactive"] == [0]
        assert old["kinds"] == "014"
        rows = [
            row("m@v1.0.0", version="v1.0.0"),
            row("m@v2.0.0", version="v2.0.0", at=1),
            row("m#dev#1", kind=EventKind.ASSIGNMENT, version="v1.0.0", stage="dev", at=2),
            row("m#dev#2", kind=EventKind.ASSIGNMENT, version="v2.0.0", stage="dev", at=3),
        ]
        assert data(model("m", rows))[1]["spans"] == [0, 1, 7200, 10800, 0, 0, 10800, -1]

    def test_a_version_that_was_never_registered_has_a_name(self) -> None:
        rows = [
            row("m@v1.0.0", version="v1.0.0"),
            row("m@v2.0.0!", kind=EventKind.DEREGISTRATION, version="v2.0.0", at=1),
        ]
        found = data(model("m", rows))[1]
        assert found["names"] == ["v1.0.0", "v2.0.0"]
        assert len(found["origins"]) == 1
        assert found["version_of"] == [0, 1]

    def test_counters_that_javascript_cannot_represent(self) -> None:
        tag = f"m@v1.0.0#{2**53}"
        found = data(model("m", [row(tag, version="v1.0.0"), row("m@v1.0.0#7", version="v1.0.0")]))[
            1
        ]
        assert found["counters"] == [7, -1]
        assert list(found["tags"].values()) == [tag]

    def test_many_problems(self) -> None:
        problems = [
            Problem(ProblemKind.NO_TAGGER, f"m@v1.0.{number}", name, "no tagger")
            for number in range(1500)
            for name in ("m", None)
        ]
        head, found = data(large_model("m", 1), problems=problems)
        assert (len(found["problems"]), found["problem_count"]) == (1000, 1500)
        assert (len(head["problems"]), head["problem_count"]) == (1000, 1500)


class TestMessages:
    @pytest.mark.parametrize(
        ("length", "count", "kept"),
        [(9000, 2, 9000), (20_000, 2, 10_000), (9000, 1000, 5000), (9000, 100_000, 50)],
    )
    def test_messages_are_shortened_so_that_all_fit(
        self, length: int, count: int, kept: int
    ) -> None:
        details: Any = [{"messages": ["x" * length] * count, "lengths": {}}]
        encoding._cut_messages(details)
        assert {len(one) for one in details[0]["messages"]} == {kept}
        assert details[0]["lengths"] == (
            {} if kept == length else dict.fromkeys(range(count), length)
        )

    def test_the_limit_is_in_bytes(self) -> None:
        details: Any = [{"messages": ["\u4e2d" * 1999] * 1000, "lengths": {}}]
        encoding._cut_messages(details)
        assert len(details[0]["messages"][0]) == 1000

    def test_more_messages_than_fit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(encoding, "MAX_MESSAGES", 1)
        details: Any = [{"messages": ["x" * 21, "y"], "lengths": {}}]
        encoding._cut_messages(details)
        assert details[0]["messages"] == ["x" * 19 + "\u2026", "y"]

    def test_the_size_of_a_large_registry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Check that 1,000 models with 100 versions fit into 15 MB, by a twentieth of them."""
        monkeypatch.setattr(encoding, "MAX_MESSAGES", encoding.MAX_MESSAGES // 20)
        models = []
        for number in range(50):
            name = f"team/model-{number:03}"
            rows = [
                row(f"{name}@v{at}.0.0", version=f"v{at}.0.0", at=at, message=f"{at} {name}" * 20)
                for at in range(100)
            ]
            kind = EventKind.ASSIGNMENT
            rows += [
                row(f"{name}#dev#{at}", kind=kind, version=f"v{at}.0.0", stage="dev", at=at)
                for at in range(50)
            ]
            models.append(model(name, rows))
        text = page_text(PageContent("Models", NOW, [content(*models)]))
        assert (len(text) - len(template())) * 20 + len(template()) < 15_000_000


class TestLinks:
    def test_of_a_known_host(self) -> None:
        head = data(large_model("m", 1), pages=WebPages("https://github.com/t/m"))[0]
        assert head["repositories"] == [
            {
                "name": "",
                "location": None,
                "home": "https://github.com/t/m",
                "commit_form": "https://github.com/t/m/commit/{commit}",
                "tag_form": "https://github.com/t/m/releases/tag/",
                "commits": None,
                "until": None,
            }
        ]

    def test_of_another_host(self) -> None:
        pages = WebPages("https://h/m", "https://h/c?id={commit}")
        head = data(large_model("m", 1), pages=pages)[0]
        assert head["repositories"][0]["commit_form"] == "https://h/c?id={commit}"
        assert head["repositories"][0]["tag_form"] is None

    def test_of_a_callable(self) -> None:
        one = large_model("m", 2)
        first, second = (version.commit for version in one.versions)
        urls = {first: "https://h/1", second: "javascript:alert(1)"}
        head = data(one, pages=WebPages("https://github.com/t/m", urls.get))[0]
        assert head["repositories"][0]["commit_form"] is None
        assert head["repositories"][0]["commits"] == {first: "https://h/1", second: None}

    @pytest.mark.parametrize("home", ["https://github.com/a b", "ftp://github.com/a", None])
    def test_of_unsafe_urls(self, home: str | None) -> None:
        head = data(large_model("m", 1), pages=WebPages(home))[0]
        found = head["repositories"][0]
        assert (found["home"], found["commit_form"], found["tag_form"]) == (None, None, None)


class TestHostile:
    @pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
    def test_text_stays_text(self, text: str) -> None:
        rows = [row("m@v1.0.0", version="v1.0.0", message=text, author=Identity(text, text))]
        problems = [Problem(ProblemKind.NO_TAGGER, text, None, text)]
        one = content(model("m", rows), name=text, location=text, problems=problems)
        page = page_text(PageContent(text, NOW, [one], {text: text}))
        assert len(page) < 200_000
        page.encode()
        plain = page_text(PageContent("Models", NOW, [content(large_model("m", 1))]))
        found, expected = Document(page), Document(plain)
        assert found.elements == expected.elements
        assert len(found.json) == 2
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)

    def test_data_has_no_markup(self) -> None:
        rows = [row("m@v1.0.0", version="v1.0.0", message="</script><!--<script>]]>")]
        page = page_text(PageContent("</title><b>", NOW, [content(model("m", rows))]))
        assert "&lt;/title&gt;&lt;b&gt;</title>" in page
        assert page.count("</script>") == template().count("</script>") + 1
        assert Document(page).json[1]["messages"] == ["</script><!--<script>]]>"]


class TestDocument:
    def test_the_policy_allows_these_scripts_and_this_style_only(self) -> None:
        document = Document(page_text(PageContent("Models", NOW, [content(large_model("m", 1))])))
        policy = next(
            attrs["content"] or ""
            for _, attrs in document.elements
            if attrs.get("http-equiv") == "Content-Security-Policy"
        )
        rules = dict(one.strip().split(" ", 1) for one in policy.split(";"))
        assert rules["default-src"] == "'none'"
        assert "unsafe" not in policy
        kinds = [attrs.get("type") for tag, attrs in document.elements if tag == "script"]
        found = {"style": [], "script": []}  # type: ignore[var-annotated]
        for tag, text in document.contents:
            if (tag == "script" and kinds.pop(0) is not None) or tag == "title":
                continue
            digest = b64encode(sha256(text.encode()).digest()).decode()
            found[tag].append(f"'sha256-{digest}'")
        assert rules["style-src"].split() == found["style"]
        assert rules["script-src"].split() == found["script"]
        assert len(found["script"]) == 6
        assert rules["require-trusted-types-for"] == "'script'"

    def test_it_has_no_references_to_other_files(self) -> None:
        document = Document(page_text(PageContent("Models", NOW, [content()])))
        sources = {
            value
            for _, attrs in document.elements
            for name, value in attrs.items()
            if name in ("src", "href", "action", "style") or name.startswith("on")
        }
        assert sources == {"data:,"}

    def test_the_scripts_create_text_nodes_only(self) -> None:
        directory = files("modelversions.display.page")
        scripts = [one for one in directory.iterdir() if one.name.endswith(".js")]
        assert len(scripts) == 6
        for script in scripts:
            text = script.read_text(encoding="utf-8")
            assert not re.search(
                r"innerHTML =|outerHTML|insertAdjacent|document\.write|eval\(", text
            )
            assert "</" not in text
            assert "<!--" not in text

    def test_a_registry_at_a_url(self, served_repo: Builder) -> None:
        served_repo.tags("m@v1.0.0", "m#prod#1")
        with served("http", served_repo.repo) as url, Registry.open(url) as registry:
            head, details = Document(registry.to_html()).json
        assert head["models"]["names"] == ["m"]
        assert head["repositories"][0]["location"] == url
        assert details["kinds"] == "02"

    def test_a_registry_without_models(self) -> None:
        head = Document(memory_registry().to_html(now=NOW)).json
        assert len(head) == 1
        assert head[0]["models"]["names"] == []


class TestCatalog:
    def test_repositories_and_errors(self) -> None:
        parts = {
            "a": memory_registry({"churn": ["v1.0.0"]}, {"churn": {"prod": "v1.0.0"}}),
            "b": memory_registry({"churn": ["v1.0.0", "v1.1.0"], "ner": ["v2.0.0"]}),
        }
        sources: list[Any] = [{"name": name, "registry": one} for name, one in parts.items()]
        catalog = Catalog([*sources, {"name": "<i>", "path": "/nowhere"}])
        head, *details = Document(catalog.to_html(title="All", now=NOW)).json
        assert head["is_catalog"]
        assert head["models"]["names"] == ["churn", "churn", "ner"]
        assert head["models"]["repositories"] == [0, 1, 1]
        assert [one["name"] for one in head["repositories"]] == ["a", "b"]
        [(name, error)] = head["errors"]
        assert name == "<i>"
        assert "there is no '/nowhere'" in error
        assert [one["names"] for one in details] == [["v1.0.0"], ["v1.1.0", "v1.0.0"], ["v2.0.0"]]

    def test_problems_without_a_model_have_the_name_of_their_repository(
        self, builder: Builder
    ) -> None:
        builder.tags("m@created")
        catalog = Catalog([{"name": "a", "registry": builder.registry}])
        head = Document(catalog.to_html(now=NOW)).json[0]
        assert [one[3] for one in head["problems"]] == ["a"]

    def test_arguments(self) -> None:
        with pytest.raises(InvalidArgumentError, match="time zone"):
            Catalog([]).to_html(now=datetime(2026, 1, 1))  # noqa: DTZ001
        with pytest.raises(InvalidArgumentError, match="title must be text, not 3"):
            Catalog([]).to_html(title=3)  # type: ignore[call-overload]

    def test_a_file(self, tmp_path: Path) -> None:
        assert Catalog([]).to_html(tmp_path / "all.html") is None
        assert "<!DOCTYPE html>" in (tmp_path / "all.html").read_text("utf-8")


class TestFile:
    def test_it_has_the_text(self, registry: Registry, tmp_path: Path) -> None:
        path = tmp_path / "models.html"
        assert registry.to_html(path, now=NOW) is None
        assert path.read_text("utf-8") == registry.to_html(now=NOW)
        registry.to_html(os.fsencode(path), now=NOW)  # type: ignore[call-overload]
        assert [one.name for one in tmp_path.iterdir()] == ["models.html"]

    def test_views_of_the_past(self, registry: Registry, tmp_path: Path) -> None:
        view = registry.as_of(registry.history()[0])
        view.to_html(str(tmp_path / "models.html"))
        head = Document((tmp_path / "models.html").read_text("utf-8")).json[0]
        assert head["version_count"] == 1
        assert head["repositories"][0]["until"] == [int(registry.history()[0].time.timestamp()), 0]

    def test_a_file_that_exists_keeps_its_permissions(
        self, registry: Registry, tmp_path: Path
    ) -> None:
        path, link = tmp_path / "models.html", tmp_path / "link.html"
        path.write_text("old")
        path.chmod(0o640)
        link.symlink_to(path)
        registry.to_html(link)
        assert link.is_symlink()
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert path.read_text("utf-8").startswith("<!DOCTYPE html>")

    def test_a_failure_does_not_change_the_file(
        self, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "models.html"
        path.write_text("old")

        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(FileNotWrittenError, match="No space left on device") as caught:
            registry.to_html(path)
        assert caught.value.path == str(path)
        assert path.read_text() == "old"
        assert [one.name for one in tmp_path.iterdir()] == ["models.html"]

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("no/such/directory.html", "No such file or directory"),
            ("", "Is a directory"),
            ("a\0b", "null"),
            ("x" * 300, "File name too long"),
        ],
    )
    def test_paths_that_cannot_be_written(
        self, registry: Registry, tmp_path: Path, name: str, reason: str
    ) -> None:
        with pytest.raises(FileNotWrittenError, match=f"cannot be written: .*{reason}"):
            registry.to_html(tmp_path / name)
        assert list(tmp_path.iterdir()) == []

    def test_a_loop_of_links(self, registry: Registry, tmp_path: Path) -> None:
        (tmp_path / "loop").symlink_to("loop")
        with pytest.raises(FileNotWrittenError, match=r"cannot be written: .*[Ss]ymbolic links"):
            registry.to_html(tmp_path / "loop")
        assert (tmp_path / "loop").is_symlink()

    def test_a_link_to_a_missing_file(self, registry: Registry, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to("new.html")
        registry.to_html(tmp_path / "link")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "new.html").is_file()

    def test_a_name_of_the_maximum_length(self, registry: Registry, tmp_path: Path) -> None:
        path = tmp_path / ("x" * 250 + ".html")
        registry.to_html(path)
        assert [one.name for one in tmp_path.iterdir()] == [path.name]

    def test_the_path_of_a_pipe_without_a_name(self, registry: Registry) -> None:
        reading, writing = os.pipe()
        found: list[str] = []

        def read() -> None:
            with os.fdopen(reading, encoding="utf-8") as file:
                found.append(file.read())

        reader = threading.Thread(target=read)
        reader.start()
        try:
            registry.to_html(f"/dev/fd/{writing}", now=NOW)
        finally:
            os.close(writing)
            reader.join()
        assert found == [registry.to_html(now=NOW)]

    def test_a_pipe_is_written_to(self, registry: Registry, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        found: list[str] = []
        reader = threading.Thread(target=lambda: found.append(pipe.read_text("utf-8")))
        reader.start()
        registry.to_html(pipe, now=NOW)
        reader.join()
        assert found == [registry.to_html(now=NOW)]

    @pytest.mark.parametrize("path", [3, sys.stdout, ["a.html"]])
    def test_other_arguments(self, registry: Registry, path: Any) -> None:
        with pytest.raises(InvalidArgumentError, match="path must be the path of a file"):
            registry.to_html(path)
        with pytest.raises(InvalidArgumentError, match="title must be text, not None"):
            registry.to_html(title=None)  # type: ignore[call-overload]
        with pytest.raises(InvalidArgumentError, match="time zone"):
            registry.to_html(now=START.replace(tzinfo=None))
