"""The executor's thread: it starts with the first submission, and ends with the executor or with the program."""

import asyncio
import atexit
import contextlib
import queue
import socket
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVarTuple

from offload.client.executor.futures import RemoteFuture, Submission
from offload.client.executor.manager import Manager

Args = TypeVarTuple("Args")

AT_EXIT_S = 5.0
"""How long the end of the interpreter waits for submissions that are not sent yet."""


class _Loop(asyncio.SelectorEventLoop):
    """Resolves names in its own thread. asyncio uses another one, which can't be started any more at exit."""

    async def getaddrinfo(self, host: Any, port: Any, **hints: int) -> Any:  # Any: as in the base class
        return socket.getaddrinfo(host, port, **hints)


class BackgroundThread:
    """Runs a manager in a thread of its own."""

    def __init__(self, manager: Manager) -> None:
        self._manager = manager
        self._lock = threading.Lock()
        self._submitted = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def submit(self, submission: Submission) -> None:
        """Have work items sent."""
        with self._lock:
            self._submitted += 1
        self._call(self._manager.submit, submission)

    def cancel(self, future: RemoteFuture) -> None:
        """Have the job of a future cancelled."""
        self._call(self._manager.cancel, future)

    def cancel_batch(self, submission: Submission) -> None:
        """Have a batch cancelled."""
        self._call(self._manager.cancel_batch, submission)

    def _call(self, method: Callable[[*Args], object], *args: *Args) -> None:
        """Have the thread call a method of the manager. Without effect after the thread has ended."""
        with self._lock:
            if self._loop is None:
                self._loop = self._start()
            loop = self._loop
        with contextlib.suppress(RuntimeError):  # the loop is closed: all futures have ended
            loop.call_soon_threadsafe(method, *args)

    def _start(self) -> asyncio.AbstractEventLoop:
        started: queue.SimpleQueue[asyncio.AbstractEventLoop] = queue.SimpleQueue()

        async def run() -> None:
            started.put(asyncio.get_running_loop())
            await self._manager.run()

        def main() -> None:
            with asyncio.Runner(loop_factory=_Loop) as runner:
                runner.run(run())

        self._thread = threading.Thread(target=main, name="offload-executor", daemon=True)
        self._thread.start()
        _threads.add(self)
        return started.get()

    def close(self) -> None:
        """End the thread when every future has ended."""
        if self._thread is not None:
            self._call(self._manager.close)

    def join(self) -> None:
        """Wait for the end of the thread. Called in a callback of a future, which this thread runs, it returns."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def flush(self) -> None:
        """Wait until everything submitted is sent, at most `AT_EXIT_S`."""
        deadline = time.monotonic() + AT_EXIT_S
        while self._manager.sent < self._submitted and self._thread is not None and self._thread.is_alive():
            if time.monotonic() > deadline:
                return
            time.sleep(0.005)


_threads: "weakref.WeakSet[BackgroundThread]" = weakref.WeakSet()


@atexit.register
def _flush_all() -> None:
    """What was submitted is sent, also where the program ends right after it."""
    for thread in list(_threads):
        thread.flush()
