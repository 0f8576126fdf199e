"""The implementations of the journal, and records to write into them."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from offload.jobs import lifecycle
from offload.jobs.interfaces import IdempotencyKey, JobFilter, Journal
from offload.jobs.model import Done, Job, Usage
from offload.stores.journal import SqliteJournal
from tests.support.memory_journal import MemoryJournal

FACTORIES: dict[str, Callable[[Path], Journal]] = {
    "sqlite": lambda directory: SqliteJournal(directory / "journal.db"),
    "memory": lambda _: MemoryJournal(),
}
"""The implementations that the contract suite tests."""


def a_job(
    name: str,
    *,
    created_at: int = 0,
    task: str = "t",
    labels: Sequence[str] = (),
    owner: str | None = None,
    size: int = 8,
) -> Job:
    """A queued job whose parameters take `size` bytes."""
    return Job(
        id=name,
        task=task,
        params=b'{"n": 1}'.ljust(size),
        created_at=created_at,
        timeout_s=300,
        memory_mb=1024,
        max_attempts=2,
        labels=tuple(labels),
        owner=owner,
    )


def a_key(key: str = "k", owner: str | None = None, fingerprint: bytes = b"f") -> IdempotencyKey:
    """Returns the idempotency key of a submission."""
    return IdempotencyKey(owner=owner, key=key, fingerprint=fingerprint)


def ended(job: Job, at: int = 10) -> Job:
    """Returns the job after one successful attempt."""
    return lifecycle.succeed(lifecycle.start(job, at), Done(result=b"1", result_bytes=1, usage=Usage(wall_s=0.5)), at)


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteJournal]:
    """Opens the journal in this file, and closes it at the end."""
    journal = SqliteJournal(path)
    await journal.open()
    try:
        yield journal
    finally:
        await journal.close()


async def ids(journal: Journal, where: JobFilter | None = None, limit: int = 100_000) -> list[str]:
    """Returns the jobs in the journal, newest first."""
    return [job.id for job in (await journal.list(where or JobFilter(), limit)).jobs]
