"""Clients as they are: several at once, each with a handful of jobs, who try again when a connection breaks."""

import asyncio
import json
import time
from random import Random
from typing import Any

import httpx

from tests.chaos.facts import CANCEL
from tests.chaos.ledger import Ledger, Line
from tests.chaos.times import Times
from tests.chaos.work import FILES, draw, file_content
from tests.support.caller import Json

AGAIN_S = 0.05
"""How long a client whose call failed waits before the next."""

LARGE_BYTES = 200_000
"""Of results beyond it, most are deleted once they were found right, or a long run would fill the disk."""

TURNED_AWAY = {503, 409}
"""The service is stopping, or another request with the same key is still being answered."""


class Load:
    """A number of clients of a service whose address changes with each start."""

    def __init__(self, seed: int, clients: int, ledger: Ledger, times: Times) -> None:
        self._chance = [Random(f"{seed}.{number}") for number in range(clients)]  # noqa: S311  # not a secret
        self._ledger = ledger
        self._times = times
        self._http = httpx.AsyncClient(timeout=30, trust_env=False)
        self._url = ""
        self._open = asyncio.Event()
        self._over = False
        self._busy = 0
        self.submitting = 0
        """How many submissions are under way."""
        self._tasks: list[asyncio.Task[None]] = []
        self._ended: list[Line] = []

    def begin(self) -> None:
        """Sets the clients going."""
        self._tasks = [asyncio.create_task(self._client(number)) for number in range(len(self._chance))]
        self._open.set()

    def pause(self) -> None:
        """Lets the clients finish what they have submitted; they begin nothing new."""
        self._open.clear()

    def go_on(self) -> None:
        self._open.set()

    @property
    def quiet(self) -> bool:
        """True once no client is waiting for a job."""
        return self._busy == 0

    @property
    def failed(self) -> bool:
        """True where a client met what it can't go on from; `end` raises it."""
        return any(task.done() for task in self._tasks)

    def serve_at(self, url: str) -> None:
        """The service has been started, at this address."""
        self._url = url

    async def end(self) -> None:
        """Ends the clients, which must be quiet, and raises what one of them raised."""
        self._over = True
        self._open.set()
        await asyncio.gather(*self._tasks)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()

    async def _client(self, number: int) -> None:
        chance, submitted = self._chance[number], 0
        while True:
            await self._open.wait()
            if self._over:
                return
            self._busy += 1
            lines = []
            for _ in range(chance.choice([1, 5, 30])):
                submitted += 1
                line = await self._submit(chance, f"c{number}-{submitted}")
                lines += [line] if line is not None else []
            for line in sorted(
                lines, key=lambda line: not line.work.cancelled
            ):  # what never ends would hold up the rest
                await self._follow(chance, line)
            if self._ended:
                await self._look_again(chance.choice(self._ended[-500:]))
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
            answer = await self._post(line)
            self.submitting -= 1
            if answer is not None and answer.status_code == 202:
                self._accepted(line, answer)
                if not twice:
                    return line
                twice = False
            elif answer is None and line.key is None:
                line.answer_lost = True
                return None
            elif answer is not None and answer.status_code not in TURNED_AWAY:
                self._unexpected(answer)
                return None
            elif line.key is None:
                self._ledger.refused.add(label)
                del self._ledger.lines[label]
                return None
            else:
                await asyncio.sleep(AGAIN_S)

    def _accepted(self, line: Line, answer: httpx.Response) -> None:
        job: Json = answer.json()
        self._ledger.replayed += answer.headers.get("Idempotency-Replayed") == "true"
        if line.id not in {None, job["id"]}:
            self._ledger.broken.append(f"the key {line.key} stands for two jobs, {line.id} and {job['id']}")
        line.id = job["id"]
        self._ledger.saw(line, job)

    async def _follow(self, chance: Random, line: Line) -> None:
        """Until the job is terminal; cancels some, checks what came of it, deletes some."""
        if line.work.cancelled or chance.random() < 0.06:
            await asyncio.sleep(chance.choice([0, chance.uniform(0, 0.5)]))
            await self._cancel(line)
        if chance.random() < 0.1:
            await self._listen(line)
        while not self._ledger.saw(line, await self.job(line)):
            pass
        await self.check_result(line)
        if line.end is not None and (line.end["result_bytes"] or 0) > LARGE_BYTES and chance.random() < 0.8:
            await self._insist("DELETE", line, 204, 404)  # 404 where the first one's answer was lost
            line.forgotten = True
        else:
            self._ended.append(line)

    async def _cancel(self, line: Line) -> None:
        line.cancel_sent = True
        asked = time.monotonic()
        answer = await self._call("POST", f"/jobs/{line.id}/cancel")
        if answer is None:
            await self._insist("POST", line, 200, 409, path="/cancel")
        elif answer.status_code in {200, 409}:
            self._times.took(CANCEL, time.monotonic() - asked)
        else:
            await self._insist("POST", line, 200, 409, path="/cancel")

    async def _look_again(self, line: Line) -> None:
        """A terminal state never changes."""
        self._ledger.saw(line, await self.job(line))

    async def job(self, line: Line) -> Json:
        """The job, as soon as it is terminal or a second later."""
        job: Json = (await self._insist("GET", line, 200, path="?wait=1")).json()
        return job

    async def check_result(self, line: Line) -> None:
        """Whether the whole result of a job that has succeeded is right."""
        if line.end is None or line.end["state"] != "succeeded":
            return
        answer = await self._insist("GET", line, 200, path="/result")
        await asyncio.to_thread(self._ledger.check_result, line, answer.content)
        if line.end["result"] is not None and json.loads(answer.content) != line.end["result"]:
            self._ledger.broken.append(f"the result in the job is another than the job's result: {line.end}")

    async def every_job(self) -> list[Json]:
        """All jobs that the service has, page by page."""
        jobs: list[Json] = []
        cursor: str | None = ""
        while cursor is not None:
            answer = await self._http.get(
                f"{self._url}/jobs", params={"limit": 1000, "cursor": cursor} if cursor else {}
            )
            page = answer.raise_for_status().json()
            jobs += page["jobs"]
            cursor = page["next"]
        return jobs

    async def _insist(self, method: str, line: Line, *good: int, path: str = "") -> httpx.Response:
        """Calls until it is answered as it must be. What is neither that nor a refusal for now is a broken fact."""
        while True:
            answer = await self._call(method, f"/jobs/{line.id}{path}")
            if answer is not None and answer.status_code in good:
                return answer
            if answer is not None and answer.status_code not in TURNED_AWAY:
                self._unexpected(answer)
                raise AssertionError(self._ledger.broken[-1])
            await asyncio.sleep(AGAIN_S)

    async def _post(self, line: Line) -> httpx.Response | None:
        """Submits, once."""
        work = line.work
        query = {**work.options, "label": line.label}
        headers = {"Idempotency-Key": line.key} if line.key else {}
        if not work.upload:
            return await self._call("POST", f"/jobs/{work.task}", params=query, headers=headers, json=work.params)
        name = str(work.params["path"])
        file = {"file": (name, file_content(FILES[name]))}
        form = {"algorithms": work.params["algorithms"]}
        return await self._call(
            "POST", f"/jobs/{work.task}/upload", params=query, headers=headers, data=form, files=file
        )

    async def _call(self, method: str, path: str, **content: Any) -> httpx.Response | None:  # as httpx takes it
        """The answer; None where the connection broke before it was whole, or there was none."""
        try:
            return await self._http.request(method, self._url + path, **content)
        except httpx.TransportError:
            return None

    async def _listen(self, line: Line) -> None:
        """Follows the job's events as long as they come."""
        try:
            async with self._http.stream("GET", f"{self._url}/jobs/{line.id}/events") as answer:
                async for text in answer.aiter_lines():
                    if text.startswith("data:"):
                        self._ledger.saw(line, json.loads(text.removeprefix("data:")))
        except httpx.TransportError:
            return

    def _unexpected(self, answer: httpx.Response) -> None:
        asked = f"{answer.request.method} {answer.request.url.path}"
        self._ledger.broken.append(f"{asked} was answered {answer.status_code}: {answer.text[:500]}")
