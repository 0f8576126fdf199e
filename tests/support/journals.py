"""Jobs and opened journals for the tests of the journal's file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.jobs import lifecycle
from app.jobs.interfaces import JobFilter
from app.jobs.model import Done, Job, Usage
from app.stores.journal import SqliteJournal


def a_job(name: str, *, created_at: int = 0, size: int = 8) -> Job:
    """A queued job whose parameters take `size` bytes."""
    return Job(
        id=name,
        task="t",
        params=b"[" + b" " * (size - 2) + b"]",
        created_at=created_at,
        timeout_s=300,
        memory_mb=1024,
        max_attempts=2,
    )


def ended(job: Job, at: int = 10) -> Job:
    """The job after one attempt that succeeded."""
    return lifecycle.succeed(lifecycle.start(job, at), Done(result=b"1", result_bytes=1, usage=Usage(wall_s=0.5)), at)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(path)
    await journal.open()
    try:
        yield journal
    finally:
        await journal.close()


async def ids(journal: SqliteJournal) -> list[str]:
    """What is in the journal, newest first (up to 100,000)."""
    return [job.id for job in (await journal.list(JobFilter(), 100_000)).jobs]
