"""`Range: bytes=…` (RFC 9110, 14): one range of a result, or all of it."""

import re
from typing import NamedTuple

from offload.errors import RangeNotSatisfiableError

_ONE_RANGE = re.compile(r"bytes=\s*+([0-9]*+)-([0-9]*+)\s*+", re.ASCII | re.IGNORECASE)


class Part(NamedTuple):
    """Bytes from `start` up to, but not including, `end`."""

    start: int
    end: int


def wanted(header: str | None, if_range: str | None, tag: str, size: int) -> Part | None:
    """Returns the requested part of `size` bytes; None for all of them.

    Several ranges, other units, malformed ranges and a range of another version (`If-Range`) select everything, as the
    RFC allows. Raises `RangeNotSatisfiableError`.
    """
    if header is None or (if_range is not None and if_range.strip() != tag):
        return None
    match = _ONE_RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = (_number(text) for text in match.groups())
    if first is None:
        start, end = max(0, size - (last or 0)), size
    else:
        start, end = first, size if last is None else min(last + 1, size)
        if last is not None and last < first:
            return None
    if start >= size:
        raise RangeNotSatisfiableError(
            f"The result has {size} bytes; {header[:100]!r} is outside.", headers={"Content-Range": f"bytes */{size}"}
        )
    return Part(start, end)


def _number(digits: str) -> int | None:
    """Parses digits. More than 19 are cut: such a number is beyond any size."""
    return int(digits[:19]) if digits else None
