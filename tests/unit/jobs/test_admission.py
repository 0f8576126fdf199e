"""Room in the queue: for all jobs together and for each owner's, those that are still being accepted included."""

from contextlib import ExitStack

import pytest

from app.errors import QueueFullError, QuotaExceededError
from app.jobs.admission import Room
from app.jobs.queue import FairQueue


@pytest.mark.parametrize("owner", ["alice", None])
def test_an_owner_has_its_part_of_the_queue(owner: str | None) -> None:
    queue = FairQueue()
    room = Room(queue, limit=100, owner_limit=3)
    for number in range(2):
        queue.push(f"{number}", number, owner)
    with room.promise(owner):
        with pytest.raises(QuotaExceededError) as refused, room.promise(owner):
            pass
        assert refused.value.retry_after == 1
        with room.promise("bob", jobs=3):
            pass
    with room.promise(owner):
        pass
    with pytest.raises(QuotaExceededError), room.promise(owner, jobs=2):
        pass


def test_without_a_quota_one_owner_may_fill_the_queue_but_no_more() -> None:
    room = Room(FairQueue(), limit=3)
    with ExitStack() as held:
        for owner in ("alice", "alice", "bob"):
            held.enter_context(room.promise(owner))
        with pytest.raises(QueueFullError), room.promise("carol"):
            pass
    with room.promise("alice", jobs=3):
        pass


def test_a_promise_that_came_to_nothing_is_given_back() -> None:
    room = Room(FairQueue(), limit=1, owner_limit=1)
    with pytest.raises(ZeroDivisionError), room.promise("alice"):
        raise ZeroDivisionError
    with room.promise("alice"):
        pass
