"""`POST /jobs/{id}/cancel` and `DELETE /jobs/{id}`."""

import pytest

from offload.jobs.model import Failed, Failure, FailureKind
from tests.support.front_desk import FrontDesk
from tests.support.problems import problem

pytestmark = pytest.mark.anyio


async def submitted(desk: FrontDesk) -> str:
    """The path of a new job."""
    path: str = (await desk.client.post("/jobs/fibonacci", json={"n": 1})).json()["links"]["self"]
    return path


async def test_a_queued_job_is_cancelled(full_desk: FrontDesk) -> None:
    path = await submitted(full_desk)
    answer = await full_desk.client.post(f"{path}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    again = await full_desk.client.post(f"{path}/cancel")
    assert (again.status_code, again.json()) == (200, answer.json())


async def test_a_running_job_is_cancelled(desk: FrontDesk) -> None:
    path = await submitted(desk)
    key = await desk.engine.running(path[6:])
    answer = await desk.client.post(f"{path}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert desk.engine.stopped == [key]


async def test_a_finished_job_is_not_cancelled(desk: FrontDesk) -> None:
    for outcome in (None, Failed(failure=Failure(kind=FailureKind.TASK_RAISED, detail="x"))):
        path = await submitted(desk)
        await desk.engine.end(path[6:], outcome)
        await desk.client.get(f"{path}?wait=60")
        problem(await desk.client.post(f"{path}/cancel"), 409, "job-finished")


async def test_a_finished_job_is_forgotten(desk: FrontDesk) -> None:
    path = await submitted(desk)
    await desk.engine.end(path[6:])
    await desk.client.get(f"{path}?wait=60")
    answer = await desk.client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    problem(await desk.client.get(path), 404, "job-not-found")
    problem(await desk.client.delete(path), 404, "job-not-found")


async def test_a_live_job_is_not_forgotten(desk: FrontDesk) -> None:
    running, queued = await submitted(desk), await submitted(desk)
    for path in (running, queued):
        problem(await desk.client.delete(path), 409, "job-live")
