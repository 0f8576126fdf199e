"""Every answer from 400 on is `application/problem+json` (RFC 9457), made here."""

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

from offload.api.contract.validation import invalid
from offload.api.operations.refusals import count_refused
from offload.api.transport.security_headers import SAFE_HEADERS
from offload.errors import (
    BadRequestError,
    BodyTooLargeError,
    InternalError,
    MethodNotAllowedError,
    NotFoundError,
    ProblemError,
)

MEDIA_TYPE = "application/problem+json"


def problem_type(name: str) -> str:
    """The `type` of a problem: the path of the page that explains it."""
    return f"/problems/{name}"


def problem_response(request: Request, error: ProblemError) -> Response:
    """The answer that tells of an error; every refusal of a submission is counted here."""
    count_refused(request.scope, error)
    headers = {"Cache-Control": "no-store", **error.headers}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    body = problem_body(error, quote(request.scope["path"]))
    return Response(body, status_code=error.status, headers=headers, media_type=MEDIA_TYPE)


def problem_body(error: ProblemError, instance: str | None) -> bytes:
    """The problem object; `instance` is the path asked for, None where the request could not be read so far."""
    members: dict[str, Any] = {
        "type": problem_type(error.type),
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
    """Gives the app one handler for each kind of error that can reach it."""
    app.add_exception_handler(ProblemError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _fault)


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101  # Starlette's type of a handler knows only Exception
    return problem_response(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as above
    return problem_response(request, invalid(error.errors()))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # as above
    return problem_response(request, _translate(request, error))


async def _gone(_: Request, __: Exception) -> Response:
    """The client hung up in the middle of its request: nobody reads this answer."""
    return Response(status_code=BadRequestError.status)


async def _fault(request: Request, _: Exception) -> Response:
    """A bug. Starlette raises the exception again after this answer, and the server logs it with its traceback.

    It answers outside of every middleware.
    """
    headers = {name.decode(): value.decode() for name, value in SAFE_HEADERS}
    error = InternalError("The service failed at this request. Its log says why.", headers=headers)
    return problem_response(request, error)


def _translate(request: Request, error: HTTPException) -> ProblemError:
    path = request.scope["path"]
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return NotFoundError(f"There is nothing at {path}. GET /docs shows what there is.")
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = ", ".join(sorted(_methods(request)))
            return MethodNotAllowedError(f"{path} takes {allowed}, not {request.method}.", headers={"Allow": allowed})
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return BodyTooLargeError("The body is larger than this call takes.")
        case _:
            return BadRequestError(error.detail)


def _methods(request: Request) -> set[str]:
    """All methods of a path, by the OpenAPI document: each route knows only its own. What that leaves out takes GET.

    A path that is there by its own name is not also what a template means: `/jobs/fibonacci` is no job.
    """
    path, paths = request.scope["path"], request.app.openapi()["paths"]
    templates = [path] if path in paths else [one for one in paths if compile_path(one)[0].match(path)]
    methods = {method.upper() for one in templates for method in paths[one]} or {"GET"}
    return methods | {"HEAD"} if "GET" in methods else methods
