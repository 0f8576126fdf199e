"""Batches over HTTP: accepted all or none, counted, given back in order, cancelled, forgotten."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.errors import StorageFullError
from app.jobs.model import AttemptKey, Done, Failed, Failure, FailureKind, Progress
from tests.support.front_desk import FrontDesk, front_desk
from tests.support.keys import ALICE, BOB, bearer
from tests.support.problems import problem
from tests.support.scripted_engine import USAGE, ScriptedEngine
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

Json = dict[str, Any]


def fib(n: int, **options: object) -> Json:
    """A member."""
    return {"task": "fibonacci", "params": {"n": n}, **options}


async def posted(desk: FrontDesk, jobs: Sequence[Json], status: int = 202, *, labels: Sequence[str] = ()) -> Json:
    """The batch of these members, or the problem."""
    body = {"jobs": list(jobs), **({"labels": list(labels)} if labels else {})}
    answer = await desk.client.post("/batches", json=body)
    assert answer.status_code == status, answer.text
    batch: Json = answer.json()
    return batch


async def members(desk: FrontDesk, batch: Json) -> list[Json]:
    """The jobs of a batch in the order of submission."""
    jobs: list[Json] = (await desk.client.get(batch["links"]["jobs"])).json()["jobs"]
    return jobs[::-1]


async def results(desk: FrontDesk, batch: Json) -> list[Json]:
    answer = await desk.client.get(batch["links"]["results"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jsonl")
    return [json.loads(line) for line in answer.text.splitlines()]


async def done(desk: FrontDesk, batch: Json) -> Json:
    found: Json = (await desk.client.get(batch["links"]["self"] + "?wait=60")).json()
    assert found["done"], found
    return found


@pytest.fixture
async def idle_desk(tmp_path: Path) -> AsyncIterator[FrontDesk]:
    """No slot: what is submitted stays queued."""
    async with front_desk(tmp_path, engine=ScriptedEngine(slots=0), queue_limit=50) as desk:
        yield desk


# ---- acceptance -----------------------------------------------------------------------------------------------------


async def test_a_batch_is_accepted_and_told_as_the_contract_says(idle_desk: FrontDesk) -> None:
    answer = await idle_desk.client.post("/batches", json={"jobs": [fib(1), fib(2)], "labels": ["l"]})
    batch = answer.json()
    path = f"/batches/{batch['id']}"
    assert answer.status_code == 202
    assert (answer.headers["location"], answer.headers["retry-after"]) == (path, "1")
    created = batch.pop("created_at")
    assert created.endswith("Z")
    assert batch == {
        "id": batch["id"],
        "kind": "jobs",
        "size": 2,
        "counts": {"queued": 2, "running": 0, "succeeded": 0, "failed": 0, "cancelled": 0},
        "done": False,
        "progress": {"done": 0, "total": 2, "fraction": 0.0, "unit": "jobs", "note": None},
        "labels": ["l"],
        "owner": None,
        "finished_at": None,
        "links": {
            "self": path,
            "jobs": f"/jobs?batch={batch['id']}",
            "results": f"{path}/results",
            "events": f"{path}/events",
            "cancel": f"{path}/cancel",
        },
    }
    assert [job["batch_id"] for job in await members(idle_desk, batch)] == [batch["id"]] * 2


async def test_members_have_options_of_their_own_and_the_labels_of_the_batch(idle_desk: FrontDesk) -> None:
    options = {"priority": 7, "timeout_s": 5, "max_attempts": 3, "memory_mb": 64, "labels": ["own", "both"]}
    batch = await posted(idle_desk, [fib(1, **options), fib(2)], labels=["all", "both"])
    first, second = await members(idle_desk, batch)
    assert {name: first[name] for name in options} == options | {"labels": ["all", "both", "own"]}
    assert (second["labels"], second["timeout_s"], second["priority"]) == (["all", "both"], 300, 0)
    found = (await idle_desk.client.get("/jobs?label=all")).json()["jobs"]
    assert [job["id"] for job in found] == [second["id"], first["id"]]


@pytest.mark.parametrize(
    ("member", "kind", "loc", "says"),
    [
        (fib(-1), "invalid-parameters", ["params", "n"], "greater than or equal to 0"),
        ({"task": "fibonacci", "params": {"n": "1"}}, "invalid-parameters", ["params", "n"], "valid integer"),
        ({"task": "fibonacci", "params": {"m": 1}}, "invalid-parameters", ["params", "n"], "required"),
        ({"task": "fibonacci", "params": [1]}, "invalid-parameters", ["params"], "object"),
        ({"task": "fibonacci"}, "invalid-parameters", ["params"], "required"),
        ({"params": {"n": 1}}, "invalid-parameters", ["task"], "required"),
        ({"task": "fibonaci", "params": {}}, "invalid-parameters", ["task"], "Did you mean 'fibonacci'?"),
        ({"task": 3, "params": {}}, "invalid-parameters", ["task"], "no task"),
        (7, "invalid-parameters", [], "object"),
        (fib(1, priority=101), "invalid-parameters", ["priority"], "less than or equal to 100"),
        (fib(1, priority="1"), "invalid-parameters", ["priority"], "valid integer"),
        (fib(1, priority=True), "invalid-parameters", ["priority"], "valid integer"),
        (fib(1, prioritty=1), "invalid-parameters", ["prioritty"], "perhaps priority is meant"),
        (fib(1, timeout_s=3601), "invalid-parameters", ["timeout_s"], "at most 3600"),
        (fib(1, memory_mb=4096), "invalid-parameters", ["memory_mb"], "at most 1024"),
        (fib(1, labels=["x"] * 21), "invalid-parameters", ["labels"], "at most 20"),
        (fib(1, labels=[""]), "invalid-parameters", ["labels", 0], "at least 1"),
        (fib(10**8), "too-expensive", ["params"], "n is at most"),
        ({"task": "file-digest", "params": {"path": "../x"}}, "path-refused", ["params", "path"], ""),
        ({"task": "file-digest", "params": {"path": "none"}}, "file-not-found", ["params", "path"], ""),
    ],
)
async def test_a_bad_member_refuses_the_batch_and_is_named(
    idle_desk: FrontDesk, member: object, kind: str, loc: list[object], says: str
) -> None:
    answer = await idle_desk.client.post("/batches", json={"jobs": [fib(1), fib(2), fib(3), member, fib(4)]})
    told = problem(answer, 422, kind)
    assert told["errors"][0]["loc"] == ["body", "jobs", 3, *loc]
    assert says in told["errors"][0]["msg"]
    assert told["detail"].startswith("jobs.3")
    assert (await idle_desk.client.get("/jobs")).json()["jobs"] == []
    assert (await idle_desk.client.get("/batches")).json()["batches"] == []


async def test_an_upload_that_is_not_there_is_told_with_its_member(idle_desk: FrontDesk) -> None:
    member = {"task": "file-digest", "params": {"upload": "0192f0c1-2345-7abc-8def-0123456789ab"}}
    answer = await idle_desk.client.post("/batches", json={"jobs": [fib(1), member]})
    assert problem(answer, 404, "upload-not-found")["detail"].startswith("jobs.1: ")


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ("[]", []),
        ("7", []),
        ("{", []),
        ('{"jobs"', []),
        ('{"jobs":', ["jobs"]),
        ("nonsense", []),
        ("{}", ["jobs"]),
        ('{"jobs": []}', ["jobs"]),
        ('{"jobs": {}}', ["jobs"]),
        ('{"jobs": null}', ["jobs"]),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}},]}', ["jobs", 1]),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}} {"task": 1}]}', []),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}}]} x', []),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}}], }', []),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}}], "jobs": []}', []),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}, "params": {}}]}', []),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1, "n": 2}}]}', []),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}, "priority": NaN}]}', []),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}, 7: 1}]}', []),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}}], "labels": "l"}', ["labels"]),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}}], "lables": ["l"]}', ["lables"]),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": %s}}]}' % ("1" * 5000), []),
        ('{"jobs": [{"task": "fibonacci", "params": %s}]}' % ("[" * 200_000), []),
        ('{"jobs": %s}' % ("[" * 200_000), ["jobs", 0]),
    ],
)  # fmt: skip
async def test_what_is_no_batch_is_refused(idle_desk: FrontDesk, body: str, loc: list[object]) -> None:
    answer = await idle_desk.client.post("/batches", content=body, headers={"content-type": "application/json"})
    told = problem(answer, 422, "invalid-parameters")
    assert told["errors"][0]["loc"] == ["body", *loc], told
    assert (await idle_desk.client.get("/jobs")).json()["jobs"] == []


async def test_parameters_are_read_as_the_tasks_own_route_reads_them(idle_desk: FrontDesk) -> None:
    """Blanks, escapes and members in any order change nothing."""
    body = ' {\n"labels" : [ "l\\u00e9" ] ,\t"jobs" : [ { "params" : { "n" : 1e0 } , "task" : "fibonacci" } ] } '
    headers = {"content-type": "application/json"}
    refused = await idle_desk.client.post("/batches", content=body, headers=headers)
    alone = await idle_desk.client.post("/jobs/fibonacci", content='{"n": 1e0}', headers=headers)
    assert problem(refused, 422, "invalid-parameters")["errors"][0]["msg"] == alone.json()["errors"][0]["msg"]
    taken = await idle_desk.client.post("/batches", content=body.replace("1e0", "1"), headers=headers)
    assert taken.status_code == 202, taken.text
    assert taken.json()["labels"] == ["lé"]


async def test_there_are_at_most_ten_thousand_and_room_for_all_or_none(idle_desk: FrontDesk) -> None:
    answer = await idle_desk.client.post("/batches", json={"jobs": [fib(1)] * 10_001})
    assert problem(answer, 422, "invalid-parameters")["errors"][0]["loc"] == ["body", "jobs"]
    answer = await idle_desk.client.post("/batches", json={"jobs": [fib(1)] * 51})
    assert "retry-after" in answer.headers
    problem(answer, 503, "queue-full")
    assert len(idle_desk.state.dispatcher.queue) == 0
    await posted(idle_desk, [fib(1)] * 50)


async def test_an_owners_quota_is_for_all_of_it(tmp_path: Path) -> None:
    async with front_desk(tmp_path, engine=ScriptedEngine(slots=0), owner_queue_limit=3) as desk:
        await posted(desk, [fib(1)] * 2)
        problem(await desk.client.post("/batches", json={"jobs": [fib(1)] * 2}), 429, "quota-exceeded")


async def test_the_body_has_a_limit_of_its_own(idle_desk: FrontDesk) -> None:
    long = fib(1, labels=["x" * 100] * 20)
    answer = await idle_desk.client.post("/batches", json={"jobs": [long] * 1000})
    problem(answer, 503, "queue-full")  # 2 MB have been read
    answer = await idle_desk.client.post("/batches", content=b" " * (16 << 20) + b"{}")
    problem(answer, 413, "body-too-large")


async def test_the_example_in_the_form_works(idle_desk: FrontDesk) -> None:
    document = (await idle_desk.client.get("/openapi.json")).json()
    body = document["paths"]["/batches"]["post"]["requestBody"]["content"]["application/json"]
    answer = await idle_desk.client.post("/batches", json=body["examples"]["example"]["value"])
    assert (answer.status_code, answer.json()["size"]) == (202, 4)
    choices = {choice["$ref"].rpartition("/")[2] for choice in body["schema"]["properties"]["jobs"]["items"]["oneOf"]}
    assert choices == {"BatchMember_fibonacci", "BatchMember_file_digest"}
    member = document["components"]["schemas"]["BatchMember_fibonacci"]
    assert member["properties"]["timeout_s"]["anyOf"][0]["maximum"] == 3600


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}}, {"task": "fibonacci", "params": %s}]}', "jobs.1"),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}}], "labels": %s}', "labels"),
    ],
)
async def test_one_member_is_no_larger_than_a_submission_of_its_own(
    idle_desk: FrontDesk, body: str, where: str
) -> None:
    """Decoding one value of 16 MiB would hold the event loop for half a second."""
    headers = {"content-type": "application/json"}
    for large in ("[%s1]" % ("1," * 600_000), "[" * 1_100_000, '["]", "\\"", "[%s"]' % (" " * 1_100_000)):
        answer = await idle_desk.client.post("/batches", content=body % large, headers=headers)
        assert problem(answer, 413, "body-too-large")["detail"].startswith(where)


async def test_text_without_an_end_is_read_once(tmp_path: Path) -> None:
    """Looked at again from each quote in it, 64 KiB would hold the event loop for half a minute, 1 MiB for hours."""
    async with front_desk(tmp_path, engine=ScriptedEngine(slots=0), body_max_kb=64) as desk:
        begin = time.monotonic()
        answer = await desk.client.post("/batches", json={"jobs": [fib(1, labels=['"' * 64 * 1024])]})
        assert problem(answer, 413, "body-too-large")["detail"].startswith("jobs.0")
        assert time.monotonic() - begin < 5


async def test_brackets_in_text_are_text(idle_desk: FrontDesk) -> None:
    labels = ["[", "]}", '"', "\\", '\\"]', "{{"]
    batch = await posted(idle_desk, [fib(1, labels=labels), fib(2)], labels=labels)
    assert batch["labels"] == labels


# ---- idempotency ----------------------------------------------------------------------------------------------------


async def test_the_same_key_gives_the_same_batch(idle_desk: FrontDesk) -> None:
    headers = {"Idempotency-Key": "k"}
    body = {"jobs": [fib(1), fib(2)], "labels": ["l"]}
    first = await idle_desk.client.post("/batches", json=body, headers=headers)
    again = await idle_desk.client.post("/batches", json=dict(reversed(body.items())), headers=headers)
    assert (first.json()["id"], again.headers["idempotency-replayed"]) == (again.json()["id"], "true")
    assert "idempotency-replayed" not in first.headers
    for other in ({**body, "labels": []}, {**body, "jobs": [fib(2), fib(1)]}, {**body, "jobs": [fib(1)]}):
        problem(await idle_desk.client.post("/batches", json=other, headers=headers), 422, "idempotency-key-reused")
    alone = await idle_desk.client.post("/jobs/fibonacci", json={"n": 1}, headers=headers)
    told = problem(alone, 422, "idempotency-key-reused")
    assert f"batch {first.json()['id']}" in told["detail"]
    assert (await idle_desk.client.get("/batches")).json()["batches"] == [first.json()]


async def test_a_key_of_a_job_is_none_for_a_batch(idle_desk: FrontDesk) -> None:
    headers = {"Idempotency-Key": "k"}
    await idle_desk.client.post("/jobs/fibonacci", json={"n": 1}, headers=headers)
    answer = await idle_desk.client.post("/batches", json={"jobs": [fib(1)]}, headers=headers)
    problem(answer, 422, "idempotency-key-reused")


async def test_many_at_once_with_one_key_make_one_batch(idle_desk: FrontDesk) -> None:
    headers = {"Idempotency-Key": "k"}
    answers = await asyncio.gather(
        *(idle_desk.client.post("/batches", json={"jobs": [fib(1)] * 3}, headers=headers) for _ in range(5))
    )
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(idle_desk.state.dispatcher.queue) == 3


# ---- on its way -----------------------------------------------------------------------------------------------------


async def test_the_dearest_is_started_first(tmp_path: Path) -> None:
    engine = ScriptedEngine(slots=2)
    async with front_desk(tmp_path, engine=engine) as desk:
        jobs = [{"task": "fibonacci", "params": {"n": n, "algorithm": "recursive"}} for n in (30, 32, 34, 36)]
        batch = await posted(desk, [*jobs, fib(5, priority=1), fib(6, priority=1)])
        assert batch["size"] == 6
        for _ in range(5):
            await engine.end((await engine.running_now(2))[0].job_id)
        await engine.running_now(1)
        assert [json.loads(assignment.params)["n"] for assignment in engine.started] == [6, 5, 36, 34, 32, 30]


async def test_a_batch_counts_and_tells_how_far_it_is(tmp_path: Path) -> None:
    engine = ScriptedEngine(slots=2)
    async with front_desk(tmp_path, engine=engine) as desk:
        batch = await posted(desk, [fib(4), fib(3), fib(2), fib(1)])
        jobs = await members(desk, batch)
        await engine.report(jobs[0]["id"], Progress(done=1, total=2))
        await engine.running(jobs[1]["id"])
        found = (await desk.client.get(batch["links"]["self"])).json()
        assert found["counts"] == {"queued": 2, "running": 2, "succeeded": 0, "failed": 0, "cancelled": 0}
        assert found["progress"] == {"done": 0, "total": 4, "fraction": 0.125, "unit": "jobs", "note": None}
        await engine.end(jobs[1]["id"], Failed(failure=Failure(kind=FailureKind.TASK_RAISED, detail="no")))
        await engine.running(jobs[2]["id"])
        found = (await desk.client.get(batch["links"]["self"])).json()
        assert found["counts"] == {"queued": 1, "running": 2, "succeeded": 0, "failed": 1, "cancelled": 0}
        assert (found["progress"]["done"], found["progress"]["fraction"]) == (1, 0.375)
        for number in (0, 2, 3):
            await engine.end(jobs[number]["id"])
        found = await done(desk, batch)
        assert found["counts"] == {"queued": 0, "running": 0, "succeeded": 3, "failed": 1, "cancelled": 0}
        assert found["progress"] == {"done": 4, "total": 4, "fraction": 1.0, "unit": "jobs", "note": None}
        assert found["finished_at"] is not None


async def test_a_poll_is_answered_not_modified_while_nothing_changes(desk: FrontDesk) -> None:
    batch = await posted(desk, [fib(1)])
    job = (await members(desk, batch))[0]["id"]
    await desk.engine.running(job)
    first = await desk.client.get(batch["links"]["self"])
    assert first.headers["retry-after"] == "1"
    again = await desk.client.get(batch["links"]["self"], headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await desk.engine.end(job)
    await done(desk, batch)
    last = await desk.client.get(batch["links"]["self"], headers={"If-None-Match": first.headers["etag"]})
    assert last.status_code == 200
    assert "retry-after" not in last.headers


async def test_who_prefers_to_wait_gets_the_batch_when_it_is_done(desk: FrontDesk) -> None:
    headers = {"Prefer": "wait=60"}
    waiting = asyncio.create_task(desk.client.post("/batches", json={"jobs": [fib(1), fib(2)]}, headers=headers))
    for _ in range(2):
        (key,) = await desk.engine.running_now(1)
        await desk.engine.end(key.job_id)
    answer = await waiting
    assert (answer.status_code, answer.json()["done"]) == (200, True)
    assert answer.headers["preference-applied"] == "wait=60"


async def test_who_waits_in_vain_gets_it_as_it_is(idle_desk: FrontDesk) -> None:
    answer = await idle_desk.client.post("/batches", json={"jobs": [fib(1)]}, headers={"Prefer": "wait=0"})
    assert (answer.status_code, answer.json()["done"]) == (202, False)


async def test_events_tell_every_change_until_it_is_done(desk: FrontDesk) -> None:
    batch = await posted(desk, [fib(2), fib(1)])
    jobs = await members(desk, batch)
    following = asyncio.create_task(desk.client.get(batch["links"]["events"]))
    for job in jobs:
        await desk.engine.end(job["id"])
    answer = await following
    events = [event for event in answer.text.split("\n\n") if event.startswith("event: batch")]
    told = [json.loads(line[6:]) for event in events for line in event.splitlines() if line.startswith("data: ")]
    assert [one["id"] for one in told] == [batch["id"]] * len(told)
    assert told[-1] == await done(desk, batch)
    assert [one["progress"]["done"] for one in told] == sorted(one["progress"]["done"] for one in told)
    last = next(line[4:] for line in events[-1].splitlines() if line.startswith("id: "))
    again = await desk.client.get(batch["links"]["events"], headers={"Last-Event-ID": last})
    assert "event: batch" not in again.text


async def test_who_has_no_key_any_more_is_told_nothing_more(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"alice:{ALICE}\nbob:{BOB}\n")
    async with front_desk(tmp_path, api_keys_file=str(keys)) as desk:
        answer = await desk.client.post("/batches", json={"jobs": [fib(1)]}, headers=bearer(ALICE))
        batch = answer.json()
        following = asyncio.create_task(desk.client.get(batch["links"]["events"], headers=bearer(ALICE)))
        await until(lambda: desk.state.batches.changes._watchers.get(batch["id"]), what="somebody to watch")
        keys.write_text(f"bob:{BOB}\n")
        desk.state.keyring.read_again()
        (key,) = await desk.engine.running_now(1)
        await desk.engine.end(key.job_id)
        assert '"done":true' not in (await following).text


# ---- results --------------------------------------------------------------------------------------------------------


def leave_result(desk: FrontDesk, key: AttemptKey, content: bytes) -> Done:
    """Writes a result file as a lane does."""
    desk.results.path(key).write_bytes(content)
    return Done(result=None, result_bytes=len(content), usage=USAGE)


async def test_results_come_in_the_order_of_submission_small_and_large(tmp_path: Path) -> None:
    engine = ScriptedEngine(slots=4)
    async with front_desk(tmp_path, engine=engine) as desk:
        batch = await posted(desk, [fib(n) for n in (1, 2, 3, 4, 5)])
        jobs = await members(desk, batch)
        large = json.dumps("é" * 3_000_000, ensure_ascii=False).encode()
        keys = [await engine.running(job["id"]) for job in jobs[1:]]
        await engine.end(jobs[1]["id"], leave_result(desk, keys[0], large))
        failure = Failure(kind=FailureKind.TASK_RAISED, detail="no \ud800")
        await engine.end(jobs[2]["id"], Failed(failure=failure))
        await engine.running(jobs[0]["id"])
        lines = await results(desk, batch)
        assert [line["index"] for line in lines] == [0, 1, 2, 3, 4]
        assert [line["id"] for line in lines] == [job["id"] for job in jobs]
        assert [line["state"] for line in lines] == ["running", "succeeded", "failed", "running", "running"]
        assert [line["result"] for line in lines] == [None, "é" * 3_000_000, None, None, None]
        assert lines[1]["result_bytes"] == len(large)
        assert lines[2]["error"]["type"] == "/problems/task-raised"
        assert set(lines[0]) == {"index", "id", "task", "state", "result", "result_bytes", "error"}


async def test_a_result_that_is_lost_is_told_in_its_line(desk: FrontDesk) -> None:
    batch = await posted(desk, [fib(2), fib(1)])
    jobs = await members(desk, batch)
    key = await desk.engine.running(jobs[0]["id"])
    await desk.engine.end(jobs[0]["id"], leave_result(desk, key, b'"x"'))
    await desk.engine.end(jobs[1]["id"])
    await done(desk, batch)
    desk.results.path(key).unlink()
    first, second = await results(desk, batch)
    assert (first["state"], first["result"]) == ("succeeded", None)
    assert first["error"]["type"] == "/problems/internal-error"
    assert (second["result"], second["error"]) == (1, None)


async def test_a_deleted_member_is_left_out_and_no_longer_counted(desk: FrontDesk) -> None:
    batch = await posted(desk, [fib(3), fib(2), fib(1)])
    jobs = await members(desk, batch)
    for job in jobs:
        await desk.engine.end(job["id"])
    await done(desk, batch)
    assert (await desk.client.delete(f"/jobs/{jobs[1]['id']}")).status_code == 204
    assert [line["index"] for line in await results(desk, batch)] == [0, 2]
    found = await done(desk, batch)
    assert (found["size"], found["counts"]["succeeded"], found["progress"]["fraction"]) == (3, 2, 1.0)


# ---- the end --------------------------------------------------------------------------------------------------------


async def test_cancel_takes_queued_and_running_members(tmp_path: Path) -> None:
    engine = ScriptedEngine(slots=2)
    async with front_desk(tmp_path, engine=engine) as desk:
        batch = await posted(desk, [fib(n) for n in range(250)])
        other = (await desk.client.post("/jobs/fibonacci", json={"n": 1})).json()["id"]
        first, second = await engine.running_now(2)
        await engine.end(first.job_id)
        await until(lambda: len(engine.started) == 3)
        answers = await asyncio.gather(
            desk.client.post(batch["links"]["cancel"]),
            desk.client.post(batch["links"]["cancel"]),
            desk.client.post(f"/jobs/{second.job_id}/cancel"),
        )
        assert [answer.status_code for answer in answers] == [200] * 3
        found = answers[0].json()
        assert found["done"]
        assert found["counts"] == {"queued": 0, "running": 0, "succeeded": 1, "failed": 0, "cancelled": 249}
        assert len(engine.started) <= 5, "of the queued ones hardly any was started meanwhile"
        await engine.end(other)
        again = await desk.client.post(batch["links"]["cancel"])
        assert (again.status_code, again.json()) == (200, found)


async def test_a_member_and_its_batch_are_cancelled_at_once(idle_desk: FrontDesk) -> None:
    batch = await posted(idle_desk, [fib(n) for n in range(30)])
    jobs = await members(idle_desk, batch)
    answers = await asyncio.gather(
        idle_desk.client.post(batch["links"]["cancel"]),
        *(idle_desk.client.post(f"/jobs/{job['id']}/cancel") for job in jobs),
    )
    assert [answer.status_code for answer in answers] == [200] * 31
    assert {answer.json()["state"] for answer in answers[1:]} == {"cancelled"}


async def test_only_a_batch_that_is_done_is_deleted_and_wholly(desk: FrontDesk) -> None:
    upload = (await desk.client.post("/uploads", content=b"hello")).json()["id"]
    batch = await posted(desk, [fib(1), {"task": "file-digest", "params": {"upload": upload}}])
    jobs = await members(desk, batch)
    problem(await desk.client.delete(batch["links"]["self"]), 409, "job-live")
    for job in jobs:
        key = await desk.engine.running(job["id"]) if job is jobs[0] else None
        await desk.engine.end(job["id"], leave_result(desk, key, b"1") if key else None)
    await done(desk, batch)
    assert (await desk.client.delete(batch["links"]["self"])).status_code == 204
    problem(await desk.client.get(batch["links"]["self"]), 404, "batch-not-found")
    for job in jobs:
        problem(await desk.client.get(f"/jobs/{job['id']}"), 404, "job-not-found")
    assert list(desk.results.directory.iterdir()) == []
    assert list(desk.uploads_dir.iterdir()) == []


async def test_batches_are_listed_newest_first_in_pages(idle_desk: FrontDesk) -> None:
    made = [(await posted(idle_desk, [fib(n)]))["id"] for n in range(5)]
    first = (await idle_desk.client.get("/batches?limit=3")).json()
    second = (await idle_desk.client.get(f"/batches?limit=3&cursor={first['next']}")).json()
    assert [batch["id"] for batch in first["batches"] + second["batches"]] == made[::-1]
    assert second["next"] is None
    for query in ("limit=0", "limit=1&limit=2", "cursor=x", "state=queued"):
        problem(await idle_desk.client.get(f"/batches?{query}"), 422, "invalid-parameters")


@pytest.mark.parametrize(("method", "path"), [
    ("GET", ""), ("GET", "?wait=5"), ("GET", "/results"), ("GET", "/events"), ("POST", "/cancel"), ("DELETE", ""),
])  # fmt: skip
async def test_an_unknown_batch_is_no_batch(desk: FrontDesk, method: str, path: str) -> None:
    answer: httpx.Response = await desk.client.request(method, f"/batches/nothing{path}")
    problem(answer, 404, "batch-not-found")


# ---- a disk that refuses --------------------------------------------------------------------------------------------


async def test_what_the_disk_refuses_is_not_accepted_and_its_room_is_free_again(
    idle_desk: FrontDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full() -> None:
        raise StorageFullError("The disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(idle_desk.journal, "add", lambda *_: full())
        for _ in range(2):
            answer = await idle_desk.client.post("/batches", json={"jobs": [fib(1)] * 40})
            problem(answer, 507, "storage-full")
    assert len(idle_desk.state.dispatcher.queue) == 0
    await posted(idle_desk, [fib(1)] * 50)


async def test_a_stopping_service_takes_no_batch_and_lets_nobody_wait(idle_desk: FrontDesk) -> None:
    batch = await posted(idle_desk, [fib(1)])
    waiting = asyncio.create_task(idle_desk.client.get(batch["links"]["self"] + "?wait=60"))
    following = asyncio.create_task(idle_desk.client.get(batch["links"]["events"]))
    await until(lambda: len(idle_desk.state.batches.changes._watchers.get(batch["id"], ())) == 2, what="two to watch")
    idle_desk.state.service.stop()
    assert not (await waiting).json()["done"]
    assert "event: batch" in (await following).text
    problem(await idle_desk.client.post("/batches", json={"jobs": [fib(1)]}), 503, "stopping")
