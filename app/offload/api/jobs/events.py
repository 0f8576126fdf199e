"""A job or a batch as a stream of server-sent events."""

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from offload.api.batches.views import BatchView
from offload.api.contract.openapi import problems
from offload.api.contract.queries import BatchId, JobId, never_null
from offload.api.jobs.responses import batch_bytes, job_bytes
from offload.api.jobs.views import JobView
from offload.api.state import AppState, Caller, State
from offload.api.transport.event_stream import PING, EventStream, described, reference
from offload.errors import BatchNotFoundError, JobNotFoundError, StorageFailedError
from offload.jobs.dispatch.live import NO_PROGRESS
from offload.jobs.model import Job

router = APIRouter(default_response_class=StreamingResponse)

LastEventId = Annotated[
    str | None, Header(description="of the last event seen, to go on after it", json_schema_extra=never_null)
]

Event = tuple[str, str, bytes] | None
"""Its name, its id and its data; None where there has been nothing to tell for a while."""


@router.get(
    "/jobs/{id}/events",
    tags=["jobs"],
    operation_id="job_events",
    summary="Follow a job",
    responses={
        **described(
            "A `job` event with the whole job at once and at each change, up to the terminal one",
            job=reference(JobView),
        ),
        **problems(JobNotFoundError, StorageFailedError),
    },
)
async def job_events(state: State, caller: Caller, job_id: JobId, last_event_id: LastEventId = None) -> EventStream:
    """Ends after the terminal event, or when the service stops. A change is seen within about 0.1 s.

    Who has no key any more is told nothing more.
    """
    await state.service.get(caller, job_id)  # a stream that has begun can't be answered 404 any more
    return EventStream(_unseen(state, caller, last_event_id, _of_job(state, caller, job_id)))


@router.get(
    "/batches/{id}/events",
    tags=["batches"],
    operation_id="batch_events",
    summary="Follow a batch",
    responses={
        **described(
            "A `batch` event with the whole batch at once and at each change, until it is done",
            batch=reference(BatchView),
        ),
        **problems(BatchNotFoundError, StorageFailedError),
    },
)
async def batch_events(
    state: State, caller: Caller, batch_id: BatchId, last_event_id: LastEventId = None
) -> EventStream:
    """Ends after the event that says it is done, or when the service stops. At most ten events a second.

    Who has no key any more is told nothing more.
    """
    await state.batches.get(caller, batch_id)
    return EventStream(_unseen(state, caller, last_event_id, _of_batch(state, caller, batch_id)))


async def _unseen(
    state: AppState, caller: Caller, last: str | None, events: AsyncGenerator[Event, None]
) -> AsyncGenerator[bytes, None]:
    """Those that the client has not had yet, until it has no key any more or what it follows is deleted."""
    try:
        async with aclosing(events):
            async for event in events:
                if not state.keyring.has(caller.owner, caller.key, admin=caller.admin):
                    return
                if event is None:
                    yield PING
                elif event[1] != last:
                    name, last, data = event
                    yield format_sse_event(event=name, id=last, data_str=data.decode())
    except (JobNotFoundError, BatchNotFoundError):
        return


async def _of_job(state: AppState, caller: Caller, job_id: str) -> AsyncGenerator[Event, None]:
    async with aclosing(state.service.follow(caller, job_id)) as jobs:
        async for job in jobs:
            yield None if job is None else ("job", event_id(state, job), job_bytes(state, job))


async def _of_batch(state: AppState, caller: Caller, batch_id: str) -> AsyncGenerator[Event, None]:
    async with aclosing(state.batches.follow(caller, batch_id)) as batches:
        async for batch in batches:
            if batch is None:
                yield None
                continue
            body = batch_bytes(state, batch)
            yield "batch", hashlib.blake2b(body, digest_size=8).hexdigest(), body


def event_id(state: AppState, job: Job) -> str:
    """Names what has been told, so that who comes back with it is told what is new: neither a gap nor a double."""
    progress = state.service.progress(job) or NO_PROGRESS
    return hashlib.blake2b(repr((job.state, job.attempt, progress.reported)).encode(), digest_size=8).hexdigest()
