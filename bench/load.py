"""A load generator that leaves the cores to what it measures: ready-made requests, keep-alive, no HTTP library.

What a connection sends is a conversation: a generator that yields requests and gets the answers, or yields a pause in
seconds. Traffic goes to 127.0.0.1 only, and every load is bounded by a count and by time.
"""

import asyncio
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

WITHIN_S = 60.0
"""The default time limit of a load."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, and the seconds from the request until the complete response."""

    status: int
    body: bytes
    seconds: float

    def expect(self, *statuses: int) -> "Answer":
        """Returns the response if it has one of these statuses. Otherwise raises RuntimeError with its first bytes."""
        if self.status not in statuses:
            raise RuntimeError(f"answered {self.status}, not {statuses}: {self.body[:300]!r}")
        return self


Conversation = Generator[bytes | float, Answer, None]

_AFTER_A_PAUSE = Answer(0, b"", 0.0)


@dataclass(frozen=True, slots=True)
class Load:
    """The outcome of a load: responses in order of arrival, and the seconds in all."""

    answers: Sequence[Answer]
    seconds: float

    @property
    def per_s(self) -> float:
        return len(self.answers) / self.seconds

    @property
    def p50_ms(self) -> float:
        return quantile_ms([answer.seconds for answer in self.answers], 0.50)

    @property
    def p99_ms(self) -> float:
        return quantile_ms([answer.seconds for answer in self.answers], 0.99)


def quantile_ms(seconds: Sequence[float], share: float) -> float:
    """Returns a percentile of the times in milliseconds (nearest rank)."""
    ranked = sorted(seconds)
    return ranked[min(int(len(ranked) * share), len(ranked) - 1)] * 1000


def get(path: str) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: bytes = b"{}", **headers: str) -> bytes:
    """A POST request with a JSON body."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection(asyncio.Protocol):
    """Carries one conversation. Sets `ended` when it is over."""

    def __init__(self, conversation: Conversation, ended: asyncio.Future[None]) -> None:
        self._conversation = conversation
        self._ended = ended
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one that does not say so
        self._go_on(None)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, gap, body = self._buffer.partition(b"\r\n\r\n")
        if not gap:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        if len(body) >= length:
            self._buffer = b""
            self._go_on(Answer(int(head[9:12]), body, time.perf_counter() - self._sent))

    def connection_lost(self, error: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_exception(error or ConnectionError("the server closed the connection"))

    def _go_on(self, answer: Answer | None) -> None:
        try:
            step = next(self._conversation) if answer is None else self._conversation.send(answer)
        except Exception as error:  # the event loop would only log it
            if not self._ended.done():
                self._ended.set_result(None) if isinstance(error, StopIteration) else self._ended.set_exception(error)
            self._transport.close()
            return
        if isinstance(step, bytes):
            self._sent = time.perf_counter()
            self._transport.write(step)
        else:
            asyncio.get_running_loop().call_later(step, self._go_on, _AFTER_A_PAUSE)


async def converse(port: int, *conversations: Conversation, within: float = WITHIN_S) -> float:
    """Carries all conversations, each on its own connection. Returns the seconds until the last one is over."""
    loop = asyncio.get_running_loop()
    ends: list[asyncio.Future[None]] = []
    transports = []
    begin = time.perf_counter()
    try:
        async with asyncio.timeout(within):
            for conversation in conversations:
                ends.append(end := loop.create_future())
                connected = loop.create_connection(lambda c=conversation, e=end: _Connection(c, e), "127.0.0.1", port)  # type: ignore[misc]
                transports.append((await connected)[0])
            await asyncio.gather(*ends)
    finally:
        for transport in transports:
            transport.close()
    return time.perf_counter() - begin


async def load(port: int, requests: Iterable[bytes], *, connections: int, within: float = WITHIN_S) -> Load:
    """Sends all requests on this number of connections. Each sends the next request after the last response."""
    waiting = iter(list(requests))
    answers: list[Answer] = []
    seconds = await converse(port, *(_each(waiting, answers) for _ in range(connections)), within=within)
    return Load(answers, seconds)


async def ask(port: int, request: bytes, *, within: float = WITHIN_S) -> Answer:
    """Sends one request, and returns the response."""
    return (await load(port, [request], connections=1, within=within)).answers[0]


def _each(waiting: Iterator[bytes], answers: list[Answer]) -> Conversation:
    for request in waiting:
        answers.append((yield request))  # noqa: PERF401  # a comprehension can't yield
