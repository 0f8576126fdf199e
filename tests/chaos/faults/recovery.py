"""Measures what the service does after a fault, or meanwhile."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import httpx

from tests.chaos.checks import HEALTH, MOST_S, NOTICED, RECOVERED
from tests.chaos.load.calls import Calls
from tests.chaos.service import ChaosServer
from tests.chaos.times import Times
from tests.support.waiting import NotInTimeError, until

T = TypeVar("T")

SAMPLE_S = 0.1
"""The time between two measurements of a health check."""


class Recovery:
    """`broken` gets a sentence for each recovery that did not end in time."""

    def __init__(self, server: ChaosServer, calls: Calls, times: Times, broken: list[str]) -> None:
        self._server = server
        self._calls = calls
        self._times = times
        self._broken = broken

    async def health_measured(self, work: Callable[[], T]) -> T:
        """Runs `work` in a thread. Meanwhile measures the responses to `/health/live`, where there is one."""
        working = asyncio.create_task(asyncio.to_thread(work))
        while not working.done():
            began = time.monotonic()
            if await self._calls.once("GET", "/health/live") is not None:
                self._times.took(HEALTH, time.monotonic() - began)
            await asyncio.sleep(SAMPLE_S)
        return await working

    async def measure(self, pid: int) -> None:
        """Measures how long until the service notices the death, and until all lanes are open again."""
        service, began = self._server.process, time.monotonic()

        async def seen(whole: bool) -> bool:
            if self._server.process is not service or service.poll() is not None:
                return True
            if whole:
                return await self.lanes_are("idle", "busy")
            lanes = await self._lanes()
            return bool(lanes) and pid not in {shown for shown, _ in lanes}

        for what, whole in ((NOTICED, False), (RECOVERED, True)):
            try:
                await until(partial(seen, whole), within=MOST_S[what], what=what)
            except NotInTimeError as error:
                self._broken.append(str(error))
                return
            if self._server.process is service and service.poll() is None:
                self._times.took(what, time.monotonic() - began)

    async def lanes_are(self, *states: str) -> bool:
        """Returns True if the service reports every lane in one of these states."""
        lanes = await self._lanes()
        return bool(lanes) and all(state in states for _, state in lanes)

    async def _lanes(self) -> list[tuple[int | None, str]]:
        """Returns (pid, state) of each lane, or nothing if the service does not respond."""
        response = await self._calls.once("GET", "/stats")
        if response is None or response.status_code != httpx.codes.OK:
            return []
        return [(lane["pid"], lane["state"]) for lane in response.json()["lanes"]]
