"""The journals that the contract is held to, and what their tests write into them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from app.jobs import lifecycle
from app.jobs.interfaces import IdempotencyKey, JobFilter, Journal
from app.jobs.model import Done, Job, Usage
from app.stores.journal import SqliteJournal
from tests.support.memory_journal import MemoryJournal

FACTORIES: dict[str, Callable[[Path], Journal]] = {
    "sqlite": lambda directory: SqliteJournal(directory / "journal.db"),
    "memory": lambda _: MemoryJournal(),
}


def a_job(
    name: str, *, created_at: int = 0, task: str = "t", labels: Sequence[str] = (), owner: str | None = None
) -> Job:
    return Job(
        id=name,
        task=task,
        params=b'{"n": 1}',
        created_at=created_at,
        timeout_s=300,
        memory_mb=1024,
        max_attempts=2,
        labels=tuple(labels),
        owner=owner,
    )


def a_key(key: str = "k", owner: str | None = None, fingerprint: bytes = b"f") -> IdempotencyKey:
    return IdempotencyKey(owner=owner, key=key, fingerprint=fingerprint)


def ended(job: Job, at: int = 10) -> Job:
    done = Done(result=b"1", result_bytes=1, usage=Usage(wall_s=0.5))
    return lifecycle.succeed(lifecycle.start(job, at), done, at)


async def ids(journal: Journal, where: JobFilter | None = None, limit: int = 100) -> list[str]:
    return [job.id for job in (await journal.list(where or JobFilter(), limit)).jobs]
