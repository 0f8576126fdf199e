"""Concurrent clients. Each has some jobs at a time, and retries when a connection breaks."""

import asyncio
import json
import time
from collections.abc import Awaitable
from random import Random

import httpx

from tests.chaos.checks import CANCEL
from tests.chaos.ledger import Ledger, Line
from tests.chaos.load.arriving import cancel_members
from tests.chaos.load.calls import RETRY_S, Calls, UnexpectedResponseError
from tests.chaos.load.work import Work, random_work
from tests.chaos.times import Times
from tests.support.caller import Json

LARGE_BYTES = 200_000
"""Most jobs with a larger result are deleted after the check, or a long run would fill the disk."""

REFUSALS = {409, 503}
"""Another request with the same key is in progress, or the service is stopping."""

MOST_BROKEN = 200
"""A run with more failed checks ends."""


class Load:
    """A number of clients."""

    def __init__(self, seed: int, clients: int, ledger: Ledger, times: Times) -> None:
        self._chance = [Random(f"{seed}.{number}") for number in range(clients)]  # noqa: S311  # not a secret
        self._ledger = ledger
        self._times = times
        self._open = asyncio.Event()
        self._stopping = False
        self._busy = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._added: set[asyncio.Task[None]] = set()
        self._number = 0
        self._ended: list[Line] = []
        self.calls = Calls()
        self.journal_locked = False
        """While it is True, no durations are measured."""
        self.submitting = 0
        """The number of submissions in progress."""

    def start(self) -> None:
        """Starts the clients."""
        self._tasks = [asyncio.create_task(self._client(number)) for number in range(len(self._chance))]
        self._open.set()

    def add(self, work: Work) -> Line:
        """Submits this work besides the clients' own, and follows it like theirs."""
        label = self._label("x")
        line = self._ledger.lines[label] = Line(label, work, key=label)

        async def followed() -> None:
            await self._submit(line, twice=False)
            await self._follow(self._chance[0], line)

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
            if await self._submit(line, twice=line.key is not None and chance.random() < 0.1):
                lines.append(line)
        lines.sort(key=lambda line: not line.work.cancelled)  # one that never ends would delay the rest
        for line in lines:
            await self._follow(chance, line)
        if self._ended:
            seen_before = chance.choice(self._ended[-500:])
            self._ledger.note(seen_before, await self.calls.job(seen_before))

    async def _submit(self, line: Line, *, twice: bool) -> bool:
        """Returns True if the job was accepted, and False if it was refused or the response was lost."""
        while True:
            self.submitting += 1
            response = await self.calls.submit(line)
            self.submitting -= 1
            if response is not None and response.status_code == 202:
                self._accepted(line, response)
                if not twice:
                    return True
                twice = False
                continue
            refused = response is not None and response.status_code in REFUSALS
            if response is not None and not refused:
                self._ledger.broken.append(str(UnexpectedResponseError(response)))
            if line.key is not None:
                await asyncio.sleep(RETRY_S)
            elif refused:
                self._ledger.refused.add(line.label)
                del self._ledger.lines[line.label]
                return False
            else:
                line.response_lost = True
                return False

    def _accepted(self, line: Line, response: httpx.Response) -> None:
        job: Json = response.json()
        self._ledger.replayed += response.headers.get("Idempotency-Replayed") == "true"
        if line.id not in {None, job["id"]}:
            self._ledger.broken.append(f"doubled: the key {line.key} stands for two jobs, {line.id} and {job['id']}")
        line.id = job["id"]
        self._ledger.note(line, job)

    async def _follow(self, chance: Random, line: Line) -> None:
        """Follows the job until it is terminal. Cancels some jobs, checks each result, deletes some jobs."""
        if line.work.cancelled or chance.random() < 0.06:
            await asyncio.sleep(chance.choice([0, chance.uniform(0, 0.5)]))
            await self._cancel(line)
        if chance.random() < 0.1:
            async for job in self.calls.events(line):
                self._ledger.note(line, job)
        while not self._ledger.note(line, await self.calls.job(line)):
            pass
        await self.check_result(line)
        if line.end is not None and (line.end["result_bytes"] or 0) > LARGE_BYTES and chance.random() < 0.8:
            # 404 if the response to the first DELETE was lost.
            await self.calls.until_status("DELETE", f"/jobs/{line.id}", 204, 404)
            line.deleted = True
        else:
            self._ended.append(line)

    async def _cancel(self, line: Line) -> None:
        line.cancel_sent = True
        path, started, locked = f"/jobs/{line.id}/cancel", time.monotonic(), self.journal_locked
        response = await self.calls.once("POST", path)
        if response is not None and response.status_code in {200, 409}:
            if locked or self.journal_locked:
                return
            self._times.took(CANCEL, time.monotonic() - started)
        else:
            await self.calls.until_status("POST", path, 200, 409)

    async def check_result(self, line: Line) -> None:
        """Checks the complete result of a succeeded job."""
        if line.end is None or line.end["state"] != "succeeded":
            return
        response = await self.calls.until_status("GET", f"/jobs/{line.id}/result", 200)
        await asyncio.to_thread(self._ledger.check_result, line, response.content)
        if line.end["result"] is not None and json.loads(response.content) != line.end["result"]:
            self._ledger.broken.append(f"the inline result differs from the result: {line.end}")
