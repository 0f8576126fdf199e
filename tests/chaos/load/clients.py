"""Concurrent clients. Each has some jobs at a time, and retries when a connection breaks."""

import asyncio
from collections.abc import Awaitable
from random import Random

from tests.chaos.ledger import Ledger, Line
from tests.chaos.load.arriving import cancel_members
from tests.chaos.load.calls import Calls, UnexpectedResponseError
from tests.chaos.load.jobs import Jobs
from tests.chaos.load.work import Work, random_work
from tests.chaos.times import Times

MOST_BROKEN = 200
"""A run with more failed checks ends."""


class Load:
    """A number of clients."""

    def __init__(self, seed: int, clients: int, ledger: Ledger, times: Times) -> None:
        self._chance = [Random(f"{seed}.{number}") for number in range(clients)]  # noqa: S311  # not a secret
        self._ledger = ledger
        self._open = asyncio.Event()
        self._stopping = False
        self._busy = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._added: set[asyncio.Task[None]] = set()
        self._number = 0
        self.calls = Calls()
        self.jobs = Jobs(self.calls, ledger, times)

    def start(self) -> None:
        """Starts the clients."""
        self._tasks = [asyncio.create_task(self._client(number)) for number in range(len(self._chance))]
        self._open.set()

    def add(self, work: Work) -> Line:
        """Submits this work besides the clients' own, and follows it like theirs."""
        label = self._label("x")
        line = self._ledger.lines[label] = Line(label, work, key=label)

        async def followed() -> None:
            await self.jobs.submit(line, twice=False)
            await self.jobs.follow(Random(label), line)  # noqa: S311  # not a secret

        self._start(followed())
        return line

    def add_batch(self) -> None:
        """Submits a batch, and cancels some of its members while it arrives."""
        self._start(cancel_members(self.calls, self._ledger, self._label("b")))

    def pause(self) -> None:
        """The clients finish their jobs and submit no new ones."""
        self._open.clear()

    def resume(self) -> None:
        self._open.set()

    def quiet(self) -> bool:
        """Returns True if no client waits for a job."""
        self.check()
        return self._busy == 0

    def check(self) -> None:
        """Raises the exception of a client that has failed."""
        for task in (*self._tasks, *self._added):
            if task.done():
                task.result()
        if len(self._ledger.broken) > MOST_BROKEN:
            raise AssertionError("too many failed checks to go on")

    async def end(self) -> None:
        """Ends the clients. None may be waiting for a job."""
        self._stopping = True
        self._open.set()
        await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        tasks = [*self._tasks, *self._added]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.calls.close()

    def _label(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self._number}"

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.create_task(self._counted(work))
        self._added.add(task)

    async def _counted(self, work: Awaitable[None]) -> None:
        """Counts as busy meanwhile. An unexpected response is one failed check, and the run goes on."""
        self._busy += 1
        try:
            await work
        except UnexpectedResponseError as error:
            self._ledger.broken.append(str(error))
        finally:
            self._busy -= 1

    async def _client(self, number: int) -> None:
        chance, round_ = self._chance[number], 0
        while True:
            await self._open.wait()
            if self._stopping:
                return
            round_ += 1
            await self._counted(self._round(chance, f"c{number}-{round_}"))

    async def _round(self, chance: Random, label: str) -> None:
        lines: list[Line] = []
        for number in range(chance.choice([1, 5, 30])):
            work = random_work(chance)
            own = f"{label}-{number}"
            # A job that never ends has a key. Otherwise no client would cancel it if its response was lost.
            line = Line(own, work, key=own if work.cancelled or chance.random() < 0.6 else None)
            self._ledger.lines[own] = line
            if await self.jobs.submit(line, twice=line.key is not None and chance.random() < 0.1):
                lines.append(line)
        lines.sort(key=lambda line: not line.work.cancelled)  # one that never ends would delay the rest
        for line in lines:
            await self.jobs.follow(chance, line)
        if self.jobs.ended:
            seen_before = chance.choice(self.jobs.ended[-500:])
            self._ledger.note(seen_before, await self.calls.job(seen_before))
