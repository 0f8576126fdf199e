"""Fills a journal with accepted and ended jobs, in this process, by the journal's own code."""

import time
from collections.abc import Iterator
from pathlib import Path

from offload.jobs import lifecycle
from offload.jobs.ids import new_ids
from offload.jobs.model import Done, Job, Usage
from offload.stores.journal import SqliteJournal

_AT_ONCE = 5_000

_RESULT = b'{"n":1000,"value":"' + b"1" * 209 + b'","digits":209}'


async def fill(directory: Path, *, queued: int, finished: int) -> list[str]:
    """Fills the journal of a new data directory, the finished jobs first. Returns about 1,000 ids, evenly spread.

    A queued job keeps its lane until the service ends, and needs no CPU.
    """
    journal = SqliteJournal(directory / "journal.sqlite3")
    await journal.open()
    try:
        step = max((queued + finished) // 1_000, 1)
        some: list[str] = []
        for jobs in _in_groups(_jobs(queued, finished), some, step):
            await journal.add(jobs)
    finally:
        await journal.close()
    return some


def _jobs(queued: int, finished: int) -> Iterator[Job]:
    new_id = new_ids()
    for number in range(finished + queued):
        now = time.time_ns() // 1_000
        ends = number < finished
        job = Job(
            id=new_id(),
            task="fibonacci" if ends else "hold",
            params=b'{"n":1000,"algorithm":"fast","modulus":null,"format":"decimal"}' if ends else b'{"seconds":3600}',
            created_at=now,
            timeout_s=3600,
            memory_mb=1024,
            max_attempts=2,
        )
        yield _ended(job, now) if ends else job


def _ended(job: Job, at: int) -> Job:
    usage = Usage(wall_s=0.001, cpu_s=0.001, peak_rss_bytes=30_000_000)
    return lifecycle.succeed(lifecycle.start(job, at), Done(result=_RESULT, result_bytes=len(_RESULT), usage=usage), at)


def _in_groups(jobs: Iterator[Job], some: list[str], step: int) -> Iterator[list[Job]]:
    group: list[Job] = []
    for number, job in enumerate(jobs):
        if number % step == 0:
            some.append(job.id)
        group.append(job)
        if len(group) == _AT_ONCE:
            yield group
            group = []
    if group:
        yield group
