"""`GET /jobs/{id}/logs`: what a job's attempts have printed and logged."""

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

PIECE_BYTES = 64 * 1024

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What moves the cursor, ends a line, or turns the direction of what comes after it; tabs and \\n aside."""

router = APIRouter(tags=["jobs"])


class LineView(BaseModel):
    """Something that an attempt has printed or logged."""

    at: str = Field(json_schema_extra={"format": "date-time"})
    attempt: int
    stream: str | None = Field(description="`stdout` or `stderr`, of what was printed")
    level: str | None = Field(description="of what was logged: `info`, `warning`, …")
    logger: str | None
    text: str
    unfinished: bool = Field(description="whether the line has no end yet, and may still go on or become another")


class LogsQuery(BaseModel):
    """Which lines."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attempt: Annotated[
        Annotated[int, Field(ge=1, le=MAX_ATTEMPTS)] | None,
        BeforeValidator(whole),
        Field(description="those of this attempt only", json_schema_extra=never_null),
    ] = None


@router.get(
    "/jobs/{id}/logs",
    dependencies=[strictly(LogsQuery)],
    operation_id="job_logs",
    summary="What it printed and logged",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "A line each; with `Accept: application/jsonl`, each a JSON object",
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
    """The newest 256 KiB or so of what each attempt has printed, or logged by `logging` from INFO on, oldest first.

    Also while it runs, and of attempts that were lost. Nothing where it has said nothing. The text only gets more at
    its end, until the oldest lines go: a line that is not finished is in it once its attempt has ended.
    """
    job = await state.service.get(caller, job_id)  # or the 404 would come too late
    as_json = accepts(request.headers, LINES)
    lines = state.service.read_logs(caller, job_id, query.attempt)
    written = (_jsonl(line) async for line in lines) if as_json else (_text(line) async for line in _final(lines, job))
    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(_pieces(written), headers=headers, media_type=LINES if as_json else TEXT)


async def _final(lines: AsyncIterator[LogLine], job: Job) -> AsyncIterator[LogLine]:
    """Those that stay as they are, so that who follows the text finds all that he has at its beginning."""
    async for line in lines:
        if not line.unfinished or job.state.terminal or line.attempt < job.attempt:
            yield line


async def _pieces(lines: AsyncIterator[str]) -> AsyncIterator[bytes]:
    piece = bytearray()
    async for line in lines:
        piece += line.encode(errors="backslashreplace") + b"\n"
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)


def _jsonl(line: LogLine) -> str:
    told = {
        "at": times.written(line.at),
        "attempt": line.attempt,
        "stream": line.stream,
        "level": line.level,
        "logger": line.logger,
        "text": line.text,
        "unfinished": line.unfinished,
    }
    return json.dumps(told)  # in ASCII, since many clients end a line wherever Unicode does, as at U+2028


def _text(line: LogLine) -> str:
    """Harmless in a terminal, and no text can look like another line."""
    source = line.stream or f"{line.level} {line.logger}"
    shown = f"{times.written(line.at)} [{line.attempt}] {source}: {line.text}".replace("\n", "\n    ")
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), shown)
