"""`/jobs`: get, list, cancel and delete jobs."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, FastAPI, Header, Query, Response

from offload.api.contract.openapi import ETAG, RETRY, problems
from offload.api.contract.queries import JobId, ListQuery, PollQuery, read_query, strictly
from offload.api.jobs.responses import job_bytes, job_response, page_response, poll_response
from offload.api.jobs.views import JobsView, JobView
from offload.api.state import Caller, State
from offload.api.transport.fast_path import FastRequest, FastRoute
from offload.errors import (
    InvalidParametersError,
    JobFinishedError,
    JobLiveError,
    JobNotFoundError,
    StorageFailedError,
    StorageFullError,
)
from offload.jobs.interfaces import JobFilter

NO_WAIT = PollQuery()

AT_ONCE = 100
"""Jobs rendered for a page before other requests are processed again: about a millisecond."""

router = APIRouter(tags=["jobs"])


def add_poll_route(app: FastAPI) -> None:
    """Adds `GET /jobs/{id}`."""
    app.router.routes.append(
        FastRoute(
            "/jobs/{id}",
            get_job,
            arguments=_arguments,
            methods=["GET"],
            tags=["jobs"],
            operation_id="get_job",
            summary="Get a job, or wait for it",
            response_model=JobView,
            response_description="The job, also if it has failed",
            responses={
                200: {"headers": {**ETAG, **RETRY}},
                304: {"description": "Not modified", "headers": ETAG},
                **problems(JobNotFoundError, InvalidParametersError),
            },
        )
    )


async def get_job(
    *,
    state: State,
    caller: Caller,
    job_id: JobId,
    query: Annotated[PollQuery, Query()],
    if_none_match: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """The job as it is now; with `wait`, as soon as it has ended."""
    if query.wait:
        job = await state.service.wait(caller, job_id, query.wait)
    else:
        job = await state.service.get(caller, job_id)
    return poll_response(job_bytes(state, job), if_none_match, final=job.state.terminal)


def _arguments(request: FastRequest) -> Mapping[str, object]:
    return {
        "state": request.state,
        "caller": request.caller,
        "job_id": request.last,
        "query": read_query(PollQuery, request.query) if request.query else NO_WAIT,
        "if_none_match": request.text(b"if-none-match"),
    }


@router.get(
    "/jobs",
    dependencies=[strictly(ListQuery)],
    operation_id="list_jobs",
    summary="List jobs, newest first",
    response_model=JobsView,
    responses=problems(InvalidParametersError),
)
async def list_jobs(state: State, caller: Caller, query: Annotated[ListQuery, Query()]) -> Response:
    """One page; `next` is the `cursor` of the next page. A page of large jobs may have fewer than `limit` jobs."""
    where = JobFilter(
        states=frozenset(query.state),
        task=query.task,
        label=query.label,
        batch_id=query.batch,
        created_after=query.created_after,
        created_before=query.created_before,
    )
    page = await state.service.list(caller, where, query.limit, query.cursor)
    jobs: list[bytes] = []
    for job in page.jobs:
        if len(jobs) % AT_ONCE == AT_ONCE - 1:
            await asyncio.sleep(0)
        jobs.append(job_bytes(state, job))
    return page_response(b"jobs", jobs, page.next)


@router.post(
    "/jobs/{id}/cancel",
    operation_id="cancel_job",
    summary="Cancel a job",
    response_model=JobView,
    response_description="The cancelled job; its process has ended",
    responses=problems(JobNotFoundError, JobFinishedError, StorageFailedError, StorageFullError),
)
async def cancel_job(state: State, caller: Caller, job_id: JobId) -> Response:
    """Cancels a queued or running job. A job that is already cancelled is returned unchanged."""
    return job_response(state, await state.service.cancel(caller, job_id), 200)


@router.delete(
    "/jobs/{id}",
    operation_id="delete_job",
    summary="Delete a job",
    status_code=204,
    response_description="The job, its result and its upload are deleted",
    responses=problems(JobNotFoundError, JobLiveError, StorageFailedError, StorageFullError),
)
async def delete_job(state: State, caller: Caller, job_id: JobId) -> Response:
    """Deletes a job that has ended, with its result and its upload."""
    await state.service.delete(caller, job_id)
    return Response(status_code=204)
