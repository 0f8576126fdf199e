"""What was handed to a process: its limits, and how it ended, told as an outcome."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from offload.engines.local.dispatch import REPORT_S, ROOM_BYTES, HandOver
from offload.engines.local.gauge import sample
from offload.engines.local.process import Ending
from offload.jobs.model import Assignment, AttemptKey, Failed, FailureKind, Lost, Outcome, Progress, Stopped
from tests.support.waiting import until_sync

MIB = 1 << 20


class StandIn:
    """A lane's process as far as a hand-over looks at it; it tells nothing."""

    def __init__(self, pid: int, held_bytes: int = 10 * MIB) -> None:
        self.pid = pid
        self.held_bytes = held_bytes
        self.cpu_s = 0.0
        self.alive = True
        self.aloof = False
        self.kills = 0

    def kill(self) -> None:
        self.kills += 1


class Handed:
    """One attempt in the hands of a stand-in, and what was told of it."""

    def __init__(self, process: StandIn, *, memory_mb: int = 100, timeout_s: float = 60) -> None:
        self.reports: list[Progress] = []
        self.outcomes: list[Outcome] = []
        assignment = Assignment(
            key=AttemptKey("id", 1), task="any", params=b"{}", timeout_s=timeout_s, memory_mb=memory_mb
        )
        self.over = HandOver(
            [assignment],
            process,  # type: ignore[arg-type]  # a stand-in
            Path(),
            lambda _, progress: self.reports.append(progress),
            lambda _, outcome: self.outcomes.append(outcome),
        )


@pytest.mark.parametrize(
    ("held", "ending", "memory"),
    [
        (60, "SIGABRT", True),
        (40, "SIGABRT", False),
        (90, "SIGKILL", True),
        (60, "SIGKILL", False),
        (90, "SIGSEGV", True),
        (90, "SIGTERM", False),
        (90, None, False),
    ],
)
def test_a_death_near_the_limit_is_told_as_memory(held: int, ending: str | None, memory: bool) -> None:
    handed = Handed(StandIn(os.getpid()))
    handed.over.peak_held_bytes = held * MIB
    handed.over.conclude_by_death(Ending(signal=ending))
    (outcome,) = handed.outcomes
    if memory:
        assert isinstance(outcome, Failed)
        assert outcome.failure.kind is FailureKind.MEMORY_EXCEEDED
        assert f"{held} of its 100 MiB" in outcome.failure.detail
    else:
        assert isinstance(outcome, Lost)
        assert outcome.signal == ending


def test_the_first_reason_of_a_stop_stays() -> None:
    process = StandIn(os.getpid())
    handed = Handed(process)
    handed.over.stop("time")
    handed.over.stop("request")
    assert process.kills == 1
    handed.over.conclude_by_death(Ending(signal="SIGKILL"))
    (outcome,) = handed.outcomes
    assert isinstance(outcome, Stopped)
    assert outcome.by == "time"


def test_what_is_over_is_not_killed() -> None:
    process = StandIn(os.getpid())
    handed = Handed(process)
    handed.over.conclude(Lost(detail="It is gone."))
    handed.over.stop("request")
    assert process.kills == 0


def test_limits_are_kept_and_progress_is_reported_in_between() -> None:
    process = StandIn(os.getpid(), held_bytes=0)
    fine = Handed(process, memory_mb=100_000)
    fine.over.look()
    assert (process.kills, len(fine.reports)) == (0, 0)
    until_sync(lambda: fine.over.age_s >= REPORT_S, what="the time of its first report")
    fine.over.look()
    fine.over.look()
    assert (process.kills, len(fine.reports)) == (0, 1)
    hungry = Handed(process, memory_mb=0)
    assert hungry.over.limit_bytes == ROOM_BYTES
    hungry.over.look()
    assert hungry.over.stopped_by == "memory"
    late = Handed(process, memory_mb=100_000, timeout_s=0)
    late.over.look()
    assert late.over.stopped_by == "time"


CHILDREN = """
import os, time
held = b"x" * (50 << 20)
for number in range(2):
    if os.fork() == 0:
        own = b"y" * (20 << 20)
        print("up", flush=True)
        time.sleep(60)
print("up", flush=True)
time.sleep(60)
"""


def test_children_count_and_shared_pages_count_once() -> None:
    parent = subprocess.Popen([sys.executable, "-c", CHILDREN], stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert parent.stdout is not None
        for _ in range(3):
            assert parent.stdout.readline()
        until_sync(lambda: (sample(parent.pid, 10**12) or 0) != 0)
        summed = sample(parent.pid, limit_bytes=10**12)
        exact = sample(parent.pid, limit_bytes=1)
        assert summed is not None
        assert exact is not None
        assert summed.held_bytes > 180 * MIB
        assert 90 * MIB < exact.held_bytes < 130 * MIB
    finally:
        os.killpg(parent.pid, signal.SIGKILL)
        parent.communicate()
    assert sample(parent.pid, 1) is None


def test_cpu_time_is_seen() -> None:
    before = sample(os.getpid(), 10**12)
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    after = sample(os.getpid(), 10**12)
    assert before is not None
    assert after is not None
    assert after.cpu_s > before.cpu_s
