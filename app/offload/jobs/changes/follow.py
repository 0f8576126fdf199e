"""Follows one job or batch through its changes, at a limited rate."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from offload.jobs.changes.notifier import ChangeNotifier

T = TypeVar("T")

GATHER_S = 0.1
"""The shortest time between two changes that are not urgent."""

QUIET_S = 15.0
"""After this long without a change, None is yielded: proxies cut connections on which nothing is sent."""


async def follow(
    changes: ChangeNotifier,
    name: str,
    read: Callable[[], Awaitable[T]],
    *,
    is_urgent: Callable[[T], bool],
    is_last: Callable[[T], bool],
) -> AsyncGenerator[T | None, None]:
    """Yield what `read` returns: now, and whenever the job or batch `name` has changed, until the value `is_last`.

    Two reads are at least `GATHER_S` apart, unless `is_urgent` of the last value is true by then. None means that there
    was no change for `QUIET_S`. Also ends when the service stops.
    """
    loop = asyncio.get_running_loop()
    with changes.watch(name) as changed:
        while True:
            changed.clear()
            value = await read()
            yield value
            if is_last(value) or changes.closed:
                return
            next_at = loop.time() + GATHER_S
            while not await _is_set(changed, loop.time() + QUIET_S):
                yield None
            while loop.time() < next_at and not is_urgent(value) and not changes.closed:
                changed.clear()
                await _is_set(changed, next_at)


async def _is_set(event: asyncio.Event, until: float) -> bool:
    """Wait for an event until a time on the loop's clock. Return whether it is set."""
    if not event.is_set():
        try:
            async with asyncio.timeout_at(until):
                await event.wait()
        except TimeoutError:
            return False
    return True
