"""OpenAPI `links`: the calls that a client can make next with values of a response.

They depend on the schema of a response, not on the route: every response with a job has the same links.
"""

from collections.abc import Mapping
from typing import Any

Link = dict[str, Any]
"""A Link Object of OpenAPI."""

_JOB_CALLS = {
    "job": ("get_job", "Get it, or wait for it."),
    "result": ("get_result", "Get its result, once it has succeeded."),
    "events": ("job_events", "Follow it."),
    "logs": ("job_logs", "Read what it has printed and logged."),
    "cancel": ("cancel_job", "Cancel it while it is queued or running."),
    "delete": ("delete_job", "Delete it, once it has finished."),
}

_BATCH_CALLS = {
    "batch": ("get_batch", "Get it, or wait for it."),
    "results": ("batch_results", "Get the results of its jobs."),
    "events": ("batch_events", "Follow it."),
    "cancel": ("cancel_batch", "Cancel its queued and running jobs."),
    "delete": ("delete_batch", "Delete it, once it is done."),
}


def _link(operation: str, description: str, **parameters: str) -> Link:
    return {"operationId": operation, "description": description, "parameters": parameters}


_LINKS: Mapping[str, dict[str, Link]] = {
    "JobView": {
        **{name: _link(call, text, id="$response.body#/id") for name, (call, text) in _JOB_CALLS.items()},
        "alike": _link("list_jobs", "List the jobs of the same task.", task="$response.body#/task"),
    },
    "BatchView": {name: _link(call, text, id="$response.body#/id") for name, (call, text) in _BATCH_CALLS.items()}
    | {"members": _link("list_jobs", "List its jobs.", batch="$response.body#/id")},
    "UploadView": {
        "upload": _link("get_upload", "Get it.", name="$response.body#/id"),
        "delete": _link("delete_upload", "Delete it, unless a live job reads it.", name="$response.body#/id"),
        "digest": {
            "operationId": "submit_file_digest",
            "description": "Submit a job that digests it.",
            "requestBody": {"upload": "$response.body#/id"},
        },
    },
    "TasksView": {"task": _link("get_task", "Get the first task.", task="$response.body#/tasks/0/name")},
}
"""By the name of a response's schema. A link can use only values that every such response has: a list may be empty."""


def add_links(document: dict[str, Any]) -> None:
    """Adds links to every response that has some."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                schema = response.get("content", {}).get("application/json", {}).get("schema", {})
                links = _LINKS.get(schema.get("$ref", "").rpartition("/")[2])
                if links is not None:
                    response["links"] = links
