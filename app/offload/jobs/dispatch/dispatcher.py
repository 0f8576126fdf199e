"""The one writer of job states: takes jobs from the queue, has them run, and records how they end.

A new record is written to the journal before anyone can see it as terminal; see `attempts` for how.

    queue ──hand out──► engine ──ended──► journal ──recorded──► shown
              │ start                       ▲
              └──── 50 ms later, where it has not ended by then: the mark that it runs

Per job there are plain calls and callbacks only; there is a task of the event loop for each hand-over.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial

import structlog

from offload.jobs import lifecycle
from offload.jobs.changes.notifier import Changes
from offload.jobs.dispatch.live import LiveJobs
from offload.jobs.dispatch.queue import FairQueue
from offload.jobs.dispatch.recorder import Attempt, Recorder
from offload.jobs.interfaces import Clock, Engine, Journal, Traces
from offload.jobs.model import (
    Assignment,
    AttemptKey,
    Done,
    Failed,
    Job,
    Lost,
    Outcome,
    Progress,
    Rejected,
    State,
    Stopped,
)
from offload.jobs.recent import RecentJobs
from offload.jobs.statistics import Statistics

SECOND_LINE_S = 10.0
"""The engine ends an attempt at its time limit; this much later the dispatcher does."""

REJECTED_PAUSE_S = 0.1
"""A slot that was offered and then refused is not asked again at once."""

QUICK_S = 0.0005
"""A job that is expected to take less is quick: to hand one over costs about as much."""

TOGETHER = 32
"""Quick jobs that are handed over together, at most."""

TOGETHER_S = 0.002
"""How long they are expected to take together: nobody notices who waits for one of them while another lane is idle."""

TOGETHER_BYTES = 4096
"""Of their parameters, together."""

CANCELLED_AT_ONCE = 100
"""Of a batch, before others have their turn: about a millisecond."""

RECORDED_S = 2.0
"""What is stopped for good has so long to be recorded; a disk that stays full must not hold up the end."""

log = structlog.get_logger()


class Dispatcher:
    """Owns the queue and the live jobs."""

    def __init__(
        self,
        journal: Journal,
        engine: Engine,
        clock: Clock,
        changes: Changes,
        recent: RecentJobs,
        traces: Traces | None = None,
    ) -> None:
        self._journal = journal
        self._engine = engine
        self._clock = clock
        self._changes = changes
        self._recent = recent
        self._traces = traces
        self._attempts: dict[str, Attempt] = {}
        self._cancels: dict[str, asyncio.Task[Mapping[str, Job]]] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._recorder = Recorder(journal, self._recorded, self._spawn)
        self._wake = asyncio.Event()
        self._stopping = False
        self._closed = False
        self._hurried = asyncio.Event()
        self.queue = FairQueue()
        self.live = LiveJobs()
        self.statistics = Statistics()

    @property
    def running(self) -> int:
        """How many attempts are in the engine's hands."""
        return len(self._attempts)

    def start(self) -> None:
        """Begins to hand out what is queued."""
        self._spawn(self._hand_out())

    def slots_changed(self) -> None:
        """To be called when the engine may have free slots."""
        self._wake.set()

    def accept(self, job: Job) -> None:
        """Takes on a queued job that is in the journal."""
        self.live.put(job)
        self._enqueue(job)
        self._changes.notify(job)

    async def cancel(self, job: Job) -> Job:
        """Cancels a live job. Answers its record once its process is gone and its end is on disk.

        That end may be another one, where the job finished first. Raises a `ProblemError` where the end can't be
        written: a queued job then stays queued; a running one's process has ended, and its end is recorded later.
        """
        while not job.state.terminal:
            if attempt := self._attempts.get(job.id):
                attempt.wanted = "cancel"
                await self._stop(attempt)
                if refusal := await asyncio.shield(attempt.answered):
                    later = "The job's process has ended; that is recorded as soon as it can be."
                    raise type(refusal)(f"{refusal.detail} {later}")
                job = attempt.job  # queued, where the attempt was lost a moment before
            elif cancelling := self._cancels.get(job.id) or self._take_out([job]):
                job = (await asyncio.shield(cancelling))[job.id]
            else:  # it ended between the caller's look and this one
                return self._recent.get(job.id) or job
        return job

    async def cancel_batch(self, batch_id: str) -> None:
        """Cancels every live member: those that are queued first, so that no lane takes one up meanwhile.

        When this returns, their processes are gone and their ends on disk. Raises a `ProblemError` where one can't be
        written; those members stay queued.
        """
        while members := self.live.members(batch_id):
            jobs = [job for job in map(self.live.get, list(members)) if job is not None]
            cancelling: set[asyncio.Task[Mapping[str, Job]]] = set()
            for begin in range(0, len(jobs), CANCELLED_AT_ONCE):
                if taken := self._take_out(jobs[begin : begin + CANCELLED_AT_ONCE]):
                    cancelling.add(taken)
                await asyncio.sleep(0)
            cancelling |= {task for job in jobs if (task := self._cancels.get(job.id))}
            await asyncio.gather(*map(asyncio.shield, cancelling))
            await asyncio.gather(*(self.cancel(job) for job in self.running_members(batch_id)))

    def running_members(self, batch_id: str) -> Sequence[Job]:
        """The members of a batch that are in the engine's hands."""
        return [attempt.job for attempt in self._attempts.values() if attempt.job.batch_id == batch_id]

    def _take_out(self, jobs: Iterable[Job]) -> "asyncio.Task[Mapping[str, Job]] | None":
        """Begins the one cancellation of those that are queued, for all who ask for it; None where none is."""
        taken = [job for job in jobs if self.queue.discard(job.id)]
        if not taken:
            return None
        task = asyncio.create_task(self._cancel_queued(taken))
        self._cancels |= dict.fromkeys((job.id for job in taken), task)
        return task

    async def _cancel_queued(self, jobs: Sequence[Job]) -> Mapping[str, Job]:
        """Cancels jobs that have been taken out of the queue, in one group of writes; answers their records by id."""
        cancelled = [lifecycle.cancel(job, job.usage, self._clock()) for job in jobs]
        writes = [
            self._journal.replace(after, job.key, State.QUEUED) for job, after in zip(jobs, cancelled, strict=True)
        ]
        answers = await asyncio.gather(*writes, return_exceptions=True)
        for job, after, answer in zip(jobs, cancelled, answers, strict=True):
            del self._cancels[job.id]
            if isinstance(answer, BaseException):
                self._enqueue(job, first=True)
            else:
                self._show(after)
                if self._traces is not None:
                    self._traces.cancelled(after)
        if refusals := [answer for answer in answers if isinstance(answer, BaseException)]:
            raise refusals[0]
        return {job.id: job for job in cancelled}

    async def drain(self, grace_s: float) -> None:
        """Hands out no more; lets what runs finish for `grace_s` seconds or until `hurry`; queues the rest again."""
        self._stopping = True
        self._wake.set()
        running = list(self._attempts.values())
        patience = [self._spawn(_all_ended(running)), self._spawn(self._hurried.wait())]
        await asyncio.wait(patience, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        left = list(self._attempts.values())
        for attempt in left:
            attempt.wanted = attempt.wanted or "requeue"
            self._spawn(self._stop(attempt))
        with suppress(TimeoutError):
            async with asyncio.timeout(RECORDED_S):
                await _all_ended(left)

    def hurry(self) -> None:
        """Ends a drain's patience."""
        self._hurried.set()

    async def close(self) -> None:
        """Ends the dispatcher's own tasks. Ends of attempts that are told later are for the next start to find."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _hand_out(self) -> None:
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            while not self._stopping and self._engine.free_slots > 0 and (jobs := self._next()):
                self._spawn(self._run([self._begin(job) for job in jobs]))
                await asyncio.sleep(0)  # `Engine.run` claims its slot in the task's first step

    def _next(self) -> Sequence[Job]:
        """The job whose turn it is; where it is a quick one, with the quick ones behind it."""
        jobs: list[Job] = []
        size, seconds = 0, 0.0
        while len(jobs) < TOGETHER and size < TOGETHER_BYTES and seconds < TOGETHER_S:
            job_id = self.queue.pop(self._is_quick if jobs else None)
            if job_id is None:
                break
            jobs.append(job := self.live[job_id])
            size += len(job.params)
            seconds += self._expected_s(job)
        return jobs

    def _is_quick(self, job_id: str) -> bool:
        return self._expected_s(self.live[job_id]) < QUICK_S

    def _expected_s(self, job: Job) -> float:
        return max(job.cost, self.statistics.usual_s(job.task))

    def _begin(self, queued: Job) -> Attempt:
        job = lifecycle.start(queued, self._clock())
        attempt = self._attempts[job.id] = Attempt(queued, job)
        if self._traces is not None:
            attempt.traced = self._traces.begin(job)
        self._recorder.begun(attempt)
        self._show(job)
        return attempt

    async def mark(self) -> None:
        """Has the journal know of everything that runs: for who asks it by state."""
        await self._recorder.mark()

    async def _run(self, attempts: Sequence[Attempt]) -> None:
        for attempt in attempts:
            if attempt.wanted:  # stopped before the engine knew of it
                self._settle(attempt, Stopped(by="request"))
        running = {attempt.job.key: attempt for attempt in attempts if not attempt.settled}
        if not running:
            return
        jobs = [attempt.job for attempt in running.values()]
        assignments = [_assignment(attempt) for attempt in running.values()]
        report, ended = partial(self._report, running), partial(self._ended, running)
        try:
            async with asyncio.timeout(max(job.timeout_s for job in jobs) + SECOND_LINE_S):
                await self._engine.run(assignments, report, ended)
        except TimeoutError:
            for key in list(running):
                await self._engine.stop(key)
                ended(key, Stopped(by="time"))
        except Exception as error:  # a fault of the engine must not lose the jobs
            log.exception("engine failed", jobs=[key.job_id for key in running])
            for key in list(running):
                ended(key, Lost(detail=f"The engine failed: {error!r}"))

    def _report(self, running: dict[AttemptKey, Attempt], key: AttemptKey, progress: Progress) -> None:
        if (attempt := running.get(key)) and self.live.report(attempt.job, progress):
            self._changes.notify(attempt.job)

    def _ended(self, running: dict[AttemptKey, Attempt], key: AttemptKey, outcome: Outcome) -> None:
        attempt = running.pop(key, None)
        if attempt is None or self._closed:
            return
        if isinstance(outcome, Rejected):
            asyncio.get_running_loop().call_later(REJECTED_PAUSE_S, self._settle, attempt, outcome)
        else:
            self._settle(attempt, outcome)

    def _settle(self, attempt: Attempt, outcome: Outcome) -> None:
        """Has an attempt's end recorded; it is shown once that is on disk."""
        if attempt.settled:
            return
        attempt.settled = True
        ended = self._end(attempt, outcome)
        if attempt.traced is not None:
            attempt.traced.end(ended, outcome, self._engine.pid(attempt.job.key))
        self._recorder.end(attempt, ended)

    def _recorded(self, attempt: Attempt, ended: Job) -> None:
        """Shows an end that is on disk."""
        running, attempt.job = attempt.job, ended
        del self._attempts[ended.id]
        self._show(ended)
        attempt.ended.set()
        attempt.answer(None)
        if ended.state is State.QUEUED:
            self._enqueue(ended, first=True)
        as_meant = ended.state is State.SUCCEEDED or ended.attempt < running.attempt
        tell = log.debug if as_meant else log.info
        traced = {} if ended.trace is None else {"trace_id": ended.trace.split("-")[1]}
        tell(
            "attempt ended",
            job_id=ended.id,
            attempt=running.attempt,
            task=ended.task,
            state=ended.state.value,
            **traced,
        )

    def _end(self, attempt: Attempt, outcome: Outcome) -> Job:
        """What the job becomes: by its outcome, unless somebody wanted otherwise and it had not ended by itself."""
        at = self._clock()
        if isinstance(outcome, Done | Failed) or attempt.wanted is None:
            return lifecycle.conclude(attempt.job, outcome, at)
        if attempt.wanted == "cancel":
            return lifecycle.cancel(attempt.job, outcome.usage if not isinstance(outcome, Rejected) else None, at)
        return lifecycle.requeue(attempt.job)

    async def _stop(self, attempt: Attempt) -> None:
        """Ends an attempt's process; that its end is on disk is told by the attempt's events."""
        if not await self._engine.stop(attempt.job.key):
            log.warning("attempt out of reach; it may still be running", job_id=attempt.job.id)
            self._settle(attempt, Stopped(by="request"))

    def _show(self, job: Job) -> None:
        """Makes a record visible."""
        self.live.put(job)
        if job.state.terminal:
            self._recent.put(job)
            self.statistics.ended(job)
        self._changes.notify(job)

    def _enqueue(self, job: Job, *, first: bool = False) -> None:
        self.queue.push(job.id, job.priority, job.owner, first=first)
        self._wake.set()

    def _spawn(self, work: Coroutine[object, object, object]) -> asyncio.Task[object]:
        task: asyncio.Task[object] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _all_ended(attempts: Iterable[Attempt]) -> None:
    for attempt in attempts:
        await attempt.ended.wait()


def _assignment(attempt: Attempt) -> Assignment:
    job, traced = attempt.job, attempt.traced
    return Assignment(
        key=job.key,
        task=job.task,
        params=job.params,
        timeout_s=job.timeout_s,
        memory_mb=job.memory_mb,
        trace=None if traced is None else traced.place,
    )
