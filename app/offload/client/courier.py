"""Brings jobs to the service and outcomes back to their futures, for any number of futures by one stream of events.

All of it happens on one event loop, so nothing here is locked. The service tells of every change of every job; those of
this executor have a label of its own, by which their list is asked for where something may have been missed.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from contextlib import aclosing, suppress
from typing import Any

from offload.client import calls
from offload.client.async_client import AsyncClient
from offload.client.errors import JobFailedError, OffloadError
from offload.client.futures import Lot, RemoteFuture
from offload.client.records import Change, Job, JobChanged, JobDeleted, LoadAgain

AT_ONCE = 8
"""Calls of one kind that are under way at a time. 2,000 submissions took 2.7 s with 8, 4.5 s with 16 and with 32."""

LINGER_S = 5.0
"""How long the stream is kept when no future waits: others are likely to follow."""

AGAIN_S = 1.0
"""Before the stream is asked for again, where the service has refused it."""


class Courier:
    """The executor's side that talks to the service. But for the constructor, all of it is for its loop alone."""

    def __init__(self, offload: AsyncClient, label: str, options: calls.Options) -> None:
        self._offload = offload
        self._label = label
        self._options = options
        self._lots: deque[Lot] = deque()
        self._sending = 0
        self.sent = 0
        """How many lots have been sent, or have failed to be."""
        self._open: set[RemoteFuture] = set()
        """Those that have not come to an end."""
        self._waiting: dict[str, RemoteFuture] = {}
        """The accepted ones among them, by their jobs."""
        self._early: dict[str, Job] = {}
        """Jobs that had ended before the answer to their submission was here."""
        self._openings = 0
        """How often something may have been missed."""
        self._looking = False
        self._finishing = False
        self._some, self._none, self._done = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._posted = asyncio.Semaphore(0)
        self._calls = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Works until `finish` has been called and every future has come to its end. Whatever goes wrong, they do."""
        why: Exception = OffloadError("The executor has ended before the job.")
        try:
            async with self._offload, asyncio.TaskGroup() as self._tasks:
                steady = [self._tasks.create_task(self._send_all()) for _ in range(AT_ONCE)]
                steady.append(self._tasks.create_task(self._watch()))
                await self._done.wait()
                for task in steady:
                    task.cancel()
        except Exception as error:
            why = error
            raise
        finally:
            for future in list(self._open):
                self._fail(future, why)

    def post(self, lot: Lot) -> None:
        """Takes what is to be sent."""
        self._open.update(lot.futures)
        self._some.set()
        self._none.clear()
        self._lots.append(lot)
        self._posted.release()

    def finish(self) -> None:
        """Nothing more will be posted."""
        self._finishing = True
        if not self._open:
            self._done.set()

    def stop(self, future: RemoteFuture) -> None:
        """Cancels the job of a future that has been cancelled."""
        if future.job_id is not None and future in self._open:
            self._spawn(self._cancel(future, future.job_id))

    def stop_lot(self, lot: Lot) -> None:
        """Cancels a batch, all of whose futures have been cancelled or have ended."""
        if lot.batch_id is not None:
            self._spawn(self._cancel_batch(lot, lot.batch_id))

    # Sending

    async def _send_all(self) -> None:
        while True:
            await self._posted.acquire()
            lot = self._lots.popleft()
            self._sending += 1
            openings = self._openings
            try:
                await (self._send_batch(lot) if lot.batch else self._send_job(lot))
            except Exception as error:  # also what can't be JSON: it is the futures' to tell
                for future in lot.futures:
                    if future.job_id is None:
                        self._fail(future, error)
            finally:
                self._sending -= 1
                self.sent += 1
                if not self._sending:
                    self._early.clear()
            if openings != self._openings:
                for future in lot.futures:
                    self._look_again(future)

    async def _send_job(self, lot: Lot) -> None:
        (future,), ((task, params),) = lot.futures, lot.wanted
        if future.cancelled():
            self._end(future)
            return
        job = await self._offload.perform(calls.submit(task, params, self._options))
        self._accepted(future, job.id)
        self._see(job)

    async def _send_batch(self, lot: Lot) -> None:
        for future in lot.futures:
            if future.cancelled():
                self._end(future)
        left = [
            (future, wanted) for future, wanted in zip(lot.futures, lot.wanted, strict=True) if future in self._open
        ]
        if not left:
            return
        said = self._options.member()  # has a member's names
        members = [{"task": task, "params": params, **said} for _, (task, params) in left]
        batch = await self._offload.submit_batch(members)
        lot.batch_id = batch.id
        if all(future.cancelled() for future, _ in left):
            await self._cancel_batch(lot, batch.id)
            return
        async with aclosing(self._offload.batch_results(batch.id)) as told:
            async for member in told:
                future = left[member.index][0]
                self._accepted(future, member.id)
                if member.state == "succeeded":
                    self._succeed(future, member.result)
                elif member.state in ("failed", "cancelled"):
                    self._look_again(future)
        for future, _ in left:
            if future.job_id is None:
                self._fail(future, OffloadError(f"Its job in batch {batch.id} was deleted before its result was here."))

    def _accepted(self, future: RemoteFuture, job_id: str) -> None:
        future.accepted_as(job_id)
        self._waiting[job_id] = future
        if (job := self._early.pop(job_id, None)) is not None:
            self._see(job)
        elif future.cancelled():
            self._spawn(self._cancel(future, job_id))

    # Watching

    async def _watch(self) -> None:
        """Follows the stream while there is something to wait for."""
        while True:
            await self._some.wait()
            following = self._tasks.create_task(self._follow())
            try:
                await self._rest()
            finally:
                following.cancel()
            await asyncio.wait([following])

    async def _rest(self) -> None:
        """Returns when nothing has been waited for for a while."""
        while True:
            await self._none.wait()
            try:
                async with asyncio.timeout(LINGER_S):
                    await self._some.wait()
            except TimeoutError:
                return

    async def _follow(self) -> None:
        while True:
            try:
                async with aclosing(self._offload.changes_of_all()) as changes:
                    async for change in changes:
                        self._notice(change)
            except OffloadError as error:
                for future in list(self._waiting.values()):
                    self._fail(future, error)
            await asyncio.sleep(AGAIN_S)

    def _notice(self, change: Change) -> None:
        match change:
            case JobChanged(job):
                self._see(job)
            case JobDeleted(job_id):
                if (future := self._waiting.get(job_id)) is not None:
                    self._fail(future, OffloadError(f"Job {job_id} was deleted before its result was here."))
            case LoadAgain():
                self._openings += 1
                if not self._looking:
                    self._spawn(self._look())

    def _see(self, job: Job) -> None:
        """What is known of a job now."""
        future = self._waiting.get(job.id)
        if future is None:
            if self._sending and job.ended and self._label in job.labels:
                self._early[job.id] = job
            return
        future.in_lane(job.state == "running")
        match job.state:
            case "succeeded" if job.result_is_here:
                self._succeed(future, job.result)
            case "succeeded":
                self._spawn(self._fetch(future, job.id))
            case "failed":
                self._fail(future, JobFailedError(job))
            case "cancelled":
                future.cancel_quietly()
                self._end(future)

    async def _look(self) -> None:
        """Looks at all that ended while nobody told, until nothing more was missed meanwhile."""
        self._looking = True
        seen = -1
        with suppress(OffloadError):  # then the stream is lost as well, and says so
            while seen != self._openings:
                seen = self._openings
                known = set(self._waiting)
                async with aclosing(self._offload.jobs(states=("queued", "running"), label=self._label)) as jobs:
                    async for job in jobs:
                        known.discard(job.id)
                        self._see(job)
                for job_id in known:
                    self._spawn(self._look_at(job_id))
        self._looking = False

    def _look_again(self, future: RemoteFuture) -> None:
        if future.job_id in self._waiting:
            self._spawn(self._look_at(future.job_id))

    async def _look_at(self, job_id: str) -> None:
        try:
            async with self._calls:
                if job_id in self._waiting:
                    self._see(await self._offload.job(job_id))
        except OffloadError as error:
            if (future := self._waiting.get(job_id)) is not None:
                self._fail(future, error)

    async def _fetch(self, future: RemoteFuture, job_id: str) -> None:
        self._waiting.pop(job_id, None)  # it is not to be fetched twice
        try:
            async with self._calls:
                self._succeed(future, await self._offload.result(job_id))
        except OffloadError as error:
            self._fail(future, error)

    # Cancelling

    async def _cancel(self, future: RemoteFuture, job_id: str) -> None:
        with suppress(OffloadError):  # it has ended, or nobody can say: the future is cancelled either way
            async with self._calls:
                if future in self._open:
                    await self._offload.cancel(job_id)
        self._end(future)

    async def _cancel_batch(self, lot: Lot, batch_id: str) -> None:
        with suppress(OffloadError):
            await self._offload.cancel_batch(batch_id)
        for future in lot.futures:
            if future.cancelled():
                self._end(future)

    # Ends

    def _succeed(self, future: RemoteFuture, result: object) -> None:
        if self._close(future) and future.set_running_or_notify_cancel():
            future.set_result(result)

    def _fail(self, future: RemoteFuture, error: Exception) -> None:
        if self._close(future) and future.set_running_or_notify_cancel():
            future.set_exception(error)

    def _end(self, future: RemoteFuture) -> None:
        """It has been cancelled."""
        if self._close(future):
            future.set_running_or_notify_cancel()

    def _close(self, future: RemoteFuture) -> bool:
        """True the first time."""
        if future not in self._open:
            return False
        self._open.remove(future)
        if future.job_id is not None:
            self._waiting.pop(future.job_id, None)
        if not self._open:
            self._some.clear()
            self._none.set()
            if self._finishing:
                self._done.set()
        return True

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._tasks.create_task(coroutine)
