"""`Content-Digest` and `Repr-Digest` (RFC 9530) of a request."""

import base64
import binascii
import hashlib
import re
from typing import NamedTuple

from starlette.datastructures import Headers

from offload.errors import DigestMismatchError, InvalidParametersError

ALGORITHMS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
"""The algorithms of the RFC's registry that are not deprecated."""

FIELDS = ("Content-Digest", "Repr-Digest")
"""Both cover the same bytes: the body of a request is a whole representation."""

_MEMBER = re.compile(r"\s*+([a-z*][a-z0-9_.*-]*+)=:([A-Za-z0-9+/=]*+):\s*+(?:;[^,]*+)?", re.ASCII)
"""A member of a structured dictionary (RFC 8941) whose value is a byte sequence."""


class ExpectedDigest(NamedTuple):
    """A digest in a header."""

    field: str
    algorithm: str
    digest: bytes


class BodyDigests:
    """Computes the digests in the headers while the body arrives."""

    def __init__(self, headers: Headers) -> None:
        """Raises `InvalidParametersError` for a malformed header. Unknown algorithms are ignored."""
        self._expected = [one for field in FIELDS for one in _parse(field, ",".join(headers.getlist(field)))]
        self._running = {one.algorithm: ALGORITHMS[one.algorithm]() for one in self._expected}

    def update(self, chunk: bytes) -> None:
        """Adds the next bytes of the body."""
        for running in self._running.values():
            running.update(chunk)

    def verify(self) -> None:
        """Call this at the end of the body. Raises `DigestMismatchError`."""
        for expected in self._expected:
            found = self._running[expected.algorithm].digest()
            if found != expected.digest:
                raise DigestMismatchError(
                    f"{expected.field} is {expected.algorithm}={_encode(expected.digest)}, but the received body has "
                    f"{_encode(found)}. Nothing was kept."
                )


def _parse(field: str, value: str) -> list[ExpectedDigest]:
    if not value.strip():
        return []
    matches = [_MEMBER.fullmatch(member) for member in value.split(",")]
    expected = []
    for match in matches:
        if match is None:
            raise _malformed(field)
        algorithm, text = match.groups()
        if algorithm in ALGORITHMS:
            expected.append(ExpectedDigest(field, algorithm, _decode(field, algorithm, text)))
    return expected


def _decode(field: str, algorithm: str, text: str) -> bytes:
    try:
        digest = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise _malformed(field) from None
    if len(digest) != ALGORITHMS[algorithm]().digest_size:
        raise _malformed(field)
    return digest


def _encode(digest: bytes) -> str:
    return f":{base64.b64encode(digest).decode()}:"


def _malformed(field: str) -> InvalidParametersError:
    msg = f"{field} must have the form sha-256=:BASE64: with a whole digest (RFC 9530)"
    return InvalidParametersError(msg + ".", errors=[{"loc": ["header", field.lower()], "msg": msg}])
