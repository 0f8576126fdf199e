"""Accepting a single job."""

import asyncio
from dataclasses import dataclass, field

from offload.errors import StoppingError
from offload.jobs.acceptance.capacity import Capacity
from offload.jobs.acceptance.idempotency import IdempotencyKeys, identify, params_as_read
from offload.jobs.acceptance.intake import Intake
from offload.jobs.acceptance.submission import Submission
from offload.jobs.dispatch.dispatcher import Dispatcher
from offload.jobs.interfaces import IdempotencyKey, Journal
from offload.jobs.model import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedJob:
    """The job of a submission."""

    job: Job
    replayed: bool = False
    """True if an earlier request with the same key has made it."""


@dataclass(slots=True, kw_only=True)
class JobAcceptance:
    """Accepts jobs until the service stops."""

    journal: Journal
    dispatcher: Dispatcher
    intake: Intake
    capacity: Capacity
    keys: IdempotencyKeys
    stopping: bool = False
    arriving: dict[str, asyncio.Future[None]] = field(default_factory=dict)
    """Single jobs and batches that are being written, or are on disk and not yet wholly in the queue, by id."""

    async def arrived(self, job_or_batch_id: str) -> None:
        """Wait until a single job or a batch that is in the journal is wholly in the queue, too.

        It is read from the journal an instant before, even before the client gets its 202.
        """
        if arriving := self.arriving.get(job_or_batch_id):
            await asyncio.wait([arriving])

    def check_open(self) -> None:
        """Raise `StoppingError` once the service accepts no new work."""
        if self.stopping:
            raise StoppingError("The service is stopping. Send this again when it has restarted.", retry_after=5)

    async def accept(self, submission: Submission) -> AcceptedJob:
        """See `JobService.submit`."""
        if submission.key is None:
            return AcceptedJob(job=await self._accept(submission, None))
        async with self.keys.hold(submission.owner, submission.key):
            key = identify(submission)
            if key is not None and (known := await self._replay(key, submission)):
                return AcceptedJob(job=known, replayed=True)
            return AcceptedJob(job=await self._accept(submission, key))

    async def _replay(self, key: IdempotencyKey, submission: Submission) -> Job | None:
        async def earlier() -> IdempotencyKey | None:
            return identify(submission, params_as_read)

        known = await self.keys.find(key, earlier)
        if known is None or known.job_id is None:
            return None
        return self.dispatcher.live.get(known.job_id) or await self.journal.get(known.job_id)

    async def _accept(self, submission: Submission, key: IdempotencyKey | None) -> Job:
        self.check_open()
        terms = self.intake.terms(submission)
        with self.capacity.reserve(submission.owner, [submission.params]):
            findings = None
            if submission.task.examine is not None:
                findings = await asyncio.to_thread(self.intake.examine, submission)
            upload = findings.upload if findings else None
            with self.dispatcher.live.reading(upload):
                await self.intake.check_upload(upload, submission.owner)
                job = self.intake.new_job(submission, terms, findings)
                await self._enqueue_once_written(job, self.journal.add([job], key))
        return job

    def _enqueue_once_written(self, job: Job, written: asyncio.Future[None]) -> asyncio.Future[None]:
        """Queue a job as soon as it is on disk, even if its client has gone in the meantime."""
        enqueued: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        live = self.dispatcher.live

        def enqueue(_: object) -> None:
            del self.arriving[job.id]
            error = written.exception()
            if error is None:
                self.dispatcher.accept(job)
            live.count_reader(job.upload, -1)
            if not enqueued.done():  # else the client has gone
                enqueued.set_result(None) if error is None else enqueued.set_exception(error)

        live.count_reader(job.upload)
        self.arriving[job.id] = written
        written.add_done_callback(enqueue)
        return enqueued
