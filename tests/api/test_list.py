"""`GET /jobs`: filters, pages and cursors."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.support.api_server import ApiServer
from tests.support.problems import problem

pytestmark = pytest.mark.anyio


async def listed(server: ApiServer, query: str = "") -> list[str]:
    """The ids on a page."""
    answer = await server.client.get(f"/jobs?{query}")
    assert answer.status_code == 200, answer.text
    return [job["id"] for job in answer.json()["jobs"]]


async def submitted(server: ApiServer, query: str = "", n: int = 1) -> dict[str, Any]:
    """A new job."""
    job: dict[str, Any] = (await server.client.post(f"/jobs/fibonacci?{query}", json={"n": n})).json()
    return job


async def test_newest_first_in_pages(server: ApiServer) -> None:
    ids = [(await submitted(server))["id"] for _ in range(7)]
    seen, query = [], "limit=3"
    while True:
        page = (await server.client.get(f"/jobs?{query}")).json()
        seen.append([job["id"] for job in page["jobs"]])
        if page["next"] is None:
            break
        query = f"limit=3&cursor={page['next']}"
    assert [job_id for page in seen for job_id in page] == ids[::-1]
    assert [len(page) for page in seen] == [3, 3, 1]


async def test_a_page_shows_jobs_as_polls_do(server: ApiServer) -> None:
    job = await submitted(server, "label=a")
    await server.engine.end(job["id"])
    polled = (await server.client.get(f"/jobs/{job['id']}?wait=60")).json()
    page = await server.client.get("/jobs")
    assert page.json() == {"jobs": [polled], "next": None}
    assert page.headers["cache-control"] == "no-store"


async def test_filters(server: ApiServer) -> None:
    (server.files_dir / "f").write_bytes(b"x")
    done = await submitted(server, "label=a&label=b")
    await server.engine.end(done["id"])
    await server.client.get(f"/jobs/{done['id']}?wait=60")
    running = await submitted(server, "label=b")
    await server.engine.running(running["id"])
    queued = (await server.client.post("/jobs/file-digest", json={"path": "f"})).json()
    everything = [queued["id"], running["id"], done["id"]]
    assert await listed(server) == everything
    assert await listed(server, "state=succeeded") == [done["id"]]
    assert await listed(server, "state=succeeded&state=queued") == [queued["id"], done["id"]]
    assert await listed(server, "task=file-digest") == [queued["id"]]
    assert await listed(server, "task=nothing") == []
    assert await listed(server, "label=b") == [running["id"], done["id"]]
    assert await listed(server, "label=b&state=running") == [running["id"]]
    assert await listed(server, "batch=none") == []
    assert await listed(server, f"created_after={done['created_at']}") == everything[:2]
    assert await listed(server, f"created_before={queued['created_at']}") == everything[1:]
    at = datetime.fromisoformat(done["created_at"]).astimezone(timezone(timedelta(hours=5, minutes=30)))
    for offset in ("+", "%2B"):
        moment = at.isoformat(timespec="microseconds").replace("+", offset)
        assert await listed(server, f"created_after={moment}") == everything[:2]


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        ("0001-01-01T00:00:00+14:00", True),
        ("2000-01-01t00:00:00.5z", True),
        ("9999-12-31T23:59:59.999999999-14:00", False),
    ],
)
async def test_any_time_can_be_compared_with(server: ApiServer, moment: str, found: bool) -> None:
    job = await submitted(server)
    assert await listed(server, f"created_after={moment}") == ([job["id"]] if found else [])


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("limit=0", "greater than or equal to 1"),
        ("limit=1001", "less than or equal to 1000"),
        ("limit=x", "whole number"),
        ("state=done", "'queued', 'running', 'succeeded', 'failed' or 'cancelled'"),
        ("created_after=2026-11-22T09:00:00", "such as 2026-11-22T09:00:00Z"),
        ("created_after=2026-11-22", "such as 2026-11-22T09:00:00Z"),
        ("created_after=1700000000", "such as 2026-11-22T09:00:00Z"),
        ("created_before=2026-02-30T09:00:00Z", "day"),
        ("created_before=0000-01-01T00:00:00Z", "year"),
        ("cursor=", "cursor"),
        ("cursor=1-", "cursor"),
        ("cursor=2-ff", "cursor"),
        ("cursor=1-ffffffffffffffff", "cursor"),
        ("cursor=1-ff%0A", "cursor"),
        ("colour=red", "valid names are"),
        ("label=a&label=b", "once"),
        ("limit=1&limit=2", "once"),
    ],
)
async def test_wrong_filters_are_named(server: ApiServer, query: str, says: str) -> None:
    told = problem(await server.client.get(f"/jobs?{query}"), 422, "invalid-parameters")
    assert told["errors"][0]["loc"][:2] == ["query", query.partition("=")[0]]
    assert says in told["errors"][0]["msg"]
