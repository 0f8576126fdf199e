"""`Content-Digest` and `Repr-Digest` (RFC 9530) of what a client sends."""

import base64
import binascii
import hashlib
import re
from typing import NamedTuple

from starlette.datastructures import Headers

from offload.errors import DigestMismatchError, InvalidParametersError

ALGORITHMS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
"""Those of the RFC's registry that are not deprecated."""

FIELDS = ("Content-Digest", "Repr-Digest")
"""Both cover the same bytes here: a request's body is a whole representation."""

_MEMBER = re.compile(r"\s*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/=]*):\s*(?:;[^,]*)?", re.ASCII)
"""A member of a structured dictionary (RFC 8941) whose value is a byte sequence."""


class Claim(NamedTuple):
    """What a header says that a digest is."""

    field: str
    algorithm: str
    digest: bytes


class BodyDigests:
    """Computes, of a body that passes by, the digests that its headers claim."""

    def __init__(self, headers: Headers) -> None:
        """Raises `InvalidParametersError` where a header can't be read. Unknown algorithms are ignored."""
        self._claims = [claim for field in FIELDS for claim in _claims(field, ",".join(headers.getlist(field)))]
        self._running = {claim.algorithm: ALGORITHMS[claim.algorithm]() for claim in self._claims}

    def update(self, chunk: bytes) -> None:
        """Takes the next bytes of the body."""
        for running in self._running.values():
            running.update(chunk)

    def verify(self) -> None:
        """To be called at the body's end. Raises `DigestMismatchError`."""
        for claim in self._claims:
            found = self._running[claim.algorithm].digest()
            if found != claim.digest:
                raise DigestMismatchError(
                    f"{claim.field} says {claim.algorithm}={_encode(claim.digest)}, but what arrived has "
                    f"{_encode(found)}. Nothing was kept."
                )


def _claims(field: str, value: str) -> list[Claim]:
    if not value.strip():
        return []
    matches = [_MEMBER.fullmatch(member) for member in value.split(",")]
    claims = []
    for match in matches:
        if match is None:
            raise _malformed(field)
        algorithm, text = match.groups()
        if algorithm in ALGORITHMS:
            claims.append(Claim(field, algorithm, _decode(field, algorithm, text)))
    return claims


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
    msg = f"{field} must look like sha-256=:BASE64: with a whole digest (RFC 9530)"
    return InvalidParametersError(msg + ".", errors=[{"loc": ["header", field.lower()], "msg": msg}])
