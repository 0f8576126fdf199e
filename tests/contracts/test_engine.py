"""The part of `jobs.interfaces.Engine` that needs no process: it also holds the scripted engine of the other tests."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from offload.jobs.interfaces import Engine
from offload.jobs.model import (
    Assignment,
    AttemptKey,
    Done,
    Failed,
    Failure,
    FailureKind,
    Lost,
    Outcome,
    Rejected,
    Stopped,
    Usage,
)
from tests.contracts.engines import OPENERS
from tests.support.engine_rig import Rig
from tests.support.scripted_engine import ScriptedEngine
from tests.support.waiting import turns, until

pytestmark = pytest.mark.anyio


def script(assignment: Assignment) -> Outcome | None:
    """What the tasks of the zoo that are used here do."""
    match assignment.task:
        case "echo":
            text = json.dumps(json.loads(assignment.params)["text"]).encode()
            return Done(result=text, result_bytes=len(text), usage=Usage(wall_s=0.0))
        case "raises":
            return Failed(failure=Failure(kind=FailureKind.TASK_RAISED, detail="ValueError: no"))
        case "dies":
            return Lost(detail="The worker process died.", exit_code=1)
    return None


@asynccontextmanager
async def scripted_rig(home: Path) -> AsyncIterator[Rig]:
    engine = ScriptedEngine(slots=2, script=script)
    rig = Rig(engine, home)
    await engine.open(lambda: rig.changes.append(engine.free_slots))
    yield rig
    await engine.close()


@pytest.fixture(params=[*OPENERS, "scripted"])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    """An open engine with two slots."""
    async with {**OPENERS, "scripted": scripted_rig}[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
def no_withdrawal(monkeypatch: pytest.MonkeyPatch) -> None:
    """No attempt is withdrawn, however long a busy machine takes to start it."""
    monkeypatch.setattr("offload.engines.local.watchdog.YOUNG_S", 60.0)


@dataclass
class Run:
    """One call of `Engine.run`, and the outcomes in the order in which they came."""

    engine: Engine
    assignments: list[Assignment]
    outcomes: dict[AttemptKey, Outcome] = field(default_factory=dict)

    async def run(self) -> list[Outcome]:
        await self.engine.run(self.assignments, lambda *_: None, self._take)
        return [self.outcomes[each.key] for each in self.assignments]

    def _take(self, key: AttemptKey, outcome: Outcome) -> None:
        assert key not in self.outcomes, "a second outcome"
        self.outcomes[key] = outcome

    def start(self) -> "asyncio.Task[list[Outcome]]":
        return asyncio.create_task(self.run())


async def busy(rig: Rig, assignment: Assignment) -> None:
    """Wait until an attempt runs, and for a moment longer."""
    job_id = assignment.key.job_id
    await until(
        lambda: any(lane.job == job_id and lane.busy_s is not None for lane in rig.engine.lanes()), what=f"{job_id}"
    )
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), 0.05)


async def test_each_attempt_has_its_outcome(rig: Rig) -> None:
    done = await rig.outcome_of("echo", text="a")
    failed = await rig.outcome_of("raises", message="no")
    lost = await rig.outcome_of("dies", code=1)
    assert isinstance(done, Done)
    assert done.result == b'"a"'
    assert isinstance(failed, Failed)
    assert failed.failure.kind is FailureKind.TASK_RAISED
    assert isinstance(lost, Lost)
    assert lost.exit_code == 1
    await rig.all_free()


async def test_a_slot_is_claimed_before_the_first_await(rig: Rig) -> None:
    attempts = [rig.begin(rig.assign("sleeps", seconds=60)) for _ in range(2)]
    await turns()
    assert rig.engine.free_slots == 0
    assert isinstance(await rig.outcome_of("echo", text="one too many"), Rejected)
    assert not any(attempt.done() for attempt in attempts)


async def test_each_free_slot_is_announced(rig: Rig) -> None:
    rig.changes.clear()
    await rig.outcome_of("echo", text="a")
    assert rig.changes == [2]


async def test_a_stopped_attempt_frees_its_slot(rig: Rig) -> None:
    assignment = rig.assign("sleeps", seconds=60)
    attempt = rig.begin(assignment)
    await busy(rig, assignment)
    assert await rig.engine.stop(assignment.key)
    outcome = await attempt
    assert isinstance(outcome, Stopped)
    assert outcome.by == "request"
    await rig.all_free()


async def test_a_stop_of_an_attempt_that_does_not_run_changes_nothing(rig: Rig) -> None:
    ended = rig.assign("echo", text="over")
    await rig.begin(ended)
    running = rig.assign("sleeps", seconds=60)
    attempt = rig.begin(running)
    await busy(rig, running)
    for key in (ended.key, AttemptKey("unknown", 1), AttemptKey(running.key.job_id, 2)):
        assert await rig.engine.stop(key)
    assert not attempt.done()


async def test_cancelling_run_stops_no_attempt(rig: Rig) -> None:
    assignment = rig.assign("sleeps", seconds=60)
    attempt = rig.begin(assignment)
    await busy(rig, assignment)
    attempt.cancel()
    await asyncio.wait([attempt])
    assert rig.engine.free_slots == 1
    assert await rig.engine.stop(assignment.key)
    await rig.all_free()


@pytest.mark.usefixtures("no_withdrawal")
async def test_attempts_of_a_group_run_one_after_the_other(rig: Rig) -> None:
    run = Run(rig.engine, [rig.assign("echo", text=f"{number}") for number in range(8)])
    outcomes = await run.run()
    assert [outcome.result for outcome in outcomes if isinstance(outcome, Done)] == [b'"%d"' % n for n in range(8)]
    assert list(run.outcomes) == [each.key for each in run.assignments]
    await rig.all_free()


@pytest.mark.usefixtures("no_withdrawal")
async def test_a_failure_does_not_affect_the_attempts_behind_it(rig: Rig) -> None:
    failed, behind = await Run(rig.engine, [rig.assign("raises", message="no"), rig.assign("echo", text="a")]).run()
    assert isinstance(failed, Failed)
    assert isinstance(behind, Done)


@pytest.mark.usefixtures("no_withdrawal")
async def test_a_lost_attempt_has_those_behind_it_rejected(rig: Rig) -> None:
    tasks = [rig.assign("echo", text="before"), rig.assign("dies", code=1), rig.assign("echo", text="behind")]
    before, lost, behind = await Run(rig.engine, tasks).run()
    assert isinstance(before, Done)
    assert isinstance(lost, Lost)
    assert isinstance(behind, Rejected)
    await rig.all_free()


async def test_an_attempt_that_is_stopped_before_it_starts_is_rejected(rig: Rig) -> None:
    run = Run(rig.engine, [rig.assign("sleeps", seconds=60), rig.assign("echo", text="behind")])
    long, behind = (each.key for each in run.assignments)
    running = run.start()
    await busy(rig, run.assignments[0])
    assert await rig.engine.stop(behind)
    await until(lambda: behind in run.outcomes, what="the outcome of the second")
    assert isinstance(run.outcomes[behind], Rejected)
    assert not running.done()
    assert await rig.engine.stop(long)
    assert isinstance((await running)[0], Stopped)
    await rig.all_free()


async def test_a_closed_engine_has_stopped_its_attempts_and_rejects_others(rig: Rig) -> None:
    assignment = rig.assign("sleeps", seconds=60)
    attempt = rig.begin(assignment)
    await busy(rig, assignment)
    await rig.engine.close()
    assert isinstance(await attempt, Stopped)
    assert rig.engine.free_slots == 0
    assert isinstance(await rig.outcome_of("echo", text="late"), Rejected)


async def test_lanes_show_what_they_do(rig: Rig) -> None:
    assert [lane.state for lane in rig.engine.lanes()] == ["idle", "idle"]
    assignment = rig.assign("sleeps", seconds=60)
    attempt = rig.begin(assignment)
    await busy(rig, assignment)
    assert sorted(lane.state for lane in rig.engine.lanes()) == ["busy", "idle"]
    assert await rig.engine.check() is None
    assert await rig.engine.stop(assignment.key)
    await attempt
