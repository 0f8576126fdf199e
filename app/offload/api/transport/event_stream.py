"""Server-sent events: FastAPI's format and response class, without its queues.

In FastAPI, each event of a generator passes two queues and three tasks and gets a write of its own
(docs/decisions/0031). Here, all events of one moment are one chunk, sent by one write.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

PING = KEEPALIVE_COMMENT


class EventStream(EventSourceResponse):
    """Sends chunks of any number of events each. The generator is closed together with the connection."""

    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        self._pieces = pieces
        # The same as FastAPI's. X-Accel-Buffering turns off buffering in nginx and compatible proxies.
        super().__init__(pieces, headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._pieces):
            await super().__call__(scope, receive, send)


def reference(model: type[BaseModel]) -> dict[str, Any]:
    """Returns a reference to the schema of a model that other responses document."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def described(description: str, **data: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """Returns the OpenAPI description of a stream, with the schema of each event's data."""
    events = [
        {
            "properties": {
                "event": {"const": name},
                "id": {"type": "string"},
                "data": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": schema,
                },
            },
            "required": ["event", "data", "id"],
        }
        for name, schema in data.items()
    ]
    item: dict[str, Any] = {"type": "object", **(events[0] if len(events) == 1 else {"oneOf": events})}
    return {200: {"description": description, "content": {EventStream.media_type: {"itemSchema": item}}}}
