"""Every response with a status of 400 or above is `application/problem+json` (RFC 9457) and is made here."""

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import compile_path

from offload.api.contract.addresses import address, route_path
from offload.api.contract.validation import invalid
from offload.api.operations.rejections import count_rejected
from offload.api.transport.security_headers import SECURITY_HEADERS
from offload.errors import (
    BadRequestError,
    BodyTooLargeError,
    InternalError,
    MethodNotAllowedError,
    NotFoundError,
    NotReadyError,
    ProblemError,
)

MEDIA_TYPE = "application/problem+json"


def problem_type(name: str) -> str:
    """Returns the `type` of a problem: the path of the page that explains it."""
    return f"/problems/{name}"


def problem_response(request: Request, error: ProblemError) -> Response:
    """Returns the response for an error. Rejected submissions are counted here."""
    count_rejected(request.scope, error)
    headers = {"Cache-Control": "no-store", **error.headers}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    body = problem_body(error, address(quote(route_path(request.scope))))
    return Response(body, status_code=error.status, headers=headers, media_type=MEDIA_TYPE)


def problem_body(error: ProblemError, instance: str | None) -> bytes:
    """Returns the problem as JSON. `instance` is the requested path; None where the request could not be parsed."""
    members: dict[str, Any] = {
        "type": address(problem_type(error.type)),
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        **({} if instance is None else {"instance": instance}),
        **error.facts,
    }
    if error.errors is not None:
        members["errors"] = error.errors
    return json.dumps(members, ensure_ascii=False).encode(errors="backslashreplace")


def install(app: FastAPI) -> None:
    """Registers a handler for each kind of error."""
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _disconnected)
    app.add_exception_handler(RuntimeError, _no_thread)
    app.add_exception_handler(Exception, _internal_error)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101  # Starlette types handlers with Exception
    return problem_response(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as above
    return problem_response(request, invalid(error.errors()))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # as above
    return problem_response(request, _translate(request, error))


async def _disconnected(_: Request, __: Exception) -> Response:
    """The client disconnected during its request: this response is never read."""
    return Response(status_code=BadRequestError.status)


async def _no_thread(request: Request, error: Exception) -> Response:
    """The system allows no more threads for now (`ulimit -u`, `pids.max`). Any other error of this class is a bug."""
    if "can't start new thread" not in str(error):
        raise error
    return problem_response(request, NotReadyError("The system allows no more threads for now.", retry_after=1))


async def _internal_error(request: Request, _: Exception) -> Response:
    """A bug. Starlette raises the exception again after this response, and uvicorn logs the traceback.

    This response bypasses every middleware, so the security headers are added here.
    """
    headers = {name.decode(): value.decode() for name, value in SECURITY_HEADERS}
    error = InternalError("The service failed to handle this request. The reason is in its log.", headers=headers)
    return problem_response(request, error)


def _translate(request: Request, error: HTTPException) -> ProblemError:
    path = request.scope["path"]
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return NotFoundError(f"There is nothing at {path}. See GET /docs for the available calls.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = ", ".join(sorted(_methods(request)))
            return MethodNotAllowedError(f"{path} supports only {allowed}.", headers={"Allow": allowed})
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return BodyTooLargeError("The body is larger than this call accepts.")
        case _:
            return BadRequestError(error.detail)


def _methods(request: Request) -> set[str]:
    """Returns all methods of a path by the OpenAPI document: a route knows only its own. Undocumented paths have GET.

    A literal path takes precedence over a template: `/jobs/fibonacci` is not a job.
    """
    path, paths = route_path(request.scope), request.app.openapi()["paths"]
    templates = [path] if path in paths else [one for one in paths if compile_path(one)[0].match(path)]
    methods = {method.upper() for one in templates for method in paths[one]} or {"GET"}
    return methods | {"HEAD"} if "GET" in methods else methods
