"""Whatever goes wrong is a problem with a page."""

import logging

import httpx
import pytest

from offload.api.contract.problem_pages import types
from offload.errors import StorageFullError
from offload.jobs.model import FailureKind
from tests.support.api_server import ApiServer
from tests.support.problems import problem

pytestmark = pytest.mark.anyio

CONTRACT = {
    "unauthorized",
    "job-not-found",
    "task-not-found",
    "batch-not-found",
    "upload-not-found",
    "upload-too-slow",
    "job-not-finished",
    "job-failed",
    "job-cancelled",
    "job-finished",
    "job-live",
    "idempotency-in-flight",
    "body-too-large",
    "unsupported-media-type",
    "invalid-parameters",
    "too-expensive",
    "idempotency-key-reused",
    "digest-mismatch",
    "path-refused",
    "file-not-found",
    "not-a-regular-file",
    "quota-exceeded",
    "queue-full",
    "stopping",
    "not-ready",
    "storage-full",
    "task-raised",
    "timed-out",
    "worker-died",
    "interrupted",
    "memory-exceeded",
    "result-too-large",
    "result-not-serializable",
    "file-changed",
}
"""Every type that the contract names."""


async def test_every_type_has_a_page(server: ApiServer) -> None:
    assert set(types()) >= CONTRACT
    assert {kind.value for kind in FailureKind} <= set(types())
    index = (await server.client.get("/problems")).text
    for name in types():
        page = await server.client.get(f"/problems/{name}")
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert name in page.text
        assert f'href="/problems/{name}"' in index
        assert "`" not in page.text


async def test_an_unknown_type_has_none(server: ApiServer) -> None:
    problem(await server.client.get("/problems/nothing"), 404, "not-found")


@pytest.mark.parametrize("path", ["/nothing", "/jobs/x/y/z", "/docs/nothing", "/%C3%A9%00", "/%FF"])
async def test_an_unknown_path(server: ApiServer, path: str) -> None:
    told = problem(await server.client.get(path), 404, "not-found")
    assert told["instance"].isascii()


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/jobs", "GET, HEAD"),
        ("PATCH", "/jobs/x", "DELETE, GET, HEAD"),
        ("GET", "/jobs/x/cancel", "POST"),
        ("DELETE", "/uploads", "POST, PUT"),
        ("POST", "/tasks", "GET, HEAD"),
        ("POST", "/openapi.json", "GET, HEAD"),
        ("POST", "/problems/stopping", "GET, HEAD"),
        ("POST", "/docs", "GET, HEAD"),
        ("POST", "/docs/start.js", "GET, HEAD"),
    ],
)
async def test_another_method_is_told_which_there_are(server: ApiServer, method: str, path: str, allow: str) -> None:
    answer = await server.client.request(method, path)
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == allow


async def test_a_full_disk_is_told(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StorageFullError("The disk is full.")

    monkeypatch.setattr(server.journal, "add", full)
    problem(await server.client.post("/jobs/fibonacci", json={"n": 1}), 507, "storage-full")


async def test_a_fault_of_the_service_tells_nothing_of_its_inside(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(server.journal, "get", fail)
    transport = httpx.ASGITransport(server.asgi, raise_app_exceptions=False)
    with caplog.at_level(logging.CRITICAL):
        async with httpx.AsyncClient(transport=transport, base_url="http://offload") as client:
            answer = await client.get("/jobs/x")
    problem(answer, 500, "internal-error")
    assert "secret" not in answer.text
