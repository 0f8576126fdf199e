"""How long a client goes on trying, and how it paces itself."""

import random
import time
from dataclasses import dataclass

from offload.client.errors import RefusedError, UnreachableError

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0

UNMET_S = 1.0

FULL = frozenset({"queue-full", "quota-exceeded"})
"""Kinds of problems that end when jobs do."""


@dataclass(kw_only=True)
class Service:
    """The service at an address, as one client knows it."""

    url: str
    timeout_s: float
    """How long an answer may take, and each part of it."""
    patience_s: float
    """How long a call is tried again while the service that has answered before is out of reach."""
    room_s: float
    """How long a call is tried again while the service has no room for it."""
    met: bool = False
    """It has answered once. Before that, the address may be wrong, and a person wants to know soon."""

    def bound(self, *, full: bool) -> float:
        """For how many seconds a call is tried again where there is no room, or else nobody."""
        if full:
            return self.room_s
        return self.patience_s if self.met else min(self.patience_s, UNMET_S)


@dataclass(kw_only=True)
class Tries:
    """Tries of one thing. After each failure it says how long to pause, or that it has been enough."""

    service: Service
    until: float | None = None
    """On the monotonic clock: when the caller wants no more of it."""

    def __post_init__(self) -> None:
        self.succeeded()

    def succeeded(self) -> None:
        """Begins anew."""
        self._failures = 0
        self._since: dict[bool, float] = {}
        """Since when there has been no room (True), and since when nobody (False): each has its own bound."""

    def failed(self, error: UnreachableError | RefusedError) -> float:
        """Seconds to pause before the next try. Raises the error where that would be too late, and `TimeoutError`
        where the caller's own time is over by then."""
        now = time.monotonic()
        full = isinstance(error, RefusedError) and error.kind in FULL
        if full:
            self._since.pop(False, None)  # somebody is there
        since = self._since.setdefault(full, now)
        pause = pause_s(self._failures, error.retry_after if isinstance(error, RefusedError) else None)
        self._failures += 1
        if self.until is not None and now + pause >= self.until:
            raise TimeoutError(f"Time is up. The last thing that happened: {error}") from error
        if now + pause > since + self.service.bound(full=full):
            raise error
        return pause


def pause_s(failures: int, retry_after: float | None = None) -> float:
    """Longer with each failure, and never the same for all who failed together."""
    grown = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures, 10))
    return max(grown, retry_after or 0.0) * random.uniform(1.0, 1.3)  # noqa: S311  # spreads load, guards nothing
