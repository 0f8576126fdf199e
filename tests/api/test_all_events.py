"""`GET /events`: every change of every job that the caller may see."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from offload.api.jobs import responses as answers
from offload.api.operations import events as all_events
from offload.api.operations.events import MAX_JOBS
from offload.jobs.changes import feed
from offload.jobs.changes.log import ChangeLog
from offload.jobs.model import Progress
from tests.support.api_server import ApiServer, served
from tests.support.keys import ALICE, BOB, ROOT, bearer
from tests.support.scripted_engine import ScriptedEngine
from tests.support.streams import Stream, following
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def server_at(directory: Path, slots: int = 1) -> AsyncIterator[tuple[ApiServer, str]]:
    async with served(directory, engine=ScriptedEngine(slots=slots)) as (server, port):
        yield server, f"http://127.0.0.1:{port}"


async def submitted(server: ApiServer) -> str:
    job_id: str = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()["id"]
    return job_id


async def opened(server: ApiServer, readers: int = 1) -> None:
    """Waits until so many read: what they are told begins there."""
    await until(lambda: server.state.service.feed._readers == readers, what=f"{readers} readers")


async def state_of(stream: Stream, job_id: str) -> str:
    """The state in the next event, which must be of this job."""
    job = await stream.job()
    assert job["id"] == job_id
    state: str = job["state"]
    return state


async def test_a_job_is_told_from_its_acceptance_to_its_end(tmp_path: Path) -> None:
    async with server_at(tmp_path) as (server, url), following(url, "/events") as stream:
        await opened(server)
        job_id = await submitted(server)
        await server.engine.running(job_id)
        states = [await state_of(stream, job_id)]
        while states[-1] != "running":
            states.append(await state_of(stream, job_id))
        assert states in (["running"], ["queued", "running"])
        await server.engine.report(job_id, Progress(done=1, total=2))
        assert (await stream.job())["progress"]["done"] == 1
        await server.engine.end(job_id)
        job = await stream.job()
        assert job == (await server.client.get(f"/jobs/{job_id}")).json()
        assert job["state"] == "succeeded"


async def test_what_was_before_is_not_told(tmp_path: Path) -> None:
    async with server_at(tmp_path, slots=0) as (server, url):
        async with following(url, "/events") as stream:
            await opened(server)
            first = await submitted(server)
            assert await state_of(stream, first) == "queued"
        async with following(url, "/events") as stream:
            await opened(server)
            second = await submitted(server)
            assert await state_of(stream, second) == "queued"


async def test_who_comes_back_is_told_what_it_missed_and_nothing_twice(tmp_path: Path) -> None:
    async with server_at(tmp_path, slots=0) as (server, url):
        async with following(url, "/events") as stream:
            await opened(server)
            seen = await submitted(server)
            await state_of(stream, seen)
            last = stream.last_id
        assert last is not None
        missed = [await submitted(server) for _ in range(3)]
        await server.client.post(f"/jobs/{missed[0]}/cancel")
        async with following(url, "/events", **{"Last-Event-ID": last}) as stream:
            assert [(await stream.job())["id"] for _ in range(3)] == [*missed[1:], missed[0]]


async def test_who_was_cut_off_before_the_first_event_can_come_back(tmp_path: Path) -> None:
    async with server_at(tmp_path, slots=0) as (server, url):
        async with following(url, "/events") as stream:
            await opened(server)
            waiting = asyncio.create_task(stream.next())
            await until(lambda: stream.last_id, what="an id")
            waiting.cancel()
            last = stream.last_id
        missed = await submitted(server)
        async with following(url, "/events", **{"Last-Event-ID": str(last)}) as stream:
            assert await state_of(stream, missed) == "queued"


@pytest.mark.parametrize(
    "last", ["0-0", "nonsense", "ffffffff-12", "-", "{epoch}-x", "{epoch}-99999999", "{epoch}-" + "9" * 99]
)
async def test_who_comes_back_with_a_position_that_is_none_is_told_to_load_again(tmp_path: Path, last: str) -> None:
    async with server_at(tmp_path, slots=0) as (server, url):
        last = last.format(epoch=server.state.service.feed.epoch)
        async with following(url, "/events", **{"Last-Event-ID": last}) as stream:
            assert await stream.told("reset") == {}
            job_id = await submitted(server)
            assert await state_of(stream, job_id) == "queued"


async def test_who_missed_more_than_is_remembered_is_told_to_load_again(tmp_path: Path) -> None:
    async with server_at(tmp_path, slots=0) as (server, url):
        server.state.service.feed.log = ChangeLog(most=3)
        async with following(url, "/events") as stream:
            await opened(server)
            await state_of(stream, await submitted(server))
            last = stream.last_id
        jobs = [await submitted(server) for _ in range(3)]
        async with following(url, "/events", **{"Last-Event-ID": str(last)}) as stream:
            assert [(await stream.job())["id"] for _ in jobs] == jobs
        await submitted(server)
        async with following(url, "/events", **{"Last-Event-ID": str(last)}) as stream:
            assert await stream.told("reset") == {}


async def test_who_stays_away_for_long_is_told_to_load_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "KEPT_S", 0.0)
    async with server_at(tmp_path, slots=0) as (server, url):
        async with following(url, "/events") as stream:
            await opened(server)
            await state_of(stream, await submitted(server))
            last = stream.last_id
        await until(lambda: not server.state.service.feed.noting, what="nothing to be noted any more")
        assert len(server.state.service.feed.log) == 0
        async with following(url, "/events", **{"Last-Event-ID": str(last)}) as stream:
            assert await stream.told("reset") == {}


async def test_all_are_told_where_there_is_more_than_goes_into_one_piece(tmp_path: Path) -> None:
    number = 2 * MAX_JOBS + 1
    async with server_at(tmp_path, slots=0) as (server, url), following(url, "/events") as stream:
        await opened(server)
        members = [{"task": "fibonacci", "params": {"n": 1}}] * number
        await server.client.post("/batches", json={"jobs": members})
        assert len({(await stream.job())["id"] for _ in range(number)}) == number


async def test_a_job_that_is_forgotten_is_told(tmp_path: Path) -> None:
    async with server_at(tmp_path) as (server, url):
        job_id = await submitted(server)
        await server.engine.end(job_id)
        await server.client.get(f"/jobs/{job_id}?wait=10")
        jobs = [{"task": "fibonacci", "params": {"n": 1}}]
        batch = (await server.client.post("/batches", json={"jobs": jobs})).json()
        await server.client.post(f"/batches/{batch['id']}/cancel")
        (member,) = (await server.client.get(f"/jobs?batch={batch['id']}")).json()["jobs"]
        async with following(url, "/events") as stream:
            await opened(server)
            assert (await server.client.delete(f"/jobs/{job_id}")).status_code == 204
            assert await stream.told("deleted") == {"id": job_id}
            assert (await server.client.delete(f"/batches/{batch['id']}")).status_code == 204
            assert await stream.told("deleted") == {"id": member["id"]}


async def test_what_has_left_memory_is_told_from_the_journal(tmp_path: Path) -> None:
    async with server_at(tmp_path) as (server, url):
        async with following(url, "/events"):
            await opened(server)
        last = f"{server.state.service.feed.epoch}-0"
        job_id = await submitted(server)
        await server.engine.end(job_id)
        await server.client.get(f"/jobs/{job_id}?wait=10")
        server.state.service._recent.drop(job_id)
        async with following(url, "/events", **{"Last-Event-ID": last}) as stream:
            assert await state_of(stream, job_id) == "succeeded"


async def test_owners_are_told_of_their_own_and_admins_of_all(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"alice:{ALICE}\nbob:{BOB}\nroot:{ROOT}:admin\n")
    engine = ScriptedEngine(slots=0)
    async with served(tmp_path, engine=engine, api_keys_file=str(keys)) as (server, port):
        url = f"http://127.0.0.1:{port}"
        async with (
            httpx.AsyncClient(base_url=url, trust_env=False) as client,
            following(url, "/events", **bearer(ALICE)) as alice,
            following(url, "/events", **bearer(BOB)) as bob,
            following(url, "/events", **bearer(ROOT)) as root,
        ):
            await opened(server, 3)
            jobs = {
                key: (await client.post("/jobs/fibonacci", json={"n": 1}, headers=bearer(key))).json()["id"]
                for key in (ALICE, BOB)
            }
            assert await state_of(alice, jobs[ALICE]) == "queued"
            assert await state_of(bob, jobs[BOB]) == "queued"
            assert [await state_of(root, job_id) for job_id in jobs.values()] == ["queued"] * 2
            keys.write_text(f"bob:{BOB}\nroot:{ROOT}:admin\n")
            server.state.keyring.reload()
            await client.post(f"/jobs/{jobs[ALICE]}/cancel", headers=bearer(ROOT))
            await client.post(f"/jobs/{jobs[BOB]}/cancel", headers=bearer(BOB))
            assert await alice.next() is None, "who has no key any more is told nothing more"
            assert await state_of(bob, jobs[BOB]) == "cancelled"
            assert [await state_of(root, job_id) for job_id in jobs.values()] == ["cancelled"] * 2


async def test_a_key_that_is_taken_out_ends_its_streams_though_its_owner_has_another(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"alice:{ALICE}\nalice:{BOB}\n")
    async with served(tmp_path, engine=ScriptedEngine(slots=0), api_keys_file=str(keys)) as (server, port):
        url = f"http://127.0.0.1:{port}"
        async with (
            httpx.AsyncClient(base_url=url, trust_env=False, headers=bearer(BOB)) as client,
            following(url, "/events", **bearer(ALICE)) as before,
            following(url, "/events", **bearer(BOB)) as after,
        ):
            await opened(server, 2)
            job_id = (await client.post("/jobs/fibonacci", json={"n": 1})).json()["id"]
            assert [await state_of(one, job_id) for one in (before, after)] == ["queued"] * 2
            async with following(url, f"/jobs/{job_id}/events", **bearer(ALICE)) as of_job:
                assert (await of_job.job())["state"] == "queued"
                keys.write_text(f"alice:{BOB}\n")
                server.state.keyring.reload()
                await client.post(f"/jobs/{job_id}/cancel")
                assert await of_job.next() is None
            assert await before.next() is None
            assert await state_of(after, job_id) == "cancelled"


async def test_the_stream_ends_when_the_service_stops(tmp_path: Path) -> None:
    async with server_at(tmp_path) as (server, url), following(url, "/events") as stream:
        await opened(server)
        server.state.service.stop()
        assert await stream.next() is None


async def test_a_quiet_stream_is_kept_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offload.api.operations.events.QUIET_S", 0.01)
    async with (
        server_at(tmp_path) as (_, url),
        httpx.AsyncClient(trust_env=False) as client,
        client.stream("GET", f"{url}/events") as response,
    ):
        pings = 0
        async for line in response.aiter_lines():
            pings += line == ": ping"
            if pings == 3:
                break
        assert pings == 3, "the stream ended"


async def test_nothing_is_noted_where_nobody_has_listened(server: ApiServer) -> None:
    await submitted(server)
    assert server.state.service.feed.log.last == 0


async def test_readers_at_one_place_share_what_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    def counted(*arguments: object) -> bytes:
        made.append(arguments)
        return answers.job_bytes(*arguments)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(all_events, "job_bytes", counted)
    async with (
        server_at(tmp_path, slots=0) as (server, url),
        following(url, "/events") as one,
        following(url, "/events") as two,
    ):
        await opened(server, 2)
        job_id = await submitted(server)
        assert await state_of(one, job_id) == await state_of(two, job_id) == "queued"
    assert len(made) == 1


async def test_who_asks_for_the_head_alone_reads_nothing(tmp_path: Path) -> None:
    async with server_at(tmp_path) as (server, url), httpx.AsyncClient(trust_env=False) as client:
        assert (await client.head(f"{url}/events")).headers["content-type"].startswith("text/event-stream")
        await opened(server, 0)
