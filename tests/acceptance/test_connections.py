"""Invalid and oversized requests."""

import json
import socket

import pytest

from tests.support.caller import Caller
from tests.support.server import Server
from tests.support.wire import exchange

HUGE = 10_000_000


@pytest.mark.parametrize(
    "sent",
    [
        b"FOO / HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["an unknown method", "a raw byte in the path", "TLS"],
)
def test_invalid_requests_get_400(server: Server, sent: bytes) -> None:
    head, _, body = exchange(server, sent).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["type"] == "/problems/bad-request"


@pytest.mark.parametrize("of", [b"X-A: %s", b"X-A: 1\r\n%s", b"/%s"], ids=["one header", "many headers", "a path"])
def test_an_endless_head_is_cut_off(server: Server, api: Caller, of: bytes) -> None:
    piece = b"a" if b"\r\n" not in of else b"X-B: 1\r\n"
    start = b"GET " if of.startswith(b"/") else b"GET / HTTP/1.1\r\nHost: x\r\n"
    before = server.family()[0].memory_info().rss
    exchange(server, start + of % (piece * (HUGE // len(piece))))  # would wait for ever if all of it were taken
    assert api.http.get("/health/live").status_code == 200
    assert server.family()[0].memory_info().rss - before < HUGE


def test_a_head_that_is_too_large_gets_431(server: Server) -> None:
    answer = exchange(server, b"GET / HTTP/1.1\r\nX-A: " + b"a" * 1_000_000)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert json.loads(body)["type"] == "/problems/head-too-large"


def test_a_valid_head_can_arrive_in_any_pieces(server: Server) -> None:
    url = server.api.http.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=10) as client:
        for byte in b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-A: " + b"a" * 500 + b"\r\n\r\n":
            client.sendall(bytes([byte]))
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
