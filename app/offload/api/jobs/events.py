"""`GET /jobs/{id}/events` and `GET /batches/{id}/events`: server-sent events of a job or a batch."""

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
    str | None, Header(description="of the last event received, to resume after it", json_schema_extra=never_null)
]

Event = tuple[str, str, bytes] | None
"""Its name, id and data; None after a time without events."""


@router.get(
    "/jobs/{id}/events",
    tags=["jobs"],
    operation_id="job_events",
    summary="Follow a job",
    responses={
        **described(
            "A `job` event with the whole job, first as it is and then at each change, until it has ended",
            job=reference(JobView),
        ),
        **problems(JobNotFoundError, StorageFailedError),
    },
)
async def job_events(state: State, caller: Caller, job_id: JobId, last_event_id: LastEventId = None) -> EventStream:
    """Ends after the event with the final state, or when the service stops. A change is sent within about 0.1 s.

    If the client's key is removed, the stream ends.
    """
    await state.service.get(caller, job_id)  # once the stream has started, it is too late for a 404
    return EventStream(_new_events(state, caller, last_event_id, _of_job(state, caller, job_id)))


@router.get(
    "/batches/{id}/events",
    tags=["batches"],
    operation_id="batch_events",
    summary="Follow a batch",
    responses={
        **described(
            "A `batch` event with the whole batch, first as it is and then at each change, until it is done",
            batch=reference(BatchView),
        ),
        **problems(BatchNotFoundError, StorageFailedError),
    },
)
async def batch_events(
    state: State, caller: Caller, batch_id: BatchId, last_event_id: LastEventId = None
) -> EventStream:
    """Ends after the event with `done` true, or when the service stops. At most ten events a second.

    If the client's key is removed, the stream ends.
    """
    await state.batches.get(caller, batch_id)
    return EventStream(_new_events(state, caller, last_event_id, _of_batch(state, caller, batch_id)))


async def _new_events(
    state: AppState, caller: Caller, last: str | None, events: AsyncGenerator[Event, None]
) -> AsyncGenerator[bytes, None]:
    """Yields the events after `last`, until the key is removed or the job or batch is deleted."""
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
    """Returns an id of the job's state and progress. A client that resumes with it gets only later changes."""
    progress = state.service.progress(job) or NO_PROGRESS
    return hashlib.blake2b(repr((job.state, job.attempt, progress.reported)).encode(), digest_size=8).hexdigest()
