"""A watch of a real server: few bytes per poll, and it continues after a restart."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from dulwich.repo import Repo

from modelversions import Identity, Registry
from tests.builders import Builder
from tests.remote import servers
from tests.remote.conftest import NAME, ServedRepo, bare, server, with_one_commit
from tests.servers import proxied
from tests.test_watch import Script, nothing

pytestmark = pytest.mark.remote

ANN = Identity("Ann", "ann@example.com")
POLLS = 10


def fill(served_repo: ServedRepo) -> None:
    """Add a model with a stage, and 500 tags of another model."""
    with Repo(str(served_repo.git.path)) as repo:
        builder = Builder(repo)
        builder.commit()
        builder.commit("c2", 1, "c1")
        builder.tags("m@v1.0.0")
        builder.tag("m@v2.0.0", "c2", 20)
        builder.tag("m#prod#1", "c2", 30)
        for number in range(500):
            builder.tag(f"other@v1.0.{number}", "c1", number)


@pytest.mark.parametrize("reference", ["m#prod", "m@latest", "missing#prod"])
def test_a_poll_is_one_request_about_one_model(
    common_server_repo: ServedRepo, reference: str
) -> None:
    fill(common_server_repo)
    with (
        proxied(common_server_repo.port) as proxy,
        Registry.open(common_server_repo.at(proxy.port)) as registry,
    ):
        script = Script([nothing, proxy.reset, *[nothing] * (POLLS - 1)])
        assert len(list(registry.watch(reference, wait=script))) == 1
        assert proxy.connections <= POLLS  # git daemon needs one connection per request
        assert proxy.total < 2000 * POLLS  # the list of the other model's tags has 50,000 bytes


def test_the_requests_over_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request per poll, one per fetch and one for the login, on one connection."""
    with server("web", tmp_path, bare(tmp_path, with_one_commit), monkeypatch) as served_repo:
        fill(served_repo)
        log = tmp_path / "requests.log"
        with served_repo.open() as registry, served_repo.local as local:
            steps: list[Callable[[], object]] = [nothing] * (POLLS - 1)
            steps += [lambda: local.assign("m", "v1.0.0", "prod", author=ANN, force=True)]
            steps += [nothing] * POLLS
            found = [str(one) for one in registry.watch("m#prod", wait=Script(steps))]
            assert "m" in registry  # the server logs a request before it reads the next one
            registry.close()
        assert found == ["m@v2.0.0", "m@v1.0.0"]
    lines = log.read_text().splitlines()
    polls, fetches = 1 + len(steps), 2  # the tag objects of the model, and the one of the change
    expected = ["GET", *["POST"] * (polls + fetches), "POST"]
    if len(lines) < len(expected):  # the last request was not logged when the server ended
        expected.pop()
    assert [line.split()[1] for line in lines] == expected
    assert len({line.split()[0] for line in lines}) == 1


def test_it_continues_after_a_restart_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    git, port = bare(tmp_path, with_one_commit), servers.free_port()
    monkeypatch.setattr(servers, "free_port", lambda: port)
    with ExitStack() as running, Registry.open(git.path) as local:
        local.register("m", "v1.0.0", author=ANN)

        def restart() -> None:
            running.enter_context(servers.git_daemon(tmp_path))
            local.register("m", "v2.0.0", author=ANN, force=True)

        url = running.enter_context(servers.git_daemon(tmp_path)) + NAME
        script = Script([nothing, running.close, nothing, restart, nothing])
        with Registry.open(url) as registry:
            found = [str(one) for one in registry.watch("m@latest", 5, wait=script)]
    assert found == ["m@v1.0.0", "m@v2.0.0"]
    assert script.waited == [5, 5, 5, 10, 5, 5]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "cannot reach" in caplog.text
