"""What happens to jobs without anybody asking: they are taken up again at the start, and forgotten at the end."""

import asyncio
from dataclasses import dataclass

import structlog

from offload.errors import BootError, ProblemError
from offload.jobs import lifecycle
from offload.jobs.dispatch.dispatcher import Dispatcher
from offload.jobs.dispatch.queue import most_expensive_first
from offload.jobs.interfaces import Clock, Journal, Traces, Uploads
from offload.jobs.model import State
from offload.jobs.service import JobService

EXPIRE_AT_ONCE = 500
"""Jobs forgotten in one transaction, so that other writes wait for milliseconds only."""

LOOK_S = 60.0
"""How often what is past its time is looked for; sooner where jobs are kept for less."""

log = structlog.get_logger()


async def recover(journal: Journal, dispatcher: Dispatcher, clock: Clock, traces: Traces | None = None) -> None:
    """Takes up every job that an earlier service had accepted and not finished.

    What was running has lost that attempt: it is queued again, or failed as `interrupted` where it was the last one.
    Raises `BootError` where the journal can't be read or written.
    """
    try:
        await _recover(journal, dispatcher, clock, traces)
    except ProblemError as error:
        raise BootError(f"The jobs that an earlier service left can't be taken up. {error.detail}") from error


async def _recover(journal: Journal, dispatcher: Dispatcher, clock: Clock, traces: Traces | None) -> None:
    jobs = await journal.live()
    interrupted = [(job, lifecycle.interrupt(job, clock())) for job in jobs if job.state is State.RUNNING]
    await asyncio.gather(*(journal.replace(after, job.key, job.state) for job, after in interrupted))
    if traces is not None:
        for job, after in interrupted:
            traces.interrupted(job, after)
    waited = [after for _, after in interrupted if after.state is State.QUEUED]
    for job in most_expensive_first([*waited, *(job for job in jobs if job.state is State.QUEUED)]):
        dispatcher.accept(job)
    if jobs:
        log.info("took up earlier jobs", queued=len(dispatcher.queue), interrupted=len(interrupted))


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long things are kept, in seconds."""

    jobs_s: float
    """A job, after its end; an upload, after its arrival or for as long as a live job reads it."""
    keys_s: float
    """An idempotency key, and with it its job."""


async def forget_old(
    journal: Journal, uploads: Uploads, service: JobService, dispatcher: Dispatcher, clock: Clock, retention: Retention
) -> None:
    """Forgets, for as long as it is let run, the jobs and uploads whose time has come."""
    while True:
        now = clock()
        before = now - round(retention.jobs_s * 1e6)
        try:
            while gone := await journal.expire(before, now - round(retention.keys_s * 1e6), limit=EXPIRE_AT_ONCE):
                await service.forget(*gone)
                log.info("forgot old jobs", jobs=len(gone))
            await uploads.expire(before, dispatcher.live.uses)
        except (ProblemError, OSError) as error:
            log.warning("what is old could not be forgotten, trying again later", why=str(error))
        await asyncio.sleep(min(LOOK_S, max(1.0, retention.jobs_s / 2)))
