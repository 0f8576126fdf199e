"""The use cases of jobs. A caller sees only its own jobs."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from offload.errors import (
    JobCancelledError,
    JobFailedError,
    JobFinishedError,
    JobLiveError,
    JobNotFinishedError,
    JobNotFoundError,
    UploadNotFoundError,
)
from offload.jobs.acceptance.jobs import AcceptedJob, JobAcceptance
from offload.jobs.acceptance.submission import Submission
from offload.jobs.caller import Caller
from offload.jobs.changes.feed import ChangeFeed
from offload.jobs.changes.follow import follow
from offload.jobs.changes.notifier import ChangeNotifier
from offload.jobs.dispatch.canceller import Canceller
from offload.jobs.dispatch.dispatcher import Dispatcher
from offload.jobs.interfaces import JobFilter, Journal, LogFiles, Page, ResultFiles, Uploads
from offload.jobs.model import AttemptKey, Job, LogLine, Progress, State, Upload
from offload.jobs.recent import RecentJobs


class JobService:
    """Everything that a caller can do with jobs and their uploads."""

    def __init__(
        self,
        *,
        acceptance: JobAcceptance,
        journal: Journal,
        dispatcher: Dispatcher,
        canceller: Canceller,
        changes: ChangeNotifier,
        recent: RecentJobs,
        results: ResultFiles,
        logs: LogFiles,
        uploads: Uploads,
    ) -> None:
        self._acceptance = acceptance
        self._journal = journal
        self._dispatcher = dispatcher
        self._canceller = canceller
        self._changes = changes
        self._recent = recent
        self._results = results
        self._logs = logs
        self._uploads = uploads

    def stop(self) -> None:
        """Accept no new work from now on, and end all waits."""
        self._acceptance.stopping = True
        self._changes.close()

    async def check(self) -> str | None:
        """Return None while new work is accepted, else the reason."""
        return "The service is stopping." if self._acceptance.stopping else None

    def check_open(self) -> None:
        """Raise `StoppingError` once the service accepts no new work."""
        self._acceptance.check_open()

    async def submit(self, submission: Submission) -> AcceptedJob:
        """Accept a job. When this returns, it is on disk.

        With a key, one request at a time uses it; a repeated request gets the same job.

        If one of these is raised, nothing was accepted: `TooExpensiveError`, `InvalidParametersError`, what the task's
        examination finds (`PathRefusedError`, …), `UploadNotFoundError` (also for another owner's upload),
        `QueueFullError`, `QuotaExceededError`, `StoppingError`, `StorageFullError`, `StorageFailedError`,
        `IdempotencyKeyReusedError`, `IdempotencyInFlightError`.
        """
        return await self._acceptance.accept(submission)

    async def get(self, caller: Caller, job_id: str) -> Job:
        """Return the job. Raises `JobNotFoundError`, also for another owner's."""
        job = self._in_memory(job_id)
        # For another owner's job the journal is asked as for an unknown one: the time must not show that it exists.
        if job is None or not caller.sees(job.owner):
            job = await self._read(job_id)
            if job is None or not caller.sees(job.owner):
                raise JobNotFoundError(f"There is no job {job_id!r}.")
        return job

    async def _read(self, job_id: str) -> Job | None:
        generation = self._recent.generation
        job = await self._journal.get(job_id)
        if job is not None and job.state.terminal and generation == self._recent.generation:
            self._recent.put(job)
        return job

    def _in_memory(self, job_id: str) -> Job | None:
        return self._dispatcher.live.get(job_id) or self._recent.get(job_id)

    def latest(self, job: Job) -> Job:
        """Return a job that was read from the journal as it is at this moment."""
        return self._in_memory(job.id) or job

    async def get_many(self, job_ids: Sequence[str]) -> Sequence[Job | None]:
        """Return jobs of any owner as they are at this moment; None for a deleted one. Only old ones are read."""
        found = {job_id: self._in_memory(job_id) for job_id in job_ids}
        if missing := [job_id for job_id, job in found.items() if job is None]:
            read = await asyncio.gather(*map(self._journal.get, missing))
            found = {job_id: self._in_memory(job_id) for job_id in job_ids} | dict(zip(missing, read, strict=True))
        return [found[job_id] for job_id in job_ids]

    async def list(self, caller: Caller, where: JobFilter, limit: int, before: int | None) -> Page:
        """Return a page of the jobs that the caller may see, newest first, each as it is at this moment."""
        if where.states:
            await self._dispatcher.flush_starts()
        page = await self._journal.list(replace(where, owner=caller.only), limit, before)
        jobs = map(self.latest, page.jobs)
        return Page(jobs=[job for job in jobs if not where.states or job.state in where.states], next=page.next)

    async def wait(self, caller: Caller, job_id: str, seconds: float) -> Job:
        """Return the job as soon as it is terminal, or after `seconds`, or when the service stops."""
        with self._changes.watch(job_id) as changed, suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not (job := await self.get(caller, job_id)).state.terminal and not self._changes.closed:
                    await changed.wait()
                    changed.clear()
                return job
        return await self.get(caller, job_id)

    def follow(self, caller: Caller, job_id: str) -> AsyncGenerator[Job | None, None]:
        """Yield the job now and after changes, the last time when it is terminal: see `changes.follow`.

        Progress of a running attempt is gathered; a new record is yielded immediately.
        """
        live = self._dispatcher.live
        return follow(
            self._changes,
            job_id,
            partial(self.get, caller, job_id),
            is_urgent=lambda job: live.get(job_id) is not job,
            is_last=lambda job: job.state.terminal,
        )

    @property
    def feed(self) -> ChangeFeed:
        """The changes of all jobs."""
        return self._changes.feed

    async def cancel(self, caller: Caller, job_id: str) -> Job:
        """Cancel a job. Return it once its process is gone. A cancelled job is returned as it is.

        Raises `JobFinishedError` if it has succeeded or failed.
        """
        job = await self.get(caller, job_id)
        if not job.state.terminal:
            await self._acceptance.arrived(job.id if job.batch_id is None else job.batch_id)
            job = await self._canceller.cancel(self.latest(job))
        if job.state is not State.CANCELLED:
            raise JobFinishedError(f"Job {job_id} has already {job.state.value}.")
        return job

    async def delete(self, caller: Caller, job_id: str) -> None:
        """Delete a terminal job with its result, its logs and its upload, unless a live job reads the upload.

        Raises `JobLiveError`.
        """
        job = await self.get(caller, job_id)
        if not job.state.terminal:
            raise JobLiveError(f"Job {job_id} is {job.state.value}. Cancel it first: POST /jobs/{job_id}/cancel.")
        await self._journal.remove(job_id)
        await self.clean_up(job)

    async def clean_up(self, *jobs: Job) -> None:
        """Remove what jobs that were deleted from the journal have left elsewhere."""
        for job in jobs:
            self._recent.drop(job.id)
            self._changes.notify_deleted(job)
        await self._results.remove(*(job.id for job in jobs))  # also what a lost attempt may have left
        await self._logs.remove(*(AttemptKey(job.id, job.max_attempts) for job in jobs))
        for upload in {job.upload for job in jobs if job.upload is not None}:
            if not self._dispatcher.live.uses(upload):
                await self._uploads.remove(upload)

    async def read_logs(self, caller: Caller, job_id: str, attempt: int | None = None) -> AsyncGenerator[LogLine, None]:
        """Yield what all attempts or one attempt of a job have printed and logged; also while it runs."""
        job = await self.get(caller, job_id)
        # Up to the last one there may have been: an attempt that was requeued and not started again is not counted.
        for number in range(1, job.max_attempts + 1) if attempt is None else [attempt]:
            for line in await self._logs.read(AttemptKey(job.id, number)):
                yield line

    async def get_result(self, caller: Caller, job_id: str) -> tuple[Job, bytes | Path]:
        """Return a succeeded job and its result: see `result_source`.

        Raises `JobNotFinishedError`, `JobFailedError` or `JobCancelledError`.
        """
        job = await self.get(caller, job_id)
        match job.state:
            case State.SUCCEEDED:
                return job, self.result_source(job)
            case State.FAILED:
                why = job.failure.detail if job.failure else "It failed."
                raise JobFailedError(f"Job {job_id} failed: {why}")
            case State.CANCELLED:
                raise JobCancelledError(f"Job {job_id} was cancelled.")
            case _:
                raise JobNotFinishedError(f"Job {job_id} is {job.state.value}.", retry_after=1)

    def result_source(self, job: Job) -> bytes | Path:
        """Return the whole result of a succeeded job: the JSON, or the path of the file that holds it."""
        return job.result if job.result is not None else self._results.path(job.key)

    def progress(self, job: Job) -> Progress | None:
        """Return what the job's running attempt last reported."""
        return self._dispatcher.live.progress(job.id)

    def position(self, job: Job) -> int | None:
        """Return about how many queued jobs start before this one, while it is queued."""
        return self._dispatcher.queue.position(job.id)

    async def get_upload(self, caller: Caller, upload_id: str) -> Upload:
        """Return an upload. Raises `UploadNotFoundError`, also for another owner's."""
        upload = await self._uploads.get(upload_id)
        if upload is None or not caller.sees(upload.owner):
            raise UploadNotFoundError(f"There is no upload {upload_id[:100]!r}.")
        return upload

    async def delete_upload(self, caller: Caller, upload_id: str) -> None:
        """Delete an upload. Raises `JobLiveError` while a live job reads it."""
        upload = await self.get_upload(caller, upload_id)
        if self._dispatcher.live.uses(upload.id):
            raise JobLiveError(f"A queued or running job reads upload {upload.id}. Cancel it first.")
        await self._uploads.remove(upload.id)
