"""How long to wait between tries of something that fails for a while."""

from collections.abc import Iterator

LONGEST_S = 5.0


def pauses(first_s: float) -> Iterator[float]:
    """Seconds to wait before each try: none before the first, then `first_s`, then twice as long each time."""
    yield 0.0
    while True:
        yield first_s
        first_s = min(2 * first_s, LONGEST_S)
