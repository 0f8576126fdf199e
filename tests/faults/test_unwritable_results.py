"""A large result that its lane can't write: it waits for the disk, and the work is not done again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offload.jobs.model import Done, Progress, Stopped
from offload.stores.board import Board
from tests.support.directories import taken_away
from tests.support.engine_rig import Rig, local_rig
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

SIZE = 100_000


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    """Two lanes with a board."""
    (tmp_path / "run").mkdir(mode=0o700)
    board = Board(tmp_path / "run")
    await board.open()
    async with local_rig(tmp_path, board=board) as opened:
        yield opened
    await board.close()


def told(rig: Rig) -> Progress | None:
    """The newest report that says what the attempt waits for."""
    return next((one for one in reversed(rig.reports) if one.note and "can't be written" in one.note), None)


async def test_a_result_is_kept_until_it_can_be_written(tmp_path: Path, rig: Rig) -> None:
    with taken_away(tmp_path / "results"):
        assignment = rig.assign("big", size=SIZE)
        attempt = rig.begin(assignment)
        assert await until(lambda: told(rig), what="the lane to say what it waits for")
        assert (await rig.outcome_of("echo", text="small")).__class__ is Done
        assert not attempt.done()
    outcome = await attempt
    assert isinstance(outcome, Done), outcome
    assert rig.file(assignment).stat().st_size == SIZE


async def test_a_result_that_waits_for_the_disk_can_be_cancelled(tmp_path: Path, rig: Rig) -> None:
    with taken_away(tmp_path / "results"):
        assignment = rig.assign("big", size=SIZE)
        attempt = rig.begin(assignment)
        await until(lambda: told(rig), what="the lane to say what it waits for")
        assert await rig.engine.stop(assignment.key)
        outcome = await attempt
    assert isinstance(outcome, Stopped), outcome
    assert list((tmp_path / "results").iterdir()) == []


async def test_a_result_waits_for_the_disk_within_the_jobs_time(tmp_path: Path, rig: Rig) -> None:
    with taken_away(tmp_path / "results"):
        outcome = await rig.outcome_of("big", size=SIZE, timeout_s=1)
    assert isinstance(outcome, Stopped), outcome
    assert outcome.by == "time"
