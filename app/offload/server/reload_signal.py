"""SIGHUP: what can change while the service runs is read again."""

import asyncio
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self


class ReadAgainBySignal:
    """While entered, SIGHUP calls `read_again` on the event loop, instead of the handler that was there.

    Python runs signal handlers in the main thread only: entered elsewhere (an app in a test thread) it does nothing.
    """

    def __init__(self, read_again: Callable[[], None]) -> None:
        self._read_again = read_again
        self._before: Callable[[int, FrameType | None], object] | int | None = None

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGHUP, self._received)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if signal.getsignal(signal.SIGHUP) == self._received:
            signal.signal(signal.SIGHUP, self._before)

    def _received(self, _: int, __: FrameType | None) -> None:
        self._loop.call_soon_threadsafe(self._read_again)
