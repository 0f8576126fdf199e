"""Run a blocking call beside the event loop, even one that may never return."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class NoThreadError(Exception):
    """The system allows no more threads or processes for now: `ulimit -u`, or `pids.max` of the cgroup."""


async def run_in_thread(work: Callable[[], T]) -> T:
    """Run `work` in a daemon thread of its own and return its result.

    `asyncio.to_thread` and anyio use pool threads that are joined at exit: a call that hangs would delay the
    interpreter's exit and occupy a thread of the pool. This thread does neither. When the caller is cancelled, the
    thread is left alone.

    Raise `NoThreadError` when the thread can't be started.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)  # type: ignore[arg-type]  # without an error, it is what `work` returned

    def run() -> None:
        value, error = None, None
        try:
            value = work()
        except BaseException as raised:  # raised again where the caller waits
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has been closed in the meantime
            loop.call_soon_threadsafe(settle, value, error)
        value = error = None  # else the error and this frame would keep each other, and what `work` has opened

    try:
        threading.Thread(target=run, name="lane-work", daemon=True).start()
    except RuntimeError as no_thread:
        raise NoThreadError(str(no_thread)) from None
    return await future
