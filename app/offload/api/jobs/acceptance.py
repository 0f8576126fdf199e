"""From a submission to its answer, the same for every way to submit a job or a batch."""

from fastapi import Response

from offload.api.contract.request_headers import preferred_wait
from offload.api.jobs.responses import batch_response, job_response
from offload.api.state import AppState, Caller
from offload.api.transport.fast_path import Header
from offload.jobs.acceptance.batches import AcceptedBatch
from offload.jobs.acceptance.jobs import AcceptedJob


async def answer(state: AppState, accepted: AcceptedJob, caller: Caller, prefer: str | None) -> Response:
    """202 with the job; 200 where the client preferred to wait and the job became terminal meanwhile."""
    job = accepted.job
    headers, wait = _promised(f"/jobs/{job.id}", accepted.replayed, prefer)
    if wait is None:
        return job_response(state, job, 202, *headers)
    job = await state.service.wait(caller, job.id, wait)
    return job_response(state, job, 200 if job.state.terminal else 202, *headers)


async def answer_batch(state: AppState, accepted: AcceptedBatch, caller: Caller, prefer: str | None) -> Response:
    """202 with the batch; 200 where the client preferred to wait and it was done meanwhile."""
    batch = accepted.batch
    headers, wait = _promised(f"/batches/{batch.id}", accepted.replayed, prefer)
    if wait is None:
        return batch_response(state, batch, 202, *headers)
    batch = await state.batches.wait(caller, batch.id, wait)
    return batch_response(state, batch, 200 if batch.done else 202, *headers)


def _promised(path: str, replayed: bool, prefer: str | None) -> tuple[list[Header], int | None]:
    """The headers of the answer, and for how many seconds the client prefers to wait; None: not at all."""
    headers: list[Header] = [(b"location", path.encode())]
    if replayed:
        headers.append((b"idempotency-replayed", b"true"))
    wait = preferred_wait(prefer) if prefer else None
    if wait is not None:
        headers.append((b"preference-applied", b"wait=%d" % wait))
    return headers, wait
