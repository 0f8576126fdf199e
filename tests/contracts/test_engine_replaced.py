"""`Engine.replaced` counts each new process of a lane once, with its reason."""

import os
import signal
from pathlib import Path

import pytest

from offload.jobs.interfaces import Replaced
from tests.contracts.engines import rig
from tests.support.engine_rig import Rig
from tests.support.waiting import until

pytestmark = pytest.mark.anyio
__all__ = ["rig"]


async def counted(rig: Rig, reason: Replaced) -> None:
    """Waits until every lane is open again, and asserts that this reason alone has been counted, once."""
    await rig.all_free()
    assert {name: count for name, count in rig.engine.replaced().items() if count} == {reason: 1}


async def test_jobs_that_end_by_themselves_are_not_counted(rig: Rig) -> None:
    await rig.outcome_of("echo", text="fit")
    await rig.outcome_of("raises", message="no")
    assert not any(rig.engine.replaced().values())


async def test_cancelled(rig: Rig) -> None:
    assignment = rig.assign("loops")
    attempt = rig.begin(assignment)
    await rig.running(assignment)
    await rig.engine.stop(assignment.key)
    await attempt
    await counted(rig, "cancelled")


async def test_timed_out(rig: Rig) -> None:
    await rig.outcome_of("loops", timeout_s=0.2)
    await counted(rig, "timed-out")


async def test_over_its_memory(rig: Rig) -> None:
    await rig.outcome_of("hogs-slowly", memory_mb=100)
    await counted(rig, "memory-exceeded")


@pytest.mark.parametrize("task", ["segfaults", "kills-itself"])
async def test_died(rig: Rig, task: str) -> None:
    await rig.outcome_of(task)
    await counted(rig, "died")


async def test_died_while_idle(rig: Rig) -> None:
    pid = rig.engine.lanes()[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: rig.engine.replaced().get("died"), what="the death to be counted")
    await counted(rig, "died")


async def test_unfit(rig: Rig) -> None:
    await rig.outcome_of("starts-a-thread")
    await counted(rig, "unfit")


async def test_suspended(rig: Rig, tmp_path: Path) -> None:
    assignment = rig.assign("waits-for", path=str(tmp_path / "never"))
    attempt = rig.begin(assignment)
    os.kill(await rig.running(assignment), signal.SIGSTOP)
    await attempt
    await counted(rig, "suspended")


async def test_closing_replaces_nothing(rig: Rig) -> None:
    await rig.engine.close()
    assert not any(rig.engine.replaced().values())
