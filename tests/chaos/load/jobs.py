"""What a client does with one job: submits it, follows it to its end, and checks the result."""

import asyncio
import json
import time
from random import Random

import httpx

from tests.chaos.checks import CANCEL
from tests.chaos.ledger import Ledger, Line
from tests.chaos.load.calls import RETRY_S, Calls, UnexpectedResponseError
from tests.chaos.times import Times
from tests.support.caller import Json

LARGE_BYTES = 200_000
"""Most jobs with a larger result are deleted after the check, or a long run would fill the disk."""

REFUSALS = {409, 503}
"""Another request with the same key is in progress, or the service is stopping."""


class Jobs:
    """The jobs of all clients."""

    def __init__(self, calls: Calls, ledger: Ledger, times: Times) -> None:
        self._calls = calls
        self._ledger = ledger
        self._times = times
        self.ended: list[Line] = []
        """Jobs that have ended and have not been deleted."""
        self.journal_locked = False
        """While it is True, no durations are measured."""
        self.submitting = 0
        """The number of submissions in progress."""

    async def submit(self, line: Line, *, twice: bool) -> bool:
        """Returns True if the job was accepted, and False if it was refused or the response was lost."""
        while True:
            self.submitting += 1
            response = await self._calls.submit(line)
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

    async def follow(self, chance: Random, line: Line) -> None:
        """Follows the job until it is terminal. Cancels some jobs, checks each result, deletes some jobs."""
        if line.work.cancelled or chance.random() < 0.06:
            await asyncio.sleep(chance.choice([0, chance.uniform(0, 0.5)]))
            await self._cancel(line)
        if chance.random() < 0.1:
            async for job in self._calls.events(line):
                self._ledger.note(line, job)
        while not self._ledger.note(line, await self._calls.job(line)):
            pass
        await self.check_result(line)
        if line.end is not None and (line.end["result_bytes"] or 0) > LARGE_BYTES and chance.random() < 0.8:
            # 404 if the response to the first DELETE was lost.
            await self._calls.until_status("DELETE", f"/jobs/{line.id}", 204, 404)
            line.deleted = True
        else:
            self.ended.append(line)

    async def _cancel(self, line: Line) -> None:
        line.cancel_sent = True
        path, started, locked = f"/jobs/{line.id}/cancel", time.monotonic(), self.journal_locked
        response = await self._calls.once("POST", path)
        if response is not None and response.status_code in {200, 409}:
            if locked or self.journal_locked:
                return
            self._times.took(CANCEL, time.monotonic() - started)
        else:
            await self._calls.until_status("POST", path, 200, 409)

    async def check_result(self, line: Line) -> None:
        """Checks the complete result of a succeeded job."""
        if line.end is None or line.end["state"] != "succeeded":
            return
        response = await self._calls.until_status("GET", f"/jobs/{line.id}/result", 200)
        await asyncio.to_thread(self._ledger.check_result, line, response.content)
        if line.end["result"] is not None and json.loads(response.content) != line.end["result"]:
            self._ledger.broken.append(f"the inline result differs from the result: {line.end}")
