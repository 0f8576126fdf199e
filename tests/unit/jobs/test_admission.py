"""The limits of the queue, of all jobs and of each owner's; jobs that are being accepted count."""

from contextlib import ExitStack

import pytest

from offload.errors import QueueFullError, QuotaExceededError
from offload.jobs import lifecycle
from offload.jobs.acceptance.capacity import Capacity
from offload.jobs.dispatch.live import LiveJobs
from offload.jobs.dispatch.queue import FairQueue
from offload.jobs.model import Job, State

ONE = [b"{}"]


@pytest.mark.parametrize("owner", ["alice", None])
def test_an_owner_has_its_part_of_the_queue(owner: str | None) -> None:
    queue = FairQueue()
    capacity = Capacity(queue, LiveJobs(), limit=100, owner_limit=3)
    for number in range(2):
        queue.push(f"{number}", number, owner)
    with capacity.reserve(owner, ONE):
        with pytest.raises(QuotaExceededError) as refused, capacity.reserve(owner, ONE):
            pass
        assert refused.value.retry_after == 1
        with capacity.reserve("bob", ONE * 3):
            pass
    with capacity.reserve(owner, ONE):
        pass
    with pytest.raises(QuotaExceededError), capacity.reserve(owner, ONE * 2):
        pass


def test_without_a_quota_one_owner_may_fill_the_queue_but_no_more() -> None:
    capacity = Capacity(FairQueue(), LiveJobs(), limit=3)
    with ExitStack() as held:
        for owner in ("alice", "alice", "bob"):
            held.enter_context(capacity.reserve(owner, ONE))
        with pytest.raises(QueueFullError), capacity.reserve("carol", ONE):
            pass
    with capacity.reserve("alice", ONE * 3):
        pass


def test_a_reservation_of_a_failed_acceptance_is_released() -> None:
    capacity = Capacity(FairQueue(), LiveJobs(), limit=1, owner_limit=1)
    with pytest.raises(ZeroDivisionError), capacity.reserve("alice", ONE):
        raise ZeroDivisionError
    with capacity.reserve("alice", ONE):
        pass


def test_the_total_size_of_parameters_has_a_limit() -> None:
    live = LiveJobs()
    capacity = Capacity(FairQueue(), live, limit=100, params_bytes=1000)
    queued = Job(
        id="a", task="t", params=b"x" * 600, created_at=0, timeout_s=1, memory_mb=64, max_attempts=1, state=State.QUEUED
    )
    live.put(queued)
    with capacity.reserve("alice", [b"x" * 300]):
        with pytest.raises(QueueFullError, match="parameters"), capacity.reserve("bob", [b"x" * 50, b"x" * 51]):
            pass
        with capacity.reserve("bob", [b"x" * 100]):
            pass
    live.put(lifecycle.cancel(queued, None, 1))
    with capacity.reserve("alice", [b"x" * 1000]):
        pass
