"""The records and requests of the client are those of the service's OpenAPI document, so that they can't drift."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from offload.api.routes import add_routes
from offload.client import api, records
from offload.client.records import Record
from offload.client.request import Request
from offload.options import SubmitOptions
from offload.server.settings import Settings
from offload.tasks.registry import RegistrySpec, load_registry

SCHEMAS = {
    "Job": "JobView",
    "JobPage": "JobsView",
    "JobLinks": "LinksView",
    "JobError": "ErrorView",
    "Progress": "ProgressView",
    "Usage": "UsageView",
    "Batch": "BatchView",
    "BatchPage": "BatchesView",
    "BatchLinks": "BatchLinksView",
    "BatchProgress": "BatchProgressView",
    "Counts": "CountsView",
    "Task": "TaskView",
    "TaskList": "TasksView",
    "Limits": "LimitsView",
    "Upload": "UploadView",
    "Stats": "Stats",
    "Lane": "Lane",
    "Queue": "Queue",
    "Waiting": "Waiting",
    "TaskStats": "TaskStats",
}
"""The name of each record in the document."""

OMITTED = {("BatchProgress", "unit"), ("BatchProgress", "note")}
"""Fields that always have the same value."""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The OpenAPI document of a service with the built-in tasks."""
    app = FastAPI()
    directory: Path = tmp_path_factory.mktemp("service")
    add_routes(app, load_registry(RegistrySpec()), Settings(data_dir=directory))
    return app.openapi()


def types(schema: dict[str, Any], schemas: dict[str, Any]) -> set[str]:
    """Return the JSON types that a value may have. A reference is an object."""
    if "$ref" in schema:
        return types(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return set().union(*(types(choice, schemas) for choice in schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return {"string"}
    return {str(schema.get("type", "anything"))}


def test_every_record_is_in_the_document() -> None:
    names = {
        kind.__name__
        for kind in vars(records).values()
        if isinstance(kind, type) and issubclass(kind, Record) and kind is not Record
    }
    assert names == {*SCHEMAS, "MemberResult"}


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_a_record_has_the_fields_of_its_schema(document: dict[str, Any], name: str, schema: str) -> None:
    """Their names, which of them may be missing, and the JSON types of each."""
    kind = getattr(records, name)
    ours, theirs = kind.model_json_schema(), document["components"]["schemas"][schema]
    fields = {field for field in theirs["properties"] if (name, field) not in OMITTED}
    assert set(ours["properties"]) == fields
    assert set(ours.get("required", ())) == set(theirs.get("required", ())) & fields
    optional = {"null"}  # an optional field may be None in the record
    for field in fields:
        sent = types(theirs["properties"][field], document["components"]["schemas"])
        read = types(ours["properties"][field], ours.get("$defs", {}))
        assert sent <= read <= sent | (set() if field in theirs.get("required", ()) else optional), field


def test_every_request_is_in_the_document(document: dict[str, Any]) -> None:
    """Its path, its method, and the names of its query parameters and headers."""
    options = SubmitOptions(priority=1, timeout_s=2.5, max_attempts=3, memory_mb=64, labels=("a", "b"))
    where = (("state", "queued"), ("task", "t"), ("label", "l"), ("batch", "b"), ("created_after", "x"))
    made: dict[str, list[Request[Any]]] = {
        "/jobs/fibonacci": [api.submit("fibonacci", {}, options, wait_s=5)],
        "/jobs/{id}": [api.job("1", wait_s=5), api.delete("1")],
        "/jobs/{id}/events": [api.job_events("1")],
        "/jobs/{id}/logs": [api.logs("1", 2)],
        "/jobs/{id}/result": [api.result("1")],
        "/jobs/{id}/cancel": [api.cancel("1")],
        "/jobs": [api.jobs((*where, ("created_before", "y")), limit=3, cursor="c")],
        "/events": [api.events()],
        "/batches": [api.submit_batch([], ("a",), wait_s=5), api.batches(limit=3, cursor="c")],
        "/batches/{id}": [api.batch("1", wait_s=5), api.delete_batch("1")],
        "/batches/{id}/events": [api.batch_events("1")],
        "/batches/{id}/results": [api.batch_results("1")],
        "/batches/{id}/cancel": [api.cancel_batch("1")],
        "/batches/{id}/manifest": [api.manifest("1", bsd=True, zero=True)],
        "/batches/{id}/report": [api.report("1")],
        "/batches/file-digest": [api.submit_files("*", options=options)],
        "/batches/file-digest/verify": [api.verify("", "sha256", options)],
        "/tasks": [api.tasks()],
        "/tasks/{task}": [api.task("1")],
        "/uploads/{name}": [api.delete_upload("1")],
        "/stats": [api.stats()],
    }
    for path, some in made.items():
        for call in some:
            described = document["paths"][path][call.method.lower()]
            known = {parameter["name"].lower() for parameter in described.get("parameters", ())}
            assert {name for name, _ in call.query} <= known, path
            headers = {name.lower() for name, _ in call.headers} - {"content-type", "accept", "cache-control"}
            assert headers <= known, path
            assert call.path == path.replace("{id}", "1").replace("{task}", "1").replace("{name}", "1")


def test_unknown_fields_are_ignored_but_kept_in_raw() -> None:
    sent = {"id": "1", "name": "x", "size": 3, "colour": "green"}
    upload = records.Upload.model_validate(sent)
    assert upload == records.Upload(id="1", name="x", size=3)
    assert upload.raw == sent


def test_lone_surrogates_are_kept() -> None:
    """They occur in file names that are not UTF-8, in an error for instance."""
    sent = {"type": "/problems/file-changed", "title": "t", "detail": "tw\udcff", "attempt": 1}
    assert records.JobError.model_validate(sent).detail == "tw\udcff"


@pytest.mark.parametrize("name", ["", ".", "..", "..."])
def test_a_name_of_dots_is_rejected_because_it_would_be_another_path(name: str) -> None:
    with pytest.raises(ValueError, match="is not an id"):
        api.job(name)


def test_a_name_is_one_segment_of_a_path() -> None:
    assert api.job("a/b?c=d").path == "/jobs/a%2Fb%3Fc%3Dd"
