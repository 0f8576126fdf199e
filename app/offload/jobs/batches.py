"""The use cases of batches: jobs that are accepted, counted and cancelled together.

The journal counts a batch's members in the transactions that change them, so a batch is always read there. Memory holds
only which members are live: enough to know, without a read, when the last one ends.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from offload.errors import BatchNotFoundError, JobLiveError
from offload.jobs.acceptance.batches import AcceptedBatch, BatchAcceptance, BatchSubmission
from offload.jobs.caller import Caller
from offload.jobs.changes.follow import follow
from offload.jobs.changes.notifier import ChangeNotifier
from offload.jobs.dispatch.canceller import Canceller
from offload.jobs.dispatch.dispatcher import Dispatcher
from offload.jobs.interfaces import BatchPage, Journal, Member
from offload.jobs.model import Batch
from offload.jobs.service import JobService

READ_SLICE = 100
"""Members that are read from the journal together."""

DELETE_SLICE = 500
"""Members that are deleted in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchService:
    """Everything that a caller can do with batches. What it can do with single jobs is in `JobService`."""

    jobs: JobService
    acceptance: BatchAcceptance
    journal: Journal
    dispatcher: Dispatcher
    canceller: Canceller
    changes: ChangeNotifier

    async def submit(self, submission: BatchSubmission) -> AcceptedBatch:
        """Accept all members or none. When this returns, they are on disk.

        Raises what `JobService.submit` raises, with the place of the member among the `errors`, and what the function
        raises that finds the members.
        """
        return await self.acceptance.accept(submission)

    async def get(self, caller: Caller, batch_id: str) -> Batch:
        """Return the batch. Raises `BatchNotFoundError`, also for another owner's."""
        if self.dispatcher.live.members(batch_id):
            await self.dispatcher.flush_starts()
        batch = await self.journal.get_batch(batch_id)
        if batch is None or not caller.sees(batch.owner):
            raise BatchNotFoundError(f"There is no batch {batch_id!r}.")
        return batch

    async def list(self, caller: Caller, limit: int, before: int | None) -> BatchPage:
        """Return a page of the batches that the caller may see, newest first."""
        return await self.journal.list_batches(caller.only, limit, before)

    async def wait(self, caller: Caller, batch_id: str, seconds: float) -> Batch:
        """Return the batch as soon as no member is live, or after `seconds`, or when the service stops."""
        await self.get(caller, batch_id)
        with self.changes.watch(batch_id) as changed, suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.acceptance.jobs.arrived(batch_id)
                while self.dispatcher.live.members(batch_id) and not self.changes.closed:
                    await changed.wait()
                    changed.clear()
        return await self.get(caller, batch_id)

    def follow(self, caller: Caller, batch_id: str) -> AsyncGenerator[Batch | None, None]:
        """Yield the batch now and after changes, the last time when it is done: see `changes.follow`."""
        live = self.dispatcher.live
        return follow(
            self.changes,
            batch_id,
            partial(self.get, caller, batch_id),
            is_urgent=lambda _: not live.members(batch_id),
            is_last=lambda batch: batch.done,
        )

    async def members(self, batch_id: str) -> AsyncIterator[Sequence[Member]]:
        """Yield all members in the order of submission, some at a time, each as it is at that moment."""
        begin = 0
        while members := await self.journal.members(batch_id, begin, READ_SLICE):
            yield [Member(place, self.jobs.latest(job)) for place, job in members]
            begin = members[-1].place + 1

    async def cancel(self, caller: Caller, batch_id: str) -> Batch:
        """Cancel every live member. When this returns, their processes are gone. A batch that is done is unchanged."""
        await self.get(caller, batch_id)
        await self.acceptance.jobs.arrived(batch_id)
        await self.canceller.cancel_batch(batch_id)
        return await self.get(caller, batch_id)

    async def delete(self, caller: Caller, batch_id: str) -> None:
        """Delete a batch with its members, their results, logs and uploads. Raises `JobLiveError` while one is live.

        If this is interrupted by a full disk or a crash, the rest of the batch can be deleted again.
        """
        batch = await self.get(caller, batch_id)
        if not batch.done:
            live = batch.size - batch.ended
            raise JobLiveError(
                f"{live} jobs of batch {batch_id} are live. Cancel it first: POST /batches/{batch_id}/cancel."
            )
        while deleted := await self.journal.remove_batch(batch_id, DELETE_SLICE):
            await self.jobs.clean_up(*deleted)

    def fraction(self, batch: Batch) -> float:
        """Return the progress of a batch from 0 to 1: its ended members and the reported parts of running ones."""
        if batch.done:
            return 1.0
        running = (self.jobs.progress(job) for job in self.dispatcher.running_members(batch.id))
        parts = (one.done / one.total for one in running if one and one.done is not None and one.total)
        return min(1.0, (batch.ended + sum(parts)) / batch.size)
