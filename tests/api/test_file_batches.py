"""Batches of files over HTTP: what is refused, what is answered again, what is not there yet."""

import hashlib
import json
from typing import Any

import pytest

from tests.support.api_server import ApiServer
from tests.support.problems import problem

pytestmark = pytest.mark.anyio

Json = dict[str, Any]

LINE = f"{hashlib.sha256(b'x').hexdigest()}  x\n"


@pytest.fixture
def files(server: ApiServer) -> ApiServer:
    """A server with two files."""
    for name in ("x", "y"):
        (server.files_dir / name).write_bytes(name.encode())
    return server


async def by_pattern(server: ApiServer, body: Json, query: str = "", key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return await server.client.post(f"/batches/file-digest{query}", json=body, headers=headers)


@pytest.mark.parametrize(
    ("body", "kind", "loc"),
    [
        ({"pattern": "../*"}, "path-refused", ["body", "pattern"]),
        ({"pattern": "/etc/*"}, "path-refused", ["body", "pattern"]),
        ({"pattern": "a\0"}, "path-refused", ["body", "pattern"]),
        ({"pattern": ""}, "invalid-parameters", ["body", "pattern"]),
        ({"pattern": "a" * 10_000}, "invalid-parameters", ["body", "pattern"]),
        ({"pattern": "nothing*"}, "file-not-found", ["body", "pattern"]),
        ({"pattern": "["}, "file-not-found", ["body", "pattern"]),
        ({"pattern": "**/" * 1000 + "nothing"}, "file-not-found", ["body", "pattern"]),
        ({"pattern": 1}, "invalid-parameters", ["body", "pattern"]),
        ({}, "invalid-parameters", ["body", "pattern"]),
        ({"pattern": "*", "algorithms": []}, "invalid-parameters", ["body", "algorithms"]),
        ({"pattern": "*", "algorithms": ["md4"]}, "invalid-parameters", ["body", "algorithms", 0]),
        ({"pattern": "*", "labels": [""]}, "invalid-parameters", ["body", "labels", 0]),
        ({"pattern": "*", "labels": [str(n) for n in range(21)]}, "invalid-parameters", ["body", "labels"]),
        ({"pattern": "*", "priority": 1}, "invalid-parameters", ["body", "priority"]),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_patterns_that_are_refused(files: ApiServer, body: Json, kind: str, loc: list[str | int]) -> None:
    refused = problem(await by_pattern(files, body), 422, kind)
    assert refused["errors"][0]["loc"] == loc


@pytest.mark.parametrize(
    ("option", "loc", "msg"),
    [
        ("timeout_s=999999", ["query", "timeout_s"], "may be at most 3600 on this server"),
        ("memory_mb=4096", ["query", "memory_mb"], "may be at most 1024 on this server"),
        ("priority=101", ["query", "priority"], "Input should be less than or equal to 100"),
        ("label=", ["query", "label", 0], "String should have at least 1 character"),
    ],
)
@pytest.mark.parametrize("call", ["", "/verify"])
async def test_an_option_of_all_members_is_refused_by_its_query_parameter(
    files: ApiServer, call: str, option: str, loc: list[str | int], msg: str
) -> None:
    """And not by the place of a member that the client has not sent."""
    url = f"/batches/file-digest{call}?{option}"
    content = LINE if call else json.dumps({"pattern": "*"})
    kind = "text/plain" if call else "application/json"
    refused = problem(
        await files.client.post(url, content=content, headers={"Content-Type": kind}), 422, "invalid-parameters"
    )
    assert refused["errors"] == [{"loc": loc, "msg": msg}]
    assert "jobs" not in refused["detail"]


async def test_labels_of_query_and_body_count_together(files: ApiServer) -> None:
    body = {"pattern": "*", "labels": [str(n) for n in range(20)]}
    refused = problem(await by_pattern(files, body, "?label=one-more"), 422, "invalid-parameters")
    assert refused["errors"][0]["loc"] == ["body", "labels"]


async def test_members_have_options_and_labels(files: ApiServer) -> None:
    body = {"pattern": "*", "algorithms": ["md5", "sha1"], "labels": ["a"]}
    answer = await by_pattern(files, body, "?priority=7&max_attempts=5&label=b")
    batch = answer.json()
    assert answer.status_code == 202, batch
    assert (batch["kind"], batch["size"], batch["labels"]) == ("file-digest", 2, ["a", "b"])
    assert answer.headers["location"] == f"/batches/{batch['id']}"
    jobs = (await files.client.get(batch["links"]["jobs"])).json()["jobs"]
    assert [job["params"] for job in jobs] == [{"path": name, "algorithms": ["md5", "sha1"]} for name in "yx"]
    assert {(job["priority"], job["max_attempts"], *job["labels"]) for job in jobs} == {(7, 5, "a", "b")}


async def test_a_replay_needs_no_files(files: ApiServer) -> None:
    body = {"pattern": "*"}
    first = (await by_pattern(files, body, key="k")).json()
    for name in ("x", "y"):
        (files.files_dir / name).unlink()
    again = await by_pattern(files, body, key="k")
    assert (again.status_code, again.json()["id"]) == (202, first["id"])
    assert again.headers["idempotency-replayed"] == "true"
    for other, query in (({"pattern": "**"}, ""), (body, "?priority=1")):
        problem(await by_pattern(files, other, query, key="k"), 422, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("body", "query", "says"),
    [
        ("", "", "no properly formatted checksum lines"),
        ("\n\n", "", "no properly formatted checksum lines"),
        ("# only a comment\n", "", "no properly formatted checksum lines"),
        ("x y z\n", "", "no properly formatted checksum lines"),
        (LINE, "?algorithm=sha512", "no properly formatted checksum lines"),
        (LINE, "?algorithm=sha-256", "algorithm"),
        (LINE * 10_001, "", "more than 10000 lines"),
        (LINE[:66] + "n" * 5000, "", "no properly formatted checksum lines"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_manifests_that_are_refused(files: ApiServer, body: str, query: str, says: str) -> None:
    refused = problem(
        await files.client.post(f"/batches/file-digest/verify{query}", content=body), 422, "invalid-parameters"
    )
    assert says in refused["detail"]


async def test_a_manifest_is_no_form(files: ApiServer) -> None:
    answer = await files.client.post("/batches/file-digest/verify", files={"file": LINE.encode()})
    problem(answer, 415, "unsupported-media-type")


@pytest.mark.parametrize("codings", [["gzip"], ["identity", "gzip"]])
async def test_a_compressed_manifest_is_refused(files: ApiServer, codings: list[str]) -> None:
    headers = [("Content-Encoding", coding) for coding in codings]
    answer = await files.client.post("/batches/file-digest/verify", content=LINE, headers=headers)
    problem(answer, 415, "unsupported-media-type")


async def test_a_manifest_has_a_largest_size(files: ApiServer) -> None:
    answer = await files.client.post("/batches/file-digest/verify", content=b"\n" * ((16 << 20) + 1))
    problem(answer, 413, "body-too-large")


async def test_what_is_verified_is_not_looked_for_before(files: ApiServer) -> None:
    body = LINE + LINE.replace("  x", "  missing") + LINE.replace("  x", "  ../../etc/passwd")
    answer = await files.client.post("/batches/file-digest/verify?label=l", content=body)
    batch = answer.json()
    assert (answer.status_code, batch["kind"], batch["size"], batch["labels"]) == (202, "verify", 3, ["l"])
    again = await files.client.post("/batches/file-digest/verify", content=body)
    assert again.json()["id"] != batch["id"]


async def test_a_report_and_a_manifest_come_when_all_is_done(files: ApiServer) -> None:
    verifying = (await files.client.post("/batches/file-digest/verify", content=LINE)).json()
    for link in ("manifest", "report"):
        early = await files.client.get(verifying["links"][link])
        problem(early, 409, "job-not-finished")
        assert early.headers["retry-after"] == "1"


async def test_other_batches_have_no_report(files: ApiServer) -> None:
    jobs = [{"task": "fibonacci", "params": {"n": 1}}]
    batch = (await files.client.post("/batches", json={"jobs": jobs})).json()
    assert not {"report", "manifest"} & set(batch["links"])
    problem(await files.client.get(f"/batches/{batch['id']}/report"), 404, "not-found")
    await files.client.post(batch["links"]["cancel"])
    refused = problem(await files.client.get(f"/batches/{batch['id']}/manifest"), 422, "invalid-parameters")
    assert refused["errors"][0]["loc"] == ["query", "algorithm"]
    for path in ("manifest", "report"):
        problem(await files.client.get(f"/batches/nothing/{path}"), 404, "batch-not-found")


@pytest.mark.parametrize("query", ["algorithm=md5", "algorithm=x", "format=x", "zero=2", "wait=1"])
async def test_manifests_that_there_are_not(files: ApiServer, query: str) -> None:
    batch = (await by_pattern(files, {"pattern": "*"})).json()
    await files.client.post(batch["links"]["cancel"])
    problem(await files.client.get(f"{batch['links']['manifest']}?{query}"), 422, "invalid-parameters")
    empty = await files.client.get(batch["links"]["manifest"])
    assert (empty.status_code, empty.content) == (200, b"")


async def test_a_cancelled_verification_says_so(files: ApiServer) -> None:
    batch = (await files.client.post("/batches/file-digest/verify", content=LINE)).json()
    await files.client.post(batch["links"]["cancel"])
    text = (await files.client.get(batch["links"]["report"])).text
    assert text == "x: CANCELLED\nWARNING: 1 listed file was not verified\n"
