"""The results of queries of a catalog."""

from __future__ import annotations

import pickle
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from dulwich.objects import Tree
from dulwich.repo import Repo

from modelversions import (
    AuthenticationError,
    Catalog,
    InvalidArgumentError,
    InvalidTagNameError,
    MissingExtraError,
    ModelVersionsError,
    NotInCatalogError,
    ReadCancelledError,
    Registry,
    RemoteError,
    RemoteTimeoutError,
    RepositoryError,
    RepositoryNotFoundError,
    StageNotFoundError,
)
from modelversions.catalog.listing import Listing
from modelversions.catalog.reading import Reading, ReadLevel, Request
from modelversions.git.objects.received_packs import Fetched
from modelversions.git.remote.transport import Transport
from modelversions.git.store import Store
from modelversions.testing import FixedClock, memory_registry, new_commit
from tests.builders import ANN, Builder, at, irregular_tags
from tests.display.helpers import Page
from tests.servers import git_server, guarded, http_server, raw_server, refusing

CHURN = {"churn": ["v1.0.0", "v1.1.0"]}


def registries() -> dict[str, Registry]:
    return {
        "a": memory_registry(CHURN, {"churn": {"prod": "v1.0.0"}}),
        "b": memory_registry({"churn": ["v2.0.0"], "x/y": ["v0.1.0"]}, {"x/y": {"dev": "v0.1.0"}}),
        "empty": memory_registry(),
    }


@pytest.fixture
def parts() -> dict[str, Registry]:
    return registries()


@pytest.fixture
def catalog(parts: dict[str, Registry]) -> Catalog:
    return Catalog([{"name": name, "registry": one} for name, one in parts.items()])


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """Three repositories, one of them with irregular tags."""
    with ExitStack() as stack:
        for name in ("churn", "team/nlp", "vision"):
            path = tmp_path / "git" / f"{name}.git"
            path.parent.mkdir(parents=True, exist_ok=True)
            repo = stack.enter_context(Repo.init_bare(str(path), mkdir=True))
            builder = Builder(repo)
            if name == "vision":
                irregular_tags(builder)
            else:
                builder.tags("m@v1.0.0", "m#prod#1", "other@v0.1.0", "other@v0.1.0!")
                builder.pack()
        yield tmp_path / "git"


def check_same(catalog: Catalog, singles: dict[str, Registry]) -> None:
    """Compare the results of each query with those of the registries."""
    assert catalog.latest() == {
        (name, model): version
        for name, one in singles.items()
        for model, version in one.latest().items()
    }
    assert not catalog.errors
    events = [(name, event) for name, one in singles.items() for event in one.history()]
    assert sorted(catalog.history(), key=str) == sorted(events, key=str)
    assert [event.order for _, event in catalog.history()] == sorted(
        event.order for _, event in events
    )
    now = at(10**9)
    assert list(catalog.problems(now)) == [
        (name, problem) for name, one in singles.items() for problem in one.problems(now)
    ]
    assert catalog.stages() == tuple(sorted({s for one in singles.values() for s in one.stages()}))
    for kind in ("models", "versions", "stages", "history", "timeline"):
        assert catalog.to_records(kind) == [
            {"repository": name, **row}
            for name, one in singles.items()
            for row in one.to_records(kind)
        ]
    for name, one in singles.items():
        assert str(catalog[name]) == str(one)
        assert dict(catalog[name].items()) == dict(one.items())


def check_local(catalog: Catalog, directory: Path) -> None:
    """Compare the results of each query with those of the repositories."""
    with ExitStack() as stack:
        opened = {name: Registry.open(directory / f"{name}.git") for name in catalog}
        for registry in opened.values():
            stack.enter_context(registry)
        check_same(catalog, opened)


def test_the_results_are_those_of_the_registries(
    catalog: Catalog, parts: dict[str, Registry]
) -> None:
    check_same(catalog, parts)


def test_local_repositories(directory: Path) -> None:
    catalog = Catalog.discover(directory)
    assert list(catalog) == ["churn", "team/nlp", "vision"]
    check_local(catalog, directory)
    assert len(catalog.to_records("problems")) == len(catalog.problems())
    catalog.refresh()
    check_local(catalog, directory)


def test_nothing_is_read_before_the_first_query() -> None:
    catalog = Catalog(["/nowhere/at/all"])
    assert (repr(catalog), dict(catalog.errors)) == ("<Catalog of 1 repository>", {})
    assert repr(catalog["all"]) == "<Registry '/nowhere/at/all'>"
    with pytest.raises(RepositoryNotFoundError):
        catalog["all"].latest()
    with pytest.raises(RepositoryNotFoundError):
        list(catalog["all"])


def test_a_mapping(catalog: Catalog) -> None:
    assert (len(catalog), list(catalog), "a" in catalog) == (3, ["a", "b", "empty"], True)
    assert catalog._ipython_key_completions_() == ["a", "b", "empty"]
    assert catalog == catalog  # noqa: PLR0124  # by identity
    assert catalog != Catalog([])
    assert hash(catalog) == id(catalog)
    assert catalog.get("c") is None
    with pytest.raises(NotInCatalogError, match="repositories: a, b, empty") as caught:
        catalog["c"]
    assert caught.value.repository == "c"
    with pytest.raises(NotInCatalogError, match="repositories: none"):
        Catalog([])["c"]
    assert catalog["a"]["churn"].stages["prod"].name == "v1.0.0"


def test_a_name_is_found_without_tag_objects(directory: Path) -> None:
    posts: list[str] = []

    def logged(app: Any) -> Any:
        def log(environ: Any, start: Any) -> Any:
            posts.append(environ["REQUEST_METHOD"])
            return app(environ, start)

        return log

    with Repo(str(directory / "churn.git")) as repo, http_server(repo, logged) as url:
        catalog = Catalog([url, str(directory / "vision.git")])
        found = catalog.find("m")
        assert list(found) == ["models", "vision"]
        assert posts == ["GET"]
        assert found["models"].stages["prod"].name == "v1.0.0"


def test_one_name_in_two_repositories(catalog: Catalog) -> None:
    assert [(name, model[0].name) for name, model in catalog.find("churn").items()] == [
        ("a", "v1.1.0"),
        ("b", "v2.0.0"),
    ]
    assert catalog.find("absent") == {}


def test_resolve(catalog: Catalog) -> None:
    assert str(catalog.resolve("a/churn#prod")) == "churn@v1.0.0"
    assert str(catalog.resolve("b/x/y@latest")) == "x/y@v0.1.0"
    with pytest.raises(StageNotFoundError, match="^in the repository 'b': "):
        catalog.resolve("b/churn#prod")
    with pytest.raises(InvalidTagNameError, match="^in the repository 'b': "):
        catalog.resolve("b/churn")
    with pytest.raises(NotInCatalogError):
        catalog.resolve("c/churn#prod")
    with pytest.raises(InvalidTagNameError, match="it does not begin with the name of a"):
        catalog.resolve("churn#prod")
    longest = Catalog([{"name": name, "registry": memory_registry(CHURN)} for name in ("n", "n/m")])
    assert str(longest.resolve("n/m/churn@latest")) == "churn@v1.1.0"


def test_history_since(catalog: Catalog) -> None:
    times = [event.time for _, event in catalog.history()]
    assert [event.time for _, event in catalog.history(since=times[2])] == times[2:]
    naive = times[0].replace(tzinfo=None)
    for query in (catalog.history, catalog.problems):
        with pytest.raises(InvalidArgumentError):
            query(naive)


def test_events_and_problems_have_tables(directory: Path) -> None:
    catalog = Catalog.discover(directory)
    events, problems = catalog.history(), catalog.problems(at(10**9))
    assert repr(events) == f"<CatalogEvents: {len(events)} events>"
    assert repr(problems[:1]) == "<CatalogProblems: 1 problem>"
    assert sorted(events.to_records(), key=str) == sorted(catalog.to_records("history"), key=str)
    assert problems.to_records()[0]["repository"] == "vision"
    assert pickle.loads(pickle.dumps(events)) == events
    for found, column in ((events, "Message"), (problems, "Kind")):
        heading = str(found).splitlines()[0]
        assert heading.startswith("Repository")
        assert column in heading
        page = Page(found._repr_html_())
        assert {"Repository", column, found[0][0]} <= set(page.texts)
    newest = Page(events._repr_html_()).texts
    first = newest.index("Message") + 1
    assert newest[first] == events[-1][0]


def test_pandas_is_an_extra(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'modelversions\[pandas\]'"):
        catalog.to_pandas()


@pytest.mark.compat
def test_a_data_frame(catalog: Catalog) -> None:
    for kind in ("models", "versions", "stages", "history", "timeline", "problems"):
        frame = catalog.to_pandas(kind)
        assert frame.columns[0] == "repository"
        assert len(frame) == len(catalog.to_records(kind))
        assert list(Catalog([]).to_pandas(kind).dtypes) == list(frame.dtypes)


def test_typos() -> None:
    many = Catalog([{"name": f"models{number}", "path": "/x"} for number in range(9)])
    with pytest.raises(NotInCatalogError, match="did you mean 'models3'?"):
        many["model3"]
    with pytest.raises(NotInCatalogError, match="models3"):
        many.resolve("model3/churn@latest")
    with pytest.raises(TypeError, match="conections"):
        Catalog.discover("/", conections=3)  # type: ignore[call-arg]


def test_tables(catalog: Catalog, parts: dict[str, Registry]) -> None:
    assert str(catalog).splitlines() == [
        "Repository  Model  Latest version  #dev    #prod",
        "----------  -----  --------------  ------  ------",
        "a           churn  v1.1.0          -       v1.0.0",
        "b           churn  v2.0.0          -       -",
        "b           x/y    v0.1.0          v0.1.0  -",
    ]
    page = Page(catalog._repr_html_())
    assert "3 models in 3 repositories" in page.text
    assert {"Repository", "a", "churn", "v1.1.0", "prod"} <= set(page.texts)
    parts["b"].deprecate("churn")
    catalog.refresh()
    assert "Deprecated (1)" in catalog._repr_html_()
    away = Catalog([{"name": "<i>", "path": "/nowhere"}])
    assert "there is no '/nowhere'" in str(away)
    assert "Not read (1)" in away._repr_html_()
    assert "&lt;i&gt;" in away._repr_html_()
    assert repr(away) == "<Catalog of 1 repository, 1 of them not read>"


def test_links_to_the_pages_of_a_repository(directory: Path) -> None:
    catalog = Catalog([{"name": "churn", "path": directory / "churn.git"}])
    with Repo(str(directory / "churn.git")) as repo:
        config = repo.get_config()
        config.set((b"remote", b"origin"), b"url", b"git@github.com:team/churn.git")
        config.write_to_path()
    history = catalog["churn"].history()
    (directory / "churn.git").rename(directory / "moved")
    assert "github.com" not in history._repr_html_()
    (directory / "moved").rename(directory / "churn.git")
    assert 'href="https://github.com/team/churn/commit/' in history._repr_html_()


def test_links_of_the_dashboard(directory: Path, parts: dict[str, Registry]) -> None:
    for name, host in (("churn", "github.com"), ("team/nlp", "gitlab.com")):
        with Repo(str(directory / f"{name}.git")) as repo:
            config = repo.get_config()
            config.set((b"remote", b"origin"), b"url", f"git@{host}:team/x.git".encode())
            config.write_to_path()
    catalog = Catalog(
        [
            *(directory / f"{name}.git" for name in ("churn", "team/nlp")),
            {"path": directory / "vision.git", "commit_url": "https://pages/vision/{commit}"},
            parts["a"],
        ]
    )
    links = {link for link in Page(catalog._repr_html_()).links if link}
    assert {
        "https://github.com/team/x/releases/tag/m%40v1.0.0",
        "https://gitlab.com/team/x/-/tags/m%40v1.0.0",
    } <= links
    assert 'href="https://pages/vision/' in catalog["vision"].history()._repr_html_()


def test_a_dashboard_reads_only_displayed_repositories() -> None:
    many = {f"m{number:03}": ["v1.0.0"] for number in range(98)}
    parts = {
        "old": memory_registry({"m": ["v1.0.0"], "n": ["v1.0.0"], "o": ["v1.0.0"]}),
        "many": memory_registry(many),
        "rest": memory_registry({"m": ["v1.0.0"], "n": ["v1.0.0"]}),
        "last": memory_registry(CHURN),
    }
    parts["old"].deprecate("n")
    parts["old"].deprecate("o")
    parts["old"].register("o", bump="major", commit=new_commit(parts["old"]))
    catalog = Catalog([{"name": name, "registry": one} for name, one in parts.items()])
    page = Page(catalog._repr_html_())
    assert {name: one.level for name, one in catalog._members.items()} == {
        **dict.fromkeys(("old", "many", "rest"), ReadLevel.EVENTS),
        "last": ReadLevel.LATEST,
    }
    assert "104 models in 4 repositories" in page.texts
    assert "Deprecated (1)" in page.texts
    assert any(text.startswith("3 more models") for text in page.texts)
    assert page.texts.count("rest") == 0  # the last row is the model of "many"
    catalog.history()
    again = Page(catalog._repr_html_())
    assert again.texts == page.texts


def test_results_do_not_change_before_a_refresh(
    catalog: Catalog, parts: dict[str, Registry]
) -> None:
    old = catalog.latest()
    before = catalog["a"]["churn"]
    parts["a"].register("churn", "v9.0.0", commit=new_commit(parts["a"]))
    assert catalog.latest() == old
    assert catalog["a"]["churn"] == before
    catalog.refresh()
    assert catalog.latest()["a", "churn"].name == "v9.0.0"
    assert len(catalog["a"]["churn"]) == 3
    assert old["a", "churn"].stages == ()
    assert old["a", "churn"].active
    with pytest.raises(AttributeError):
        _ = old["a", "churn"]._snapshot.nothing  # type: ignore[union-attr]
    parts["a"].delete_tags("churn@v9.0.0")
    catalog.refresh()
    check_same(catalog, parts)


def test_a_latest_version_can_be_pickled(catalog: Catalog) -> None:
    version = catalog.latest()["b", "x/y"]
    again = pickle.loads(pickle.dumps(version))
    assert (again, again.stages) == (version, ("dev",))
    model = catalog["b"]["x/y"]
    assert pickle.loads(pickle.dumps(model)).stages == model.stages
    assert pickle.loads(pickle.dumps(version._snapshot)).latest[2] == version.tag


def test_a_watch_lists_the_tags_again(catalog: Catalog, parts: dict[str, Registry]) -> None:
    def register(_: float) -> None:
        parts["a"].register("churn", bump="major", commit=new_commit(parts["a"]))

    found = catalog["a"].watch("churn@latest", wait=register)
    assert [str(next(found)) for _ in range(2)] == ["churn@v1.1.0", "churn@v2.0.0"]


def test_a_registry_of_the_catalog_reads_files_and_commits(directory: Path) -> None:
    with Repo(str(directory / "churn.git")) as repo:
        Builder(repo).commit_file("dvc.yaml", "artifacts: {m: {path: x}}\n")
    view = Catalog.discover(directory)["churn"]
    assert view.at("HEAD") == ()
    assert len(view.commits()) == 1
    assert view.artifacts()["m"].path == "x"
    assert view.allowed_stages() is None


def test_allowed_stages() -> None:
    one = memory_registry(CHURN, allowed_stages=["dev"])
    view = Catalog([{"name": "a", "registry": one}])["a"]
    assert view.allowed_stages() == ("dev",)


def test_missing_objects_are_read_again(directory: Path) -> None:
    path = directory / "churn.git"
    with Repo(str(path)) as repo:
        builder = Builder(repo)
        builder.commit("c5", 5)
        id = builder.tag("m@v5.0.0", "c5", 50)
    file = path / "objects" / id[:2] / id[2:]
    content = file.read_bytes()
    file.unlink()
    catalog = Catalog.discover(directory)
    assert any(problem.tag == "m@v5.0.0" for name, problem in catalog.problems() if name == "churn")
    assert catalog.latest()["churn", "m"].name == "v1.0.0"
    file.write_bytes(content)
    catalog.refresh()
    assert catalog.latest()["churn", "m"].name == "v5.0.0"
    assert not any(problem.tag == "m@v5.0.0" for _, problem in catalog.problems())


def test_failing_repositories_are_errors(directory: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.git"
    Repo.init_bare(str(broken), mkdir=True).close()
    (broken / "config").write_text("[core\n")
    with ExitStack() as stack:
        # one each, because threads must not share a repository of dulwich
        repo, other = (stack.enter_context(Repo(str(directory / "churn.git"))) for _ in range(2))
        guard = stack.enter_context(Repo(str(directory / "churn.git")))
        url = {
            "good": stack.enter_context(http_server(repo)),
            "git": stack.enter_context(git_server(other)),
            "login": stack.enter_context(http_server(guard, guarded("u", "p"))),
            "gone": stack.enter_context(http_server(repo, refusing("404 Not Found", b"no"))),
            "down": stack.enter_context(http_server(repo, refusing("500 Oops", b"no"))),
            "refused": "http://127.0.0.1:1/x.git",
            "broken": str(broken),
            "absent": "/nowhere",
            "scheme": "bad://host/x",
        }
        sources = [{"name": name, "url": one} for name, one in url.items()]
        catalog = Catalog(sources)
        assert list(catalog.latest()) == [("good", "m"), ("git", "m")]
        assert {name: type(error) for name, error in catalog.errors.items()} == {
            "login": AuthenticationError,
            "gone": RepositoryNotFoundError,
            "down": RemoteError,
            "refused": RemoteError,
            "broken": RepositoryError,
            "absent": RepositoryNotFoundError,
            "scheme": RepositoryNotFoundError,
        }
        assert len(catalog.history()) == 2 * len(Registry.open(url["good"]).history())
        sources[2]["credentials"] = lambda *_: ("u", "p")  # type: ignore[assignment]
        catalog = Catalog(sources)
        catalog.refresh()
        assert "login" not in catalog.errors
        view = catalog["login"]
        view.latest()
        assert view.commits()[0].subject == "c1"


def test_a_repository_that_is_temporarily_missing(directory: Path) -> None:
    catalog = Catalog.discover(directory)
    latest = catalog.latest()
    (directory / "churn.git").rename(directory / "away")
    catalog.refresh()
    assert list(catalog.errors) == ["churn"]
    assert catalog.latest() == {key: one for key, one in latest.items() if key[0] != "churn"}
    (directory / "away").rename(directory / "churn.git")
    assert list(catalog.errors) == ["churn"]
    catalog.refresh()
    assert not catalog.errors
    assert catalog.latest() == latest


@pytest.mark.parametrize("error", [RepositoryError("gone", location="a"), TypeError("gone")])
def test_an_error_after_the_reading(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(catalog["a"], "stages", fail)
    assert catalog.stages() == ("dev",)
    assert list(catalog.errors) == ["a"]
    assert isinstance(catalog.errors["a"], RepositoryError)


def test_an_unexpected_error(catalog: Catalog, parts: dict[str, Registry]) -> None:
    def failing(_: Any = None) -> Any:
        raise ZeroDivisionError

    parts["a"]._store.tags = failing  # type: ignore[method-assign,assignment]
    assert list(catalog.latest()) == [("b", "churn"), ("b", "x/y")]
    assert "ZeroDivisionError" in str(catalog.errors["a"])


def slow_body(seconds: threading.Event) -> Any:
    """Send a body that never ends, one byte at a time."""

    def wrap(_: Any) -> Any:
        def app(_: Any, start: Any) -> Iterator[bytes]:
            kind = "application/x-git-upload-pack-advertisement"
            start("200 OK", [("Content-Type", kind)])
            while not seconds.wait(0.02):
                yield b"f"

        return app

    return wrap


def test_a_server_that_is_too_slow(directory: Path) -> None:
    over = threading.Event()
    with Repo(str(directory / "churn.git")) as repo, http_server(repo, slow_body(over)) as url:
        catalog = Catalog([url], timeout=0.2)
        assert catalog.latest() == {}
        (error,) = catalog.errors.values()
        over.set()
    assert type(error) is RemoteTimeoutError
    assert "took longer than 0.2 s in total" in str(error)


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 500 No\r\nContent-Type: text/plain\r\n\r\n", b"x"),
        (b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", b""),
    ],
)
def test_a_server_whose_headers_are_slow(start: bytes, piece: bytes) -> None:
    with raw_server(start, piece) as raw:
        catalog = Catalog([raw.url], timeout=0.3)
        assert catalog.latest() == {}
        (error,) = catalog.errors.values()
        assert raw.closed.acquire(timeout=10)
    assert isinstance(error, RemoteTimeoutError if piece else RemoteError)


def test_threads_share_a_repository() -> None:
    """The end of a thread's request does not end the request of another thread."""
    errors: list[ModelVersionsError] = []
    with raw_server(b"HTTP/1.1 200 OK\r\nX: ", b"x") as raw:
        view = Catalog([raw.url], timeout=0.5)["models"]

        def request() -> None:
            with pytest.raises(ModelVersionsError) as caught:
                view.at("HEAD")
            errors.append(caught.value)

        thread = threading.Thread(target=request)
        thread.start()
        raw.asked.wait()
        assert view._store.find_pages().repository is None  # it sends no request
        thread.join()
    assert [type(error) for error in errors] == [RemoteTimeoutError]


def test_errors_keep_no_connection() -> None:
    refusal = b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
    with raw_server(refusal) as raw:
        catalog = Catalog([f"{raw.url}/{number}" for number in range(5)])
        catalog.refresh()
        errors = list(catalog.errors.values())
        assert len(errors) == 5
        for error in errors:
            assert raw.closed.acquire(timeout=10)
            assert error.__cause__ is not None
            assert (error.__traceback__, error.__cause__.__traceback__) == (None, None)


def test_a_waiting_thread_ends_with_the_query() -> None:
    with raw_server(b"") as raw:
        catalog = Catalog([raw.url], timeout=60)

        def cancel() -> None:
            raw.asked.wait()
            catalog.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(ReadCancelledError):
            catalog.latest()
        thread.join()
        assert raw.closed.acquire(timeout=10)
    own = [one for one in threading.enumerate() if one.name.startswith("modelversions-catalog")]
    for one in own:
        assert one.daemon
        one.join(10)


def test_cancelled_by_another_thread(directory: Path) -> None:
    over, asked = threading.Event(), threading.Event()

    def wrap(app: Any) -> Any:
        def wait(environ: Any, start: Any) -> Any:
            asked.set()
            return slow_body(over)(app)(environ, start)

        return wait

    with Repo(str(directory / "churn.git")) as repo, http_server(repo, wrap) as url:
        catalog = Catalog([str(directory / "vision.git"), url])

        def cancel() -> None:
            asked.wait()
            catalog.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(ReadCancelledError):
            catalog.latest()
        thread.join()
        over.set()
    assert set(catalog.errors) <= {"models"}
    with Repo(str(directory / "churn.git")) as repo, http_server(repo) as url:
        assert Catalog([url]).latest()


def test_progress(parts: dict[str, Registry]) -> None:
    seen: list[tuple[int, int | None, str]] = []
    sources = [{"name": name, "registry": one} for name, one in parts.items()]
    Catalog(sources, progress=lambda *step: seen.append(step)).latest()
    assert seen == [(number, 3, "repositories read") for number in (1, 2, 3)]

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Catalog(sources, progress=stop, connections=1).latest()


def test_the_number_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, now, most = threading.Lock(), Counter[str](), Counter[str]()

    def execute(_: Store, request: Request) -> Reading:
        host = str(request.source.host)
        with lock:
            now.update([host, "all"])
            most.update({key: now[key] - most[key] for key in now if now[key] > most[key]})
        threading.Event().wait(0.01)
        with lock:
            now.subtract([host, "all"])
        return Reading(Listing.of([]))

    monkeypatch.setattr("modelversions.catalog.member.execute", execute)
    urls = [f"https://{host}/{n}" for host in ("one", "two", "three") for n in range(8)]
    catalog = Catalog(urls, connections=5, connections_per_host=2)
    catalog.refresh()
    assert not catalog.errors
    assert dict(most) == {"one": 2, "two": 2, "three": 2, "all": 5}


def test_a_second_refresh_reads_no_object(directory: Path) -> None:
    posts: list[str] = []

    def logged(app: Any) -> Any:
        def log(environ: Any, start: Any) -> Any:
            posts.append(f"{environ['REQUEST_METHOD']} {environ['PATH_INFO'].rpartition('/')[2]}")
            return app(environ, start)

        return log

    with Repo(str(directory / "churn.git")) as repo, http_server(repo, logged) as url:
        catalog = Catalog([url])
        events = catalog.history()
        posts.clear()
        catalog.refresh()
        assert posts == ["GET refs"]  # dulwich's server lists the refs in the first response
        assert catalog.history() == events
        assert catalog.latest()
        assert len(posts) == 1
        Builder(repo).tag("m@v3.0.0", events[0][1].commit, 99, tagger=ANN)
        posts.clear()
        catalog.refresh()
        assert posts.count("POST git-upload-pack") == 1
        assert len(catalog.history()) == len(events) + 1


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_executors(directory: Path, kind: str) -> None:
    executor: Executor = (
        ThreadPoolExecutor(2)
        if kind == "threads"
        else ProcessPoolExecutor(2, mp_context=get_context("spawn"))
    )
    with executor:
        catalog = Catalog.discover(directory, executor=executor)
        check_local(catalog, directory)
        if kind == "threads":  # they are in this process
            one = {"name": "x", "registry": memory_registry(CHURN)}
            assert Catalog([one], executor=executor).latest()["x", "churn"].name == "v1.1.0"
        away = Catalog(["/nowhere"], executor=executor)
        assert away.latest() == {}
        assert type(away.errors["nowhere"]) is RepositoryNotFoundError


class _Inline(Executor):
    """Runs work in this thread, with pickled arguments and results."""

    def submit(self, function: Any, *arguments: Any, **__: Any) -> Any:  # type: ignore[override]
        future: Future[Any] = Future()
        result = function(*pickle.loads(pickle.dumps(arguments)))
        future.set_result(pickle.loads(pickle.dumps(result)))
        return future


def test_requests_and_results_are_pickled(directory: Path) -> None:
    catalog = Catalog([*directory.rglob("*.git"), "/nowhere"], executor=_Inline())
    threads = Catalog([*directory.rglob("*.git"), "/nowhere"])
    for one in (catalog, threads):
        one.latest()
    assert catalog.history() == threads.history()
    assert str(catalog) == str(threads)
    catalog.refresh()
    assert catalog.history() == threads.history()


def test_latest_versions_are_verified_once(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[Any] = []
    fetch = Transport.fetch

    def record(transport: Transport, wants: Any, **options: Any) -> Fetched:
        wanted.append(wants)
        return fetch(transport, wants, **options)

    monkeypatch.setattr(Transport, "fetch", record)
    with Repo(str(directory / "churn.git")) as repo, http_server(repo) as url:
        builder = Builder(repo)
        builder.commit()
        builder.tag("m@v2.0.0", builder.add(Tree()), 50, kind="tree")
        catalog = Catalog([url], executor=_Inline())  # it keeps no store between requests
        assert catalog.latest()["models", "m"].name == "v1.0.0"
        assert str(catalog["models"]["m"].latest) == "m@v1.0.0"
        wanted.clear()
        id = builder.tag("n@v1.0.0", "c1", 99)
        catalog.refresh()
        assert set(catalog.latest()) == {("models", "m"), ("models", "n")}
        assert wanted[0] == [id]


class _Failing(Executor):
    """Rejects work, or loses it."""

    def __init__(self, *, loses: bool) -> None:
        self.loses = loses

    def submit(self, *_: Any, **__: Any) -> Any:
        if not self.loses:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future[Any] = Future()
        future.set_exception(OSError("the worker died"))
        return future


@pytest.mark.parametrize(("loses", "words"), [(True, "the worker died"), (False, "new futures")])
def test_an_executor_that_fails(directory: Path, loses: bool, words: str) -> None:
    catalog = Catalog.discover(directory, executor=_Failing(loses=loses))
    assert catalog.latest() == {}
    assert len(catalog.errors) == 3
    for error in catalog.errors.values():
        assert isinstance(error, ModelVersionsError)
        assert words in str(error)


def test_an_interrupt_in_a_worker(directory: Path) -> None:
    class Interrupted(_Failing):
        def submit(self, *_: Any, **__: Any) -> Any:
            future: Future[Any] = Future()
            future.set_exception(KeyboardInterrupt())
            return future

    with pytest.raises(KeyboardInterrupt):
        Catalog.discover(directory, executor=Interrupted(loses=True)).latest()


def test_no_secret_is_sent(tmp_path: Path) -> None:
    executor = _Failing(loses=True)
    for source in (
        "https://u:s3cret@host/x",
        {"url": "https://host/x", "credentials": lambda *_: ("u", "s3cret")},
        {"name": "x", "registry": memory_registry()},
    ):
        with pytest.raises(InvalidArgumentError, match="cannot be sent") as caught:
            Catalog([source], executor=executor)
        assert "s3cret" not in str(caught.value)
    Catalog([{"path": tmp_path, "credentials": "env:X"}], executor=executor)


@pytest.mark.parametrize(
    "options",
    [
        {"executor": 7},
        {"executor": ThreadPoolExecutor},
        {"timeout": 0},
        {"timeout": True},
        {"progress": 7},
        {"connections": 0},
        {"connections_per_host": 1.5},
    ],
)
def test_arguments(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(options))):
        Catalog([], **options)


def test_records_of_an_unknown_kind(catalog: Catalog) -> None:
    with pytest.raises(InvalidArgumentError):
        catalog.to_records("other")


def test_a_latest_version_is_displayed() -> None:
    registry = memory_registry({"churn": ["v1.0.0"]}, {"churn": {"prod": "v1.0.0"}})
    (version,) = Catalog([{"name": "a", "registry": registry}]).latest().values()
    assert version._repr_html_() == registry["churn"]["v1.0.0"]._repr_html_()
    assert version.stages == ("prod",)
    with pytest.raises(AttributeError, match="missing"):
        getattr(version._snapshot, "missing")  # noqa: B009  # for mypy


def test_the_settings_of_a_registry_are_kept() -> None:
    """Its clock decides what is in the future, and a view of the past cannot be watched."""
    registry = memory_registry({"churn": ["v1.0.0"]}, clock=FixedClock(at(4_000_000_000)))
    catalog = Catalog([{"name": "a", "registry": registry}])
    assert not registry.problems()
    assert not catalog.problems()
    view = registry.as_of(registry.history()[0])
    past: Any = Catalog([{"name": "a", "registry": view}])["a"]
    with pytest.raises(InvalidArgumentError, match="the past does not change"):
        past.watch("churn@latest")


def test_an_error_of_a_clock_is_raised() -> None:
    """It is not an error of the repository, which could be read."""
    registry = memory_registry({"churn": ["v1.0.0"]}, clock=FixedClock())
    registry._clock = lambda: datetime(2024, 1, 1)  # noqa: DTZ001
    catalog = Catalog([{"name": "a", "registry": registry}])
    with pytest.raises(InvalidArgumentError, match="clock must be a datetime with a time zone"):
        catalog.problems()
    assert list(catalog.latest()) == [("a", "churn")]
    assert not catalog.errors
