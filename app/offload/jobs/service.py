"""The use cases: what the API may ask for. Owners see only their own jobs."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from offload.errors import (
    JobCancelledError,
    JobFailedError,
    JobFinishedError,
    JobLiveError,
    JobNotFinishedError,
    JobNotFoundError,
    StoppingError,
    UploadNotFoundError,
)
from offload.jobs.acceptance.admission import Capacity, Submission
from offload.jobs.acceptance.idempotency import IdempotencyKeys, identify
from offload.jobs.acceptance.intake import Intake
from offload.jobs.caller import Caller
from offload.jobs.changes.feed import Feed
from offload.jobs.changes.follow import follow
from offload.jobs.changes.notifier import ChangeNotifier
from offload.jobs.dispatch.canceller import Canceller
from offload.jobs.dispatch.dispatcher import Dispatcher
from offload.jobs.interfaces import IdempotencyKey, JobFilter, Journal, LogFiles, Page, ResultFiles, Uploads
from offload.jobs.model import AttemptKey, Job, LogLine, Progress, State, Upload
from offload.jobs.recent import RecentJobs
from offload.tasks.definition import Examined


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The answer to a submission: its job, and whether an earlier request with the same key had made it."""

    job: Job
    replayed: bool = False


class JobService:
    """Everything that can be done with jobs, for any caller that is not a part of the service itself."""

    def __init__(
        self,
        *,
        journal: Journal,
        dispatcher: Dispatcher,
        canceller: Canceller,
        changes: ChangeNotifier,
        recent: RecentJobs,
        results: ResultFiles,
        logs: LogFiles,
        uploads: Uploads,
        intake: Intake,
        capacity: Capacity,
        keys: IdempotencyKeys,
    ) -> None:
        self._journal = journal
        self._dispatcher = dispatcher
        self._canceller = canceller
        self._changes = changes
        self._results = results
        self._logs = logs
        self._uploads = uploads
        self._intake = intake
        self._capacity = capacity
        self._recent = recent
        self._stopping = False
        self.keys = keys

    def stop(self) -> None:
        """Takes nothing new from now on, and lets nobody wait any longer."""
        self._stopping = True
        self._changes.close()

    async def check(self) -> str | None:
        """None while new work is taken, else why not."""
        return "The service is stopping." if self._stopping else None

    def check_open(self) -> None:
        """Raises `StoppingError` once the service takes no new work."""
        if self._stopping:
            raise StoppingError("The service is stopping; send this again when it is back.", retry_after=5)

    async def submit(self, submission: Submission) -> Accepted:
        """Accepts a job: when this returns, it is on disk.

        Raises, having accepted nothing: `TooExpensiveError`, `InvalidParametersError`, what the task's own examination
        finds (`PathRefusedError`, …), `UploadNotFoundError` also for another owner's, `QueueFullError`,
        `QuotaExceededError`, `StoppingError`, `StorageFullError`, `IdempotencyKeyReusedError`.
        """
        key = identify(submission)
        if key is not None and (known := await self._replay(key)):
            return Accepted(job=known, replayed=True)
        self.check_open()
        offer = self._intake.offer(submission)
        with self._capacity.reserve(submission.owner, [offer.params]):
            examined = Examined()
            if submission.task.examine is not None:
                examined = await asyncio.to_thread(self._intake.examine, submission)
            with self._dispatcher.live.reading(examined.upload):
                await self._intake.check_upload(examined.upload, submission.owner)
                job = self._intake.job(submission, offer, examined)
                await self._take_on(job, self._journal.add([job], key))
        return Accepted(job=job)

    def _take_on(self, job: Job, written: asyncio.Future[None]) -> asyncio.Future[None]:
        """Queues a job as soon as it is on disk, also where its client has gone in the meantime."""
        taken_on: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def take_on(_: object) -> None:
            error = written.exception()
            if error is None:
                self._dispatcher.accept(job)
            self._dispatcher.live.count_reader(job.upload, -1)
            if not taken_on.done():  # else nobody waits any more
                taken_on.set_result(None) if error is None else taken_on.set_exception(error)

        self._dispatcher.live.count_reader(job.upload)
        written.add_done_callback(take_on)
        return taken_on

    async def _replay(self, key: IdempotencyKey) -> Job | None:
        known = await self.keys.find(key)
        return await self._find(Caller(key.owner), known.job_id) if known and known.job_id else None

    async def get(self, caller: Caller, job_id: str) -> Job:
        """The job. Raises `JobNotFoundError`, also for another owner's."""
        job = await self._find(caller, job_id)
        if job is None:
            raise JobNotFoundError(f"There is no job {job_id!r}.")
        return job

    async def _find(self, caller: Caller, job_id: str) -> Job | None:
        """The job, if the caller may see it.

        For another owner's the journal is asked as for an unknown one: time must not tell that there is such a job.
        """
        job = self._in_memory(job_id)
        if job is None or not caller.sees(job.owner):
            generation = self._recent.generation
            job = await self._journal.get(job_id)
            if job is None or not caller.sees(job.owner):
                return None
            if job.state.terminal and generation == self._recent.generation:
                self._recent.put(job)
        return job

    async def wait(self, caller: Caller, job_id: str, seconds: float) -> Job:
        """The job as soon as it is terminal, or as it is after `seconds`, or when the service stops."""
        with self._changes.watch(job_id) as changed, suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not (job := await self.get(caller, job_id)).state.terminal and not self._changes.closed:
                    await changed.wait()
                    changed.clear()
                return job
        return await self.get(caller, job_id)

    def follow(self, caller: Caller, job_id: str) -> AsyncGenerator[Job | None, None]:
        """The job at once and after each change, the last time when it is terminal: see `following.follow`.

        News of a running attempt is gathered; a new record is told as soon as it is there.
        """
        live = self._dispatcher.live
        return follow(
            self._changes,
            job_id,
            partial(self.get, caller, job_id),
            at_once=lambda job: live.get(job_id) is not job,
            ended=lambda job: job.state.terminal,
        )

    @property
    def feed(self) -> Feed:
        """Every change of every job."""
        return self._changes.feed

    async def now(self, job_ids: Sequence[str]) -> Sequence[Job | None]:
        """Jobs as they are at this moment, whoever owns them; None for what is gone. Only old ones reach the disk."""
        found = {job_id: self._in_memory(job_id) for job_id in job_ids}
        if missing := [job_id for job_id, job in found.items() if job is None]:
            read = await asyncio.gather(*map(self._journal.get, missing))
            found = {job_id: self._in_memory(job_id) for job_id in job_ids} | dict(zip(missing, read, strict=True))
        return [found[job_id] for job_id in job_ids]

    def _in_memory(self, job_id: str) -> Job | None:
        return self._dispatcher.live.get(job_id) or self._recent.get(job_id)

    async def list(self, caller: Caller, where: JobFilter, limit: int, before: int | None) -> Page:
        """A page of the jobs that the caller may see, newest first, each as it is at this moment."""
        if where.states:
            await self._dispatcher.flush_starts()
        page = await self._journal.list(replace(where, owner=caller.only), limit, before)
        jobs = map(self.newest, page.jobs)
        return Page(jobs=[job for job in jobs if not where.states or job.state in where.states], next=page.next)

    def newest(self, job: Job) -> Job:
        """The job as it is at this moment, of a record that was read from the journal."""
        return self._in_memory(job.id) or job

    async def cancel(self, caller: Caller, job_id: str) -> Job:
        """Cancels a job; its process is gone when this returns. A cancelled one is answered as it is.

        Raises `JobFinishedError` where it has succeeded or failed.
        """
        job = await self.get(caller, job_id)
        if not job.state.terminal:
            job = await self._canceller.cancel(job)
        if job.state is not State.CANCELLED:
            raise JobFinishedError(f"Job {job_id} has already {job.state.value}.")
        return job

    async def logs(self, caller: Caller, job_id: str, attempt: int | None = None) -> AsyncGenerator[LogLine, None]:
        """What a job's attempts have printed and logged, one after the other, or one of them; also while it runs."""
        job = await self.get(caller, job_id)
        # Up to the last there may have been: one that was handed back, and not begun anew, is not counted.
        for number in range(1, job.max_attempts + 1) if attempt is None else [attempt]:
            for line in await self._logs.read(AttemptKey(job.id, number)):
                yield line

    async def delete(self, caller: Caller, job_id: str) -> None:
        """Forgets a terminal job with its result, and its upload unless a live job reads it. Raises `JobLiveError`."""
        job = await self.get(caller, job_id)
        if not job.state.terminal:
            raise JobLiveError(f"Job {job_id} is {job.state.value}. Cancel it first: POST /jobs/{job_id}/cancel.")
        await self._journal.remove(job_id)
        await self.forget(job)

    async def forget(self, *jobs: Job) -> None:
        """Removes what jobs that are no longer in the journal have left elsewhere."""
        for job in jobs:
            self._recent.drop(job.id)
            self._changes.notify_deleted(job)
        await self._results.remove(*(job.id for job in jobs))  # also what a lost attempt may have left
        await self._logs.remove(*(AttemptKey(job.id, job.max_attempts) for job in jobs))
        for upload in {job.upload for job in jobs if job.upload is not None}:
            if not self._dispatcher.live.uses(upload):
                await self._uploads.remove(upload)

    async def upload(self, caller: Caller, upload_id: str) -> Upload:
        """An upload. Raises `UploadNotFoundError`, also for another owner's."""
        upload = await self._uploads.get(upload_id)
        if upload is None or not caller.sees(upload.owner):
            raise UploadNotFoundError(f"There is no upload {upload_id[:100]!r}.")
        return upload

    async def delete_upload(self, caller: Caller, upload_id: str) -> None:
        """Forgets an upload. Raises `JobLiveError` while a live job reads it."""
        upload = await self.upload(caller, upload_id)
        if self._dispatcher.live.uses(upload.id):
            raise JobLiveError(f"A queued or running job reads upload {upload.id}. Cancel it first.")
        await self._uploads.remove(upload.id)

    async def result(self, caller: Caller, job_id: str) -> tuple[Job, bytes | Path]:
        """A succeeded job and its whole result: the JSON, or the path of the file that has it.

        Raises `JobNotFinishedError`, `JobFailedError` or `JobCancelledError`.
        """
        job = await self.get(caller, job_id)
        match job.state:
            case State.SUCCEEDED:
                return job, self.source(job)
            case State.FAILED:
                why = job.failure.detail if job.failure else "It failed."
                raise JobFailedError(f"Job {job_id} failed: {why}")
            case State.CANCELLED:
                raise JobCancelledError(f"Job {job_id} was cancelled.")
            case _:
                raise JobNotFinishedError(f"Job {job_id} is {job.state.value}.", retry_after=1)

    def source(self, job: Job) -> bytes | Path:
        """The whole result of a job that has succeeded: the JSON, or the path of the file that has it."""
        return job.result if job.result is not None else self._results.path(job.key)

    def progress(self, job: Job) -> Progress | None:
        """What the job's running attempt last reported."""
        return self._dispatcher.live.progress(job.id)

    def position(self, job: Job) -> int | None:
        """About how many queued jobs go before this one, while it is queued."""
        return self._dispatcher.queue.position(job.id)
