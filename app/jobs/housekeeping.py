"""What happens to jobs without anybody asking: they are taken up again at the start, and forgotten at the end."""

import asyncio

import structlog

from app.errors import ProblemError
from app.jobs import lifecycle
from app.jobs.dispatcher import Dispatcher
from app.jobs.interfaces import Clock, Journal
from app.jobs.model import State
from app.jobs.service import JobService

EXPIRE_EVERY_S = 60.0
EXPIRE_AT_ONCE = 500
"""Jobs forgotten in one transaction, so that other writes wait for milliseconds only."""

log = structlog.get_logger()


async def recover(journal: Journal, dispatcher: Dispatcher, clock: Clock) -> None:
    """Takes up every job that an earlier service had accepted and not finished.

    What was running has lost that attempt: it is queued again, or failed as `interrupted` where it was the last one.
    """
    jobs = await journal.live()
    interrupted = [(job, lifecycle.interrupt(job, clock())) for job in jobs if job.state is State.RUNNING]
    await asyncio.gather(*(journal.replace(after, job.key, job.state) for job, after in interrupted))
    waited = [after for _, after in interrupted if after.state is State.QUEUED]
    for job in [*waited, *(job for job in jobs if job.state is State.QUEUED)]:
        dispatcher.accept(job)
    if jobs:
        log.info("took up earlier jobs", queued=len(dispatcher.queue), interrupted=len(interrupted))


async def forget_old_jobs(
    journal: Journal, service: JobService, clock: Clock, *, retention_s: float, key_s: float
) -> None:
    """Forgets, for as long as it is let run, each job that finished more than `retention_s` seconds ago.

    A job whose idempotency key is younger than `key_s` seconds stays.
    """
    while True:
        now = clock()
        try:
            while gone := await journal.expire(
                now - round(retention_s * 1e6), now - round(key_s * 1e6), limit=EXPIRE_AT_ONCE
            ):
                for job in gone:
                    await service.forget(job)
                log.info("forgot old jobs", jobs=len(gone))
        except ProblemError as error:
            log.warning("old jobs could not be forgotten", why=error.detail)
        await asyncio.sleep(EXPIRE_EVERY_S)
