"""The system's clock, which implements `jobs.interfaces.Clock`."""

import time


def now() -> int:
    """Returns the microseconds since the epoch, UTC."""
    return time.time_ns() // 1000
