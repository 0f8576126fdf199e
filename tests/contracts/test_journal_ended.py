"""`Journal.ended`: how the jobs of a span of time ended, for every implementation."""

import pytest

from offload.jobs import lifecycle
from offload.jobs.interfaces import EndedJobs, Journal
from offload.jobs.model import Done, Failure, FailureKind, Job, State, Usage
from tests.support.journals import a_job

pytestmark = pytest.mark.anyio

S = 1_000_000


async def put(journal: Journal, *jobs: Job) -> None:
    """Writes jobs that are terminal as the dispatcher does: accepted first."""
    accepted = [a_job(job.id, created_at=job.created_at, owner=job.owner) for job in jobs]
    await journal.add(accepted)
    for before, job in zip(accepted, jobs, strict=True):
        assert await journal.replace(job, before.key, State.QUEUED)


def succeeded(name: str, *, started: int, ended: int, wall_s: float = 0.5, owner: str | None = None) -> Job:
    """A job that was accepted at 0."""
    running = lifecycle.start(a_job(name, owner=owner), started)
    return lifecycle.succeed(running, Done(result=b"1", result_bytes=1, usage=Usage(wall_s=wall_s)), ended)


async def test_nothing_ended(journal: Journal) -> None:
    await journal.add([a_job("queued")])
    assert await journal.ended_between(None, 0, 100 * S, 10) == EndedJobs(counts={}, ran_s=[], waited_s=[])


async def test_each_end_is_counted_once_by_its_state(journal: Journal) -> None:
    failure = Failure(kind=FailureKind.TASK_RAISED, detail="no")
    await put(
        journal,
        succeeded("a", started=2 * S, ended=10 * S, wall_s=7.5),
        succeeded("b", started=1 * S, ended=11 * S, wall_s=0.25),
        lifecycle.fail(lifecycle.start(a_job("c"), 4 * S), failure, Usage(wall_s=6.0), 12 * S),
        lifecycle.cancel(a_job("d"), None, 13 * S),
    )
    ended = await journal.ended_between(None, 0, 100 * S, 10)
    assert ended.counts == {State.SUCCEEDED: 2, State.FAILED: 1, State.CANCELLED: 1}
    assert ended.ran_s == [0.25, 7.5]
    assert ended.waited_s == [1.0, 2.0, 4.0]


async def test_a_span_has_its_begin_and_not_its_end(journal: Journal) -> None:
    await put(journal, *(succeeded(str(at), started=0, ended=at) for at in (9, 10, 19, 20)))
    assert (await journal.ended_between(None, 10, 20, 10)).counts == {State.SUCCEEDED: 2}


async def test_an_owner_has_what_is_its_own(journal: Journal) -> None:
    owners = [None, "", "alice", "bob", "bob"]
    await put(journal, *(succeeded(f"{place}", started=0, ended=5, owner=owner) for place, owner in enumerate(owners)))
    for owner, number in ((None, 5), ("", 1), ("alice", 1), ("bob", 2)):
        ended = await journal.ended_between(owner, 0, 10, 10)
        assert sum(ended.counts.values()) == len(ended.ran_s) == len(ended.waited_s) == number
    assert (await journal.ended_between("carol", 0, 10, 10)).counts == {}


async def test_of_many_some_durations_are_taken_from_all_over(journal: Journal) -> None:
    await put(journal, *(succeeded(str(at), started=0, ended=at, wall_s=float(at)) for at in range(100)))
    ended = await journal.ended_between(None, 0, 100, 10)
    assert ended.counts == {State.SUCCEEDED: 100}
    assert 10 <= len(ended.ran_s) < 20
    assert list(ended.ran_s) == sorted(ended.ran_s)
    assert ended.ran_s[0] < 10
    assert ended.ran_s[-1] >= 90
    assert len((await journal.ended_between(None, 0, 100, 100)).ran_s) == 100


async def test_what_was_forgotten_is_not_counted(journal: Journal) -> None:
    await put(journal, succeeded("a", started=0, ended=5), succeeded("b", started=0, ended=6))
    await journal.remove("a")
    assert (await journal.ended_between(None, 0, 10, 10)).counts == {State.SUCCEEDED: 1}
