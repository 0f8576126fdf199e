"""Uploads that a server is in the middle of."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.server import Server
from tests.support.waiting import until_sync

REQUEST = b"POST /uploads HTTP/1.1\r\nHost: offload\r\nContent-Length: 10000000\r\n\r\n"


def parts(server: Server) -> list[Path]:
    """The unfinished files in a server's data directory."""
    return list(server.data_dir.rglob("*.part"))


@contextmanager
def half_an_upload(server: Server) -> Iterator[socket.socket]:
    """While entered, a client has sent the first of ten megabytes and sends no more: its connection."""
    url = server.api.http.base_url
    with socket.create_connection((url.host, url.port or 80)) as client:
        client.sendall(REQUEST + bytes(1_000_000))
        until_sync(lambda: parts(server), what="an upload to begin")
        yield client
