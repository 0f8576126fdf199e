"""What `jobs.interfaces.Journal` promises, for every implementation."""

import asyncio
from dataclasses import fields, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offload.errors import DuplicateKeyError, StorageFailedError
from offload.jobs import lifecycle
from offload.jobs.interfaces import PAGE_BYTES, JobFilter, Journal, KnownKey
from offload.jobs.model import AttemptKey, Failure, FailureKind, Job, State, Usage
from tests.support.journals import FACTORIES, a_job, a_key, ended, ids

pytestmark = pytest.mark.anyio


async def test_what_was_added_is_there_and_what_was_not_is_not(journal: Journal) -> None:
    await journal.add([a_job("a"), a_job("b")])
    assert await journal.get("a") == a_job("a")
    for other in ("c", "", "A", "a\0", "\ud800", "x" * 100_000, "a' OR '1'='1"):
        assert await journal.get(other) is None


async def test_nothing_added_is_nothing_written(journal: Journal) -> None:
    await journal.add([])
    assert await ids(journal) == []


async def test_jobs_are_added_all_or_none(journal: Journal) -> None:
    await journal.add([a_job("a")])
    with pytest.raises(StorageFailedError):
        await journal.add([a_job("b", labels=["l"]), a_job("a")])
    assert await ids(journal) == ["a"]
    assert await ids(journal, JobFilter(label="l")) == []


async def test_a_key_stands_for_the_first_job(journal: Journal) -> None:
    await journal.add([a_job("a"), a_job("b")], a_key())
    assert await journal.find_key(None, "k") == KnownKey(fingerprint=b"f", job_id="a")
    assert await journal.find_key(None, "other") is None


async def test_a_key_is_used_once_by_an_owner_and_nobody_is_an_owner_too(journal: Journal) -> None:
    for number, owner in enumerate([None, "", "alice", "bob"]):
        await journal.add([a_job(f"first-{number}", owner=owner)], a_key(owner=owner))
        with pytest.raises(DuplicateKeyError):
            await journal.add([a_job(f"second-{number}", owner=owner)], a_key(owner=owner, fingerprint=b"g"))
        assert await journal.find_key(owner, "k") == KnownKey(fingerprint=b"f", job_id=f"first-{number}")
    assert len(await ids(journal)) == 4


async def test_a_refused_write_does_not_touch_those_beside_it(journal: Journal) -> None:
    await journal.add([a_job("a")], a_key())
    answers = await asyncio.gather(
        journal.add([a_job("b")]),
        journal.add([a_job("c")], a_key()),
        journal.add([a_job("d", labels=["l"]), a_job("a")]),
        journal.replace(lifecycle.start(a_job("a"), 5), AttemptKey("a", 0), State.QUEUED),
        journal.remove("a"),
        journal.add([a_job("e")]),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [
        type(None),
        DuplicateKeyError,
        StorageFailedError,
        bool,
        bool,
        type(None),
    ]
    assert list(answers[3:5]) == [True, False]
    assert await ids(journal) == ["e", "b", "a"]


async def test_writes_take_effect_in_the_order_of_their_calls(journal: Journal) -> None:
    job, running, over = a_job("a"), lifecycle.start(a_job("a"), 1), ended(a_job("a"))
    answers = await asyncio.gather(
        journal.add([job]),
        journal.replace(over, running.key, State.RUNNING),
        journal.replace(running, job.key, State.QUEUED),
        journal.replace(over, running.key, State.RUNNING),
        journal.remove("a"),
        journal.add([job]),
    )
    assert list(answers) == [None, False, True, True, True, None]
    assert await journal.get("a") == job


async def test_a_waiter_that_gives_up_changes_nothing(journal: Journal) -> None:
    waiters = [asyncio.ensure_future(journal.add([a_job(f"{number:02}")])) for number in range(20)]
    for waiter in waiters[::2]:
        waiter.cancel()
    await asyncio.gather(*waiters[1::2])
    await journal.add([a_job("last")])
    assert await ids(journal) == ["last", *(f"{number:02}" for number in reversed(range(20)))]


async def test_replace_is_guarded_by_state_and_attempt(journal: Journal) -> None:
    job = a_job("a")
    running = lifecycle.start(job, 5)
    await journal.add([job])
    assert not await journal.replace(running, AttemptKey("b", 0), State.QUEUED)
    assert not await journal.replace(running, AttemptKey("a", 1), State.QUEUED)
    assert not await journal.replace(running, AttemptKey("a", 0), State.RUNNING)
    assert await journal.get("a") == job
    assert await journal.replace(running, job.key, State.QUEUED)
    assert not await journal.replace(running, job.key, State.QUEUED)
    assert await journal.get("a") == running


async def test_replace_leaves_what_was_accepted(journal: Journal) -> None:
    job = replace(a_job("a", labels=["l"], owner="alice", created_at=3), upload="u", batch_id="b", priority=5)
    await journal.add([job])
    other = replace(lifecycle.start(job, 5), task="x", params=b"[]", created_at=9, owner="bob", priority=0)
    assert await journal.replace(other, job.key, State.QUEUED)
    assert await journal.get("a") == lifecycle.start(job, 5)


async def test_live_is_what_waits_and_what_runs_oldest_first(journal: Journal) -> None:
    jobs = [a_job(f"{number}", created_at=100 - number) for number in range(6)]
    await journal.add(jobs)
    for job in jobs[::2]:
        await journal.replace(lifecycle.start(job, 1), job.key, job.state)
    await journal.replace(ended(jobs[0]), AttemptKey("0", 1), State.RUNNING)
    await journal.replace(lifecycle.cancel(jobs[3], None, 1), jobs[3].key, State.QUEUED)
    live = await journal.live()
    assert [(job.id, job.state.value) for job in live] == [
        ("1", "queued"),
        ("2", "running"),
        ("4", "running"),
        ("5", "queued"),
    ]


async def test_only_a_terminal_job_is_removed_with_its_key_and_labels(journal: Journal) -> None:
    job = a_job("a", labels=["l", "m"])
    await journal.add([job], a_key())
    assert not await journal.remove("a")
    assert not await journal.remove("b")
    await journal.replace(lifecycle.cancel(job, None, 1), job.key, State.QUEUED)
    assert await journal.remove("a")
    assert not await journal.remove("a")
    assert await journal.get("a") is None
    assert await journal.find_key(None, "k") is None
    await journal.add([a_job("b")], a_key())
    assert await ids(journal, JobFilter(label="l")) == []


async def test_expire_forgets_the_oldest_first_and_tells_which(journal: Journal) -> None:
    jobs = [ended(a_job(f"{number}", labels=["l"]), at=10 + number) for number in range(4)]
    await journal.add([*reversed(jobs), a_job("waits")])
    assert await journal.expire(10, 0, limit=10) == []
    assert list(await journal.expire(13, 0, limit=2)) == jobs[:2]
    assert list(await journal.expire(13, 0, limit=2)) == jobs[2:3]
    assert await ids(journal) == ["waits", "3"]
    assert await ids(journal, JobFilter(label="l")) == ["3"]


async def test_expire_keeps_a_job_whose_key_is_young(journal: Journal) -> None:
    await journal.add([ended(a_job("young", created_at=50))], a_key("young"))
    await journal.add([ended(a_job("old", created_at=49))], a_key("old"))
    await journal.add([ended(a_job("none", created_at=50))])
    assert {job.id for job in await journal.expire(100, 50, limit=10)} == {"old", "none"}
    assert await journal.find_key(None, "old") is None
    assert await journal.find_key(None, "young") is not None
    assert [job.id for job in await journal.expire(100, 51, limit=10)] == ["young"]


async def test_ten_thousand_jobs_at_once_in_their_order(journal: Journal) -> None:
    names = [f"{number:05}" for number in range(10_000)]
    await journal.add([a_job(name) for name in names])
    assert [job.id for job in await journal.live()] == names


async def test_newest_first_is_the_order_of_acceptance_whatever_the_clock_said(journal: Journal) -> None:
    for name, at in (("a", 30), ("b", 10), ("c", 20)):
        await journal.add([a_job(name, created_at=at)])
    assert await ids(journal) == ["c", "b", "a"]
    assert await ids(journal, JobFilter(created_after=10, created_before=31)) == ["c", "a"]
    assert await ids(journal, JobFilter(created_before=20)) == ["b"]
    assert await ids(journal, JobFilter(created_after=30)) == []


async def test_pages_follow_each_other_while_new_jobs_come_and_old_ones_go(journal: Journal) -> None:
    await journal.add([ended(a_job(f"{number}")) for number in range(5)])
    first = await journal.list(JobFilter(), 2)
    await journal.add([a_job("new")])
    await journal.remove("3")
    second = await journal.list(JobFilter(), 2, first.next)
    third = await journal.list(JobFilter(), 2, second.next)
    assert [[job.id for job in page.jobs] for page in (first, second, third)] == [["4", "3"], ["2", "1"], ["0"]]
    assert third.next is None


async def test_the_last_page_has_no_next_even_where_it_is_full(journal: Journal) -> None:
    await journal.add([a_job(f"{number}") for number in range(4)])
    page = await journal.list(JobFilter(), 2)
    assert (await journal.list(JobFilter(), 2, page.next)).next is None


async def test_a_page_of_large_jobs_ends_early_and_loses_none(journal: Journal) -> None:
    large = replace(a_job("large"), params=b'"' + b"x" * (PAGE_BYTES // 3) + b'"')
    await journal.add([replace(large, id=f"{number}") for number in range(5)])
    first = await journal.list(JobFilter(), 100)
    second = await journal.list(JobFilter(), 100, first.next)
    assert [[job.id for job in page.jobs] for page in (first, second)] == [["4", "3", "2"], ["1", "0"]]
    assert second.next is None


async def test_check_finds_nothing_wrong(journal: Journal) -> None:
    assert await journal.check() is None


INTEGERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False)
NAMES = st.text(max_size=20)
TALES = st.text(alphabet=st.characters(), max_size=20)  # surrogates too: tracebacks may hold any file's name
USAGES = st.builds(Usage, wall_s=FLOATS, cpu_s=st.none() | FLOATS, peak_rss_bytes=st.none() | INTEGERS)
FAILURES = st.builds(
    Failure,
    kind=st.sampled_from(FailureKind),
    detail=TALES,
    exception=st.none() | TALES,
    traceback=st.none() | TALES,
    exit_code=st.none() | INTEGERS,
    signal=st.none() | TALES,
)
FACTS: dict[str, st.SearchStrategy[object]] = {
    "task": NAMES,
    "params": st.binary(max_size=100),
    "created_at": INTEGERS,
    "timeout_s": FLOATS,
    "memory_mb": INTEGERS,
    "max_attempts": INTEGERS,
    "priority": INTEGERS,
    "labels": st.lists(NAMES, max_size=5, unique=True).map(tuple),
    "owner": st.none() | NAMES,
    "batch_id": st.none() | NAMES,
    "upload": st.none() | NAMES,
    "cost": FLOATS,
    "trace": st.none() | NAMES,
    "state": st.sampled_from(State),
    "attempt": INTEGERS,
    "started_at": st.none() | INTEGERS,
    "finished_at": st.none() | INTEGERS,
    "result": st.none() | st.binary(max_size=100),
    "result_bytes": st.none() | INTEGERS,
    "failure": st.none() | FAILURES,
    "usage": st.none() | USAGES,
}


def test_every_field_of_a_job_is_tried() -> None:
    assert {field.name for field in fields(Job)} == {*FACTS, "id"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(accepted=st.fixed_dictionaries(FACTS), changes=st.fixed_dictionaries(FACTS))
async def test_every_field_comes_back_as_it_was(
    journal: Journal, accepted: dict[str, object], changes: dict[str, object]
) -> None:
    job = Job(id=f"{len(await journal.live())}-{id(accepted)}", **accepted)  # type: ignore[arg-type]  # fields of Job
    while await journal.get(job.id) is not None:
        job = replace(job, id=job.id + "'")
    await journal.add([job])
    assert await journal.get(job.id) == job
    changed = replace(Job(id=job.id, **changes), labels=job.labels)  # type: ignore[arg-type]  # as above
    assert await journal.replace(changed, job.key, job.state)
    kept = {name: getattr(job, name) for name in list(FACTS)[: list(FACTS).index("state")]}
    assert await journal.get(job.id) == replace(changed, **kept)
    for label in job.labels:
        assert job.id in await ids(journal, JobFilter(label=label, states=frozenset({changed.state})), 1000)


FEW = st.integers(0, 7)
FILTERS = st.builds(
    JobFilter,
    states=st.frozensets(st.sampled_from(State), max_size=3),
    task=st.none() | st.sampled_from("xy"),
    label=st.none() | st.sampled_from("lm"),
    batch_id=st.none() | st.sampled_from("b"),
    owner=st.none() | st.sampled_from("op"),
    created_after=st.none() | FEW,
    created_before=st.none() | FEW,
)
MIXED = st.lists(
    st.builds(
        a_job,
        name=st.none(),
        created_at=FEW,
        task=st.sampled_from("xy"),
        labels=st.lists(st.sampled_from("lm"), unique=True),
        owner=st.none() | st.sampled_from("op"),
    ).flatmap(
        lambda job: st.builds(replace, st.just(job), state=st.sampled_from(State), batch_id=st.none() | st.just("b"))
    ),
    max_size=20,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(mixed=MIXED, filters=st.lists(FILTERS, min_size=1, max_size=8), limit=st.integers(1, 5))
async def test_the_pages_of_any_list_are_those_of_a_plain_filter(
    tmp_path_factory: pytest.TempPathFactory, mixed: list[Job], filters: list[JobFilter], limit: int
) -> None:
    jobs = [replace(job, id=f"{number}") for number, job in enumerate(mixed)]
    journals = [factory(tmp_path_factory.mktemp("journal")) for factory in FACTORIES.values()]
    for journal in journals:
        await journal.open()
        await journal.add(jobs)
        for where in filters:
            assert await _all_pages(journal, where, limit) == [j for j in reversed(jobs) if _shows(where, j)]
        await journal.close()


async def _all_pages(journal: Journal, where: JobFilter, limit: int) -> list[Job]:
    shown: list[Job] = []
    before: int | None = None
    while True:
        page = await journal.list(where, limit, before)
        assert len(page.jobs) == limit or page.next is None
        shown += page.jobs
        before = page.next
        if before is None:
            return shown


def _shows(where: JobFilter, job: Job) -> bool:
    wanted = {"task": where.task, "batch_id": where.batch_id, "owner": where.owner}
    return (
        (not where.states or job.state in where.states)
        and all(value is None or getattr(job, name) == value for name, value in wanted.items())
        and (where.label is None or where.label in job.labels)
        and (where.created_after is None or where.created_after < job.created_at)
        and (where.created_before is None or job.created_at < where.created_before)
    )
