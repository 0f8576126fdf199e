"""`jobs.interfaces.Journal` in SQLite. Passes each call to the thread that runs it."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Collection, Sequence
from functools import partial
from pathlib import Path

from offload.errors import ProblemError
from offload.jobs.interfaces import BatchPage, EndedJobs, IdempotencyKey, JobFilter, KnownKey, Member, Page
from offload.jobs.model import AttemptKey, Batch, Job, State
from offload.stores.journal import opening, queries, writes
from offload.stores.journal.connection_thread import ConnectionThread, RunGroup
from offload.stores.journal.dispatch_notes import DispatchNotes
from offload.stores.journal.errors import FULL
from offload.stores.journal.file_check import FileCheck
from offload.stores.journal.transactions import group_commit
from offload.stores.reserve import Reserve

CHECK_S = 2.0
"""How long a health check waits for the disk."""

CLOSE_S = 0.5
"""How long the end of the service waits for unfinished work, such as a write that waits for another process's lock."""

_EXPIRE_STEP = 50
"""Jobs that one transaction deletes. That takes a few milliseconds, so accepted jobs are not delayed noticeably."""


class SqliteJournal:
    """Implements `jobs.interfaces.Journal`. For use from the event loop that has called `open`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads: list[ConnectionThread] = []
        self._notes: DispatchNotes | None = None

    async def open(self) -> None:
        directory = self._path.parent
        writer = await asyncio.to_thread(opening.open_writer, self._path)
        self._files, self._reserve = FileCheck(self._path), Reserve(directory)
        await asyncio.to_thread(self._reserve.restore)
        self._notes = DispatchNotes(directory / "dispatched")
        self._writer = self._start("journal-writes", writer, group_commit(directory, self._files, self._reserve))
        # A list can be slow if its filters match many jobs each, but few together. Polls must not wait for it.
        self._reader = self._start("journal-reads", opening.open_reader(self._path), queries.run_each(directory))
        self._list_reader = self._start("journal-lists", opening.open_reader(self._path), queries.run_each(directory))

    def _start(self, name: str, connection: sqlite3.Connection, run_group: RunGroup) -> ConnectionThread:
        thread = ConnectionThread(name, connection, run_group)
        self._threads.append(thread)
        return thread

    async def close(self) -> None:
        """Closes the connections. After `CLOSE_S` the rest is left to the end of the process: commits are on disk."""
        # The writer is last: the last connection to close copies the WAL into the file, which readers can't.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                for thread in reversed(self._threads):
                    await thread.close()
                if self._threads:
                    self._files.close()
        if self._notes is not None:
            self._notes.close()

    def add(
        self, jobs: Sequence[Job], key: IdempotencyKey | None = None, batch: Batch | None = None
    ) -> asyncio.Future[None]:
        return self._writer.submit(writes.Add(jobs, key, batch), rows=len(jobs))

    def replace(self, job: Job, was: AttemptKey, state: State) -> asyncio.Future[bool]:
        return self._writer.submit(writes.Replace(job, was, state))

    def note_dispatch(self, keys: Sequence[AttemptKey]) -> int | None:
        return None if self._notes is None else self._notes.write(keys)

    def forget_dispatch(self, note: int) -> None:
        if self._notes is not None:
            self._notes.forget(note)

    def dispatched_earlier(self) -> Collection[AttemptKey]:
        return () if self._notes is None else self._notes.earlier

    def forget_earlier_dispatches(self) -> None:
        if self._notes is not None:
            self._notes.forget_earlier()

    def remove(self, job_id: str) -> Awaitable[bool]:
        return self._writer.submit(partial(writes.remove, job_id=job_id))

    async def expire(self, finished_before: int, key_before: int, limit: int) -> Sequence[Job]:
        """Deletes expired batches first; their members are then independent jobs."""
        bounds = queries.ExpiryBounds(finished_before, key_before, limit)
        if batches := await self._list_reader.submit(partial(queries.expirable_batches, bounds=bounds)):
            await self._writer.submit(partial(writes.delete_batches, batch_ids=batches), rows=len(batches))
        return await self._delete(await self._list_reader.submit(partial(queries.expirable, bounds=bounds)))

    async def _delete(self, found: Sequence[Job]) -> Sequence[Job]:
        """Deletes in small steps, so that other writes run in between."""
        deleted: list[Job] = []
        for begin in range(0, len(found), _EXPIRE_STEP):
            step = found[begin : begin + _EXPIRE_STEP]
            try:
                deleted += await self._writer.submit(partial(writes.delete, jobs=step), rows=len(step))
            except ProblemError:
                if not deleted:
                    raise
                break  # the caller must know what is deleted; the next call will raise
        return deleted

    async def get(self, job_id: str) -> Job | None:
        return await self._reader.submit(partial(queries.get, job_id=job_id))

    async def find_key(self, owner: str | None, key: str) -> KnownKey | None:
        return await self._reader.submit(partial(queries.find_key, owner=owner, key=key))

    async def list(self, where: JobFilter, limit: int, before: int | None = None) -> Page:
        return await self._list_reader.submit(partial(queries.page, where=where, limit=limit, before=before))

    async def ended_between(self, owner: str | None, begin: int, end: int, sample: int) -> EndedJobs:
        return await self._list_reader.submit(partial(queries.ended, owner=owner, begin=begin, end=end, sample=sample))

    async def live(self) -> Sequence[Job]:
        return await self._list_reader.submit(queries.live)

    async def get_batch(self, batch_id: str) -> Batch | None:
        return await self._reader.submit(partial(queries.get_batch, batch_id=batch_id))

    async def list_batches(self, owner: str | None, limit: int, before: int | None = None) -> BatchPage:
        return await self._list_reader.submit(partial(queries.batch_page, owner=owner, limit=limit, before=before))

    async def members(self, batch_id: str, begin: int, limit: int) -> Sequence[Member]:
        return await self._list_reader.submit(partial(queries.members, batch_id=batch_id, begin=begin, limit=limit))

    async def remove_batch(self, batch_id: str, limit: int) -> Sequence[Job]:
        find = partial(queries.members, batch_id=batch_id, begin=0, limit=limit, only_done=True)
        if found := await self._list_reader.submit(find):
            return await self._delete([member.job for member in found])
        await self._writer.submit(partial(writes.delete_batches, batch_ids=[batch_id]))
        return []

    async def check(self) -> str | None:
        try:
            async with asyncio.timeout(CHECK_S):
                await self._writer.submit(writes.beat)
                await self._reader.submit(queries.beats)
        except TimeoutError:
            return f"The journal did not write and read within {CHECK_S:g} s."
        except ProblemError as error:
            return error.detail
        return FULL if self._reserve.released else None
