"""Many repositories on real servers: ``python -m tests.catalog.many`` measures a catalog.

A tenth of them fail, with ten kinds of failures. In the same run, ``git ls-remote`` lists the same
URLs, 16 at a time. The other figures are the second reading, by ``refresh()``, and the number of
repositories, models and errors.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
from dulwich.repo import Repo

from modelversions import Catalog
from tests.builders import Builder
from tests.remote.servers import free_port, git_daemon, running, web

FAILURES = ("refused", "401", "404", "500", "timeout", "garbage", "empty", "slow", "broken", "cut")
TIMEOUT = 3
"""The maximum number of seconds for one repository."""


@attrs.frozen
class Served:
    """The URLs of the served repositories, and of those that fail."""

    good: list[str]
    failing: dict[str, str]
    """The kinds of failures, by URL."""
    log: Path
    """The requests to the web server."""

    @property
    def urls(self) -> list[str]:
        """All URLs; those that fail are distributed evenly."""
        urls = list(self.good)
        for position, url in enumerate(self.failing):
            urls.insert(position * len(urls) // len(self.failing), url)
        return urls


@contextmanager
def served(root: Path, count: int, models: int = 10) -> Iterator[Served]:
    """Serve repositories, half by HTTP and half by ``git daemon``; a tenth of them fail."""
    failing = count // 10
    make_repositories(root, count - failing, models)
    port = free_port()
    script = str(Path(__file__).with_name("failing_server.py"))
    command = [sys.executable, script, str(port)]
    with web(root) as http, git_daemon(root) as git, running(command, port, root / "failing.log"):
        good = [
            f"{git if number % 2 else http.url}team/models{number}.git"
            for number in range(count - failing)
        ]
        failures = [FAILURES[number % len(FAILURES)] for number in range(failing)]
        roots = {
            "refused": f"http://127.0.0.1:{free_port()}/",
            "broken": http.url,
            "cut": git,
        }
        urls = {
            f"{roots.get(failure, f'http://127.0.0.1:{port}/')}{failure}/x{number}.git": failure
            for number, failure in enumerate(failures)
        }
        for url, failure in urls.items():
            if failure in ("broken", "cut"):
                _break(root, failure, url.rpartition("/")[2])
        yield Served(good, urls, root / "access.log")


def make_repositories(root: Path, count: int, models: int) -> None:
    """Create bare repositories with two versions and a stage of each model."""
    template = root / "template.git"
    with Repo.init_bare(str(template), mkdir=True) as repo:
        builder = Builder(repo)
        builder.commit()
        builder.commit("c2", 1, "c1")
        for number in range(models):
            name = f"model{number}"
            builder.tag(f"{name}@v1.0.0", "c1", 10)
            builder.tag(f"{name}@v1.1.0", "c2", 20)
            builder.tag(f"{name}#prod#1", "c1", 30)
        builder.pack()
    (root / "team").mkdir()
    for number in range(count):
        shutil.copytree(template, root / "team" / f"models{number}.git")


def _break(root: Path, failure: str, name: str) -> None:
    """Create a repository whose refs are invalid, or that has no HEAD."""
    path = root / failure / name
    shutil.copytree(root / "template.git", path)
    if failure == "broken":
        (path / "packed-refs").write_text("this is not a list of refs\n")
    else:
        (path / "HEAD").unlink()


def ls_remote(urls: list[str]) -> float:
    """Return the seconds that ``git ls-remote`` takes for all URLs, 16 at a time."""
    program = shutil.which("git")
    command = ["xargs", "-P", "16", "-n", "1", "timeout", str(TIMEOUT), str(program), "ls-remote"]
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true"}
    start = time.perf_counter()
    subprocess.run(
        command, input="\n".join(urls), env=env, text=True, capture_output=True, check=False
    )
    return time.perf_counter() - start


def measure(root: Path, count: int) -> dict[str, object]:
    """Return figures of a catalog and of ``git ls-remote``, from one run."""
    with served(root, count) as found:
        peer = ls_remote(found.urls)
        catalog = Catalog(found.urls, timeout=TIMEOUT)
        start = time.perf_counter()
        page = str(catalog)
        first = time.perf_counter() - start
        start = time.perf_counter()
        names = len(Catalog(found.urls, timeout=TIMEOUT).latest())
        latest = time.perf_counter() - start
        before = _exchanges(found)
        start = time.perf_counter()
        catalog.refresh()
        second = time.perf_counter() - start
        posts = _exchanges(found) - before
        names_of = dict(zip(found.urls, catalog))
        causes = Counter(
            f"{failure}: {type(catalog.errors[names_of[url]]).__name__}"
            for url, failure in found.failing.items()
            if names_of[url] in catalog.errors
        )
        http = sum(url.startswith("http") for url in found.good)
        return {
            "repositories": count,
            "shown": len(catalog) - len(catalog.errors),
            "models": names,
            "rows": page.count("v1.1.0"),
            "errors": len(catalog.errors),
            "causes": dict(sorted(causes.items())),
            "ls-remote": round(peer, 2),
            "dashboard": round(first, 2),
            "latest": round(latest, 2),
            "refresh": round(second, 2),
            "ratio": round(first / peer, 2),
            "exchanges of a refresh": round(posts / http, 2),
        }


def _exchanges(found: Served) -> int:
    """Return the number of POST requests to the repositories that do not fail."""
    lines = found.log.read_text().splitlines()
    return sum("POST" in line and "/team/" in line for line in lines)


def main() -> None:
    """Measure, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repositories", type=int, default=1000)
    options = parser.parse_args()
    with TemporaryDirectory() as root:
        print(json.dumps(measure(Path(root), options.repositories), indent=1))  # noqa: T201  # it is a command


if __name__ == "__main__":
    main()
