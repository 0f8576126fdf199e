"""The results of a batch as JSON lines: one for each job in the order of submission, never all in memory."""

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from offload.api.batches.views import line_around
from offload.api.contract.problems import problem_body
from offload.api.jobs.results import open_result, read_part
from offload.api.state import AppState
from offload.api.transport.ranges import Part
from offload.errors import InternalError, JobNotFoundError
from offload.jobs.caller import Caller
from offload.jobs.interfaces import Member
from offload.jobs.model import State

MEDIA_TYPE = "application/jsonl"


class ResultLines(StreamingResponse):
    """Streams the lines. If the client disconnects, the file that is being copied is closed."""

    def __init__(self, state: AppState, caller: Caller, batch_id: str) -> None:
        self._lines = _lines(state, caller, batch_id)
        super().__init__(self._lines, headers={"Cache-Control": "no-store"}, media_type=MEDIA_TYPE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._lines):
            await super().__call__(scope, receive, send)


async def _lines(state: AppState, caller: Caller, batch_id: str) -> AsyncGenerator[bytes, None]:
    async for members in state.batches.members(batch_id):
        ready = bytearray()
        for member in members:
            source = state.service.result_source(member.job) if member.job.state is State.SUCCEEDED else b"null"
            if isinstance(source, bytes):
                before, after = line_around(member)
                ready += before + source + after
                continue
            if ready:
                yield bytes(ready)
                ready.clear()
            async for chunk in _line_of_file(state, caller, member, source):
                yield chunk
        if ready:
            yield bytes(ready)


async def _line_of_file(state: AppState, caller: Caller, member: Member, path: Path) -> AsyncIterator[bytes]:
    """Yields the line of a member whose result is in a file, in chunks; nothing if the job has been deleted."""
    try:
        descriptor, size = await open_result(state, caller, member.job, path)
    except InternalError as error:
        yield b"null".join(line_around(member, problem_body(error, None).decode()))
        return
    except JobNotFoundError:
        return
    try:
        before, after = line_around(member)
        yield before
        async for chunk in read_part(descriptor, Part(0, size)):
            yield chunk
        yield after
    finally:
        os.close(descriptor)
