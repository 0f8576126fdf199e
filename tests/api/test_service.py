"""`/tasks`, `/stats` and `/health`."""

import asyncio
from pathlib import Path
from typing import NoReturn

import pytest

from offload.api.operations import health as service
from tests.support.api_server import ApiServer, api_server
from tests.support.problems import problem

pytestmark = pytest.mark.anyio


async def test_tasks_tell_what_goes_in_and_comes_out(server: ApiServer) -> None:
    tasks = (await server.client.get("/tasks")).json()["tasks"]
    assert [task["name"] for task in tasks] == ["fibonacci", "file-digest"]
    for task in tasks:
        assert list(task) == ["name", "summary", "description", "params", "result", "limits", "example"]
        assert task["limits"] == {"timeout_s": 300, "memory_mb": 1024, "max_attempts": 2}
        assert task["params"]["additionalProperties"] is False
        assert "properties" in task["result"]
        assert (await server.client.get(f"/tasks/{task['name']}")).json() == task


async def test_an_unknown_task_is_told_which_there_are(server: ApiServer) -> None:
    detail = problem(await server.client.get("/tasks/fibbonacci"), 404, "task-not-found")["detail"]
    assert "Did you mean 'fibonacci'?" in detail


async def test_statistics(server: ApiServer) -> None:
    done = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()["id"]
    await server.engine.end(done)
    await server.client.get(f"/jobs/{done}?wait=60")
    running = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()["id"]
    await server.engine.running(running)
    for priority in (5, 0, 0):
        await server.client.post(f"/jobs/fibonacci?priority={priority}", json={"n": 1})
    answer = await server.client.get("/stats")
    told = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert told["lanes"] == [{"state": "busy", "pid": None, "job": running, "busy_s": 0.0, "problem": None}]
    assert told["queue"] == {
        "size": 3,
        "limit": 100_000,
        "waiting": [{"owner": None, "priority": 5, "jobs": 1}, {"owner": None, "priority": 0, "jobs": 2}],
    }
    assert told["tasks"]["fibonacci"]["succeeded"] == 1
    assert told["tasks"]["fibonacci"]["run_s_p50"] == 0.25


async def test_alive_and_ready(server: ApiServer) -> None:
    for path, status in (("/health/live", "live"), ("/health/ready", "ready")):
        answer = await server.client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": status})
        assert answer.headers["cache-control"] == "no-store"


async def test_not_ready_names_the_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def wrong() -> str:
        return "It is on fire."

    async def silent() -> NoReturn:
        await asyncio.Event().wait()
        raise AssertionError

    async def broken() -> NoReturn:
        raise OSError("gone")

    monkeypatch.setattr(service, "CHECK_S", 0.01)
    async with api_server(tmp_path, checks={"board": wrong, "lanes": silent, "disk": broken}) as server:
        answer = await server.client.get("/health/ready")
        assert (await server.client.get("/health/live")).status_code == 200
    told = problem(answer, 503, "not-ready")
    assert answer.headers["retry-after"] == "1"
    assert set(told["parts"]) == {"board", "lanes", "disk"}
    assert told["parts"]["board"] == "It is on fire."
    assert "gone" in told["parts"]["disk"]
