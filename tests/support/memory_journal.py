"""A journal without a disk, for tests of its callers. It passes the same contract suite as SQLite's."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from offload.errors import DuplicateKeyError, StorageFailedError
from offload.jobs.interfaces import PAGE_BYTES, BatchPage, EndedJobs, IdempotencyKey, JobFilter, KnownKey, Member, Page
from offload.jobs.model import AttemptKey, Batch, Job, State

T = TypeVar("T")


@dataclass
class _Record:
    seq: int
    job: Job
    key: IdempotencyKey | None
    index: int


@dataclass
class _BatchRecord:
    seq: int
    batch: Batch
    key: IdempotencyKey | None


class MemoryJournal:
    """Each write is done when the call returns; its awaitable only has the result."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}
        self._batches: dict[str, _BatchRecord] = {}
        self._next = 1
        self.notes: dict[int, Sequence[AttemptKey]] = {}
        """The dispatched attempts by the number of their note. No earlier service has noted any."""

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def add(
        self, jobs: Sequence[Job], key: IdempotencyKey | None = None, batch: Batch | None = None
    ) -> asyncio.Future[None]:
        if key is not None and self._holder(key.owner, key.key) is not None:
            return _completed(DuplicateKeyError())
        ids = {job.id for job in jobs}
        if len(ids) < len(jobs) or ids & self._records.keys() or (batch is not None and batch.id in self._batches):
            return _completed(StorageFailedError("An id was used before."))
        if batch is not None:
            self._batches[batch.id] = _BatchRecord(self._next, batch, key)
            key = None
        for number, job in enumerate(jobs):
            self._records[job.id] = _Record(self._next, job, key if number == 0 else None, number)
            self._next += 1
        return _completed(None)

    async def find_key(self, owner: str | None, key: str) -> KnownKey | None:
        holder = self._holder(owner, key)
        if holder is None or holder.key is None:
            return None
        if isinstance(holder, _BatchRecord):
            return KnownKey(fingerprint=holder.key.fingerprint, batch_id=holder.batch.id)
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

    def replace(self, job: Job, was: AttemptKey, state: State) -> asyncio.Future[bool]:
        record = self._records.get(was.job_id)
        if record is None or record.job.state is not state or record.job.attempt != was.attempt:
            return _completed(False)
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
        of = self._batches.get(record.job.batch_id or "")
        if of is not None:
            live = any(not member.job.state.terminal for member in self._members(of.batch.id))
            of.batch = replace(of.batch, finished_at=None if live else of.batch.finished_at or job.finished_at)
        return _completed(True)

    def note_dispatch(self, keys: Sequence[AttemptKey]) -> int | None:
        self.notes[len(self.notes)] = keys
        return len(self.notes) - 1

    def forget_dispatch(self, note: int) -> None:
        self.notes[note] = ()

    def dispatched_earlier(self) -> Sequence[AttemptKey]:
        return ()

    def forget_earlier_dispatches(self) -> None:
        pass

    async def ended_between(self, owner: str | None, begin: int, end: int, sample: int) -> EndedJobs:
        found = [
            record
            for record in self._records.values()
            if record.job.finished_at is not None
            and begin <= record.job.finished_at < end
            and owner in (None, record.job.owner)
        ]
        every = max(1, len(found) // sample)
        taken = [record.job for record in found if record.seq % every == 0]
        return EndedJobs(
            counts=Counter(record.job.state for record in found),
            ran_s=sorted(job.usage.wall_s for job in taken if job.state is State.SUCCEEDED and job.usage),
            waited_s=sorted((job.started_at - job.created_at) / 1e6 for job in taken if job.started_at is not None),
        )

    async def live(self) -> Sequence[Job]:
        return [record.job for record in self._records.values() if not record.job.state.terminal]

    def remove(self, job_id: str) -> Awaitable[bool]:
        record = self._records.get(job_id)
        if record is None or not record.job.state.terminal:
            return _completed(False)
        del self._records[job_id]
        return _completed(True)

    async def expire(self, finished_before: int, key_before: int, limit: int) -> Sequence[Job]:
        for record in list(self._batches.values()):
            batch = record.batch
            if (
                batch.finished_at is not None
                and batch.finished_at < finished_before
                and (record.key is None or batch.created_at < key_before)
            ):
                del self._batches[batch.id]
        old = [
            record.job
            for record in self._records.values()
            if record.job.state.terminal
            and (record.job.finished_at or 0) < finished_before
            and (record.key is None or record.job.created_at < key_before)
            and record.job.batch_id not in self._batches
        ]
        gone = sorted(old, key=lambda job: job.finished_at or 0)[:limit]
        for job in gone:
            del self._records[job.id]
        return gone

    async def get_batch(self, batch_id: str) -> Batch | None:
        record = self._batches.get(batch_id)
        return None if record is None else self._counted(record.batch)

    def _counted(self, batch: Batch) -> Batch:
        states = [member.job.state for member in self._members(batch.id)]
        return replace(batch, counts={state: states.count(state) for state in State})

    def _members(self, batch_id: str) -> Sequence[_Record]:
        return [record for record in self._records.values() if record.job.batch_id == batch_id]

    async def list_batches(self, owner: str | None, limit: int, before: int | None = None) -> BatchPage:
        newest_first = sorted(self._batches.values(), key=lambda record: -record.seq)
        found = [
            record
            for record in newest_first
            if (before is None or record.seq < before) and owner in (None, record.batch.owner)
        ]
        shown = found[:limit]
        batches = [replace(self._counted(record.batch), source=None) for record in shown]
        return BatchPage(batches=batches, next=shown[-1].seq if len(found) > limit else None)

    async def members(self, batch_id: str, begin: int, limit: int) -> Sequence[Member]:
        if batch_id not in self._batches:
            return []
        found = [Member(record.index, record.job) for record in self._members(batch_id) if record.index >= begin]
        return found[:limit]

    async def remove_batch(self, batch_id: str, limit: int) -> Sequence[Job]:
        record = self._batches.get(batch_id)
        if record is None or not record.batch.done:
            return []
        gone = [member.job for member in self._members(batch_id)[:limit]]
        for job in gone:
            del self._records[job.id]
        if not gone:
            del self._batches[batch_id]
        return gone

    async def check(self) -> str | None:
        return None

    def _holder(self, owner: str | None, key: str) -> _Record | _BatchRecord | None:
        for batch in self._batches.values():
            if batch.key is not None and (batch.batch.owner, batch.key.key) == (owner, key):
                return batch
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


def _completed(result: T | Exception) -> asyncio.Future[T]:
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
    return future
