"""Retry rules: which errors are temporary, how long to wait between two tries, and when to give up."""

import random
import time
from dataclasses import dataclass

from offload.client.errors import NotOffloadError, RefusedError, UnreachableError

FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0

FIRST_CONTACT_S = 1.0
"""How long a service that has never responded is tried: its address may be wrong."""

FULL = frozenset({"queue-full", "quota-exceeded"})
"""Kinds of problems that end when jobs end."""

TEMPORARY = frozenset({429, 503})
"""Statuses of problems after which the same request may succeed: nothing was accepted."""

GATEWAY = frozenset({502, 503, 504})
"""Statuses by which a proxy reports that the service behind it does not respond."""


def is_temporary(error: RefusedError | UnreachableError) -> bool:
    """Whether the same request may succeed a little later."""
    if isinstance(error, RefusedError):
        return error.status in TEMPORARY or error.kind == "idempotency-in-flight"
    return not isinstance(error, NotOffloadError) or error.status in GATEWAY


def backoff_s(failures: int, retry_after: float | None = None) -> float:
    """Return the delay after so many earlier failures: it doubles, and differs between clients that failed together."""
    delay = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** min(failures, 10))
    return max(delay, retry_after or 0.0) * random.uniform(1.0, 1.3)  # noqa: S311  # spreads load, protects nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long temporary errors are retried, in seconds."""

    patience_s: float
    """While a service that has responded before can't be reached."""
    room_s: float
    """While the service has no room."""

    def limit_s(self, *, full: bool, reached: bool) -> float:
        """Return the limit for a full service, or for one that can't be reached."""
        if full:
            return self.room_s
        return self.patience_s if reached else min(self.patience_s, FIRST_CONTACT_S)


class Retries:
    """The failures of one operation since its last success."""

    def __init__(self, policy: RetryPolicy, deadline: float | None = None) -> None:
        self._policy = policy
        self._deadline = deadline
        """On the monotonic clock: the end of the caller's own timeout."""
        self.reset()

    def reset(self) -> None:
        """Forget the failures, after a success."""
        self._failures = 0
        self._full_since: float | None = None
        self._unreachable_since: float | None = None

    def delay_after(self, error: RefusedError | UnreachableError, *, reached: bool) -> float:
        """Return the seconds to wait before the next try. `reached`: the service has responded before.

        Raises the error where it is permanent or was retried for long enough, and `TimeoutError` where the next try
        would come after the deadline.
        """
        if not is_temporary(error):
            raise error
        now = time.monotonic()
        full = isinstance(error, RefusedError) and error.kind in FULL
        since = self._since(now, full=full)
        delay = backoff_s(self._failures, error.retry_after if isinstance(error, RefusedError) else None)
        self._failures += 1
        if self._deadline is not None and now + delay >= self._deadline:
            raise TimeoutError(f"The timeout has expired. The last error was: {error}") from error
        if now + delay > since + self._policy.limit_s(full=full, reached=reached):
            raise error
        return delay

    def _since(self, now: float, *, full: bool) -> float:
        """When the present kind of failure began. Each kind has its own limit."""
        if full:
            self._unreachable_since = None  # the service has responded
            self._full_since = now if self._full_since is None else self._full_since
            return self._full_since
        self._unreachable_since = now if self._unreachable_since is None else self._unreachable_since
        return self._unreachable_since
