"""Raw bytes to the service and back, for requests that an HTTP library would not send."""

import contextlib
import json
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.server import Server

PATIENCE_S = 15.0
"""The longest time for a read. After it the test fails: the service has not closed the connection."""


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # any JSON
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """The last part of the problem's type."""
        assert self.headers["content-type"] == "application/problem+json", self
        kind: str = self.json["type"].removeprefix("/problems/")
        return kind


@contextlib.contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    """A connection to the service."""
    url = server.api.http.base_url
    with socket.create_connection((url.host, url.port or 80), timeout=PATIENCE_S) as client:
        yield client


def exchange(server: Server, sent: bytes | Iterable[bytes]) -> bytes:
    """Sends bytes, and returns all bytes until the service closes the connection."""
    with connected(server) as client:
        with contextlib.suppress(ConnectionError):  # the connection was closed before the end of the request
            for piece in [sent] if isinstance(sent, bytes) else sent:
                client.sendall(piece)
        return rest(client)


def rest(client: socket.socket) -> bytes:
    """Returns all bytes until the service closes the connection."""
    answer = bytearray()
    with contextlib.suppress(ConnectionResetError):  # unread bytes are lost with the connection
        while piece := client.recv(65536):
            answer += piece
    return bytes(answer)


def answers(raw: bytes) -> list[Answer]:
    """Parses responses with Content-Length or chunks. Fails if there are other bytes between them."""
    found = []
    while raw:
        head, blank, raw = raw.partition(b"\r\n\r\n")
        assert blank, f"no whole head: {head[:500]!r}"
        line, *fields = head.decode("latin-1").split("\r\n")
        version, status, *_ = line.split(" ")
        assert version == "HTTP/1.1", line
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        if status == "100":
            continue
        assert "transfer-encoding" not in headers, "read streams otherwise"
        length = int(headers.get("content-length", "0"))
        assert len(raw) >= length, f"{len(raw)} bytes of {length}"
        found.append(Answer(int(status), headers, raw[:length]))
        raw = raw[length:]
    return found


def only(raw: bytes) -> Answer:
    """Returns the response, which must be the only one."""
    (answer,) = answers(raw)
    return answer


def request(line: str, *headers: str, body: bytes = b"", host: str = "127.0.0.1") -> bytes:
    """Returns a request with Host and these headers only."""
    return "\r\n".join([f"{line} HTTP/1.1", f"Host: {host}", *headers, "", ""]).encode("latin-1") + body
