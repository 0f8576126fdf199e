"""An attempt group: its limits, and the outcome that it reports for each end of its process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from offload.engines.local.attempt_group import REPORT_S, SPARE_BYTES, AttemptGroup
from offload.engines.local.process_handle import ProcessExit
from offload.engines.local.sampling import sample
from offload.jobs.model import Assignment, AttemptKey, Failed, FailureKind, Lost, Outcome, Progress, Stopped
from tests.support.waiting import until_sync

MIB = 1 << 20


class FakeProcess:
    """A lane's process as far as a group uses it. It never replies."""

    def __init__(self, pid: int, held_bytes: int = 10 * MIB) -> None:
        self.pid = pid
        self.held_bytes = held_bytes
        self.cpu_s = 0.0
        self.alive = True
        self.unresponsive = False
        self.kills = 0

    def kill(self) -> None:
        self.kills += 1


class OneAttempt:
    """A group with one attempt in a fake process, and what it has reported."""

    def __init__(self, process: FakeProcess, *, memory_mb: int = 100, timeout_s: float = 60) -> None:
        self.reports: list[Progress] = []
        self.outcomes: list[Outcome] = []
        assignment = Assignment(
            key=AttemptKey("id", 1), task="any", params=b"{}", timeout_s=timeout_s, memory_mb=memory_mb
        )
        self.group = AttemptGroup(
            [assignment],
            process,  # type: ignore[arg-type]  # a fake
            Path(),
            lambda _, progress: self.reports.append(progress),
            lambda _, outcome: self.outcomes.append(outcome),
        )


@pytest.mark.parametrize(
    ("held", "signal_name", "memory"),
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
def test_a_death_near_the_limit_is_reported_as_memory(held: int, signal_name: str | None, memory: bool) -> None:
    one = OneAttempt(FakeProcess(os.getpid()))
    one.group.monitor.peak_held_bytes = held * MIB
    one.group.conclude_by_death(ProcessExit(signal=signal_name))
    (outcome,) = one.outcomes
    if memory:
        assert isinstance(outcome, Failed)
        assert outcome.failure.kind is FailureKind.MEMORY_EXCEEDED
        assert f"{held} of its 100 MiB" in outcome.failure.detail
    else:
        assert isinstance(outcome, Lost)
        assert outcome.signal == signal_name


def test_the_first_reason_of_a_stop_stays() -> None:
    process = FakeProcess(os.getpid())
    one = OneAttempt(process)
    one.group.stop("time")
    one.group.stop("request")
    assert process.kills == 1
    one.group.conclude_by_death(ProcessExit(signal="SIGKILL"))
    (outcome,) = one.outcomes
    assert isinstance(outcome, Stopped)
    assert outcome.by == "time"


def test_a_concluded_group_kills_nothing() -> None:
    process = FakeProcess(os.getpid())
    one = OneAttempt(process)
    one.group.conclude(Lost(detail="It is gone."))
    one.group.stop("request")
    assert process.kills == 0


def test_limits_are_enforced_and_progress_is_reported_meanwhile() -> None:
    process = FakeProcess(os.getpid(), held_bytes=0)
    fine = OneAttempt(process, memory_mb=100_000)
    fine.group.enforce_limits()
    assert (process.kills, len(fine.reports)) == (0, 0)
    until_sync(lambda: fine.group.age_s >= REPORT_S, what="the time of its first report")
    fine.group.enforce_limits()
    fine.group.enforce_limits()
    assert (process.kills, len(fine.reports)) == (0, 1)
    hungry = OneAttempt(process, memory_mb=0)
    assert hungry.group.limit_bytes == SPARE_BYTES
    hungry.group.enforce_limits()
    assert hungry.group.stopped_by == "memory"
    late = OneAttempt(process, memory_mb=100_000, timeout_s=0)
    late.group.enforce_limits()
    assert late.group.stopped_by == "time"


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
