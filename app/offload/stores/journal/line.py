"""A thread that serves one database connection: it takes all the work that waits, and answers it with one hop.

Under load the hop back to the event loop (and, for writes, the fsync) is shared by everything in the group; alone, a
piece of work is a group of one and waits for nobody.
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
"""What is done with the connection. May be done again after a rollback, so it changes nothing but the database."""

Serve = Callable[[sqlite3.Connection, Sequence[Work]], Sequence[Any]]
"""Does a group of work and answers each: with its value, or with an exception as a value."""

GROUP_ROWS = 1000
"""A group ends once it has so many rows: about 20 ms of writing, so that nobody waits long for the others."""


@dataclass(frozen=True, slots=True)
class _Piece:
    work: Work
    rows: int
    answer: asyncio.Future[Any]


class Line:
    """Work is served in the order in which it was handed in. For use from one event loop."""

    def __init__(self, name: str, connection: sqlite3.Connection, serve: Serve) -> None:
        """Starts serving at once; must be called on the event loop. Owns the connection from now on."""
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._serve = serve
        self._gathered: list[_Piece] = []
        self._waiting: queue.SimpleQueue[list[_Piece] | None] = queue.SimpleQueue()
        self._handed_in: collections.deque[_Piece] = collections.deque()  # the thread's alone
        self._closed: asyncio.Future[None] | None = None
        # A daemon, so that a service that dies without closing is not held back: what was answered is on disk.
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, work: Callable[[sqlite3.Connection], T], rows: int = 1) -> asyncio.Future[T]:
        """Takes a place in the line. A waiter that gives up changes nothing: the work is done all the same.

        What one turn of the event loop submits is handed in together, at its end: each hand-in wakes the thread, which
        then competes for the GIL.
        """
        answer: asyncio.Future[T] = self._loop.create_future()
        if self._closed is not None:
            answer.set_exception(StorageFailedError("The journal is closed."))
            return answer
        self._gathered.append(_Piece(work, rows, answer))
        if len(self._gathered) == 1:
            self._loop.call_soon(self._hand_in)
        return answer

    def _hand_in(self) -> None:
        if self._gathered:
            self._waiting.put(self._gathered)
            self._gathered = []

    async def close(self) -> None:
        """Serves what has its place, then closes the connection."""
        if self._closed is None:
            self._closed = self._loop.create_future()
            self._hand_in()
            self._waiting.put(None)
        await asyncio.shield(self._closed)

    def _run(self) -> None:
        last = False
        while not last:
            group, last = self._take()
            if group:
                answers = self._serve_all([piece.work for piece in group])
                self._tell(_answer, group, answers)
        self._connection.close()
        self._tell(_answer_closed, cast("asyncio.Future[None]", self._closed))

    def _take(self) -> tuple[list[_Piece], bool]:
        """Everything that waits, up to a group's size, and whether the line ends there."""
        group: list[_Piece] = []
        rows = 0
        while rows < GROUP_ROWS:
            if not self._handed_in:
                try:
                    pieces = self._waiting.get(block=not group)
                except queue.Empty:
                    break
                if pieces is None:
                    return group, True
                self._handed_in.extend(pieces)
            group.append(self._handed_in.popleft())
            rows += group[-1].rows
        return group, False

    def _serve_all(self, works: Sequence[Work]) -> Sequence[Any]:
        try:
            return self._serve(self._connection, works)
        except Exception as error:  # whatever it is, its waiters must hear it and the next be served
            return [StorageFailedError(f"The journal failed: {error!r}") for _ in works]

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone, and with it everybody who could wait
            self._loop.call_soon_threadsafe(callback, *arguments)


def _answer(group: Sequence[_Piece], answers: Sequence[Any]) -> None:
    for piece, value in zip(group, answers, strict=True):
        if piece.answer.done():
            continue  # its waiter was cancelled
        if isinstance(value, BaseException):
            piece.answer.set_exception(value)
        else:
            piece.answer.set_result(value)


def _answer_closed(closed: asyncio.Future[None]) -> None:
    if not closed.done():
        closed.set_result(None)
