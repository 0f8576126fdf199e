"""The system's clock, which implements `jobs.interfaces.Clock`, and a clock for what a wrong time must not delete."""

import time
from collections.abc import Callable

LEAP_S = 600
"""A jump forward of at most this length counts at once. It is also how much too early something may expire."""

SETTLED_S = 3600
"""A longer jump forward counts when the clock has stayed there for so long."""


def now() -> int:
    """Returns the microseconds since the epoch, UTC."""
    return time.time_ns() // 1000


def steady() -> int:
    """Returns the microseconds since the machine has started, suspended or not. Never jumps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


class SettledClock:
    """A clock that follows a jump forward only after it has lasted, and everything else at once.

    A clock that is a year ahead for a minute, as with a wrong NTP server or a flat battery, would end the retention of
    all that the service keeps. A laptop that was suspended has not jumped: the steady clock has advanced as well.
    """

    def __init__(
        self, seen: int | None = None, *, clock: Callable[[], int] = now, steady: Callable[[], int] = steady
    ) -> None:
        """`seen` is a time that has certainly passed, such as that of the newest record; None trusts the clock."""
        self._clock = clock
        self._steady = steady
        self._read_at = steady()
        self._time = clock() if seen is None else seen
        """The time at the last reading."""
        self._jump: tuple[int, int] | None = None
        """A jump that has not settled: its length, and the steady time at which it was noticed."""

    def __call__(self) -> int:
        """Returns the microseconds since the epoch, UTC: the time of the clock, or an earlier one."""
        wall, steady = self._clock(), self._steady()
        expected = self._time + steady - self._read_at
        ahead = wall - expected
        if self._jump is None or abs(self._jump[0] - ahead) > LEAP_S * 1_000_000:
            self._jump = ahead, steady
        if ahead <= LEAP_S * 1_000_000 or steady - self._jump[1] >= SETTLED_S * 1_000_000:
            self._jump = None
            self._time = wall
        else:
            self._time = expected
        self._read_at = steady
        return self._time
