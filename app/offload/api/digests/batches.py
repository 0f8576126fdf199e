"""`POST /batches/file-digest` and `/verify`: batches of files by a pattern, or by a manifest to verify."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from offload.api.batches.routes import BATCH_ACCEPTED, MAX_BYTES
from offload.api.contract.queries import never_null, strictly
from offload.api.contract.request_headers import KeyHeader, PreferHeader, checked_key
from offload.api.contract.validation import invalid_model
from offload.api.files.multipart import is_multipart
from offload.api.jobs.options import SubmitQuery, with_labels
from offload.api.jobs.responses import accepted_batch_response
from offload.api.state import AppState, Caller, State
from offload.api.transport.request_body import read_body, read_json, reject_encoded
from offload.digests.algorithms import Algorithm
from offload.digests.batches import MemberTemplate, find_members, read_members
from offload.digests.patterns import compile_pattern
from offload.digests.task import Algorithms
from offload.errors import UnsupportedMediaTypeError
from offload.jobs.acceptance.batches import BatchSubmission, Members
from offload.options import MAX_LABELS, OPTIONS, Label, identifying
from offload.tasks.strict_json import reject_ambiguous

TASK = "file-digest"

router = APIRouter(tags=["batches"])


class FilesBody(BaseModel):
    """The files, and the algorithms of their digests."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"pattern": "**/*", "algorithms": ["sha256"]}]}
    )

    pattern: str = Field(
        min_length=1,
        max_length=4096,
        description="A pattern of paths below the files directory, as in Python's `glob`: `*`, `?`, `[a-z]`, and `**` "
        "for any number of directories. A hidden name matches only if the pattern has the dot.",
    )
    algorithms: Algorithms = ["sha256"]
    labels: Annotated[list[Label], Field(max_length=MAX_LABELS)] = []


class VerifyQuery(SubmitQuery):
    """The options of each member, and the algorithm of the manifest."""

    algorithm: Annotated[
        Algorithm | None,
        Field(
            description="for lines that do not name one; default: the usual one for the number of digits",
            json_schema_extra=never_null,
        ),
    ] = None


_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": FilesBody.model_json_schema()}}}}

_MANIFEST = {
    "requestBody": {
        "required": True,
        "content": {"text/plain": {"schema": {"type": "string"}, "example": f"{'0' * 64}  hello.txt\n"}},
    }
}


@router.post(
    "/batches/file-digest",
    dependencies=[strictly(SubmitQuery)],
    operation_id="submit_file_batch",
    summary="Digest all files that match a pattern",
    status_code=202,
    responses=BATCH_ACCEPTED,
    openapi_extra=_BODY,
)
async def submit_files(
    request: Request,
    state: State,
    caller: Caller,
    query: Annotated[SubmitQuery, Query()],
    idempotency_key: KeyHeader = None,
    prefer: PreferHeader = None,
) -> Response:
    """A job for each regular file below the files directory that matches, 10,000 at most, in the order of their names.

    Symbolic links are not followed. A directory that can't be read becomes a job that fails.
    """
    settings = state.settings
    key = checked_key(idempotency_key)
    example = '{"pattern": "photos/**/*.jpg", "algorithms": ["sha256"]}'
    raw = await read_json(
        request, max_bytes=settings.body_max_kb * 1024, within_s=settings.body_timeout_s, example=example
    )
    body = _parse(raw)
    pattern = compile_pattern(body.pattern)
    template = _template(state, caller.owner, query, body.labels)
    find = partial(find_members, template, settings.files_dir, pattern, body.algorithms)
    submission = BatchSubmission(
        members=partial(_find, state, find),
        kind="file-digest",
        options=template.options,
        labels=template.options.get("labels", ()),
        owner=caller.owner,
        key=key,
        content=identifying_content(query, [body.pattern, body.algorithms]),
    )
    return await accepted_batch_response(state, await state.batches.submit(submission), caller, prefer)


@router.post(
    "/batches/file-digest/verify",
    dependencies=[strictly(VerifyQuery)],
    operation_id="submit_verification",
    summary="Verify a manifest",
    status_code=202,
    responses=BATCH_ACCEPTED,
    openapi_extra=_MANIFEST,
)
async def submit_verification(
    request: Request,
    state: State,
    caller: Caller,
    query: Annotated[VerifyQuery, Query()],
    idempotency_key: KeyHeader = None,
    prefer: PreferHeader = None,
) -> Response:
    """A job for each line of a manifest of `sha256sum` or a compatible tool: GNU or BSD form, with or without `--zero`.

    A file that is missing or can't be read becomes a job that fails. `GET /batches/{id}/report` shows all of them.
    """
    key = checked_key(idempotency_key)
    _check_form(request)
    body = await read_body(request, max_bytes=MAX_BYTES, within_s=state.settings.body_timeout_s)
    template = _template(state, caller.owner, query, ())
    find = partial(read_members, template, state.places, body, query.algorithm)
    submission = BatchSubmission(
        members=partial(_find, state, find),
        kind="verify",
        options=template.options,
        labels=template.options.get("labels", ()),
        owner=caller.owner,
        key=key,
        content=identifying_content(query, [hashlib.blake2b(body).hexdigest()]) if key else b"",
    )
    return await accepted_batch_response(state, await state.batches.submit(submission), caller, prefer)


async def _find(state: AppState, find: Callable[[], Members]) -> Members:
    """Call `find` in a thread, for one request at a time."""
    async with state.one_walk:
        return await asyncio.to_thread(find)


def _parse(raw: bytes) -> FilesBody:
    try:
        body = FilesBody.model_validate_json(raw, strict=True)
        reject_ambiguous(raw, body)
    except ValidationError as error:
        raise invalid_model(error, "body", known=FilesBody.model_fields) from None
    return body


def _template(state: AppState, owner: str | None, query: SubmitQuery, labels: Sequence[str]) -> MemberTemplate:
    options = with_labels(query.options(), labels, "labels")
    return MemberTemplate(task=state.registry[TASK], options=options, owner=owner)


def identifying_content(query: SubmitQuery, values: Sequence[Any]) -> bytes:
    """Return what makes two requests the same, whatever files they find. Journals hold fingerprints of these bytes."""
    always, later = identifying(query.options())
    named = {OPTIONS[name].query: value for name, value in always.items()} | query.model_dump(include={"algorithm"})
    return json.dumps([named | later, *values]).encode()


def _check_form(request: Request) -> None:
    if is_multipart(request.headers.get("content-type", "")):
        raise UnsupportedMediaTypeError("Send the manifest itself; with curl, --data-binary @SHA256SUMS.")
    reject_encoded(request)
