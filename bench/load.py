"""A load generator that leaves the two cores to what it measures: ready-made requests, keep-alive, no HTTP library.

Traffic goes to 127.0.0.1 only, and every load is bounded by a count.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: status code and body."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Load:
    """What a load measured: requests per second, latencies in milliseconds."""

    per_s: float
    p50_ms: float
    p99_ms: float
    answers: list[Answer]


def get(path: str) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: bytes) -> bytes:
    """A POST request with a JSON body."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


class _Connection(asyncio.Protocol):
    """Sends its next request as soon as the answer to the last one is complete."""

    def __init__(self, requests: Iterator[bytes], done: Callable[[Answer, float], None], ended: asyncio.Future[None]):
        self._requests = requests
        self._done = done
        self._ended = ended
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, gap, body = self._buffer.partition(b"\r\n\r\n")
        if not gap:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        if len(body) >= length:
            self._buffer = b""
            self._done(Answer(int(head[9:12]), body), time.perf_counter() - self._sent)
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_exception(error or ConnectionError("the server closed the connection"))

    def _next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            if not self._ended.done():
                self._ended.set_result(None)
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)


async def load(port: int, requests: Iterable[bytes], *, connections: int) -> Load:
    """Sends all requests over so many connections, each one's next when its last is answered."""
    loop = asyncio.get_running_loop()
    waiting = iter(list(requests))
    answers: list[Answer] = []
    times: list[float] = []

    def done(answer: Answer, seconds: float) -> None:
        answers.append(answer)
        times.append(seconds)

    begin = time.perf_counter()
    ends = [loop.create_future() for _ in range(connections)]
    for end in ends:
        await loop.create_connection(partial(_Connection, waiting, done, end), "127.0.0.1", port)
    await asyncio.gather(*ends)
    took = time.perf_counter() - begin
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else times * 99
    return Load(len(answers) / took, cuts[49] * 1000, cuts[98] * 1000, answers)
