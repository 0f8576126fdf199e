"""`POST /jobs/{task}`: a typed route for each registered task."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated

from fastapi import Body, FastAPI, Query, Request, Response
from fastapi.openapi.models import Example
from pydantic import ValidationError

from offload.api.contract.openapi import ACCEPTED, ACCEPTING, EXAMINING, READING, problems
from offload.api.contract.queries import read_query
from offload.api.contract.request_headers import KeyHeader, PreferHeader, checked_key
from offload.api.contract.validation import invalid_model
from offload.api.jobs.options import SubmitQuery
from offload.api.jobs.responses import accepted_job_response
from offload.api.state import Caller, State, app_state
from offload.api.transport.fast_path import FastRequest, FastRoute
from offload.api.transport.request_body import read_json
from offload.errors import TaskNotFoundError
from offload.jobs.acceptance.submission import Submission
from offload.tasks.definition import Params, Task
from offload.tasks.registry import Registry

NO_OPTIONS = SubmitQuery()

QueryOptions = Annotated[SubmitQuery, Query()]


def add_submit_routes(app: FastAPI, registry: Registry) -> None:
    """Adds a route for each task, and one for other names, whose error lists the tasks."""
    for task in registry.values():
        app.router.routes.append(submit_route(task))

    @app.post("/jobs/{task}", include_in_schema=False)
    async def submit_unknown(task: str) -> Response:
        raise task_not_found(registry, task)


def task_not_found(registry: Registry, name: str) -> TaskNotFoundError:
    """Returns the error for a name that no task has. It suggests a similar name."""
    shown = name[:100]  # comparing a megabyte with each name would block the event loop
    close = get_close_matches(shown, registry, n=1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    return TaskNotFoundError(f"There is no task {shown!r}.{guess} Tasks: {', '.join(registry)}.")


def submit_route(task: Task) -> FastRoute:
    """Returns the route that submits one task."""

    async def submit(
        *,
        state: State,
        caller: Caller,
        params: Params,
        query: QueryOptions,
        idempotency_key: KeyHeader = None,
        prefer: PreferHeader = None,
    ) -> Response:
        submission = Submission(
            task=task,
            params=params.text,
            values=params.values,
            options=query.options(),
            owner=caller.owner,
            key=checked_key(idempotency_key),
        )
        return await accepted_job_response(state, await state.service.submit(submission), caller, prefer)

    # FastAPI describes the body by this annotation, which depends on the task.
    examples: dict[str, Example] | None = {"example": {"value": task.example}} if task.example else None
    submit.__annotations__["params"] = Annotated[task.params, Body(openapi_examples=examples)]
    submit.__doc__ = task.description
    example = json.dumps(task.example)
    known = [field.alias or name for name, field in task.params.model_fields.items()]

    async def read(request: Request) -> bytes:
        settings = app_state(request).settings
        return await read_json(
            request, max_bytes=settings.body_max_kb * 1024, within_s=settings.body_timeout_s, example=example
        )

    def arguments(request: FastRequest) -> Mapping[str, object]:
        try:
            params = task.read(request.body)
        except ValidationError as error:
            raise invalid_model(error, "body", known=known) from None
        return {
            "state": request.state,
            "caller": request.caller,
            "params": params,
            "query": read_query(SubmitQuery, request.query) if request.query else NO_OPTIONS,
            "idempotency_key": request.text(b"idempotency-key"),
            "prefer": request.text(b"prefer"),
        }

    return FastRoute(
        f"/jobs/{task.name}",
        submit,
        read=read,
        arguments=arguments,
        methods=["POST"],
        status_code=202,
        tags=["submit"],
        operation_id=f"submit_{task.name.replace('-', '_')}",
        summary=task.summary or task.name,
        responses={**ACCEPTED, **problems(*READING, *(EXAMINING if task.examine else ()), *ACCEPTING)},
    )
