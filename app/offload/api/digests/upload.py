"""`POST /jobs/file-digest/upload`: uploads a file and submits the job that digests it, in one request."""

import json
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from pydantic import ValidationError

from offload.api.contract.openapi import ACCEPTED, ACCEPTING, READING, problems
from offload.api.contract.queries import never_null, strictly
from offload.api.contract.request_headers import KeyHeader, PreferHeader, checked_key
from offload.api.contract.validation import invalid_model
from offload.api.files.multipart import is_multipart
from offload.api.files.receiving import FILE_FIELD, Fields, receiving, wrong_field
from offload.api.files.uploads import FILE
from offload.api.jobs.options import SubmitQuery
from offload.api.jobs.responses import accepted_job_response
from offload.api.state import Caller, State
from offload.errors import BadRequestError, DigestMismatchError, ProblemError, UnsupportedMediaTypeError
from offload.jobs.acceptance.submission import Submission
from offload.tasks.definition import Params, Task

KNOWN = (FILE_FIELD, "algorithms", "expected")


def add_upload_submit_route(app: FastAPI, task: Task) -> None:
    """Adds the route for the task `file-digest`."""

    @app.post(
        f"/jobs/{task.name}/upload",
        dependencies=[strictly(SubmitQuery)],
        operation_id=f"submit_{task.name.replace('-', '_')}_upload",
        summary=f"Upload a file and submit {task.name}",
        tags=["submit"],
        status_code=202,
        responses={**ACCEPTED, **problems(BadRequestError, *READING, DigestMismatchError, *ACCEPTING)},
        openapi_extra=_form(task),
    )
    async def submit_upload(
        request: Request,
        state: State,
        caller: Caller,
        query: Annotated[SubmitQuery, Query()],
        idempotency_key: KeyHeader = None,
        prefer: PreferHeader = None,
    ) -> Response:
        """The upload belongs to the job and is deleted with it. `algorithms` is repeatable or a list with commas."""
        state.service.check_open()
        key = checked_key(idempotency_key)
        _check_form(request)
        async with receiving(request, state, caller.owner, digest=key is not None) as upload:
            members = read_fields(upload.fields)
            params = _parse(task, members | {"upload": upload.id})
        submission = Submission(
            task=task,
            params=params.text,
            values=params.values,
            options=query.options(),
            owner=caller.owner,
            key=key,
            content=upload.digest + json.dumps(members, sort_keys=True).encode() if key is not None else b"",
        )
        try:
            accepted = await state.service.submit(submission)
        except ProblemError:
            await state.uploads.remove(upload.id)
            raise
        if accepted.replayed:
            await state.uploads.remove(upload.id)
        return await accepted_job_response(state, accepted, caller, prefer)


def _check_form(request: Request) -> None:
    if not is_multipart(request.headers.get("content-type", "")):
        raise UnsupportedMediaTypeError(f"Send a form as multipart/form-data; with curl, use -F {FILE_FIELD}=@NAME.")


def read_fields(fields: Fields) -> dict[str, Any]:
    """Reads the parameters from the fields of a form. Empty fields are ignored. Raises `InvalidParametersError`."""
    unknown = next((name for name in fields if name not in KNOWN), None)
    if unknown is not None:
        raise wrong_field(unknown[:100], f"Unknown field; valid names are {', '.join(KNOWN)}")
    members: dict[str, Any] = {}
    names = [name.strip() for value in fields.get("algorithms", ()) for name in value.split(",") if name.strip()]
    if names:
        members["algorithms"] = names
    values = filter(None, map(str.strip, fields.get("expected", ())))
    pairs = [pair for value in values for pair in _expected(value)]
    if len(dict(pairs)) < len(pairs):
        raise wrong_field("expected", "Each algorithm may be given only once")
    if pairs:
        members["expected"] = dict(pairs)
    return members


def _expected(value: str) -> list[tuple[str, Any]]:
    if value.startswith("{"):
        try:
            members: list[tuple[str, Any]] = json.loads(value, object_pairs_hook=list)
        except (ValueError, RecursionError):
            raise wrong_field("expected", "This is not a JSON object") from None
        return members
    algorithm, colon, digest = value.partition(":")
    if not colon:
        raise wrong_field("expected", 'Send a JSON object, such as {"sha256": "…"}, or sha256:…')
    return [(algorithm.strip(), digest.strip())]


def _parse(task: Task, members: dict[str, Any]) -> Params:
    try:
        return task.read(json.dumps(members).encode())
    except ValidationError as error:
        raise invalid_model(error, "body", known=KNOWN) from None


def _form(task: Task) -> dict[str, Any]:
    """Describes the form: the file, and the parameters of the task except the source of the file."""
    schema = task.params_schema
    properties: dict[str, Any] = {"file": FILE}
    for name in KNOWN[1:]:
        properties[name] = dict(schema["properties"][name])
        never_null(properties[name])
    # Swagger UI shows these examples. Without them, it would show invalid digests.
    properties["algorithms"]["examples"] = [["sha256"]]
    properties["expected"]["examples"] = [{}]
    form = {"type": "object", "properties": properties, "required": ["file"], "additionalProperties": False}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}}}
