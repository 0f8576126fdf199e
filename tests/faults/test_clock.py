"""The clock jumps by hours, back and forth, while jobs wait, run and end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from offload.jobs.housekeeping import Retention, forget_old
from offload.stores.journal import SqliteJournal
from offload.stores.uploads import UploadDirectory
from tests.support.front_desk import FrontDesk, front_desk
from tests.support.journals import opened
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

HOUR = 3_600_000_000
NOON = 500_000 * HOUR
"""Some noon, in microseconds since the epoch."""


class JumpingClock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> int:
        self.now += 1
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> JumpingClock:
    clock = JumpingClock()
    monkeypatch.setattr("offload.clock.now", clock)
    return clock


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    async with opened(tmp_path / "journal.sqlite3") as journal:
        yield journal


@pytest.fixture
async def desk(tmp_path: Path, journal: SqliteJournal, clock: JumpingClock) -> AsyncIterator[FrontDesk]:
    assert clock.now == NOON
    async with front_desk(tmp_path, journal=journal) as desk:
        yield desk


async def submit(desk: FrontDesk, n: int, **headers: str) -> dict[str, Any]:
    response = await desk.client.post("/jobs/fibonacci", json={"n": n}, headers=headers)
    assert response.status_code == 202, response.text
    job: dict[str, Any] = response.json()
    return job


async def ended(desk: FrontDesk, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = (await desk.client.get(f"/jobs/{job_id}?wait=10")).json()
    assert job["finished_at"], job
    return job


async def listed(desk: FrontDesk, **query: str) -> list[str]:
    response = await desk.client.get("/jobs", params=query)
    return [job["id"] for job in response.json()["jobs"]]


async def test_times_never_go_back_within_a_job(desk: FrontDesk, clock: JumpingClock) -> None:
    jobs = [(await submit(desk, n))["id"] for n in range(3)]
    for job_id in jobs[:2]:
        clock.now -= 5 * HOUR
        await desk.engine.running(job_id)
        running = (await desk.client.get(f"/jobs/{job_id}")).json()
        assert running["usage"] is None or running["usage"]["wall_s"] >= 0
        clock.now -= 5 * HOUR
        await desk.engine.end(job_id)
    await desk.engine.running(jobs[2])
    clock.now -= 5 * HOUR
    await desk.client.post(f"/jobs/{jobs[2]}/cancel")
    for job_id in jobs:
        job = await ended(desk, job_id)
        assert job["created_at"] <= job["started_at"] <= job["finished_at"], job
        assert job["usage"] is None or job["usage"]["wall_s"] >= 0
    stats = (await desk.client.get("/stats")).json()["tasks"]["fibonacci"]
    assert min(stats["per_s"], stats["run_s_p50"], stats["wait_s_p50"]) >= 0


async def test_a_queued_job_is_not_cancelled_before_it_was_accepted(desk: FrontDesk, clock: JumpingClock) -> None:
    await submit(desk, 1)
    job_id = (await submit(desk, 2))["id"]
    clock.now -= HOUR
    job = (await desk.client.post(f"/jobs/{job_id}/cancel")).json()
    assert job["created_at"] <= job["finished_at"]


async def test_a_wait_ends_with_the_job_and_with_its_own_time(desk: FrontDesk, clock: JumpingClock) -> None:
    job_id = (await submit(desk, 1))["id"]
    await desk.engine.running(job_id)
    waiting = asyncio.create_task(desk.client.get(f"/jobs/{job_id}?wait=60"))
    short = asyncio.create_task(desk.client.get(f"/jobs/{job_id}?wait=1"))
    clock.now -= 3 * HOUR
    async with asyncio.timeout(20):
        assert (await short).json()["state"] == "running"
    await desk.engine.end(job_id)
    async with asyncio.timeout(20):
        assert (await waiting).json()["state"] == "succeeded"


async def test_lists_are_in_the_order_of_acceptance_and_filter_by_what_is_told(
    desk: FrontDesk, clock: JumpingClock
) -> None:
    noon = await submit(desk, 1)
    clock.now -= 4 * HOUR
    morning = await submit(desk, 2)
    clock.now += 8 * HOUR
    evening = await submit(desk, 3)
    assert await listed(desk) == [job["id"] for job in (evening, morning, noon)]
    assert noon["id"] < morning["id"] < evening["id"]
    assert await listed(desk, created_before=noon["created_at"]) == [morning["id"]]
    assert await listed(desk, created_after=noon["created_at"]) == [evening["id"]]
    between = {"created_after": morning["created_at"], "created_before": evening["created_at"]}
    assert await listed(desk, **between) == [noon["id"]]


async def test_a_key_stands_for_its_job_at_any_time(desk: FrontDesk, clock: JumpingClock) -> None:
    key = {"Idempotency-Key": "k"}
    job_id = (await submit(desk, 1, **key))["id"]
    for hours in (-30, 60, -30):
        clock.now += hours * HOUR
        assert (await submit(desk, 1, **key))["id"] == job_id


async def test_retention_takes_nothing_early(
    desk: FrontDesk, journal: SqliteJournal, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def looking() -> int:
        nonlocal looks
        looks += 1
        return clock()

    job_id = (await submit(desk, 1))["id"]
    await desk.engine.end(job_id)
    await ended(desk, job_id)
    monkeypatch.setattr("offload.jobs.housekeeping.LOOK_S", 0.01)
    state, retention = desk.state, Retention(jobs_s=7200, keys_s=7200)
    uploads = UploadDirectory(desk.uploads_dir)
    work = asyncio.create_task(forget_old(journal, uploads, state.service, state.dispatcher, looking, retention))
    try:
        for hours in (-100, 101):  # an hour after its end, by way of four days before it
            clock.now += hours * HOUR
            seen = looks
            await until(lambda seen=seen: looks > seen + 2, what="retention to look")  # type: ignore[misc]
            assert await listed(desk) == [job_id]
        clock.now += 2 * HOUR

        async def gone() -> bool:
            return await listed(desk) == []

        await until(gone, what="retention to take it")
    finally:
        work.cancel()
        await asyncio.wait([work])
