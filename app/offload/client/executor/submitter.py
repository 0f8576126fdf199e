"""Sends work items to the service, as jobs and as batches."""

import asyncio
from collections import deque
from contextlib import aclosing

from offload.client import api
from offload.client._async.client import AsyncClient
from offload.client.errors import OffloadError
from offload.client.executor.futures import Submission, WorkItem
from offload.client.executor.jobs import RemoteJobs
from offload.client.executor.pending import PendingFutures
from offload.client.executor.watcher import Watcher
from offload.options import SubmitOptions, given


class Submitter:
    """A queue of submissions. Several `run` may work on it at a time."""

    def __init__(
        self, client: AsyncClient, options: SubmitOptions, pending: PendingFutures, jobs: RemoteJobs, watcher: Watcher
    ) -> None:
        self._client = client
        self._options = options
        self._pending = pending
        self._jobs = jobs
        self._watcher = watcher
        self._queue: deque[Submission] = deque()
        self._queued = asyncio.Semaphore(0)
        self.sent = 0
        """How many submissions were sent, or have failed. The executor's callers read it from other threads."""

    def put(self, submission: Submission) -> None:
        """Queue a submission."""
        self._queue.append(submission)
        self._queued.release()

    async def run(self) -> None:
        """Send what is queued, until cancelled."""
        while True:
            await self._queued.acquire()
            await self._send(self._queue.popleft())

    async def _send(self, submission: Submission) -> None:
        gaps = self._watcher.gaps
        try:
            with self._jobs.submitting():
                await (self._send_batch(submission) if submission.is_batch else self._send_job(submission.items[0]))
        except Exception as error:  # also for parameters that are not JSON: the futures report it
            for future in submission.futures:
                if future.job_id is None:
                    self._pending.fail(future, error)
        finally:
            self.sent += 1
        if gaps != self._watcher.gaps:
            for future in submission.futures:
                self._jobs.refresh(future.job_id)

    async def _send_job(self, item: WorkItem) -> None:
        if item.future.cancelled():
            self._pending.end_cancelled(item.future)
            return
        job = await self._client.perform(api.submit(item.task, item.params, self._options))
        self._jobs.accept(item.future, job.id)
        self._jobs.apply(job)

    async def _send_batch(self, submission: Submission) -> None:
        for future in submission.futures:
            if future.cancelled():
                self._pending.end_cancelled(future)
        items = [item for item in submission.items if item.future in self._pending]
        if not items:
            return
        options = given(self._options)
        members = [{"task": item.task, "params": item.params, **options} for item in items]
        batch = await self._client.submit_batch(members)
        submission.batch_id = batch.id
        if all(item.future.cancelled() for item in items):
            self._jobs.cancel_batch(submission)
            return
        await self._accept_members(batch.id, items)

    async def _accept_members(self, batch_id: str, items: list[WorkItem]) -> None:
        """Read the ids of the batch's jobs, and the results of those that have already ended."""
        async with aclosing(self._client.batch_results(batch_id)) as members:
            async for member in members:
                future = items[member.index].future
                self._jobs.accept(future, member.id)
                if member.state == "succeeded":
                    self._pending.succeed(future, member.result)
                elif member.state in ("failed", "cancelled"):
                    self._jobs.refresh(member.id)
        for item in items:
            if item.future.job_id is None:
                error = OffloadError(f"The job was deleted from batch {batch_id} before its result was received.")
                self._pending.fail(item.future, error)
