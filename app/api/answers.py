"""A job as an HTTP answer."""

import hashlib

from app.api.lean import Header, ReadyResponse
from app.api.state import AppState
from app.api.views import render_job
from app.jobs.model import Job, State

JSON = (b"content-type", b"application/json")
REVALIDATE = (b"cache-control", b"private, no-cache")
"""May be kept, but must be asked for again: that is what the `ETag` is for."""
LIVE = (b"cache-control", b"no-store")
AGAIN = (b"retry-after", b"1")


def job_bytes(state: AppState, job: Job) -> bytes:
    """The job as it is at this moment."""
    service = state.service
    position = service.position(job)
    if position is None and job.state is State.QUEUED:
        position = 0  # it has left the queue since this record of it was made
    return render_job(job, progress=service.progress(job), position=position, now=state.clock())


def job_response(state: AppState, job: Job, status: int, *headers: Header) -> ReadyResponse:
    """The job, with `Retry-After` as long as it is not terminal."""
    polite = () if job.state.terminal else (AGAIN,)
    return ReadyResponse(status, job_bytes(state, job), JSON, REVALIDATE, *polite, *headers)


def etag(body: bytes) -> bytes:
    """A strong entity tag of these bytes."""
    return b'"%s"' % hashlib.blake2b(body, digest_size=12).hexdigest().encode()


def none_match(if_none_match: str | None, tag: bytes) -> bool:
    """True where `If-None-Match` names the tag, by weak comparison (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    tags = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return "*" in tags or tag.decode() in tags
