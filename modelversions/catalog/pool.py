"""Run requests concurrently, with limits for the number in total and per host."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

import attrs

from modelversions.catalog.reading import Request, Result, run, wrap_error
from modelversions.errors import ReadCancelledError

_POLL = 0.2
"""The interval in seconds at which a waiting call checks whether it was cancelled."""

OnResult = Callable[[int, Result], None]
Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


class DaemonThreads(Executor):
    """Threads that do not keep the process alive while they wait for a server.

    A ``ThreadPoolExecutor`` cannot be used, as Python waits for its threads at exit.
    """

    def __init__(self, most: int) -> None:
        """Initialize with the maximum number of threads; they are started when needed."""
        self._most = most
        self._started = 0
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def submit(
        self,
        fn: Callable[Arguments, Value],
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Future[Value]:
        """Call a function in a thread."""
        future: Future[Value] = Future()

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

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  # as in the base class
        """End the threads after their work; do not wait for them."""
        for _ in range(self._started):
            self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


@attrs.define
class Pool:
    """Runs requests, and passes on the results as they arrive."""

    executor: Executor | None
    connections: int
    per_host: int
    cancelled: threading.Event = attrs.Factory(threading.Event)

    def run_all(
        self,
        requests: Sequence[Request],
        in_process: Callable[[int], Result],
        on_result: OnResult,
    ) -> None:
        """Run all requests.

        Args:
            requests: the requests.
            in_process: runs the request at a position; it is called in threads.
            on_result: is called in this thread with the position and the result of each request;
                if it raises an exception, the call ends.

        Raises:
            ReadCancelledError: ``cancelled`` was set.
        """
        with self._open() as executor:
            running: dict[Future[Result], int] = {}
            try:
                self._run(executor, requests, in_process, on_result, running)
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
        in_process: Callable[[int], Result],
        on_result: OnResult,
        running: dict[Future[Result], int],
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
                    on_result(position, wrap_error(requests[position].source, error))
                    continue
                running[future] = position
            if not running:
                return
            for future in wait(running, _POLL, FIRST_COMPLETED).done:
                position = running.pop(future)
                queue.done(position)
                self._check()  # the result may be the error of a connection that cancel() closed
                on_result(position, _result_of(future, requests[position]))
            self._check()

    def _check(self) -> None:
        if self.cancelled.is_set():
            raise ReadCancelledError("reading the catalog was cancelled; repeat the call")


def _result_of(future: Future[Result], request: Request) -> Result:
    """Return the result of a future, or the error with which the executor failed."""
    try:
        return future.result()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  # CancelledError may not be an Exception
        return wrap_error(request.source, error)


class _Queue:
    """The positions of requests, in order; requests to busy hosts are postponed."""

    def __init__(self, requests: Sequence[Request], per_host: int) -> None:
        self._hosts = [request.source.host for request in requests]
        self._free = deque(range(len(requests)))
        self._waiting: dict[str, deque[int]] = {}
        self._busy: Counter[str] = Counter()
        self._per_host = per_host

    def next(self) -> int | None:
        """Return the position of the next request that can be run now, or None."""
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
        """Release the connection of a request, for the next request to the same host."""
        host = self._hosts[position]
        if host is None:
            return
        self._busy[host] -= 1
        if self._waiting.get(host):
            self._free.appendleft(self._waiting[host].popleft())
