"""Run requests concurrently, with at most so many at once in all and for each host."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

import attrs

from modelversions.catalog.reading import Answer, Request, failed, run
from modelversions.errors import ReadCancelledError

_POLL = 0.2
"""The seconds after which a waiting call checks whether it was cancelled."""

Take = Callable[[int, Answer], None]
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class DaemonThreads(Executor):
    """Threads that do not keep the process alive, while they wait for a server.

    At its exit, Python waits for those of a ``ThreadPoolExecutor``.
    """

    def __init__(self, most: int) -> None:
        """Start no more than ``most`` threads, when they are needed."""
        self._most = most
        self._started = 0
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def submit(
        self,
        fn: Callable[Arguments, Result],
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Future[Result]:
        """Call a function in a thread."""
        future: Future[Result] = Future()

        def work() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:  # noqa: BLE001  # the future has it
                    future.set_exception(error)

        self._work.put(work)
        if self._started < self._most:
            self._started += 1
            name = f"modelversions-catalog_{self._started}"
            threading.Thread(target=self._run, name=name, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  # as in the base
        """End the threads after their work, without waiting for that."""
        for _ in range(self._started):
            self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


@attrs.define
class Pool:
    """Runs requests, and hands out the answers as they arrive."""

    executor: Executor | None
    connections: int
    per_host: int
    cancelled: threading.Event = attrs.Factory(threading.Event)

    def ask(
        self,
        requests: Sequence[Request],
        in_process: Callable[[int], Answer],
        take: Take,
    ) -> None:
        """Answer all requests; ``take`` is called in this thread, with positions and answers.

        Args:
            requests: what to ask.
            in_process: answers a request by its position, for threads.
            take: may raise, which ends the call.

        Raises:
            ReadCancelledError: ``cancelled`` was set.
        """
        with self._open() as executor:
            running: dict[Future[Answer], int] = {}
            try:
                self._run(executor, requests, in_process, take, running)
            finally:
                for future in running:
                    future.cancel()

    @contextmanager
    def _open(self) -> Iterator[Executor]:
        if self.executor is not None:
            yield self.executor
            return
        executor = DaemonThreads(self.connections)
        try:
            yield executor
        finally:
            executor.shutdown()

    def _run(
        self,
        executor: Executor,
        requests: Sequence[Request],
        in_process: Callable[[int], Answer],
        take: Take,
        running: dict[Future[Answer], int],
    ) -> None:
        queue = _Queue(requests, self.per_host)
        while True:
            while len(running) < self.connections and (position := queue.next()) is not None:
                try:
                    if isinstance(executor, (DaemonThreads, ThreadPoolExecutor)):
                        future = executor.submit(in_process, position)
                    else:
                        future = executor.submit(run, requests[position])
                except Exception as error:  # noqa: BLE001  # executors raise various errors
                    queue.done(position)
                    take(position, failed(requests[position].source, error))
                    continue
                running[future] = position
            if not running:
                return
            for future in wait(running, _POLL, FIRST_COMPLETED).done:
                position = running.pop(future)
                queue.done(position)
                self._check()  # the answer may be the error of a connection that cancel() closed
                take(position, _answer(future, requests[position]))
            self._check()

    def _check(self) -> None:
        if self.cancelled.is_set():
            raise ReadCancelledError("the reading of the catalog was cancelled; ask again")


def _answer(future: Future[Answer], request: Request) -> Answer:
    """Return the answer of a future; an executor may have lost it."""
    try:
        return future.result()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  # CancelledError is no Exception everywhere
        return failed(request.source, error)


class _Queue:
    """Positions of requests, in order, except for those of hosts that are busy."""

    def __init__(self, requests: Sequence[Request], per_host: int) -> None:
        self._hosts = [request.source.host for request in requests]
        self._free = deque(range(len(requests)))
        self._waiting: dict[str, deque[int]] = {}
        self._busy: Counter[str] = Counter()
        self._per_host = per_host

    def next(self) -> int | None:
        """Return the next request that can be run now."""
        while self._free:
            position = self._free.popleft()
            host = self._hosts[position]
            if host is None:
                return position
            if self._busy[host] < self._per_host:
                self._busy[host] += 1
                return position
            self._waiting.setdefault(host, deque()).append(position)
        return None

    def done(self, position: int) -> None:
        """Release the connection of a request, for the next one of the same host."""
        host = self._hosts[position]
        if host is None:
            return
        self._busy[host] -= 1
        if self._waiting.get(host):
            self._free.appendleft(self._waiting[host].popleft())
