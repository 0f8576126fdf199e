"""What `jobs.interfaces.Journal` promises of batches, for every implementation."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offload.errors import DuplicateKeyError, StorageFailedError
from offload.jobs import lifecycle
from offload.jobs.interfaces import Journal, KnownKey
from offload.jobs.model import Batch, Done, Job, State, Usage
from tests.support.journals import FACTORIES, a_job, a_key, ended, ids

pytestmark = pytest.mark.anyio


def a_batch(name: str = "B", size: int = 3, **facts: Any) -> tuple[Batch, list[Job]]:
    """A batch as it is accepted, and its members `B-0`, `B-1`, …"""
    counts = {**dict.fromkeys(State, 0), State.QUEUED: size}
    batch = Batch(id=name, kind="jobs", size=size, counts=counts, **{"created_at": 0, **facts})
    owner = facts.get("owner")
    return batch, [replace(a_job(f"{name}-{number}", owner=owner), batch_id=name) for number in range(size)]


async def end(journal: Journal, job: Job, at: int) -> None:
    """Lets a queued job run and succeed."""
    running = lifecycle.start(job, at)
    assert await journal.replace(running, job.key, job.state)
    assert await journal.replace(ended(job, at), running.key, running.state)


async def counted(journal: Journal, batch_id: str = "B") -> dict[str, int]:
    """The counts of a batch that are not zero."""
    batch = await journal.get_batch(batch_id)
    assert batch is not None
    return {state.value: count for state, count in batch.counts.items() if count}


async def test_a_batch_is_there_with_its_members_in_order(journal: Journal) -> None:
    batch, jobs = a_batch(labels=("l",), source=b"{}", owner="alice", created_at=7)
    await journal.add([a_job("before")])
    await journal.add(jobs, batch=batch)
    await journal.add([a_job("after")])
    assert await journal.get_batch("B") == batch
    assert list(await journal.members("B", 0, 10)) == list(enumerate(jobs))
    assert [member.place for member in await journal.members("B", 1, 1)] == [1]
    assert await journal.members("B", 3, 10) == []
    for other in ("C", "", "b", "\ud800", "B-0"):
        assert await journal.get_batch(other) is None


async def test_a_batch_is_added_all_or_none(journal: Journal) -> None:
    batch, jobs = a_batch()
    await journal.add([a_job("B-2")])
    with pytest.raises(StorageFailedError):
        await journal.add(jobs, batch=batch)
    assert await journal.get_batch("B") is None
    assert await ids(journal) == ["B-2"]


async def test_a_key_stands_for_a_job_or_a_batch_but_once(journal: Journal) -> None:
    batch, jobs = a_batch()
    await journal.add(jobs, a_key("batch"), batch)
    await journal.add([a_job("job")], a_key("job"))
    assert await journal.find_key(None, "batch") == KnownKey(fingerprint=b"f", batch_id="B")
    assert await journal.find_key(None, "job") == KnownKey(fingerprint=b"f", job_id="job")
    other, others = a_batch("C")
    for key in ("batch", "job"):
        with pytest.raises(DuplicateKeyError):
            await journal.add(others, a_key(key), other)
        with pytest.raises(DuplicateKeyError):
            await journal.add([a_job("x")], a_key(key))
    other, others = a_batch("C", owner="alice")
    await journal.add(others, a_key("batch", owner="alice"), other)


async def test_a_batch_counts_its_members_until_the_last_has_ended(journal: Journal) -> None:
    batch, jobs = a_batch()
    await journal.add([*jobs], batch=batch)
    await end(journal, jobs[1], at=10)
    assert await counted(journal) == {"queued": 2, "succeeded": 1}
    running = lifecycle.start(jobs[0], 11)
    await journal.replace(running, jobs[0].key, State.QUEUED)
    assert await counted(journal) == {"queued": 1, "running": 1, "succeeded": 1}
    await journal.replace(lifecycle.requeue(running), running.key, State.RUNNING)
    assert await counted(journal) == {"queued": 2, "succeeded": 1}
    await journal.replace(lifecycle.cancel(jobs[0], None, 12), jobs[0].key, State.QUEUED)
    live = await journal.get_batch("B")
    assert live is not None
    assert not live.done
    await end(journal, jobs[2], at=13)
    done = await journal.get_batch("B")
    assert done is not None
    assert (done.finished_at, done.ended) == (13, 3)
    assert await counted(journal) == {"succeeded": 2, "cancelled": 1}


async def test_a_member_that_is_removed_is_not_counted_and_leaves_its_place_empty(journal: Journal) -> None:
    batch, jobs = a_batch()
    await journal.add(jobs, batch=batch)
    await end(journal, jobs[1], at=10)
    assert await journal.remove("B-1")
    assert await counted(journal) == {"queued": 2}
    found = await journal.get_batch("B")
    assert found is not None
    assert (found.size, found.ended, found.done) == (3, 1, False)
    await journal.add([a_job("later")])
    assert [(place, job.id) for place, job in await journal.members("B", 0, 10)] == [(0, "B-0"), (2, "B-2")]


async def test_batches_are_listed_newest_first_by_owner(journal: Journal) -> None:
    for number in range(5):
        batch, jobs = a_batch(f"{number}", owner="ab"[number % 2])
        await journal.add(jobs, batch=batch)
    first = await journal.list_batches(None, 3)
    second = await journal.list_batches(None, 3, first.next)
    assert [[batch.id for batch in page.batches] for page in (first, second)] == [["4", "3", "2"], ["1", "0"]]
    assert second.next is None
    mine = await journal.list_batches("b", 2)
    assert ([batch.id for batch in mine.batches], mine.next) == (["3", "1"], None)
    assert (await journal.list_batches("c", 2)).batches == []


async def test_a_batch_is_removed_in_portions_once_it_is_done(journal: Journal) -> None:
    batch, jobs = a_batch()
    await journal.add(jobs, a_key(), batch)
    for job in jobs[:2]:
        await end(journal, job, at=10)
    assert await journal.remove_batch("B", 10) == []
    assert len(await ids(journal)) == 3
    await end(journal, jobs[2], at=10)
    assert [job.id for job in await journal.remove_batch("B", 2)] == ["B-0", "B-1"]
    assert await journal.get_batch("B") is not None
    assert [job.id for job in await journal.remove_batch("B", 2)] == ["B-2"]
    assert await journal.remove_batch("B", 2) == []
    assert await journal.get_batch("B") is None
    assert await journal.find_key(None, "k") is None
    assert await journal.remove_batch("B", 2) == []


async def test_expire_keeps_a_batch_whole_and_forgets_it_by_its_own_end(journal: Journal) -> None:
    batch, jobs = a_batch()
    await journal.add(jobs, batch=batch)
    await end(journal, jobs[0], at=10)
    await end(journal, jobs[1], at=11)
    assert await journal.expire(100, 100, limit=10) == []
    await end(journal, jobs[2], at=50)
    assert await journal.expire(50, 100, limit=10) == []
    assert [job.id for job in await journal.expire(51, 100, limit=2)] == ["B-0", "B-1"]
    assert await journal.get_batch("B") is None, "who asks for it is not shown half of it"
    assert [job.id for job in await journal.expire(51, 100, limit=2)] == ["B-2"]
    assert await ids(journal) == []


async def test_expire_keeps_a_batch_whose_key_is_young(journal: Journal) -> None:
    batch, jobs = a_batch(size=1, created_at=50)
    await journal.add(jobs, a_key(), batch)
    await end(journal, jobs[0], at=60)
    assert await journal.expire(100, 50, limit=10) == []
    assert len(await journal.expire(100, 51, limit=10)) == 1
    assert await journal.find_key(None, "k") is None


EVENTS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["start", "succeed", "requeue", "cancel", "remove"])), max_size=40
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(events=EVENTS)
async def test_the_counts_of_a_batch_are_those_of_its_members_after_any_life(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[int, str]]
) -> None:
    for factory in FACTORIES.values():
        journal = factory(tmp_path_factory.mktemp("journal"))
        await journal.open()
        batch, jobs = a_batch(size=6)
        await journal.add(jobs, batch=batch)
        for number, event in events:
            await _happen(journal, f"B-{number}", event)
        found = await journal.get_batch("B")
        assert found is not None
        states = [member.job.state for member in await journal.members("B", 0, 10)]
        assert found.counts == {state: states.count(state) for state in State}
        live = any(not state.terminal for state in states)
        assert found.done is not live
        assert found.ended == 6 - sum(not state.terminal for state in states)
        await journal.close()


async def _happen(journal: Journal, job_id: str, event: str) -> None:
    """Lets the event happen to the job, if it can."""
    job = await journal.get(job_id)
    if job is None:
        return
    match event, job.state:
        case "start", State.QUEUED if job.attempt < job.max_attempts:
            await journal.replace(lifecycle.start(job, 1), job.key, job.state)
        case "succeed", State.RUNNING:
            done = Done(result=b"1", result_bytes=1, usage=Usage(wall_s=0.5))
            await journal.replace(lifecycle.succeed(job, done, 2), job.key, job.state)
        case "requeue", State.RUNNING:
            await journal.replace(lifecycle.requeue(job), job.key, job.state)
        case "cancel", State.QUEUED | State.RUNNING:
            await journal.replace(lifecycle.cancel(job, None, 2), job.key, job.state)
        case "remove", _:
            await journal.remove(job_id)
        case _:
            pass
