"""A stream of server-sent events as an answer: FastAPI's frames and response, without the queues between them.

FastAPI's own way, a generator of events, hands each event through two queues and three tasks to a write of its own
(0031). What there is to tell at one moment is one piece here, and goes out by one write.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

PING = KEEPALIVE_COMMENT


class EventStream(EventSourceResponse):
    """Pieces of a stream as they come, each of any number of events. The generator is closed with the connection."""

    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        self._pieces = pieces
        # As FastAPI has it. The second is for proxies of nginx's kind, which hold back what they pass on.
        super().__init__(pieces, headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._pieces):
            await super().__call__(scope, receive, send)


def reference(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model that other answers have, too."""
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def described(description: str, **data: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """What an endpoint that answers with a stream says in the document, with the schema of each event's data."""
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
