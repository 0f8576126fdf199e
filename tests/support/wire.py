"""Raw bytes to the service and back, for what no well-behaved client would send."""

import contextlib
import json
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.server import Server

PATIENCE_S = 15.0
"""How long a read may take. Past it the service has hung up on nobody, and the test fails."""


@dataclass(frozen=True)
class Answer:
    """One answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # whatever the service sends
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        """What it says that went wrong: the last part of the problem's type."""
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
    """All that some bytes are answered with, until the service closes the connection."""
    with connected(server) as client:
        with contextlib.suppress(ConnectionError):  # it was closed before all had been sent
            for piece in [sent] if isinstance(sent, bytes) else sent:
                client.sendall(piece)
        return rest(client)


def rest(client: socket.socket) -> bytes:
    """What comes until the service closes the connection."""
    answer = bytearray()
    with contextlib.suppress(ConnectionResetError):  # what had not been read is lost with the connection
        while piece := client.recv(65536):
            answer += piece
    return bytes(answer)


def answers(raw: bytes) -> list[Answer]:
    """The answers in what came, each with its Content-Length or chunks. Fails where something else is between them."""
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
    """The one answer that must have come."""
    (answer,) = answers(raw)
    return answer


def request(line: str, *headers: str, body: bytes = b"", host: str = "127.0.0.1") -> bytes:
    """A request with these headers after its Host, and no others."""
    return "\r\n".join([f"{line} HTTP/1.1", f"Host: {host}", *headers, "", ""]).encode("latin-1") + body
