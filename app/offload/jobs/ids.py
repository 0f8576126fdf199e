"""Ids of jobs, batches and uploads: UUIDv7 (RFC 9562, 5.7), strictly increasing within this process."""

import secrets
import time
import uuid
from collections.abc import Callable, Iterator


def new_ids(time_ns: Callable[[], int] = time.time_ns) -> Callable[[], str]:
    """Return a function that makes ids.

    An id begins with 60 bits of time (milliseconds and a 12-bit fraction), so ids sort in the order they were made. If
    the clock stands still or goes backwards, the last time is counted up (RFC 9562, 6.2, method 3).
    """
    last = 0
    tails = _random_tails()

    def new_id() -> str:
        nonlocal last
        ms, ns = divmod(time_ns(), 1_000_000)
        last = max(last + 1, ms << 12 | (ns << 12) // 1_000_000)
        head = last >> 12 << 16 | 0x7000 | last & 0xFFF
        tail = 0b10 << 62 | next(tails)
        return str(uuid.UUID(int=head << 64 | tail))

    return new_id


def _random_tails() -> Iterator[int]:
    """Yield 62 random bits at a time. They are read for 256 ids together: at each read, another thread may run."""
    while True:
        block = secrets.token_bytes(8 * 256)
        yield from (int.from_bytes(block[at : at + 8], "big") >> 2 for at in range(0, len(block), 8))
