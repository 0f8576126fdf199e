"""`GET /jobs/{id}/events`: a job as a stream of server-sent events, framed and kept alive by FastAPI."""

import hashlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.api.answers import job_bytes
from app.api.openapi import problems
from app.api.queries import JobId, never_null
from app.api.state import AppState, Caller, State
from app.errors import JobNotFoundError, StorageFailedError
from app.jobs.model import Job

router = APIRouter(tags=["jobs"])


async def known_job(state: State, caller: Caller, job_id: JobId) -> str:
    """The id, if there is such a job: a stream that has begun can't be answered 404 any more."""
    return (await state.service.get(caller, job_id)).id


@router.get(
    "/jobs/{id}/events",
    operation_id="job_events",
    summary="Follow a job",
    response_class=EventSourceResponse,
    response_description="A `job` event with the whole job at once and at each change, up to the terminal one",
    responses=problems(JobNotFoundError, StorageFailedError),
)
async def job_events(
    state: State,
    caller: Caller,
    job_id: Annotated[str, Depends(known_job)],
    last_event_id: Annotated[
        str | None, Header(description="of the last event seen, to go on after it", json_schema_extra=never_null)
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Ends after the terminal event, or when the service stops. A change is seen within about 0.1 s.

    Who has no key any more is told nothing more.
    """
    seen = last_event_id
    try:
        async for job in state.service.follow(caller, job_id):
            if not state.keyring.has(caller.owner, admin=caller.admin):
                return  # its last key was taken out meanwhile
            event = event_id(state, job)
            if event != seen:
                seen = event
                yield ServerSentEvent(event="job", id=event, raw_data=job_bytes(state, job).decode())
    except JobNotFoundError:  # deleted, after it had ended
        return


def event_id(state: AppState, job: Job) -> str:
    """Names what has been told, so that who comes back with it is told what is new: neither a gap nor a double."""
    progress = state.service.progress(job)
    told = (job.state, job.attempt, progress and (progress.done, progress.total, progress.unit, progress.note))
    return hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()
