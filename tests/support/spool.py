"""Unfinished uploads of a server."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.server import Server
from tests.support.waiting import until_sync

REQUEST = b"POST /uploads HTTP/1.1\r\nHost: offload\r\nContent-Length: 10000000\r\n\r\n"


def parts(server: Server) -> list[Path]:
    """Returns the unfinished files in a server's data directory."""
    return list(server.data_dir.rglob("*.part"))


def arrived(server: Server) -> int:
    """Returns the bytes of all uploads in a server's data directory. An upload that is deleted meanwhile counts 0."""
    size = 0
    for file in (server.data_dir / "uploads").iterdir():
        with suppress(FileNotFoundError):
            size += file.stat().st_size
    return size


@contextmanager
def half_an_upload(server: Server) -> Iterator[socket.socket]:
    """Yields the connection of a client that has sent the first of ten megabytes and sends no more."""
    url = server.api.http.base_url
    with socket.create_connection((url.host, url.port or 80)) as client:
        client.sendall(REQUEST + bytes(1_000_000))
        until_sync(lambda: parts(server), what="an upload to begin")
        yield client
