"""The connection's own limits, made short: what a client may leave unread, and for how long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from offload.api.transport import connection
from offload.api.transport.connection import Connection
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

LARGE = bytes(20 << 20)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def large(_: Scope, __: Receive, send: Send) -> None:
    """Answers far more than two sockets hold."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(LARGE))]})
    await send({"type": "http.response.body", "body": LARGE})


@asynccontextmanager
async def asked() -> AsyncIterator[tuple[uvicorn.Server, asyncio.StreamReader]]:
    """A server, and the answer of a client that reads only what the test reads."""
    server = uvicorn.Server(
        uvicorn.Config(large, port=0, lifespan="off", http=Connection, log_config=None, timeout_graceful_shutdown=1)
    )
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started, what="uvicorn to start")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.servers[0].sockets[0].getsockname()[1])
    writer.write(GET)
    try:
        yield server, reader
    finally:
        writer.close()
        server.should_exit = True
        await serving


async def test_an_answer_of_which_nothing_is_taken_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STALL_S", 0.2)
    async with asked() as (server, reader):
        await reader.readexactly(1)
        await until(lambda: not server.server_state.connections, what="the connection to be closed")
        with pytest.raises(ConnectionResetError):  # what the kernel still had is thrown away
            await reader.readexactly(len(LARGE))


async def test_the_kernel_takes_little_that_it_can_not_send() -> None:
    async with asked() as (server, reader):
        await reader.readexactly(1)
        (one,) = server.server_state.connections
        taken = len(LARGE) - one.transport.get_write_buffer_size()
        assert taken < 1 << 20, "of both sockets together; left to itself it takes several MiB"
        assert await reader.readexactly(len(LARGE)), "all comes where it is read"
