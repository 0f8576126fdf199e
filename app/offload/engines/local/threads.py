"""Blocking calls beside the event loop that may, in the worst case, never come back."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """Runs `work` in a daemon thread of its own.

    Unlike a pool's, such a thread holds up neither the next call nor the interpreter's exit when it hangs. A caller
    that is cancelled leaves it to itself.
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
        except BaseException as raised:  # it is raised where the caller waits
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(settle, value, error)

    threading.Thread(target=run, name="lane-work", daemon=True).start()
    return await future
