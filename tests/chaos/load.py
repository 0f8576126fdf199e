"""Clients as they are: several at once, each with a handful of jobs, who try again when a connection breaks."""

import asyncio
import json
import time
from random import Random

import httpx

from tests.chaos.calls import AGAIN_S, Calls, UnexpectedAnswerError
from tests.chaos.facts import CANCEL
from tests.chaos.ledger import Ledger, Line
from tests.chaos.times import Times
from tests.chaos.work import draw
from tests.support.caller import Json

LARGE_BYTES = 200_000
"""Of results beyond it, most are deleted once they were found right, or a long run would fill the disk."""

REFUSALS = {409, 503}
"""Another request with the same key is still being answered, or the service is stopping."""


class Load:
    """A number of clients."""

    def __init__(self, seed: int, clients: int, ledger: Ledger, times: Times) -> None:
        self._chance = [Random(f"{seed}.{number}") for number in range(clients)]  # noqa: S311  # not a secret
        self._ledger = ledger
        self._times = times
        self._open = asyncio.Event()
        self._over = False
        self._busy = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._ended: list[Line] = []
        self.calls = Calls()
        self.submitting = 0
        """How many submissions are under way."""

    def begin(self) -> None:
        """Sets the clients going."""
        self._tasks = [asyncio.create_task(self._client(number)) for number in range(len(self._chance))]
        self._open.set()

    def pause(self) -> None:
        """Lets the clients finish what they have submitted; they begin nothing new."""
        self._open.clear()

    def go_on(self) -> None:
        self._open.set()

    def quiet(self) -> bool:
        """True once no client is waiting for a job."""
        self.check()
        return self._busy == 0

    def check(self) -> None:
        """Raises what a client has met that it can't go on from."""
        for task in self._tasks:
            if task.done():
                task.result()

    async def end(self) -> None:
        """Ends the clients, which must be quiet."""
        self._over = True
        self._open.set()
        await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.calls.close()

    async def _client(self, number: int) -> None:
        chance, submitted = self._chance[number], 0
        while True:
            await self._open.wait()
            if self._over:
                return
            self._busy += 1
            lines: list[Line] = []
            for _ in range(chance.choice([1, 5, 30])):
                submitted += 1
                line = await self._submit(chance, f"c{number}-{submitted}")
                lines += [line] if line is not None else []
            lines.sort(key=lambda line: not line.work.cancelled)  # what never ends would hold up the rest
            for line in lines:
                await self._follow(chance, line)
            if self._ended:
                seen_before = chance.choice(self._ended[-500:])
                self._ledger.saw(seen_before, await self.calls.job(seen_before))
            self._busy -= 1

    async def _submit(self, chance: Random, label: str) -> Line | None:
        """The line of a job that was accepted; None where it was refused, or nobody can tell."""
        work = draw(chance)
        # What never ends has a key: were its answer lost, nobody would cancel it.
        line = Line(label, work, key=label if work.cancelled or chance.random() < 0.6 else None)
        self._ledger.lines[label] = line
        twice = line.key is not None and chance.random() < 0.1
        while True:
            self.submitting += 1
            answer = await self.calls.submit(line)
            self.submitting -= 1
            if answer is not None and answer.status_code == 202:
                self._accepted(line, answer)
                if not twice:
                    return line
                twice = False
            elif answer is not None and answer.status_code not in REFUSALS:
                raise UnexpectedAnswerError(answer)
            elif line.key is not None:
                await asyncio.sleep(AGAIN_S)
            elif answer is not None:
                self._ledger.refused.add(label)
                del self._ledger.lines[label]
                return None
            else:
                line.answer_lost = True
                return None

    def _accepted(self, line: Line, answer: httpx.Response) -> None:
        job: Json = answer.json()
        self._ledger.replayed += answer.headers.get("Idempotency-Replayed") == "true"
        if line.id not in {None, job["id"]}:
            self._ledger.broken.append(f"doubled: the key {line.key} stands for two jobs, {line.id} and {job['id']}")
        line.id = job["id"]
        self._ledger.saw(line, job)

    async def _follow(self, chance: Random, line: Line) -> None:
        """Until the job is terminal; cancels some, checks what came of it, deletes some."""
        if line.work.cancelled or chance.random() < 0.06:
            await asyncio.sleep(chance.choice([0, chance.uniform(0, 0.5)]))
            await self._cancel(line)
        if chance.random() < 0.1:
            async for job in self.calls.events(line):
                self._ledger.saw(line, job)
        while not self._ledger.saw(line, await self.calls.job(line)):
            pass
        await self.check_result(line)
        if line.end is not None and (line.end["result_bytes"] or 0) > LARGE_BYTES and chance.random() < 0.8:
            # 404 where the first one's answer was lost.
            await self.calls.insist("DELETE", f"/jobs/{line.id}", 204, 404)
            line.forgotten = True
        else:
            self._ended.append(line)

    async def _cancel(self, line: Line) -> None:
        line.cancel_sent = True
        path, asked = f"/jobs/{line.id}/cancel", time.monotonic()
        answer = await self.calls.once("POST", path)
        if answer is not None and answer.status_code in {200, 409}:
            self._times.took(CANCEL, time.monotonic() - asked)
        else:
            await self.calls.insist("POST", path, 200, 409)

    async def check_result(self, line: Line) -> None:
        """Whether the whole result of a job that has succeeded is right."""
        if line.end is None or line.end["state"] != "succeeded":
            return
        answer = await self.calls.insist("GET", f"/jobs/{line.id}/result", 200)
        await asyncio.to_thread(self._ledger.check_result, line, answer.content)
        if line.end["result"] is not None and json.loads(answer.content) != line.end["result"]:
            self._ledger.broken.append(f"the result in the job is another than the job's result: {line.end}")
