"""The one thread behind an executor, and its end: asked for, with the program, or because nobody has it any more."""

import asyncio
import atexit
import contextlib
import queue
import socket
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from offload.client.courier import Courier
from offload.client.futures import Lot

AT_EXIT_S = 5.0
"""How long the end of the interpreter waits for what is still to be sent."""


class _Loop(asyncio.SelectorEventLoop):
    """Looks names up in its own thread. asyncio's loops want another for that, and at the program's end get none."""

    async def getaddrinfo(self, host: Any, port: Any, **hints: int) -> Any:
        return socket.getaddrinfo(host, port, **hints)


class Background:
    """A courier on a thread of its own, which is started with the first call."""

    def __init__(self, courier: Courier) -> None:
        self.courier = courier
        self._lock = threading.Lock()
        self._posted = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def post(self, lot: Lot) -> None:
        """Has something sent."""
        with self._lock:
            self._posted += 1
        self.call(self.courier.post, lot)

    def call(self, function: Callable[..., object], *args: Any) -> None:
        """Has the courier's thread call a method of the courier. Nothing happens where that thread has ended."""
        with self._lock:
            if self._loop is None:
                self._loop = self._begin()
            loop = self._loop
        with contextlib.suppress(RuntimeError):  # it is closed: all futures have come to their ends
            loop.call_soon_threadsafe(function, *args)

    def _begin(self) -> asyncio.AbstractEventLoop:
        begun: queue.SimpleQueue[asyncio.AbstractEventLoop] = queue.SimpleQueue()

        async def work() -> None:
            begun.put(asyncio.get_running_loop())
            await self.courier.run()

        def main() -> None:
            with asyncio.Runner(loop_factory=_Loop) as runner:
                runner.run(work())

        self._thread = threading.Thread(target=main, name="offload-executor", daemon=True)
        self._thread.start()
        _running.add(self)
        return begun.get()

    def finish(self) -> None:
        """Ends the thread when every future has come to its end."""
        if self._thread is not None:
            self.call(self.courier.finish)

    def join(self) -> None:
        """Waits for that. In a callback of a future it would be waiting for itself, and does not."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def flush(self) -> None:
        """Waits for what is still to be sent."""
        end = time.monotonic() + AT_EXIT_S
        while self.courier.sent < self._posted and self._thread is not None and self._thread.is_alive():
            if time.monotonic() > end:
                return
            time.sleep(0.005)


_running: "weakref.WeakSet[Background]" = weakref.WeakSet()


@atexit.register
def _flush_all() -> None:
    """What has been submitted is submitted, also where the program ends right after it."""
    for background in list(_running):
        background.flush()
