"""`GET /jobs/{id}/logs`: the output and log of a job's attempts."""

import json
import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from offload.api.contract import times
from offload.api.contract.openapi import problems
from offload.api.contract.queries import JobId, never_null, strictly, whole
from offload.api.contract.request_headers import accepts
from offload.api.state import Caller, State
from offload.errors import InvalidParametersError, JobNotFoundError
from offload.jobs.model import Job, LogLine
from offload.options import MAX_ATTEMPTS

LINES = "application/jsonl"
TEXT = "text/plain; charset=utf-8"

CHUNK_BYTES = 64 * 1024

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that move the cursor, end a line or change the direction of text, except tabs and \\n."""

router = APIRouter(tags=["jobs"])


class LineView(BaseModel):
    """A line that an attempt has printed or logged."""

    at: str = Field(json_schema_extra={"format": "date-time"})
    attempt: int
    stream: str | None = Field(description="`stdout` or `stderr` if it was printed")
    level: str | None = Field(description="`info`, `warning`, … if it was logged")
    logger: str | None
    text: str
    unfinished: bool = Field(description="whether the line is incomplete and may still change")


class LogsQuery(BaseModel):
    """The lines to return."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempt: Annotated[
        Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] | None,
        BeforeValidator(whole),
        Field(description="only the lines of this attempt", json_schema_extra=never_null),
    ] = None


@router.get(
    "/jobs/{id}/logs",
    dependencies=[strictly(LogsQuery)],
    operation_id="job_logs",
    summary="Get what a job has printed and logged",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Lines of text; with `Accept: application/jsonl`, JSON objects",
            "content": {
                "text/plain": {"schema": {"type": "string"}},
                LINES: {"itemSchema": LineView.model_json_schema()},
            },
        },
        **problems(JobNotFoundError, InvalidParametersError),
    },
)
async def job_logs(
    state: State, caller: Caller, job_id: JobId, query: Annotated[LogsQuery, Query()], request: Request
) -> StreamingResponse:
    """The newest 256 KiB or so of what each attempt has printed, or logged with `logging` from INFO on, oldest first.

    This includes attempts that are running or were lost. The text only grows at its end, until the oldest lines are
    removed: an incomplete line is added when its attempt has ended.
    """
    job = await state.service.get(caller, job_id)  # once the stream has started, it is too late for a 404
    as_json = accepts(request.headers, LINES)
    lines = state.service.read_logs(caller, job_id, query.attempt)
    written = (_jsonl(line) async for line in lines) if as_json else (_text(line) async for line in _final(lines, job))
    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(_chunks(written), headers=headers, media_type=LINES if as_json else TEXT)


async def _final(lines: AsyncIterator[LogLine], job: Job) -> AsyncIterator[LogLine]:
    """Yields the lines that will not change, so that the text only grows at its end."""
    async for line in lines:
        if not line.unfinished or job.state.terminal or line.attempt < job.attempt:
            yield line


async def _chunks(lines: AsyncIterator[str]) -> AsyncIterator[bytes]:
    chunk = bytearray()
    async for line in lines:
        chunk += line.encode(errors="backslashreplace") + b"\n"
        if len(chunk) >= CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)


def _jsonl(line: LogLine) -> str:
    members = {
        "at": times.written(line.at),
        "attempt": line.attempt,
        "stream": line.stream,
        "level": line.level,
        "logger": line.logger,
        "text": line.text,
        "unfinished": line.unfinished,
    }
    return json.dumps(members)  # in ASCII: many clients also end a line at other characters, such as U+2028


def _text(line: LogLine) -> str:
    """Returns the line as text that is safe in a terminal and can't look like several lines."""
    source = line.stream or f"{line.level} {line.logger}"
    shown = f"{times.written(line.at)} [{line.attempt}] {source}: {line.text}".replace("\n", "\n    ")
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), shown)
