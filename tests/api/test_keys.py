"""With keys: who gets in, what an owner sees, and what one owner may queue."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.types import Message

from tests.support.api_server import ApiServer, api_server
from tests.support.keys import ALICE, BOB, ENTRIES, ROOT, bearer
from tests.support.problems import problem
from tests.support.scripted_engine import ScriptedEngine

pytestmark = pytest.mark.anyio

FILES = {"file": ("a.txt", b"hello")}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServer]:
    """A service with keys, one slot, and a quota of three."""
    async with api_server(tmp_path, api_keys=ENTRIES, owner_queue_limit=3) as server:
        (server.files_dir / "hello.txt").write_bytes(b"hello")
        yield server


async def submitted(server: ApiServer, key: str, **headers: str) -> dict[str, Any]:
    """A job of the key's owner."""
    answer = await server.client.post("/jobs/fibonacci", json={"n": 1}, headers=bearer(key) | headers)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


async def ended(server: ApiServer, key: str) -> str:
    """A job of the key's owner that has succeeded."""
    job_id: str = (await submitted(server, key))["id"]
    await server.engine.end(job_id)
    await server.client.get(f"/jobs/{job_id}?wait=60", headers=bearer(key))
    return job_id


async def listed(server: ApiServer, key: str, **query: str) -> list[str]:
    """The ids in the key's list of jobs."""
    answer = await server.client.get("/jobs", params=query, headers=bearer(key))
    return [job["id"] for job in answer.json()["jobs"]]


# ---- the gate -------------------------------------------------------------------------------------------------------


def calls(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path there is, described or hidden."""
    described = [(method.upper(), path) for path, operations in app.openapi()["paths"].items() for method in operations]
    hidden = [
        (method, route.path) for route in app.routes if isinstance(route, APIRoute) for method in route.methods or ()
    ]
    return sorted({*described, *hidden})


OPEN = {"/", "/docs", "/docs/", "/health/live", "/health/ready"}


async def test_every_call_needs_a_key_but_those_that_are_meant_not_to(server: ApiServer) -> None:
    found = set()
    for method, path in calls(server.app):
        answer = await server.client.request(method, path.replace("{", "").replace("}", ""))
        if answer.status_code != 401:
            found.add(path)
            continue
        told = problem(answer, 401, "unauthorized")
        assert "X-API-Key" in told["detail"]
        assert answer.headers["www-authenticate"] == "Bearer"
    assert found == OPEN


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/docs/start.js", "/openapi.json", "/problems", "/problems/unauthorized", "/health/live"]
)
async def test_what_explains_the_service_is_open(server: ApiServer, path: str) -> None:
    assert (await server.client.get(path, follow_redirects=True)).status_code == 200
    assert (await server.client.head(path, follow_redirects=True)).status_code == 200


async def nothing() -> Message:
    """The body of a request that has none."""
    return {"type": "http.request", "body": b"", "more_body": False}


@pytest.mark.parametrize(
    "path",
    ["/nothing", "//docs", "//jobs", "/docs/../jobs", "/docs//jobs", "/health", "/healthy/live", "/Docs", "/jobs/", ""],
)
async def test_no_path_slips_through(server: ApiServer, path: str) -> None:
    """As it arrives behind whatever a client or a proxy makes of it."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    await server.asgi(scope, nothing, send)
    assert sent[0]["status"] == (404 if path.startswith("/docs/") else 401)


async def test_a_route_that_forgets_to_ask_is_asked_for_a_key_all_the_same(server: ApiServer) -> None:
    @server.app.get("/forgetful")
    async def forgetful() -> str:
        return "secret"

    problem(await server.client.get("/forgetful"), 401, "unauthorized")
    assert (await server.client.get("/forgetful", headers=bearer(ALICE))).json() == "secret"


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {ALICE}"},
        {"Authorization": f"bearer  {ALICE} "},
        {"X-API-Key": ALICE},
        {"Authorization": "Basic cHJveHk6cHJveHk=", "X-API-Key": ALICE},
    ],
)
async def test_a_key_is_sent_either_way(server: ApiServer, headers: dict[str, str]) -> None:
    assert (await server.client.get("/jobs", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {ALICE}x"},
        {"Authorization": f"Bearer {ALICE[:-1]}"},
        {"Authorization": f"Bearer {ALICE.upper()}"},
        {"Authorization": f"Bearer alice:{ALICE}"},
        {"Authorization": f"Basic {ALICE}"},
        {"Authorization": ALICE},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer \xe9\xff"},
        {"X-API-Key": ""},
        {"X-API-Key": "alice"},
        {"Cookie": f"key={ALICE}"},
    ],
)
async def test_anything_else_is_no_key(server: ApiServer, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    problem(await server.client.get("/jobs", headers=raw), 401, "unauthorized")
    problem(await server.client.get(f"/jobs?key={ALICE}", headers=raw), 401, "unauthorized")


@pytest.mark.parametrize(
    ("path", "headers", "closes"),
    [
        ("/uploads", {"content-length": "4000000000"}, True),
        ("/uploads", {"transfer-encoding": "chunked"}, True),
        ("/jobs/file-digest/upload", {"content-length": "70000", "content-type": "multipart/form-data"}, True),
        ("/jobs/fibonacci", {"content-length": "10", "content-type": "application/json"}, False),
    ],
)
async def test_a_body_without_a_key_is_dropped(
    server: ApiServer, path: str, headers: dict[str, str], closes: bool
) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        come = sum(len(message.get("body", b"")) for message in sent if message["type"] == "http.response.body")
        assert come or not closes, "the body was read before the answer"
        return {"type": "http.request", "body": b"x" * 65536, "more_body": closes}

    async def send(message: Message) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": raw}
    await server.asgi(scope, receive, send)
    assert sent[0]["status"] == 401
    assert ((b"connection", b"close") in sent[0]["headers"]) is closes
    assert json.loads(sent[1]["body"])["type"] == "/problems/unauthorized"
    assert list(server.uploads_dir.iterdir()) == []


# ---- owners ---------------------------------------------------------------------------------------------------------

FOREIGN = [
    ("GET", "/jobs/{id}"),
    ("GET", "/jobs/{id}?wait=60"),
    ("GET", "/jobs/{id}/result"),
    ("GET", "/jobs/{id}/events"),
    ("GET", "/jobs/{id}/logs"),
    ("POST", "/jobs/{id}/cancel"),
    ("DELETE", "/jobs/{id}"),
]

FOREIGN_BATCH = [
    ("GET", "/batches/{id}"),
    ("GET", "/batches/{id}?wait=60"),
    ("GET", "/batches/{id}/results"),
    ("GET", "/batches/{id}/events"),
    ("GET", "/batches/{id}/manifest"),
    ("GET", "/batches/{id}/report"),
    ("POST", "/batches/{id}/cancel"),
    ("DELETE", "/batches/{id}"),
]


async def test_every_call_that_names_a_job_or_batch_is_tried_with_anothers(server: ApiServer) -> None:
    named = {call for call in calls(server.app) if "{id}" in call[1]}
    assert named == {(method, path.partition("?")[0]) for method, path in (*FOREIGN, *FOREIGN_BATCH)}


@pytest.mark.parametrize(("method", "path"), FOREIGN)
async def test_anothers_job_is_no_job(server: ApiServer, method: str, path: str) -> None:
    done, running, queued = await ended(server, ALICE), await submitted(server, ALICE), await submitted(server, ALICE)
    await server.engine.running(running["id"])
    unknown = "0192f0c1-2345-7abc-8def-0123456789ab"
    for job_id in (done, running["id"], queued["id"]):
        foreign = await server.client.request(method, path.format(id=job_id), headers=bearer(BOB))
        missing = await server.client.request(method, path.format(id=unknown), headers=bearer(BOB))
        problem(foreign, 404, "job-not-found")
        assert foreign.text.replace(job_id, unknown) == missing.text
    assert await listed(server, BOB) == []
    assert set(await listed(server, ALICE)) == {done, running["id"], queued["id"]}, "all are as they were"


@pytest.mark.parametrize(("method", "path"), FOREIGN_BATCH)
async def test_anothers_batch_is_no_batch(server: ApiServer, method: str, path: str) -> None:
    body = {"jobs": [{"task": "fibonacci", "params": {"n": 1}}], "labels": ["secret"]}
    batch = (await server.client.post("/batches", json=body, headers=bearer(ALICE))).json()
    assert batch["owner"] == "alice"
    unknown = "0192f0c1-2345-7abc-8def-0123456789ab"
    foreign = await server.client.request(method, path.format(id=batch["id"]), headers=bearer(BOB))
    missing = await server.client.request(method, path.format(id=unknown), headers=bearer(BOB))
    problem(foreign, 404, "batch-not-found")
    assert foreign.text.replace(batch["id"], unknown) == missing.text
    for key, seen in ((ALICE, [batch["id"]]), (BOB, []), (ROOT, [batch["id"]])):
        listed = (await server.client.get("/batches", headers=bearer(key))).json()["batches"]
        assert [one["id"] for one in listed] == seen
        members = await server.client.get(f"/jobs?batch={batch['id']}", headers=bearer(key))
        assert len(members.json()["jobs"]) == len(seen)


async def test_anothers_job_costs_the_same_look_as_an_unknown_one(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs in memory are answered from there, but only to who may see them."""
    done, live = await ended(server, ALICE), (await submitted(server, ALICE))["id"]
    asked: list[str] = []
    get = server.journal.get

    async def noted(job_id: str) -> object:
        asked.append(job_id)
        return await get(job_id)

    monkeypatch.setattr(server.journal, "get", noted)
    for job_id in (done, live, "nothing"):
        await server.client.get(f"/jobs/{job_id}", headers=bearer(BOB))
        await server.client.get(f"/jobs/{job_id}", headers=bearer(BOB))
    assert asked == [done, done, live, live, "nothing", "nothing"]
    asked.clear()
    await server.client.get(f"/jobs/{done}", headers=bearer(ALICE))
    await server.client.get(f"/jobs/{live}", headers=bearer(ROOT))
    assert asked == []


async def test_a_list_has_the_callers_own_jobs(server: ApiServer) -> None:
    alices = [(await submitted(server, ALICE))["id"] for _ in range(2)]
    bobs = [(await submitted(server, BOB))["id"]]
    roots = [(await submitted(server, ROOT))["id"]]
    for query in ({}, {"task": "fibonacci"}, {"state": "queued"}):
        assert set(await listed(server, ALICE, **query)) <= set(alices)
        assert set(await listed(server, BOB, **query)) <= set(bobs)
    assert await listed(server, ALICE) == alices[::-1]
    assert await listed(server, ROOT) == [*roots, *bobs, *alices[::-1]]


async def test_an_admin_acts_on_everybodys_jobs_and_owns_its_own(server: ApiServer) -> None:
    job = await submitted(server, ALICE)
    assert job["owner"] == "alice"
    assert (await submitted(server, ROOT))["owner"] == "root"
    cancelled = await server.client.post(f"/jobs/{job['id']}/cancel", headers=bearer(ROOT))
    assert (cancelled.status_code, cancelled.json()["owner"]) == (200, "alice")
    assert (await server.client.delete(f"/jobs/{job['id']}", headers=bearer(ROOT))).status_code == 204


async def test_events_are_told_to_the_owner(server: ApiServer) -> None:
    job_id = await ended(server, ALICE)
    for key in (ALICE, ROOT):
        answer = await server.client.get(f"/jobs/{job_id}/events", headers=bearer(key))
        assert answer.status_code == 200
        assert job_id in answer.text


async def test_the_same_idempotency_key_of_two_owners_is_two_keys(server: ApiServer) -> None:
    header = {"Idempotency-Key": "one"}
    alices = (await submitted(server, ALICE, **header))["id"]
    assert (await submitted(server, ALICE, **header))["id"] == alices
    bobs = await server.client.post("/jobs/fibonacci", json={"n": 2}, headers=bearer(BOB) | header)
    assert bobs.status_code == 202
    assert bobs.json()["id"] != alices
    assert (await submitted(server, ROOT, **header))["id"] not in {alices, bobs.json()["id"]}


async def test_an_upload_is_for_its_owners_jobs_only(server: ApiServer) -> None:
    upload = (await server.client.post("/uploads", content=b"hello", headers=bearer(ALICE))).json()["id"]
    missing = "0192f0c1-2345-7abc-8def-0123456789ab"
    for key in (BOB, ROOT):
        foreign, unknown = [
            await server.client.post("/jobs/file-digest", json={"upload": named}, headers=bearer(key))
            for named in (upload, missing)
        ]
        problem(foreign, 404, "upload-not-found")
        assert foreign.text == unknown.text
    own = await server.client.post("/jobs/file-digest", json={"upload": upload}, headers=bearer(ALICE))
    assert own.status_code == 202, own.text


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_anothers_upload_is_no_upload(server: ApiServer, method: str) -> None:
    upload = (await server.client.post("/uploads", content=b"hello", headers=bearer(ALICE))).json()["id"]
    missing = "0192f0c1-2345-7abc-8def-0123456789ab"
    foreign, unknown = [
        await server.client.request(method, f"/uploads/{named}", headers=bearer(BOB)) for named in (upload, missing)
    ]
    problem(foreign, 404, "upload-not-found")
    assert foreign.text.replace(upload, missing) == unknown.text
    for key in (ALICE, ROOT):
        assert (await server.client.get(f"/uploads/{upload}", headers=bearer(key))).status_code == 200
    assert (await server.client.delete(f"/uploads/{upload}", headers=bearer(ROOT))).status_code == 204


async def test_a_file_sent_with_its_job_belongs_to_the_jobs_owner(server: ApiServer) -> None:
    answer = await server.client.post("/jobs/file-digest/upload", files=FILES, headers=bearer(ALICE))
    assert answer.status_code == 202, answer.text
    assert answer.json()["owner"] == "alice"
    upload = answer.json()["params"]["upload"]
    foreign = await server.client.post("/jobs/file-digest", json={"upload": upload}, headers=bearer(BOB))
    problem(foreign, 404, "upload-not-found")


async def test_statistics_tell_of_the_callers_own_jobs(server: ApiServer) -> None:
    running = (await submitted(server, ALICE))["id"]
    await server.engine.running(running)
    await submitted(server, ALICE)
    await submitted(server, BOB)
    told = {key: (await server.client.get("/stats", headers=bearer(key))).json() for key in (ALICE, BOB, ROOT)}
    assert [lane["job"] for lane in told[ALICE]["lanes"]] == [running]
    assert [(lane["job"], lane["state"]) for lane in told[BOB]["lanes"]] == [(None, "busy")]
    assert [lane["job"] for lane in told[ROOT]["lanes"]] == [running]
    waiting = {key: {row["owner"] for row in stats["queue"]["waiting"]} for key, stats in told.items()}
    assert waiting == {ALICE: {"alice"}, BOB: {"bob"}, ROOT: {"alice", "bob"}}
    assert {stats["queue"]["size"] for stats in told.values()} == {2}


# ---- the quota ------------------------------------------------------------------------------------------------------


async def test_one_owners_queued_jobs_are_bounded(tmp_path: Path) -> None:
    engine = ScriptedEngine(slots=0)
    async with api_server(tmp_path, engine=engine, api_keys=ENTRIES, owner_queue_limit=3) as server:
        jobs = [(await submitted(server, ALICE))["id"] for _ in range(3)]
        refused = await server.client.post("/jobs/fibonacci", json={"n": 1}, headers=bearer(ALICE))
        problem(refused, 429, "quota-exceeded")
        assert refused.headers["retry-after"] == "1"
        form = await server.client.post("/jobs/file-digest/upload", files=FILES, headers=bearer(ALICE))
        problem(form, 429, "quota-exceeded")
        assert list(server.uploads_dir.iterdir()) == [], "the file of a refused job is not kept"
        await submitted(server, BOB)
        await server.client.post(f"/jobs/{jobs[0]}/cancel", headers=bearer(ALICE))
        await submitted(server, ALICE)


async def test_without_keys_all_callers_are_one_owner(tmp_path: Path) -> None:
    async with api_server(tmp_path, engine=ScriptedEngine(slots=0), owner_queue_limit=2) as server:
        for _ in range(2):
            assert (await server.client.post("/jobs/fibonacci", json={"n": 1})).json()["owner"] is None
        problem(await server.client.post("/jobs/fibonacci", json={"n": 1}), 429, "quota-exceeded")


# ---- the document ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [ENTRIES, ()], ids=["with keys", "without"])
async def test_the_document_tells_of_keys(tmp_path: Path, keys: object) -> None:
    async with api_server(tmp_path, api_keys=keys) as server:
        document = (await server.client.get("/openapi.json")).json()
        schemes = document["components"]["securitySchemes"]
        assert schemes["bearer"]["scheme"] == "bearer"
        assert (schemes["header"]["in"], schemes["header"]["name"]) == ("header", "X-API-Key")
        for path, operations in document["paths"].items():
            for operation in operations.values():
                if path in OPEN:
                    assert "security" not in operation
                    assert "401" not in operation["responses"]
                    continue
                assert [*operation["security"]] == [*([] if keys else [{}]), {"bearer": []}, {"header": []}]
                assert "WWW-Authenticate" in operation["responses"]["401"]["headers"]
        submit = document["paths"]["/jobs/fibonacci"]["post"]["responses"]["429"]
        assert "Retry-After" in submit["headers"]
        assert "quota-exceeded" in submit["content"]["application/problem+json"]["examples"]
        if not keys:
            assert (await server.client.get("/jobs")).status_code == 200
            assert (await server.client.get("/jobs", headers=bearer("whatever"))).status_code == 200
