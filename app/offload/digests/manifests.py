"""Manifests of digests, as `sha256sum` and compatible tools write and read them. A name may be any bytes: no decoding.

    <hex>  name              GNU form (a `*` in place of the second blank: read in binary mode, the same here)
    SHA256 (name) = <hex>    BSD form, which `--tag` writes

A line that begins with a backslash has `\\\\`, `\\n` and `\\r` in its name for a backslash, a newline and a carriage
return. With `--zero` each line ends in a NUL byte instead, and no name is escaped.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from offload.digests.algorithms import HEX_LENGTHS, Algorithm

Form = Literal["gnu", "bsd"]

TAGS: Mapping[Algorithm, bytes] = {
    "sha256": b"SHA256",
    "sha512": b"SHA512",
    "sha3-256": b"SHA3-256",
    "blake2b": b"BLAKE2b",
    "blake3": b"BLAKE3",
    "sha1": b"SHA1",
    "md5": b"MD5",
    "crc32": b"CRC32",
    "xxh3-128": b"XXH128",
}
"""The names in the BSD form, as in coreutils' `cksum`, in `b3sum` and in `xxhsum`."""

_BY_TAG: Mapping[bytes, Algorithm] = {
    **{tag: algorithm for algorithm, tag in TAGS.items()},
    b"SHA2-256": "sha256",  # as OpenSSL 3 writes them
    b"SHA2-512": "sha512",
    b"BLAKE2B-512": "blake2b",
}

_BY_LENGTH: Mapping[int, Algorithm] = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512", 8: "crc32"}
"""The algorithm of an untagged digest with this many hex digits, unless the request names another."""

LONGEST_LINE = 16 * 1024
"""In bytes. A path has at most 4096, each of which may be escaped. Matching a line of 16 MiB would hold the GIL."""

_TAG = re.compile(rb"([A-Za-z0-9-]++) ?\(")
_HEX = re.compile(rb"[0-9A-Fa-f]++")
_UNTAGGED = re.compile(rb"([0-9A-Fa-f]++)[ \t](.++)", re.DOTALL)
_LINE = re.compile(rb"([^\n]*+)\n?", re.DOTALL)
_ZERO_LINE = re.compile(rb"([^\0]*+)\0?", re.DOTALL)
_ESCAPE = re.compile(rb"\\(.?)", re.DOTALL)
_ESCAPED = {b"\\": b"\\\\", b"\n": b"\\n", b"\r": b"\\r"}
_MEANT = {b"\\": b"\\", b"n": b"\n", b"r": b"\r"}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a manifest: a file and its expected digest."""

    name: bytes
    algorithm: Algorithm
    digest: str
    """In lower-case hex."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a manifest."""

    entries: Sequence[Entry]
    improper: Sequence[int]
    """The numbers, from 1, of the lines that can't be read."""


class TooManyLinesError(Exception):
    """The manifest has too many lines."""


def write_entry(entry: Entry, form: Form = "gnu", *, zero: bool = False) -> bytes:
    """Return a line with its end. A file named `-`, which the tools read as standard input, is written as `./-`."""
    plain = b"./-" if entry.name == b"-" else entry.name
    escape, name = (b"", plain) if zero else escaped(plain)
    digest = entry.digest.encode()
    line = digest + b"  " + name if form == "gnu" else b"%s (%s) = %s" % (TAGS[entry.algorithm], name, digest)
    return escape + line + (b"\0" if zero else b"\n")


def escaped(name: bytes) -> tuple[bytes, bytes]:
    """Return the prefix of a line with this name (empty if it needs no escape), and the name without line ends."""
    safe = re.sub(rb"[\\\n\r]", lambda found: _ESCAPED[found[0]], name)
    return b"" if safe == name else b"\\", safe


def read_manifest(body: bytes, algorithm: Algorithm | None = None, *, most: int) -> Manifest:
    """Read a manifest in any of the forms, which may be mixed. `algorithm` is that of the lines without a tag.

    The rules are those of `sha256sum -c`: blank lines and lines that begin with `#` are skipped; a carriage return
    before the line's end belongs to the end. Also accepted, unlike there: a byte order mark, the tags of OpenSSL, and
    NUL at the end of lines. Raises `TooManyLinesError` beyond `most` lines with content, or ten times as many in all:
    sixteen million empty lines would take seconds.
    """
    zero = b"\0" in body
    reader = _Reader(algorithm, zero=zero)
    entries: list[Entry] = []
    improper: list[int] = []
    for number, line in _lines(body.removeprefix(_BYTE_ORDER_MARK), zero=zero):
        if number > 10 * most or (line and len(entries) + len(improper) == most):
            raise TooManyLinesError
        if not line:
            continue
        entry = reader.read(line) if len(line) <= LONGEST_LINE else None
        if entry is None:
            improper.append(number)
        else:
            entries.append(entry)
    return Manifest(entries, improper)


def _lines(body: bytes, *, zero: bool) -> Iterator[tuple[int, bytes]]:
    """Yield the lines one at a time, with their numbers. A comment is yielded as an empty line."""
    for number, found in enumerate((_ZERO_LINE if zero else _LINE).finditer(body), 1):
        if found.start() == len(body):  # there is no line after the last end
            return
        line = found[1] if zero else found[1].removesuffix(b"\r")
        yield number, b"" if line.startswith(b"#") else line


class _Reader:
    """Reads the lines of one manifest. The first untagged line decides the form of the others."""

    def __init__(self, algorithm: Algorithm | None, *, zero: bool) -> None:
        self._algorithm = algorithm
        self._zero = zero
        self._reversed: bool | None = None
        """True if a single blank separates digest and name, as in BSD's `md5 -r`. As in coreutils, the forms with one
        and two blanks can't be mixed: a name could gain or lose a leading blank."""

    def read(self, line: bytes) -> Entry | None:
        """Return the entry of a line; None if the line is not properly formatted."""
        line = line.lstrip(b" \t")
        escape = line.startswith(b"\\")
        if escape:
            if self._zero:
                return None
            line = line[1:]
        if tagged := _tagged(line):
            tag, name, digest = tagged
            algorithm = _BY_TAG.get(tag)
        elif untagged := _UNTAGGED.fullmatch(line):
            digest, rest = untagged.groups()
            algorithm = self._algorithm or _BY_LENGTH.get(len(digest))
            if algorithm is None or len(digest) != HEX_LENGTHS[algorithm]:
                return None
            name = self._name(rest)
        else:
            return None
        name = _unescaped(name) if escape else name
        if not name or algorithm is None or len(digest) != HEX_LENGTHS[algorithm]:
            return None
        return Entry(name, algorithm, digest.decode().lower())

    def _name(self, rest: bytes) -> bytes:
        """Return the name in what follows a digest and a blank; empty if the form differs from earlier lines."""
        if len(rest) == 1 or rest[:1] not in {b" ", b"*"}:
            if self._reversed is False:
                return b""
            self._reversed = True
            return rest.removeprefix(b" ") if len(rest) == 1 else rest
        if self._reversed:
            return rest
        self._reversed = False
        return rest[1:]


def _tagged(line: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Return tag, name and digest of a line in the BSD form, else None. The name ends with the last `)` before `=`."""
    tag = _TAG.match(line)
    before, equals, digest = line.rpartition(b"=")
    name, bracket, blank = before.rpartition(b")")
    digest = digest.lstrip(b" \t")
    if not tag or not equals or not bracket or blank.strip(b" \t") or not _HEX.fullmatch(digest):
        return None
    return (tag[1], name[tag.end() :], digest) if len(name) > tag.end() else None


def _unescaped(name: bytes) -> bytes:
    """Return the name without escapes; empty if an escape is invalid."""
    if any(found[1] not in _MEANT for found in _ESCAPE.finditer(name)):
        return b""
    return _ESCAPE.sub(lambda found: _MEANT[found[1]], name)
