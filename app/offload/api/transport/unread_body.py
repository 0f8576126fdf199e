"""What of a request's body nobody has read when its answer is ready: 401, 404, 413 and 408 come before its end.

A server that closes a connection on which bytes still come takes the answer with it: the client sees a broken pipe in
place of a 413. One that reads on as long as they come is kept busy for nothing. So the rest is dropped, within bounds.
"""

import asyncio
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALL_BYTES = 64 * 1024
"""A rest of so many bytes, which mostly have come already, is dropped before the answer: the connection stays."""

SOON_S = 0.2
"""How long the answer waits for that."""

MOST_BYTES = 4 << 20
MOST_S = 2.0
"""More than a small rest is dropped after the answer, up to these; then the connection is closed."""

CLOSE = (b"connection", b"close")


class UnreadBody:
    """Middleware: drops what is left of a body, and closes the connection where that is a lot."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (size := _announced(scope["headers"])):
            body = _Body(size, receive, send)
            receive, send = body.receive, body.send
        await self._app(scope, receive, send)


def _announced(headers: Iterable[tuple[bytes, bytes]]) -> float:
    """Bytes of the body: 0 without one, infinite where that is not told, or where the client asks before it sends."""
    size = 0.0
    for name, value in headers:
        if name == b"content-length":
            size = max(size, int(value)) if value.isdigit() else size
        elif name in {b"transfer-encoding", b"expect"}:
            return float("inf")
    return size


class _Body:
    """One request's body on its way in, and the answer on its way out."""

    def __init__(self, size: float, receive: Receive, send: Send) -> None:
        self._small = size <= SMALL_BYTES
        self._receive = receive
        self._send = send
        self._ended = False
        self._closes = False

    async def receive(self) -> Message:
        message = await self._receive()
        if not message.get("more_body", False):  # its end, or the client's
            self._ended = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._ended:
            if self._small:
                await self._drop(SOON_S)
            if not self._ended:
                self._closes = True
                message = {**message, "headers": [*message["headers"], CLOSE]}
        elif self._closes and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._drop(MOST_S)
            message = {"type": "http.response.body"}
        await self._send(message)

    async def _drop(self, within_s: float) -> None:
        """Reads on until the end of the body, or a bound."""
        dropped = 0
        try:
            async with asyncio.timeout(within_s):
                while not self._ended and dropped < MOST_BYTES:
                    dropped += len((await self.receive()).get("body", b""))
        except TimeoutError:
            pass
