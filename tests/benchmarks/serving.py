"""Scenarios at a URL: how long an answer takes, and how many bytes pass for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from modelversions import Registry
from tests.benchmarks.measure import clocked, in_turns, sample
from tests.benchmarks.peers import installed, python
from tests.benchmarks.plan import Bench, growth
from tests.benchmarks.report import FASTER, Row, Target, ratio
from tests.benchmarks.repositories import EACH, Shape
from tests.remote.servers import git_daemon
from tests.servers import LOCAL, Proxy, proxied

TAGS = 10_000
MODEL = "model-3"
FEW, MANY = EACH, 5 * EACH
GTO = "import sys, gto.api; assert gto.api.find_latest_version(sys.argv[1], sys.argv[2])"


def url(bench: Bench) -> Iterator[Row]:
    """A registry at a URL, in a repository of 200 MB: times beside GTO's, and bytes."""
    tags = bench.plan.served
    few, many = (Shape(tags, each, bench.plan.noise) for each in (FEW, MANY))
    with _served(bench, few) as (place, proxy):
        yield from _latest(tags, place, proxy)
        small = sample([_bytes(_full, place, proxy)], "bytes")
    with _served(bench, many) as (place, proxy):
        large = sample([_bytes(_full, place, proxy)], "bytes")
    question = "registry[m] in full, at a URL, bytes"
    yield growth("url", question, (FEW, small), (MANY, large))


def _latest(tags: int, place: str, proxy: Proxy) -> Iterator[Row]:
    gto = clocked(partial(python, "-c", GTO, place, MODEL))
    question = "registry[m].latest, at a URL"
    one = clocked(partial(_open, place, _newest))
    one()  # what is imported at the first look
    probes = [one, gto] if installed("gto") else [one]
    ours, *others = in_turns(1, *probes, warm=False)
    theirs = sample(others[0]) if others else None
    target = Target(50, least=True)
    yield ratio("url", question, tags, sample(ours), "GTO, a clone", theirs, target, FASTER)
    taken = sample([_bytes(_newest, place, proxy)], "bytes")
    yield Row(
        scenario="url",
        question=f"{question}, bytes",
        tags=f"{tags:,}",
        ours=taken,
        figure=taken.median / 1000,
        unit="KB",
        target=Target(100),
    )


def _open(place: str, question: Callable[[Registry], object]) -> object:
    with Registry.open(place) as registry:
        answer = question(registry)
    assert answer
    return answer


def _newest(registry: Registry) -> object:
    return registry[MODEL].latest


def _full(registry: Registry) -> object:
    return registry["model-0"].history


def _bytes(question: Callable[[Registry], object], place: str, proxy: Proxy) -> float:
    proxy.reset()
    _open(place, question)
    return proxy.total


@contextmanager
def _served(bench: Bench, shape: Shape) -> Iterator[tuple[str, Proxy]]:
    """Serve a repository by ``git daemon``, behind a proxy that counts; gives the proxy's URL."""
    path: Path = bench.repositories.path(shape)
    with git_daemon(path.parent) as base:
        port = int(base.split(":")[2].strip("/"))
        with proxied(port) as proxy:
            yield f"git://{LOCAL}:{proxy.port}/{path.name}/.git", proxy
