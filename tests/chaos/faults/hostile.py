"""Clients that want to harm the service: requests that nobody reads, and headers that are slow to parse."""

import contextlib
import socket
import time

from tests.chaos.service import ChaosServer
from tests.support.wire import connected, exchange, request

MOST_BYTES = 25_000_000
STUCK_S = 0.5
"""A connection that takes nothing for so long is stuck."""

READS_FOR_S = 3.0
"""The longest time for which a client sends."""

_FORM = "Content-Type: multipart/form-data; boundary=b"
_RAW = "Content-Type: application/octet-stream"
_CLOSE = "Connection: close"

DISPOSITIONS = {
    "semicolons": 'a="' + ";" * 62_000,
    "filename*9": "filename*" + "9" * 5000 + "*=x",
    "idna": "filename*=idna'en'" + "a" * 5000,
    "undefined": "filename*=undefined'en'41",
}


def _upload(parameters: str) -> bytes:
    headers = (f"Content-Disposition: attachment; {parameters}", _RAW, "Content-Length: 1", _CLOSE)
    return request("POST /uploads", *headers, body=b"x")


def _form(parameters: str) -> bytes:
    part = f'--b\r\nContent-Disposition: form-data; name="file"; {parameters}\r\n\r\nx\r\n--b--\r\n'
    body = part.encode("latin-1")
    return request("POST /uploads", _FORM, f"Content-Length: {len(body)}", _CLOSE, body=body)


HOSTILE = {
    "Prefer": request("GET /jobs", 'Prefer: a="' + '\\"' * 32_000, _CLOSE),
    "Range": request("GET /jobs", "Range: bytes=" + "0-1," * 15_000, _CLOSE),
    "Accept": request("GET /jobs", "Accept: " + "a/b;" * 15_000, _CLOSE),
    "If-None-Match": request("GET /jobs", "If-None-Match: " + '"' * 60_000, _CLOSE),
    **{f"header, {name}": _upload(parameters) for name, parameters in DISPOSITIONS.items()},
    **{f"form, {name}": _form(parameters) for name, parameters in DISPOSITIONS.items()},
    "no Host": b"GET /jobs HTTP/1.1\r\nConnection: close\r\n\r\n",
    "gzip, chunked": request("POST /jobs/greet", "Transfer-Encoding: gzip, chunked", _CLOSE, body=b"0\r\n\r\n"),
}
"""Each request by the name that a failed check gets."""


def read_nothing(server: ChaosServer) -> int:
    """Sends requests without end and reads nothing, until the service takes no more. Returns the bytes it has taken."""
    portion, sent = request("GET /jobs") * 500, 0
    with contextlib.suppress(OSError), connected(server) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(STUCK_S)
        end = time.monotonic() + READS_FOR_S
        while sent < MOST_BYTES and time.monotonic() < end:
            sent += client.send(portion[sent % len(portion) :])
    return sent


def send_hostile_headers(server: ChaosServer) -> tuple[int, list[str]]:
    """Returns how many requests were answered, and a sentence for each answer that is a fault of the service."""
    answered, broken = 0, []
    for name, sent in HOSTILE.items():
        raw = b""
        with contextlib.suppress(OSError):
            raw = exchange(server, sent)
        if raw.startswith(b"HTTP/1.1 "):
            answered += 1
            if (status := raw[9:12]) == b"500":
                broken.append(f"hostile headers ({name}) were answered with {status.decode()}")
    return answered, broken
