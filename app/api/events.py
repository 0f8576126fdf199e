"""A job or a batch as a stream of server-sent events, framed and kept alive by FastAPI."""

import hashlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.api.answers import batch_bytes, job_bytes
from app.api.openapi import problems
from app.api.queries import BatchId, JobId, never_null
from app.api.state import AppState, Caller, State
from app.errors import BatchNotFoundError, JobNotFoundError, StorageFailedError
from app.jobs.model import Job

router = APIRouter()

LastEventId = Annotated[
    str | None, Header(description="of the last event seen, to go on after it", json_schema_extra=never_null)
]


async def known_job(state: State, caller: Caller, job_id: JobId) -> str:
    """The id, if there is such a job: a stream that has begun can't be answered 404 any more."""
    return (await state.service.get(caller, job_id)).id


async def known_batch(state: State, caller: Caller, batch_id: BatchId) -> str:
    """The same for a batch."""
    return (await state.batches.get(caller, batch_id)).id


@router.get(
    "/jobs/{id}/events",
    tags=["jobs"],
    operation_id="job_events",
    summary="Follow a job",
    response_class=EventSourceResponse,
    response_description="A `job` event with the whole job at once and at each change, up to the terminal one",
    responses=problems(JobNotFoundError, StorageFailedError),
)
async def job_events(
    state: State, caller: Caller, job_id: Annotated[str, Depends(known_job)], last_event_id: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    """Ends after the terminal event, or when the service stops. A change is seen within about 0.1 s.

    Who has no key any more is told nothing more.
    """
    async for event in _unseen(state, caller, last_event_id, _of_job(state, caller, job_id)):
        yield event


@router.get(
    "/batches/{id}/events",
    tags=["batches"],
    operation_id="batch_events",
    summary="Follow a batch",
    response_class=EventSourceResponse,
    response_description="A `batch` event with the whole batch at once and at each change, until it is done",
    responses=problems(BatchNotFoundError, StorageFailedError),
)
async def batch_events(
    state: State, caller: Caller, batch_id: Annotated[str, Depends(known_batch)], last_event_id: LastEventId = None
) -> AsyncIterator[ServerSentEvent]:
    """Ends after the event that says it is done, or when the service stops. At most ten events a second.

    Who has no key any more is told nothing more.
    """
    async for event in _unseen(state, caller, last_event_id, _of_batch(state, caller, batch_id)):
        yield event


async def _unseen(
    state: AppState, caller: Caller, last: str | None, events: AsyncIterator[ServerSentEvent]
) -> AsyncIterator[ServerSentEvent]:
    """Those that the client has not had yet, until it has no key any more or what it follows is deleted."""
    try:
        async for event in events:
            if not state.keyring.has(caller.owner, admin=caller.admin):
                return
            if event.id != last:
                last = event.id
                yield event
    except (JobNotFoundError, BatchNotFoundError):
        return


async def _of_job(state: AppState, caller: Caller, job_id: str) -> AsyncIterator[ServerSentEvent]:
    async for job in state.service.follow(caller, job_id):
        yield ServerSentEvent(event="job", id=event_id(state, job), raw_data=job_bytes(state, job).decode())


async def _of_batch(state: AppState, caller: Caller, batch_id: str) -> AsyncIterator[ServerSentEvent]:
    async for batch in state.batches.follow(caller, batch_id):
        body = batch_bytes(state, batch)
        event = hashlib.blake2b(body, digest_size=8).hexdigest()
        yield ServerSentEvent(event="batch", id=event, raw_data=body.decode())


def event_id(state: AppState, job: Job) -> str:
    """Names what has been told, so that who comes back with it is told what is new: neither a gap nor a double."""
    progress = state.service.progress(job)
    told = (job.state, job.attempt, progress and (progress.done, progress.total, progress.unit, progress.note))
    return hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()
