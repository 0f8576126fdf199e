"""Requests whose end or whose host could be read in two ways: a proxy in front would not see the same requests."""

import pytest

from tests.support.server import Server
from tests.support.wire import answers, exchange, request

BODY = b'{"name": "you"}'
CHUNKS = b"f\r\n" + BODY + b"\r\n0\r\n\r\n"
JSON = "Content-Type: application/json"
SMUGGLED = request("GET /health/live", "Connection: close")

TWO_WAYS = [
    ["Content-Length: -1"],
    ["Content-Length: +15"],
    ["Content-Length: 0xf"],
    ["Content-Length: 15,15"],
    ["Content-Length: 15 15"],
    ["Content-Length: 1.5e1"],
    ["Content-Length: "],
    ["Content-Length: 99999999999999999999999999"],
    ["Content-Length: 15", "Content-Length: 16"],
    ["Content-Length: 15", "Content-Length: 15"],
    ["Content-Length : 15"],
    ["Content-Length: 15", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", "Content-Length: 15"],
    ["Transfer-Encoding: xchunked"],
    ["Transfer-Encoding: chunked, identity"],
    ["Transfer-Encoding: chunked, chunked"],
    ["Transfer-Encoding: chunked, gzip, chunked"],
    ["Transfer-Encoding: chunked;a=b"],
    ["Transfer-Encoding: chunked,"],
    ["Transfer-Encoding: identity"],
    ["Transfer-Encoding: gzip"],
    ["Transfer-Encoding: "],
    ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
    ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding:\x0bchunked"],
    [" Transfer-Encoding: chunked"],
    ["Transfer-Encoding\t: chunked"],
    ["X: y\rTransfer-Encoding: chunked"],
    ["X: y\nContent-Length: 15"],
    ["Host: 127.0.0.1", "Content-Length: 15"],
    ["Host: evil", "Content-Length: 15"],
]


@pytest.mark.parametrize("after", [BODY, CHUNKS], ids=["plain", "chunks"])
def test_a_head_that_can_be_read_in_two_ways_is_none(server: Server, after: bytes) -> None:
    """The request is refused, and what follows is never read as another request: nothing can be smuggled."""
    for lines in TWO_WAYS:
        told = answers(exchange(server, request("POST /jobs/greet", JSON, *lines, body=after) + SMUGGLED))
        assert [(each.status, each.kind) for each in told] == [(400, "bad-request")], (lines, told)


@pytest.mark.parametrize("codings", ["gzip, chunked", "GZIP ,chunked", "identity, chunked"])
def test_other_transfer_codings_are_not_implemented(server: Server, codings: str) -> None:
    for lines in ([f"Transfer-Encoding: {codings}"], [f"Transfer-Encoding: {codings}", "TE: gzip"]):
        told = answers(exchange(server, request("POST /jobs/greet", JSON, *lines, body=CHUNKS) + SMUGGLED))
        assert [(each.status, each.kind) for each in told] == [(501, "transfer-coding-not-supported")], told


@pytest.mark.parametrize("coding", ["chunked", "Chunked", " \tchunked  "])
def test_chunked_is_understood_in_each_spelling(server: Server, coding: str) -> None:
    head = request("POST /jobs/greet", JSON, f"Transfer-Encoding: {coding}", "TE: gzip")
    assert [each.status for each in answers(exchange(server, head + CHUNKS + SMUGGLED))] == [202, 200]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /health/live HTTP/1.1\r\n\r\n",
        b"GET http://127.0.0.1/health/live HTTP/1.1\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: a\r\nHost:\r\n\r\n",
        b"GET /health/live HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: a@b\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: a\\b\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: n\xc3\xa4s\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET /health/live\r\nHost: a\r\n\r\n",
        b"GET /health/live HTTP/2.0\r\nHost: a\r\n\r\n",
        b"GET /health/live HTTP/0.9\r\nHost: a\r\n\r\n",
        b"POST /jobs/greet HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    ],
)
def test_a_head_without_one_host_or_of_another_version_is_refused(server: Server, head: bytes) -> None:
    told = answers(exchange(server, head + SMUGGLED))
    assert [(each.status, each.kind) for each in told] == [(400, "bad-request")], told


@pytest.mark.parametrize("host", [b"", b"a_b:80", b"[::1]:80", b"A.localhost"])
def test_a_host_may_be_empty_or_any_name_or_address(server: Server, host: bytes) -> None:
    head = b"GET /health/live HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"
    assert [each.status for each in answers(exchange(server, head + SMUGGLED))] == [200, 200]


def test_http_1_0_needs_no_host(server: Server) -> None:
    assert [each.status for each in answers(exchange(server, b"GET /health/live HTTP/1.0\r\n\r\n"))] == [200]


def test_a_rejected_head_waits_for_the_response_before_it(server: Server) -> None:
    told = answers(exchange(server, request("GET /health/live") + b"GET / HTTP/1.1\r\n\r\n" + SMUGGLED))
    assert [each.status for each in told] == [200, 400]
