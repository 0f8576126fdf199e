"""The dispatcher: what it records, the order in which it publishes, and what it ignores."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import cast

import pytest
from structlog.testing import capture_logs

from offload.errors import StorageFullError
from offload.jobs.changes.notifier import ChangeNotifier
from offload.jobs.dispatch.canceller import Canceller
from offload.jobs.dispatch.dispatcher import Dispatcher
from offload.jobs.dispatch.grouping import GROUP_S
from offload.jobs.housekeeping import recover
from offload.jobs.interfaces import IdempotencyKey, Traces
from offload.jobs.lifecycle import start
from offload.jobs.model import (
    AttemptKey,
    Done,
    Failed,
    Failure,
    FailureKind,
    Job,
    Lost,
    Progress,
    Rejected,
    State,
    Stopped,
    Usage,
)
from offload.jobs.recent import RecentJobs
from offload.jobs.statistics import KNOWN_AFTER
from offload.supervision import Supervisor
from tests.support.memory_journal import MemoryJournal
from tests.support.scripted_engine import USAGE, ScriptedEngine
from tests.support.waiting import turns, until

pytestmark = pytest.mark.anyio


def a_job(name: str = "a", *, priority: int = 0, max_attempts: int = 2, timeout_s: float = 60) -> Job:
    return Job(
        id=name,
        task="t",
        params=b"{}",
        created_at=0,
        timeout_s=timeout_s,
        memory_mb=64,
        max_attempts=max_attempts,
        priority=priority,
    )


class StubbornJournal(MemoryJournal):
    """Refuses as many writes as `refuse` says, like a full disk."""

    def __init__(self) -> None:
        super().__init__()
        self.refuse = 0
        self.error: BaseException = StorageFullError("The disk is full.")
        self.held: asyncio.Event | None = None
        self.written: list[tuple[str, State]] = []

    def replace(self, job: Job, was: AttemptKey, state: State) -> asyncio.Future[bool]:
        return asyncio.ensure_future(self._replace(job, was, state))

    async def _replace(self, job: Job, was: AttemptKey, state: State) -> bool:
        if self.held is not None:
            await self.held.wait()
        if self.refuse > 0:
            self.refuse -= 1
            raise self.error
        written = await super().replace(job, was, state)
        if written:
            self.written.append((job.id, job.state))
        return written


@dataclass
class Parts:
    journal: StubbornJournal
    engine: ScriptedEngine
    dispatcher: Dispatcher
    canceller: Canceller
    changes: ChangeNotifier
    recent: RecentJobs

    async def submit(self, *jobs: Job, key: IdempotencyKey | None = None) -> None:
        await self.journal.add(jobs, key)
        for job in jobs:
            self.dispatcher.accept(job)

    async def on_disk(self, job_id: str) -> Job:
        job = await self.journal.get(job_id)
        assert job is not None
        return job

    async def ended(self, job_id: str) -> Job:
        return await until(lambda: self.recent.get(job_id), what=f"{job_id} to be shown as terminal")


@asynccontextmanager
async def dispatching(
    slots: int = 1,
    jobs: Sequence[Job] = (),
    engine: ScriptedEngine | None = None,
    supervisor: Supervisor | None = None,
    traces: Traces | None = None,
) -> AsyncIterator[Parts]:
    journal, changes, recent = StubbornJournal(), ChangeNotifier(), RecentJobs()
    engine = engine or ScriptedEngine(slots)
    await journal.open()
    await journal.add(jobs)
    ticks = iter(range(1, 1_000_000))
    dispatcher = Dispatcher(journal, engine, lambda: next(ticks), changes, recent, traces, supervisor)
    canceller = Canceller(dispatcher, journal, recent, lambda: next(ticks))
    await engine.open(dispatcher.slots_changed)
    if jobs:
        await recover(journal, dispatcher, lambda: next(ticks))
    dispatcher.start()
    try:
        yield Parts(journal, engine, dispatcher, canceller, changes, recent)
    finally:
        await engine.close()
        await dispatcher.close()


class FaultyEngine(ScriptedEngine):
    """An engine that fails the next time when it is asked for free slots."""

    faults = 0

    @property
    def free_slots(self) -> int:
        if self.faults > 0:
            self.faults -= 1
            raise LookupError("no such slot")
        return super().free_slots


async def test_jobs_run_after_a_failure_of_the_dispatcher_which_is_reported() -> None:
    engine, supervisor = FaultyEngine(), Supervisor()
    async with dispatching(engine=engine, supervisor=supervisor) as parts:
        engine.faults = 2
        with capture_logs() as logs:
            await parts.submit(a_job("a"))
            await engine.running("a")
        assert [each["work"] for each in logs if each["log_level"] == "error"] == ["dispatcher"] * 2
        assert await supervisor.check() == ("dispatcher failed and is started again: LookupError('no such slot').")
        await engine.end("a")
        assert (await parts.ended("a")).attempt == 1


@pytest.mark.parametrize("error", [LookupError("no such table"), asyncio.CancelledError()], ids=repr)
async def test_an_end_is_written_after_an_unexpected_failure_which_is_reported(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offload.jobs.dispatch.recorder.RETRY_S", 0.01)
    supervisor = Supervisor()
    async with dispatching(supervisor=supervisor) as parts:
        await parts.submit(a_job("a"))
        await parts.engine.running("a")
        await until(lambda: parts.journal.written == [("a", State.RUNNING)])
        parts.journal.refuse, parts.journal.error = 3, error
        await parts.engine.end("a")
        assert (await parts.ended("a")).state is State.SUCCEEDED
        assert supervisor.failures["recorder"] == 2  # the end alone, then the start and the end


class FaultyTraces:
    """Fails for the first attempt that begins."""

    faults = 1

    def begin(self, _: Job) -> None:
        if self.faults > 0:
            self.faults -= 1
            raise LookupError("no such trace")


async def test_a_job_whose_attempt_can_not_be_started_is_queued_again() -> None:
    supervisor = Supervisor()
    traces = cast("Traces", FaultyTraces())  # only `begin` is called for these jobs
    async with dispatching(supervisor=supervisor, traces=traces) as parts:
        await parts.submit(a_job("a"), a_job("b"))
        for job_id in ("b", "a"):
            await parts.engine.running(job_id)
            await parts.engine.end(job_id)
            assert (await parts.ended(job_id)).attempt == 1
        assert supervisor.failures == {"dispatcher": 1}


async def test_a_job_runs_and_its_result_is_on_disk_before_it_is_shown() -> None:
    async with dispatching() as parts:
        await parts.submit(a_job())
        await parts.engine.running("a")
        await until(lambda: parts.journal.written == [("a", State.RUNNING)])
        parts.journal.held = asyncio.Event()
        with parts.changes.watch("a") as changed:
            await parts.engine.end("a")
            await until(lambda: parts.engine.free_slots == 1)
            live = parts.dispatcher.live.get("a")
            assert live is not None
            assert live.state is State.RUNNING
            assert not changed.is_set()
            parts.journal.held.set()
            await asyncio.wait_for(changed.wait(), 5)
        job = await parts.ended("a")
        assert (job.state, job.result, job.attempt) == (State.SUCCEEDED, b"1", 1)
        assert await parts.on_disk("a") == job
        assert len(parts.dispatcher.live) == 0


async def test_only_as_many_run_as_there_are_slots_by_priority() -> None:
    async with dispatching(slots=2) as parts:
        await parts.submit(a_job("low", priority=-1), a_job("a"), a_job("b"), a_job("high", priority=9))
        await parts.engine.running("high")
        await parts.engine.running("a")
        assert len(parts.engine.started) == 2
        await parts.engine.end("a")
        await parts.engine.running("b")
        await parts.engine.end("high")
        await parts.engine.running("low")


async def test_a_lost_attempt_is_tried_again_before_what_waits_and_then_fails() -> None:
    async with dispatching() as parts:
        await parts.submit(a_job("a"), a_job("next"), a_job("b"))
        await parts.engine.end("a", Lost(detail="It died.", signal="SIGKILL"))
        await parts.engine.running("next")  # the free lane did not wait for the record of the loss
        await until(lambda: parts.dispatcher.queue.position("a") == 0, what="a to be queued again")
        await parts.engine.end("next")
        assert await parts.engine.running("a") == AttemptKey("a", 2)
        await parts.engine.end("a", Lost(detail="It died.", signal="SIGKILL"))
        job = await parts.ended("a")
        assert job.state is State.FAILED
        assert job.failure == Failure(kind=FailureKind.WORKER_DIED, detail="It died.", signal="SIGKILL")
        await parts.engine.running("b")


async def test_what_a_task_raises_is_final() -> None:
    async with dispatching() as parts:
        await parts.submit(a_job())
        failure = Failure(kind=FailureKind.TASK_RAISED, detail="no")
        await parts.engine.end("a", Failed(failure=failure, usage=USAGE))
        job = await parts.ended("a")
        assert (job.state, job.failure, job.attempt) == (State.FAILED, failure, 1)


async def test_a_rejected_attempt_is_not_counted() -> None:
    async with dispatching() as parts:
        await parts.submit(a_job(max_attempts=1))
        await parts.engine.end("a", Rejected(detail="closing"))
        await until(lambda: len(parts.engine.started) == 2, what="another try")
        assert parts.engine.started[1].key == AttemptKey("a", 1)


async def test_cancelling_a_queued_job_never_starts_it() -> None:
    async with dispatching() as parts:
        await parts.submit(a_job("a"), a_job("b"))
        await parts.engine.running("a")
        first, second = await asyncio.gather(parts.canceller.cancel(a_job("b")), parts.canceller.cancel(a_job("b")))
        assert first.state is second.state is State.CANCELLED
        assert (await parts.on_disk("b")).state is State.CANCELLED
        await parts.engine.end("a")
        await parts.ended("a")
        assert [assignment.key.job_id for assignment in parts.engine.started] == ["a"]


async def test_cancelling_a_batch_cancels_its_queued_and_running_members_and_no_other_job() -> None:
    async with dispatching(slots=2) as parts:
        members = [replace(a_job(f"{number}"), batch_id="B") for number in range(250)]
        await parts.submit(a_job("a"), *members, a_job("z"))
        await parts.engine.running("0")
        await asyncio.gather(parts.canceller.cancel_batch("B"), parts.canceller.cancel_batch("B"))
        assert {(await parts.on_disk(job.id)).state for job in members} == {State.CANCELLED}
        assert set(parts.engine.stopped) == {AttemptKey("0", 1)}
        assert parts.dispatcher.live.members("B") == ()
        await parts.engine.end("a")
        await parts.engine.running("z")


async def test_members_whose_cancellation_is_not_written_stay_queued() -> None:
    async with dispatching() as parts:
        members = [replace(a_job(f"{number}"), batch_id="B") for number in range(5)]
        await parts.submit(a_job("a"), *members)
        await parts.engine.running("a")
        parts.journal.refuse = 2
        with pytest.raises(StorageFullError):
            await parts.canceller.cancel_batch("B")
        assert len(parts.dispatcher.live.members("B")) == len(parts.dispatcher.queue) == 2
        await parts.canceller.cancel_batch("B")
        assert len(parts.dispatcher.queue) == 0
        assert {(await parts.on_disk(job.id)).state for job in members} == {State.CANCELLED}


async def test_an_interrupted_batch_is_resumed_most_expensive_first() -> None:
    members = [replace(a_job(f"{cost}"), batch_id="B", cost=cost) for cost in (1, 3, 2)]
    async with dispatching(jobs=[a_job("a"), *members, a_job("z")]) as parts:
        for name in ("a", "3", "2", "1", "z"):
            await parts.engine.end(name)
        await until(lambda: len(parts.engine.started) == 5)
        assert [assignment.key.job_id for assignment in parts.engine.started] == ["a", "3", "2", "1", "z"]


async def test_cancelling_a_running_job_stops_just_its_attempt() -> None:
    async with dispatching(slots=2) as parts:
        await parts.submit(a_job("a"), a_job("b"))
        await parts.engine.running("a")
        await parts.engine.running("b")
        job = await parts.canceller.cancel(a_job("a"))
        assert job.state is State.CANCELLED
        assert parts.engine.stopped == [AttemptKey("a", 1)]
        assert (await parts.engine.running("b")) == AttemptKey("b", 1)


async def test_a_cancel_just_before_the_engine_knows_the_attempt_keeps_it_from_running() -> None:
    async with dispatching() as parts:
        with parts.changes.watch("a") as changed:
            await parts.submit(a_job())
            async with asyncio.timeout(5):  # not `wait_for`, whose own task would come too late
                while not parts.dispatcher.running:
                    changed.clear()
                    await changed.wait()
                assert parts.engine.started == [], "too late to show anything"
                job = await parts.canceller.cancel(a_job())
        assert job.state is State.CANCELLED
        assert parts.engine.started == []


async def test_a_cancelled_job_whose_process_died_by_itself_is_not_tried_again() -> None:
    async with dispatching() as parts:
        await parts.submit(a_job())
        await parts.engine.running("a")
        parts.engine.out_of_reach = True
        job = await parts.canceller.cancel(a_job())
        assert job.state is State.CANCELLED
        parts.engine.out_of_reach = False
        await parts.engine.end("a", Lost(detail="late"))
        await until(lambda: parts.engine.free_slots == 1)
        assert (await parts.on_disk("a")).state is State.CANCELLED
        assert len(parts.engine.started) == 1


async def test_a_cancel_that_meets_the_loss_of_the_attempt_still_cancels() -> None:
    async with dispatching() as parts:
        await parts.submit(a_job())
        await parts.engine.running("a")
        await until(lambda: parts.journal.written == [("a", State.RUNNING)])
        parts.journal.held = asyncio.Event()
        await parts.engine.end("a", Lost(detail="died"))
        await until(lambda: parts.engine.free_slots == 1)
        cancel = asyncio.create_task(parts.canceller.cancel(a_job()))
        await turns()  # it waits for the record that is held
        parts.journal.held.set()
        assert (await asyncio.wait_for(cancel, 5)).state is State.CANCELLED
        assert (await parts.on_disk("a")).state is State.CANCELLED


async def test_a_cancel_that_can_not_be_written_leaves_the_job_queued() -> None:
    async with dispatching() as parts:
        await parts.submit(a_job("a"), a_job("b"))
        await parts.engine.running("a")
        await until(lambda: len(parts.journal.written) == 1)
        parts.journal.refuse = 1
        with pytest.raises(StorageFullError):
            await parts.canceller.cancel(a_job("b"))
        assert parts.dispatcher.queue.position("b") == 0
        await parts.engine.end("a")
        await parts.engine.end("b")
        assert (await parts.ended("b")).state is State.SUCCEEDED


async def test_a_cancel_that_can_not_be_written_is_reported_and_written_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("offload.jobs.dispatch.recorder.RETRY_S", 0.01)
    async with dispatching() as parts:
        await parts.submit(a_job())
        await parts.engine.running("a")
        await until(lambda: len(parts.journal.written) == 1)
        parts.journal.refuse = 1_000_000
        for _ in range(2):  # a second caller gets the error immediately, too
            with pytest.raises(StorageFullError, match="process has ended"):
                await asyncio.wait_for(parts.canceller.cancel(a_job()), 5)
        assert parts.engine.stopped == [AttemptKey("a", 1)] * 2
        parts.journal.refuse = 0
        assert (await parts.ended("a")).state is State.CANCELLED


async def test_an_end_is_written_again_until_the_disk_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offload.jobs.dispatch.recorder.RETRY_S", 0.01)
    async with dispatching() as parts:
        parts.journal.refuse = 5
        await parts.submit(a_job())
        await parts.engine.end("a")
        job = await parts.ended("a")
        assert job.state is State.SUCCEEDED
        assert parts.journal.written[-1] == ("a", State.SUCCEEDED)


async def test_a_start_is_written_only_if_the_attempt_lasts() -> None:
    async with dispatching(slots=2) as parts:
        await parts.submit(a_job("long"), a_job("short"))
        await parts.engine.end("short")
        await parts.ended("short")
        await until(lambda: ("long", State.RUNNING) in parts.journal.written, what="the start of the long one")
        await parts.engine.end("long")
        await parts.ended("long")
        assert parts.journal.written.count(("long", State.SUCCEEDED)) == 1
        assert ("short", State.RUNNING) not in parts.journal.written


async def test_a_start_is_not_written_before_its_own_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The timer of an older attempt does not write the start of a new one."""
    monkeypatch.setattr("offload.jobs.dispatch.recorder.START_DELAY_S", 0.1)
    async with dispatching(slots=2) as parts:
        loop = asyncio.get_running_loop()
        await parts.submit(a_job("old"))
        await parts.engine.running("old")
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.05)
        started = loop.time()
        await parts.submit(a_job("new"))
        await until(lambda: ("new", State.RUNNING) in parts.journal.written, what="the start of the new one")
        assert loop.time() - started >= 0.1
        assert parts.journal.written == [("old", State.RUNNING), ("new", State.RUNNING)]


async def test_a_refused_start_is_written_before_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offload.jobs.dispatch.recorder.RETRY_S", 0.01)
    async with dispatching() as parts:
        parts.journal.refuse = 1
        await parts.submit(a_job())
        await parts.engine.running("a")
        await until(lambda: parts.journal.refuse == 0, what="the start to be refused")
        await parts.engine.end("a")
        await parts.ended("a")
        assert parts.journal.written == [("a", State.RUNNING), ("a", State.SUCCEEDED)]


QUICK = Done(result=b"1", result_bytes=1, usage=Usage(wall_s=0.0001))


async def known_as_quick(parts: Parts) -> None:
    for number in range(KNOWN_AFTER):
        await parts.submit(a_job(f"quick{number}"))
        await parts.engine.end(f"quick{number}", QUICK)
        await parts.ended(f"quick{number}")


async def test_a_reader_of_the_journal_waits_for_starts_that_are_being_written() -> None:
    async with dispatching() as parts:
        parts.journal.held = asyncio.Event()
        await parts.submit(a_job())
        await parts.engine.running("a")
        asks = [asyncio.create_task(parts.dispatcher.flush_starts()) for _ in range(2)]
        await asyncio.wait(asks, timeout=0, return_when=asyncio.FIRST_COMPLETED)
        assert not any(ask.done() for ask in asks), "the journal says that it is queued"
        parts.journal.held.set()
        await asyncio.wait_for(asyncio.gather(*asks), 5)
        assert parts.journal.written == [("a", State.RUNNING)]


async def test_quick_jobs_are_dispatched_as_a_group_and_each_has_its_own_end() -> None:
    async with dispatching() as parts:
        await known_as_quick(parts)
        await parts.submit(a_job("a"), a_job("b"), a_job("c"))
        assert await parts.engine.groups(1) == [["a", "b", "c"]]
        assert parts.engine.free_slots == 0
        await parts.engine.end("a", QUICK)
        await parts.ended("a")
        await parts.engine.end("b", Lost(detail="died"))  # c, behind it, is rejected
        assert await parts.engine.running("b") == AttemptKey("b", 2)
        await parts.engine.end("b", QUICK)
        assert await parts.engine.running("c") == AttemptKey("c", 1)


async def test_a_group_is_as_large_as_its_expected_time_allows() -> None:
    async with dispatching(slots=2) as parts:
        await known_as_quick(parts)
        size = round(GROUP_S / QUICK.usage.wall_s)
        names = [f"{number:02}" for number in range(size + 2)]
        await parts.submit(*map(a_job, names))
        assert await parts.engine.groups(2) == [names[:size], names[size:]]


async def test_a_job_of_another_task_is_not_in_a_group_of_quick_ones() -> None:
    async with dispatching() as parts:
        await known_as_quick(parts)
        await parts.submit(a_job("a"), replace(a_job("long"), task="other"), a_job("b"))
        assert await parts.engine.groups(1) == [["a"]]
        await parts.engine.end("a", QUICK)
        await parts.engine.running("long")
        assert await parts.engine.groups(1) == [["long"]]


async def test_an_expensive_job_is_dispatched_alone() -> None:
    async with dispatching() as parts:
        await known_as_quick(parts)
        await parts.submit(a_job("a"), replace(a_job("expensive"), cost=1.0), a_job("b"))
        assert await parts.engine.groups(1) == [["a"]]


async def test_one_job_of_a_group_is_cancelled() -> None:
    async with dispatching() as parts:
        await known_as_quick(parts)
        await parts.submit(a_job("a"), a_job("b"))
        assert await parts.engine.groups(1) == [["a", "b"]]
        cancelled = asyncio.create_task(parts.canceller.cancel(a_job("b")))
        await until(lambda: parts.engine.stopped == [AttemptKey("b", 1)], what="b to be stopped")
        await parts.engine.end("a", QUICK)
        assert (await asyncio.wait_for(cancelled, 5)).state is State.CANCELLED
        assert (await parts.ended("a")).state is State.SUCCEEDED


async def test_an_attempt_that_the_engine_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offload.jobs.dispatch.running.OVERTIME_S", 0.01)
    async with dispatching() as parts:
        await parts.submit(a_job(timeout_s=0.01))
        job = await parts.ended("a")
        assert job.failure is not None
        assert job.failure.kind is FailureKind.TIMED_OUT
        assert parts.engine.stopped == [AttemptKey("a", 1)]


async def test_progress_of_another_attempt_is_ignored() -> None:
    async with dispatching() as parts:
        await parts.submit(a_job())
        await parts.engine.report("a", Progress(done=1, total=2))
        progress = parts.dispatcher.live.progress("a")
        assert progress is not None
        assert progress.done == 1
        late = parts.dispatcher.live.get("a")
        assert late is not None
        await parts.engine.end("a", Lost(detail="died"))
        await parts.engine.running("a")
        parts.dispatcher.live.report(late, Progress(done=2, total=2))
        assert parts.dispatcher.live.progress("a") is None


async def test_a_drain_lets_finish_what_finishes_and_queues_the_rest_again() -> None:
    async with dispatching(slots=2) as parts:
        await parts.submit(a_job("quick"), a_job("slow"), a_job("waiting"))
        await parts.engine.running("quick")
        await parts.engine.running("slow")
        drain = asyncio.create_task(parts.dispatcher.drain(60))
        await parts.engine.end("quick")
        await parts.ended("quick")
        assert not drain.done()
        parts.dispatcher.hurry()
        await asyncio.wait_for(drain, 5)
        slow = await parts.on_disk("slow")
        assert (slow.state, slow.attempt) == (State.QUEUED, 0)
        assert (await parts.on_disk("waiting")).state is State.QUEUED
        assert len(parts.engine.started) == 2


async def test_a_drain_has_an_end_of_its_own() -> None:
    async with dispatching() as parts:
        await parts.submit(a_job())
        await parts.engine.running("a")
        await asyncio.wait_for(parts.dispatcher.drain(0.01), 5)
        assert (await parts.on_disk("a")).state is State.QUEUED


async def test_a_disk_that_stays_full_does_not_delay_the_shutdown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offload.jobs.dispatch.dispatcher.FINAL_WRITE_S", 0.05)
    async with dispatching() as parts:
        await parts.submit(a_job())
        await parts.engine.running("a")
        parts.journal.refuse = 1_000_000
        await asyncio.wait_for(parts.dispatcher.drain(0.01), 5)
        assert parts.engine.stopped == [AttemptKey("a", 1)]


async def test_a_new_start_resumes_queued_and_running_jobs() -> None:
    once, twice = start(a_job("once", max_attempts=1), 1), start(a_job("twice"), 1)
    async with dispatching(jobs=[a_job("queued"), once, twice]) as parts:
        await parts.engine.end("twice")
        await parts.engine.end("queued")
        assert (await parts.ended("twice")).attempt == 2
        assert (await parts.ended("queued")).attempt == 1
        failed = await parts.on_disk("once")
        assert failed.failure is not None
        assert failed.failure.kind is FailureKind.INTERRUPTED


async def test_time_and_memory_limits_are_different_failures() -> None:
    async with dispatching(slots=2) as parts:
        await parts.submit(a_job("time"), a_job("memory"))
        await parts.engine.end("time", Stopped(by="time"))
        await parts.engine.end("memory", Stopped(by="memory"))
        kinds = [job.failure.kind for job in (await parts.ended("time"), await parts.ended("memory")) if job.failure]
        assert kinds == [FailureKind.TIMED_OUT, FailureKind.MEMORY_EXCEEDED]
