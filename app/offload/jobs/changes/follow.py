"""Following one thing through its changes, at a pace that a person can see."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from offload.jobs.changes.notifier import ChangeNotifier

T = TypeVar("T")

GATHER_S = 0.1
"""News is told at most ten times a second."""

QUIET_S = 15.0
"""After so long without news that is told, too: connections on which nothing is sent are cut by what lies between."""


async def follow(
    changes: ChangeNotifier,
    name: str,
    look: Callable[[], Awaitable[T]],
    *,
    at_once: Callable[[T], bool],
    ended: Callable[[T], bool],
) -> AsyncGenerator[T | None, None]:
    """What `look` answers: at once, then whenever `name` has changed, the last time where it has `ended`.

    Ends when the service stops, too. Between two looks are `GATHER_S` seconds, unless what was seen last says that the
    change is to be told `at_once`. None says that there has been no change for `QUIET_S` seconds.
    """
    loop = asyncio.get_running_loop()
    with changes.watch(name) as changed:
        while True:
            changed.clear()
            seen = await look()
            yield seen
            if ended(seen) or changes.closed:
                return
            next_at = loop.time() + GATHER_S
            while not await _is_set(changed, loop.time() + QUIET_S):
                yield None
            while loop.time() < next_at and not at_once(seen) and not changes.closed:
                changed.clear()
                await _is_set(changed, next_at)


async def _is_set(event: asyncio.Event, until: float) -> bool:
    """Waits for an event, no longer than `until` on the loop's clock."""
    if not event.is_set():
        try:
            async with asyncio.timeout_at(until):
                await event.wait()
        except TimeoutError:
            return False
    return True
