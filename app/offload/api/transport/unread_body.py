"""Discards the unread rest of a request's body: 401, 404, 408 and 413 are sent before the body has been read.

If a server closes a connection while the client still sends, the client gets a broken pipe instead of the response. If
it reads without a limit, the client keeps it busy. So the rest is read and discarded, up to a limit.
"""

import asyncio
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SMALL_BYTES = 64 * 1024
"""Bodies up to this size have mostly arrived already. They are discarded first; the connection is kept."""

SOON_S = 0.2
"""How long the response waits for that."""

MOST_BYTES = 4 << 20
MOST_S = 2.0
"""Limits for discarding larger bodies after the response; then the connection is closed."""

CLOSE = (b"connection", b"close")


class UnreadBody:
    """Middleware: discards the rest of a body, and closes the connection after a large one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (size := _body_size(scope["headers"])):
            body = _Body(size, receive, send)
            receive, send = body.receive, body.send
        await self._app(scope, receive, send)


def _body_size(headers: Iterable[tuple[bytes, bytes]]) -> float:
    """Returns the body's size: 0 without a body, infinite where it is unknown or the client waits for 100 Continue."""
    size = 0.0
    for name, value in headers:
        if name == b"content-length":
            size = max(size, int(value)) if value.isdigit() else size
        elif name in {b"transfer-encoding", b"expect"}:
            return float("inf")
    return size


class _Body:
    """Wraps `receive` and `send` of one request."""

    def __init__(self, size: float, receive: Receive, send: Send) -> None:
        self._small = size <= SMALL_BYTES
        self._receive = receive
        self._send = send
        self._ended = False
        self._closes = False

    async def receive(self) -> Message:
        message = await self._receive()
        if not message.get("more_body", False):  # the end of the body, or a disconnect
            self._ended = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._ended:
            if self._small:
                await self._discard(SOON_S)
            if not self._ended:
                self._closes = True
                message = {**message, "headers": [*message["headers"], CLOSE]}
        elif self._closes and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._discard(MOST_S)
            message = {"type": "http.response.body"}
        await self._send(message)

    async def _discard(self, within_s: float) -> None:
        """Reads until the end of the body or a limit."""
        discarded = 0
        try:
            async with asyncio.timeout(within_s):
                while not self._ended and discarded < MOST_BYTES:
                    discarded += len((await self.receive()).get("body", b""))
        except TimeoutError:
            pass
