"""A thread that owns one database connection and processes waiting work in groups.

Under load, the callback to the event loop (and, for writes, the fsync) is shared by the whole group. A single piece of
work is a group of one and waits for nothing.
"""

import asyncio
import collections
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from offload.errors import StorageFailedError

T = TypeVar("T")

Work = Callable[[sqlite3.Connection], Any]
"""One piece of work. It may run again after a rollback, so it changes nothing but the database."""

RunGroup = Callable[[sqlite3.Connection, Sequence[Work]], Sequence[Any]]
"""Runs a group of work. Returns the value of each piece, or the exception that it failed with."""

GROUP_ROWS = 1000
"""Rows after which a group is closed. That is about 20 ms of writing, which bounds the wait for others in the group."""


@dataclass(frozen=True, slots=True)
class _Pending:
    work: Work
    rows: int
    future: asyncio.Future[Any]


class ConnectionThread:
    """Runs work in the order of submission. For use from one event loop."""

    def __init__(self, name: str, connection: sqlite3.Connection, run_group: RunGroup) -> None:
        """Starts the thread, which owns the connection from now on. Must be called on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._run_group = run_group
        self._submitted: list[_Pending] = []
        self._queue: queue.SimpleQueue[list[_Pending] | None] = queue.SimpleQueue()
        self._received: collections.deque[_Pending] = collections.deque()  # used by the thread only
        self._closed: asyncio.Future[None] | None = None
        # A daemon thread does not delay the end of a service that stops without closing: what was reported is on disk.
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, work: Callable[[sqlite3.Connection], T], rows: int = 1) -> asyncio.Future[T]:
        """Queues work that touches about `rows` rows. Cancelling the future does not cancel the work.

        Work that is submitted in one iteration of the event loop is passed to the thread together, at the end of the
        iteration: each `put` wakes the thread, which then competes for the GIL.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        if self._closed is not None:
            future.set_exception(StorageFailedError("The journal is closed."))
            return future
        self._submitted.append(_Pending(work, rows, future))
        if len(self._submitted) == 1:
            self._loop.call_soon(self._flush)
        return future

    def _flush(self) -> None:
        if self._submitted:
            self._queue.put(self._submitted)
            self._submitted = []

    async def close(self) -> None:
        """Finishes all submitted work, then closes the connection."""
        if self._closed is None:
            self._closed = self._loop.create_future()
            self._flush()
            self._queue.put(None)
        await asyncio.shield(self._closed)

    def _run(self) -> None:
        last = False
        while not last:
            group, last = self._next_group()
            if group:
                results = self._run_safely([pending.work for pending in group])
                self._call_on_loop(_resolve, group, results)
        self._connection.close()
        self._call_on_loop(_resolve_closed, cast("asyncio.Future[None]", self._closed))  # `close` has set it

    def _next_group(self) -> tuple[list[_Pending], bool]:
        """Returns all waiting work up to the size of a group, and whether no more will follow."""
        group: list[_Pending] = []
        rows = 0
        while rows < GROUP_ROWS:
            if not self._received:
                try:
                    submitted = self._queue.get(block=not group)
                except queue.Empty:
                    break
                if submitted is None:
                    return group, True
                self._received.extend(submitted)
            group.append(self._received.popleft())
            rows += group[-1].rows
        return group, False

    def _run_safely(self, works: Sequence[Work]) -> Sequence[Any]:
        try:
            return self._run_group(self._connection, works)
        except Exception as error:  # the thread must survive any error and report it to every caller
            return [StorageFailedError(f"The journal failed: {error!r}") for _ in works]

    def _call_on_loop(self, callback: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed, so nothing waits for the result
            self._loop.call_soon_threadsafe(callback, *arguments)


def _resolve(group: Sequence[_Pending], results: Sequence[Any]) -> None:
    for pending, result in zip(group, results, strict=True):
        if pending.future.done():
            continue  # it was cancelled
        if isinstance(result, BaseException):
            pending.future.set_exception(result)
        else:
            pending.future.set_result(result)


def _resolve_closed(closed: asyncio.Future[None]) -> None:
    if not closed.done():
        closed.set_result(None)
