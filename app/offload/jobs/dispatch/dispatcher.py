"""Takes jobs from the queue, has them run, and passes their outcomes on to be recorded.

Per job there are plain calls and callbacks only; each group of jobs has one task of the event loop.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial

import structlog

from offload.jobs import lifecycle
from offload.jobs.changes.notifier import ChangeNotifier
from offload.jobs.dispatch.attempt import Attempt, StopReason
from offload.jobs.dispatch.grouping import next_group
from offload.jobs.dispatch.live import LiveJobs
from offload.jobs.dispatch.publisher import Publisher
from offload.jobs.dispatch.queue import FairQueue
from offload.jobs.dispatch.recorder import Recorder
from offload.jobs.dispatch.running import run_group
from offload.jobs.interfaces import Clock, Engine, Journal, Traces
from offload.jobs.model import Job, Outcome, Progress, Rejected, State, Stopped
from offload.jobs.recent import RecentJobs
from offload.jobs.statistics import Statistics
from offload.supervision import Supervisor

REJECTED_PAUSE_S = 0.1
"""A rejected job is queued again after this pause, so that a slot that keeps rejecting is not asked without end."""

FINAL_WRITE_S = 1.5
"""How long a drain waits for the records of the attempts that it stopped: a full disk must not hold up the shutdown."""

log = structlog.get_logger()


class Dispatcher:
    """Owns the queue, the live jobs and the running attempts."""

    def __init__(
        self,
        journal: Journal,
        engine: Engine,
        clock: Clock,
        changes: ChangeNotifier,
        recent: RecentJobs,
        traces: Traces | None = None,
        supervisor: Supervisor | None = None,
    ) -> None:
        self.queue = FairQueue()
        self.live = LiveJobs()
        self.statistics = Statistics()
        self.publisher = Publisher(self.live, recent, self.statistics, changes)
        self._engine = engine
        self._clock = clock
        self._changes = changes
        self._traces = traces
        self._supervisor = supervisor or Supervisor()
        self._recorder = Recorder(journal, self._supervisor)
        self._attempts: dict[str, Attempt] = {}
        """The running attempts by the id of their job."""
        self._wake = asyncio.Event()
        """Set when there may be a queued job and a free slot."""
        self._awaiting_disk = 0
        """The number of groups that wait for the starts of their attempts to be on disk."""
        self._stopping = False
        self._hurried = asyncio.Event()
        self._closed = False
        self._tasks: set[asyncio.Task[object]] = set()

    @property
    def running(self) -> int:
        """The number of running attempts."""
        return len(self._attempts)

    def attempt(self, job_id: str) -> Attempt | None:
        """Return the running attempt of a job."""
        return self._attempts.get(job_id)

    def running_members(self, batch_id: str) -> Sequence[Job]:
        """Return the running members of a batch."""
        return [each.running for each in self._attempts.values() if each.running.batch_id == batch_id]

    def start(self) -> None:
        """Start to dispatch queued jobs."""
        self._spawn(self._supervisor.run("dispatcher", self._dispatch))

    def slots_changed(self) -> None:
        """Note that the engine may have free slots."""
        self._wake.set()

    def accept(self, job: Job) -> None:
        """Queue a new job that is in the journal."""
        self.live.put(job)
        self.enqueue(job)
        self._changes.notify(job)

    def enqueue(self, job: Job, *, first: bool = False) -> None:
        """Put a queued job at the end of its owner's line, or at its head if it has waited before."""
        self.queue.push(job.id, job.priority, job.owner, first=first)
        self._wake.set()

    async def flush_starts(self) -> None:
        """Have the journal show every running job as running, for a reader that asks it for jobs by state."""
        await self._recorder.flush_starts()

    async def _dispatch(self) -> None:
        self._wake.set()  # also after a failure, which may have come before the last job was taken
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            while not self._stopping and self._engine.free_slots > self._awaiting_disk:
                if not (jobs := next_group(self.queue, self.live, self.statistics)):
                    break
                self._start_group(jobs)
                await asyncio.sleep(0)  # `Engine.run` claims its slot in the first step of its task

    def _start_group(self, jobs: Sequence[Job]) -> None:
        """Start attempts of jobs taken from the queue. If one can't be started, queue it and the rest again.

        They get the last places, so that jobs that can be started are not held up.
        """
        attempts: list[Attempt] = []
        try:
            attempts.extend(map(self._start_attempt, jobs))  # keeps those that were started before an exception
        except Exception:
            for job in jobs[len(attempts) :]:
                self._attempts.pop(job.id, None)
                self.enqueue(job)
            raise
        finally:
            self._spawn(self._run(attempts, self._recorder.write_dispatch(attempts)))

    def _start_attempt(self, queued: Job) -> Attempt:
        running = lifecycle.start(queued, self._clock())
        attempt = self._attempts[running.id] = Attempt(queued, running)
        if self._traces is not None:
            attempt.traced = self._traces.begin(running)
        self.publisher.publish(running)
        return attempt

    async def _run(self, attempts: Sequence[Attempt], starts: Mapping[str, asyncio.Future[bool]]) -> None:
        """Have a group run, once the starts are on disk that must be. The slot is kept free for it meanwhile."""
        if starts:
            self._awaiting_disk += 1
            await asyncio.wait(starts.values())
            self._awaiting_disk -= 1
            self._wake.set()  # the slot may remain free
        wanted = []
        for attempt in attempts:
            if attempt.stop_reason is not None:  # before the engine knew of it
                self._conclude(attempt, Stopped(by="request"))
            elif not _on_disk(starts.get(attempt.running.id)):
                self._take_outcome(attempt, Rejected(detail="Its start could not be written to the disk."))
            else:
                wanted.append(attempt)
        if wanted:
            await run_group(self._engine, wanted, on_progress=self._note_progress, on_outcome=self._take_outcome)

    def _note_progress(self, attempt: Attempt, progress: Progress) -> None:
        if self.live.report(attempt.running, progress):
            self._changes.notify(attempt.running)

    def _take_outcome(self, attempt: Attempt, outcome: Outcome) -> None:
        if isinstance(outcome, Rejected):
            asyncio.get_running_loop().call_later(REJECTED_PAUSE_S, self._conclude, attempt, outcome)
        else:
            self._conclude(attempt, outcome)

    def _conclude(self, attempt: Attempt, outcome: Outcome) -> None:
        """Have the end of an attempt recorded. Only its first outcome counts, and none after `close`."""
        if attempt.concluded or self._closed:
            return
        attempt.concluded = True
        after = attempt.conclude(outcome, self._clock())
        if attempt.traced is not None:
            attempt.traced.end(after, outcome, self._engine.pid(attempt.running.key))
        self._recorder.write_end(attempt, after).add_done_callback(partial(self._finish, attempt))

    def _finish(self, attempt: Attempt, recorded: asyncio.Future[Job]) -> None:
        """Show an end that is on disk."""
        after = recorded.result()
        del self._attempts[after.id]
        self.publisher.publish(after)
        if after.state is State.QUEUED:
            self.enqueue(after, first=True)
        attempt.ended.set_result(after)
        _log_end(attempt, after)

    async def stop(self, attempt: Attempt, reason: StopReason) -> None:
        """End the process of an attempt. `Attempt.ended` is completed once that is recorded.

        The first reason counts, but a client's wish to cancel counts more than a stop of the service.
        """
        attempt.stop_reason = reason if reason == "cancel" else attempt.stop_reason or reason
        if not await self._engine.stop(attempt.running.key):
            log.warning("attempt out of reach; it may still be running", job_id=attempt.running.id)
            self._conclude(attempt, Stopped(by="request"))

    async def drain(self, grace_s: float) -> None:
        """Dispatch nothing more. Let running attempts finish for `grace_s` seconds or until `hurry`; queue the others.

        Returns once all ends are on disk, or `FINAL_WRITE_S` after the last attempts were stopped.
        """
        self._stopping = True
        self._wake.set()
        patience = [self._spawn(_all_ended(list(self._attempts.values()))), self._spawn(self._hurried.wait())]
        await asyncio.wait(patience, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        left = list(self._attempts.values())
        for attempt in left:
            self._spawn(self.stop(attempt, "requeue"))
        with suppress(TimeoutError):
            async with asyncio.timeout(FINAL_WRITE_S):
                await _all_ended(left)

    def hurry(self) -> None:
        """End the patience of a drain."""
        self._hurried.set()

    async def close(self) -> None:
        """End the dispatcher's own tasks. Later outcomes are ignored; the next start finds these jobs interrupted."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._recorder.close()

    def _spawn(self, work: Coroutine[object, object, object]) -> asyncio.Task[object]:
        task: asyncio.Task[object] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _on_disk(start: asyncio.Future[bool] | None) -> bool:
    """Return True if a start was written, or need not be."""
    return start is None or (not start.cancelled() and start.exception() is None and start.result())


async def _all_ended(attempts: Iterable[Attempt]) -> None:
    for attempt in attempts:
        await asyncio.shield(attempt.ended)


def _log_end(attempt: Attempt, after: Job) -> None:
    expected = after.state is State.SUCCEEDED or after.attempt < attempt.running.attempt
    write = log.debug if expected else log.info
    traced = {} if after.trace is None else {"trace_id": after.trace.split("-")[1]}
    write(
        "attempt ended",
        job_id=after.id,
        attempt=attempt.running.attempt,
        task=after.task,
        state=after.state.value,
        **traced,
    )
