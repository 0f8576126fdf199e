"""Signal handlers of a running service: SIGTERM and SIGINT drain it, SIGHUP reloads its keys.

Python runs signal handlers in the main thread only. In another thread, such as a test's, these do nothing.
"""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object] | int | None
"""What `signal.signal` returns."""


@contextmanager
def drain_on_signal(
    drain: Callable[[], Awaitable[None]], hurry: Callable[[], None], on_signal: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """While entered, SIGTERM or SIGINT runs `drain` and then the previous handler. A second signal calls `hurry`.

    `on_signal` is called in the handler itself, so also while something blocks the event loop.

    A server such as uvicorn stops listening at the first signal: clients would neither get a 503 nor see the end of
    their jobs. So the service is drained while HTTP still works. The previous handler is called only once, since
    uvicorn skips the lifespan's end after two SIGINTs.
    """
    loop = asyncio.get_running_loop()
    draining: asyncio.Task[None] | None = None

    def received(number: int, _: FrameType | None) -> None:
        on_signal()
        loop.call_soon_threadsafe(act, number)

    def act(number: int) -> None:
        nonlocal draining
        if draining is None:
            draining = loop.create_task(drain_and_pass_on(number))
        else:
            hurry()

    async def drain_and_pass_on(number: int) -> None:
        try:
            await drain()
        finally:
            handler = previous[number]
            if callable(handler):
                handler(number, None)
            else:
                signal.signal(number, handler)
                signal.raise_signal(number)

    with _handling([signal.SIGTERM, signal.SIGINT], received) as previous:
        yield


@contextmanager
def reload_on_sighup(reload: Callable[[], None]) -> Iterator[None]:
    """While entered, SIGHUP calls `reload` on the event loop, instead of the previous handler."""
    loop = asyncio.get_running_loop()
    with _handling([signal.SIGHUP], lambda _, __: loop.call_soon_threadsafe(reload)):
        yield


@contextmanager
def _handling(
    signals: Sequence[int], received: Callable[[int, FrameType | None], object]
) -> Iterator[Mapping[int, Handler]]:
    """Handles signals while entered. Yields the previous handlers, and restores them unless others are set by then."""
    previous: dict[int, Handler] = {}
    if threading.current_thread() is threading.main_thread():
        for number in signals:
            previous[number] = signal.signal(number, received)
    try:
        yield previous
    finally:
        for number, handler in previous.items():
            if signal.getsignal(number) is received:
                signal.signal(number, handler)
