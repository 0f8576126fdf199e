"""The order of the queue (priority, then fair between owners, then first come) and the position of a job in it."""

from hypothesis import given
from hypothesis import strategies as st

from offload.jobs.dispatch.queue import FairQueue, most_expensive_first
from offload.jobs.model import Job


def drained(queue: FairQueue) -> list[str]:
    order = []
    while (job_id := queue.pop()) is not None:
        order.append(job_id)
    return order


def test_higher_priority_goes_first_and_equals_in_their_order() -> None:
    queue = FairQueue()
    for job_id, priority in (("a", 0), ("b", 5), ("c", -5), ("d", 5), ("e", 0)):
        queue.push(job_id, priority, None)
    assert drained(queue) == ["b", "d", "a", "e", "c"]


def test_a_late_owner_is_next_however_many_jobs_another_has() -> None:
    queue = FairQueue()
    for n in range(1000):
        queue.push(f"a{n}", 0, "a")
    assert [queue.pop() for _ in range(3)] == ["a0", "a1", "a2"]
    queue.push("b0", 0, "b")
    queue.push("b1", 0, "b")
    assert [queue.pop() for _ in range(5)] == ["b0", "a3", "b1", "a4", "a5"]


def test_an_owner_that_submits_again_and_again_does_not_starve_another() -> None:
    queue = FairQueue()
    for n in range(3):
        queue.push(f"a{n}", 0, "a")
    served = []
    for n in range(6):
        queue.push(f"b{n}", 0, "b")
        served.append((queue.pop() or "")[0])
    assert served.count("a") == 3


def test_a_job_that_has_waited_before_goes_to_the_head_of_its_line() -> None:
    queue = FairQueue()
    queue.push("a", 0, None)
    queue.push("b", 0, None)
    queue.push("again", 0, None, first=True)
    assert queue.position("again") == 0
    assert drained(queue) == ["again", "a", "b"]


PUSHES = st.lists(st.tuples(st.integers(-2, 2), st.sampled_from(["a", "b", None]), st.booleans()), max_size=40)


@given(PUSHES, st.sets(st.integers(0, 39)))
def test_every_job_comes_out_once_unless_it_was_discarded(
    pushes: list[tuple[int, str | None, bool]], out: set[int]
) -> None:
    queue = FairQueue()
    for n, (priority, owner, first) in enumerate(pushes):
        queue.push(str(n), priority, owner, first=first)
    taken = {str(n) for n in out if queue.discard(str(n))}
    assert not any(queue.discard(job_id) for job_id in taken)
    assert len(queue) == len(pushes) - len(taken)
    for name in ("a", "b", None):
        assert queue.count(name) == sum(queue.sizes().get(name, {}).values())
    assert sum(count for levels in queue.sizes().values() for count in levels.values()) == len(queue)
    order = drained(queue)
    assert sorted(order) == sorted({str(n) for n in range(len(pushes))} - taken)
    priorities = [pushes[int(job_id)][0] for job_id in order]
    assert priorities == sorted(priorities, reverse=True)
    assert queue.sizes() == {}


@given(st.lists(st.integers(-2, 2), min_size=1, max_size=40))
def test_with_one_owner_the_position_is_exact(priorities: list[int]) -> None:
    queue = FairQueue()
    for n, priority in enumerate(priorities):
        queue.push(str(n), priority, None)
    told = {str(n): queue.position(str(n)) for n in range(len(priorities))}
    assert told == {job_id: place for place, job_id in enumerate(drained(queue))}


@given(PUSHES, st.sets(st.integers(0, 39)))
def test_a_position_never_counts_more_jobs_than_could_go_before(
    pushes: list[tuple[int, str | None, bool]], out: set[int]
) -> None:
    queue = FairQueue()
    for n, (priority, owner, first) in enumerate(pushes):
        queue.push(str(n), priority, owner, first=first)
    for n in out:
        queue.discard(str(n))
    for n, (priority, _, _) in enumerate(pushes):
        place = queue.position(str(n))
        if str(n) not in queue:
            assert place is None
            continue
        could = sum(1 for m, (other, _, _) in enumerate(pushes) if str(m) in queue and m != n and other >= priority)
        assert place is not None
        assert 0 <= place <= could


def a_job(name: str, batch_id: str | None, cost: float, priority: int = 0) -> Job:
    return Job(
        id=name,
        task="t",
        params=b"{}",
        created_at=0,
        timeout_s=1,
        memory_mb=1,
        max_attempts=1,
        batch_id=batch_id,
        cost=cost,
        priority=priority,
    )


def test_within_a_batch_the_most_expensive_go_first_and_other_jobs_keep_their_places() -> None:
    jobs = [
        a_job("a", None, 1),
        a_job("b", None, 2),
        a_job("30", "B", 0.1),
        a_job("36", "B", 1.5),
        a_job("first", "B", 0.0, priority=1),
        a_job("other 36", "B", 1.5),
        a_job("x", "C", 9),
        a_job("c", None, 3),
    ]
    order = ["a", "b", "first", "36", "other 36", "30", "x", "c"]
    assert [job.id for job in most_expensive_first(jobs)] == order
