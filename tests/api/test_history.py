"""`GET /stats/history`: what ended in each of the last minutes."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from offload.jobs.history import FRESH, KEPT, MINUTE, OVER, History
from offload.jobs.interfaces import EndedJobs
from tests.support.api_server import ApiServer, api_server
from tests.support.journals import a_job, ended
from tests.support.keys import ALICE, BOB, ENTRIES, ROOT, bearer
from tests.support.memory_journal import MemoryJournal
from tests.support.problems import problem

pytestmark = pytest.mark.anyio


class CountingJournal(MemoryJournal):
    """Counts what it is asked for."""

    asked = 0

    async def ended_between(self, owner: str | None, begin: int, end: int, sample: int) -> EndedJobs:
        self.asked += 1
        return await super().ended_between(owner, begin, end, sample)


@dataclass
class Clock:
    """Stands still."""

    now: int

    def __call__(self) -> int:
        return self.now


async def add_ended(journal: MemoryJournal, name: str, at: int, owner: str | None = None) -> None:
    """A job that succeeded at this time."""
    job = a_job(name, created_at=at, owner=owner)
    await journal.add([job])
    assert await journal.replace(ended(job, at), job.key, job.state)


async def succeeded(server: ApiServer, headers: dict[str, str] | None = None) -> dict[str, Any]:
    job: dict[str, Any] = (await server.client.post("/jobs/fibonacci", json={"n": 1}, headers=headers)).json()
    await server.engine.end(job["id"])
    return (await server.client.get(f"/jobs/{job['id']}?wait=10", headers=headers)).json()  # type: ignore[no-any-return]


async def test_an_hour_is_sixty_whole_minutes_up_to_the_present_one(server: ApiServer) -> None:
    job = await succeeded(server)
    history = (await server.client.get("/stats/history")).json()
    assert history["step_s"] == 60
    assert len(history["points"]) == 60
    assert history["from"] == history["points"][0]["at"]
    assert all(point["at"].endswith(":00.000000Z") for point in history["points"])
    told = [point for point in history["points"] if point["succeeded"]]
    assert len(told) == 1
    assert told[0]["at"][:16] == job["finished_at"][:16]
    assert (told[0]["succeeded"], told[0]["failed"], told[0]["cancelled"]) == (1, 0, 0)
    assert told[0]["run_s_p50"] == told[0]["run_s_p95"] == job["usage"]["wall_s"]
    assert told[0]["wait_s_p50"] >= 0
    assert history["points"][0]["run_s_p50"] is None


@pytest.mark.parametrize("query", ["minutes=0", "minutes=1441", "minutes=x", "minutes=1&minutes=2", "hours=1"])
async def test_what_is_no_number_of_minutes_is_refused(server: ApiServer, query: str) -> None:
    problem(await server.client.get(f"/stats/history?{query}"), 422, "invalid-parameters")


@pytest.mark.parametrize("minutes", [1, 1440])
async def test_as_many_minutes_as_were_asked_for(server: ApiServer, minutes: int) -> None:
    history = (await server.client.get(f"/stats/history?minutes={minutes}")).json()
    assert len(history["points"]) == minutes


async def test_owners_see_their_own_and_admins_all(tmp_path: Path) -> None:
    async with api_server(tmp_path, api_keys=ENTRIES) as server:
        await succeeded(server, bearer(ALICE))
        await succeeded(server, bearer(ALICE))
        await succeeded(server, bearer(BOB))
        for key, number in ((ALICE, 2), (BOB, 1), (ROOT, 3)):
            points = (await server.client.get("/stats/history?minutes=2", headers=bearer(key))).json()["points"]
            assert sum(point["succeeded"] for point in points) == number


async def test_minutes_that_are_over_are_counted_once() -> None:
    journal, clock = CountingJournal(), Clock(100 * MINUTE + OVER)
    history = History(journal, clock)
    await add_ended(journal, "a", 99 * MINUTE)
    first = await history.last(None, 60)
    assert journal.asked == 60
    assert [minute.succeeded for minute in first][-3:] == [0, 1, 0]
    await add_ended(journal, "late", 99 * MINUTE)
    await add_ended(journal, "b", 100 * MINUTE)
    clock.now += FRESH
    second = await history.last(None, 60)
    assert journal.asked == 61, "only the present one is asked for again"
    assert [minute.succeeded for minute in second][-3:] == [0, 1, 1]


async def test_a_minute_that_is_just_over_is_counted_again() -> None:
    journal, clock = CountingJournal(), Clock(100 * MINUTE + OVER - FRESH - 1)
    history = History(journal, clock)
    await history.last(None, 2)
    await add_ended(journal, "late", 100 * MINUTE - 1)
    clock.now += FRESH
    assert [minute.succeeded for minute in await history.last(None, 2)] == [1, 0]
    assert journal.asked == 4


async def test_a_clock_that_was_ahead_hides_nothing() -> None:
    journal, clock = CountingJournal(), Clock(160 * MINUTE)
    history = History(journal, clock)
    await history.last(None, 60)
    clock.now = 110 * MINUTE
    await add_ended(journal, "a", 105 * MINUTE)
    assert sum(minute.succeeded for minute in await history.last(None, 60)) == 1


async def test_however_many_ask_the_journal_is_asked_once() -> None:
    journal, clock = CountingJournal(), Clock(100 * MINUTE)
    history = History(journal, clock)
    await asyncio.gather(*(history.last(None, 10) for _ in range(20)))
    assert journal.asked == 10
    clock.now -= 1  # as clocks do
    await history.last(None, 10)
    assert journal.asked > 10


async def test_no_more_is_kept_than_there_is_room_for() -> None:
    journal = CountingJournal()
    history = History(journal, Clock(10_000 * MINUTE))
    for owner in range(KEPT // 1440 + 2):
        await history.last(f"owner-{owner}", 1440)
    assert len(history._kept) <= KEPT
