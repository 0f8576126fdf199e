"""The load generator, against a server that answers what the test says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from bench.load import Answer, Conversation, ask, converse, get, load, post
from bench.shown import has_ended, id_of

pytestmark = pytest.mark.anyio


class _Answers(asyncio.Protocol):
    """One connection: each request comes in one piece, since the next is sent after the answer to the last."""

    def __init__(
        self, answer: Callable[[bytes], bytes | None], open_ones: dict[asyncio.Transport, asyncio.Future[None]]
    ) -> None:
        self._answer = answer
        self._open_ones = open_ones

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open_ones[transport] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        answer = self._answer(data)
        if answer is None:
            self._transport.close()
        else:
            self._transport.write(answer)

    def connection_lost(self, _: Exception | None) -> None:
        self._open_ones[self._transport].set_result(None)


@asynccontextmanager
async def serving(answer: Callable[[bytes], bytes | None]) -> AsyncIterator[int]:
    """The port of a server that answers each request by `answer`, and hangs up at None."""
    open_ones: dict[asyncio.Transport, asyncio.Future[None]] = {}
    server = await asyncio.get_running_loop().create_server(lambda: _Answers(answer, open_ones), "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for transport in open_ones:
            transport.abort()
        await asyncio.gather(*open_ones.values())


def answering(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d Said\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


async def test_every_request_is_sent_once_and_answered() -> None:
    asked = []

    def note(head: bytes) -> bytes:
        asked.append(head.split()[1].decode())
        return answering(200, head.split()[1])

    paths = [f"/{number}" for number in range(50)]
    async with serving(note) as port:
        measured = await load(port, map(get, paths), connections=8)
    assert sorted(asked) == sorted(paths)
    assert sorted(answer.body.decode() for answer in measured.answers) == sorted(paths)
    assert measured.per_s == 50 / measured.seconds
    assert measured.p50_ms <= measured.p99_ms <= measured.seconds * 1000


async def test_a_conversation_asks_again_by_what_it_was_answered() -> None:
    states = iter([b"queued", b"running", b"succeeded"])
    seen = []

    def until_ended() -> Conversation:
        job = id_of((yield post("/jobs/noop")))
        while not has_ended(answer := (yield get(f"/jobs/{job}"))):
            seen.append(answer.status)
            yield 0.001

    def answer(head: bytes) -> bytes:
        state = b"queued" if head.startswith(b"POST") else next(states)
        return answering(202 if head.startswith(b"POST") else 200, b'{"id":"7","state":"%s"}' % state)

    async with serving(answer) as port:
        await converse(port, until_ended())
    assert seen == [200, 200]


async def test_what_goes_wrong_in_a_conversation_is_raised() -> None:
    async with serving(lambda _: answering(503, b"full")) as port:
        answer = await ask(port, get("/"))
        with pytest.raises(RuntimeError, match=r"answered 503.*full"):
            answer.expect(200)

        def refuses() -> Conversation:
            (yield get("/")).expect(200)

        with pytest.raises(RuntimeError, match="503"):
            await converse(port, refuses())


async def test_a_load_has_an_end() -> None:
    async with serving(lambda _: b"") as port:
        with pytest.raises(TimeoutError):
            await ask(port, get("/"), within=0.05)


async def test_a_server_that_hangs_up_is_told() -> None:
    async with serving(lambda _: None) as port:
        with pytest.raises(ConnectionError):
            await ask(port, get("/"), within=10)


@pytest.mark.parametrize("body", [b'{"id":"7","state":"failed"}', b'{"id":"7","state":"cancelled"}'])
async def test_an_end_that_is_no_success_is_an_error(body: bytes) -> None:
    with pytest.raises(RuntimeError, match="has not succeeded"):
        has_ended(Answer(200, body, 0))


@pytest.mark.parametrize(("body", "job"), [(b'{"id":"a-b","x":"id"}', "a-b"), (b'{"id":12,"state":"queued"}', "12")])
async def test_the_id_is_found_in_either_form(body: bytes, job: str) -> None:
    assert id_of(Answer(202, body, 0)) == job
