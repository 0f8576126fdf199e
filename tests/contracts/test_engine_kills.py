"""Stops, limits and kills at every moment: the right outcome, no effect on other attempts, and new lanes."""

import asyncio
import contextlib
import gc
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.synchronize import SemLock
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from offload.engines.local.engine import LocalEngine
from offload.engines.local.server_pipe import ServerPipe
from offload.jobs.model import Assignment, AttemptKey, Done, Lost, Outcome, Progress, Rejected, Stopped
from offload.stores.board import Board
from offload.wire.messages import Call
from offload.worker.entry_points import LINGER_S
from tests.contracts.engines import rig
from tests.support.engine_rig import NoBoard, Rig, descendants, done, forkserver, local_rig, local_setup
from tests.support.waiting import NotInTimeError, turns, until, until_sync

__all__ = ["rig"]

pytestmark = pytest.mark.anyio

WITHIN_S = 1.0
"""The contract's limit for every stop."""


def chances() -> random.Random:
    """Random numbers that the printed seed repeats."""
    seed = random.randrange(10**9)  # noqa: S311
    print("seed", seed)
    return random.Random(seed)  # noqa: S311


def kill(pid: int | None, how: signal.Signals = signal.SIGKILL) -> None:
    """Signals one process that may have ended already; never a group."""
    assert pid
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)


def ended(pid: int | None) -> bool:
    """True once the process has ended, even when its parent has not noticed."""
    assert pid
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def suspend(pid: int | None) -> None:
    """Stops one process, and waits until it is stopped."""
    kill(pid, signal.SIGSTOP)
    stopped = psutil.STATUS_STOPPED
    await until(lambda: psutil.Process(pid).status() == stopped, what=f"process {pid} to be suspended")


def semaphores() -> set[str]:
    """The files of the semaphores that this process has made and still holds."""
    held = [each for each in gc.get_objects() if isinstance(each, SemLock)]
    return {f"/dev/shm/sem.{each._semlock.name.removeprefix('/')}" for each in held}  # type: ignore[attr-defined]


def still_named(semaphores: set[str]) -> list[str]:
    return [name for name in semaphores if Path(name).exists()]


@pytest.mark.parametrize("task", ["loops", "loops-in-c", "ignores-sigterm", "hogs-in-c"])
async def test_a_stop_ends_the_process_within_a_second(rig: Rig, task: str) -> None:
    assignment = rig.assign(task, memory_mb=8192)
    attempt = rig.begin(assignment)
    pid = await rig.running(assignment)

    began = time.monotonic()
    assert await rig.engine.stop(assignment.key)
    assert time.monotonic() - began < WITHIN_S
    assert ended(pid)
    outcome = await attempt
    assert isinstance(outcome, Stopped)
    assert outcome.by == "request"
    assert outcome.usage is not None
    await rig.all_free()


async def test_a_stop_of_what_is_not_running_changes_nothing(rig: Rig) -> None:
    assignment = rig.assign("echo", text="over")
    assert done(await rig.begin(assignment)) == "over"
    assert await rig.engine.stop(assignment.key)
    assert await rig.engine.stop(AttemptKey("unknown", 1))
    running = rig.assign("sleeps", seconds=60)
    attempt = rig.begin(running)
    await rig.running(running)
    assert await rig.engine.stop(AttemptKey(running.key.job_id, 2))
    assert not attempt.done()


async def test_a_stop_at_any_moment_never_hits_the_next_attempt(rig: Rig) -> None:
    moments = chances()
    for _ in range(60):
        await until(lambda: rig.engine.free_slots > 0)
        stopped = rig.assign("echo", text="first")
        first = rig.begin(stopped)
        await turns(moments.randrange(12))
        if moments.random() < 0.5:
            await asyncio.wait([first], timeout=moments.random() * 0.001)
        stop = asyncio.create_task(rig.engine.stop(stopped.key))
        outcome = await first
        assert isinstance(outcome, Done | Stopped | Rejected), outcome
        following = await rig.outcome_of("echo", text="next")
        assert isinstance(following, Rejected) or done(following) == "next"
        assert await stop
    await rig.all_free()


async def test_a_close_is_reported_as_a_stop_when_the_process_had_already_ended(rig: Rig) -> None:
    pids = [lane.pid for lane in rig.engine.lanes()]
    attempt = rig.begin(rig.assign("echo", text="x" * 1_000_000))  # by file, so it is not dispatched immediately
    await turns()
    close = asyncio.create_task(rig.engine.close())
    await turns(2)
    until_sync(lambda: any(ended(pid) for pid in pids))  # and nothing meanwhile
    outcome = await attempt
    assert isinstance(outcome, Stopped), outcome
    assert outcome.by == "request"
    await close


async def test_the_process_of_an_attempt_is_known_until_its_outcome_is_reported(rig: Rig) -> None:
    good, bad = rig.assign("echo", text="a"), rig.assign("loops", timeout_s=0.2)
    told: list[int | None] = []
    for assignment in (good, bad):
        idle = {lane.pid for lane in rig.engine.lanes()}
        await rig.engine.run([assignment], lambda *_: None, lambda key, _: told.append(rig.engine.pid(key)))
        assert told.pop() in idle
        assert rig.engine.pid(assignment.key) is None


async def test_cancelling_run_is_not_a_stop(rig: Rig, tmp_path: Path) -> None:
    assignment = rig.assign("waits-for", path=str(tmp_path / "now"))
    attempt = rig.begin(assignment)
    await rig.running(assignment)
    attempt.cancel()
    await asyncio.wait([attempt])
    assert rig.engine.free_slots == 1
    (tmp_path / "now").touch()
    await rig.all_free()


async def test_without_a_free_slot_an_attempt_is_rejected(rig: Rig) -> None:
    attempts = [rig.begin(rig.assign("sleeps", seconds=60)) for _ in range(2)]
    await until(lambda: rig.engine.free_slots == 0)
    outcome = await rig.outcome_of("echo", text="one too many")
    assert isinstance(outcome, Rejected)
    assert not any(attempt.done() for attempt in attempts)


async def test_each_free_slot_is_reported(rig: Rig) -> None:
    rig.changes.clear()
    await rig.outcome_of("echo", text="fit")
    assert rig.changes == [2]
    await rig.outcome_of("dies", code=1)
    await until(lambda: rig.changes == [2, 2], what="the lane to be announced again")


async def test_close_reports_running_attempts_as_stopped(tmp_path: Path) -> None:
    async with local_rig(tmp_path) as rig:
        assignment = rig.assign("loops-in-c", memory_mb=8192)
        attempt = rig.begin(assignment)
        await rig.running(assignment)
        await asyncio.gather(rig.engine.close(), rig.engine.close())
        outcome = await attempt
        assert isinstance(outcome, Stopped)
        assert outcome.by == "request"
        assert rig.engine.free_slots == 0
        assert isinstance(await rig.outcome_of("echo", text="late"), Rejected)


async def test_a_closed_engine_holds_no_semaphore(tmp_path: Path) -> None:
    before = semaphores()
    async with local_rig(tmp_path) as rig:
        made = semaphores() - before
        assert made
        await rig.engine.close()
        gc.collect()
        assert not semaphores() & made
        assert still_named(made) == []


async def test_close_while_lanes_are_opening(tmp_path: Path) -> None:
    for tick in range(12):
        home = tmp_path / str(tick)
        home.mkdir()
        async with local_rig(home) as rig:
            outcomes = [rig.begin(rig.assign("dies", code=1)) for _ in range(2)]
            await turns(tick * 3)
            await rig.engine.close()
            for outcome in await asyncio.gather(*outcomes):
                assert isinstance(outcome, Stopped | Lost | Rejected), outcome


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSEGV])
async def test_an_idle_lane_that_is_killed_comes_back(rig: Rig, how: signal.Signals) -> None:
    before = {lane.pid for lane in rig.engine.lanes()}
    kill(next(iter(before)), how)
    await until(lambda: {lane.pid for lane in rig.engine.lanes()} - {None, *before}, what="a new lane")
    await rig.all_free()
    assert {done(await rig.outcome_of("echo", text=text)) for text in "ab"} == {"a", "b"}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_lane_outlives_a_signal_that_is_meant_for_the_service(
    rig: Rig, tmp_path: Path, how: signal.Signals
) -> None:
    before = {lane.pid for lane in rig.engine.lanes()}
    assignment = rig.assign("waits-for", path=str(tmp_path / "now"))
    attempt = rig.begin(assignment)
    await rig.running(assignment)
    for pid in before:
        kill(pid, how)
    (tmp_path / "now").touch()
    assert done(await attempt) == "it came"
    assert {lane.pid for lane in rig.engine.lanes()} == before


async def test_all_lanes_killed_at_once(rig: Rig) -> None:
    assignment = rig.assign("sleeps", seconds=60)
    attempt = rig.begin(assignment)
    await rig.running(assignment)
    before = {lane.pid for lane in rig.engine.lanes()}
    for pid in before:
        kill(pid)
    outcome = await attempt
    assert isinstance(outcome, Lost)
    assert outcome.signal == "SIGKILL"
    await until(lambda: not {None, *before} & {lane.pid for lane in rig.engine.lanes()}, what="new lanes")
    await rig.all_free()
    assert done(await rig.outcome_of("echo", text="back")) == "back"


async def test_the_forkserver_killed(rig: Rig) -> None:
    assignment = rig.assign("loops-in-c", memory_mb=8192)
    attempt = rig.begin(assignment)
    pid = await rig.running(assignment)
    forkserver().kill()
    outcome = await attempt
    assert isinstance(outcome, Lost)
    assert outcome.exit_code is None
    assert ended(pid)
    await rig.all_free()
    assert done(await rig.outcome_of("echo", text="back")) == "back"


async def test_a_stopped_lane_does_not_count_as_working(rig: Rig) -> None:
    assert await rig.engine.check() is None
    pids = [lane.pid or 0 for lane in rig.engine.lanes()]
    for pid in pids:
        kill(pid, signal.SIGSTOP)
    said = await rig.engine.check()
    assert said is not None
    assert "lane" in said
    await until(lambda: not any(psutil.pid_exists(pid) for pid in pids), what="the stopped lanes to be killed")
    await rig.all_free()
    assert await rig.engine.check() is None


async def test_a_suspended_lane_is_given_no_attempt(rig: Rig) -> None:
    first, *others = [lane.pid or 0 for lane in rig.engine.lanes()]
    await suspend(first)
    assert done(await rig.outcome_of("echo", text="on another")) == "on another"
    await until(lambda: ended(first), what="the suspended lane to be replaced")
    assert [lane.pid for lane in rig.engine.lanes()][1:] == others
    await rig.all_free()


async def test_a_lane_that_is_suspended_while_it_opens_is_replaced(rig: Rig) -> None:
    for _ in range(3):
        old = {one.pid for one in descendants()}
        kill(rig.engine.lanes()[0].pid)
        new = await until(lambda old=old: {one.pid for one in descendants()} - old, what="a new process")  # type: ignore[misc]
        for pid in new:
            await suspend(pid)
        assert [done(await rig.outcome_of("echo", text=text)) for text in "ab"] == ["a", "b"]
        await rig.all_free()


async def test_where_all_lanes_are_suspended_an_attempt_is_rejected_and_they_come_back(rig: Rig) -> None:
    for lane in rig.engine.lanes():
        await suspend(lane.pid)
    assert isinstance(await rig.outcome_of("echo", text="nowhere"), Rejected)
    await rig.all_free()
    assert done(await rig.outcome_of("echo", text="back")) == "back"


@pytest.mark.parametrize("timeout_s", [0.5, 60])
async def test_an_attempt_that_stays_suspended_is_lost_and_not_timed_out(rig: Rig, timeout_s: float) -> None:
    assignment = rig.assign("sleeps", timeout_s=timeout_s, seconds=600)
    attempt = rig.begin(assignment)
    pid = await rig.running(assignment)
    kill(pid, signal.SIGSTOP)
    async with asyncio.timeout(10):
        outcome = await attempt
    assert isinstance(outcome, Lost), outcome
    assert outcome.signal == "SIGSTOP"
    assert "SIGSTOP" in outcome.detail
    assert ended(pid)
    await rig.all_free()


@pytest.mark.parametrize("timeout_s", [0.5, 60])
async def test_an_attempt_in_a_broken_lane_is_lost_and_not_failed(tmp_path: Path, timeout_s: float) -> None:
    async with local_rig(tmp_path, lanes=1) as rig:
        assert done(await rig.outcome_of("writes-garbage-to-the-executor")) is None
        with contextlib.suppress(TimeoutError):  # it leaves the call in which it would still take the next
            await asyncio.wait_for(asyncio.Event().wait(), 5 * LINGER_S)
        async with asyncio.timeout(10):
            outcome = await rig.outcome_of("echo", text="next", timeout_s=timeout_s)
            assert isinstance(outcome, Lost | Rejected), outcome
            await rig.all_free(1)
            assert done(await rig.outcome_of("echo", text="after it")) == "after it"


async def test_a_lane_that_was_suspended_for_a_moment_continues(rig: Rig, tmp_path: Path) -> None:
    assignment = rig.assign("waits-for", path=str(tmp_path / "now"))
    attempt = rig.begin(assignment)
    pid = await rig.running(assignment)
    kill(pid, signal.SIGSTOP)
    seen = len(rig.reports)
    await until(lambda: len(rig.reports) > seen + 2, what="it to be looked at while it is suspended")
    kill(pid, signal.SIGCONT)
    (tmp_path / "now").touch()
    assert done(await attempt) == "it came"


async def test_a_busy_lane_counts_as_working(rig: Rig) -> None:
    attempts = [rig.begin(rig.assign("loops")) for _ in range(2)]
    await until(lambda: rig.engine.free_slots == 0)
    assert await rig.engine.check() is None
    assert [lane.state for lane in rig.engine.lanes()] == ["busy", "busy"]
    assert not any(attempt.done() for attempt in attempts)


async def test_checks_run_concurrently(rig: Rig) -> None:
    assert await asyncio.gather(*(rig.engine.check() for _ in range(3))) == [None, None, None]


async def test_checks_during_a_death_replace_the_lane_once(rig: Rig) -> None:
    for pid in [lane.pid for lane in rig.engine.lanes()]:
        kill(pid)
        assert pid
        until_sync(partial(ended, pid), what="a killed lane to end")
    checks = []
    for _ in range(10):  # one in each turn of the event loop, from before the death is noticed
        checks.append(asyncio.create_task(rig.engine.check()))
        await turns()
    await asyncio.gather(*checks)
    await rig.all_free()
    await until(lambda: len(descendants()) == 2, what="one process a lane")


async def test_kills_at_random_moments_while_results_are_returned(rig: Rig) -> None:
    chance = chances()
    for _ in range(40):
        size = chance.choice([1 << 10, 15 << 10, 16 << 10, 100 << 10, 10 << 20])
        assignment = rig.assign("big", size=size)
        attempt = rig.begin(assignment)
        await turns()  # it claims its lane
        # None where the last kill had come after its reply, and this lane is dead already.
        pid = next((lane.pid for lane in rig.engine.lanes() if lane.job == assignment.key.job_id), None)
        await asyncio.wait([attempt], timeout=chance.random() * chance.choice([0.001, 0.03]))
        if pid is not None and not attempt.done():
            kill(pid)
        async with asyncio.timeout(3):
            outcome: Outcome = await attempt
        # Rejected or Lost, too, where the kill came after the reply and hit the lane for the next attempt.
        assert isinstance(outcome, Done | Lost | Rejected), outcome
        if isinstance(outcome, Done):
            assert outcome.result_bytes == size
            whole = outcome.result if outcome.result is not None else rig.file(assignment).read_bytes()
            assert len(whole) == size
        await until(lambda: rig.engine.free_slots > 0)
    await rig.all_free()


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_death_leaves_no_part_of_a_result(rig: Rig, how: str) -> None:
    assignment = rig.assign("big", memory_mb=2048, size=150 << 20)
    attempt = rig.begin(assignment)
    pid = await rig.running(assignment)
    await until(lambda: list((rig.home / "results").iterdir()), what="a result that is being written")
    if how == "stop":
        await rig.engine.stop(assignment.key)
    else:
        kill(pid)
    outcome = await attempt
    assert isinstance(outcome, Stopped if how == "stop" else Lost), outcome
    assert list((rig.home / "results").iterdir()) == []
    await rig.all_free()


async def test_fifty_deaths_leak_no_descriptor_thread_or_semaphore(rig: Rig) -> None:
    async def deaths(count: int) -> tuple[int, int, set[str]]:
        for _ in range(count):
            assert isinstance(await rig.outcome_of("kills-itself"), Lost)
            await until(lambda: rig.engine.free_slots > 0)
        await rig.all_free()
        gc.collect()
        me = psutil.Process()
        return me.num_fds(), me.num_threads(), semaphores()

    before = await deaths(3)
    await until(lambda: psutil.Process().num_threads() <= before[1])
    after = await deaths(50)
    assert after[0] <= before[0] + 2, (before, after)
    assert len(after[2]) <= len(before[2])
    assert still_named(before[2] - after[2]) == []
    await until(lambda: psutil.Process().num_threads() <= before[1], what="threads to end")


async def test_many_short_attempts_on_both_lanes(rig: Rig) -> None:
    async def stream(name: str) -> None:
        for number in range(200):
            assert done(await rig.outcome_of("echo", text=f"{name}{number}")) == f"{name}{number}"

    await asyncio.gather(stream("a"), stream("b"))
    assert rig.reports == [] or len(rig.reports) < 40


@pytest.fixture
async def board(tmp_path: Path) -> AsyncIterator[Board]:
    (tmp_path / "run").mkdir(mode=0o700)
    board = Board(tmp_path / "run")
    await board.open()
    yield board
    await board.close()


async def test_progress_and_usage_are_reported(tmp_path: Path, board: Board) -> None:
    async with local_rig(tmp_path, board=board) as rig:
        assignment = rig.assign("counts", to=0)
        attempt = rig.begin(assignment)
        seen = await until(lambda: [report for report in rig.reports if (report.done or 0) > 20], what="progress")
        assert seen[0].total == 10**12
        assert seen[0].usage is not None
        assert seen[0].usage.cpu_s is not None
        assert seen[0].usage.peak_rss_bytes
        took = time.monotonic()
        count = len(rig.reports)
        await until(lambda: len(rig.reports) >= count + 5)
        assert time.monotonic() - took > 0.4, "more than ten reports a second"
        assert await rig.engine.stop(assignment.key)
        assert isinstance(await attempt, Stopped)


async def test_an_on_progress_that_raises_affects_no_limit(rig: Rig) -> None:
    def report(_: Progress) -> None:
        raise LookupError

    attempts = [
        asyncio.create_task(rig.run(rig.assign("loops", timeout_s=0.3 + number / 10), report)) for number in range(2)
    ]
    with capture_logs() as logs:
        outcomes = await asyncio.gather(*attempts)
    assert all(isinstance(outcome, Stopped) and outcome.by == "time" for outcome in outcomes)
    assert "watchdog" in {each.get("work") for each in logs}


async def test_the_board_survives_the_forkserver(tmp_path: Path, board: Board) -> None:
    async with local_rig(tmp_path, board=board) as rig:
        manager = board.pid
        old = {lane.pid for lane in rig.engine.lanes()}
        forkserver().kill()
        await until(lambda: not {None, *old} & {lane.pid for lane in rig.engine.lanes()} and rig.engine.free_slots == 2)
        assert board.pid == manager
        assert await board.check() is None


async def test_a_lane_that_dies_while_the_forkserver_is_stopped(rig: Rig) -> None:
    """Then the executor does not notice the death, and its call never ends: the lane does not wait for it."""
    assignment = rig.assign("sleeps", seconds=60)
    attempt = rig.begin(assignment)
    pid = await rig.running(assignment)
    stopped = forkserver()
    stopped.suspend()
    try:
        kill(pid)
        async with asyncio.timeout(4):
            outcome = await attempt
        assert isinstance(outcome, Lost)
        assert done(await rig.outcome_of("echo", text="on the other lane")) == "on the other lane"
    finally:
        stopped.resume()
    await rig.all_free()


async def test_lanes_that_can_not_be_opened_say_why(tmp_path: Path) -> None:
    setup = local_setup(tmp_path, NoBoard.address, NoBoard.authkey, tasks="nowhere.to:be_found")
    before = descendants()
    engine = LocalEngine(setup, lanes=2, board=NoBoard())
    await engine.open(lambda: None)
    assert engine.free_slots == 0
    said = await engine.check()
    assert said is not None
    assert "nowhere.to" in said
    assert {lane.state for lane in engine.lanes()} == {"opening"}
    assert isinstance(await Rig(engine, tmp_path).outcome_of("echo", text="x"), Rejected)
    await engine.close()
    assert [process for process in descendants() if process not in before] == []


@dataclass
class Together:
    """Several attempts that are dispatched together, and their outcomes in the order of the reports."""

    rig: Rig
    assignments: list[Assignment]
    outcomes: dict[AttemptKey, Outcome] = field(default_factory=dict)

    async def run(self) -> list[Outcome]:
        """Dispatches them and returns the outcomes in the order of the attempts."""

        def on_outcome(key: AttemptKey, outcome: Outcome) -> None:
            assert key not in self.outcomes, "reported twice"
            self.outcomes[key] = outcome

        await self.rig.engine.run(self.assignments, lambda _, progress: self.rig.reports.append(progress), on_outcome)
        return [self.outcomes[each.key] for each in self.assignments]


@pytest.fixture
def no_withdrawal(monkeypatch: pytest.MonkeyPatch) -> None:
    """No attempt is withdrawn, however long a busy machine takes to start it."""
    monkeypatch.setattr("offload.engines.local.watchdog.YOUNG_S", 60.0)


@pytest.mark.usefixtures("no_withdrawal")
async def test_attempts_dispatched_together_run_one_after_the_other(rig: Rig) -> None:
    together = Together(rig, [rig.assign("echo", text=f"{number}") for number in range(32)])
    assert [done(outcome) for outcome in await together.run()] == [f"{number}" for number in range(32)]
    assert list(together.outcomes) == [each.key for each in together.assignments]
    await rig.all_free()


async def test_attempts_behind_a_long_one_are_rejected_and_those_before_it_reported(rig: Rig) -> None:
    long = rig.assign("sleeps", seconds=60)
    together = Together(rig, [rig.assign("echo", text="before"), long, rig.assign("echo", text="behind")])
    running = asyncio.create_task(together.run())
    await until(lambda: len(together.outcomes) == 2, what="the neighbours' outcomes")
    before, behind = together.assignments[0], together.assignments[2]
    assert done(together.outcomes[before.key]) == "before"
    assert isinstance(together.outcomes[behind.key], Rejected)
    assert rig.engine.free_slots == 1
    assert await rig.engine.stop(behind.key)
    assert long.key not in together.outcomes
    assert await rig.engine.stop(long.key)
    await running
    assert isinstance(together.outcomes[long.key], Stopped)
    await rig.all_free()


@pytest.mark.usefixtures("no_withdrawal")
async def test_a_death_costs_the_running_attempt_and_no_neighbour(rig: Rig) -> None:
    together = Together(
        rig,
        [
            rig.assign("echo", text="before"),
            rig.assign("kills-itself"),
            *(rig.assign("echo", text="behind") for _ in range(3)),
        ],
    )
    before, dead, *behind = await together.run()
    assert done(before) == "before"
    assert isinstance(dead, Lost)
    assert dead.signal == "SIGKILL"
    assert all(isinstance(outcome, Rejected) for outcome in behind)
    await rig.all_free()


@pytest.mark.usefixtures("no_withdrawal")
async def test_a_lane_that_has_become_unfit_rejects_the_rest(rig: Rig) -> None:
    together = Together(rig, [rig.assign("starts-a-thread"), rig.assign("echo", text="behind")])
    first, behind = await together.run()
    assert isinstance(first, Done)
    assert isinstance(behind, Rejected)
    await rig.all_free()


@pytest.mark.parametrize("number", [0, 1, 3])
async def test_a_stop_before_the_dispatch_starts_no_attempt(rig: Rig, number: int) -> None:
    for _ in range(10):
        together = Together(rig, [rig.assign("echo", text=text) for text in "abcd"])
        running = asyncio.create_task(together.run())
        await turns()  # it claims its lane; the attempts are dispatched in the next turn
        assert await rig.engine.stop(together.assignments[number].key)
        outcomes = await running
        assert all(isinstance(outcome, Rejected) for outcome in outcomes), outcomes
    await rig.all_free()


async def test_a_withdrawn_attempt_does_not_start_in_place_of_one_of_the_next_dispatch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with local_rig(tmp_path, lanes=1) as rig:
        first = Together(rig, [rig.assign("dawdles-after-its-reply", seconds=0.3), rig.assign("echo", text="behind")])
        dawdling, behind = await first.run()
        assert done(dawdling) == "dawdling"
        assert isinstance(behind, Rejected)
        await rig.all_free(1)
        monkeypatch.setattr("offload.engines.local.watchdog.YOUNG_S", 60.0)
        following = Together(rig, [rig.assign("echo", text=text) for text in "abc"])
        assert [done(outcome) for outcome in await following.run()] == ["a", "b", "c"]


@pytest.mark.usefixtures("no_withdrawal")
async def test_replies_that_do_not_fit_in_the_pipe_all_arrive(rig: Rig) -> None:
    together = Together(rig, [rig.assign("big", size=12 << 10) for _ in range(8)])
    assert all(isinstance(outcome, Done) for outcome in await together.run())
    await rig.all_free()


async def test_an_attempt_that_comes_when_the_lane_leaves_its_call_is_run(rig: Rig) -> None:
    chance = chances()
    for number in range(60):
        outcome = await asyncio.wait_for(rig.outcome_of("echo", text=f"{number}"), 5)
        assert isinstance(outcome, Done), outcome
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), LINGER_S * chance.uniform(0.9, 1.1))


async def test_an_attempt_that_dies_before_its_dispatch_returns_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lane that is still in its call can start an attempt and die of it before the server continues."""
    send, died = ServerPipe.send, 0

    async with local_rig(tmp_path, lanes=1) as one_lane:

        def send_and_wait(pipe: ServerPipe, calls: Sequence[Call]) -> None:
            nonlocal died
            send(pipe, calls)
            if calls[0].task == "kills-itself":
                pid = one_lane.engine.pid(AttemptKey(calls[0].job_id, calls[0].attempt))
                with contextlib.suppress(NotInTimeError):  # it had left its call, and reads nothing before the next one
                    until_sync(lambda: ended(pid), within=5 * LINGER_S)
                    died += 1

        monkeypatch.setattr(ServerPipe, "send", send_and_wait)
        async with asyncio.timeout(30):
            while died < 3:
                assert done(await one_lane.outcome_of("echo", text="and the lane stays")) == "and the lane stays"
                outcome = await one_lane.outcome_of("kills-itself")
                assert isinstance(outcome, Lost), outcome
                await one_lane.all_free(1)


@pytest.mark.usefixtures("no_withdrawal")
async def test_parameters_that_do_not_fit_the_message_are_rejected(rig: Rig) -> None:
    together = Together(rig, [rig.assign("echo", text="x" * 100_000), rig.assign("echo", text="small")])
    large, small = await together.run()
    assert isinstance(large, Done)
    assert isinstance(small, Rejected)


async def test_kills_and_stops_at_random_moments_of_a_dispatch(rig: Rig) -> None:
    """Each attempt is reported once, and those before the one that was hit are never lost."""
    chance = chances()
    for _ in range(40):
        together = Together(rig, [rig.assign("echo", text=f"{number}") for number in range(32)])
        running = asyncio.create_task(together.run())
        await turns()  # it claims its lane
        keys = {each.key.job_id for each in together.assignments}
        pid = next((lane.pid for lane in rig.engine.lanes() if lane.job in keys), None)
        await asyncio.wait([running], timeout=chance.random() * chance.choice([0.002, 0.01]))
        if pid is not None and chance.random() < 0.5:
            kill(pid)
        else:
            assert await rig.engine.stop(chance.choice(together.assignments).key)
        async with asyncio.timeout(3):
            outcomes = await running
        ran = [isinstance(outcome, Done) for outcome in outcomes]
        ends = ran.index(False) if False in ran else len(ran)
        assert [done(outcome) for outcome in outcomes[:ends]] == [f"{number}" for number in range(ends)]
        assert not any(ran[ends:]), outcomes
        assert all(isinstance(outcome, Rejected) for outcome in outcomes[ends + 1 :]), outcomes
        await until(lambda: rig.engine.free_slots > 0)
    await rig.all_free()
