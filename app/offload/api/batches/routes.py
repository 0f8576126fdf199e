"""`/batches`: submit, get, list, cancel and delete batches, and fetch their results."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from offload.api.batches.body import ReadContext, read_batch
from offload.api.batches.results import MEDIA_TYPE, ResultLines
from offload.api.batches.views import BatchesView, BatchView
from offload.api.contract.openapi import ACCEPTING, ETAG, EXAMINING, READING, RETRY, accepted, problems
from offload.api.contract.queries import BatchId, PageQuery, PollQuery, strictly
from offload.api.contract.request_headers import KeyHeader, PreferHeader, checked_key
from offload.api.jobs.responses import (
    accepted_batch_response,
    batch_bytes,
    batch_response,
    page_response,
    poll_response,
)
from offload.api.state import Caller, State
from offload.api.transport.request_body import read_json
from offload.errors import (
    BatchNotFoundError,
    InvalidParametersError,
    JobLiveError,
    StorageFailedError,
    StorageFullError,
)
from offload.jobs.acceptance.batches import BatchSubmission, Members

MAX_BYTES = 16 << 20
"""The limit of the body: 1,600 bytes for each of ten thousand jobs."""

EXAMPLE = '{"jobs": [{"task": "fibonacci", "params": {"n": 30}}]}'

BATCH_ACCEPTED = {**accepted(BatchView, "batch"), **problems(*READING, *EXAMINING, *ACCEPTING)}
"""The responses of a call that submits a batch."""

router = APIRouter(tags=["batches"])


@router.post(
    "/batches", operation_id="submit_batch", summary="Submit a batch of jobs", status_code=202, responses=BATCH_ACCEPTED
)
async def submit_batch(
    request: Request,
    state: State,
    caller: Caller,
    idempotency_key: KeyHeader = None,
    prefer: PreferHeader = None,
) -> Response:
    """Jobs of any tasks: all are accepted, or none. The most expensive job starts first."""
    settings = state.settings
    key = checked_key(idempotency_key)
    body = await read_json(request, max_bytes=MAX_BYTES, within_s=settings.body_timeout_s, example=EXAMPLE)
    context = ReadContext(registry=state.registry, owner=caller.owner, most=settings.body_max_kb * 1024)
    read = await read_batch(body, context)
    members = Members(submissions=read.members)
    submission = BatchSubmission(members=members, labels=read.labels, owner=caller.owner, key=key)
    return await accepted_batch_response(state, await state.batches.submit(submission), caller, prefer)


@router.get(
    "/batches",
    dependencies=[strictly(PageQuery)],
    operation_id="list_batches",
    summary="List batches, newest first",
    response_model=BatchesView,
    responses=problems(InvalidParametersError, StorageFailedError),
)
async def list_batches(state: State, caller: Caller, query: Annotated[PageQuery, Query()]) -> Response:
    """One page; `next` is the `cursor` of the next page."""
    page = await state.batches.list(caller, query.limit, query.cursor)
    return page_response(b"batches", [batch_bytes(state, batch) for batch in page.batches], page.next)


@router.get(
    "/batches/{id}",
    dependencies=[strictly(PollQuery)],
    operation_id="get_batch",
    summary="Get a batch, or wait for it",
    response_model=BatchView,
    responses={
        200: {"headers": {**ETAG, **RETRY}},
        304: {"description": "Not modified", "headers": ETAG},
        **problems(BatchNotFoundError, InvalidParametersError, StorageFailedError),
    },
)
async def get_batch(
    state: State,
    caller: Caller,
    batch_id: BatchId,
    query: Annotated[PollQuery, Query()],
    if_none_match: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """The batch as it is now; with `wait`, as soon as it is done."""
    if query.wait:
        batch = await state.batches.wait(caller, batch_id, query.wait)
    else:
        batch = await state.batches.get(caller, batch_id)
    return poll_response(batch_bytes(state, batch), if_none_match, final=batch.done)


@router.get(
    "/batches/{id}/results",
    operation_id="batch_results",
    summary="Fetch all results",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "A line for each job, in the order of submission, with `index`, `id`, `task`, `state`, the "
            "whole `result`, `result_bytes` and `error`. `result` is null unless the job has succeeded",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        },
        **problems(BatchNotFoundError, StorageFailedError),
    },
)
async def batch_results(state: State, caller: Caller, batch_id: BatchId) -> Response:
    """A stream of JSON lines. Each line has the current state of a job; deleted jobs are left out."""
    return ResultLines(state, caller, (await state.batches.get(caller, batch_id)).id)


@router.post(
    "/batches/{id}/cancel",
    operation_id="cancel_batch",
    summary="Cancel a batch",
    response_model=BatchView,
    response_description="The batch; none of its jobs is queued or running",
    responses=problems(BatchNotFoundError, StorageFailedError, StorageFullError),
)
async def cancel_batch(state: State, caller: Caller, batch_id: BatchId) -> Response:
    """Cancels all of its queued and running jobs. A batch that is done is returned unchanged."""
    return batch_response(state, await state.batches.cancel(caller, batch_id), 200)


@router.delete(
    "/batches/{id}",
    operation_id="delete_batch",
    summary="Delete a batch",
    status_code=204,
    response_description="The batch, its jobs, their results and uploads are deleted",
    responses=problems(BatchNotFoundError, JobLiveError, StorageFailedError, StorageFullError),
)
async def delete_batch(state: State, caller: Caller, batch_id: BatchId) -> Response:
    """Deletes a batch that is done, with all of its jobs."""
    await state.batches.delete(caller, batch_id)
    return Response(status_code=204)
