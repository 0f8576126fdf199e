"""A journal without a disk, for the tests of what stands above it. It passes the same contract suite as SQLite's."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from app.errors import DuplicateKeyError, StorageFailedError
from app.jobs.interfaces import PAGE_BYTES, IdempotencyKey, JobFilter, KnownKey, Page
from app.jobs.model import AttemptKey, Job, State

T = TypeVar("T")


@dataclass
class _Record:
    seq: int
    job: Job
    key: IdempotencyKey | None


class MemoryJournal:
    """Each write is done when the call returns; its awaitable only tells."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}
        self._next = 1

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def add(self, jobs: Sequence[Job], key: IdempotencyKey | None = None) -> Awaitable[None]:
        if key is not None and self._holder(key.owner, key.key) is not None:
            return _told(DuplicateKeyError())
        ids = {job.id for job in jobs}
        if len(ids) < len(jobs) or ids & self._records.keys():
            return _told(StorageFailedError("An id was used before."))
        for number, job in enumerate(jobs):
            self._records[job.id] = _Record(self._next, job, key if number == 0 else None)
            self._next += 1
        return _told(None)

    async def find_key(self, owner: str | None, key: str) -> KnownKey | None:
        holder = self._holder(owner, key)
        if holder is None or holder.key is None:
            return None
        return KnownKey(fingerprint=holder.key.fingerprint, job_id=holder.job.id)

    async def get(self, job_id: str) -> Job | None:
        record = self._records.get(job_id)
        return None if record is None else record.job

    async def list(self, where: JobFilter, limit: int, before: int | None = None) -> Page:
        newest_first = sorted(self._records.values(), key=lambda record: -record.seq)
        found = [r for r in newest_first if (before is None or r.seq < before) and _matches(r.job, where)]
        shown: list[_Record] = []
        while len(shown) < min(limit, len(found)) and sum(_held(r.job) for r in shown) < PAGE_BYTES:
            shown.append(found[len(shown)])
        return Page(jobs=[r.job for r in shown], next=shown[-1].seq if len(found) > len(shown) else None)

    def replace(self, job: Job, was: AttemptKey, state: State, *, lazy: bool = False) -> Awaitable[bool]:  # noqa: ARG002  # never lazy
        record = self._records.get(was.job_id)
        if record is None or record.job.state is not state or record.job.attempt != was.attempt:
            return _told(False)
        record.job = replace(
            record.job,
            state=job.state,
            attempt=job.attempt,
            started_at=job.started_at,
            finished_at=job.finished_at,
            result=job.result,
            result_bytes=job.result_bytes,
            failure=job.failure,
            usage=job.usage,
        )
        return _told(True)

    async def live(self) -> Sequence[Job]:
        return [record.job for record in self._records.values() if not record.job.state.terminal]

    def remove(self, job_id: str) -> Awaitable[bool]:
        record = self._records.get(job_id)
        if record is None or not record.job.state.terminal:
            return _told(False)
        del self._records[job_id]
        return _told(True)

    async def expire(self, finished_before: int, key_before: int, limit: int) -> Sequence[Job]:
        old = [
            record.job
            for record in self._records.values()
            if record.job.state.terminal
            and (record.job.finished_at or 0) < finished_before
            and (record.key is None or record.job.created_at < key_before)
        ]
        gone = sorted(old, key=lambda job: job.finished_at or 0)[:limit]
        for job in gone:
            del self._records[job.id]
        return gone

    async def check(self) -> str | None:
        return None

    def _holder(self, owner: str | None, key: str) -> _Record | None:
        for record in self._records.values():
            if record.key is not None and (record.job.owner, record.key.key) == (owner, key):
                return record
        return None


def _held(job: Job) -> int:
    return len(job.params) + len(job.result or b"")


def _matches(job: Job, where: JobFilter) -> bool:
    return (
        (not where.states or job.state in where.states)
        and where.task in (None, job.task)
        and (where.label is None or where.label in job.labels)
        and where.batch_id in (None, job.batch_id)
        and where.owner in (None, job.owner)
        and (where.created_after is None or job.created_at > where.created_after)
        and (where.created_before is None or job.created_at < where.created_before)
    )


def _told(answer: T | Exception) -> asyncio.Future[T]:
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
    return future
