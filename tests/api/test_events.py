"""`GET /jobs/{id}/events`: every change once, in order, up to the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from offload.jobs.model import Lost, Progress
from tests.support.api_server import ApiServer, served
from tests.support.keys import ALICE, BOB, bearer
from tests.support.problems import problem
from tests.support.streams import following
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def server_at(directory: Path) -> AsyncIterator[tuple[ApiServer, str]]:
    async with served(directory) as (server, port):
        yield server, f"http://127.0.0.1:{port}"


async def submitted(server: ApiServer) -> str:
    job_id: str = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()["id"]
    return job_id


async def test_a_job_is_followed_to_its_end(tmp_path: Path) -> None:
    async with server_at(tmp_path) as (server, url):
        first, second = await submitted(server), await submitted(server)
        await server.engine.running(first)
        async with following(url, f"/jobs/{second}/events") as stream:
            assert (await stream.job())["state"] == "queued"
            await server.engine.end(first)
            await server.engine.running(second)
            assert (await stream.job())["state"] == "running"
            await server.engine.report(second, Progress(done=1, total=2))
            assert (await stream.job())["progress"]["done"] == 1
            await server.engine.end(second)
            job = await stream.job()
            assert (job["state"], job["result"]) == ("succeeded", 1)
            assert await stream.next() is None


async def test_a_finished_job_is_one_event(tmp_path: Path) -> None:
    async with server_at(tmp_path) as (server, url):
        job_id = await submitted(server)
        await server.engine.end(job_id)
        await server.client.get(f"/jobs/{job_id}?wait=10")
        async with following(url, f"/jobs/{job_id}/events") as stream:
            event = await stream.next()
            assert event is not None
            assert await stream.next() is None
        async with following(url, f"/jobs/{job_id}/events", **{"Last-Event-ID": event["id"]}) as stream:
            assert await stream.next() is None, "it had seen all there is"


async def test_who_comes_back_is_told_what_is_new(tmp_path: Path) -> None:
    async with server_at(tmp_path) as (server, url):
        job_id = await submitted(server)
        await server.engine.running(job_id)
        async with following(url, f"/jobs/{job_id}/events") as stream:
            event = await stream.next()
            assert event is not None
        async with following(url, f"/jobs/{job_id}/events", **{"Last-Event-ID": event["id"]}) as stream:
            await server.engine.end(job_id, Lost(detail="died"))
            job = await stream.job()
            assert (job["state"], job["attempt"]) in {("queued", 1), ("running", 2)}


async def test_what_a_job_uses_is_no_news(tmp_path: Path) -> None:
    async with server_at(tmp_path) as (server, url):
        job_id = await submitted(server)
        await server.engine.running(job_id)
        async with following(url, f"/jobs/{job_id}/events") as stream:
            assert (await stream.job())["state"] == "running"
            await server.engine.report(job_id, Progress())
            await server.engine.end(job_id)
            assert (await stream.job())["state"] == "succeeded"


async def test_streams_end_when_the_service_stops(tmp_path: Path) -> None:
    async with server_at(tmp_path) as (server, url):
        job_id = await submitted(server)
        async with following(url, f"/jobs/{job_id}/events") as stream:
            await stream.job()
            server.state.service.stop()
            while await stream.next() is not None:
                pass


async def test_a_follower_who_leaves_is_forgotten(tmp_path: Path) -> None:
    async with server_at(tmp_path) as (server, url):
        job_id = await submitted(server)
        async with following(url, f"/jobs/{job_id}/events") as stream:
            await stream.job()
            assert server.state.service._changes._watchers
        await until(lambda: not server.state.service._changes._watchers, what="nobody to watch")


async def test_an_unknown_job_has_no_events(server: ApiServer) -> None:
    problem(await server.client.get("/jobs/nope/events"), 404, "job-not-found")


async def test_who_has_no_key_any_more_is_told_nothing_more(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"alice:{ALICE}\nbob:{BOB}\n")
    async with served(tmp_path, api_keys_file=str(keys)) as (server, port):
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, trust_env=False, headers=bearer(ALICE)) as client:
            job = (await client.post("/jobs/fibonacci", json={"n": 1})).json()["id"]
        async with following(url, f"/jobs/{job}/events", **bearer(ALICE)) as stream:
            while (await stream.job())["state"] != "running":
                pass
            keys.write_text(f"bob:{BOB}\n")
            server.state.keyring.reload()
            await server.engine.end(job)
            assert await stream.next() is None
