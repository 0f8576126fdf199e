"""Where a request ends, by its head (RFC 9112, 3.2 and 6). Two servers must never read this in two ways.

A proxy that takes another view of a request's end would pass on a second request that it has not checked. The parser
rejects ambiguous values of `Content-Length`, and both `Content-Length` and `Transfer-Encoding` in one head. This module
rejects what the parser accepts.
"""

import re
from collections.abc import Iterable

from offload.errors import BadRequestError, TransferCodingError

VERSIONS = frozenset({"1.0", "1.1"})

_HOST = re.compile(rb"[\w.~!$&'()*+,;=%:\[\]-]*+", re.ASCII)
"""The characters of `uri-host [":" port]` (RFC 3986, 3.2.2)."""


def body_length(headers: Iterable[tuple[bytes, bytes]], version: str) -> int | None:
    """Returns the size of a request's body in bytes; None for a chunked body. The parser has checked the lengths.

    Raises `BadRequestError` and `TransferCodingError`.
    """
    length, codings, hosts = 0, 0, 0
    for name, value in headers:
        if name == b"host":
            hosts += 1
            if not _HOST.fullmatch(value):
                raise BadRequestError("The Host is not a name or an address, with or without a port.")
        elif name == b"content-length":
            length = int(value)
        elif name == b"transfer-encoding":
            codings += 1
            _check_coding(value)
    if version not in VERSIONS:
        raise BadRequestError(f"HTTP/{version} is not supported. The service speaks HTTP/1.1.")
    if hosts != 1 and (hosts or version != "1.0"):
        raise BadRequestError(f"The request has {hosts} Host headers; HTTP/1.1 requires exactly one.")
    if codings > (version != "1.0"):
        raise BadRequestError("Transfer-Encoding may be given once, and only in HTTP/1.1.")
    return None if codings else length


def _check_coding(value: bytes) -> None:
    *others, last = (coding.strip() for coding in value.lower().split(b","))
    if last != b"chunked":
        raise BadRequestError("Transfer-Encoding must end with chunked: otherwise the body has no end.")
    if others:
        raise TransferCodingError("The only Transfer-Encoding here is chunked. Send the body without another.")
