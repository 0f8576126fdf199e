"""The memory limit of recent jobs."""

import tracemalloc
from dataclasses import replace

from offload.jobs.model import Failure, FailureKind, Job, State
from offload.jobs.recent import RecentJobs

ROOM_BYTES = 1 << 20


def job(number: int) -> Job:
    """A terminal job without anything large."""
    return Job(
        id=f"00000000-0000-7000-8000-{number:012}",
        task="refuse",
        params=b"{}",
        created_at=0,
        timeout_s=1,
        memory_mb=64,
        max_attempts=1,
        state=State.FAILED,
    )


def failed(number: int) -> Job:
    """A job with the longest texts of a failure, in characters that take four bytes."""
    failure = Failure(kind=FailureKind.TASK_RAISED, detail="🐍" * 500, traceback="🐍" * 2000 + str(number))
    return replace(job(number), failure=failure)


def labelled(number: int) -> Job:
    """A job with the most and longest labels."""
    return replace(job(number), labels=tuple("🐍" * 90 + f"{number} {one}" for one in range(20)))


def parametrized(number: int) -> Job:
    return replace(job(number), params=b'"%s"' % (b"x" * 10_000))


def test_recent_jobs_take_no_more_than_their_limit_whatever_they_hold() -> None:
    for kind in (job, failed, labelled, parametrized):
        recent = RecentJobs(ROOM_BYTES)
        tracemalloc.start()
        try:
            for number in range(3000):
                recent.put(kind(number))
            taken, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert taken < 1.5 * ROOM_BYTES, kind
        assert recent.get(job(2999).id) is not None
        assert recent.get(job(0).id) is None
