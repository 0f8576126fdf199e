"""The calls that clients make of a service which goes away and comes back, each time at another address."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from tests.chaos.ledger import Line
from tests.chaos.work import FILES, file_content
from tests.support.caller import Json

AGAIN_S = 0.05
"""How long a client whose call failed waits before the next."""


class UnexpectedAnswerError(AssertionError):
    """An answer that the contract has no place for."""

    def __init__(self, answer: httpx.Response) -> None:
        asked = f"{answer.request.method} {answer.request.url.path}"
        super().__init__(f"{asked} was answered {answer.status_code}: {answer.text[:500]}")


class Calls:
    """Where the service is now, and how to speak to it."""

    def __init__(self) -> None:
        self.url = ""
        self._http = httpx.AsyncClient(timeout=30, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def once(self, method: str, path: str, **content: Any) -> httpx.Response | None:  # as httpx takes it
        """The answer; None where the connection broke before it was whole, or there was none."""
        try:
            return await self._http.request(method, self.url + path, **content)
        except httpx.TransportError:
            return None

    async def insist(self, method: str, path: str, *good: int) -> httpx.Response:
        """Calls until it is answered as it must be. Raises `UnexpectedAnswerError` where it is not, and the service
        does not stop either.
        """
        while True:
            answer = await self.once(method, path)
            if answer is not None and answer.status_code in good:
                return answer
            if answer is not None and answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                raise UnexpectedAnswerError(answer)
            await asyncio.sleep(AGAIN_S)

    async def submit(self, line: Line) -> httpx.Response | None:
        """Submits, once."""
        work = line.work
        query = {**work.options, "label": line.label}
        headers = {"Idempotency-Key": line.key} if line.key else {}
        path = f"/jobs/{work.task}"
        if not work.upload:
            return await self.once("POST", path, params=query, headers=headers, json=work.params)
        name = str(work.params["path"])
        file = {"file": (name, file_content(FILES[name]))}
        form = {"algorithms": work.params["algorithms"]}
        return await self.once("POST", f"{path}/upload", params=query, headers=headers, data=form, files=file)

    async def job(self, line: Line) -> Json:
        """The job, as soon as it is terminal or a second later."""
        job: Json = (await self.insist("GET", f"/jobs/{line.id}?wait=1", 200)).json()
        return job

    async def events(self, line: Line) -> AsyncIterator[Json]:
        """The job at each of its changes, for as long as the service tells them."""
        try:
            async with self._http.stream("GET", f"{self.url}/jobs/{line.id}/events") as answer:
                async for text in answer.aiter_lines():
                    if text.startswith("data:"):
                        yield json.loads(text.removeprefix("data:"))
        except httpx.TransportError:
            return

    async def every_job(self) -> list[Json]:
        """All jobs that the service has, page by page."""
        jobs: list[Json] = []
        query: dict[str, str | int] | None = {"limit": 1000}
        while query is not None:
            answer = await self._http.get(f"{self.url}/jobs", params=query)
            page = answer.raise_for_status().json()
            jobs += page["jobs"]
            query = {**query, "cursor": page["next"]} if page["next"] is not None else None
        return jobs
