"""One HTTP connection, with limits on heads and slow clients, and with problem documents for malformed requests.

uvicorn's httptools protocol accepts a head of any size: 200 MiB of one header took 52 s of the event loop and as much
memory. It also limits neither the time that a head takes nor the time for which a client reads nothing. `offload serve`
uses this protocol; with the command `uvicorn`, use `--http offload.api.transport.connection:Connection`.
"""

import asyncio
import resource
import socket
import struct
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from offload.api.contract.problems import MEDIA_TYPE, problem_body
from offload.api.transport.fast_path import EXCHANGE
from offload.api.transport.framing import body_length
from offload.api.transport.security_headers import SECURITY_HEADERS
from offload.errors import BadRequestError, HeadTooLargeError, HeadTooSlowError, ProblemError

HEAD_BYTES = 64 * 1024
"""Limit for the request line and headers, and for chunk extensions and trailers, beyond the first piece that arrived.
Other servers allow 8 to 64 KiB."""

HEAD_S = 10.0
"""Time limit for a head, from the connection or from its first byte."""

STALL_S = 30.0
"""A response is dropped when nothing of it could be sent for so long: unread bytes are held in memory."""

UNSENT_BYTES = 128 << 10
"""Limit for the bytes that the kernel buffers without sending them. Its default is megabytes for each client that reads
nothing: 1.5 GiB for 500 of them."""

RESERVED = 100
"""File descriptors that connections leave for the journal, two lanes and open files. `offload serve` adapts it."""

RESET = struct.pack("ii", 1, 0)
"""For `SO_LINGER`: closing the connection discards unsent bytes."""

HEAD_END = b"\r\n\r\n"

CHUNKED_PART_BYTES = 1024
"""A chunked body is parsed in parts of this size, since its end is unknown. About forty requests fit into one part."""

LINGER_S = 1.0
LINGER_BYTES = 4 << 20
"""How long, and how much, a rejected client may continue to send. An immediate close would lose the response."""


class _Exchange:
    """Implements `fast_path.Exchange`. Head and body in one write are one system call and one segment, not two."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    def body(self) -> bytes | None:
        cycle = self._cycle
        return None if cycle.more_body else bytes(cycle.body)

    def respond(self, head: bytes, body: bytes) -> bool:
        """Does what the cycle's `send` does, for a response that is complete."""
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
    """uvicorn's protocol with the limits of this module."""

    reserved: ClassVar[int] = RESERVED

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # the arguments of uvicorn
        super().__init__(*args, **kwargs)
        self.ws_protocol_class = None  # there are no WebSockets here
        self._in_head = False
        self._bytes = 0
        """Received since the last complete head or piece of a body; after a rejection, since then."""
        self._rejected = False
        self._deadline: asyncio.TimerHandle | None = None
        """Timer for the head."""
        self._stall: asyncio.TimerHandle | None = None
        self._unsent = 0
        self._unparsed = b""
        """Received and not parsed yet: at most what one read returns, and three bytes."""
        self._body_left: int | None = 0
        """Bytes of the current request's body that are still to come; None for a chunked body."""
        self._error: ProblemError | None = None
        """Why the head is rejected that the parser accepted."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 2 * len(self.connections) + self.reserved > descriptors:  # each connection may also have a file open
            transport.abort()
            return
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_head_timer()
        self._cancel_stall_timer()
        super().connection_lost(exc)

    # ---- heads ------------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._in_head, self._bytes = True, 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        self._bytes = 0
        if self._body_left is not None:
            self._body_left -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._bytes, self._body_left = 0, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._parse()

    def on_headers_complete(self) -> None:
        self._in_head, self._bytes = False, 0
        self._cancel_head_timer()
        try:
            self._body_left = body_length(self.headers, self.parser.get_http_version())
        except ProblemError as error:
            self._error = error
            raise  # the parser stops, and reports an invalid request
        super().on_headers_complete()
        self.scope[EXCHANGE] = _Exchange(self.cycle)  # type: ignore[literal-required]  # a key of our own
        if self.parser.should_upgrade():  # httptools parses no further request after an upgrade
            self.cycle.keep_alive = False

    def data_received(self, data: bytes) -> None:
        if self._rejected:
            self._bytes += len(data)
            if self._bytes > LINGER_BYTES:
                self.transport.pause_reading()
            return
        self._unparsed += data
        self._parse()
        if self._deadline is None and not self._responding():
            self._start_head_timer()

    def _parse(self) -> None:
        """Parses what was received up to the end of one request; the rest stays unread until its response is complete.

        uvicorn creates a request object for every request that arrives. A client that sent 25 MB of requests and read
        no response took 1.8 GiB.
        """
        begin = 0
        while begin < len(self._unparsed) and not self._rejected and not self.transport.is_closing():
            if self._responding() and not self.cycle.more_body:
                self.flow.pause_reading()
                break
            if self._bytes > HEAD_BYTES:
                message = f"Request line, headers and trailers may have at most {HEAD_BYTES} bytes."
                self._reject(HeadTooLargeError(message))
                break
            end = self._request_end(begin)
            if end == begin:
                break
            part = self._unparsed[begin:end]
            begin += len(part)
            self._bytes += len(part)
            super().data_received(part)
        self._unparsed = self._unparsed[begin:]

    def _request_end(self, begin: int) -> int:
        """Returns up to where the unparsed bytes from `begin` on certainly belong to the current request."""
        if self._body_left is None:
            return begin + CHUNKED_PART_BYTES
        if self._body_left:
            return begin + self._body_left
        end = self._unparsed.find(HEAD_END, begin)
        if end >= 0:
            return end + len(HEAD_END)
        started = next(size for size in (3, 2, 1, 0) if self._unparsed.endswith(HEAD_END[:size], begin))
        return len(self._unparsed) - started

    def _responding(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_head_timer(self) -> None:
        self._deadline = self.loop.call_later(HEAD_S, self._head_timed_out)

    def _cancel_head_timer(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _head_timed_out(self) -> None:
        if not self._in_head:
            self.transport.close()
        elif not self._rejected:
            self._reject(HeadTooSlowError(f"The head of a request must arrive within {HEAD_S:g} s."))

    # ---- clients that read nothing ----------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        super().pause_writing()
        self._cancel_stall_timer()
        self._unsent = self.transport.get_write_buffer_size()
        self._stall = self.loop.call_later(STALL_S, self._check_stall)

    def resume_writing(self) -> None:
        self._cancel_stall_timer()
        super().resume_writing()

    def _cancel_stall_timer(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _check_stall(self) -> None:
        unsent = self.transport.get_write_buffer_size()
        if unsent >= self._unsent:
            # Otherwise the kernel keeps its buffer for a client that may never read it.
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.transport.abort()
            return
        self._unsent = unsent
        self._stall = self.loop.call_later(STALL_S, self._check_stall)

    # ---- malformed requests -----------------------------------------------------------------------------------------

    def _unsupported_upgrade_warning(self) -> None:
        """Logs nothing: requests for WebSockets are not worth a warning."""

    def send_400_response(self, msg: str) -> None:
        self._reject(self._error or BadRequestError(f"{msg} The service speaks HTTP/1.1."))

    def _reject(self, error: ProblemError) -> None:
        """Responds to a malformed request and closes the connection. Complete requests before it are handled first."""
        self._rejected, self._bytes = True, 0
        if self._responding():
            if not self.cycle.more_body:
                self.cycle.keep_alive = False
                return
            if self.cycle.response_started or self.pipeline:  # a response now would look like a part of another one
                self.transport.close()
                return
            self.cycle.disconnected = True  # its body is malformed: end whatever waits for it
            self.cycle.message_event.set()
        body = problem_body(error, None)
        head = [
            b"HTTP/1.1 %d %s" % (error.status, HTTPStatus(error.status).phrase.encode()),
            b"content-type: " + MEDIA_TYPE.encode(),
            b"content-length: %d" % len(body),
            b"connection: close",
            *(b"%s: %s" % header for header in SECURITY_HEADERS),
        ]
        self.transport.write(b"\r\n".join([*head, b"", body]))
        self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.close)
