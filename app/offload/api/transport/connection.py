"""One HTTP connection: what can't be read as a request is told as a problem, too, and nobody holds one for nothing.

uvicorn's httptools takes a head of any size, piece by piece: 200 MiB of one header took 52 s of the event loop and all
of them in memory. Neither does it mind how long a head takes, nor whether an answer is ever read. Used by `offload
serve`; with the command `uvicorn` by `--http offload.api.transport.connection:Connection`.
"""

import asyncio
import resource
import socket
import struct
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from offload.api.contract.problems import MEDIA_TYPE, problem_body
from offload.api.transport.fast_path import EXCHANGE
from offload.api.transport.security_headers import SAFE_HEADERS
from offload.errors import BadRequestError, HeadTooLargeError, HeadTooSlowError, ProblemError

HEAD_BYTES = 64 * 1024
"""Of a request line and headers, or between two pieces of a body (the extensions of chunks, trailers), beyond the first
piece that came. Servers commonly take 8 to 64 KiB."""

HEAD_S = 10.0
"""How long a new connection, or a head that has begun, may take until the head is there."""

STALL_S = 30.0
"""An answer of which nothing can be sent for so long is given up: what is not read is held in memory."""

UNSENT_BYTES = 128 << 10
"""What the kernel takes of an answer beyond what it may send now. Left to itself it takes megabytes for each client
that does not read: 1.5 GiB for 500 of them."""

RESERVED = 100
"""Descriptors that connections leave to the journal, the lanes and the files that are open for them. Without one, no
lane can be opened again."""

RESET = struct.pack("ii", 1, 0)
"""For `SO_LINGER`: what is not sent when the connection is closed is thrown away."""

LINGER_S = 1.0
LINGER_BYTES = 4 << 20
"""How long, and how much, a refused client may go on sending unheard. Closed at once, its connection would lose the
answer."""


class _Exchange:
    """Keeps `lean.Exchange`. A head and a body by one write are one system call and one segment, not two."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    def body(self) -> bytes | None:
        cycle = self._cycle
        return None if cycle.more_body else bytes(cycle.body)

    def answer(self, head: bytes, body: bytes) -> bool:
        """As the cycle's `send` does it, for an answer that needs no waiting."""
        cycle = self._cycle
        if cycle.response_started or cycle.disconnected or cycle.flow.write_paused:
            return False
        cycle.response_started = cycle.response_complete = True
        last = [b"%s: %s\r\n" % header for header in cycle.default_headers]
        if not cycle.keep_alive:
            last.append(b"connection: close\r\n")
        cycle.transport.write(b"".join((head, *last, b"\r\n", body)))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with these differences."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # whatever uvicorn hands in
        super().__init__(*args, **kwargs)
        self.ws_protocol_class = None  # there are no WebSockets here
        self._in_head = False
        self._bytes = 0
        """Since the last head that was whole, or the last piece of a body; once refused, since then."""
        self._refused = False
        self._deadline: asyncio.TimerHandle | None = None
        """Of the head."""
        self._stall: asyncio.TimerHandle | None = None
        self._unsent = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 2 * len(self.connections) + RESERVED > descriptors:  # each may have a file open besides
            transport.abort()
            return
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        self._taken()
        super().connection_lost(exc)

    # ---- heads ------------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._in_head, self._bytes = True, 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        self._bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._bytes = 0
        super().on_message_complete()

    def on_headers_complete(self) -> None:
        self._in_head, self._bytes = False, 0
        self._head_came()
        super().on_headers_complete()
        self.scope[EXCHANGE] = _Exchange(self.cycle)  # type: ignore[literal-required]  # an addition of this server
        if self.parser.should_upgrade():  # httptools reads no further request after one that asks for another protocol
            self.cycle.keep_alive = False

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._bytes += len(data)
            if self._bytes > LINGER_BYTES:
                self.transport.pause_reading()
            return
        if self._bytes > HEAD_BYTES:
            self._refuse(HeadTooLargeError(f"Request line, headers and trailers may have {HEAD_BYTES} bytes."))
            return
        self._bytes += len(data)
        super().data_received(data)
        if self._deadline is None and not self._answering():
            self._await_head()

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_S, self._head_is_late)

    def _head_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _head_is_late(self) -> None:
        if not self._in_head:
            self.transport.close()
        elif not self._refused:
            self._refuse(HeadTooSlowError(f"The head of a request must have arrived within {HEAD_S:g} s."))

    # ---- answers that nobody reads ----------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        super().pause_writing()
        self._taken()
        self._unsent = self.transport.get_write_buffer_size()
        self._stall = self.loop.call_later(STALL_S, self._check_stall)

    def resume_writing(self) -> None:
        self._taken()
        super().resume_writing()

    def _taken(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _check_stall(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        if unsent >= self._unsent:
            # Without this the kernel goes on keeping what it has, for a client that may never read it.
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.transport.abort()
            return
        self._unsent = unsent
        self._stall = self.loop.call_later(STALL_S, self._check_stall)

    # ---- what is no request -----------------------------------------------------------------------------------------

    def _unsupported_upgrade_warning(self) -> None:
        """That a client asks for a WebSocket is no news for the log."""

    def send_400_response(self, msg: str) -> None:
        self._refuse(BadRequestError(f"{msg} The service reads HTTP/1.1."))

    def _refuse(self, error: ProblemError) -> None:
        """Answers what can't be read. What came whole before is answered first, and then the connection ends."""
        self._refused, self._bytes = True, 0
        if self._answering():
            if not self.cycle.more_body:
                self.cycle.keep_alive = False
                return
            if self.cycle.response_started or self.pipeline:  # an answer now would be taken for a part of another
                self.transport.close()
                return
            self.cycle.disconnected = True  # its body is what can't be read; whoever waits for it need not
            self.cycle.message_event.set()
        body = problem_body(error, None)
        head = [
            b"HTTP/1.1 %d %s" % (error.status, HTTPStatus(error.status).phrase.encode()),
            b"content-type: " + MEDIA_TYPE.encode(),
            b"content-length: %d" % len(body),
            b"connection: close",
            *(b"%s: %s" % header for header in SAFE_HEADERS),
        ]
        self.transport.write(b"\r\n".join([*head, b"", body]))
        self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.close)
