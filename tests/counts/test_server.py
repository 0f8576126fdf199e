"""What a job costs the server, from its submission to its recorded end: SQL statements, syncs and bytes of memory.

An engine that ends each attempt immediately stands in for lanes; everything else is real. Where the grouping of writes
would depend on the machine's speed, writes are held until all of them wait.
"""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from offload.jobs.acceptance.submission import Submission
from offload.jobs.caller import ANONYMOUS
from tests.support.api_server import ApiServer, api_server
from tests.support.counting import PromptEngine, Written
from tests.support.faulty_disk import faulty_disk
from tests.support.journals import opened
from tests.support.scripted_engine import ScriptedEngine
from tests.support.waiting import turns, until

pytestmark = pytest.mark.anyio

ALONE = 200
JOBS = 1_000
QUEUED = 10_000


@dataclass(frozen=True)
class Rig:
    server: ApiServer
    engine: PromptEngine
    written: Written
    journal: Path

    @property
    def submission(self) -> Submission:
        return a_submission(self.server)

    async def one(self) -> None:
        """Submit a job and wait for its end."""
        service = self.server.state.service
        job = (await service.submit(self.submission)).job
        assert (await service.wait(ANONYMOUS, job.id, 60)).state.terminal


def a_submission(server: ApiServer) -> Submission:
    task = server.state.registry["fibonacci"]
    params = task.read(b'{"n": 10}')
    return Submission(task=task, params=params.text, values=params.values)


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """A server that has run some jobs, so that their task is known as a quick one."""
    async with quick_server(tmp_path, monkeypatch) as rig:
        for _ in range(30):
            await rig.one()
        rig.written.begin()
        yield rig


@asynccontextmanager
async def quick_server(directory: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    # A start is written only if its attempt lasts. On a busy machine some last 50 ms, even in this engine.
    monkeypatch.setattr("offload.jobs.dispatch.recorder.START_DELAY_S", 60.0)
    path, engine = directory / "journal.db", PromptEngine()
    with faulty_disk() as disk:
        written = Written(disk, monkeypatch)
        async with opened(path) as journal, api_server(directory, engine=engine, journal=journal) as server:
            yield Rig(server, engine, written, path)


async def test_one_job_after_the_other(rig: Rig) -> None:
    """Each job is two transactions: 9 statements (with those of triggers) and 2 syncs. One in 60 is a checkpoint's."""
    for _ in range(ALONE):
        await rig.one()
    assert rig.written.statements <= 9.1 * ALONE
    assert rig.written.syncs <= 2.1 * ALONE


async def test_a_burst(rig: Rig) -> None:
    """A thousand jobs are three transactions: their acceptance, the ends of the first, and all later ends.

    Acceptance is 2,034 statements, of which triggers have 2,000; the ends are 1,090, of which triggers have 1,000. The
    bounds are a few per cent above. No start is written.
    """
    rig.engine.shut()
    submissions = [rig.submission for _ in range(JOBS)]
    await asyncio.gather(*map(rig.server.state.service.submit, submissions))
    assert rig.written.statements <= 2_100
    assert rig.written.syncs <= 2

    rig.written.begin()
    before = rig.engine.ended
    with rig.written.held(rig.journal):
        rig.engine.offer()
        await until(lambda: rig.engine.ended == before + JOBS, what="all to end")
        await turns()  # what ended in this turn is given to the journal at its end
    await until(lambda: not len(rig.server.state.dispatcher.live), what="all ends to be recorded")
    assert rig.written.statements <= 1_200
    assert rig.written.syncs <= 4


async def test_a_queued_job_holds_little(tmp_path: Path) -> None:
    """575 bytes: the record 200, its id and parameters 130, its time and cost 60, its place in the queue 90, and its
    share of the tables that it is in. The bound is a tenth above. SQLite's own memory is bounded and not counted.
    """
    async with (
        opened(tmp_path / "journal.db") as journal,
        api_server(tmp_path, engine=ScriptedEngine(slots=0), journal=journal) as server,
    ):

        async def accept(jobs: int) -> None:
            await asyncio.gather(*(server.state.service.submit(a_submission(server)) for _ in range(jobs)))

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
