"""Batches over HTTP: counted, given back in order, cancelled, forgotten."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from offload.errors import StorageFullError
from offload.jobs.model import AttemptKey, Done, Failed, Failure, FailureKind, Progress
from tests.support.api_server import ApiServer, api_server
from tests.support.batches import done, fib, members, posted, results
from tests.support.keys import ALICE, BOB, bearer
from tests.support.problems import problem
from tests.support.scripted_engine import USAGE, ScriptedEngine
from tests.support.waiting import until

pytestmark = pytest.mark.anyio


# ---- on its way -----------------------------------------------------------------------------------------------------


async def test_the_dearest_is_started_first(tmp_path: Path) -> None:
    engine = ScriptedEngine(slots=2)
    async with api_server(tmp_path, engine=engine) as server:
        jobs = [{"task": "fibonacci", "params": {"n": n, "algorithm": "recursive"}} for n in (30, 32, 34, 36)]
        batch = await posted(server, [*jobs, fib(5, priority=1), fib(6, priority=1)])
        assert batch["size"] == 6
        for _ in range(5):
            await engine.end((await engine.running_now(2))[0].job_id)
        await engine.running_now(1)
        assert [json.loads(assignment.params)["n"] for assignment in engine.started] == [6, 5, 36, 34, 32, 30]


async def test_a_batch_counts_and_tells_how_far_it_is(tmp_path: Path) -> None:
    engine = ScriptedEngine(slots=2)
    async with api_server(tmp_path, engine=engine) as server:
        batch = await posted(server, [fib(4), fib(3), fib(2), fib(1)])
        jobs = await members(server, batch)
        await engine.report(jobs[0]["id"], Progress(done=1, total=2))
        await engine.running(jobs[1]["id"])
        found = (await server.client.get(batch["links"]["self"])).json()
        assert found["counts"] == {"queued": 2, "running": 2, "succeeded": 0, "failed": 0, "cancelled": 0}
        assert found["progress"] == {"done": 0, "total": 4, "fraction": 0.125, "unit": "jobs", "note": None}
        await engine.end(jobs[1]["id"], Failed(failure=Failure(kind=FailureKind.TASK_RAISED, detail="no")))
        await engine.running(jobs[2]["id"])
        found = (await server.client.get(batch["links"]["self"])).json()
        assert found["counts"] == {"queued": 1, "running": 2, "succeeded": 0, "failed": 1, "cancelled": 0}
        assert (found["progress"]["done"], found["progress"]["fraction"]) == (1, 0.375)
        for number in (0, 2, 3):
            await engine.end(jobs[number]["id"])
        found = await done(server, batch)
        assert found["counts"] == {"queued": 0, "running": 0, "succeeded": 3, "failed": 1, "cancelled": 0}
        assert found["progress"] == {"done": 4, "total": 4, "fraction": 1.0, "unit": "jobs", "note": None}
        assert found["finished_at"] is not None


async def test_a_poll_is_answered_not_modified_while_nothing_changes(server: ApiServer) -> None:
    batch = await posted(server, [fib(1)])
    job = (await members(server, batch))[0]["id"]
    await server.engine.running(job)
    first = await server.client.get(batch["links"]["self"])
    assert first.headers["retry-after"] == "1"
    again = await server.client.get(batch["links"]["self"], headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await server.engine.end(job)
    await done(server, batch)
    last = await server.client.get(batch["links"]["self"], headers={"If-None-Match": first.headers["etag"]})
    assert last.status_code == 200
    assert "retry-after" not in last.headers


async def test_who_prefers_to_wait_gets_the_batch_when_it_is_done(server: ApiServer) -> None:
    headers = {"Prefer": "wait=60"}
    waiting = asyncio.create_task(server.client.post("/batches", json={"jobs": [fib(1), fib(2)]}, headers=headers))
    for _ in range(2):
        (key,) = await server.engine.running_now(1)
        await server.engine.end(key.job_id)
    answer = await waiting
    assert (answer.status_code, answer.json()["done"]) == (200, True)
    assert answer.headers["preference-applied"] == "wait=60"


async def test_who_waits_in_vain_gets_it_as_it_is(idle_server: ApiServer) -> None:
    answer = await idle_server.client.post("/batches", json={"jobs": [fib(1)]}, headers={"Prefer": "wait=0"})
    assert (answer.status_code, answer.json()["done"]) == (202, False)


async def test_events_tell_every_change_until_it_is_done(server: ApiServer) -> None:
    batch = await posted(server, [fib(2), fib(1)])
    jobs = await members(server, batch)
    following = asyncio.create_task(server.client.get(batch["links"]["events"]))
    for job in jobs:
        await server.engine.end(job["id"])
    answer = await following
    events = [event for event in answer.text.split("\n\n") if event.startswith("event: batch")]
    told = [json.loads(line[6:]) for event in events for line in event.splitlines() if line.startswith("data: ")]
    assert [one["id"] for one in told] == [batch["id"]] * len(told)
    assert told[-1] == await done(server, batch)
    assert [one["progress"]["done"] for one in told] == sorted(one["progress"]["done"] for one in told)
    last = next(line[4:] for line in events[-1].splitlines() if line.startswith("id: "))
    again = await server.client.get(batch["links"]["events"], headers={"Last-Event-ID": last})
    assert "event: batch" not in again.text


async def test_who_has_no_key_any_more_is_told_nothing_more(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"alice:{ALICE}\nbob:{BOB}\n")
    async with api_server(tmp_path, api_keys_file=str(keys)) as server:
        answer = await server.client.post("/batches", json={"jobs": [fib(1)]}, headers=bearer(ALICE))
        batch = answer.json()
        following = asyncio.create_task(server.client.get(batch["links"]["events"], headers=bearer(ALICE)))
        await until(lambda: server.state.batches.changes._watchers.get(batch["id"]), what="somebody to watch")
        keys.write_text(f"bob:{BOB}\n")
        server.state.keyring.reload()
        (key,) = await server.engine.running_now(1)
        await server.engine.end(key.job_id)
        assert '"done":true' not in (await following).text


# ---- results --------------------------------------------------------------------------------------------------------


def leave_result(server: ApiServer, key: AttemptKey, content: bytes) -> Done:
    """Writes a result file as a lane does."""
    server.results.path(key).write_bytes(content)
    return Done(result=None, result_bytes=len(content), usage=USAGE)


async def test_results_come_in_the_order_of_submission_small_and_large(tmp_path: Path) -> None:
    engine = ScriptedEngine(slots=4)
    async with api_server(tmp_path, engine=engine) as server:
        batch = await posted(server, [fib(n) for n in (1, 2, 3, 4, 5)])
        jobs = await members(server, batch)
        large = json.dumps("é" * 3_000_000, ensure_ascii=False).encode()
        keys = [await engine.running(job["id"]) for job in jobs[1:]]
        await engine.end(jobs[1]["id"], leave_result(server, keys[0], large))
        failure = Failure(kind=FailureKind.TASK_RAISED, detail="no \ud800")
        await engine.end(jobs[2]["id"], Failed(failure=failure))
        await engine.running(jobs[0]["id"])
        lines = await results(server, batch)
        assert [line["index"] for line in lines] == [0, 1, 2, 3, 4]
        assert [line["id"] for line in lines] == [job["id"] for job in jobs]
        assert [line["state"] for line in lines] == ["running", "succeeded", "failed", "running", "running"]
        assert [line["result"] for line in lines] == [None, "é" * 3_000_000, None, None, None]
        assert lines[1]["result_bytes"] == len(large)
        assert lines[2]["error"]["type"] == "/problems/task-raised"
        assert set(lines[0]) == {"index", "id", "task", "state", "result", "result_bytes", "error"}


async def test_a_result_that_is_lost_is_told_in_its_line(server: ApiServer) -> None:
    batch = await posted(server, [fib(2), fib(1)])
    jobs = await members(server, batch)
    key = await server.engine.running(jobs[0]["id"])
    await server.engine.end(jobs[0]["id"], leave_result(server, key, b'"x"'))
    await server.engine.end(jobs[1]["id"])
    await done(server, batch)
    server.results.path(key).unlink()
    first, second = await results(server, batch)
    assert (first["state"], first["result"]) == ("succeeded", None)
    assert first["error"]["type"] == "/problems/internal-error"
    assert (second["result"], second["error"]) == (1, None)


async def test_a_deleted_member_is_left_out_and_no_longer_counted(server: ApiServer) -> None:
    batch = await posted(server, [fib(3), fib(2), fib(1)])
    jobs = await members(server, batch)
    for job in jobs:
        await server.engine.end(job["id"])
    await done(server, batch)
    assert (await server.client.delete(f"/jobs/{jobs[1]['id']}")).status_code == 204
    assert [line["index"] for line in await results(server, batch)] == [0, 2]
    found = await done(server, batch)
    assert (found["size"], found["counts"]["succeeded"], found["progress"]["fraction"]) == (3, 2, 1.0)


# ---- the end --------------------------------------------------------------------------------------------------------


async def test_cancel_takes_queued_and_running_members(tmp_path: Path) -> None:
    engine = ScriptedEngine(slots=2)
    async with api_server(tmp_path, engine=engine) as server:
        batch = await posted(server, [fib(n) for n in range(250)])
        other = (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()["id"]
        first, second = await engine.running_now(2)
        await engine.end(first.job_id)
        await until(lambda: len(engine.started) == 3)
        answers = await asyncio.gather(
            server.client.post(batch["links"]["cancel"]),
            server.client.post(batch["links"]["cancel"]),
            server.client.post(f"/jobs/{second.job_id}/cancel"),
        )
        assert [answer.status_code for answer in answers] == [200] * 3
        found = answers[0].json()
        assert found["done"]
        assert found["counts"] == {"queued": 0, "running": 0, "succeeded": 1, "failed": 0, "cancelled": 249}
        assert len(engine.started) <= 5, "of the queued ones hardly any was started meanwhile"
        await engine.end(other)
        again = await server.client.post(batch["links"]["cancel"])
        assert (again.status_code, again.json()) == (200, found)


async def test_a_member_and_its_batch_are_cancelled_at_once(idle_server: ApiServer) -> None:
    batch = await posted(idle_server, [fib(n) for n in range(30)])
    jobs = await members(idle_server, batch)
    answers = await asyncio.gather(
        idle_server.client.post(batch["links"]["cancel"]),
        *(idle_server.client.post(f"/jobs/{job['id']}/cancel") for job in jobs),
    )
    assert [answer.status_code for answer in answers] == [200] * 31
    assert {answer.json()["state"] for answer in answers[1:]} == {"cancelled"}


async def test_only_a_batch_that_is_done_is_deleted_and_wholly(server: ApiServer) -> None:
    upload = (await server.client.post("/uploads", content=b"hello")).json()["id"]
    batch = await posted(server, [fib(1), {"task": "file-digest", "params": {"upload": upload}}])
    jobs = await members(server, batch)
    problem(await server.client.delete(batch["links"]["self"]), 409, "job-live")
    for job in jobs:
        key = await server.engine.running(job["id"]) if job is jobs[0] else None
        await server.engine.end(job["id"], leave_result(server, key, b"1") if key else None)
    await done(server, batch)
    assert (await server.client.delete(batch["links"]["self"])).status_code == 204
    problem(await server.client.get(batch["links"]["self"]), 404, "batch-not-found")
    for job in jobs:
        problem(await server.client.get(f"/jobs/{job['id']}"), 404, "job-not-found")
    assert list(server.results.directory.iterdir()) == []
    assert list(server.uploads_dir.iterdir()) == []


async def test_batches_are_listed_newest_first_in_pages(idle_server: ApiServer) -> None:
    made = [(await posted(idle_server, [fib(n)]))["id"] for n in range(5)]
    first = (await idle_server.client.get("/batches?limit=3")).json()
    second = (await idle_server.client.get(f"/batches?limit=3&cursor={first['next']}")).json()
    assert [batch["id"] for batch in first["batches"] + second["batches"]] == made[::-1]
    assert second["next"] is None
    for query in ("limit=0", "limit=1&limit=2", "cursor=x", "state=queued"):
        problem(await idle_server.client.get(f"/batches?{query}"), 422, "invalid-parameters")


@pytest.mark.parametrize(("method", "path"), [
    ("GET", ""), ("GET", "?wait=5"), ("GET", "/results"), ("GET", "/events"), ("POST", "/cancel"), ("DELETE", ""),
])  # fmt: skip
async def test_an_unknown_batch_is_no_batch(server: ApiServer, method: str, path: str) -> None:
    answer: httpx.Response = await server.client.request(method, f"/batches/nothing{path}")
    problem(answer, 404, "batch-not-found")


# ---- a disk that refuses --------------------------------------------------------------------------------------------


async def test_what_the_disk_refuses_is_not_accepted_and_its_room_is_free_again(
    idle_server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full() -> None:
        raise StorageFullError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(idle_server.journal, "add", lambda *_: full())
        for _ in range(2):
            answer = await idle_server.client.post("/batches", json={"jobs": [fib(1)] * 40})
            problem(answer, 507, "storage-full")
    assert len(idle_server.state.dispatcher.queue) == 0
    await posted(idle_server, [fib(1)] * 50)


async def test_a_stopping_service_takes_no_batch_and_lets_nobody_wait(idle_server: ApiServer) -> None:
    batch = await posted(idle_server, [fib(1)])
    waiting = asyncio.create_task(idle_server.client.get(batch["links"]["self"] + "?wait=60"))
    following = asyncio.create_task(idle_server.client.get(batch["links"]["events"]))
    await until(lambda: len(idle_server.state.batches.changes._watchers.get(batch["id"], ())) == 2, what="two to watch")
    idle_server.state.service.stop()
    assert not (await waiting).json()["done"]
    assert "event: batch" in (await following).text
    problem(await idle_server.client.post("/batches", json={"jobs": [fib(1)]}), 503, "stopping")
