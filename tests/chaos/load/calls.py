"""The HTTP calls of the clients. The service stops and starts again, each time at another address."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.chaos.ledger import Line
from tests.chaos.load.work import FILES, file_content
from tests.support.caller import Json

RETRY_S = 0.05
"""How long a client whose call failed waits before the next."""


class UnexpectedResponseError(AssertionError):
    """A response that the contract does not allow."""

    def __init__(self, response: httpx.Response) -> None:
        request = f"{response.request.method} {response.request.url.path}"
        super().__init__(f"{request} returned {response.status_code}: {response.text[:500]}")


class Calls:
    """A client of the service at its present address."""

    def __init__(self) -> None:
        self.url = ""
        self._http = httpx.AsyncClient(timeout=30, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def once(self, method: str, path: str, **content: Any) -> httpx.Response | None:  # as httpx takes it
        """Returns the response, or None if the connection broke before the response was complete."""
        try:
            return await self._http.request(method, self.url + path, **content)
        except httpx.TransportError:
            return None

    async def until_status(self, method: str, path: str, *good: int) -> httpx.Response:
        """Repeats the call until the response has one of these status codes.

        Raises `UnexpectedResponseError` for any other status code but 503, which a service that stops returns.
        """
        while True:
            response = await self.once(method, path)
            if response is not None and response.status_code in good:
                return response
            if response is not None and response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                raise UnexpectedResponseError(response)
            await asyncio.sleep(RETRY_S)

    async def submit(self, line: Line) -> httpx.Response | None:
        """Submits once."""
        work = line.work
        query = {**work.options, "label": line.label}
        headers = {"Idempotency-Key": line.key} if line.key else {}
        path = f"/jobs/{work.task}"
        if not work.upload:
            return await self.once("POST", path, params=query, headers=headers, json=work.params_for(line.label))
        name = str(work.params["path"])
        file = {"file": (name, file_content(FILES[name]))}
        form = {"algorithms": work.params["algorithms"]}
        return await self.once("POST", f"{path}/upload", params=query, headers=headers, data=form, files=file)

    async def job(self, line: Line) -> Json:
        """Returns the job when it is terminal, or after a second."""
        job: Json = (await self.until_status("GET", f"/jobs/{line.id}?wait=1", 200)).json()
        return job

    async def events(self, line: Line) -> AsyncIterator[Json]:
        """Yields the job at each change until the stream ends."""
        try:
            async with self._http.stream("GET", f"{self.url}/jobs/{line.id}/events") as response:
                async for text in response.aiter_lines():
                    if text.startswith("data:"):
                        yield json.loads(text.removeprefix("data:"))
        except httpx.TransportError:
            return

    async def every_job(self, **where: str) -> list[Json]:
        """Returns all jobs of the service, or those of a filter, read page by page."""
        jobs: list[Json] = []
        query: dict[str, str | int] | None = {"limit": 1000, **where}
        while query is not None:
            page = (await self.until_status("GET", f"/jobs?{urlencode(query)}", 200)).json()
            jobs += page["jobs"]
            query = {**query, "cursor": page["next"]} if page["next"] is not None else None
        return jobs
