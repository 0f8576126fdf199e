"""A server whose responses a test writes byte by byte, so that it can send what no service would."""

import contextlib
import json
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

CUT = b""
"""No response: the connection is closed after the request was received."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A request."""

    line: str
    """`GET /jobs HTTP/1.1`"""
    headers: dict[str, str]
    """By lower-case names."""
    body: bytes


def response(
    body: bytes, *, status: str = "200 OK", content_type: str = "application/json", missing: int = 0, head: str = ""
) -> bytes:
    """Return a response. `missing`: by how many bytes the announced length is longer than the body."""
    length = len(body) + missing
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {length}", "Connection: close"]
    return "\r\n".join([*lines, *([head] if head else []), "", ""]).encode() + body


def chunked(*chunks: bytes, content_type: str = "application/json", end: bool = True) -> bytes:
    """Return a response of unknown length. Without its `end`, the client can't know that it is complete."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    body = b"".join(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
    return head + body + (b"0\r\n\r\n" if end else b"")


def problem(status: str, kind: str = "some-kind", *, retry_after: int | None = None) -> bytes:
    """Return a problem document, as the service sends it."""
    body = json.dumps({"type": f"/problems/{kind}", "title": "A title", "detail": "A detail."}).encode()
    head = "" if retry_after is None else f"Retry-After: {retry_after}"
    return response(body, status=status, content_type="application/problem+json", head=head)


def page(status: str) -> bytes:
    """Return a web page, as proxies and other services send it."""
    return response(b"<!doctype html><title>Some page</title>", status=status, content_type="text/html")


class ScriptedService:
    """Sends one response of the script for each connection, and closes it. After the last, it refuses connections."""

    def __init__(self, *script: bytes, listening: bool = True) -> None:
        self.requests: list[Received] = []
        self._script: Sequence[bytes] = script
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        if listening:
            self.listen()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def listen(self) -> None:
        """Accept connections from now on."""
        self._socket.listen()
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        with contextlib.suppress(OSError):  # already closed
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the test is over, or the client has closed the connection
            for answer in self._script:
                connection, _ = self._socket.accept()
                with connection:
                    self.requests.append(_receive(connection))
                    connection.sendall(answer)
            self._socket.shutdown(socket.SHUT_RDWR)


def _receive(connection: socket.socket) -> Received:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    return Received(line=line, headers=headers, body=body)
