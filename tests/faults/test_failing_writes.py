"""The k-th operation of the disk fails, for each k: once, or from then on until it is mended.

Through the whole server and the real SQLite. `OFFLOAD_EVERY_FAULT=1` tries every k; else some, from a seed.
"""

import contextlib
import os
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from offload.errors import BootError, ProblemError
from offload.jobs.lifecycle import start
from offload.stores.journal import SqliteJournal
from tests.faults import scenario
from tests.faults.scenario import Told, expect_truth, left_on_disk
from tests.support.api_server import api_server
from tests.support.faulty_disk import Fault, FaultyDisk, faulty_disk
from tests.support.journals import a_job, opened
from tests.support.scripted_engine import ScriptedEngine

pytestmark = pytest.mark.anyio

TRIED = 6
"""How many k are tried of each kind, where not every one is."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offload.jobs.dispatch.recorder.RETRY_S", 0.01)
    monkeypatch.setattr("offload.jobs.housekeeping.INTERVAL_S", 0.01)
    monkeypatch.setattr("offload.stores.journal.opening.BUSY_TIMEOUT_S", 0.0)


@pytest.mark.parametrize("permanently", [False, True], ids=["once", "permanently"])
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.name.lower())
async def test_whichever_write_fails_all_responses_stay_true(tmp_path: Path, fault: Fault, permanently: bool) -> None:
    with faulty_disk() as disk:
        operations = await _live(tmp_path / "whole", disk, fault, 0, permanently=False)
        every = range(1, operations + 1)
        seed = random.SystemRandom().randrange(2**32)
        print(f"{operations} operations; seed {seed}")  # shown where the test fails
        chance = random.Random(seed)  # noqa: S311  # to be repeated, not to be secret
        for number in every if os.environ.get("OFFLOAD_EVERY_FAULT") else sorted(chance.sample(every, TRIED)):
            print(f"operation {number} fails")
            await _live(tmp_path / f"{number}", disk, fault, number, permanently=permanently)
            assert disk.failed or number > operations // 2, "how writes share a commit varies, but not by so much"


@pytest.mark.parametrize("fault", [Fault.FULL, Fault.WRITE, Fault.BUSY], ids=lambda fault: fault.name.lower())
async def test_a_start_fails_if_interrupted_jobs_can_not_be_recorded(tmp_path: Path, fault: Fault) -> None:
    running = start(a_job("a"), 1)
    with faulty_disk() as disk:
        async with opened(tmp_path / "journal.db") as journal:
            await journal.add([running])
            disk.fail(fault, 1, permanently=True)
            with pytest.raises(BootError, match="The jobs of an earlier service can't be resumed"):
                async with api_server(tmp_path, journal=journal):
                    pass
            disk.mend()
            assert await journal.get("a") == running


async def _live(directory: Path, disk: FaultyDisk, fault: Fault, first: int, *, permanently: bool) -> int:
    """Plays the scenario with the fault; answers how many operations of its kind there were."""
    path, told = directory / "data" / "journal.sqlite3", Told()
    path.parent.mkdir(parents=True)  # a test may block
    async with (
        opened(path) as journal,
        api_server(directory, engine=ScriptedEngine(2), journal=journal) as server,
    ):
        disk.fail(fault, first, permanently=permanently)
        client = await scenario.play(server, told)
        operations = disk.operations
        killed = await _killed(journal, path, directory / "killed")
        disk.mend()
        if killed is not None:
            expect_truth(told, await left_on_disk(killed))
        await scenario.finish(server, client, told)
    expect_truth(told, await left_on_disk(path))
    async with opened(path) as journal, api_server(directory, journal=journal) as server:
        again = scenario.Client(server, told)
        await again.submit(2, "key")
        await again.submit(7)
        await scenario.finish(server, again, told)
        await scenario.expire(server, journal, told)
    assert await left_on_disk(path) == {}
    return operations


async def _killed(journal: SqliteJournal, path: Path, to: Path) -> Path | None:
    """A copy of the files as a kill would leave them now; None where nothing can be copied in between two writes."""

    copies: list[Path] = []

    def copy(_: sqlite3.Connection) -> None:
        to.mkdir(exist_ok=True)
        copies.extend(Path(shutil.copy(file, to)) for file in path.parent.glob(f"{path.name}*"))

    with contextlib.suppress(ProblemError):  # the transaction around it
        await journal._writer.submit(copy)
    return to / path.name if copies else None
