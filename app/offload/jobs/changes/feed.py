"""Wakes those who want to hear of every change of every job: all of them together, and not once for each change."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from offload.jobs.changes.log import ChangeLog

TICK_S = 0.05
"""Between two wake-ups. What changes several times within it is told once."""

SOON_S = 0.005
"""After the first change in a while: what follows from it at once is told with it."""

AWAY_S = 300.0
"""How long changes are noted after the last reader has left, for it to come back and go on."""


class Feed:
    """The log of changes, and the readers that wait for them. Notes nothing where nobody has listened for a while."""

    def __init__(self) -> None:
        self.log = ChangeLog()
        self.epoch = secrets.token_hex(4)
        """Tells this log's numbers from those of an earlier service."""
        self.upto = 0
        """The newest change that readers are to be told of now; later ones are the next wake-up's."""
        self.noting = False
        self.closed = False
        self._readers = 0
        self._woken = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._forgetting: asyncio.TimerHandle | None = None
        self._told_at = 0.0

    def note(self, job_id: str, owner: str | None, *, gone: bool = False) -> None:
        """A job has changed; to be called while `noting`."""
        self.log.note(job_id, owner, gone=gone)
        if self._timer is None and self._readers:
            loop = asyncio.get_running_loop()
            at = max(loop.time() + SOON_S, self._told_at + TICK_S)
            self._timer = loop.call_at(at, self._tell)

    def _tell(self) -> None:
        self._timer = None
        self._told_at = asyncio.get_running_loop().time()
        self.upto = self.log.last
        self._wake()

    def _wake(self) -> None:
        woken, self._woken = self._woken, asyncio.Event()
        woken.set()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Has changes noted, and those told of who wait for them."""
        self._readers += 1
        self.noting = True
        self.upto = self.log.last  # what was noted while nobody read
        if self._forgetting is not None:
            self._forgetting.cancel()
            self._forgetting = None
        try:
            yield
        finally:
            self._readers -= 1
            if not self._readers:
                self._forgetting = asyncio.get_running_loop().call_later(AWAY_S, self._forget)

    def _forget(self) -> None:
        self._forgetting = None
        self.noting = False
        self.log.forget()

    async def wait(self, position: int, within_s: float) -> bool:
        """Waits for changes after a position that may be told; False where there are none after `within_s` seconds.

        True also where the service stops.
        """
        try:
            async with asyncio.timeout(within_s):
                while self.upto <= position and not self.closed:
                    await self._woken.wait()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Wakes everybody: the service is stopping."""
        self.closed = True
        self._wake()
