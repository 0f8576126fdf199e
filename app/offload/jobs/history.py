"""How many jobs ended in each of the last minutes, and how long they took, by the journal: a restart loses none.

A minute that is over hardly changes, so what was counted of it is kept: a look at a day reads the journal for its
newest minutes only. What is forgotten later is still counted in such a minute, until a restart.
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
"""In microseconds. So long after a minute its last ends are on disk, unless the disk had refused them."""

FRESH = 2_000_000
"""In microseconds. How long a minute that is not over stands as it was counted, however many ask."""

SAMPLE = 500
"""Durations of a minute that its percentiles are made of."""

AT_ONCE = 10
"""Minutes asked for together: between them, others have their turn at the journal."""

KEPT = 20_000
"""Minutes that are kept, of all owners: some 8 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One minute. Durations in seconds, None where there are none."""

    at: int
    """When it began, in microseconds since the epoch: a whole minute."""
    succeeded: int
    failed: int
    cancelled: int
    run_s_p50: float | None
    run_s_p95: float | None
    wait_s_p50: float | None


class Kept(NamedTuple):
    """A minute that has been counted."""

    minute: Minute
    counted_at: int
    whole: bool
    """It was over by then."""


class History:
    """The last minutes, for whoever asks."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._counting = asyncio.Lock()
        self._kept: OrderedDict[tuple[str | None, int], Kept] = OrderedDict()

    async def last(self, owner: str | None, minutes: int) -> Sequence[Minute]:
        """So many minutes, oldest first, up to the present one; only the owner's jobs, where one is named."""
        async with self._counting:  # who asks for the same meanwhile finds it counted
            now = self._clock()
            first = now // MINUTE - minutes + 1
            begins = [number * MINUTE for number in range(first, first + minutes)]
            missing = [begin for begin in begins if not self._is_kept(owner, begin, now)]
            for start in range(0, len(missing), AT_ONCE):
                await asyncio.gather(*(self._count(owner, begin, now) for begin in missing[start : start + AT_ONCE]))
            found = [self._kept[owner, begin].minute for begin in begins]
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return found

    def _is_kept(self, owner: str | None, begin: int, now: int) -> bool:
        kept = self._kept.get((owner, begin))
        if kept is None or now < kept.counted_at:  # a clock that was set back: the minute may not have been yet
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
