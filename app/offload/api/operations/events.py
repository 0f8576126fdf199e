"""`GET /events`: every change of every job that the caller may see."""

import asyncio
from collections.abc import AsyncGenerator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel

from offload.api.contract.addresses import PREFIX
from offload.api.contract.openapi import problems
from offload.api.jobs.events import LastEventId
from offload.api.jobs.responses import job_bytes
from offload.api.jobs.views import JobView
from offload.api.state import AppState, Caller, Chunk, State
from offload.api.transport.event_stream import PING, EventStream, described, reference
from offload.jobs import caller as callers
from offload.jobs.changes.follow import QUIET_S
from offload.jobs.changes.log import SLICE, Change
from offload.jobs.model import Job

MAX_JOBS = 200
CHUNK_BYTES = 32 << 10
"""Approximate size of a chunk without its last job: the memory that a client that reads nothing holds."""

KEPT = 64
"""Chunks that are kept for other readers at the same position. Nearly always, all readers are at the same one."""

router = APIRouter(tags=["jobs"], default_response_class=StreamingResponse)


class Deleted(BaseModel):
    """A job that was deleted."""

    id: str


class Reset(BaseModel):
    """Some changes were missed: load everything again."""


@router.get(
    "/events",
    operation_id="events",
    summary="Follow all jobs",
    responses={
        **described(
            "`job` with the whole job at each change, `deleted` when a job is deleted, and `reset` when changes "
            "were missed and everything must be loaded again",
            job=reference(JobView),
            deleted=Deleted.model_json_schema(),
            reset=Reset.model_json_schema(),
        ),
        **problems(),
    },
)
async def events(state: State, caller: Caller, last_event_id: LastEventId = None) -> EventStream:
    """Streams the changes from now on. Open the stream first, then load the existing jobs by `GET /jobs`.

    Several changes of a job within 50 ms are one event; progress is sent at most ten times a second. The stream ends
    when the service stops. After `reset` (the service was restarted, or you were disconnected for minutes), load again.
    Owners see their own jobs, admins all jobs; when the key is removed, the stream ends.
    """
    return EventStream(_events(state, caller, last_event_id))


async def _events(state: AppState, caller: callers.Caller, last: str | None) -> AsyncGenerator[bytes, None]:
    feed = state.service.feed
    with feed.reading():
        position = feed.log.last if last is None else _position(feed.epoch, last)
        # With this id, a client that is disconnected before the first event can resume; browsers see no event.
        yield _frame(state, feed.log.last, None, None) if last is None else PING
        while not feed.closed and state.keyring.has(caller.owner, caller.key, admin=caller.admin):
            if position is None or not feed.log.knows(position):
                position = feed.log.last
                yield _frame(state, position, "reset", "{}")
            elif position < feed.upto:
                position, chunk = await _chunk(state, caller, position)
                if chunk:
                    yield chunk
                await asyncio.sleep(0)  # let other tasks run between chunks
            elif not await feed.wait(position, QUIET_S):
                yield _frame(state, position, None, None) + PING


def _position(epoch: str, event_id: str) -> int | None:
    """Returns the number in an event id of this service; None for any other id."""
    of, _, number = event_id.partition("-")
    return int(number) if of == epoch and number.isdecimal() and len(number) < 19 else None


async def _chunk(state: AppState, caller: callers.Caller, position: int) -> Chunk:
    """Returns the events after a position. Readers at the same position with the same rights share it."""
    kept, upto = state.chunks, state.service.feed.upto
    key = (upto, position, caller.only, PREFIX.get())
    if (chunk := kept.get(key)) is None:
        chunk = kept[key] = await _make_chunk(state, caller, position, upto)
        while len(kept) > KEPT:
            del kept[next(iter(kept))]
    return chunk


async def _make_chunk(state: AppState, caller: callers.Caller, position: int, upto: int) -> Chunk:
    log = state.service.feed.log
    upto = min(upto, position + SLICE)
    changes = [change for change in log.after(position, upto) if caller.sees(change.owner)]
    if len(changes) > MAX_JOBS:
        changes = changes[:MAX_JOBS]
        upto = changes[-1].number
    jobs = await state.service.get_many([change.job_id for change in changes if not change.gone])
    known = {job.id: job for job in jobs if job is not None}
    ready = bytearray()
    for change in changes:
        if len(ready) >= CHUNK_BYTES:
            return Chunk(position, bytes(ready))
        if log.is_newest(change):  # a newer change will be reported with its own number
            ready += _event(state, change, known.get(change.job_id))
        position = change.number
    return Chunk(upto, bytes(ready))


def _event(state: AppState, change: Change, job: Job | None) -> bytes:
    if job is None:
        return _frame(state, change.number, "deleted", f'{{"id":"{change.job_id}"}}')
    return _frame(state, change.number, "job", job_bytes(state, job).decode())


def _frame(state: AppState, number: int, event: str | None, data: str | None) -> bytes:
    return format_sse_event(event=event, data_str=data, id=f"{state.service.feed.epoch}-{number}")
