"""Bodies that lie about their length, never end, come too slowly or are a bomb."""

import contextlib
import gzip
import itertools
import random
import socket
import time
from collections.abc import Iterator

import pytest

from tests.support.caller import Caller, answer
from tests.support.server import Server
from tests.support.waiting import until_sync
from tests.support.wire import answers, connected, exchange, only, request, rest

JSON = "Content-Type: application/json"
BODY = b'{"name": "you"}'
ENDLESS_BYTES = 64 << 20
"""Far more than what is dropped of a refused body, and than what two sockets hold."""


def endless(piece: bytes = b"x" * 65536) -> Iterator[bytes]:
    """So many bytes that whoever takes them all is at fault."""
    yield from itertools.repeat(piece, ENDLESS_BYTES // len(piece))


def spool(server: Server) -> set[str]:
    """The files that hold uploads, whole or half."""
    return {path.name for path in (server.data_dir / "uploads").iterdir()}


def sent_before_close(client: socket.socket, pieces: Iterator[bytes]) -> int:
    """Bytes that went through before the service hung up."""
    sent = 0
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            client.sendall(piece)
            sent += len(piece)
    return sent


def test_chunks_that_are_none_are_refused(server: Server) -> None:
    head = request("POST /jobs/greet", JSON, "Transfer-Encoding: chunked")
    for chunks in (
        b"-1\r\n",
        b"0x5\r\nhello\r\n",
        b"5 \r\n\x00",
        b"FFFFFFFFFFFFFFFFF\r\n",
        b"5\r\nhelloGET / HTTP/1.1\r\n",
        b"5\nhello\n",
    ):
        told = only(exchange(server, head + chunks))
        assert (told.status, told.kind) == (400, "bad-request"), chunks


@pytest.mark.parametrize("path", ["/jobs/greet", "/uploads"])
@pytest.mark.parametrize(
    "piece", [b"1;" + b"x" * 65536, b"1\r\nx\r\n0\r\nX: " + b"x" * 65536], ids=["a chunk's extension", "a trailer"]
)
def test_what_surrounds_chunks_without_end_is_not_taken_for_ever(server: Server, path: str, piece: bytes) -> None:
    head = request(f"POST {path}", JSON, "Transfer-Encoding: chunked")
    with connected(server) as client:
        client.sendall(head + piece)
        began = time.monotonic()
        assert sent_before_close(client, endless()) < ENDLESS_BYTES
        assert time.monotonic() - began < 10


def test_a_body_shorter_than_it_says_is_waited_for_only_so_long(server: Server) -> None:
    raw = exchange(server, request("POST /jobs/greet", JSON, "Content-Length: 16", body=BODY))
    assert (only(raw).status, only(raw).kind) == (408, "upload-too-slow")


def test_what_is_longer_than_it_says_is_another_request(server: Server) -> None:
    told = answers(exchange(server, request("POST /jobs/greet", JSON, "Content-Length: 15", body=BODY + b"}}}")))
    assert [each.status for each in told] == [202, 400]


@pytest.mark.parametrize("path", ["/uploads", "/jobs/greet", "/nothing", "/jobs/file-digest/upload"])
@pytest.mark.parametrize("form", ["Content-Length: 100000000000", "Transfer-Encoding: chunked"])
def test_an_endless_body_is_answered_and_then_cut_off(server: Server, path: str, form: str) -> None:
    chunked = "chunked" in form
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n" if chunked else b"x" * 65536
    type_ = "multipart/form-data; boundary=b" if path.endswith("upload") else "application/json"
    before = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n' if path.endswith("upload") else b""
    if chunked and before:
        before = b"%x\r\n%s\r\n" % (len(before), before)
    with connected(server) as client:
        client.sendall(request(f"POST {path}", form, f"Content-Type: {type_}") + before)
        began = time.monotonic()
        assert sent_before_close(client, endless(piece)) < ENDLESS_BYTES
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("form", ["Content-Length: 10000000", "Transfer-Encoding: chunked"])
def test_who_sends_all_before_it_reads_can_read_the_answer(server: Server, form: str) -> None:
    """As a client does that knows nothing of Expect, and would see a broken pipe instead of the 413."""
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n" if "chunked" in form else b"x" * 65536
    with connected(server) as client:
        client.sendall(request("POST /jobs/greet", JSON, form))
        for _ in range(48):
            client.sendall(piece)
        told = only(rest(client))
    assert (told.status, told.kind, told.headers["connection"]) == (413, "body-too-large", "close")


def test_who_sends_a_byte_now_and_then_is_given_up(server: Server, api: Caller) -> None:
    with connected(server) as upload, connected(server) as body:
        upload.sendall(request("POST /uploads", "Content-Length: 1000"))
        body.sendall(request("POST /jobs/greet", JSON, "Content-Length: 15"))
        for client in (upload, body):
            client.settimeout(0.25)
        told: dict[socket.socket, bytes] = {}
        end = time.monotonic() + 15
        while len(told) < 2:
            assert time.monotonic() < end, f"not given up: {told}"
            for client in {upload, body} - told.keys():
                with contextlib.suppress(ConnectionError):
                    client.sendall(b" ")
                with contextlib.suppress(TimeoutError):
                    told[client] = client.recv(65536)
                    client.settimeout(10)
                    while b"}" not in told[client] and (more := client.recv(65536)):  # head and body may come apart
                        told[client] += more
            assert api.http.get("/health/live").status_code == 200
    for raw in told.values():
        assert b"HTTP/1.1 408 " in raw
        assert b"upload-too-slow" in raw


@pytest.mark.parametrize("path", ["/jobs/greet", "/uploads", "/jobs/file-digest/upload"])
def test_a_compressed_body_is_refused_and_not_unpacked(api: Caller, path: str) -> None:
    bomb = gzip.compress(bytes(10 << 20))
    kind = "multipart/form-data; boundary=b" if path.endswith("upload") else "application/json"
    for coding in ("gzip", "GZIP", "identity, gzip", "x-gzip", "br", "deflate"):
        response = api.http.post(path, content=bomb, headers={"Content-Type": kind, "Content-Encoding": coding})
        assert answer(response, 415)["type"] == "/problems/unsupported-media-type", coding


def test_uploads_that_break_off_anywhere_leave_nothing(server: Server) -> None:
    chance = random.Random(23)  # noqa: S311  # not a secret
    file = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + b"x" * 300_000 + b"\r\n--b--\r\n"
    )
    head = request("POST /jobs/file-digest/upload", "Content-Type: multipart/form-data; boundary=b")
    whole = head.replace(b"\r\n\r\n", f"\r\nContent-Length: {len(file)}\r\n\r\n".encode(), 1) + file
    before = spool(server)
    for _ in range(40):
        with connected(server) as client:
            client.sendall(whole[: chance.randrange(1, len(whole) - 1)])
            if chance.random() < 0.5:  # without farewell
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    until_sync(lambda: spool(server) == before, what="the spool to be swept")
