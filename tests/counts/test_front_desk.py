"""What a job costs the front desk and its disk, from the submission to the recorded end.

An engine that ends everything at once stands in for lanes; all else is real. Where it depends on the machine how writes
are grouped, they are held until all have come together. Figures were taken on CPython 3.11; later ones call less.
"""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from offload.jobs.acceptance.admission import Submission
from offload.jobs.caller import ANONYMOUS
from tests.support.counting import PromptEngine, Written, effort
from tests.support.faulty_disk import faulty_disk
from tests.support.front_desk import FrontDesk, front_desk
from tests.support.journals import opened
from tests.support.scripted_engine import ScriptedEngine
from tests.support.waiting import turns, until

pytestmark = pytest.mark.anyio

ALONE = 200
JOBS = 1_000
QUEUED = 10_000


@dataclass(frozen=True)
class Rig:
    desk: FrontDesk
    engine: PromptEngine
    written: Written
    journal: Path

    @property
    def submission(self) -> Submission:
        return a_submission(self.desk)

    async def one(self) -> None:
        """A job from its submission until its end is known."""
        service = self.desk.state.service
        job = (await service.submit(self.submission)).job
        assert (await service.wait(ANONYMOUS, job.id, 60)).state.terminal


def a_submission(desk: FrontDesk) -> Submission:
    task = desk.state.registry["fibonacci"]
    return Submission(task=task, params=task.parse(b'{"n": 10}'))


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """A front desk that has run some jobs, so that their task is known as a quick one."""
    async with quick_desk(tmp_path, monkeypatch) as rig:
        for _ in range(30):
            await rig.one()
        rig.written.begin()
        yield rig


@asynccontextmanager
async def quick_desk(directory: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    path, engine = directory / "journal.db", PromptEngine()
    with faulty_disk() as disk:
        written = Written(disk, monkeypatch)
        async with opened(path) as journal, front_desk(directory, engine=engine, journal=journal) as desk:
            yield Rig(desk, engine, written, path)


async def test_one_job_after_the_other(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is two transactions: 9 statements, those of triggers included, and 2 syncs, with one in 60 a checkpoint's.

    With its acceptance, hand-over and end, and somebody who waits for it, it is 125 calls of our functions, 12
    callbacks of the event loop and one task. Statements and tasks have hardly any room, the others a tenth.
    """
    with effort(monkeypatch) as spent:
        for _ in range(ALONE):
            await rig.one()
    assert rig.written.statements <= 9.1 * ALONE
    assert rig.written.syncs <= 2.1 * ALONE
    assert spent.calls <= 138 * ALONE
    assert spent.callbacks <= 13.2 * ALONE
    assert spent.tasks <= 1.1 * ALONE


async def test_a_burst(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand are three transactions: what is accepted together, the ends of the first, and those that come then.

    Accepted: 2,034 statements, of which triggers have 2,000; a job is 35 calls, 4 callbacks, and a task, which is this
    test's. Handed out and ended: 1,090 statements, of which triggers have 1,000; a job is 53 calls and 1.2
    callbacks, and there are 50 tasks, one for each hand-over. About a tenth of room each.
    """
    rig.engine.shut()
    submissions = [rig.submission for _ in range(JOBS)]
    with effort(monkeypatch) as spent:
        await asyncio.gather(*map(rig.desk.state.service.submit, submissions))
    assert rig.written.statements <= 2_100
    assert rig.written.syncs <= 2
    assert spent.calls <= 38 * JOBS
    assert spent.callbacks <= 4.4 * JOBS
    assert spent.tasks <= 1.1 * JOBS

    rig.written.begin()
    before = rig.engine.ended
    with effort(monkeypatch) as spent:
        with rig.written.held(rig.journal):
            rig.engine.offer()
            await until(lambda: rig.engine.ended == before + JOBS, what="all to end")
            await turns()  # what has ended in this turn is handed in at its end
        await until(lambda: not len(rig.desk.state.dispatcher.live), what="all ends to be recorded")
    assert rig.written.statements <= 1_200
    assert rig.written.syncs <= 4
    assert spent.calls <= 58 * JOBS
    assert spent.callbacks <= 1.4 * JOBS
    assert spent.tasks <= 55


async def test_a_queued_job_holds_little(tmp_path: Path) -> None:
    """575 bytes: the record 200, its id and parameters 130, its time and price 60, its place in the queue 90, and its
    share of the tables it is in. A tenth of room. SQLite's own memory is bounded, and not counted.
    """
    async with (
        opened(tmp_path / "journal.db") as journal,
        front_desk(tmp_path, engine=ScriptedEngine(slots=0), journal=journal) as desk,
    ):

        async def accept(jobs: int) -> None:
            await asyncio.gather(*(desk.state.service.submit(a_submission(desk)) for _ in range(jobs)))

        await accept(100)
        gc.collect()
        tracemalloc.start()
        try:
            for _ in range(QUEUED // 1_000):
                await accept(1_000)
            await turns()
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert held <= 632 * QUEUED
