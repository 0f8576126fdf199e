"""`GET /batches/{id}/events`: a batch as a stream of server-sent events, as a job's."""

import hashlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.api.batches import batch_bytes
from app.api.openapi import problems
from app.api.queries import BatchId, never_null
from app.api.state import Caller, State
from app.errors import BatchNotFoundError, StorageFailedError

router = APIRouter(tags=["batches"])


async def known_batch(state: State, caller: Caller, batch_id: BatchId) -> str:
    """The id, if there is such a batch: a stream that has begun can't be answered 404 any more."""
    return (await state.batches.get(caller, batch_id)).id


@router.get(
    "/batches/{id}/events",
    operation_id="batch_events",
    summary="Follow a batch",
    response_class=EventSourceResponse,
    response_description="A `batch` event with the whole batch at once and at each change, until it is done",
    responses=problems(BatchNotFoundError, StorageFailedError),
)
async def batch_events(
    state: State,
    caller: Caller,
    batch_id: Annotated[str, Depends(known_batch)],
    last_event_id: Annotated[
        str | None, Header(description="of the last event seen, to go on after it", json_schema_extra=never_null)
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Ends after the event that says it is done, or when the service stops. At most ten events a second.

    Who has no key any more is told nothing more.
    """
    seen = last_event_id
    try:
        async for batch in state.batches.follow(caller, batch_id):
            if not state.keyring.has(caller.owner, admin=caller.admin):
                return  # its last key was taken out meanwhile
            body = batch_bytes(state, batch)
            event = hashlib.blake2b(body, digest_size=8).hexdigest()
            if event != seen:
                seen = event
                yield ServerSentEvent(event="batch", id=event, raw_data=body.decode())
    except BatchNotFoundError:  # deleted, after it was done
        return
