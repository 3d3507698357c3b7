"""Scenarios at a URL: times, and bytes transferred."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from modelversions import Registry
from tests.benchmarks.baselines import installed, python
from tests.benchmarks.measure import interleave, sample, timed
from tests.benchmarks.plan import Bench, growth
from tests.benchmarks.report import FASTER, Row, Target, compare
from tests.benchmarks.repositories import EACH, Shape
from tests.remote.servers import git_daemon
from tests.servers import LOCAL, Proxy, proxied

TAGS = 10_000
MODEL = "model-3"
FEW, MANY = EACH, 5 * EACH
GTO = "import sys, gto.api; assert gto.api.find_latest_version(sys.argv[1], sys.argv[2])"


def url(bench: Bench) -> Iterator[Row]:
    """A repository of 200 MB at a URL: times compared with GTO, and bytes."""
    tags = bench.plan.served
    few, many = (Shape(tags, each, bench.plan.noise) for each in (FEW, MANY))
    with _served(bench, few) as (address, proxy):
        yield from _latest(tags, address, proxy)
        small = sample([_bytes(_history, address, proxy)], "bytes")
    with _served(bench, many) as (address, proxy):
        large = sample([_bytes(_history, address, proxy)], "bytes")
    operation = 'registry["m"] in full, at a URL, bytes'
    yield growth("url", operation, (FEW, small), (MANY, large))


def _latest(tags: int, address: str, proxy: Proxy) -> Iterator[Row]:
    gto = timed(partial(python, "-c", GTO, address, MODEL))
    operation = 'registry["m"].latest, at a URL'
    latest = timed(partial(_open, address, _latest_version))
    latest()  # the first read imports modules
    probes = [latest, gto] if installed("gto") else [latest]
    ours, *others = interleave(1, *probes, warm=False)
    theirs = sample(others[0]) if others else None
    target = Target(50, is_minimum=True)
    yield compare("url", operation, tags, sample(ours), "GTO, a clone", theirs, target, FASTER)
    size = sample([_bytes(_latest_version, address, proxy)], "bytes")
    yield Row(
        scenario="url",
        operation=f"{operation}, bytes",
        tags=f"{tags:,}",
        result=size,
        ratio=size.median / 1000,
        unit="KB",
        target=Target(100),
    )


def _open(address: str, read: Callable[[Registry], object]) -> object:
    with Registry.open(address) as registry:
        result = read(registry)
    assert result
    return result


def _latest_version(registry: Registry) -> object:
    return registry[MODEL].latest


def _history(registry: Registry) -> object:
    return registry["model-0"].history


def _bytes(read: Callable[[Registry], object], address: str, proxy: Proxy) -> float:
    proxy.reset()
    _open(address, read)
    return proxy.total


@contextmanager
def _served(bench: Bench, shape: Shape) -> Iterator[tuple[str, Proxy]]:
    """Serve a repository by ``git daemon`` behind a proxy that counts bytes; yield its URL."""
    path: Path = bench.repositories.path(shape)
    with git_daemon(path.parent) as base:
        port = int(base.split(":")[2].strip("/"))
        with proxied(port) as proxy:
            yield f"git://{LOCAL}:{proxy.port}/{path.name}/.git", proxy
