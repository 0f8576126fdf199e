"""Cancels queued and running jobs."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from offload.errors import ProblemError
from offload.jobs import lifecycle
from offload.jobs.dispatch.attempt import Attempt
from offload.jobs.dispatch.dispatcher import Dispatcher
from offload.jobs.interfaces import Clock, Journal, Traces
from offload.jobs.model import Job, State
from offload.jobs.recent import RecentJobs

SLICE = 100
"""Members of a batch that are cancelled before other work has its turn: about a millisecond."""


class Canceller:
    """Cancels jobs; requests to cancel the same queued job share one write."""

    def __init__(
        self, dispatcher: Dispatcher, journal: Journal, recent: RecentJobs, clock: Clock, traces: Traces | None = None
    ) -> None:
        self._dispatcher = dispatcher
        self._journal = journal
        self._recent = recent
        self._clock = clock
        self._traces = traces
        self._pending: dict[str, asyncio.Task[Mapping[str, Job]]] = {}
        """By the id of a queued job: the write that cancels it."""

    async def cancel(self, job: Job) -> Job:
        """Cancel a live job. Return its record once its process is gone and its end is on disk.

        That end is another one if the job finished first. Raises a `ProblemError` if the end can't be written: a queued
        job then stays queued; a running job's process has ended, and its end is written later.
        """
        while not job.state.terminal:
            if attempt := self._dispatcher.attempt(job.id):
                job = await self._cancel_running(attempt)  # queued, if the attempt was lost a moment before
            elif write := self._pending.get(job.id) or self._withdraw([job]):
                job = (await asyncio.shield(write))[job.id]
            else:  # it ended after the caller had read it
                return self._recent.get(job.id) or job
        return job

    async def cancel_batch(self, batch_id: str) -> None:
        """Cancel every live member: the queued ones first, so that no lane takes them meanwhile.

        When this returns, their processes are gone and their ends on disk. Raises a `ProblemError` if an end can't be
        written; those members stay queued.
        """
        live = self._dispatcher.live
        while members := live.members(batch_id):
            jobs = [job for job in map(live.get, list(members)) if job is not None]
            writes: set[asyncio.Task[Mapping[str, Job]]] = set()
            for begin in range(0, len(jobs), SLICE):
                if write := self._withdraw(jobs[begin : begin + SLICE]):
                    writes.add(write)
                await asyncio.sleep(0)
            writes |= {write for job in jobs if (write := self._pending.get(job.id))}
            await asyncio.gather(*map(asyncio.shield, writes))
            await asyncio.gather(*(self.cancel(job) for job in self._dispatcher.running_members(batch_id)))

    async def _cancel_running(self, attempt: Attempt) -> Job:
        await self._dispatcher.stop(attempt, "cancel")
        known: Sequence[asyncio.Future[Job] | asyncio.Future[ProblemError]] = [attempt.ended, attempt.refused]
        await asyncio.wait(known, return_when=asyncio.FIRST_COMPLETED)
        if attempt.ended.done():
            return attempt.ended.result()
        error = attempt.refused.result()
        raise type(error)(f"{error.detail} The job's process has ended; that is recorded as soon as it can be.")

    def _withdraw(self, jobs: Iterable[Job]) -> "asyncio.Task[Mapping[str, Job]] | None":
        """Take the queued ones of these jobs out of the queue and start to cancel them. None if none is queued."""
        withdrawn = [job for job in jobs if self._dispatcher.queue.discard(job.id)]
        if not withdrawn:
            return None
        write = asyncio.create_task(self._cancel_queued(withdrawn))
        self._pending |= dict.fromkeys((job.id for job in withdrawn), write)
        return write

    async def _cancel_queued(self, jobs: Sequence[Job]) -> Mapping[str, Job]:
        """Cancel jobs that were taken out of the queue, in one group of writes. Return their records by id."""
        cancelled = [lifecycle.cancel(job, job.usage, self._clock()) for job in jobs]
        writes = [
            self._journal.replace(after, job.key, State.QUEUED) for job, after in zip(jobs, cancelled, strict=True)
        ]
        results = await asyncio.gather(*writes, return_exceptions=True)
        for job, after, result in zip(jobs, cancelled, results, strict=True):
            del self._pending[job.id]
            if isinstance(result, BaseException):
                self._dispatcher.enqueue(job, first=True)
                continue
            self._dispatcher.publisher.publish(after)
            if self._traces is not None:
                self._traces.cancelled(after)
        if errors := [result for result in results if isinstance(result, BaseException)]:
            raise errors[0]
        return {job.id: job for job in cancelled}
