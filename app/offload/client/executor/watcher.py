"""Follows the changes of all jobs by one stream, for any number of futures."""

import asyncio
from contextlib import aclosing, suppress

from offload.client._async.client import AsyncClient
from offload.client.errors import OffloadError
from offload.client.executor.jobs import RemoteJobs
from offload.client.executor.pending import PendingFutures
from offload.client.records import Change, JobChanged, JobDeleted, LoadAgain

LINGER_S = 5.0
"""How long the stream stays open without a pending future: others are likely to follow."""

RETRY_S = 1.0
"""Before the stream is requested again where the service has refused it."""


class Watcher:
    """Follows the stream while futures are pending, and looks at all jobs after each gap in it."""

    def __init__(
        self, client: AsyncClient, pending: PendingFutures, jobs: RemoteJobs, tasks: asyncio.TaskGroup
    ) -> None:
        self._client = client
        self._pending = pending
        self._jobs = jobs
        self._tasks = tasks
        self._refreshing = False
        self.gaps = 0
        """How often changes may have been missed."""

    async def run(self) -> None:
        """Follow the stream while futures are pending, until cancelled."""
        while True:
            await self._pending.some.wait()
            following = self._tasks.create_task(self._follow())
            try:
                await self._idle()
            finally:
                following.cancel()
            await asyncio.wait([following])

    async def _idle(self) -> None:
        """Return when no future has been pending for `LINGER_S`."""
        while True:
            await self._pending.none.wait()
            try:
                async with asyncio.timeout(LINGER_S):
                    await self._pending.some.wait()
            except TimeoutError:
                return

    async def _follow(self) -> None:
        while True:
            try:
                async with aclosing(self._client.changes_of_all()) as changes:
                    async for change in changes:
                        self._apply(change)
            except OffloadError as error:
                self._pending.fail_accepted(error)
            await asyncio.sleep(RETRY_S)

    def _apply(self, change: Change) -> None:
        match change:
            case JobChanged(job):
                self._jobs.apply(job)
            case JobDeleted(job_id):
                if (future := self._pending.of_job(job_id)) is not None:
                    error = OffloadError(f"Job {job_id} was deleted before its result was received.")
                    self._pending.fail(future, error)
            case LoadAgain():
                self.gaps += 1
                if not self._refreshing:
                    self._tasks.create_task(self._refresh())

    async def _refresh(self) -> None:
        """Look at all jobs, again if there was another gap meanwhile."""
        self._refreshing = True
        seen = -1
        with suppress(OffloadError):  # then the stream is lost as well, and its error ends the futures
            while seen != self.gaps:
                seen = self.gaps
                await self._jobs.refresh_all()
        self._refreshing = False
