"""`GET /events`: every change of every job that the caller may see."""

import asyncio
from collections.abc import AsyncGenerator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event
from pydantic import BaseModel

from offload.api.contract.openapi import problems
from offload.api.jobs.events import LastEventId
from offload.api.jobs.responses import job_bytes
from offload.api.jobs.views import JobView
from offload.api.state import AppState, Caller, Piece, State
from offload.api.transport.event_stream import PING, EventStream, described, reference
from offload.jobs.caller import Caller as Known
from offload.jobs.changes.follow import QUIET_S
from offload.jobs.changes.log import AT_ONCE, Change
from offload.jobs.model import Job

JOBS_AT_ONCE = 200
PIECE_BYTES = 32 << 10
"""About how much one piece may be, without its last job: what a reader that does not read holds in memory."""

KEPT = 64
"""Pieces that are kept for other readers at the same position. Nearly always all are at one, and see all or nothing."""

router = APIRouter(tags=["jobs"], default_response_class=StreamingResponse)


class Deleted(BaseModel):
    """A job that is no more."""

    id: str


class Reset(BaseModel):
    """What was missed can't be told."""


@router.get(
    "/events",
    operation_id="events",
    summary="Follow all jobs",
    responses={
        **described(
            "A `job` event with the whole job at each change, `deleted` where it is forgotten, and `reset` where what "
            "was missed can't be told any more",
            job=reference(JobView),
            deleted=Deleted.model_json_schema(),
            reset=Reset.model_json_schema(),
        ),
        **problems(),
    },
)
async def events(state: State, caller: Caller, last_event_id: LastEventId = None) -> EventStream:
    """Begins with what changes from now on, so open it first and then load what there is by `GET /jobs`.

    A job that changes several times within 50 ms is told once, as it is then; a job's progress at most ten times a
    second. Goes on until the service stops. After `reset` (the service was started again, or you were away for
    minutes), load again. Owners are told of their own jobs, admins of all; who has no key any more, of nothing more.
    """
    return EventStream(_events(state, caller, last_event_id))


async def _events(state: AppState, caller: Known, last: str | None) -> AsyncGenerator[bytes, None]:
    feed = state.service.feed
    with feed.reading():
        position = feed.log.last if last is None else _position(feed.epoch, last)
        # Who is cut off before the first event knows by this where to go on; it is no event to a browser.
        yield _frame(state, feed.log.last, None, None) if last is None else PING
        while not feed.closed and state.keyring.has(caller.owner, caller.key, admin=caller.admin):
            if position is None or not feed.log.knows(position):
                position = feed.log.last
                yield _frame(state, position, "reset", "{}")
            elif position < feed.upto:
                position, piece = await _piece(state, caller, position)
                if piece:
                    yield piece
                await asyncio.sleep(0)  # for others, where there is much to tell
            elif not await feed.wait(position, QUIET_S):
                yield _frame(state, position, None, None) + PING


def _position(epoch: str, event_id: str) -> int | None:
    """The number in the id of an event of this service; None where it is none."""
    of, _, number = event_id.partition("-")
    return int(number) if of == epoch and number.isdecimal() and len(number) < 19 else None


async def _piece(state: AppState, caller: Known, position: int) -> Piece:
    """What there is to tell after a position. The same for all who are there and may see the same: made once."""
    kept, upto = state.pieces, state.service.feed.upto
    key = (upto, position, caller.only)
    if (piece := kept.get(key)) is None:
        piece = kept[key] = await _make(state, caller, position, upto)
        while len(kept) > KEPT:
            del kept[next(iter(kept))]
    return piece


async def _make(state: AppState, caller: Known, position: int, upto: int) -> Piece:
    log = state.service.feed.log
    upto = min(upto, position + AT_ONCE)
    changes = [change for change in log.after(position, upto) if caller.sees(change.owner)]
    if len(changes) > JOBS_AT_ONCE:
        changes = changes[:JOBS_AT_ONCE]
        upto = changes[-1].number
    jobs = await state.service.now([change.job_id for change in changes if not change.gone])
    known = {job.id: job for job in jobs if job is not None}
    ready = bytearray()
    for change in changes:
        if len(ready) >= PIECE_BYTES:
            return Piece(position, bytes(ready))
        if log.is_newest(change):  # or it has changed while old ones were read, and is told then
            ready += _told(state, change, known.get(change.job_id))
        position = change.number
    return Piece(upto, bytes(ready))


def _told(state: AppState, change: Change, job: Job | None) -> bytes:
    if job is None:
        return _frame(state, change.number, "deleted", f'{{"id":"{change.job_id}"}}')
    return _frame(state, change.number, "job", job_bytes(state, job).decode())


def _frame(state: AppState, number: int, event: str | None, data: str | None) -> bytes:
    return format_sse_event(event=event, data_str=data, id=f"{state.service.feed.epoch}-{number}")
