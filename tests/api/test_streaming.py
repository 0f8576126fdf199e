"""Bodies over a real connection: slow, cut off, too large."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request

from offload.api.transport import request_body as bodies
from tests.support.api_server import ApiServer, served
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


class Connection:
    """A client that says exactly what a test wants said."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def head(self, method: str, path: str, *headers: str) -> None:
        """Sends a request's head."""
        self.writer.write("\r\n".join([f"{method} {path} HTTP/1.1", "Host: offload", *headers, "", ""]).encode())

    async def answer(self, *, body: bool = True) -> tuple[int, dict[str, str], dict[str, Any]]:
        """The next answer: status, headers, JSON. The one to a HEAD has no body, whatever length it tells."""
        async with asyncio.timeout(20):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            read = await self._reader.readexactly(int(headers.get("content-length", 0))) if body else b"{}"
            return int(first.split()[1]), headers, json.loads(read)

    async def closed(self) -> bool:
        """True once the server has closed the connection."""
        async with asyncio.timeout(20):
            return await self._reader.read() == b""


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    """A connection to the server."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.transport.abort()


def kept(server: ApiServer) -> list[str]:
    """The names of all that lies in the spool."""
    return sorted(file.name for file in server.uploads_dir.iterdir())


async def test_a_large_upload_is_streamed(tmp_path: Path) -> None:
    async with served(tmp_path) as (server, port), connected(port) as client:
        chunk, digest = bytes(range(256)) * 4096, hashlib.sha256()
        client.head("PUT", "/uploads/large", "Transfer-Encoding: chunked")
        for _ in range(32):
            digest.update(chunk)
            client.writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await client.writer.drain()
        client.writer.write(b"0\r\n\r\n")
        status, _, upload = await client.answer()
        assert (status, upload["size"], upload["name"]) == (201, 32 << 20, "large")
        with (server.uploads_dir / upload["id"]).open("rb") as file:
            assert hashlib.file_digest(file, "sha256").digest() == digest.digest()


@pytest.mark.parametrize(
    "head", [["Content-Type: application/octet-stream"], ["Content-Type: multipart/form-data; boundary=b"]]
)
async def test_a_client_that_goes_away_leaves_nothing(tmp_path: Path, head: list[str]) -> None:
    async with served(tmp_path) as (server, port):
        async with connected(port) as client:
            client.head("POST", "/uploads", "Content-Length: 1000000", *head)
            client.writer.write(b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nhalf')
            await until(lambda: kept(server), what="the upload to begin")
        await until(lambda: not kept(server), what="the upload to be gone")


async def test_an_upload_that_stops_coming_is_given_up(tmp_path: Path) -> None:
    async with served(tmp_path, upload_idle_s=0.2) as (server, port), connected(port) as client:
        client.head("POST", "/uploads", "Content-Length: 100")
        client.writer.write(b"half")
        status, headers, told = await client.answer()
        assert (status, told["type"], headers["connection"]) == (408, "/problems/upload-too-slow", "close")
        assert await client.closed()
        assert kept(server) == []


async def test_a_json_body_that_stops_coming_is_given_up(tmp_path: Path) -> None:
    async with served(tmp_path, body_timeout_s=0.2) as (_, port), connected(port) as client:
        client.head("POST", "/jobs/fibonacci", "Content-Length: 100", "Content-Type: application/json")
        client.writer.write(b'{"n"')
        status, headers, told = await client.answer()
        assert (status, told["type"], headers["connection"]) == (408, "/problems/upload-too-slow", "close")
        assert await client.closed()


@pytest.mark.parametrize("path", ["/uploads", "/jobs/fibonacci"])
async def test_who_asks_before_sending_too_much_is_told_at_once(tmp_path: Path, path: str) -> None:
    async with served(tmp_path, upload_max_mb=1) as (_, port), connected(port) as client:
        client.head("POST", path, "Content-Length: 3000000", "Expect: 100-continue", "Content-Type: application/json")
        status, _, told = await client.answer()
        assert (status, told["type"]) == (413, "/problems/body-too-large")


@pytest.mark.parametrize("path", ["/uploads", "/jobs/fibonacci"])
async def test_who_sends_too_much_can_read_the_answer(tmp_path: Path, path: str) -> None:
    async with served(tmp_path, upload_max_mb=1) as (server, port), connected(port) as client:
        client.head("POST", path, "Transfer-Encoding: chunked", "Content-Type: application/json")
        chunk = b"x" * 65536
        for _ in range(64):  # all of it, as clients do that read only when they have sent everything
            client.writer.write(b"10000\r\n" + chunk + b"\r\n")
            await client.writer.drain()
        client.writer.write(b"0\r\n\r\n")
        status, headers, told = await client.answer()
        assert (status, told["type"], headers["connection"]) == (413, "/problems/body-too-large", "close")
        assert await client.closed()
        assert kept(server) == []


async def test_a_small_body_that_nobody_wants_leaves_the_connection_open(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, port), connected(port) as client:
        for _ in range(2):
            client.head("POST", "/nothing/here", "Content-Length: 60000", "Content-Type: application/json")
            client.writer.write(b"x" * 60000)
            status, headers, _told = await client.answer()
            assert status == 404
            assert "connection" not in headers


async def test_a_json_body_may_come_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, arrived = bytearray(), bytearray()

    async def next_chunk(request: Request) -> tuple[bytes, bool]:
        chunk, more = await told(request)
        arrived.extend(chunk)
        return chunk, more

    told = bodies.next_chunk
    monkeypatch.setattr(bodies, "next_chunk", next_chunk)
    async with served(tmp_path) as (_, port), connected(port) as client:
        client.head("POST", "/jobs/fibonacci", "Content-Length: 8", "Content-Type: application/json")
        for byte in b'{"n": 1}':
            sent.append(byte)
            client.writer.write(bytes([byte]))
            await until(lambda: arrived == sent, what="the piece to be read")
        status, _, job = await client.answer()
        assert (status, job["params"]) == (202, {"n": 1})


async def test_head_has_no_body(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, port), connected(port) as client:
        client.head("HEAD", "/tasks")
        client.head("GET", "/health/live")
        assert (await client.answer(body=False))[0] == 200
        assert (await client.answer())[2] == {"status": "live"}


async def test_the_head_of_a_stream_does_not_wait_for_its_end(tmp_path: Path) -> None:
    async with served(tmp_path) as (server, port), connected(port) as client:
        job = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()
        client.head("HEAD", f"/jobs/{job['id']}/events")
        status, headers, _ = await client.answer(body=False)
        assert (status, headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
        client.head("GET", f"/jobs/{job['id']}")
        status, _, seen = await client.answer()
        assert (status, seen["state"]) == (200, "running")
