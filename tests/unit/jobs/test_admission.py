"""Room in the queue: for all jobs together and for each owner's, those that are still being accepted included."""

from contextlib import ExitStack

import pytest

from offload.errors import QueueFullError, QuotaExceededError
from offload.jobs import lifecycle
from offload.jobs.acceptance.admission import Room
from offload.jobs.dispatch.live import LiveJobs
from offload.jobs.dispatch.queue import FairQueue
from offload.jobs.model import Job, State

ONE = [b"{}"]


@pytest.mark.parametrize("owner", ["alice", None])
def test_an_owner_has_its_part_of_the_queue(owner: str | None) -> None:
    queue = FairQueue()
    room = Room(queue, LiveJobs(), limit=100, owner_limit=3)
    for number in range(2):
        queue.push(f"{number}", number, owner)
    with room.promise(owner, ONE):
        with pytest.raises(QuotaExceededError) as refused, room.promise(owner, ONE):
            pass
        assert refused.value.retry_after == 1
        with room.promise("bob", ONE * 3):
            pass
    with room.promise(owner, ONE):
        pass
    with pytest.raises(QuotaExceededError), room.promise(owner, ONE * 2):
        pass


def test_without_a_quota_one_owner_may_fill_the_queue_but_no_more() -> None:
    room = Room(FairQueue(), LiveJobs(), limit=3)
    with ExitStack() as held:
        for owner in ("alice", "alice", "bob"):
            held.enter_context(room.promise(owner, ONE))
        with pytest.raises(QueueFullError), room.promise("carol", ONE):
            pass
    with room.promise("alice", ONE * 3):
        pass


def test_a_promise_that_came_to_nothing_is_given_back() -> None:
    room = Room(FairQueue(), LiveJobs(), limit=1, owner_limit=1)
    with pytest.raises(ZeroDivisionError), room.promise("alice", ONE):
        raise ZeroDivisionError
    with room.promise("alice", ONE):
        pass


def test_what_parameters_take_together_has_a_limit() -> None:
    live = LiveJobs()
    room = Room(FairQueue(), live, limit=100, params_bytes=1000)
    queued = Job(
        id="a", task="t", params=b"x" * 600, created_at=0, timeout_s=1, memory_mb=64, max_attempts=1, state=State.QUEUED
    )
    live.put(queued)
    with room.promise("alice", [b"x" * 300]):
        with pytest.raises(QueueFullError, match="parameters"), room.promise("bob", [b"x" * 50, b"x" * 51]):
            pass
        with room.promise("bob", [b"x" * 100]):
            pass
    live.put(lifecycle.cancel(queued, None, 1))
    with room.promise("alice", [b"x" * 1000]):
        pass
