"""Streams of server-sent events, read as a browser reads them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx


class Stream:
    """The events of a response, in order of arrival."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.aiter_lines()
        self.last_id: str | None = None
        """The value that a browser would send as `Last-Event-ID`. A block without data may set it, too."""

    async def next(self) -> dict[str, str] | None:
        """Returns the fields of the next event, or None at the end of the stream."""
        event: dict[str, str] = {}
        async with asyncio.timeout(10):
            async for line in self._lines:
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    event[name] = value
                elif event and not line:
                    self.last_id = event.get("id", self.last_id)
                    if "data" in event:
                        return event
                    event = {}
        return None

    async def told(self, name: str = "job") -> dict[str, Any]:
        """Returns the data of the next event, which must have this name."""
        event = await self.next()
        assert event is not None, "the stream has ended"
        assert event["event"] == name, event
        data: dict[str, Any] = json.loads(event["data"])
        return data

    async def job(self) -> dict[str, Any]:
        """Returns the job of the next event."""
        return await self.told("job")


@asynccontextmanager
async def following(url: str, path: str, **headers: str) -> AsyncIterator[Stream]:
    """A stream, on a connection of its own."""
    async with (
        httpx.AsyncClient(base_url=url, trust_env=False) as client,
        client.stream("GET", path, headers=headers) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)
