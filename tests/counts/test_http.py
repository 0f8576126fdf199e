"""What the two calls that matter most cost over a real connection: how many of the service's own functions are called.

Nothing of the server's nor of FastAPI's is counted: it changes with their versions. Figures are of CPython 3.11.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn

from offload.api.transport.connection import Connection
from tests.support.counting import PromptEngine, effort
from tests.support.front_desk import FrontDesk, front_desk
from tests.support.journals import opened
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

TIMES = 200


class Client:
    """One connection that is kept, and as little of a client as can be."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, line: str, body: bytes = b"") -> bytes:
        """Sends a request; answers the body of what must be a success."""
        head = [f"{line} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", f"Content-Length: {len(body)}"]
        self._writer.write("\r\n".join([*head, "", ""]).encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 20"), answer
        length = answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return await self._reader.readexactly(int(length))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[FrontDesk]:
    async with (
        opened(tmp_path / "journal.db") as journal,
        front_desk(tmp_path, engine=PromptEngine(), journal=journal) as desk,
    ):
        yield desk


@pytest.fixture
async def client(desk: FrontDesk) -> AsyncIterator[Client]:
    """To a server as `offload serve` has it."""
    config = uvicorn.Config(
        desk.asgi, port=0, http=Connection, ws="none", lifespan="off", log_config=None, access_log=False, loop="none"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started, what="uvicorn to start")
        reader, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname()[:2])
        yield Client(reader, writer)
        writer.close()
        await writer.wait_closed()
    finally:
        server.should_exit = True
        await serving


async def submitted(client: Client) -> str:
    shown = await client.ask("POST /jobs/fibonacci", b'{"n": 10}')
    return shown.partition(b'"id":"')[2].partition(b'"')[0].decode()


async def test_a_poll(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a finished job, from memory: 58 calls, 3 callbacks and a task. A tenth of room."""
    job_id = await submitted(client)
    while b'"succeeded"' not in await client.ask(f"GET /jobs/{job_id}"):
        pass
    with effort(monkeypatch) as spent:
        for _ in range(TIMES):
            await client.ask(f"GET /jobs/{job_id}")
    assert spent.calls <= 64 * TIMES
    assert spent.callbacks <= 3.3 * TIMES
    assert spent.tasks <= TIMES


async def test_a_submission(client: Client, desk: FrontDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all that comes of it until its end is recorded, one job after the other: 167 calls and 2 tasks. A tenth of
    room.
    """
    for _ in range(30):
        await submitted(client)
    with effort(monkeypatch) as spent:
        for _ in range(TIMES):
            await submitted(client)
            await until(lambda: not desk.state.dispatcher.running, what="the end to be recorded")
    assert spent.calls <= 184 * TIMES
    assert spent.tasks <= 2.1 * TIMES
