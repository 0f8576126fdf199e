"""SIGTERM and Ctrl-C: finish what runs, within a bound, while HTTP still answers; a second signal hurries.

A server such as uvicorn stops listening at the first signal, so nobody could be told 503, nor see the jobs finish.
Here the signal first drains the service and is then passed on to the server, once: uvicorn skips the lifespan's end
after two SIGINTs.
"""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from types import FrameType, TracebackType
from typing import Self


class DrainedBySignals:
    """While entered, a signal runs `drain` before the handler that was there gets it; another one calls `hurry`.

    Python runs signal handlers in the main thread only: entered elsewhere (an app in a test thread) it does nothing.
    """

    def __init__(self, drain: Callable[[], Awaitable[None]], hurry: Callable[[], None]) -> None:
        self._drain = drain
        self._hurry = hurry
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}
        self._draining: asyncio.Task[None] | None = None

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._received)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._received:
                signal.signal(number, handler)

    def _received(self, number: int, _: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._act, number)

    def _act(self, number: int) -> None:
        if self._draining is None:
            self._draining = self._loop.create_task(self._drain_and_pass_on(number))
        else:
            self._hurry()

    async def _drain_and_pass_on(self, number: int) -> None:
        try:
            await self._drain()
        finally:
            handler = self._before[number]
            if callable(handler):
                handler(number, None)
            else:
                signal.signal(number, handler)
                signal.raise_signal(number)
