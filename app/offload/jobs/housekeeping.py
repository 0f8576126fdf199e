"""What happens to jobs without a request: they are resumed at the start, and deleted when their retention ends."""

import asyncio
from dataclasses import dataclass

import structlog

from offload.errors import BootError, ProblemError
from offload.jobs import lifecycle
from offload.jobs.dispatch.dispatcher import Dispatcher
from offload.jobs.dispatch.queue import most_expensive_first
from offload.jobs.interfaces import Clock, Journal, Traces, Uploads
from offload.jobs.model import AttemptKey, State
from offload.jobs.service import JobService

EXPIRE_SLICE = 500
"""Jobs that are deleted in one transaction, so that other writes wait for milliseconds only."""

INTERVAL_S = 60.0
"""The pause between two searches for expired jobs and uploads; shorter if the retention is."""

log = structlog.get_logger()


async def recover(journal: Journal, dispatcher: Dispatcher, clock: Clock, traces: Traces | None = None) -> None:
    """Queue every job that an earlier service accepted and did not finish.

    A job that was dispatched has lost its attempt, even if its record still says that it is queued: it is queued again,
    or fails as `interrupted` if that was its last attempt.
    Raises `BootError` if the journal can't be read or written.
    """
    try:
        await _recover(journal, dispatcher, clock, traces)
    except ProblemError as error:
        raise BootError(f"The jobs of an earlier service can't be resumed. {error.detail}") from error


async def _recover(journal: Journal, dispatcher: Dispatcher, clock: Clock, traces: Traces | None) -> None:
    jobs, dispatched, now = await journal.live(), journal.dispatched_earlier(), clock()
    interrupted, queued = [], []
    for job in jobs:
        if job.state is State.RUNNING:
            running = job
        elif job.attempt < job.max_attempts and AttemptKey(job.id, job.attempt + 1) in dispatched:
            running = lifecycle.start(job, now)
        else:
            queued.append(job)
            continue
        interrupted.append((job, running, lifecycle.interrupt(running, now)))
    await asyncio.gather(*(journal.replace(after, job.key, job.state) for job, _, after in interrupted))
    journal.forget_earlier_dispatches()
    if traces is not None:
        for _, running, after in interrupted:
            traces.interrupted(running, after)
    waited = [after for *_, after in interrupted if after.state is State.QUEUED]
    for job in most_expensive_first([*waited, *queued]):
        dispatcher.accept(job)
    if jobs:
        log.info("resumed earlier jobs", queued=len(dispatcher.queue), interrupted=len(interrupted))


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Retention times in seconds."""

    jobs_s: float
    """Of a job after its end; of an upload after its arrival, and as long as a live job reads it."""
    keys_s: float
    """Of an idempotency key, and with it of its job."""


async def delete_expired(
    journal: Journal, uploads: Uploads, service: JobService, dispatcher: Dispatcher, clock: Clock, retention: Retention
) -> None:
    """Delete jobs and uploads when their retention ends. Runs until it is cancelled."""
    while True:
        now = clock()
        before = now - round(retention.jobs_s * 1e6)
        try:
            while deleted := await journal.expire(before, now - round(retention.keys_s * 1e6), limit=EXPIRE_SLICE):
                await service.clean_up(*deleted)
                log.info("deleted expired jobs", jobs=len(deleted))
            await uploads.expire(before, dispatcher.live.uses)
        except (ProblemError, OSError) as error:
            log.warning("expired jobs and uploads could not be deleted, trying again later", why=str(error))
        await asyncio.sleep(min(INTERVAL_S, max(1.0, retention.jobs_s / 2)))
