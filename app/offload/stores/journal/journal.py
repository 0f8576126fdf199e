"""`jobs.interfaces.Journal` on SQLite: hands each call to the line that serves it."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Sequence
from functools import partial
from pathlib import Path

from offload.errors import ProblemError
from offload.jobs.interfaces import BatchPage, EndedJobs, IdempotencyKey, JobFilter, KnownKey, Member, Page
from offload.jobs.model import AttemptKey, Batch, Job, State
from offload.stores.journal import boot, commits, reads, writes
from offload.stores.journal.line import Line, Serve

CHECK_S = 2.0
"""How long a health check waits for the disk."""

_EXPIRE_STEP = 50
"""Jobs that one transaction forgets: a few milliseconds, so that no accepted job waits noticeably for retention."""


class SqliteJournal:
    """The contract is `jobs.interfaces.Journal`'s. `open` first; for use from that event loop only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[Line] = []

    async def open(self) -> None:
        directory = self._path.parent
        writer = await asyncio.to_thread(boot.open_writer, self._path)
        inodes = boot.inodes(self._path)

        def gone() -> str | None:
            if boot.inodes(self._path) == inodes:
                return None
            return f"The journal {self._path}, or its log, was removed or replaced while in use: restart the service."

        self._writes = self._start("journal-writes", writer, commits.committing(directory, gone))
        # Lists may take long where several filters match much and together little; a poll must not wait for them.
        self._reads = self._start("journal-reads", boot.open_reader(self._path), reads.answering(directory))
        self._lists = self._start("journal-lists", boot.open_reader(self._path), reads.answering(directory))

    def _start(self, name: str, connection: sqlite3.Connection, serve: Serve) -> Line:
        line = Line(name, connection, serve)
        self._lines.append(line)
        return line

    async def close(self) -> None:
        # The writer last: the last connection to close folds the WAL into the file, and readers may not write.
        for line in reversed(self._lines):
            await line.close()

    def add(
        self, jobs: Sequence[Job], key: IdempotencyKey | None = None, batch: Batch | None = None
    ) -> asyncio.Future[None]:
        return self._writes.submit(writes.Add(jobs, key, batch), rows=len(jobs))

    def replace(self, job: Job, was: AttemptKey, state: State) -> asyncio.Future[bool]:
        return self._writes.submit(writes.Replace(job, was, state))

    def remove(self, job_id: str) -> Awaitable[bool]:
        return self._writes.submit(partial(writes.remove, job_id=job_id))

    async def expire(self, finished_before: int, key_before: int, limit: int) -> Sequence[Job]:
        """A batch whose time has come goes first; its members are then jobs like any other."""
        bounds = reads.Bounds(finished_before, key_before, limit)
        if batches := await self._lists.submit(partial(reads.expirable_batches, bounds=bounds)):
            await self._writes.submit(partial(writes.forget_batches, batch_ids=batches), rows=len(batches))
        return await self._forget(await self._lists.submit(partial(reads.expirable, bounds=bounds)))

    async def _forget(self, found: Sequence[Job]) -> Sequence[Job]:
        """In small steps, so that other writes go on in between."""
        forgotten: list[Job] = []
        for begin in range(0, len(found), _EXPIRE_STEP):
            step = found[begin : begin + _EXPIRE_STEP]
            try:
                forgotten += await self._writes.submit(partial(writes.forget, jobs=step), rows=len(step))
            except ProblemError:
                if not forgotten:
                    raise
                break  # what is forgotten must be told; the next call will raise
        return forgotten

    async def get(self, job_id: str) -> Job | None:
        return await self._reads.submit(partial(reads.get, job_id=job_id))

    async def find_key(self, owner: str | None, key: str) -> KnownKey | None:
        return await self._reads.submit(partial(reads.find_key, owner=owner, key=key))

    async def list(self, where: JobFilter, limit: int, before: int | None = None) -> Page:
        return await self._lists.submit(partial(reads.page, where=where, limit=limit, before=before))

    async def ended_between(self, owner: str | None, begin: int, end: int, sample: int) -> EndedJobs:
        return await self._lists.submit(partial(reads.ended, owner=owner, begin=begin, end=end, sample=sample))

    async def live(self) -> Sequence[Job]:
        return await self._lists.submit(reads.live)

    async def get_batch(self, batch_id: str) -> Batch | None:
        return await self._reads.submit(partial(reads.get_batch, batch_id=batch_id))

    async def list_batches(self, owner: str | None, limit: int, before: int | None = None) -> BatchPage:
        return await self._lists.submit(partial(reads.batch_page, owner=owner, limit=limit, before=before))

    async def members(self, batch_id: str, begin: int, limit: int) -> Sequence[Member]:
        return await self._lists.submit(partial(reads.members, batch_id=batch_id, begin=begin, limit=limit))

    async def remove_batch(self, batch_id: str, limit: int) -> Sequence[Job]:
        find = partial(reads.members, batch_id=batch_id, begin=0, limit=limit, only_done=True)
        if found := await self._lists.submit(find):
            return await self._forget([member.job for member in found])
        await self._writes.submit(partial(writes.forget_batches, batch_ids=[batch_id]))
        return []

    async def check(self) -> str | None:
        try:
            async with asyncio.timeout(CHECK_S):
                await self._writes.submit(writes.beat)
                await self._reads.submit(reads.beats)
        except TimeoutError:
            return f"The journal did not write and read within {CHECK_S:g} s."
        except ProblemError as error:
            return error.detail
        return None
