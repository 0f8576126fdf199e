"""Waits for a condition. After a deadline it raises an error with the last value."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

EVERY_S = 0.005


class NotInTimeError(AssertionError):
    """The condition did not come true before its deadline."""

    def __init__(self, what: str, within: float, last: object) -> None:
        super().__init__(f"waited {within:g} s for {what or 'a condition'}; last saw {last!r}")


@overload
async def until(probe: Callable[[], Awaitable[T | None]], *, within: float = 10.0, what: str = "") -> T: ...
@overload
async def until(probe: Callable[[], T | None], *, within: float = 10.0, what: str = "") -> T: ...
async def until(
    probe: Callable[[], Awaitable[T | None]] | Callable[[], T | None], *, within: float = 10.0, what: str = ""
) -> T:
    """Returns the first true value of `probe` (plain or async). Raises `NotInTimeError` after `within` seconds."""
    end = time.monotonic() + within
    while True:
        seen = probe()
        value: T | None = await seen if inspect.isawaitable(seen) else seen
        if value:
            return value
        if time.monotonic() > end:
            raise NotInTimeError(what, within, value)
        await asyncio.sleep(EVERY_S)


def until_sync(probe: Callable[[], T | None], *, within: float = 10.0, what: str = "") -> T:
    """The same without an event loop."""
    end = time.monotonic() + within
    while not (value := probe()):
        if time.monotonic() > end:
            raise NotInTimeError(what, within, value)
        time.sleep(EVERY_S)
    return value


async def turns(number: int = 1) -> None:
    """Lets the event loop run this number of iterations, where a test needs a moment between two of its steps."""
    for _ in range(number):
        await asyncio.sleep(0)
