"""The document's `links`: what can be done next with what an answer has told, so that a client can be led by it.

They hang on what a response holds, not on routes: whatever answers with a job leads on as every other does.
"""

from collections.abc import Mapping
from typing import Any

Link = dict[str, Any]
"""As OpenAPI has it."""

_JOB_CALLS = {
    "job": ("get_job", "Look at it, or wait for it."),
    "result": ("get_result", "Fetch its result, once it has succeeded."),
    "events": ("job_events", "Follow it."),
    "logs": ("job_logs", "Read what it has printed and logged."),
    "cancel": ("cancel_job", "Stop it, as long as it is live."),
    "delete": ("delete_job", "Forget it, once it is terminal."),
}

_BATCH_CALLS = {
    "batch": ("get_batch", "Look at it, or wait for it."),
    "results": ("batch_results", "Fetch the results of its members."),
    "events": ("batch_events", "Follow it."),
    "cancel": ("cancel_batch", "Stop what is live of it."),
    "delete": ("delete_batch", "Forget it, once it is done."),
}


def _link(operation: str, description: str, **parameters: str) -> Link:
    return {"operationId": operation, "description": description, "parameters": parameters}


_LINKS: Mapping[str, dict[str, Link]] = {
    "JobView": {
        **{name: _link(call, told, id="$response.body#/id") for name, (call, told) in _JOB_CALLS.items()},
        "alike": _link("list_jobs", "List the jobs of the same task.", task="$response.body#/task"),
    },
    "BatchView": {name: _link(call, told, id="$response.body#/id") for name, (call, told) in _BATCH_CALLS.items()}
    | {"members": _link("list_jobs", "List its members.", batch="$response.body#/id")},
    "UploadView": {
        "upload": _link("get_upload", "Look at it.", name="$response.body#/id"),
        "delete": _link("delete_upload", "Forget it, unless a live job reads it.", name="$response.body#/id"),
        "digest": {
            "operationId": "submit_file_digest",
            "description": "Have it digested.",
            "requestBody": {"upload": "$response.body#/id"},
        },
    },
    "TasksView": {"task": _link("get_task", "Look at the first one.", task="$response.body#/tasks/0/name")},
}
"""By the name of the schema that a response has. Only what is in every such answer can lead on: a list may be empty."""


def add_links(document: dict[str, Any]) -> None:
    """Adds links to every response whose schema leads somewhere."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                schema = response.get("content", {}).get("application/json", {}).get("schema", {})
                links = _LINKS.get(schema.get("$ref", "").rpartition("/")[2])
                if links is not None:
                    response["links"] = links
