"""Connections that are opened and not used, used in bulk, or used for something else."""

import contextlib
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from offload.api.transport.connection import HEAD_S
from tests.support.caller import Caller
from tests.support.server import Server
from tests.support.waiting import until_sync
from tests.support.wire import answers, connected, exchange, only, request, rest

MANY = 1000
LARGE = 10_000_000
"""Bytes of a result, far more than two sockets hold."""


def closed(client: socket.socket) -> bool:
    """Whether the service has closed the connection; what it said before is thrown away."""
    try:
        while client.recv(65536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        pass
    return True


def answered(client: socket.socket) -> bool:
    """Whether something has come."""
    try:
        return bool(client.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False


@contextlib.contextmanager
def crowd(server: Server, number: int, said: bytes) -> Iterator[list[socket.socket]]:
    """So many connections at once, each with the same beginning."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(server)) for _ in range(number)]
        for client in clients:
            client.sendall(said)
            client.setblocking(False)
        yield clients


def test_a_thousand_that_say_nothing_and_a_thousand_half_heads_are_sent_away(server: Server, api: Caller) -> None:
    process = psutil.Process(server.process.pid)
    before, began = process.memory_info().rss, time.monotonic()
    half = b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Half: " + b"x" * 1000
    with crowd(server, MANY, b"") as idle, crowd(server, MANY, half) as slow, crowd(server, 2, b"") as dripping:
        assert api.http.get("/health/live").status_code == 200
        api.succeeded(api.submit("greet", {"name": "you"})["id"])
        assert process.memory_info().rss - before < 2 * MANY * 32 * 1024
        left = {*idle, *slow, *dripping}

        def all_gone() -> bool:
            for client, drop in zip(dripping, (b"\r\n", b"x"), strict=True):  # the first of them begins no head
                with contextlib.suppress(ConnectionError):
                    client.sendall(drop)
            left.difference_update([client for client in left if closed(client)])
            return not left

        until_sync(lambda: answered(slow[0]), within=HEAD_S + 15, what="a half head to be told that it is late")
        told = only(slow[0].recv(65536))
        assert (told.status, told.kind) == (408, "head-too-slow")
        until_sync(all_gone, within=HEAD_S + 15, what="all of them to be sent away")
        assert time.monotonic() - began > HEAD_S / 2, "an honest client may take its time"


def test_connections_leave_descriptors_for_the_lanes(tmp_path: Path) -> None:
    with Server(tmp_path, lanes=1) as server:
        (lane,) = server.api.idle_lanes(1)
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (200, 200))
        with crowd(server, 300, b"") as clients:
            until_sync(lambda: len([one for one in clients if closed(one)]) >= 240, what="the rest to be sent away")
            lane.kill()
            until_sync(lambda: "ended while it was idle" in server.stderr, what="the lane to be missed")
        job = server.api.submit("greet", {"name": "you"})["id"]
        server.api.succeeded(job)
        assert "Too many open files" not in server.stderr


def test_ten_thousand_requests_on_one_connection(server: Server) -> None:
    with connected(server) as client:
        received = 0
        for _ in range(100):
            client.sendall(request("GET /health/live") * 100)
            raw = b""
            while raw.count(b"HTTP/1.1 200 ") < 100 or not raw.endswith(b"}"):
                raw += client.recv(1 << 20)
            received += len(answers(raw))
    assert received == 10_000


def test_pipelined_requests_are_answered_in_order_and_garbage_with_400(server: Server) -> None:
    wanted = ["/health/live", "/nothing", "/tasks/greet", "/nothing"]
    raw = exchange(server, b"".join(request(f"GET {path}") for path in wanted) + b"\x00garbage\r\n\r\n")
    assert [answer.status for answer in answers(raw)] == [200, 404, 200, 404, 400]


def test_garbage_after_a_request_that_waits_is_no_part_of_its_answer(server: Server, api: Caller, gate: str) -> None:
    job = api.submit("hold", {"gate": gate})["id"]
    with connected(server) as client:
        client.sendall(request(f"GET /jobs/{job}?wait=60") + b"\x00\x00\r\n\r\n")
        api.cancel(job)
        told, rejected = answers(rest(client))
    assert (told.status, told.json["state"]) == (200, "cancelled")
    assert rejected.status == 400


@pytest.mark.parametrize("protocol", ["websocket", "h2c", "TLS/1.0"])
def test_who_asks_for_another_protocol_is_answered_in_this_one(server: Server, protocol: str) -> None:
    upgrade = ["Connection: Upgrade, HTTP2-Settings", f"Upgrade: {protocol}", "HTTP2-Settings: AAMAAABk"]
    keys = ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
    logged = len(server.stderr)
    told = only(exchange(server, request("GET /health/live", *upgrade, *keys)))
    assert (told.status, told.headers["connection"]) == (200, "close")
    assert server.stderr[logged:] == ""


def test_targets_of_every_evil_kind(server: Server) -> None:
    """None is an answer of 2xx that was not meant, and none a fault."""
    for target, statuses in {
        "http://evil.example/health/live": {200},
        "//evil.example/health/live": {404},
        "/%2e%2e/%2e%2e/etc/passwd": {404},
        "/../../etc/passwd": {404},
        "/docs/../../../../etc/passwd": {404},
        "/docs/%2e%2e/%2e%2e/main.py": {404},
        "/docs/swagger-ui/..%2f..%2f..%2fmain.py": {404},
        "/docs/swagger-ui/%00": {404},
        "/docs/swagger-ui//etc/passwd": {404},
        "/page/../../../etc/passwd": {404},
        "/page/x/..%2f..%2f..%2fmain.py": {404},
        "/page//etc/passwd": {404},
        "/problems/%0d%0aSet-Cookie:%20a=b": {404},
        "/jobs/%00": {404},
        "/jobs/%ff%fe": {404},
        "/jobs/..%2f..%2fresult": {404},
        "/jobs/" + "x" * 60_000: {404},
        "/jobs?" + "&".join(["label=x"] * 8000): {200, 422},
        "/jobs?label=%00&label=%0d%0a": {200, 422},
        "*": {400, 404},
        "health/live": {400, 404},
        "/\r\nX: y": {400},  # HTTP/0.9, and then a header
        "/ /": {400},
        "": {400},
    }.items():
        told = only(exchange(server, request(f"GET {target}", "Connection: close")))
        assert told.status in statuses, (target[:60], told)
        assert "set-cookie" not in told.headers
    for method in ("CONNECT", "TRACE", "PRI", "OPTIONS", "get", "PROPFIND"):
        told = only(
            exchange(server, request(f"{method} {'x:1' if method == 'CONNECT' else '/jobs'}", "Connection: close"))
        )
        assert told.status in {400, 404, 405}, (method, told)


@pytest.fixture
def gate(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file that never appears: what waits for it is cancelled."""
    return str(tmp_path_factory.mktemp("gate") / "never")


def test_answers_that_nobody_reads_hold_up_no_end(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        job = server.api.succeeded(server.api.submit("blob", {"size": LARGE, "seed": 1})["id"])["id"]
        with crowd(server, 20, request(f"GET /jobs/{job}/result")) as clients:
            until_sync(lambda: all(map(answered, clients)), what="all answers to begin")
            began = time.monotonic()
            server.stop()
            assert time.monotonic() - began < 8, "the grace"


def test_answers_that_nobody_reads_hold_no_memory(server: Server, api: Caller) -> None:
    job = api.succeeded(api.submit("blob", {"size": LARGE, "seed": 1})["id"])["id"]
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss, process.num_threads()
    with crowd(server, 200, request(f"GET /jobs/{job}/result")) as clients:
        until_sync(lambda: all(map(answered, clients)), what="all answers to begin")
        assert len(api.result(job)) == LARGE
        assert process.memory_info().rss - before[0] < 200 * (1 << 20) // 2
        assert process.num_threads() - before[1] <= 64  # the event loop's own pool, not one for each reader


CHUNKED = b"POST /jobs/greet HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "repeated", [request("GET /jobs"), request("POST /jobs/greet", "Content-Length: 2", body=b"{}"), CHUNKED]
)
def test_requests_without_end_on_connections_that_read_nothing_hold_no_memory(
    server: Server, api: Caller, repeated: bytes
) -> None:
    """Each client sends as much as the service takes, up to 25 MB, and reads nothing."""
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    with crowd(server, 20, repeated) as clients:
        sent = dict.fromkeys(clients, 0)
        portion = repeated * (65536 // len(repeated))

        def all_stuck() -> bool:
            """Sends more on each connection. True once none takes anything, or has taken enough."""
            more = False
            for client in clients:
                with contextlib.suppress(BlockingIOError):
                    while sent[client] < 25_000_000:
                        sent[client] += client.send(portion[sent[client] % len(repeated) :])
                        more = True
            return not more

        until_sync(all_stuck, what="all clients to be blocked", within=60)
        assert process.memory_info().rss - before < 20 * (2 << 20)
        assert api.http.get("/health/live").status_code == 200
        api.succeeded(api.submit("greet", {"name": "you"})["id"])


def test_pipelined_requests_in_pieces_of_any_size_are_all_answered(server: Server) -> None:
    """Also where the end of a head, a body or a chunk is cut."""
    with_body = request("POST /jobs/greet", "Content-Length: 12", body=b'{"name":"x"}')
    sent = (request("GET /health/live") + with_body + CHUNKED) * 3 + request("GET /nothing", "Connection: close")
    for size in (1, 2, 3, 5, 7, 64, 1000):
        pieces = [sent[begin : begin + size] for begin in range(0, len(sent), size)]
        statuses = [answer.status for answer in answers(exchange(server, pieces))]
        assert statuses == [200, 415, 415] * 3 + [404], size
