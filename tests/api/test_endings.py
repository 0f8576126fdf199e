"""`POST /jobs/{id}/cancel` and `DELETE /jobs/{id}`."""

import pytest

from offload.jobs.model import Failed, Failure, FailureKind
from tests.support.api_server import ApiServer
from tests.support.problems import problem

pytestmark = pytest.mark.anyio


async def submitted(server: ApiServer) -> str:
    """The path of a new job."""
    path: str = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()["links"]["self"]
    return path


async def test_a_queued_job_is_cancelled(full_server: ApiServer) -> None:
    path = await submitted(full_server)
    answer = await full_server.client.post(f"{path}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    again = await full_server.client.post(f"{path}/cancel")
    assert (again.status_code, again.json()) == (200, answer.json())


async def test_a_running_job_is_cancelled(server: ApiServer) -> None:
    path = await submitted(server)
    key = await server.engine.running(path[6:])
    answer = await server.client.post(f"{path}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert server.engine.stopped == [key]


async def test_a_finished_job_is_not_cancelled(server: ApiServer) -> None:
    for outcome in (None, Failed(failure=Failure(kind=FailureKind.TASK_RAISED, detail="x"))):
        path = await submitted(server)
        await server.engine.end(path[6:], outcome)
        await server.client.get(f"{path}?wait=60")
        problem(await server.client.post(f"{path}/cancel"), 409, "job-finished")


async def test_a_finished_job_is_forgotten(server: ApiServer) -> None:
    path = await submitted(server)
    await server.engine.end(path[6:])
    await server.client.get(f"{path}?wait=60")
    answer = await server.client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    problem(await server.client.get(path), 404, "job-not-found")
    problem(await server.client.delete(path), 404, "job-not-found")


async def test_a_live_job_is_not_forgotten(server: ApiServer) -> None:
    running, queued = await submitted(server), await submitted(server)
    for path in (running, queued):
        problem(await server.client.delete(path), 409, "job-live")
