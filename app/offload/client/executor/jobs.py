"""The executor's jobs in the service: their states end futures, and cancelled futures cancel them."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress

from offload.client._async.client import AsyncClient
from offload.client.errors import JobFailedError, OffloadError
from offload.client.executor.futures import RemoteFuture, Submission
from offload.client.executor.pending import PendingFutures
from offload.client.records import Job

CONCURRENT_REQUESTS = 8
"""Requests of one kind at a time. 2,000 submissions took 2.7 s with 8, 4.5 s with 16 and with 32."""


class RemoteJobs:
    """Applies the states of jobs to their futures, and cancels jobs. The executor's jobs have a label of their own."""

    def __init__(self, client: AsyncClient, label: str, pending: PendingFutures, tasks: asyncio.TaskGroup) -> None:
        self._client = client
        self._label = label
        self._pending = pending
        self._tasks = tasks
        self._submitting = 0
        self._ended_early: dict[str, Job] = {}
        """Jobs whose end was reported before the response to their submission."""
        self._requests = asyncio.Semaphore(CONCURRENT_REQUESTS)

    @contextmanager
    def submitting(self) -> Generator[None]:
        """While entered, a submission is under way, whose jobs may end before their ids are known."""
        self._submitting += 1
        try:
            yield
        finally:
            self._submitting -= 1
            if not self._submitting:
                self._ended_early.clear()

    def accept(self, future: RemoteFuture, job_id: str) -> None:
        """The service has accepted the future's job."""
        self._pending.accept(future, job_id)
        if (job := self._ended_early.pop(job_id, None)) is not None:
            self.apply(job)
        elif future.cancelled():
            self.cancel(future)

    def apply(self, job: Job) -> None:
        """Apply the present state of a job to its future."""
        future = self._pending.of_job(job.id)
        if future is None:
            if self._submitting and job.ended and self._label in job.labels:
                self._ended_early[job.id] = job
            return
        future.set_in_lane(job.state == "running")
        match job.state:
            case "succeeded" if job.result_is_here:
                self._pending.succeed(future, job.result)
            case "succeeded":
                self._pending.take(job.id)  # so that it is fetched once
                self._tasks.create_task(self._fetch(future, job.id))
            case "failed":
                self._pending.fail(future, JobFailedError(job))
            case "cancelled":
                future.mark_cancelled()
                self._pending.end_cancelled(future)

    def refresh(self, job_id: str | None) -> None:
        """Look at a job whose changes may have been missed, if a future still waits for it."""
        if job_id is not None and self._pending.of_job(job_id) is not None:
            self._tasks.create_task(self._refresh(job_id))

    async def refresh_all(self) -> None:
        """Look at all jobs that futures wait for: those that are live in one list, the others one by one."""
        missing = self._pending.jobs
        async for job in self._client.jobs(states=("queued", "running"), label=self._label):
            missing.discard(job.id)
            self.apply(job)
        for job_id in missing:
            self.refresh(job_id)

    async def _refresh(self, job_id: str) -> None:
        try:
            async with self._requests:
                if self._pending.of_job(job_id) is not None:
                    self.apply(await self._client.job(job_id))
        except OffloadError as error:
            if (future := self._pending.of_job(job_id)) is not None:
                self._pending.fail(future, error)

    async def _fetch(self, future: RemoteFuture, job_id: str) -> None:
        try:
            async with self._requests:
                self._pending.succeed(future, await self._client.result(job_id))
        except OffloadError as error:
            self._pending.fail(future, error)

    def cancel(self, future: RemoteFuture) -> None:
        """Cancel the job of a future that was cancelled, if the service has accepted it."""
        if future.job_id is not None and future in self._pending:
            self._tasks.create_task(self._cancel(future, future.job_id))

    async def _cancel(self, future: RemoteFuture, job_id: str) -> None:
        with suppress(OffloadError):  # it has ended, or the service is gone: the future is cancelled in any case
            async with self._requests:
                if future in self._pending:
                    await self._client.cancel(job_id)
        self._pending.end_cancelled(future)

    def cancel_batch(self, submission: Submission) -> None:
        """Cancel a batch all of whose futures are cancelled or have ended, if the service has accepted it."""
        if submission.batch_id is not None:
            self._tasks.create_task(self._cancel_batch(submission, submission.batch_id))

    async def _cancel_batch(self, submission: Submission, batch_id: str) -> None:
        with suppress(OffloadError):
            await self._client.cancel_batch(batch_id)
        for future in submission.futures:
            if future.cancelled():
                self._pending.end_cancelled(future)
