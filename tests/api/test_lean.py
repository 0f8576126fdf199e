"""Which requests take the short way: those that are there as a whole, and plain."""

from typing import Any

import pytest
from starlette.types import Message

from offload.api.transport.fast_path import EXCHANGE
from tests.support.api_server import ApiServer

pytestmark = pytest.mark.anyio

HOST, JSON = (b"host", b"127.0.0.1"), (b"content-type", b"application/json")
BODY = b'{"n": 1}'


class Exchange:
    """A request that a server has in its hands, and the whole answer that it was given, if it was."""

    def __init__(self, body: bytes | None, *, busy: bool = False) -> None:
        self._body = body
        self._busy = busy
        self.answered: tuple[bytes, bytes] | None = None

    def body(self) -> bytes | None:
        return self._body

    def respond(self, head: bytes, body: bytes) -> bool:
        if not self._busy:
            self.answered = head, body
        return not self._busy


async def ask(
    server: ApiServer, method: str, path: str, exchange: Exchange, *headers: tuple[bytes, bytes], body: bytes = b""
) -> list[Message]:
    """What was sent by ASGI's own messages."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [HOST, *headers],
        "state": {"offload": server.state},
        EXCHANGE: exchange,
    }
    await server.app(scope, receive, send)
    return sent


async def test_a_plain_submission_is_answered_at_once(server: ApiServer) -> None:
    exchange = Exchange(BODY)
    assert await ask(server, "POST", "/jobs/fibonacci", exchange, JSON, body=BODY) == []
    assert exchange.answered is not None
    head, body = exchange.answered
    assert head.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert b"\r\nlocation: /jobs/" in head
    assert b"\r\ncontent-length: %d\r\n" % len(body) in head
    assert b"\r\nx-content-type-options: nosniff\r\n" in head


async def test_a_poll_is_answered_at_once(server: ApiServer) -> None:
    job_id = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()["id"]
    exchange = Exchange(b"")
    assert await ask(server, "GET", f"/jobs/{job_id}", exchange) == []
    assert exchange.answered is not None
    assert exchange.answered[0].startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("exchange", "headers"),
    [
        (Exchange(None), [JSON]),
        (Exchange(BODY), [JSON, (b"x", b"1"), (b"x", b"2")]),
        (Exchange(BODY), [(b"content-type", b"application/json; charset=utf-8")]),
        (Exchange(BODY), [JSON, (b"content-encoding", b"identity")]),
        (Exchange(BODY), [JSON, (b"sec-fetch-site", b"cross-site")]),
        (Exchange(BODY, busy=True), [JSON]),
    ],
    ids=["not all is here", "a header twice", "a charset", "an encoding", "another site", "the client reads nothing"],
)
async def test_anything_else_takes_the_long_way(
    server: ApiServer, exchange: Exchange, headers: list[tuple[bytes, bytes]]
) -> None:
    sent = await ask(server, "POST", "/jobs/fibonacci", exchange, *headers, body=BODY)
    assert exchange.answered is None
    assert sent[0]["status"] == (403 if (b"sec-fetch-site", b"cross-site") in headers else 202)
    assert (b"x-content-type-options", b"nosniff") in sent[0]["headers"]


async def test_other_paths_take_the_long_way(server: ApiServer) -> None:
    for path in ("/jobs", "/jobs/", "/health/live", "/jobs/a/b"):
        exchange = Exchange(b"")
        assert await ask(server, "GET", path, exchange)
        assert exchange.answered is None, path
