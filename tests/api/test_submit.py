"""`POST /jobs/{task}`: what is accepted, what is refused, and what the answer says."""

import asyncio
import gzip
import json

import pytest

from offload.api.contract.request_headers import preferred_wait
from offload.jobs.acceptance import idempotency
from tests.support.api_server import ApiServer
from tests.support.problems import problem
from tests.support.waiting import until

pytestmark = pytest.mark.anyio

FIBONACCI = "/jobs/fibonacci"


async def test_a_job_is_accepted_with_its_address(full_server: ApiServer) -> None:
    answer = await full_server.client.post(FIBONACCI, json={"n": 36, "algorithm": "recursive"})
    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == job["links"]["self"] == f"/jobs/{job['id']}"
    assert answer.headers["retry-after"] == "1"
    assert list(job) == [
        "id", "task", "state", "params", "priority", "labels", "owner", "batch_id", "attempt", "max_attempts",
        "timeout_s", "memory_mb", "position", "progress", "created_at", "started_at", "finished_at", "result",
        "result_bytes", "error", "usage", "links",
    ]  # fmt: skip
    assert (job["task"], job["state"], job["position"]) == ("fibonacci", "queued", 0)
    assert job["params"] == {"n": 36, "algorithm": "recursive"}
    assert (job["timeout_s"], job["memory_mb"], job["max_attempts"]) == (300, 1024, 2)
    assert await full_server.journal.get(job["id"]) is not None


async def test_options_are_taken(full_server: ApiServer) -> None:
    query = "?priority=-100&timeout_s=2.5&max_attempts=10&memory_mb=64&label=a&label=%C3%A9t%C3%A9&label=a"
    job = (await full_server.client.post(FIBONACCI + query, json={"n": 1})).json()
    assert (job["priority"], job["timeout_s"], job["max_attempts"], job["memory_mb"]) == (-100, 2.5, 10, 64)
    assert job["labels"] == ["a", "été"]


@pytest.mark.parametrize(
    ("query", "place", "says"),
    [
        ("priority=101", "priority", "less than or equal to 100"),
        ("priority=1.0", "priority", "whole number"),
        ("priority=1_0", "priority", "whole number"),
        ("priority=", "priority", "whole number"),
        ("priority=1&priority=2", "priority", "once"),
        ("timeout_s=0", "timeout_s", "greater than 0"),
        ("timeout_s=nan", "timeout_s", "number"),
        ("timeout_s=1e999", "timeout_s", "finite"),
        ("timeout_s=3601", "timeout_s", "at most 3600"),
        ("memory_mb=15", "memory_mb", "greater than or equal to 16"),
        ("memory_mb=2048", "memory_mb", "at most 1024"),
        ("max_attempts=0", "max_attempts", "greater than or equal to 1"),
        ("max_attempts=11", "max_attempts", "less than or equal to 10"),
        ("label=", "label", "at least 1 character"),
        ("label=" + 101 * "x", "label", "at most 100 characters"),
        ("&".join(f"label={number}" for number in range(21)), "label", "at most 20 items"),
        ("prioriti=1", "prioriti", "did you mean priority?"),
        ("nonsense=1", "nonsense", "valid names are label, max_attempts, memory_mb, priority, timeout_s"),
    ],
)
async def test_wrong_options_are_named(full_server: ApiServer, query: str, place: str, says: str) -> None:
    told = problem(await full_server.client.post(f"{FIBONACCI}?{query}", json={"n": 1}), 422, "invalid-parameters")
    [error] = told["errors"]
    assert error["loc"] in (["query", place], ["query", place, 0])  # a label has a number
    assert says in error["msg"]


async def test_more_parameters_than_anybody_needs_are_refused(full_server: ApiServer) -> None:
    query = "&".join(f"label={number}" for number in range(201))
    problem(await full_server.client.post(f"{FIBONACCI}?{query}", json={"n": 1}), 422, "invalid-parameters")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"n": true}', ["body", "n"]),
        (b'{"n": "1"}', ["body", "n"]),
        (b'{"n": 1.5}', ["body", "n"]),
        (b'{"n": 1.0}', ["body", "n"]),
        (b'{"n": 1e9}', ["body", "n"]),
        (b'{"n": -1}', ["body", "n"]),
        (b'{"n": NaN}', ["body"]),
        (b'{"n": null}', ["body", "n"]),
        (b'{"n": 1' + 5000 * b"0" + b"}", ["body"]),
        (b'{"n": ' + 200_000 * b"[" + 200_000 * b"]" + b"}", ["body"]),
        (200_000 * b"[", ["body"]),
        (b'{"n": 1, "m": 2}', ["body", "m"]),
        (b'{"n": 1, "n": 2}', ["body"]),
        (b"{}", ["body", "n"]),
        (b"[]", ["body"]),
        (b"null", ["body"]),
        (b"not json", ["body"]),
        (b'{"n": 1} x', ["body"]),
        (b'{"n": 1, "algorithm": "\xff"}', ["body"]),
        (b'{"n": 1, "algorithm": "\\ud800"}', ["body"]),
        (b"\xef\xbb\xbf{}", ["body"]),
    ],
)
async def test_parsing_is_strict(full_server: ApiServer, body: bytes, place: list[str]) -> None:
    answer = await full_server.client.post(FIBONACCI, content=body, headers={"content-type": "application/json"})
    told = problem(answer, 422, "invalid-parameters")
    assert told["errors"][0]["loc"][: len(place)] == place
    assert len(answer.content) < 2000, "what was sent is not sent back"
    assert not len(full_server.state.dispatcher.queue)


async def test_a_body_with_many_faults_is_told_in_part(server: ApiServer) -> None:
    body = {"path": "x", "algorithms": ["?"] * 1000}
    told = problem(await server.client.post("/jobs/file-digest", json=body), 422, "invalid-parameters")
    assert len(told["errors"]) == 20
    assert "(And 980 more.)" in told["detail"] or "(And 999 more.)" in told["detail"]


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "", "application/jsonx"])
async def test_another_content_type_is_told_what_to_send(full_server: ApiServer, content_type: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = await full_server.client.post(FIBONACCI, content=b'{"n": 1}', headers=headers)
    assert "curl, use --json" in problem(answer, 415, "unsupported-media-type")["detail"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 202),
        ("Application/JSON; charset=UTF-8", 202),
        ("application/vnd.mine+json", 202),
        ('application/json; charset="utf-8"; x=y', 202),
        ("application/json; charset=utf-16", 415),
    ],
)
async def test_json_by_any_of_its_names(full_server: ApiServer, content_type: str, status: int) -> None:
    answer = await full_server.client.post(FIBONACCI, content=b'{"n": 1}', headers={"content-type": content_type})
    assert answer.status_code == status


async def test_a_compressed_body_is_not_read(full_server: ApiServer) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    answer = await full_server.client.post(FIBONACCI, content=gzip.compress(b'{"n": 1}'), headers=headers)
    problem(answer, 415, "unsupported-media-type")


async def test_an_empty_body_is_told_what_to_send(full_server: ApiServer) -> None:
    told = problem(await full_server.client.post(FIBONACCI), 422, "invalid-parameters")
    example = told["detail"].partition("for example ")[2]
    assert (await full_server.client.post(FIBONACCI, json=json.loads(example))).status_code == 202


async def test_a_body_over_the_limit_is_refused(full_server: ApiServer) -> None:
    body = b'{"n": 1}'.ljust((1 << 20) + 1)
    headers = {"content-type": "application/json"}
    problem(await full_server.client.post(FIBONACCI, content=body, headers=headers), 413, "body-too-large")
    assert (await full_server.client.post(FIBONACCI, content=body[:-1], headers=headers)).status_code == 202


async def test_an_unknown_task_is_told_which_there_are(server: ApiServer) -> None:
    detail = problem(await server.client.post("/jobs/fibonaci", json={}), 404, "task-not-found")["detail"]
    assert "Did you mean 'fibonacci'?" in detail
    assert "fibonacci, file-digest" in detail


async def test_work_over_the_limit_is_refused_before_it_runs(server: ApiServer) -> None:
    problem(await server.client.post(FIBONACCI, json={"n": 41, "algorithm": "recursive"}), 422, "too-expensive")
    problem(await server.client.post(FIBONACCI, json={"n": 10_000_001}), 422, "too-expensive")
    assert server.engine.started == []


@pytest.mark.parametrize(
    ("params", "status", "kind"),
    [
        ({"path": "../x"}, 422, "path-refused"),
        ({"path": "/etc/passwd"}, 422, "path-refused"),
        ({"path": "nothing"}, 422, "file-not-found"),
        ({"path": "directory"}, 422, "not-a-regular-file"),
        ({"upload": "01a20519-2c58-7333-af30-0b21ef40a7b8"}, 404, "upload-not-found"),
        ({"upload": "x", "path": "y"}, 422, "invalid-parameters"),
    ],
)
async def test_a_file_is_looked_at_before_it_is_accepted(
    server: ApiServer, params: dict[str, str], status: int, kind: str
) -> None:
    (server.files_dir / "directory").mkdir()
    problem(await server.client.post("/jobs/file-digest", json=params), status, kind)


async def test_a_full_queue_refuses(full_server: ApiServer) -> None:
    for _ in range(3):
        assert (await full_server.client.post(FIBONACCI, json={"n": 1})).status_code == 202
    answer = await full_server.client.post(FIBONACCI, json={"n": 1})
    problem(answer, 503, "queue-full")
    assert answer.headers["retry-after"] == "1"


async def test_a_stopping_service_refuses(server: ApiServer) -> None:
    server.state.service.stop()
    answer = await server.client.post(FIBONACCI, json={"n": 1})
    problem(answer, 503, "stopping")
    assert int(answer.headers["retry-after"]) > 0
    problem(await server.client.post("/uploads", content=b"x"), 503, "stopping")


async def test_the_same_key_gives_the_same_job(full_server: ApiServer) -> None:
    first, second = [
        await full_server.client.post(FIBONACCI, json={"n": 1}, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"


async def test_a_key_is_for_one_request_only(full_server: ApiServer) -> None:
    await full_server.client.post(FIBONACCI, json={"n": 1}, headers={"Idempotency-Key": "k"})
    for query, n in (("", 2), ("?priority=1", 1)):
        answer = await full_server.client.post(FIBONACCI + query, json={"n": n}, headers={"Idempotency-Key": "k"})
        problem(answer, 422, "idempotency-key-reused")


async def test_the_same_key_at_the_same_time_gives_one_job(full_server: ApiServer) -> None:
    answers = await asyncio.gather(
        *(full_server.client.post(FIBONACCI, json={"n": 1}, headers={"Idempotency-Key": "k"}) for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_a_key_that_is_in_use_for_long_is_told(full_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "IN_FLIGHT_WAIT_S", 0.01)
    async with full_server.state.service._acceptance.keys.hold(None, "k"):
        answer = await full_server.client.post(FIBONACCI, json={"n": 1}, headers={"Idempotency-Key": "k"})
    problem(answer, 409, "idempotency-in-flight")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\xe9"])
async def test_a_key_is_visible_ascii(full_server: ApiServer, key: str) -> None:
    headers = [(b"idempotency-key", key.encode("latin-1"))]
    told = problem(await full_server.client.post(FIBONACCI, json={"n": 1}, headers=headers), 422, "invalid-parameters")
    assert told["errors"][0]["loc"] == ["header", "idempotency-key"]


async def test_preferring_to_wait_gives_the_result(server: ApiServer) -> None:
    headers = {"Prefer": "respond-async, wait=100"}
    waiting = asyncio.create_task(server.client.post(FIBONACCI, json={"n": 1}, headers=headers))
    started = await until(lambda: list(server.engine.started), what="an attempt")
    await server.engine.end(started[0].key.job_id)
    answer = await waiting
    assert answer.status_code == 200
    assert answer.json()["state"] == "succeeded"
    assert answer.headers["preference-applied"] == "wait=60"
    assert "retry-after" not in answer.headers
    assert answer.headers["location"] == answer.json()["links"]["self"]


async def test_preferring_to_wait_has_an_end(full_server: ApiServer) -> None:
    answer = await full_server.client.post(FIBONACCI, json={"n": 1}, headers={"Prefer": "wait=0"})
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "wait=0"


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=5", 5),
        ("WAIT = 5", 5),
        ('wait="7"', 7),
        ("wait=100000000000000000000", 60),
        ("respond-async;x=y, wait=3; foo=bar", 3),
        ('handling="a, wait=9", wait=2', 2),
        ("wait=1, wait=2", 1),
        ("wait", None),
        ("wait=", None),
        ("wait=-1", None),
        ("wait=1.5", None),
        ("return=minimal", None),
        ("await=1", None),
        ("", None),
        (None, None),
        ('a="' + '\\"' * 32_000, None),  # took 30 s by a pattern that backtracks
        ('a="' + '\\"' * 32_000 + '", wait=4', 4),
        ('"' * 64_000, None),
    ],
)
def test_preferences(prefer: str | None, seconds: int | None) -> None:
    assert preferred_wait(prefer) == seconds
