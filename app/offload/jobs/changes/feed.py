"""Wakes the readers that follow all jobs: all of them together, and not once for each change."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from offload.jobs.changes.log import ChangeLog

TICK_S = 0.05
"""The pause between two wake-ups. A job that changes several times within it is reported once."""

SOON_S = 0.005
"""The delay of a first change, so that changes that follow immediately are reported with it."""

KEPT_S = 300.0
"""How long changes are noted after the last reader has left, so that it can come back and resume."""


class ChangeFeed:
    """The log of changes, and the readers that wait for them. Without readers for `KEPT_S`, nothing is noted."""

    def __init__(self) -> None:
        self.log = ChangeLog()
        self.epoch = secrets.token_hex(4)
        """Distinguishes this log's numbers from those of an earlier service."""
        self.upto = 0
        """The newest change that readers may read now. The next wake-up releases later ones."""
        self.noting = False
        self.closed = False
        self._readers = 0
        self._woken = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._forgetting: asyncio.TimerHandle | None = None
        self._woken_at = 0.0

    def note(self, job_id: str, owner: str | None, *, gone: bool = False) -> None:
        """Note that a job has changed or is `gone`. Call this only while `noting`."""
        self.log.note(job_id, owner, gone=gone)
        if self._timer is None and self._readers:
            loop = asyncio.get_running_loop()
            at = max(loop.time() + SOON_S, self._woken_at + TICK_S)
            self._timer = loop.call_at(at, self._release)

    def _release(self) -> None:
        self._timer = None
        self._woken_at = asyncio.get_running_loop().time()
        self.upto = self.log.last
        self._wake()

    def _wake(self) -> None:
        woken, self._woken = self._woken, asyncio.Event()
        woken.set()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Note changes and wake readers as long as this context lasts."""
        self._readers += 1
        self.noting = True
        self.upto = self.log.last  # what was noted without readers
        if self._forgetting is not None:
            self._forgetting.cancel()
            self._forgetting = None
        try:
            yield
        finally:
            self._readers -= 1
            if not self._readers:
                self._forgetting = asyncio.get_running_loop().call_later(KEPT_S, self._forget)

    def _forget(self) -> None:
        self._forgetting = None
        self.noting = False
        self.log.forget()

    async def wait(self, position: int, within_s: float) -> bool:
        """Wait until there are changes after a position, or until the service stops. Return False after `within_s`."""
        try:
            async with asyncio.timeout(within_s):
                while self.upto <= position and not self.closed:
                    await self._woken.wait()
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """Wake all readers permanently: the service is stopping."""
        self.closed = True
        self._wake()
