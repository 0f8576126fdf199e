"""The OpenAPI document, and Swagger UI over it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from offload.tasks.registry import RegistrySpec
from tests.support.api_server import ApiServer, api_server

pytestmark = pytest.mark.anyio


@pytest.fixture
async def document(server: ApiServer) -> dict[str, Any]:
    """What `/openapi.json` answers."""
    answer = await server.client.get("/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of all there are."""
    return [(path, method, one) for path, methods in document["paths"].items() for method, one in methods.items()]


async def test_the_contract_is_described(document: dict[str, Any]) -> None:
    found = {f"{method.upper()} {path}" for path, method, _ in operations(document)}
    assert found == {
        "POST /jobs/fibonacci",
        "POST /jobs/file-digest",
        "POST /jobs/file-digest/upload",
        "GET /jobs",
        "GET /jobs/{id}",
        "DELETE /jobs/{id}",
        "GET /jobs/{id}/events",
        "GET /jobs/{id}/logs",
        "GET /jobs/{id}/result",
        "POST /jobs/{id}/cancel",
        "GET /tasks",
        "GET /tasks/{task}",
        "POST /uploads",
        "PUT /uploads",
        "PUT /uploads/{name}",
        "GET /uploads/{name}",
        "DELETE /uploads/{name}",
        "POST /batches",
        "GET /batches",
        "GET /batches/{id}",
        "DELETE /batches/{id}",
        "GET /batches/{id}/results",
        "GET /batches/{id}/events",
        "POST /batches/{id}/cancel",
        "POST /batches/file-digest",
        "POST /batches/file-digest/verify",
        "GET /batches/{id}/manifest",
        "GET /batches/{id}/report",
        "GET /health/live",
        "GET /health/ready",
        "GET /stats",
        "GET /stats/history",
        "GET /events",
        "GET /metrics",
    }


async def test_operations_have_readable_names_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z_]+", name) for name in names)
    assert "submit_file_digest_upload" in names


async def test_every_error_is_a_problem(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (method, path, status)
                schema = response["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}
        assert "500" in operation["responses"]


async def test_references_resolve(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    for name in re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', text):
        assert name in document["components"]["schemas"]
    assert "HTTPValidationError" not in text


async def test_bounds_are_told(document: dict[str, Any]) -> None:
    parameters = {one["name"]: one for one in document["paths"]["/jobs/fibonacci"]["post"]["parameters"]}
    schemas = {name: parameter["schema"] for name, parameter in parameters.items()}
    assert (schemas["priority"]["minimum"], schemas["priority"]["maximum"]) == (-100, 100)
    assert (schemas["timeout_s"]["exclusiveMinimum"], schemas["timeout_s"]["maximum"]) == (0, 3600)
    assert (schemas["memory_mb"]["minimum"], schemas["memory_mb"]["maximum"]) == (16, 1024)
    assert (schemas["max_attempts"]["minimum"], schemas["max_attempts"]["maximum"]) == (1, 10)
    assert schemas["label"]["maxItems"] == 20
    assert "Idempotency-Key" in parameters
    assert "Prefer" in parameters


async def test_every_form_has_an_example_that_works(server: ApiServer, document: dict[str, Any]) -> None:
    (server.files_dir / "hello.txt").write_bytes(b"hello")
    for task in server.state.registry:
        body = document["paths"][f"/jobs/{task}"]["post"]["requestBody"]["content"]["application/json"]
        answer = await server.client.post(f"/jobs/{task}", json=body["examples"]["example"]["value"])
        assert answer.status_code == 202, answer.text


async def test_the_upload_form_works_as_it_is_filled(server: ApiServer, document: dict[str, Any]) -> None:
    body = document["paths"]["/jobs/file-digest/upload"]["post"]["requestBody"]
    members = body["content"]["multipart/form-data"]["schema"]["properties"]
    filled = {name: members[name]["examples"][0] for name in ("algorithms", "expected")}
    fields = {"algorithms": filled["algorithms"], "expected": json.dumps(filled["expected"])}
    answer = await server.client.post("/jobs/file-digest/upload", files={"file": ("a", b"x")}, data=fields)
    assert answer.status_code == 202, answer.text


async def test_a_file_can_be_picked(document: dict[str, Any]) -> None:
    for path in ("/jobs/file-digest/upload", "/uploads"):
        content = document["paths"][path]["post"]["requestBody"]["content"]["multipart/form-data"]
        assert content["schema"]["properties"]["file"] == {"type": "string", "format": "binary"}


async def test_a_users_tasks_are_described_by_their_signatures(tmp_path: Path) -> None:
    spec = RegistrySpec(tasks="tests.support.sample_tasks:greet, hello=tests.support.sample_tasks:greet")
    async with api_server(tmp_path, spec) as server:
        document = (await server.client.get("/openapi.json")).json()
        for name in ("greet", "hello"):
            operation = document["paths"][f"/jobs/{name}"]["post"]
            assert operation["summary"] == "Greet somebody."
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            model = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            assert model["properties"]["times"]["maximum"] == 10
            assert model["required"] == ["name"]
            answer = await server.client.post(f"/jobs/{name}", json={"name": "x", "tims": 1})
            assert "did you mean times?" in answer.json()["detail"]


async def test_headers_are_told(document: dict[str, Any]) -> None:
    submit = document["paths"]["/jobs/fibonacci"]["post"]["responses"]
    assert {"Location", "Preference-Applied", "Idempotency-Replayed", "Retry-After"} == set(submit["202"]["headers"])
    poll = document["paths"]["/jobs/{id}"]["get"]["responses"]
    assert {"ETag", "Retry-After"} == set(poll["200"]["headers"])
    assert "304" in poll


async def test_hidden_routes_are_only_pages(server: ApiServer, document: dict[str, Any]) -> None:
    del document
    hidden = {route.path for route in server.app.routes if isinstance(route, APIRoute) and not route.include_in_schema}
    assert hidden == {"/", "/docs", "/docs/", "/jobs/{task}"}


async def test_swagger_ui_needs_no_other_host(server: ApiServer) -> None:
    page = await server.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) >= 4
    assert "<script>" not in page.text
    for link in links:
        file = await server.client.get(link)
        assert file.status_code == 200, link
        assert file.headers["cache-control"].startswith("public, max-age=")
        again = await server.client.get(link, headers={"If-None-Match": file.headers["etag"]})
        assert again.status_code == 304
    assert '"../openapi.json"' in (await server.client.get("/docs/start.js")).text


async def test_links_lead_to_calls_that_there_are(server: ApiServer, document: dict[str, Any]) -> None:
    calls = {operation["operationId"]: operation for _, _, operation in operations(document)}
    led: dict[str, set[str]] = {}
    for name, operation in calls.items():
        for response in operation["responses"].values():
            for link in response.get("links", {}).values():
                led.setdefault(name, set()).add(link["operationId"])
                takes = {parameter["name"] for parameter in calls[link["operationId"]].get("parameters", ())}
                assert set(link.get("parameters", ())) <= takes
    with_a_job = {"get_job", "get_result", "job_events", "job_logs", "cancel_job", "delete_job", "list_jobs"}
    submitting = {f"submit_{task.replace('-', '_')}" for task in server.state.registry} | {"submit_file_digest_upload"}
    assert {name for name, calls_next in led.items() if calls_next == with_a_job} >= submitting | {"get_job"}
    with_a_batch = {"get_batch", "batch_results", "batch_events", "cancel_batch", "delete_batch", "list_jobs"}
    for name in ("submit_batch", "submit_file_batch", "submit_verification", "get_batch", "cancel_batch"):
        assert led[name] == with_a_batch
    assert led["upload"] == {"submit_file_digest", "get_upload", "delete_upload"}
    assert led["list_tasks"] == {"get_task"}


async def test_a_path_with_a_name_of_its_own_is_no_job(server: ApiServer) -> None:
    for path in ("/jobs/fibonacci", "/jobs/file-digest"):
        answer = await server.client.put(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    answer = await server.client.put("/jobs/anything")
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, HEAD")
