"""From a submission to its answer, the same for every way to submit."""

from fastapi import Response

from app.api.answers import job_response
from app.api.lean import Header
from app.api.preferences import preferred_wait
from app.api.state import AppState, Caller
from app.jobs.admission import Submission
from app.jobs.service import Accepted


async def submit(state: AppState, submission: Submission) -> Accepted:
    """Submits, one request at a time for each idempotency key."""
    if submission.key is None:
        return await state.service.submit(submission)
    async with state.service.keys.hold(submission.owner, submission.key):
        return await state.service.submit(submission)


async def answer(state: AppState, accepted: Accepted, caller: Caller, prefer: str | None) -> Response:
    """202 with the job; 200 where the client preferred to wait and the job became terminal meanwhile."""
    job = accepted.job
    headers: list[Header] = [(b"location", f"/jobs/{job.id}".encode())]
    if accepted.replayed:
        headers.append((b"idempotency-replayed", b"true"))
    wait = preferred_wait(prefer) if prefer else None
    if wait is None:
        return job_response(state, job, 202, *headers)
    headers.append((b"preference-applied", b"wait=%d" % wait))
    job = await state.service.wait(caller, job.id, wait)
    return job_response(state, job, 200 if job.state.terminal else 202, *headers)
