"""The jobs that ended in each of the last minutes, and how long they took. A restart loses none: the journal has them.

A minute that is over hardly changes, so its counts are kept in memory, and a request for a whole day reads only the
newest minutes from the journal. A job that is deleted later stays counted in its minute until a restart.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from offload.jobs.interfaces import Clock, EndedJobs, Journal
from offload.jobs.model import State
from offload.jobs.statistics import quantile

MINUTE = 60_000_000
"""In microseconds."""

OVER = 10_000_000
"""In microseconds. This long after a minute its last ends are on disk, unless the disk refused them."""

FRESH = 2_000_000
"""In microseconds. The counts of the current minute are kept for this long, however many requests ask for them."""

SAMPLE = 500
"""The number of durations of a minute from which its percentiles are computed."""

READ_TOGETHER = 10
"""Minutes that are read together. Between two such groups, other reads have their turn."""

KEPT = 20_000
"""Minutes that are kept, of all owners: about 8 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One minute. Durations in seconds; None if there are none."""

    at: int
    """Its beginning, in microseconds since the epoch: a whole minute."""
    succeeded: int
    failed: int
    cancelled: int
    run_s_p50: float | None
    run_s_p95: float | None
    wait_s_p50: float | None


class Kept(NamedTuple):
    """A counted minute."""

    minute: Minute
    counted_at: int
    whole: bool
    """True if the minute was over when it was counted."""


class History:
    """The last minutes of each owner and of all owners together."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._counting = asyncio.Lock()
        self._kept: OrderedDict[tuple[str | None, int], Kept] = OrderedDict()

    async def last(self, owner: str | None, minutes: int) -> Sequence[Minute]:
        """Return the last minutes, oldest first: of the owner's jobs, or of all jobs with owner None."""
        async with self._counting:  # a request for the same minutes waits and finds them counted
            now = self._clock()
            first = now // MINUTE - minutes + 1
            begins = [number * MINUTE for number in range(first, first + minutes)]
            missing = [begin for begin in begins if not self._is_kept(owner, begin, now)]
            for start in range(0, len(missing), READ_TOGETHER):
                await asyncio.gather(
                    *(self._count(owner, begin, now) for begin in missing[start : start + READ_TOGETHER])
                )
            found = [self._kept[owner, begin].minute for begin in begins]
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return found

    def _is_kept(self, owner: str | None, begin: int, now: int) -> bool:
        kept = self._kept.get((owner, begin))
        if kept is None or now < kept.counted_at:  # the clock was set back
            return False
        return kept.whole or now - kept.counted_at < FRESH

    async def _count(self, owner: str | None, begin: int, now: int) -> None:
        ended = await self._journal.ended_between(owner, begin, begin + MINUTE, SAMPLE)
        self._kept[owner, begin] = Kept(_minute(begin, ended), now, whole=begin + MINUTE + OVER <= now)


def _minute(at: int, ended: EndedJobs) -> Minute:
    return Minute(
        at=at,
        succeeded=ended.counts.get(State.SUCCEEDED, 0),
        failed=ended.counts.get(State.FAILED, 0),
        cancelled=ended.counts.get(State.CANCELLED, 0),
        run_s_p50=quantile(ended.ran_s, 0.5),
        run_s_p95=quantile(ended.ran_s, 0.95),
        wait_s_p50=quantile(ended.waited_s, 0.5),
    )
