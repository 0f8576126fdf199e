"""Batches are accepted over HTTP, all or none, and once for a key."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.support.api_server import ApiServer, api_server
from tests.support.batches import fib, members, posted
from tests.support.problems import problem
from tests.support.scripted_engine import ScriptedEngine

pytestmark = pytest.mark.anyio


# ---- acceptance -----------------------------------------------------------------------------------------------------


async def test_a_batch_is_accepted_and_told_as_the_contract_says(idle_server: ApiServer) -> None:
    answer = await idle_server.client.post("/batches", json={"jobs": [fib(1), fib(2)], "labels": ["l"]})
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
    assert [job["batch_id"] for job in await members(idle_server, batch)] == [batch["id"]] * 2


async def test_members_have_options_of_their_own_and_the_labels_of_the_batch(idle_server: ApiServer) -> None:
    options = {"priority": 7, "timeout_s": 5, "max_attempts": 3, "memory_mb": 64, "labels": ["own", "both"]}
    batch = await posted(idle_server, [fib(1, **options), fib(2)], labels=["all", "both"])
    first, second = await members(idle_server, batch)
    assert {name: first[name] for name in options} == options | {"labels": ["all", "both", "own"]}
    assert (second["labels"], second["timeout_s"], second["priority"]) == (["all", "both"], 300, 0)
    found = (await idle_server.client.get("/jobs?label=all")).json()["jobs"]
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
        (fib(1, prioritty=1), "invalid-parameters", ["prioritty"], "did you mean priority?"),
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
    idle_server: ApiServer, member: object, kind: str, loc: list[object], says: str
) -> None:
    answer = await idle_server.client.post("/batches", json={"jobs": [fib(1), fib(2), fib(3), member, fib(4)]})
    told = problem(answer, 422, kind)
    assert told["errors"][0]["loc"] == ["body", "jobs", 3, *loc]
    assert says in told["errors"][0]["msg"]
    assert told["detail"].startswith("jobs.3")
    assert not told["detail"].endswith("..")
    assert (await idle_server.client.get("/jobs")).json()["jobs"] == []
    assert (await idle_server.client.get("/batches")).json()["batches"] == []


async def test_an_upload_that_is_not_there_is_told_with_its_member(idle_server: ApiServer) -> None:
    member = {"task": "file-digest", "params": {"upload": "0192f0c1-2345-7abc-8def-0123456789ab"}}
    answer = await idle_server.client.post("/batches", json={"jobs": [fib(1), member]})
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
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}, "priority": NaN}]}', ["jobs", 0, "priority"]),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}, 7: 1}]}', []),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}}], "labels": "l"}', ["labels"]),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": 1}}], "lables": ["l"]}', ["lables"]),
        ('{"jobs": [{"task": "fibonacci", "params": {"n": %s}}]}' % ("1" * 5000), []),
        ('{"jobs": [{"task": "fibonacci", "params": %s}]}' % ("[" * 200_000), []),
        ('{"jobs": %s}' % ("[" * 200_000), ["jobs", 0]),
    ],
)  # fmt: skip
async def test_what_is_no_batch_is_refused(idle_server: ApiServer, body: str, loc: list[object]) -> None:
    answer = await idle_server.client.post("/batches", content=body, headers={"content-type": "application/json"})
    told = problem(answer, 422, "invalid-parameters")
    assert told["errors"][0]["loc"] == ["body", *loc], told
    assert (await idle_server.client.get("/jobs")).json()["jobs"] == []


async def test_parameters_are_read_as_the_tasks_own_route_reads_them(idle_server: ApiServer) -> None:
    """Blanks, escapes and members in any order change nothing."""
    body = ' {\n"labels" : [ "l\\u00e9" ] ,\t"jobs" : [ { "params" : { "n" : 1e0 } , "task" : "fibonacci" } ] } '
    headers = {"content-type": "application/json"}
    refused = await idle_server.client.post("/batches", content=body, headers=headers)
    alone = await idle_server.client.post("/jobs/fibonacci", content='{"n": 1e0}', headers=headers)
    assert problem(refused, 422, "invalid-parameters")["errors"][0]["msg"] == alone.json()["errors"][0]["msg"]
    taken = await idle_server.client.post("/batches", content=body.replace("1e0", "1"), headers=headers)
    assert taken.status_code == 202, taken.text
    assert taken.json()["labels"] == ["lé"]


async def test_there_are_at_most_ten_thousand_and_room_for_all_or_none(idle_server: ApiServer) -> None:
    answer = await idle_server.client.post("/batches", json={"jobs": [fib(1)] * 10_001})
    assert problem(answer, 422, "invalid-parameters")["errors"][0]["loc"] == ["body", "jobs"]
    answer = await idle_server.client.post("/batches", json={"jobs": [fib(1)] * 51})
    assert "retry-after" in answer.headers
    problem(answer, 503, "queue-full")
    assert len(idle_server.state.dispatcher.queue) == 0
    await posted(idle_server, [fib(1)] * 50)


async def test_an_owners_quota_is_for_all_of_it(tmp_path: Path) -> None:
    async with api_server(tmp_path, engine=ScriptedEngine(slots=0), owner_queue_limit=3) as server:
        await posted(server, [fib(1)] * 2)
        problem(await server.client.post("/batches", json={"jobs": [fib(1)] * 2}), 429, "quota-exceeded")


async def test_the_body_has_a_limit_of_its_own(idle_server: ApiServer) -> None:
    long = fib(1, labels=["x" * 100] * 20)
    answer = await idle_server.client.post("/batches", json={"jobs": [long] * 1000})
    problem(answer, 503, "queue-full")  # 2 MB have been read
    answer = await idle_server.client.post("/batches", content=b" " * (16 << 20) + b"{}")
    problem(answer, 413, "body-too-large")


async def test_the_example_in_the_form_works(idle_server: ApiServer) -> None:
    document = (await idle_server.client.get("/openapi.json")).json()
    body = document["paths"]["/batches"]["post"]["requestBody"]["content"]["application/json"]
    answer = await idle_server.client.post("/batches", json=body["examples"]["example"]["value"])
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
    idle_server: ApiServer, body: str, where: str
) -> None:
    """Decoding one value of 16 MiB would hold the event loop for half a second."""
    headers = {"content-type": "application/json"}
    for large in ("[%s1]" % ("1," * 600_000), "[" * 1_100_000, '["]", "\\"", "[%s"]' % (" " * 1_100_000)):
        answer = await idle_server.client.post("/batches", content=body % large, headers=headers)
        assert problem(answer, 413, "body-too-large")["detail"].startswith(where)


async def test_text_without_an_end_is_read_once(tmp_path: Path) -> None:
    """Looked at again from each quote in it, 64 KiB would hold the event loop for half a minute, 1 MiB for hours."""
    async with api_server(tmp_path, engine=ScriptedEngine(slots=0), body_max_kb=64) as server:
        begin = time.monotonic()
        answer = await server.client.post("/batches", json={"jobs": [fib(1, labels=['"' * 64 * 1024])]})
        assert problem(answer, 413, "body-too-large")["detail"].startswith("jobs.0")
        assert time.monotonic() - begin < 5


async def test_brackets_in_text_are_text(idle_server: ApiServer) -> None:
    labels = ["[", "]}", '"', "\\", '\\"]', "{{"]
    batch = await posted(idle_server, [fib(1, labels=labels), fib(2)], labels=labels)
    assert batch["labels"] == labels


# ---- idempotency ----------------------------------------------------------------------------------------------------


async def test_the_same_key_gives_the_same_batch(idle_server: ApiServer) -> None:
    headers = {"Idempotency-Key": "k"}
    body = {"jobs": [fib(1), fib(2)], "labels": ["l"]}
    first = await idle_server.client.post("/batches", json=body, headers=headers)
    again = await idle_server.client.post("/batches", json=dict(reversed(body.items())), headers=headers)
    assert (first.json()["id"], again.headers["idempotency-replayed"]) == (again.json()["id"], "true")
    assert "idempotency-replayed" not in first.headers
    for other in ({**body, "labels": []}, {**body, "jobs": [fib(2), fib(1)]}, {**body, "jobs": [fib(1)]}):
        problem(await idle_server.client.post("/batches", json=other, headers=headers), 422, "idempotency-key-reused")
    alone = await idle_server.client.post("/jobs/fibonacci", json={"n": 1}, headers=headers)
    told = problem(alone, 422, "idempotency-key-reused")
    assert f"batch {first.json()['id']}" in told["detail"]
    assert (await idle_server.client.get("/batches")).json()["batches"] == [first.json()]


async def test_a_key_of_a_job_is_none_for_a_batch(idle_server: ApiServer) -> None:
    headers = {"Idempotency-Key": "k"}
    await idle_server.client.post("/jobs/fibonacci", json={"n": 1}, headers=headers)
    answer = await idle_server.client.post("/batches", json={"jobs": [fib(1)]}, headers=headers)
    problem(answer, 422, "idempotency-key-reused")


async def test_many_at_once_with_one_key_make_one_batch(idle_server: ApiServer) -> None:
    headers = {"Idempotency-Key": "k"}
    answers = await asyncio.gather(
        *(idle_server.client.post("/batches", json={"jobs": [fib(1)] * 3}, headers=headers) for _ in range(5))
    )
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(idle_server.state.dispatcher.queue) == 3
