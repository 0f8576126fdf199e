"""The nine digest algorithms of `file-digest`."""

import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import Literal, Protocol

Algorithm = Literal["sha256", "sha512", "sha3-256", "blake2b", "blake3", "sha1", "md5", "crc32", "xxh3-128"]

HEX_LENGTHS: Mapping[Algorithm, int] = {
    "sha256": 64,
    "sha512": 128,
    "sha3-256": 64,
    "blake2b": 128,
    "blake3": 64,
    "sha1": 40,
    "md5": 32,
    "crc32": 8,
    "xxh3-128": 32,
}
"""The number of hex digits of each digest."""


class Digest(Protocol):
    def update(self, data: memoryview, /) -> object: ...
    def hexdigest(self) -> str: ...


class Crc32:
    """CRC-32 as in zip and gzip, with the two methods of hashlib."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: memoryview, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


def new_digest(algorithm: Algorithm) -> Digest:
    """Return a new digest object."""
    return _MAKERS[algorithm]()


def _blake3() -> Digest:
    from blake3 import blake3  # noqa: PLC0415  # only lanes compute digests

    return blake3()


def _xxh3_128() -> Digest:
    from xxhash import xxh3_128  # noqa: PLC0415  # only lanes compute digests

    return xxh3_128()


# Without `usedforsecurity=False`, a FIPS build of OpenSSL rejects md5 and sha1.
_MAKERS: Mapping[Algorithm, Callable[[], Digest]] = {
    "sha256": lambda: hashlib.sha256(usedforsecurity=False),
    "sha512": lambda: hashlib.sha512(usedforsecurity=False),
    "sha3-256": lambda: hashlib.sha3_256(usedforsecurity=False),
    "blake2b": lambda: hashlib.blake2b(usedforsecurity=False),
    "blake3": _blake3,
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "crc32": Crc32,
    "xxh3-128": _xxh3_128,
}
