"""Pauses between retries."""

from collections.abc import Iterator

MAX_PAUSE_S = 5.0


def pauses(first_s: float) -> Iterator[float]:
    """Yields the seconds to wait before each attempt: 0, `first_s`, then twice as long up to `MAX_PAUSE_S`."""
    yield 0.0
    while True:
        yield first_s
        first_s = min(2 * first_s, MAX_PAUSE_S)
