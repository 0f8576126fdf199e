"""`GET /jobs/{id}/result`: the whole result or a range of it, from memory or from its file."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import structlog
from fastapi import APIRouter, Header, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from offload.api.contract.openapi import ETAG, problems
from offload.api.contract.queries import JobId
from offload.api.jobs.responses import none_match
from offload.api.state import AppState, Caller, State
from offload.api.transport.ranges import Part, wanted
from offload.errors import (
    InternalError,
    JobCancelledError,
    JobFailedError,
    JobNotFinishedError,
    JobNotFoundError,
    RangeNotSatisfiableError,
)
from offload.jobs.model import Job

CHUNK_BYTES = 128 * 1024
"""One or two chunks are in memory for each client that reads slowly. Larger ones are hardly faster."""

router = APIRouter(tags=["jobs"])
log = structlog.get_logger()

_HEADERS = {**ETAG, "Accept-Ranges": {"description": "`bytes`", "schema": {"type": "string"}}}
_CONTENT_RANGE = {"Content-Range": {"description": "the range and the total size", "schema": {"type": "string"}}}


@router.get(
    "/jobs/{id}/result",
    operation_id="get_result",
    summary="Fetch a result",
    response_description="The whole result, as JSON",
    responses={
        200: {"headers": _HEADERS},
        206: {
            "description": "The requested range",
            "headers": {**_HEADERS, **_CONTENT_RANGE},
            "content": {"application/json": {"schema": {"type": "string", "format": "binary"}}},
        },
        304: {"description": "Not modified", "headers": ETAG},
        **problems(JobNotFoundError, JobNotFinishedError, JobFailedError, JobCancelledError, RangeNotSatisfiableError),
    },
)
async def get_result(
    state: State,
    caller: Caller,
    job_id: JobId,
    byte_range: Annotated[str | None, Header(alias="Range", include_in_schema=False)] = None,
    if_range: Annotated[str | None, Header(include_in_schema=False)] = None,
    if_none_match: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """The result of the task and nothing else. `Range` returns a part of it: a large download can be resumed."""
    job, source = await state.service.get_result(caller, job_id)
    tag = f'"{job.id}.{job.attempt}"'  # a result never changes
    headers = {"ETag": tag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
    if none_match(if_none_match, tag.encode()):
        return Response(status_code=304, headers=headers)
    if isinstance(source, bytes):
        part = wanted(byte_range, if_range, tag, len(source))
        headers |= _part_headers(part, len(source))
        body = source if part is None else source[part.start : part.end]
        return Response(body, 206 if part else 200, headers, "application/json")
    descriptor, size = await open_result(state, caller, job, source)
    try:
        part = wanted(byte_range, if_range, tag, size)
    except RangeNotSatisfiableError:
        os.close(descriptor)
        raise
    headers |= _part_headers(part, size)
    return _FilePart(descriptor, part or Part(0, size), 206 if part else 200, headers)


class _FilePart(StreamingResponse):
    """A part of an open file. The file is always closed, even if the client disconnects before the first byte."""

    def __init__(self, descriptor: int, part: Part, status: int, headers: dict[str, str]) -> None:
        super().__init__(read_part(descriptor, part), status, headers, "application/json")
        self._descriptor = descriptor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            os.close(self._descriptor)


def _part_headers(part: Part | None, size: int) -> dict[str, str]:
    if part is None:
        return {"Content-Length": str(size)}
    return {"Content-Length": str(part.end - part.start), "Content-Range": f"bytes {part.start}-{part.end - 1}/{size}"}


async def open_result(state: AppState, caller: Caller, job: Job, path: Path) -> tuple[int, int]:
    """Opens the file of a result. Returns its descriptor and size.

    Raises `JobNotFoundError` if the job has been deleted, and `InternalError` if the file is missing or incomplete.
    """
    try:
        return await asyncio.to_thread(_open_file, path, job.result_bytes)
    except OSError as error:
        await state.service.get(caller, job.id)
        log.error("result file is lost", job_id=job.id, path=str(path), why=str(error))  # noqa: TRY400  # a traceback adds nothing
        raise InternalError(
            f"The file with the result of job {job.id} is missing or incomplete. Run the job again."
        ) from error


def _open_file(path: Path, size: int | None) -> tuple[int, int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    found = os.fstat(descriptor).st_size
    if found != size:
        os.close(descriptor)
        raise OSError(f"it has {found} bytes instead of {size}")
    return descriptor, found


async def read_part(descriptor: int, part: Part) -> AsyncIterator[bytes]:
    """Yields the bytes in chunks, each read in a thread."""
    at = part.start
    while at < part.end:
        chunk = await asyncio.to_thread(os.pread, descriptor, min(CHUNK_BYTES, part.end - at), at)
        if not chunk:
            raise OSError("the result file was cut short while it was read")
        yield chunk
        at += len(chunk)
