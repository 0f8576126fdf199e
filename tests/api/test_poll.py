"""`GET /jobs/{id}`: the job as it is, asked for again and again, or waited for."""

import asyncio

import pytest

from offload.jobs.model import Done, Failed, Failure, FailureKind, Progress, Usage
from tests.support.api_server import ApiServer
from tests.support.problems import problem
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


async def submitted(server: ApiServer) -> str:
    """The path of a new job."""
    path: str = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()["links"]["self"]
    return path


async def test_a_running_job_shows_what_it_does(server: ApiServer) -> None:
    path = await submitted(server)
    usage = Usage(wall_s=99, cpu_s=1.5, peak_rss_bytes=1 << 20)
    await server.engine.report(path[6:], Progress(done=2, total=8, unit="bytes", note="half", usage=usage))
    answer = await server.client.get(path)
    job = answer.json()
    assert answer.headers["retry-after"] == "1"
    assert (job["state"], job["attempt"], job["position"]) == ("running", 1, None)
    assert job["progress"] == {"done": 2, "total": 8, "fraction": 0.25, "unit": "bytes", "note": "half"}
    assert (job["usage"]["cpu_s"], job["usage"]["peak_rss_bytes"]) == (1.5, 1 << 20)
    assert 0 <= job["usage"]["wall_s"] < 99, "counted from the start of the attempt, here"


async def test_a_succeeded_job_shows_its_result(server: ApiServer) -> None:
    path = await submitted(server)
    await server.engine.end(path[6:], Done(result=b'{"x":[1]}', result_bytes=9, usage=Usage(wall_s=0.5)))
    answer = await server.client.get(f"{path}?wait=60")
    job = answer.json()
    assert "retry-after" not in answer.headers
    assert (job["state"], job["result"], job["result_bytes"]) == ("succeeded", {"x": [1]}, 9)
    assert job["usage"] == {"wall_s": 0.5, "cpu_s": None, "peak_rss_bytes": None}
    assert job["finished_at"] >= job["started_at"] >= job["created_at"]


async def test_a_failed_job_says_why(server: ApiServer) -> None:
    path = await submitted(server)
    failure = Failure(kind=FailureKind.WORKER_DIED, detail="it died \udc80", exit_code=-9, signal="SIGKILL")
    await server.engine.end(path[6:], Failed(failure=failure))
    answer = await server.client.get(f"{path}?wait=60")
    assert answer.status_code == 200
    assert answer.json()["error"] == {
        "type": "/problems/worker-died",
        "title": "The worker process died",
        "detail": "it died \udc80",
        "attempt": 1,
        "exit_code": -9,
        "signal": "SIGKILL",
    }


async def test_what_has_not_changed_is_not_sent_again(server: ApiServer) -> None:
    path = await submitted(server)
    await server.engine.end(path[6:])
    answer = await server.client.get(f"{path}?wait=60")
    tag = answer.headers["etag"]
    for none_match in (tag, "*", f'"other", {tag}', f"W/{tag}"):
        again = await server.client.get(path, headers={"If-None-Match": none_match})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await server.client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_the_tag_changes_with_the_job(full_server: ApiServer) -> None:
    path = await submitted(full_server)
    queued = await full_server.client.get(path)
    await full_server.client.post(f"{path}/cancel")
    again = await full_server.client.get(path, headers={"If-None-Match": queued.headers["etag"]})
    assert (again.status_code, again.json()["state"]) == (200, "cancelled")


async def test_waiting_ends_with_the_job(server: ApiServer) -> None:
    path = await submitted(server)
    waiting = asyncio.create_task(server.client.get(f"{path}?wait=60"))
    await server.engine.end(path[6:])
    assert (await waiting).json()["state"] == "succeeded"


async def test_waiting_ends_when_the_service_stops(full_server: ApiServer) -> None:
    path = await submitted(full_server)
    waiting = asyncio.create_task(full_server.client.get(f"{path}?wait=60"))
    await until(lambda: path[6:] in full_server.state.service._changes._watchers, what="somebody to wait")
    full_server.state.service.stop()
    assert (await waiting).json()["state"] == "queued"


@pytest.mark.parametrize("query", ["wait=-1", "wait=x", "wait=1.5", "wait=", "wait=1&wait=2", "wiat=1"])
async def test_a_wrong_wait_is_refused(full_server: ApiServer, query: str) -> None:
    path = await submitted(full_server)
    problem(await full_server.client.get(f"{path}?{query}"), 422, "invalid-parameters")


async def test_head_is_get_without_the_body(full_server: ApiServer) -> None:
    path = await submitted(full_server)
    get, head = await full_server.client.get(path), await full_server.client.head(path)
    assert head.status_code == 200
    assert head.headers == get.headers


@pytest.mark.parametrize("job_id", ["nothing", "01a20519-2c58-7333-af30-0b21ef40a7b8", "%00", "a%20b", "x" * 5000])
async def test_an_unknown_job_is_not_found(server: ApiServer, job_id: str) -> None:
    for method, path in (("GET", ""), ("GET", "/result"), ("POST", "/cancel"), ("DELETE", "")):
        problem(await server.client.request(method, f"/jobs/{job_id}{path}"), 404, "job-not-found")
