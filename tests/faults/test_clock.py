"""The clock jumps by hours, back and forth, while jobs wait, run and end."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from offload.clock import LEAP_S, SETTLED_S, SettledClock
from offload.jobs.housekeeping import Retention, delete_expired
from offload.stores.journal import SqliteJournal
from offload.stores.uploads import UploadDirectory
from tests.support.api_server import ApiServer, api_server
from tests.support.journals import opened
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

HOUR = 3_600_000_000
MINUTE = HOUR // 60
YEAR = 365 * 24 * HOUR
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
async def server(tmp_path: Path, journal: SqliteJournal, clock: JumpingClock) -> AsyncIterator[ApiServer]:
    assert clock.now == NOON
    async with api_server(tmp_path, journal=journal) as server:
        yield server


async def submit(server: ApiServer, n: int, **headers: str) -> dict[str, Any]:
    response = await server.client.post("/jobs/fibonacci", json={"n": n}, headers=headers)
    assert response.status_code == 202, response.text
    job: dict[str, Any] = response.json()
    return job


async def ended(server: ApiServer, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = (await server.client.get(f"/jobs/{job_id}?wait=10")).json()
    assert job["finished_at"], job
    return job


async def listed(server: ApiServer, **query: str) -> list[str]:
    response = await server.client.get("/jobs", params=query)
    return [job["id"] for job in response.json()["jobs"]]


async def test_times_never_go_back_within_a_job(server: ApiServer, clock: JumpingClock) -> None:
    jobs = [(await submit(server, n))["id"] for n in range(3)]
    for job_id in jobs[:2]:
        clock.now -= 5 * HOUR
        await server.engine.running(job_id)
        running = (await server.client.get(f"/jobs/{job_id}")).json()
        assert running["usage"] is None or running["usage"]["wall_s"] >= 0
        clock.now -= 5 * HOUR
        await server.engine.end(job_id)
    await server.engine.running(jobs[2])
    clock.now -= 5 * HOUR
    await server.client.post(f"/jobs/{jobs[2]}/cancel")
    for job_id in jobs:
        job = await ended(server, job_id)
        assert job["created_at"] <= job["started_at"] <= job["finished_at"], job
        assert job["usage"] is None or job["usage"]["wall_s"] >= 0
    stats = (await server.client.get("/stats")).json()["tasks"]["fibonacci"]
    assert min(stats["per_s"], stats["run_s_p50"], stats["wait_s_p50"]) >= 0


async def test_a_queued_job_is_not_cancelled_before_it_was_accepted(server: ApiServer, clock: JumpingClock) -> None:
    await submit(server, 1)
    job_id = (await submit(server, 2))["id"]
    clock.now -= HOUR
    job = (await server.client.post(f"/jobs/{job_id}/cancel")).json()
    assert job["created_at"] <= job["finished_at"]


async def test_a_wait_ends_with_the_job_and_with_its_own_time(server: ApiServer, clock: JumpingClock) -> None:
    job_id = (await submit(server, 1))["id"]
    await server.engine.running(job_id)
    waiting = asyncio.create_task(server.client.get(f"/jobs/{job_id}?wait=60"))
    short = asyncio.create_task(server.client.get(f"/jobs/{job_id}?wait=1"))
    clock.now -= 3 * HOUR
    async with asyncio.timeout(20):
        assert (await short).json()["state"] == "running"
    await server.engine.end(job_id)
    async with asyncio.timeout(20):
        assert (await waiting).json()["state"] == "succeeded"


async def test_lists_are_in_order_of_acceptance_and_filter_by_created_at(
    server: ApiServer, clock: JumpingClock
) -> None:
    noon = await submit(server, 1)
    clock.now -= 4 * HOUR
    morning = await submit(server, 2)
    clock.now += 8 * HOUR
    evening = await submit(server, 3)
    assert await listed(server) == [job["id"] for job in (evening, morning, noon)]
    assert noon["id"] < morning["id"] < evening["id"]
    assert await listed(server, created_before=noon["created_at"]) == [morning["id"]]
    assert await listed(server, created_after=noon["created_at"]) == [evening["id"]]
    between = {"created_after": morning["created_at"], "created_before": evening["created_at"]}
    assert await listed(server, **between) == [noon["id"]]


async def test_a_key_stands_for_its_job_at_any_time(server: ApiServer, clock: JumpingClock) -> None:
    key = {"Idempotency-Key": "k"}
    job_id = (await submit(server, 1, **key))["id"]
    for hours in (-30, 60, -30):
        clock.now += hours * HOUR
        assert (await submit(server, 1, **key))["id"] == job_id


async def test_retention_deletes_nothing_early(
    server: ApiServer, journal: SqliteJournal, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def looking() -> int:
        nonlocal looks
        looks += 1
        return clock()

    job_id = (await submit(server, 1))["id"]
    await server.engine.end(job_id)
    await ended(server, job_id)
    monkeypatch.setattr("offload.jobs.housekeeping.INTERVAL_S", 0.01)
    state, retention = server.state, Retention(jobs_s=7200, keys_s=7200)
    uploads = UploadDirectory(server.uploads_dir)
    work = asyncio.create_task(delete_expired(journal, uploads, state.service, state.dispatcher, looking, retention))
    try:
        for hours in (-100, 101):  # an hour after its end, by way of four days before it
            clock.now += hours * HOUR
            seen = looks
            await until(lambda seen=seen: looks > seen + 2, what="retention to look")  # type: ignore[misc]
            assert await listed(server) == [job_id]
        clock.now += 2 * HOUR

        async def gone() -> bool:
            return await listed(server) == []

        await until(gone, what="retention to take it")
    finally:
        work.cancel()
        await asyncio.wait([work])


class Clocks:
    """The clock and the steady one, and what retention makes of them."""

    def __init__(self, seen: int | None = None) -> None:
        self.wall, self.steady = NOON, 0
        self.settled = SettledClock(seen, clock=lambda: self.wall, steady=lambda: self.steady)

    def wait(self, microseconds: int, *, every: int = MINUTE) -> int:
        """Lets time pass, and reads the settled clock every so often. Returns the last reading."""
        for _ in range(0, microseconds, every):
            self.wall += every
            self.steady += every
            reading = self.settled()
        return reading


@pytest.mark.parametrize("jump", [LEAP_S * 1_000_000 + MINUTE, HOUR, YEAR, 50 * YEAR])
def test_a_jump_forward_counts_when_it_has_lasted(jump: int) -> None:
    clocks = Clocks()
    clocks.wall += jump
    assert clocks.wait(SETTLED_S * 1_000_000) < NOON + 2 * HOUR
    assert clocks.wait(2 * MINUTE) == clocks.wall


def test_jumps_that_do_not_last_never_count() -> None:
    clocks = Clocks()
    for jump in (YEAR, 2 * YEAR, HOUR) * 20:
        clocks.wall += jump
        assert clocks.wait(50 * MINUTE) < NOON + 60 * HOUR
        clocks.wall -= jump
        assert clocks.wait(MINUTE) == clocks.wall


def test_a_jump_back_counts_at_once_and_the_way_forward_when_it_has_lasted() -> None:
    clocks = Clocks()
    clocks.wall -= YEAR
    assert clocks.wait(MINUTE) == clocks.wall
    clocks.wall += YEAR
    assert clocks.wait(30 * MINUTE) < NOON - YEAR + HOUR
    assert clocks.wait(32 * MINUTE) == clocks.wall


def test_a_suspended_machine_has_not_jumped() -> None:
    clocks = Clocks()
    assert clocks.wait(100 * HOUR, every=100 * HOUR) == clocks.wall


def test_small_corrections_count_at_once() -> None:
    clocks = Clocks()
    for _ in range(100):
        clocks.wall += LEAP_S * 1_000_000
        assert clocks.wait(MINUTE) == clocks.wall


def test_a_start_with_a_wrong_clock_trusts_the_newest_record_first() -> None:
    clocks = Clocks(seen=NOON - YEAR)
    assert clocks.settled() == NOON - YEAR
    assert clocks.wait(62 * MINUTE) == clocks.wall
    assert Clocks(seen=NOON + YEAR).settled() == NOON
    assert Clocks(seen=NOON - MINUTE).settled() == NOON


async def test_a_clock_that_is_a_year_ahead_for_a_minute_forgets_nothing(
    server: ApiServer, journal: SqliteJournal, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offload.jobs.housekeeping.INTERVAL_S", 0.01)
    steady, looks = 0, 0

    def looking() -> int:
        nonlocal looks
        looks += 1
        return settled()

    settled = SettledClock(clock=clock, steady=lambda: steady)
    job_id = (await submit(server, 1, **{"Idempotency-Key": "k"}))["id"]
    await server.engine.end(job_id)
    await ended(server, job_id)
    state, uploads = server.state, UploadDirectory(server.uploads_dir)
    upload = (await server.client.post("/uploads", content=b"x")).json()["id"]
    retention = Retention(jobs_s=7200, keys_s=86400)
    work = asyncio.create_task(delete_expired(journal, uploads, state.service, state.dispatcher, looking, retention))

    async def gone() -> bool:
        return await listed(server) == [] and await uploads.get(upload) is None

    try:
        clock.now += YEAR
        for _ in range(2):
            seen = looks
            await until(lambda seen=seen: looks > seen + 2, what="retention to look")  # type: ignore[misc]
            assert await listed(server) == [job_id]
            assert await uploads.get(upload)
            steady += 30 * MINUTE
            clock.now += 30 * MINUTE
        await until(gone, what="retention to take both after an hour")
    finally:
        work.cancel()
        await asyncio.wait([work])
