"""One HTTP connection: what can't be read as a request is told as a problem, too, and a head has a limit.

uvicorn's httptools takes a head of any size, piece by piece: 200 MiB of one header took 52 s of the event loop and all
of them in memory. Used by `offload serve`; whoever runs `app.main:app` under another server has that server's limits.
"""

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.api.problems import MEDIA_TYPE, problem_body
from app.errors import BadRequestError, HeadTooLargeError, ProblemError

HEAD_BYTES = 64 * 1024
"""Of a request line and headers, beyond the first piece that came. Servers commonly take 8 to 64 KiB."""

LINGER_S = 1.0
"""How long a refused client may go on sending unheard. Closed at once, its connection would lose the answer."""


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with these two differences."""

    _head_bytes: int | None = None
    """Of the head that is being read; None between heads."""
    _refused = False

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(HeadTooLargeError(f"The request line and headers may have {HEAD_BYTES} bytes."))
                return
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        self._refuse(BadRequestError(f"{msg} The service reads HTTP/1.1."))

    def _refuse(self, error: ProblemError) -> None:
        self._refused = True
        body = problem_body(error, None)
        head = (
            f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\n"
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.loop.call_later(LINGER_S, self.transport.close)
