"""The OpenAPI document: FastAPI's, completed with the problems and headers of each response."""

from collections import defaultdict
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field

from offload.api.batches.schema import add_batch_members
from offload.api.contract.links import add_links
from offload.api.contract.problems import MEDIA_TYPE, problem_type
from offload.api.jobs.views import JobView
from offload.api.transport.authentication import is_open
from offload.errors import (
    BodyTooLargeError,
    CrossSiteRefusedError,
    FileNotFoundProblemError,
    IdempotencyInFlightError,
    IdempotencyKeyReusedError,
    InternalError,
    InvalidParametersError,
    NotARegularFileError,
    PathRefusedError,
    ProblemError,
    QueueFullError,
    QuotaExceededError,
    StoppingError,
    StorageFailedError,
    StorageFullError,
    TooExpensiveError,
    UnauthorizedError,
    UnsupportedMediaTypeError,
    UploadNotFoundError,
    UploadTooSlowError,
)
from offload.server.settings import Settings
from offload.tasks.registry import Registry

Responses = dict[int | str, dict[str, Any]]
"""FastAPI's `responses`, by status."""


class ErrorAt(BaseModel):
    """One error in a request, and its location."""

    loc: list[str | int]
    msg: str


class Problem(BaseModel):
    """Why a request failed (RFC 9457)."""

    type: str = Field(description="path of a page that explains the problem")
    title: str
    status: int
    detail: str
    instance: str
    errors: list[ErrorAt] | None = None


READING: tuple[type[ProblemError], ...] = (
    UploadTooSlowError,
    BodyTooLargeError,
    UnsupportedMediaTypeError,
    InvalidParametersError,
)
"""Errors of reading a body."""

ACCEPTING: tuple[type[ProblemError], ...] = (
    IdempotencyInFlightError,
    TooExpensiveError,
    IdempotencyKeyReusedError,
    QuotaExceededError,
    QueueFullError,
    StoppingError,
    StorageFailedError,
    StorageFullError,
)
"""Errors of accepting a job."""

EXAMINING: tuple[type[ProblemError], ...] = (
    UploadNotFoundError,
    PathRefusedError,
    FileNotFoundProblemError,
    NotARegularFileError,
)
"""Errors of checking the files that a task reads."""

_TEXT: dict[str, Any] = {"schema": {"type": "string"}}
ETAG = {"ETag": {"description": "identifies these bytes; for `If-None-Match`", **_TEXT}}
RETRY = {
    "Retry-After": {
        "description": "seconds after which to poll again, until it has finished",
        "schema": {"type": "integer"},
    }
}

_LATER = {"Retry-After": {"description": "seconds after which to try again", "schema": {"type": "integer"}}}
_PROBLEM_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "`Bearer`", **_TEXT}},
    409: _LATER,
    416: {"Content-Range": {"description": "`bytes */N`: the size of the result", **_TEXT}},
    429: _LATER,
    503: _LATER,
}


def accepted(model: type[BaseModel], what: str) -> Responses:
    """Returns the responses to an accepted submission of `what` (a job, a batch)."""
    headers = {
        "Location": {"description": f"address of the {what}", **_TEXT},
        "Preference-Applied": {"description": "`wait=N`, as applied", **_TEXT},
        "Idempotency-Replayed": {"description": f"`true` if an earlier request created the {what}", **_TEXT},
    }
    return {
        200: {
            "model": model,
            "description": f"The {what} has finished within the preferred wait",
            "headers": headers,
        },
        202: {"model": model, "description": f"The {what} is on disk", "headers": {**headers, **RETRY}},
    }


ACCEPTED = accepted(JobView, "job")


def problems(*errors: type[ProblemError]) -> Responses:
    """Returns the responses for these errors and for an internal error."""
    by_status: dict[int, list[type[ProblemError]]] = defaultdict(list)
    everything: list[type[ProblemError]] = [*errors, InternalError]
    for error in everything:
        by_status[error.status].append(error)
    return {status: _response(status, of_status) for status, of_status in sorted(by_status.items())}


def _response(status: int, errors: list[type[ProblemError]]) -> dict[str, Any]:
    examples = {
        error.type: {
            "summary": error.title,
            "value": {
                "type": problem_type(error.type),
                "title": error.title,
                "status": status,
                "detail": " ".join((error.__doc__ or "").split()),
                "instance": "/…",
            },
        }
        for error in errors
    }
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}}
    response = {"description": " · ".join(error.title for error in errors), "content": content}
    return response | {"headers": _PROBLEM_HEADERS[status]} if status in _PROBLEM_HEADERS else response


def describe(app: FastAPI, settings: Settings, registry: Registry) -> dict[str, Any]:
    """Returns the document. It is built once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, summary=app.summary, description=app.description, routes=app.routes
        )
        schemas: dict[str, Any] = document["components"]["schemas"]
        for model in (ErrorAt, Problem):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            schema.pop("$defs", None)
            schemas[model.__name__] = schema
        _correct(document)
        add_batch_members(document, registry, settings)
        _bound(document, settings)
        _secure(document, settings)
        add_links(document)
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = document
    return app.openapi_schema


def _correct(document: dict[str, Any]) -> None:
    """Removes the 422 that FastAPI adds to every call with parameters: an id may be any text, and is then a 404."""
    for path in document["paths"].values():
        for operation in path.values():
            if MEDIA_TYPE not in operation["responses"].get("422", {}).get("content", {}):
                operation["responses"].pop("422", None)


def _bound(document: dict[str, Any], settings: Settings) -> None:
    """Adds the maximums of this server's settings to the query parameters."""
    most = {"timeout_s": settings.max_timeout_s, "memory_mb": settings.memory_mb}
    for path in document["paths"].values():
        for parameter in path.get("post", {}).get("parameters", ()):
            if parameter["in"] == "query" and parameter["name"] in most:
                parameter["schema"]["maximum"] = most[parameter["name"]]


_KEYS = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer KEY`"},
    "header": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "the same key in another header",
    },
}


def _secure(document: dict[str, Any], settings: Settings) -> None:
    """Documents authentication. Without keys, every call is open but for pages of other sites."""
    document["components"]["securitySchemes"] = _KEYS
    ways: list[dict[str, list[str]]] = [{name: []} for name in _KEYS]
    for path, operations in document["paths"].items():
        if not is_open(path):
            for operation in operations.values():
                operation["security"] = ways if settings.has_keys else [{}, *ways]
                operation["responses"]["401"] = _response(UnauthorizedError.status, [UnauthorizedError])
                if not settings.has_keys:
                    operation["responses"]["403"] = _response(CrossSiteRefusedError.status, [CrossSiteRefusedError])
